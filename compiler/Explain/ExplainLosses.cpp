#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Explain/Explain.h"
#include "llvm/ADT/DenseMap.h"
#include <map>

using namespace mlir;

namespace xfer {

namespace {
/// In which sense a value moves a loss: with it, against it (through a reversed gradient), or both on different paths.
enum Sense : unsigned { Unreached = 0, With = 1, Against = 2 };
} // namespace

/// The senses in which each value that a gradient path reaches acts on `loss`.
static llvm::DenseMap<Value, unsigned> senses(Value loss) {
  llvm::DenseMap<Value, unsigned> known;
  SmallVector<std::pair<Value, unsigned>> work{{loss, With}};
  while (!work.empty()) {
    auto [value, sense] = work.pop_back_val();
    if ((known[value] & sense) == sense)
      continue;
    known[value] |= sense;
    Operation *op = value.getDefiningOp();
    auto rule = llvm::dyn_cast_or_null<nn::NNOpInterface>(op);
    if (!rule)
      continue;
    unsigned next = sense;
    // reverse_gradient(x, scale: s) is scale_gradient by -s.
    if (auto scaled = llvm::dyn_cast<nn::ScaleGradientOp>(op)) {
      Operation *scale = scaled.getScale().getDefiningOp();
      DenseElementsAttr constant;
      bool negative = llvm::isa_and_nonnull<nn::NegOp>(scale);
      if (scale && matchPattern(scale, m_Constant(&constant)) && llvm::isa<FloatType>(constant.getElementType()))
        negative = constant.getSplatValue<APFloat>().isNegative();
      if (negative)
        next = (sense & With ? unsigned(Against) : 0u) | (sense & Against ? unsigned(With) : 0u);
    }
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (rule.getDerivativeKind(i) == nn::DerivativeKind::Some)
        work.push_back({operand, next});
  }
  return known;
}

/// The part of the model that a path belongs to: its first two steps.
static std::string partOf(llvm::StringRef path) {
  size_t first = path.find('.');
  size_t second = first == llvm::StringRef::npos ? first : path.find_first_of(".[", first + 1);
  return path.substr(0, second).str();
}

void explainLosses(llvm::raw_ostream &os, ModuleOp program) {
  for (auto stage : program.getOps<pipeline::StageOp>()) {
    auto phase = llvm::cast<pipeline::PhaseAttr>(stage.getPhases().getValue().back());
    auto step = program.lookupSymbol<func::FuncOp>(phase.getFunction());
    if (!step || step.empty())
      continue;
    os << "Losses of " << stage.getName() << "\n";
    // The values of parameters as the step found them, and who is trained by which gradient.
    llvm::DenseMap<Value, std::string> parameters;
    for (unsigned i = 0; i < step.getNumArguments(); ++i)
      if (auto bind = pipeline::getArgumentBind(step, i); bind && bind.getKind() == pipeline::BindKind::Param)
        parameters[step.getArgument(i)] = bind.getName().str();
    llvm::DenseSet<Value> trained;
    step.walk([&](nn::GradientOp gradient) {
      for (Value value : gradient.getWrt())
        trained.insert(value);
    });
    auto returned = llvm::cast<func::ReturnOp>(step.front().getTerminator());
    for (unsigned i = 0; i < step.getNumResults(); ++i) {
      auto bind = pipeline::getResultBind(step, i);
      if (!bind || bind.getKind() != pipeline::BindKind::Watch)
        continue;
      llvm::DenseMap<Value, unsigned> reached = senses(returned.getOperand(i));
      std::map<std::string, unsigned> parts;
      for (auto &[value, path] : parameters)
        if (trained.contains(value))
          parts[partOf(path)] |= reached.lookup(value);
      std::string minimise, maximise, both, none;
      for (auto &[part, sense] : parts) {
        std::string &list = sense == Unreached ? none : sense == With ? minimise : sense == Against ? maximise : both;
        list += (list.empty() ? "" : ", ") + part;
      }
      os << "  " << bind.getName() << ":";
      llvm::StringRef separator = " ";
      auto say = [&](llvm::StringRef what, const std::string &who) {
        if (who.empty())
          return;
        os << separator << what << " " << who;
        separator = "; ";
      };
      say("minimised by", minimise);
      say("maximised by", maximise);
      say("minimised and maximised by", both);
      say("does not reach", none);
      os << "\n";
    }
    auto formulas = stage->getAttrOfType<ArrayAttr>("xfer.formulas");
    if (!formulas || formulas.empty())
      continue;
    os << "Formulas of " << stage.getName() << "\n";
    for (auto line : formulas.getAsValueRange<StringAttr>())
      os << "  " << line << "\n";
  }
}

} // namespace xfer
