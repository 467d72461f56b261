//===- AutoDiff.cpp - the pass nn-autodiff -----------------------------------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"
#include "compiler/AutoDiff/Passes.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_AUTODIFFPASS
#include "compiler/AutoDiff/Passes.h.inc"
} // namespace xfer

/// `value`, under the type that its users expect.
static Value withTypeOf(Value value, Value like, OpBuilder &builder) {
  if (value.getType() == like.getType())
    return value;
  return AnnotateOp::create(builder, like.getLoc(), like.getType(), value);
}

static LogicalResult expand(GradientOp op, bool keepProducts) {
  prepareLoops(*op->getBlock(), op.getLoss(), op.getWrt(), keepProducts);
  OpBuilder builder(op);
  Value seed = createFilledLike(builder, op.getLoc(), 1, op.getLoss().getType());
  auto found = backward(op.getLoss(), {seed}, op.getWrt(), builder, op.getLoc(), keepProducts);
  if (failed(found))
    return failure();
  for (auto [gradient, cotangent] : llvm::zip(op.getGradients(), *found)) {
    Value value = cotangent ? cotangent : createFilledLike(builder, op.getLoc(), 0, gradient.getType());
    gradient.replaceAllUsesWith(withTypeOf(value, gradient, builder));
  }
  op.erase();
  return success();
}

/// Expands the gradients of a block in program order, those of inner regions before what follows them.
static LogicalResult expandAll(Block &block, bool keepProducts) {
  // The next operation stays where it is: only operations before the gradient are replaced or added.
  for (Operation *op = &block.front(); op;) {
    Operation *next = op->getNextNode();
    for (Region &region : op->getRegions())
      for (Block &inner : region)
        if (failed(expandAll(inner, keepProducts)))
          return failure();
    if (auto gradient = dyn_cast<GradientOp>(op); gradient && failed(expand(gradient, keepProducts)))
      return failure();
    op = next;
  }
  return success();
}

static void inlineForward(CustomOp op) {
  OpBuilder builder(op);
  IRMapping mapping;
  mapping.map(op.getForward().getArguments(), op.getInputs());
  SmallVector<Value> values = cloneBody(op.getForward().front(), mapping, builder);
  for (auto [result, value] : llvm::zip(op.getResults(), values))
    result.replaceAllUsesWith(withTypeOf(value, result, builder));
  op.erase();
}

/// Removes what only gradients needed: markers, custom derivatives, and operations that nothing reads.
static void cleanUp(func::FuncOp function) {
  SmallVector<Operation *> markers;
  function.walk<WalkOrder::PostOrder>([&](Operation *op) {
    if (isa<StopGradientOp, ScaleGradientOp, CustomOp>(op))
      markers.push_back(op);
  });
  for (Operation *op : markers) {
    if (auto custom = dyn_cast<CustomOp>(op)) {
      inlineForward(custom);
      continue;
    }
    OpBuilder builder(op);
    op->getResult(0).replaceAllUsesWith(withTypeOf(op->getOperand(0), op->getResult(0), builder));
    op->erase();
  }
  SmallVector<Operation *> all;
  function.walk<WalkOrder::PreOrder>([&](Operation *op) { all.push_back(op); });
  // Users come after what they use, and before their region's parent in this order's reverse.
  for (Operation *op : llvm::reverse(all))
    if (op != function && isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct AutoDiffPass : xfer::impl::AutoDiffPassBase<AutoDiffPass> {
  using AutoDiffPassBase::AutoDiffPassBase;

  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    if (failed(expandAll(getOperation().getBody().front(), keepProducts)))
      return signalPassFailure();
    cleanUp(getOperation());
  }
};
} // namespace
