//===- Nest.cpp - loops over iteration spaces, cut into chunks and lanes ----------------------------------------===//

#include "compiler/Codegen/CPU/Nest.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace xfer::cpu {

SmallVector<Segment> segmentsOf(int64_t count, int64_t width) {
  SmallVector<Segment> segments;
  for (int64_t offset = 0; offset < count;) {
    while (width > count - offset)
      width /= 2;
    segments.push_back({offset, width});
    offset += width;
  }
  return segments;
}

Cut cutAxes(ArrayRef<Axis> axes, int64_t work, function_ref<std::optional<unsigned>(const Axis &)> dynamicExtent) {
  Cut cut;
  if (axes.empty())
    return cut;
  int64_t points = 1;
  for (const Axis &axis : axes) {
    if (!ShapedType::isDynamic(axis.size)) {
      points *= axis.size;
      continue;
    }
    // Only a leading dynamic axis is cut; all static axes behind it are work of one of its points.
    if (&axis != axes.begin())
      return cut;
  }
  if (ShapedType::isDynamic(axes.front().size)) {
    auto extent = dynamicExtent(axes.front());
    if (!extent)
      return cut;
    cut.prefix = 1;
    cut.size = std::max<int64_t>(1, chunkElements / std::max<int64_t>(1, points * work));
    cut.chunks = {1, *extent, cut.size};
    return cut;
  }
  int64_t wanted = std::min({mostChunks, points * work / chunkElements, points});
  if (wanted <= 1)
    return cut;
  int64_t prefixPoints = 1;
  while (prefixPoints < wanted)
    prefixPoints *= axes[cut.prefix++].size;
  cut.size = llvm::divideCeil(prefixPoints, wanted);
  cut.chunks.fixed = llvm::divideCeil(prefixPoints, cut.size);
  return cut;
}

Axis Nest::axisOf(Value tensor, int64_t number) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return {number, type.getDimSize(number), context.extent(b, loc, tensor, number)};
}

SmallVector<Axis> Nest::axesOf(Value tensor, ArrayRef<int64_t> numbers) {
  SmallVector<Axis> axes;
  for (int64_t number : numbers)
    axes.push_back(axisOf(tensor, number));
  return axes;
}

Range Nest::rangeOf(const Cut &cut, ArrayRef<Axis> axes, Value chunk) {
  if (cut.size == 0)
    return {};
  Value end = kb.constant(1);
  for (const Axis &axis : axes.take_front(cut.prefix))
    end = kb.mul(end, axis.extent);
  Value low = kb.mul(chunk, cut.size);
  return {low, kb.min(kb.add(low, cut.size), end)};
}

Nest::Values Nest::overPoints(ArrayRef<Axis> axes, unsigned prefix, Range range, ValueRange carried, PointBody body) {
  Values index(axes.size());
  std::function<Values(unsigned, ValueRange)> level = [&](unsigned axis, ValueRange inner) -> Values {
    if (axis == axes.size())
      return body(index, inner);
    return kb.loop(kb.constant(0), axes[axis].extent, 1, inner, [&](Value at, ValueRange arguments) {
      index[axis] = at;
      return level(axis + 1, arguments);
    });
  };
  if (!range.low || prefix == 0)
    return level(0, carried);
  return kb.loop(range.low, range.high, 1, carried, [&](Value flat, ValueRange arguments) {
    Value rest = flat;
    for (unsigned axis = prefix - 1; axis > 0; --axis) {
      index[axis] = kb.rem(rest, axes[axis].size);
      rest = kb.div(rest, axes[axis].size);
    }
    index[0] = rest;
    return level(prefix, arguments);
  });
}

void Nest::overLanes(const Axis &axis, Range range, function_ref<void(Value, int64_t)> body) {
  Value low = range.low ? range.low : kb.constant(0), high = range.low ? range.high : axis.extent;
  int64_t lanes = width();
  if (ShapedType::isDynamic(axis.size)) {
    Value full = kb.add(low, kb.mul(kb.div(kb.sub(high, low), lanes), lanes));
    kb.loop(low, full, lanes, [&](Value base) { body(base, lanes); });
    kb.loop(full, high, 1, [&](Value base) { body(base, 1); });
    return;
  }
  int64_t full = axis.size / lanes * lanes;
  Value end = range.low ? kb.min(high, kb.constant(full)) : kb.constant(full);
  kb.loop(low, end, lanes, [&](Value base) { body(base, lanes); });
  if (full == axis.size)
    return;
  auto remainder = [&] {
    for (const Segment &segment : segmentsOf(axis.size - full, lanes))
      body(kb.constant(full + segment.offset), segment.width);
  };
  if (range.low)
    kb.when(kb.equal(high, axis.extent), remainder);
  else
    remainder();
}

Type Accumulator::type(unsigned slot) const {
  Type element = cast<RankedTensorType>(op->getOperand(0).getType()).getElementType();
  if (slot == 1)
    return cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  return element.isBF16() ? Type(nest->b.getF32Type()) : registerType(element);
}

Nest::Values Accumulator::initial(int64_t width) const {
  LaneBuilder lanes(nest->b, nest->loc, width);
  auto kind = isa<nn::ArgmaxOp>(op) ? nn::ReduceKind::Max : cast<nn::ReduceOp>(op).getKind();
  Nest::Values values{lanes.splat(lanes.constantElement(neutralElement(kind, type(0))))};
  if (slots() == 2)
    values.push_back(lanes.splat(lanes.constantElement(nest->b.getIntegerAttr(registerType(type(1)), -1))));
  return values;
}

Nest::Values Accumulator::merge(ValueRange first, ValueRange second) const {
  OpBuilder &b = nest->b;
  Location loc = nest->loc;
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return {combine(b, loc, reduce.getKind(), type(0), first[0], second[0])};
  // Argmax: the larger element wins, NaN over numbers, and of equals the lower index; -1 is no element at all.
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  };
  auto both = [&](Value x, Value y) -> Value { return arith::AndIOp::create(b, loc, x, y); };
  auto either = [&](Value x, Value y) -> Value { return arith::OrIOp::create(b, loc, x, y); };
  Value larger, equal;
  if (isa<FloatType>(type(0))) {
    auto floats = [&](arith::CmpFPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpFOp::create(b, loc, predicate, x, y);
    };
    Value secondNaN = floats(arith::CmpFPredicate::UNO, second[0], second[0]);
    Value firstNaN = floats(arith::CmpFPredicate::UNO, first[0], first[0]);
    Value firstNumber = floats(arith::CmpFPredicate::ORD, first[0], first[0]);
    larger = either(floats(arith::CmpFPredicate::OGT, second[0], first[0]), both(secondNaN, firstNumber));
    equal = either(floats(arith::CmpFPredicate::OEQ, second[0], first[0]), both(secondNaN, firstNaN));
  } else {
    larger = compare(arith::CmpIPredicate::sgt, second[0], first[0]);
    equal = compare(arith::CmpIPredicate::eq, second[0], first[0]);
  }
  // As unsigned numbers -1 is above all indices.
  Value lower = compare(arith::CmpIPredicate::ult, second[1], first[1]);
  Value takes = either(larger, both(equal, lower));
  return {arith::SelectOp::create(b, loc, takes, second[0], first[0]),
          arith::SelectOp::create(b, loc, takes, second[1], first[1])};
}

Nest::Values Accumulator::step(ValueRange carried, ElementEmitter &emitter, ArrayRef<LaneIndex> index) const {
  LaneBuilder &lanes = emitter.lanes();
  Value element = lanes.splat(emitter.element(op->getOperand(0), index));
  if (cast<RankedTensorType>(op->getOperand(0).getType()).getElementType().isBF16())
    element = arith::ExtFOp::create(nest->b, nest->loc, lanes.laneType(type(0)), element);
  Nest::Values next{element};
  if (auto argmax = dyn_cast<nn::ArgmaxOp>(op))
    next.push_back(lanes.splat(lanes.toElement(index[argmax.getAxis()], registerType(type(1)))));
  return merge(carried, next);
}

Nest::Values Accumulator::acrossLanes(ValueRange carried) const {
  Nest::Values values(carried);
  auto vector = dyn_cast<VectorType>(values.front().getType());
  for (int64_t lanes = vector ? vector.getNumElements() : 1; lanes > 1; lanes /= 2) {
    Nest::Values low, high;
    for (Value value : values) {
      SmallVector<int64_t> first(lanes / 2), second(lanes / 2);
      std::iota(first.begin(), first.end(), 0);
      std::iota(second.begin(), second.end(), lanes / 2);
      low.push_back(vector::ShuffleOp::create(nest->b, nest->loc, value, value, first));
      high.push_back(vector::ShuffleOp::create(nest->b, nest->loc, value, value, second));
    }
    values = merge(low, high);
  }
  if (vector)
    for (Value &value : values)
      value = vector::ExtractOp::create(nest->b, nest->loc, value, ArrayRef<int64_t>{0});
  return values;
}

Value Accumulator::finish(ValueRange carried) const {
  if (slots() == 2)
    return carried[1];
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  if (!element.isBF16())
    return carried[0];
  return roundToBF16(nest->b, nest->loc, carried[0]);
}

} // namespace xfer::cpu
