//===- OnePassVariance.cpp - the pass nn-one-pass-variance --------------------------------------------------------===//
//
// Input: `squares = sum((x - broadcast(m))^2)` where `m = sum(x) / N` over the same axes. Output: the same, and the
// mean, from sums over `d = x - s` that do not wait for each other; `s` is one element of `x` for each sum, the median
// of three.
//
//   mean = s + sum(d) / N        squares = sum(d^2) - sum(d) * sum(d) / N
//
// Example: x = 10001, 10002, 10003 has s = 10002, d = -1, 0, 1, so the mean is 10002 + 0 / 3 and the squares 2 - 0.
// Without the shift sum(x^2) would need 27 bits of the 24 that a float has, and nothing would be left of the
// difference.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "mlir/IR/Iterators.h"

#include <cmath>

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_ONEPASSVARIANCEPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

static bool isLong(int64_t extent) { return extent != 1; }

static Value throughUnitReshapes(Value value) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  return reshape && reshape.isUnitReshape() ? throughUnitReshapes(reshape.getX()) : value;
}

/// Elements in one sum.
static int64_t countOf(ReduceOp sum) {
  return typeOf(sum.getX()).getNumElements() / typeOf(sum.getResult()).getNumElements();
}

/// Does the operation divide the sum by the number of its elements, to the rounding of its type?
static bool isMeanOf(ReduceOp sum, Operation *op) {
  if (!isa<MulOp, DivOp>(op) || throughUnitReshapes(op->getOperand(0)) != sum.getResult())
    return false;
  std::optional<double> number = filledNumber(op->getOperand(1));
  if (!number)
    return false;
  double count = isa<MulOp>(op) ? *number * countOf(sum) : *number / countOf(sum);
  return std::fabs(count - 1) < 1e-6;
}

/// The sum of `x` over the axes of `squares` whose mean is subtracted from `x` before squaring; null if that is not so.
static ReduceOp sumBehind(ReduceOp squares) {
  auto square = squares.getX().getDefiningOp<MulOp>();
  auto centred = square && square.getA() == square.getB() ? square.getA().getDefiningOp<SubOp>() : SubOp();
  auto wide = centred ? centred.getB().getDefiningOp<BroadcastOp>() : BroadcastOp();
  if (!wide)
    return {};
  Value mean = throughUnitReshapes(wide.getX());
  Operation *scaled = mean.getDefiningOp();
  auto sum = scaled && scaled->getNumOperands() == 2
                 ? throughUnitReshapes(scaled->getOperand(0)).getDefiningOp<ReduceOp>()
                 : ReduceOp();
  if (!sum || sum.getKind() != ReduceKind::Sum || sum.getX() != centred.getA() || sum.getAxes() != squares.getAxes() ||
      !isMeanOf(sum, scaled))
    return {};
  // Reshapes by axes of extent 1 keep the long axes in order, so the mean lies along the kept axes if these agree.
  SmallVector<int64_t> to, kept;
  for (auto [axis, at] : llvm::enumerate(wide.getDimensions()))
    if (isLong(typeOf(wide.getX()).getDimSize(axis)))
      to.push_back(at);
  for (auto [axis, extent] : llvm::enumerate(typeOf(sum.getX()).getShape()))
    if (isLong(extent) && !llvm::is_contained(sum.getAxes(), static_cast<int64_t>(axis)))
      kept.push_back(axis);
  return to == kept ? sum : ReduceOp();
}

/// Does some kept axis lie behind a reduced one? Then the reduced elements are apart, and not a row in the cache.
static bool reducesApart(ReduceOp sum) {
  bool seenReduced = false;
  for (auto [axis, extent] : llvm::enumerate(typeOf(sum.getX()).getShape())) {
    bool isReduced = llvm::is_contained(sum.getAxes(), static_cast<int64_t>(axis));
    if (isLong(extent) && seenReduced && !isReduced)
      return true;
    seenReduced |= isLong(extent) && isReduced;
  }
  return false;
}

/// The element of each sum at a place in the middle of the reduced axes, but for the first: there at `quarter` fourths.
static Value createSample(OpBuilder &builder, ReduceOp sum, int64_t quarter) {
  SmallVector<int64_t> offsets, sizes, strides;
  bool isFirst = true;
  for (auto [axis, extent] : llvm::enumerate(typeOf(sum.getX()).getShape())) {
    bool isReduced = llvm::is_contained(sum.getAxes(), static_cast<int64_t>(axis));
    offsets.push_back(!isReduced ? 0 : isFirst && isLong(extent) ? extent * quarter / 4 : extent / 2);
    isFirst &= !isReduced || !isLong(extent);
    sizes.push_back(isReduced ? 1 : extent);
    strides.push_back(1);
  }
  Value slice = SliceOp::create(builder, sum.getLoc(), sum.getX(), offsets, sizes, strides);
  return ReshapeOp::create(builder, sum.getLoc(), slice, extentsOf(sum.getType()));
}

/// The median of three elements of each sum. They lie in the middle of an image, which is more like the rest than its
/// border is, where padding has met the layers before; and no single outlier is taken.
static Value createPilot(OpBuilder &builder, ReduceOp sum) {
  Value a = createSample(builder, sum, 1), b = createSample(builder, sum, 2), c = createSample(builder, sum, 3);
  auto lesser = [&](Value x, Value y) -> Value { return MinOp::create(builder, sum.getLoc(), x, y); };
  auto larger = [&](Value x, Value y) -> Value { return MaxOp::create(builder, sum.getLoc(), x, y); };
  return larger(lesser(a, b), lesser(larger(a, b), c));
}

static void rewriteMoments(ReduceOp sum, ReduceOp squares) {
  OpBuilder builder(sum);
  Location loc = squares.getLoc();
  Type type = sum.getType();
  Value x = sum.getX(), pilot = createPilot(builder, sum);
  SmallVector<int64_t> kept;
  for (int64_t axis = 0; axis < typeOf(x).getRank(); ++axis)
    if (!llvm::is_contained(sum.getAxes(), axis))
      kept.push_back(axis);
  Value wide = BroadcastOp::create(builder, sum.getLoc(), pilot, extentsOf(x.getType()), kept);
  Value shifted = SubOp::create(builder, sum.getLoc(), x, wide);
  Value shiftedSum = ReduceOp::create(builder, sum.getLoc(), ReduceKind::Sum, shifted, sum.getAxes());
  Value square = MulOp::create(builder, loc, shifted, shifted);
  Value squaresSum = ReduceOp::create(builder, loc, ReduceKind::Sum, square, sum.getAxes());
  Value share = createFilledLike(builder, sum.getLoc(), 1.0 / countOf(sum), type);
  Value offset = MulOp::create(builder, sum.getLoc(), shiftedSum, share);
  Value mean = AddOp::create(builder, sum.getLoc(), pilot, offset);
  Value excess = MulOp::create(builder, loc, shiftedSum, offset);
  Value rest = SubOp::create(builder, loc, squaresSum, excess);
  Value result = MaxOp::create(builder, loc, rest, createFilledLike(builder, loc, 0, type));

  SmallVector<Operation *> readers(sum->getUsers());
  while (!readers.empty()) {
    Operation *reader = readers.pop_back_val();
    if (auto reshape = dyn_cast<ReshapeOp>(reader); reshape && reshape.isUnitReshape()) {
      llvm::append_range(readers, reshape->getUsers());
    } else if (isMeanOf(sum, reader)) {
      Value same = mean;
      if (reader->getResult(0).getType() != type)
        same = ReshapeOp::create(builder, reader->getLoc(), mean, extentsOf(reader->getResult(0).getType()));
      reader->getResult(0).replaceAllUsesWith(same);
    }
  }
  squares.getResult().replaceAllUsesWith(result);
}

namespace {
struct OnePassVariancePass : xfer::impl::OnePassVariancePassBase<OnePassVariancePass> {
  void runOnOperation() override {
    SmallVector<ReduceOp> sums;
    getOperation()->walk([&](ReduceOp op) { sums.push_back(op); });
    for (ReduceOp squares : sums) {
      RankedTensorType type = typeOf(squares.getX());
      if (squares.getKind() != ReduceKind::Sum || !isa<FloatType>(type.getElementType()) || !type.hasStaticShape() ||
          type.getNumElements() == 0 || !reducesApart(squares))
        continue;
      if (ReduceOp sum = sumBehind(squares))
        rewriteMoments(sum, squares);
    }
    // What nothing reads any more: the old sums, and the mean that the squares waited for.
    getOperation()->walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
      if (isa<NNDialect>(op->getDialect()) && isOpTriviallyDead(op))
        op->erase();
    });
  }
};
} // namespace
