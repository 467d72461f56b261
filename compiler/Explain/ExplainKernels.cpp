#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Explain/Explain.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>

using namespace mlir;

namespace xfer {

/// "tile 12 x 2 vectors, rhs packed, 4 splits"; of several contractions, the tiles.
static std::string describe(DictionaryAttr schedule) {
  if (auto phases = schedule.getAs<ArrayAttr>("phases")) {
    std::string text;
    for (auto phase : phases.getAsRange<DictionaryAttr>())
      text += (text.empty() ? "" : "; ") + describe(phase);
    return text;
  }
  auto number = [&](llvm::StringRef knob) { return schedule.getAs<IntegerAttr>(knob).getInt(); };
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << "tile " << number("rows") << " x " << number("vectors") << " vectors";
  if (schedule.getAs<BoolAttr>("pack").getValue())
    stream << ", rhs packed";
  stream << ", blocks of " << number("row_block") << " x " << number("column_block");
  if (number("splits") > 1)
    stream << ", sums in " << number("splits") << " parts";
  return text;
}

/// "loop -> tensor<64xf32>: add mul x2 reduce"
static std::string describe(nn::KernelOp kernel) {
  std::map<std::string, unsigned> operations;
  for (Operation &op : kernel.getBody().front().without_terminator())
    if (!llvm::isa<nn::ConstantOp, nn::BroadcastOp, nn::ReshapeOp>(op))
      ++operations[op.getName().stripDialect().str()];
  std::string text;
  llvm::raw_string_ostream stream(text);
  stream << nn::stringifyKernelKind(kernel.getKind()) << " -> ";
  llvm::interleaveComma(kernel.getResultTypes(), stream);
  stream << ":";
  for (auto &[name, count] : operations) {
    stream << " " << name;
    if (count > 1)
      stream << " x" << count;
  }
  if (kernel.getSchedule())
    stream << "  [" << describe(*kernel.getSchedule()) << "]";
  return text;
}

void explainKernels(llvm::raw_ostream &os, ModuleOp program) {
  for (auto function : program.getOps<func::FuncOp>()) {
    std::map<std::string, unsigned> counted;
    std::vector<std::string> order;
    function.walk([&](nn::KernelOp kernel) {
      std::string text = describe(kernel);
      if (!counted[text]++)
        order.push_back(text);
    });
    os << "  " << function.getSymName() << "\n";
    for (const std::string &text : order) {
      os << "    ";
      if (counted[text] > 1)
        os << counted[text] << " times ";
      os << text << "\n";
    }
  }
}

} // namespace xfer
