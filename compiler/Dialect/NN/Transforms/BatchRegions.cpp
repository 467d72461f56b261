//===- BatchRegions.cpp - batching of loops and custom derivatives ----------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Batching.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::nn;

using Results = SmallVector<Value>;

/// Exchanges the first two axes: [samples, steps, ..] and [steps, samples, ..].
static Value swapFront(Batcher &batcher, Value value) {
  SmallVector<int64_t> permutation =
      llvm::to_vector(llvm::seq<int64_t>(0, cast<RankedTensorType>(value.getType()).getRank()));
  std::swap(permutation[0], permutation[1]);
  return batcher.transpose(value, permutation);
}

/// One loop for all samples: every carry has the sample axis, scanned and stacked values have it behind the steps'.
static FailureOr<Results> batchLoop(LoopOp op, Batcher &batcher) {
  SmallVector<Value> carries = batcher.all(op.getCarries()), scanned, invariants;
  for (Value value : op.getScanned())
    scanned.push_back(batcher.isBatched(value) ? swapFront(batcher, batcher.get(value)) : batcher.get(value));
  for (Value value : op.getInvariants())
    invariants.push_back(batcher.get(value));
  bool failedInside = false;
  auto body = [&](OpBuilder &builder, Location location, LoopArguments arguments) {
    Batcher inner(builder, location, batcher.count);
    LoopArguments own = op.getBodyArguments();
    inner.define(own.index, arguments.index, false);
    for (auto [value, made] : llvm::zip_equal(own.carries, arguments.carries))
      inner.define(value, made, true);
    for (auto [value, made, given] : llvm::zip_equal(own.scanned, arguments.scanned, op.getScanned()))
      inner.define(value, made, batcher.isBatched(given));
    for (auto [value, made, given] : llvm::zip_equal(own.invariants, arguments.invariants, op.getInvariants()))
      inner.define(value, made, batcher.isBatched(given));
    failedInside = failed(inner.emit(op.getBody().front()));
    SmallVector<Value> values;
    if (!failedInside)
      values = inner.all(op.getYield().getValues());
    YieldOp::create(builder, location, failedInside ? SmallVector<Value>(arguments.carries) : values);
  };
  auto made = LoopOp::create(batcher.builder, batcher.location, op.getCount(), carries, scanned, invariants,
                             /*conditional=*/false, body);
  if (failedInside)
    return failure();
  Results results;
  for (auto [index, result] : llvm::enumerate(made.getResults()))
    results.push_back(index < op.getCarryCount() ? Value(result) : swapFront(batcher, result));
  return results;
}

static LogicalResult batchCustomRegion(Region &from, Region &to, Batcher &batcher) {
  OpBuilder::InsertionGuard guard(batcher.builder);
  SmallVector<Type> types =
      llvm::map_to_vector(from.getArgumentTypes(), [&](Type type) { return Type(batcher.batched(type)); });
  Block *block = batcher.builder.createBlock(&to, {}, types, SmallVector<Location>(types.size(), batcher.location));
  Batcher inner(batcher.builder, batcher.location, batcher.count);
  for (auto [value, made] : llvm::zip_equal(from.getArguments(), block->getArguments()))
    inner.define(value, made, true);
  if (failed(inner.emit(from.front())))
    return failure();
  YieldOp::create(batcher.builder, batcher.location, inner.all(from.front().getTerminator()->getOperands()));
  return success();
}

static FailureOr<Results> batchCustom(CustomOp op, Batcher &batcher) {
  SmallVector<Type> types =
      llvm::map_to_vector(op.getResultTypes(), [&](Type type) { return Type(batcher.batched(type)); });
  auto made = CustomOp::create(batcher.builder, batcher.location, types, batcher.all(op.getInputs()));
  if (failed(batchCustomRegion(op.getForward(), made.getForward(), batcher)) ||
      failed(batchCustomRegion(op.getVjp(), made.getVjp(), batcher)))
    return failure();
  return Results(made.getResults());
}

BatchedResults xfer::nn::batchRegion(Operation *op, Batcher &batcher) {
  return llvm::TypeSwitch<Operation *, BatchedResults>(op)
      .Case([&](LoopOp op) { return BatchedResults(batchLoop(op, batcher)); })
      .Case([&](CustomOp op) { return BatchedResults(batchCustom(op, batcher)); })
      .Default([](Operation *) { return BatchedResults(); });
}
