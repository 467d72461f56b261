//===- Sequential.cpp - kernels that walk an axis in order ------------------------------------------------------===//

#include "compiler/Codegen/CPU/Sequential.h"

using namespace mlir;

namespace xfer::cpu {

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

SmallVector<int64_t> range(int64_t begin, int64_t end) {
  SmallVector<int64_t> numbers;
  for (int64_t number = begin; number < end; ++number)
    numbers.push_back(number);
  return numbers;
}

// Chunks of static outer axes only; a dynamic one stays whole.
Cut cutOuter(ArrayRef<Axis> axes, int64_t work) {
  auto none = [](const Axis &) -> std::optional<unsigned> { return std::nullopt; };
  return cutAxes(axes, work, none);
}

/// body(lane base, width) over the last axis of `tensor` if it comes after `first`, else once for a single lane.
void overLastAxis(Nest &nest, Value tensor, int64_t first, function_ref<void(Value, int64_t)> body) {
  int64_t rank = typeOf(tensor).getRank();
  if (rank - 1 < first)
    return body({}, 1);
  nest.overLanes(nest.axisOf(tensor, rank - 1), {}, body);
}

Index indexOf(LaneBuilder &lanes, ArrayRef<Value> outer, Value base) {
  Index index;
  for (Value at : outer)
    index.push_back(lanes.uniform(at));
  if (base)
    index.push_back({base, lanes.laneCount() == 1 ? 0 : 1, {}});
  return index;
}

// Vectors along the last axis, unless that is the one to walk.
void emitCumsum(SequentialKernel kernel, OpBuilder &b, nn::CumsumOp op, Cut &cut) {
  Nest nest(b, op.getLoc(), kernel.context);
  Value x = op.getX();
  int64_t rank = typeOf(x).getRank(), axis = op.getAxis();
  bool hasLanes = axis != rank - 1;
  SmallVector<int64_t> numbers = range(0, hasLanes ? rank - 1 : rank);
  llvm::erase(numbers, axis);
  auto outer = nest.axesOf(x, numbers);
  cut = cutOuter(outer, typeOf(x).hasStaticShape() ? typeOf(x).getDimSize(axis) * typeOf(x).getDimSize(rank - 1) : 1);
  Type type = typeOf(x).getElementType();
  Range part = nest.rangeOf(cut, outer, kernel.function.chunk);
  nest.overPoints(outer, cut.prefix, part, {}, [&](ArrayRef<Value> at, ValueRange) {
    SmallVector<Value> fixed(at);
    auto walk = [&](Value base, int64_t width) {
      LaneBuilder lanes(b, op.getLoc(), width);
      Value zero = lanes.splat(lanes.constantElement(neutralElement(nn::ReduceKind::Sum, type)));
      Value extent = kernel.context.extent(b, op.getLoc(), x, axis);
      nest.kb.loop(nest.kb.constant(0), extent, 1, zero, [&](Value i, ValueRange carried) {
        ElementEmitter emitter(b, op.getLoc(), width, kernel.context);
        SmallVector<Value> coordinates(fixed);
        coordinates.insert(coordinates.begin() + axis, i);
        Index index = indexOf(emitter.lanes(), coordinates, base);
        Value element = emitter.lanes().splat(emitter.element(x, index));
        Value sum = combine(b, op.getLoc(), nn::ReduceKind::Sum, type, carried[0], element);
        emitter.store(sum, op.getResult(), kernel.output, index);
        return Nest::Values{sum};
      });
    };
    if (hasLanes)
      nest.overLanes(nest.axisOf(x, rank - 1), {}, walk);
    else
      walk({}, 1);
    return Nest::Values();
  });
}

void emitCopy(SequentialKernel kernel, OpBuilder &b, nn::ScatterOp op, Cut &cut) {
  Nest nest(b, op.getLoc(), kernel.context);
  Value x = op.getX();
  int64_t rank = typeOf(x).getRank();
  auto outer = nest.axesOf(x, range(0, rank - 1));
  cut = cutOuter(outer, typeOf(x).isDynamicDim(rank - 1) ? 1 : typeOf(x).getDimSize(rank - 1));
  Range part = nest.rangeOf(cut, outer, kernel.function.chunk);
  nest.overPoints(outer, cut.prefix, part, {}, [&](ArrayRef<Value> at, ValueRange) {
    SmallVector<Value> fixed(at);
    nest.overLanes(nest.axisOf(x, rank - 1), {}, [&](Value base, int64_t width) {
      ElementEmitter emitter(b, op.getLoc(), width, kernel.context);
      Index index = indexOf(emitter.lanes(), fixed, base);
      emitter.store(emitter.element(x, index), op.getResult(), kernel.output, index);
    });
    return Nest::Values();
  });
}

// Parallel over the batch axes; the updates of one batch element in order.
void emitUpdates(SequentialKernel kernel, OpBuilder &b, nn::ScatterOp op, Cut &cut) {
  Nest nest(b, op.getLoc(), kernel.context);
  Location loc = op.getLoc();
  Value x = op.getX(), updates = op.getUpdates(), indices = op.getIndices();
  int64_t batch = op.getBatch(), chosen = typeOf(indices).getRank() - batch;
  int64_t rank = typeOf(updates).getRank();
  auto outer = nest.axesOf(updates, range(0, batch));
  int64_t work = 1;
  for (int64_t axis = batch; axis < rank; ++axis)
    if (!typeOf(updates).isDynamicDim(axis))
      work *= typeOf(updates).getDimSize(axis);
  cut = cutOuter(outer, work);
  Type type = typeOf(x).getElementType();
  bool hasLanes = rank > batch + chosen;
  auto inner = nest.axesOf(updates, range(batch, hasLanes ? rank - 1 : rank));
  Value last = nest.kb.sub(kernel.context.extent(b, loc, x, batch), nest.kb.constant(1));
  Range part = nest.rangeOf(cut, outer, kernel.function.chunk);
  nest.overPoints(outer, cut.prefix, part, {}, [&](ArrayRef<Value> atBatch, ValueRange) {
    SmallVector<Value> fixed(atBatch);
    nest.overPoints(inner, 0, {}, {}, [&](ArrayRef<Value> at, ValueRange) {
      SmallVector<Value> from(fixed);
      llvm::append_range(from, at);
      overLastAxis(nest, updates, batch + chosen, [&](Value base, int64_t width) {
        ElementEmitter emitter(b, loc, width, kernel.context);
        LaneBuilder &lanes = emitter.lanes();
        Index picked = indexOf(lanes, ArrayRef<Value>(from).take_front(batch + chosen), {});
        LaneIndex target = lanes.fromElement(emitter.element(indices, picked));
        target = lanes.max(lanes.min(target, last), 0);
        Index index = indexOf(lanes, from, base);
        Value update = emitter.element(updates, index);
        Index to(ArrayRef<LaneIndex>(index).take_front(batch));
        to.push_back(target);
        to.append(index.begin() + batch + chosen, index.end());
        if (op.getKind() == nn::ScatterKind::Add) {
          LaneIndex offset = emitter.offsetOf(op.getResult(), to);
          Value old = lanes.load(type, kernel.output, offset, {}, /*invariant=*/false);
          update = combine(b, loc, nn::ReduceKind::Sum, type, old, base ? lanes.splat(update) : update);
        }
        emitter.store(update, op.getResult(), kernel.output, to);
      });
      return Nest::Values();
    });
    return Nest::Values();
  });
}

} // namespace

void emitSequential(OpBuilder &b, Operation *op, function_ref<SequentialKernel()> open,
                    function_ref<void(int64_t)> close) {
  Cut cut;
  auto phase = [&](auto write, auto typed) {
    write(open(), b, typed, cut);
    close(cut.chunks.fixed);
    cut = Cut();
  };
  if (auto cumsum = dyn_cast<nn::CumsumOp>(op))
    return phase(emitCumsum, cumsum);
  phase(emitCopy, cast<nn::ScatterOp>(op));
  phase(emitUpdates, cast<nn::ScatterOp>(op));
}

} // namespace xfer::cpu
