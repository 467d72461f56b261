//===- Structural.cpp - elements of operations that move elements -----------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace xfer::cpu {

static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

// Constants of a kernel are splats; Fusion leaves all others outside, where they become data of the program.
Value ElementEmitter::constant(nn::ConstantOp op, ArrayRef<LaneIndex> index) {
  auto values = cast<DenseElementsAttr>(op.getValue());
  Type type = registerType(elementOf(op.getResult()));
  auto attribute = [&](auto value) -> TypedAttr {
    if constexpr (std::is_same_v<decltype(value), APFloat>)
      return b.getFloatAttr(type, value);
    else
      return b.getIntegerAttr(type, value);
  };
  auto at = [&](int64_t position) {
    if (isa<FloatType>(type))
      return attribute(*(values.value_begin<APFloat>() + position));
    return attribute(*(values.value_begin<APInt>() + position));
  };
  if (values.isSplat())
    return lane.constantElement(at(0));
  // A few numbers: a chain of selections by the flat position.
  LaneIndex offset = offsetOf(op.getResult(), index);
  Value element = lane.constantElement(at(0));
  for (int64_t position = 1; position < values.getNumElements(); ++position) {
    Value here = lane.compare(arith::CmpIPredicate::eq, offset, lane.constant(position));
    Value other = lane.constantElement(at(position));
    if (isa<VectorType>(here.getType())) {
      element = lane.splat(element);
      other = lane.splat(other);
    }
    element = b.createOrFold<arith::SelectOp>(loc, here, other, element);
  }
  return element;
}

Value ElementEmitter::broadcast(nn::BroadcastOp op, ArrayRef<LaneIndex> index) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  Index from;
  for (auto [axis, to] : llvm::enumerate(op.getDimensions()))
    from.push_back(type.getDimSize(axis) == 1 ? lane.uniform(0) : index[to]);
  return element(op.getX(), from);
}

// Axes are matched from the left in groups of equal products; only a group that really changes is taken apart.
Value ElementEmitter::reshape(nn::ReshapeOp op, ArrayRef<LaneIndex> index) {
  auto from = cast<RankedTensorType>(op.getX().getType());
  auto to = cast<RankedTensorType>(op.getResult().getType());
  Index result(from.getRank());
  int64_t i = 0, j = 0;
  while (i < from.getRank()) {
    if (from.getDimSize(i) == 1) {
      result[i++] = lane.uniform(0);
      continue;
    }
    while (to.getDimSize(j) == 1)
      ++j;
    int64_t firstFrom = i, firstTo = j;
    if (from.isDynamicDim(i)) {
      result[i++] = index[j++];
      continue;
    }
    int64_t fromSize = from.getDimSize(i++), toSize = to.getDimSize(j++);
    while (fromSize != toSize)
      fromSize < toSize ? fromSize *= from.getDimSize(i++) : toSize *= to.getDimSize(j++);
    if (i - firstFrom == 1 && j - firstTo == 1) {
      result[firstFrom] = index[firstTo];
      continue;
    }
    LaneIndex flat = lane.uniform(0);
    for (int64_t axis = firstTo; axis < j; ++axis) {
      flat = lane.mul(flat, to.getDimSize(axis));
      if (to.getDimSize(axis) != 1)
        flat = lane.add(flat, index[axis]);
    }
    for (int64_t axis = i - 1; axis > firstFrom; --axis) {
      Value size = lane.constant(from.getDimSize(axis));
      result[axis] = lane.rem(flat, size);
      flat = lane.div(flat, size);
    }
    result[firstFrom] = flat;
  }
  return element(op.getX(), result);
}

Value ElementEmitter::concat(nn::ConcatOp op, ArrayRef<LaneIndex> index) {
  int64_t axis = op.getAxis();
  Type type = elementOf(op.getResult());
  std::function<Value(unsigned, LaneIndex)> from = [&](unsigned operand, LaneIndex start) -> Value {
    Value x = op.getXs()[operand];
    auto here = [&] {
      Index at(index);
      at[axis] = lane.sub(index[axis], start);
      return element(x, at);
    };
    if (operand + 1 == op.getXs().size())
      return here();
    LaneIndex end = lane.add(start, lane.uniform(extent(x, axis)));
    Value inside = lane.compare(arith::CmpIPredicate::slt, index[axis], end.scalar);
    return choose(inside, type, here, [&] { return from(operand + 1, end); });
  };
  return from(0, lane.uniform(0));
}

Value ElementEmitter::pad(nn::PadOp op, ArrayRef<LaneIndex> index) {
  auto type = cast<RankedTensorType>(op.getX().getType());
  Index from(index);
  Value inside;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    int64_t low = op.getLow()[axis], high = op.getHigh()[axis], step = op.getInterior()[axis] + 1;
    if (low == 0 && high == 0 && step == 1)
      continue;
    LaneIndex at = lane.add(index[axis], -low);
    int64_t last = (type.getDimSize(axis) - 1) * step;
    inside = both(inside, inRange(at, 0, lane.constant(last + 1)));
    if (step > 1) {
      Value divisor = lane.constant(step);
      inside = both(inside, lane.compare(arith::CmpIPredicate::eq, lane.rem(at, divisor), lane.constant(0)));
      at = lane.div(at, divisor);
    }
    from[axis] = at;
  }
  if (type.hasStaticShape() && type.getNumElements() == 0)
    return zero(type.getElementType());
  return chooseOrZero(inside, type.getElementType(), [&] { return element(op.getX(), from); });
}

Value ElementEmitter::gather(nn::GatherOp op, ArrayRef<LaneIndex> index) {
  int64_t axis = op.getAxis(), batch = op.getBatch();
  int64_t chosen = cast<RankedTensorType>(op.getIndices().getType()).getRank() - batch;
  Index at(index.take_front(batch));
  at.append(index.begin() + axis, index.begin() + axis + chosen);
  LaneIndex picked = lane.fromElement(element(op.getIndices(), at));
  Value last = lane.add(lane.uniform(extent(op.getX(), axis)), -1).scalar;
  Index from(index.take_front(axis));
  from.push_back(lane.max(lane.min(picked, last), 0));
  from.append(index.begin() + axis + chosen, index.end());
  return element(op.getX(), from);
}

} // namespace xfer::cpu
