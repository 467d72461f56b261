//===- xfer-reference.cpp - evaluates a function of nn operations on seeded inputs -------------------------------===//

#include "Reference.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace xfer::reference;
namespace cl = llvm::cl;

static cl::opt<std::string> file(cl::Positional, cl::desc("FILE.mlir"), cl::init("-"));
static cl::opt<std::string> name("function", cl::desc("the function to evaluate (default: the first)"));
static cl::opt<uint64_t> seed("seed", cl::desc("of the inputs; input i uses seed + i"), cl::init(1));
static cl::opt<double> low("low", cl::desc("lower bound of random floats"), cl::init(-1));
static cl::opt<double> high("high", cl::desc("upper bound of random floats"), cl::init(1));
static cl::opt<bool> doublePrecision("double", cl::desc("do not round floats to their type"));

static void print(unsigned number, const HostTensor &tensor) {
  llvm::outs() << "result " << number << ": " << RankedTensorType::get(tensor.shape, tensor.element) << "\n";
  int64_t line = tensor.rank() ? std::max<int64_t>(tensor.shape.back(), 1) : 1;
  for (int64_t i = 0; i < tensor.size(); ++i)
    llvm::outs() << llvm::format("%.6g", tensor.values[i] + 0.0) << ((i + 1) % line ? " " : "\n");
}

int main(int argc, char **argv) {
  cl::ParseCommandLineOptions(argc, argv, "Evaluates nn functions plainly\n");
  DialectRegistry registry;
  registry.insert<xfer::nn::NNDialect, func::FuncDialect>();
  MLIRContext context(registry);
  auto module = parseSourceFile<ModuleOp>(file, &context);
  if (!module)
    return 1;
  func::FuncOp function;
  for (func::FuncOp candidate : module->getOps<func::FuncOp>())
    if (!function && (name.empty() || candidate.getName() == name))
      function = candidate;
  if (!function) {
    llvm::errs() << "no function '" << name << "' in " << file << "\n";
    return 1;
  }
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(randomTensor(type, seed + inputs.size(), low, high));
  auto results = evaluate(function, inputs, {doublePrecision});
  if (failed(results))
    return 1;
  for (auto [number, tensor] : llvm::enumerate(*results))
    print(number, tensor);
  return 0;
}
