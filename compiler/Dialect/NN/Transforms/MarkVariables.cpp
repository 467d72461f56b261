//===- MarkVariables.cpp - the pass nn-mark-variables ------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_MARKVARIABLESPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

/// `value`, as an operation that is nothing but itself.
static CustomOp createVariable(Value value, int64_t number, OpBuilder &builder) {
  Location location = value.getLoc();
  Type type = value.getType();
  auto variable = CustomOp::create(builder, location, TypeRange(type), ValueRange(value));
  variable->setAttr(kVariableAttr, builder.getI64IntegerAttr(number));
  OpBuilder::InsertionGuard guard(builder);
  Block *forward = builder.createBlock(&variable.getForward(), {}, type, location);
  YieldOp::create(builder, location, forward->getArgument(0));
  Block *vjp = builder.createBlock(&variable.getVjp(), {}, {type, type}, {location, location});
  YieldOp::create(builder, location, vjp->getArgument(1));
  return variable;
}

namespace {
struct MarkVariablesPass : xfer::impl::MarkVariablesPassBase<MarkVariablesPass> {
  void runOnOperation() override {
    // An argument of the function is computed from nothing, and equal to nothing else.
    auto isGiven = [&](Value value) {
      return value.getParentBlock() == &getOperation().getBody().front() && isa<BlockArgument>(value);
    };
    llvm::SetVector<Value> variables;
    getOperation().walk([&](GradientOp gradient) {
      for (Value value : gradient.getWrt())
        if (!isGiven(value))
          variables.insert(value);
    });
    OpBuilder builder(&getContext());
    int64_t number = 0;
    for (Value value : variables) {
      builder.setInsertionPointAfterValue(value);
      CustomOp variable = createVariable(value, number++, builder);
      value.replaceAllUsesExcept(variable.getResult(0), variable);
    }
  }
};
} // namespace
