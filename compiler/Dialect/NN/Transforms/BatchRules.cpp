//===- BatchRules.cpp - batching of operations without windows and regions --------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Batching.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::nn;

using Results = SmallVector<Value>;

static SmallVector<int64_t> shifted(ArrayRef<int64_t> axes) {
  return llvm::map_to_vector(axes, [](int64_t axis) { return axis + 1; });
}

static Results resultsOf(Operation *op) { return Results(op->getResults()); }

/// The operation works on any leading axes as it is.
static Results batchAsIs(Operation *op, Batcher &batcher) {
  return resultsOf(batcher.rebuildGeneric(op, batcher.all(op->getOperands())));
}

template <typename Op> static Results batchAxis(Op op, Batcher &batcher) {
  Op made = batcher.rebuild(op, batcher.all(op->getOperands()));
  made.setAxis(op.getAxis() + 1);
  return resultsOf(made);
}

template <typename Op> static Results batchAxes(Op op, Batcher &batcher) {
  Op made = batcher.rebuild(op, batcher.all(op->getOperands()));
  made.setAxes(shifted(op.getAxes()));
  return resultsOf(made);
}

static Results batchBroadcast(BroadcastOp op, Batcher &batcher) {
  BroadcastOp made = batcher.rebuild(op, batcher.get(op.getX()));
  made.setDimensions(withFront(0, shifted(op.getDimensions())));
  return {made};
}

static Results batchTranspose(TransposeOp op, Batcher &batcher) {
  TransposeOp made = batcher.rebuild(op, batcher.get(op.getX()));
  made.setPermutation(withFront(0, shifted(op.getPermutation())));
  return {made};
}

static Results batchSlice(SliceOp op, Batcher &batcher) {
  SliceOp made = batcher.rebuild(op, batcher.get(op.getX()));
  made.setOffsets(withFront(0, op.getOffsets()));
  made.setSizes(withFront(batcher.count.size, op.getSizes()));
  made.setStrides(withFront(1, op.getStrides()));
  return {made};
}

static Results batchPad(PadOp op, Batcher &batcher) {
  PadOp made = batcher.rebuild(op, batcher.get(op.getX()));
  made.setLow(withFront(0, op.getLow()));
  made.setHigh(withFront(0, op.getHigh()));
  made.setInterior(withFront(0, op.getInterior()));
  return {made};
}

/// Without batch axes of its own, a gather needs nothing repeated: the sample axis is one more axis of x or of the
/// indices.
static Results batchGather(GatherOp op, Batcher &batcher) {
  bool ofX = batcher.isBatched(op.getX()), ofIndices = batcher.isBatched(op.getIndices());
  int64_t axis = op.getAxis(), batch = op.getBatch();
  if (batch > 0 || (ofX && ofIndices)) {
    GatherOp made = batcher.rebuild(op, batcher.all(op->getOperands()));
    made.setAxis(axis + 1);
    made.setBatch(batch + 1);
    return {made};
  }
  Value made = GatherOp::create(batcher.builder, batcher.location, batcher.get(op.getX()), batcher.get(op.getIndices()),
                                ofX ? axis + 1 : axis, int64_t(0));
  return {ofX ? made : batcher.toFront(made, axis)};
}

static Results batchScatter(ScatterOp op, Batcher &batcher) {
  ScatterOp made = batcher.rebuild(op, batcher.all(op->getOperands()));
  made.setBatch(op.getBatch() + 1);
  return {made};
}

/// Two operands with a sample axis share it as a batch axis; of a single one it is a free axis.
static Results batchContract(ContractOp op, Batcher &batcher) {
  bool ofA = batcher.isBatched(op.getA()), ofB = batcher.isBatched(op.getB());
  auto axes = [](bool batched, ArrayRef<int64_t> axes) { return batched ? shifted(axes) : SmallVector<int64_t>(axes); };
  SmallVector<int64_t> lhsBatch = axes(ofA, op.getLhsBatch()), rhsBatch = axes(ofB, op.getRhsBatch());
  if (ofA && ofB) {
    lhsBatch.insert(lhsBatch.begin(), 0);
    rhsBatch.insert(rhsBatch.begin(), 0);
  }
  Value made =
      ContractOp::create(batcher.builder, batcher.location, batcher.get(op.getA()), batcher.get(op.getB()), lhsBatch,
                         rhsBatch, axes(ofA, op.getLhsContract()), axes(ofB, op.getRhsContract()), op.getAccumulator());
  int64_t batch = op.getLhsBatch().size();
  return {ofA && ofB ? made : batcher.toFront(made, ofA ? batch : batch + op.getLhsFree().size())};
}

/// A scale for each sample is a derivative of its own.
static Results batchScaleGradient(ScaleGradientOp op, Batcher &batcher) {
  if (!batcher.isBatched(op.getScale())) {
    SmallVector<Value> operands = {batcher.get(op.getX()), batcher.get(op.getScale())};
    return {batcher.rebuild(op, operands)};
  }
  OpBuilder &builder = batcher.builder;
  SmallVector<Value> inputs = batcher.all(op->getOperands());
  SmallVector<Type> types = {inputs[0].getType(), inputs[1].getType()};
  auto made = CustomOp::create(builder, batcher.location, TypeRange(types[0]), inputs);
  SmallVector<Location> locations(3, batcher.location);
  OpBuilder::InsertionGuard guard(builder);
  Block *forward = builder.createBlock(&made.getForward(), {}, types, ArrayRef(locations).take_front(2));
  YieldOp::create(builder, batcher.location, forward->getArgument(0));
  types.push_back(types[0]);
  Block *vjp = builder.createBlock(&made.getVjp(), {}, types, locations);
  Value scale =
      BroadcastOp::create(builder, batcher.location, vjp->getArgument(1), extentsOf(types[0]), ArrayRef<int64_t>{0});
  Value scaled = MulOp::create(builder, batcher.location, vjp->getArgument(2), scale);
  Value none = createFilledLike(builder, batcher.location, 0, types[1]);
  YieldOp::create(builder, batcher.location, ValueRange{scaled, none});
  return resultsOf(made);
}

BatchedResults xfer::nn::batchSimple(Operation *op, Batcher &batcher) {
  using Found = std::optional<Results>;
  bool asIs = op->hasTrait<PerElement>() ||
              isa<ReshapeOp, AnnotateOp, StopGradientOp, CholeskyOp, TriangularSolveOp, RandomOp>(op);
  Found found = asIs ? Found(batchAsIs(op, batcher))
                     : llvm::TypeSwitch<Operation *, Found>(op)
                           .Case([&](BroadcastOp op) { return batchBroadcast(op, batcher); })
                           .Case([&](TransposeOp op) { return batchTranspose(op, batcher); })
                           .Case([&](SliceOp op) { return batchSlice(op, batcher); })
                           .Case([&](PadOp op) { return batchPad(op, batcher); })
                           .Case<ConcatOp, ArgmaxOp, CumsumOp, SortOp>([&](auto op) { return batchAxis(op, batcher); })
                           .Case<ReduceOp, ReverseOp>([&](auto op) { return batchAxes(op, batcher); })
                           .Case([&](GatherOp op) { return batchGather(op, batcher); })
                           .Case([&](ScatterOp op) { return batchScatter(op, batcher); })
                           .Case([&](ContractOp op) { return batchContract(op, batcher); })
                           .Case([&](ScaleGradientOp op) { return batchScaleGradient(op, batcher); })
                           .Default([](Operation *) { return Found(); });
  return found ? BatchedResults(FailureOr<Results>(*found)) : BatchedResults();
}
