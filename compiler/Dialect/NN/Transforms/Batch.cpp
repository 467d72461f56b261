//===- Batch.cpp - the pass nn-batch -----------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Batching.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_BATCHPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

SmallVector<int64_t> xfer::nn::withFront(int64_t front, ArrayRef<int64_t> rest) {
  SmallVector<int64_t> all = {front};
  llvm::append_range(all, rest);
  return all;
}

RankedTensorType Batcher::batched(Type type) const {
  Extents extents = extentsOf(type);
  extents.insert(extents.begin(), count);
  return withExtents(type, extents);
}

Value Batcher::all(Value value) {
  if (isBatched(value))
    return get(value);
  RankedTensorType type = batched(value.getType());
  SmallVector<int64_t> dimensions = llvm::to_vector(llvm::seq<int64_t>(1, type.getRank()));
  return BroadcastOp::create(builder, location, type, get(value), dimensions);
}

SmallVector<Value> Batcher::all(ValueRange list) {
  return llvm::map_to_vector(list, [&](Value value) { return all(value); });
}

Operation *Batcher::rebuildGeneric(Operation *op, ValueRange operands) {
  Operation *made = builder.clone(*op);
  made->setOperands(operands);
  for (Value result : made->getResults())
    result.setType(batched(result.getType()));
  return made;
}

Value Batcher::transpose(Value value, ArrayRef<int64_t> permutation) {
  return TransposeOp::create(builder, location, value, permutation);
}

Value Batcher::toFront(Value value, int64_t from) {
  if (from == 0)
    return value;
  SmallVector<int64_t> permutation = {from};
  for (int64_t axis = 0; axis < cast<RankedTensorType>(value.getType()).getRank(); ++axis)
    if (axis != from)
      permutation.push_back(axis);
  return transpose(value, permutation);
}

Value Batcher::reshape(Value value, ArrayRef<Extent> extents) {
  return ReshapeOp::create(builder, location, value, extents);
}

LogicalResult Batcher::emitOp(Operation *op) {
  location = op->getLoc();
  if (llvm::none_of(op->getOperands(), [&](Value operand) { return isBatched(operand); })) {
    IRMapping mapping;
    for (Value operand : op->getOperands())
      mapping.map(operand, get(operand));
    Operation *made = builder.clone(*op, mapping);
    for (auto [result, value] : llvm::zip(op->getResults(), made->getResults()))
      define(result, value, false);
    return success();
  }
  for (auto rule : {batchSimple, batchConvolution, batchRegion})
    if (BatchedResults results = rule(op, *this)) {
      if (failed(*results))
        return failure();
      for (auto [result, value] : llvm::zip_equal(op->getResults(), **results))
        define(result, value, true);
      return success();
    }
  return op->emitError("no batching rule for '") << op->getName() << "'";
}

LogicalResult Batcher::emit(Block &body) {
  for (Operation &op : body.without_terminator())
    if (failed(emitOp(&op)))
      return failure();
  return success();
}

static LogicalResult replaceEach(EachOp each) {
  // A conditional loop may stop at another step for each sample.
  SmallVector<LoopOp> loops;
  each.walk([&](LoopOp loop) {
    if (loop.getConditional())
      loops.push_back(loop);
  });
  llvm::for_each(loops, makeUnconditional);
  OpBuilder builder(each);
  Batcher batcher(builder, each.getLoc(), extentsOf(each.getMapped().front().getType()).front());
  ValueRange arguments = each.getBody().getArguments();
  for (auto [index, operand] : llvm::enumerate(each->getOperands()))
    batcher.define(arguments[index], operand, index < each.getMapped().size());
  if (failed(batcher.emit(each.getBody().front())))
    return failure();
  SmallVector<Value> results = batcher.all(each.getYield().getValues());
  for (auto [result, value] : llvm::zip_equal(each.getResults(), results)) {
    if (value.getType() != result.getType())
      value = AnnotateOp::create(builder, each.getLoc(), result.getType(), value);
    result.replaceAllUsesWith(value);
  }
  each.erase();
  return success();
}

namespace {
struct BatchPass : xfer::impl::BatchPassBase<BatchPass> {
  void runOnOperation() override {
    SmallVector<EachOp> maps; // inner ones first
    getOperation().walk<WalkOrder::PostOrder>([&](EachOp each) {
      bool hasGradient = each.walk([](GradientOp) { return WalkResult::interrupt(); }).wasInterrupted();
      if (!hasGradient)
        maps.push_back(each);
    });
    for (EachOp each : maps)
      if (failed(replaceEach(each)))
        return signalPassFailure();
  }
};
} // namespace
