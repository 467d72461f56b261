//===- Window.cpp - elements of operations on sliding windows ---------------------------------------------------===//
//
// Tensors are [n, spatial.., c]. Window o covers the places p = o * stride - low + k * dilation of a spatial axis, for
// the positions k of the window. The forward operations run over k; their adjoints, asked for an element p, run over
// the windows that can cover it: o = (p + low) / stride - j for j = 0 .. (covered - 1) / stride, with the covered
// extent (window - 1) * dilation + 1. So neither zeros a buffer nor adds twice to one place, each can be fused, and
// windows that do not overlap have no loop at all in the adjoint.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace xfer::cpu {

static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

struct ElementEmitter::Window {
  ArrayRef<int64_t> size, strides, low, high, dilations;

  template <typename WindowOp> static Window of(WindowOp op) {
    return {op.getWindow(), op.getStrides(), op.getPaddingLow(), op.getPaddingHigh(), op.getDilations()};
  }
  bool isPadded() const {
    auto positive = [](int64_t padding) { return padding > 0; };
    return llvm::any_of(low, positive) || llvm::any_of(high, positive);
  }
};

// Loops over all offsets below `counts`, row-major, carrying values; unrolled when there are few.
SmallVector<Value>
ElementEmitter::overOffsets(ArrayRef<int64_t> counts, ArrayRef<Value> initial,
                            function_ref<SmallVector<Value>(ArrayRef<Value>, ArrayRef<Value>)> body) {
  int64_t total = 1;
  for (int64_t count : counts)
    total *= count;
  SmallVector<Value> offsets;
  std::function<SmallVector<Value>(ArrayRef<Value>)> nest = [&](ArrayRef<Value> carried) -> SmallVector<Value> {
    if (offsets.size() == counts.size())
      return body(offsets, carried);
    int64_t count = counts[offsets.size()];
    if (count == 1 || total <= 9) {
      SmallVector<Value> values(carried);
      for (int64_t offset = 0; offset < count; ++offset) {
        offsets.push_back(lane.constant(offset));
        values = nest(values);
        offsets.pop_back();
      }
      return values;
    }
    auto loop = scf::ForOp::create(b, loc, lane.constant(0), lane.constant(count), lane.constant(1), carried);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    enter();
    offsets.push_back(loop.getInductionVar());
    SmallVector<Value> inner(loop.getRegionIterArgs().begin(), loop.getRegionIterArgs().end());
    scf::YieldOp::create(b, loc, nest(inner));
    offsets.pop_back();
    leave();
    return SmallVector<Value>(loop.getResults());
  };
  return nest(initial);
}

/// The place in the input of position `offsets` of the window at `index`.
struct ElementEmitter::Place {
  Index index;
  Value inside; // null: certainly
};

ElementEmitter::Place ElementEmitter::placeOf(const Window &window, ArrayRef<LaneIndex> index,
                                              ArrayRef<LaneIndex> offsets, Value input) {
  Place place{Index(index), {}};
  auto type = cast<RankedTensorType>(input.getType());
  for (size_t axis = 0; axis < offsets.size(); ++axis) {
    LaneIndex at =
        lane.add(lane.mul(index[axis + 1], window.strides[axis]), lane.mul(offsets[axis], window.dilations[axis]));
    place.index[axis + 1] = at = lane.add(at, -window.low[axis]);
    if (window.isPadded())
      place.inside = both(place.inside, inRange(at, 0, lane.constant(type.getDimSize(axis + 1))));
  }
  return place;
}

Value ElementEmitter::windowMax(nn::WindowMaxOp op, unsigned result, ArrayRef<LaneIndex> index) {
  Window window = Window::of(op);
  Type type = registerType(elementOf(op.getX())), indexType = registerType(elementOf(op.getIndex()));
  Value none = lane.splat(lane.constantElement(neutralElement(nn::ReduceKind::Max, type)));
  Value unset = lane.splat(lane.constantElement(b.getIntegerAttr(indexType, -1)));
  auto best = overOffsets(window.size, {none, unset}, [&](ArrayRef<Value> offsets, ArrayRef<Value> carried) {
    Index at;
    LaneIndex position = lane.uniform(0);
    for (auto [offset, size] : llvm::zip_equal(offsets, window.size)) {
      at.push_back(lane.uniform(offset));
      position = lane.add(lane.mul(position, size), at.back());
    }
    Place place = placeOf(window, index, at, op.getX());
    Value x =
        lane.splat(choose(place.inside, type, [&] { return element(op.getX(), place.index); }, [&] { return none; }));
    // The first element of all is taken as it is; then a larger one, or the first NaN.
    auto first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, carried[1],
                                       lane.splat(lane.constantElement(b.getIntegerAttr(indexType, 0))));
    auto larger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, carried[0]);
    auto isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    auto number = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ORD, carried[0], carried[0]);
    Value takes = arith::OrIOp::create(b, loc, first, larger);
    takes = arith::OrIOp::create(b, loc, takes, arith::AndIOp::create(b, loc, isNaN, number));
    if (place.inside)
      takes = both(takes, lane.splat(place.inside));
    Value here = lane.splat(lane.toElement(position, indexType));
    return SmallVector<Value>{arith::SelectOp::create(b, loc, takes, x, carried[0]),
                              arith::SelectOp::create(b, loc, takes, here, carried[1])};
  });
  bind(op->getResult(1 - result), index, best[1 - result]);
  return best[result];
}

Value ElementEmitter::windowSum(nn::WindowSumOp op, ArrayRef<LaneIndex> index) {
  Window window = Window::of(op);
  Type type = elementOf(op.getX());
  auto sum = overOffsets(window.size, {lane.splat(zero(type))}, [&](ArrayRef<Value> offsets, ArrayRef<Value> carried) {
    Index at;
    for (Value offset : offsets)
      at.push_back(lane.uniform(offset));
    Place place = placeOf(window, index, at, op.getX());
    Value x = lane.splat(chooseOrZero(place.inside, type, [&] { return element(op.getX(), place.index); }));
    return SmallVector<Value>{combine(b, loc, nn::ReduceKind::Sum, type, carried[0], x)};
  });
  return sum.front();
}

Value ElementEmitter::windowGather(nn::WindowGatherOp op, ArrayRef<LaneIndex> index) {
  Window window = Window::of(op);
  LaneIndex position = lane.fromElement(element(op.getIndex(), index));
  Index at(window.size.size());
  for (size_t axis = window.size.size(); axis-- > 0;) {
    Value size = lane.constant(window.size[axis]);
    at[axis] = axis == 0 ? position : lane.rem(position, size);
    position = lane.div(position, size);
  }
  Place place = placeOf(window, index, at, op.getX());
  return chooseOrZero(place.inside, elementOf(op.getX()), [&] { return element(op.getX(), place.index); });
}

Value ElementEmitter::windowAdjoint(Operation *op, ArrayRef<LaneIndex> index) {
  auto scatter = dyn_cast<nn::WindowScatterOp>(op);
  Window window = scatter ? Window::of(scatter) : Window::of(cast<nn::WindowSpreadOp>(op));
  Value g = op->getOperand(0);
  auto grid = cast<RankedTensorType>(g.getType());
  Type type = grid.getElementType();
  SmallVector<int64_t> covering;
  for (auto [size, dilation, stride] : llvm::zip_equal(window.size, window.dilations, window.strides))
    covering.push_back((size - 1) * dilation / stride + 1);
  auto sum = overOffsets(covering, {lane.splat(zero(type))}, [&](ArrayRef<Value> offsets, ArrayRef<Value> carried) {
    Index at(index);
    Value valid;
    LaneIndex position = lane.uniform(0); // of the element in the window
    for (size_t axis = 0; axis < covering.size(); ++axis) {
      int64_t stride = window.strides[axis], dilation = window.dilations[axis];
      LaneIndex place = lane.add(index[axis + 1], window.low[axis]);
      // Windows in ascending order, so that sums have the order of `g`.
      LaneIndex back = lane.sub(lane.uniform(covering[axis] - 1), lane.uniform(offsets[axis]));
      LaneIndex o = lane.sub(lane.div(place, lane.constant(stride)), back);
      LaneIndex k = lane.sub(place, lane.mul(o, stride));
      if (covering[axis] > 1 || window.low[axis] > 0 ||
          grid.getDimSize(axis + 1) * stride <
              window.low[axis] + cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(axis + 1))
        valid = both(valid, inRange(o, 0, lane.constant(grid.getDimSize(axis + 1))));
      if (dilation > 1) {
        Value divisor = lane.constant(dilation);
        valid = both(valid, lane.compare(arith::CmpIPredicate::eq, lane.rem(k, divisor), lane.constant(0)));
        k = lane.div(k, divisor);
      }
      if (covering[axis] * stride > (window.size[axis] - 1) * dilation + 1)
        valid = both(valid, lane.compare(arith::CmpIPredicate::slt, k, lane.constant(window.size[axis])));
      at[axis + 1] = o;
      position = lane.add(lane.mul(position, window.size[axis]), k);
    }
    Value x = lane.splat(chooseOrZero(valid, type, [&]() -> Value {
      if (!scatter)
        return element(g, at);
      LaneIndex chosen = lane.fromElement(element(scatter.getIndex(), at));
      Value value = lane.splat(element(g, at));
      LaneIndex difference = lane.sub(chosen, position);
      Value here = lane.splat(lane.compare(arith::CmpIPredicate::eq, difference, lane.constant(0)));
      return arith::SelectOp::create(b, loc, here, value, lane.splat(zero(type)));
    }));
    if (covering.size() == static_cast<size_t>(llvm::count(covering, 1)))
      return SmallVector<Value>{x};
    return SmallVector<Value>{combine(b, loc, nn::ReduceKind::Sum, type, carried[0], x)};
  });
  return sum.front();
}

} // namespace xfer::cpu
