//===- Activity.cpp - which values a loss depends on ------------------------------------------------------------===//

#include "compiler/AutoDiff/Activity.h"
#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

namespace {
/// Calls `visit(value, isDifferentiable)` for what a value is computed from directly.
class Sources {
public:
  explicit Sources(function_ref<void(Value, bool)> visit) : visit(visit) {}

  void of(Value value) {
    if (auto argument = dyn_cast<BlockArgument>(value))
      return ofArgument(argument);
    Operation *op = value.getDefiningOp();
    unsigned index = cast<OpResult>(value).getResultNumber();
    if (auto loop = dyn_cast<LoopOp>(op))
      return ofLoopResult(loop, index);
    if (auto each = dyn_cast<EachOp>(op))
      return visit(each.getYield().getValues()[index], true);
    if (auto kernel = dyn_cast<KernelOp>(op))
      return visit(kernel.getYield().getValues()[index], true);
    auto interface = dyn_cast<NNOpInterface>(op);
    for (OpOperand &operand : op->getOpOperands())
      visit(operand.get(),
            interface && interface.getDerivativeKind(operand.getOperandNumber()) == DerivativeKind::Some);
  }

private:
  void ofLoopResult(LoopOp loop, unsigned index) {
    visit(loop.getYield().getValues()[index], true);
    if (index < loop.getCarryCount())
      visit(loop.getCarries()[index], true);
    if (Value condition = loop.getContinue())
      visit(condition, false);
  }

  void ofArgument(BlockArgument argument) {
    Operation *parent = argument.getOwner()->getParentOp();
    unsigned index = argument.getArgNumber();
    if (auto loop = dyn_cast_or_null<LoopOp>(parent)) {
      if (index == 0)
        return;
      visit(loop->getOperand(index - 1), true);
      if (index <= loop.getCarryCount())
        visit(loop.getYieldedCarries()[index - 1], true);
    } else if (isa_and_nonnull<EachOp, KernelOp>(parent)) {
      visit(parent->getOperand(index), true);
    }
  }

  function_ref<void(Value, bool)> visit;
};
} // namespace

Dependences::Dependences(Value loss) {
  // A value is visited again when it turns out to be reached differentiably.
  SmallVector<std::pair<Value, bool>> worklist = {{loss, true}};
  while (!worklist.empty()) {
    auto [value, smooth] = worklist.pop_back_val();
    bool isNew = reached.insert(value).second;
    bool isNewlySmooth = smooth && differentiable.insert(value).second;
    if (!isNew && !isNewlySmooth)
      continue;
    bool from = smooth;
    auto visit = [&](Value source, bool isDifferentiable) { worklist.push_back({source, from && isDifferentiable}); };
    Sources(visit).of(value);
  }
}

Dependence Dependences::on(Value wrt) const {
  return differentiable.contains(wrt) ? Dependence::Differentiable
         : reached.contains(wrt)      ? Dependence::Constant
                                      : Dependence::None;
}

bool xfer::nn::reaches(Value loss, Value wrt) { return Dependences(loss).on(wrt) == Dependence::Differentiable; }

SmallVector<bool> xfer::nn::reaches(Value loss, ValueRange wrt) {
  Dependences dependences(loss);
  return llvm::map_to_vector(wrt, [&](Value value) { return dependences.on(value) == Dependence::Differentiable; });
}
