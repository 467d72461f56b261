//===- Canonicalize.cpp - rewrites that keep elaborated and differentiated programs small -----------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/IR/PatternMatch.h"
#include <cmath>

using namespace mlir;
using namespace xfer::nn;

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

/// x ** 2 is x * x.
static LogicalResult expandSquare(PowOp op, PatternRewriter &rewriter) {
  if (!isFilledWith(op.getB(), 2))
    return rewriter.notifyMatchFailure(op, "the exponent is not 2");
  auto product = MulOp::create(rewriter, op.getLoc(), op.getA(), op.getA());
  product.getResult().setType(op.getType());
  rewriter.replaceOp(op, product);
  return success();
}

void PowOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(expandSquare); }

/// A division by a power of two is exactly a product.
static LogicalResult divisionByPowerOfTwo(DivOp op, PatternRewriter &rewriter) {
  std::optional<double> divisor = filledNumber(op.getB());
  int exponent = 0;
  if (!divisor || !isa<FloatType>(op.getType().getElementType()) || std::fabs(std::frexp(*divisor, &exponent)) != 0.5 ||
      std::abs(exponent) > 60)
    return rewriter.notifyMatchFailure(op, "the divisor is not known to be a power of two");
  Value factor = createFilledLike(rewriter, op.getLoc(), 1 / *divisor, op.getB().getType());
  rewriter.replaceOpWithNewOp<MulOp>(op, TypeRange(op.getType()), op.getA(), factor);
  return success();
}

void DivOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(divisionByPowerOfTwo);
}

//===----------------------------------------------------------------------===//
// Structural
//===----------------------------------------------------------------------===//

/// A broadcast that only spreads axes of extent 1 that a reshape has added does so itself.
static LogicalResult broadcastOfAddedAxes(BroadcastOp op, PatternRewriter &rewriter) {
  auto reshape = op.getX().getDefiningOp<ReshapeOp>();
  if (!reshape)
    return rewriter.notifyMatchFailure(op, "not a broadcast of a reshape");
  Extents from = extentsOf(reshape.getX().getType()), to = extentsOf(reshape.getType());
  SmallVector<int64_t> dimensions;
  for (auto [extent, dimension] : llvm::zip_equal(to, op.getDimensions())) {
    if (dimensions.size() < from.size() && extent == from[dimensions.size()])
      dimensions.push_back(dimension);
    else if (extent != Extent(1))
      return rewriter.notifyMatchFailure(op, "the reshape does more than adding axes");
  }
  if (dimensions.size() != from.size())
    return rewriter.notifyMatchFailure(op, "the reshape drops axes");
  rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), reshape.getX(), dimensions);
  return success();
}

/// broadcast(broadcast x) is one broadcast.
static LogicalResult composeBroadcasts(BroadcastOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<BroadcastOp>();
  if (!inner)
    return rewriter.notifyMatchFailure(op, "not a broadcast of a broadcast");
  SmallVector<int64_t> dimensions;
  for (int64_t axis : inner.getDimensions())
    dimensions.push_back(op.getDimensions()[axis]);
  rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), inner.getX(), dimensions);
  return success();
}

/// A broadcast that only adds axes of extent 1 is a reshape.
static LogicalResult broadcastToReshape(BroadcastOp op, PatternRewriter &rewriter) {
  RankedTensorType from = op.getX().getType(), to = op.getType();
  if (!from.hasStaticShape() || !to.hasStaticShape() || from.getNumElements() != to.getNumElements())
    return rewriter.notifyMatchFailure(op, "elements are repeated");
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, to, op.getX());
  return success();
}

void BroadcastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(composeBroadcasts);
  patterns.add(broadcastToReshape);
  patterns.add(broadcastOfAddedAxes);
}

/// reshape(reshape x) is one reshape.
static LogicalResult composeReshapes(ReshapeOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<ReshapeOp>();
  if (!inner)
    return rewriter.notifyMatchFailure(op, "not a reshape of a reshape");
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), inner.getX());
  return success();
}

void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(composeReshapes);
}

/// transpose(transpose x) is one transpose.
static LogicalResult composeTransposes(TransposeOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<TransposeOp>();
  if (!inner)
    return rewriter.notifyMatchFailure(op, "not a transpose of a transpose");
  SmallVector<int64_t> permutation;
  for (int64_t axis : op.getPermutation())
    permutation.push_back(inner.getPermutation()[axis]);
  rewriter.replaceOpWithNewOp<TransposeOp>(op, TypeRange(op.getType()), inner.getX(), permutation);
  return success();
}

/// A transpose that only moves axes of extent 1 is a reshape.
static LogicalResult transposeToReshape(TransposeOp op, PatternRewriter &rewriter) {
  RankedTensorType type = op.getX().getType();
  if (!type.hasStaticShape())
    return rewriter.notifyMatchFailure(op, "dynamic extents");
  SmallVector<int64_t> moved;
  for (int64_t axis : op.getPermutation())
    if (type.getDimSize(axis) != 1)
      moved.push_back(axis);
  if (!llvm::is_sorted(moved))
    return rewriter.notifyMatchFailure(op, "moves an axis of several elements");
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getX());
  return success();
}

void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(composeTransposes);
  patterns.add(transposeToReshape);
}

/// Operands without elements say nothing.
static LogicalResult dropEmptyParts(ConcatOp op, PatternRewriter &rewriter) {
  SmallVector<Value> parts = llvm::filter_to_vector(
      op.getXs(), [&](Value x) { return cast<RankedTensorType>(x.getType()).getDimSize(op.getAxis()) != 0; });
  if (parts.empty() || parts.size() == op.getXs().size())
    return rewriter.notifyMatchFailure(op, "no empty operand beside others");
  rewriter.replaceOpWithNewOp<ConcatOp>(op, TypeRange(op.getType()), parts, op.getAxisAttr());
  return success();
}

/// The slice that two neighbouring slices of one tensor are together; null if they are not.
static Value joined(Value first, Value second, int64_t axis, PatternRewriter &rewriter) {
  auto a = first.getDefiningOp<SliceOp>(), b = second.getDefiningOp<SliceOp>();
  if (!a || !b || a.getX() != b.getX() || a.getStrides() != b.getStrides())
    return {};
  SmallVector<int64_t> sizes(a.getSizes());
  for (int64_t i = 0; i < int64_t(sizes.size()); ++i) {
    int64_t expected = a.getOffsets()[i] + (i == axis ? sizes[i] * a.getStrides()[i] : 0);
    if (b.getOffsets()[i] != expected || (i != axis && b.getSizes()[i] != sizes[i]))
      return {};
  }
  sizes[axis] += b.getSizes()[axis];
  Location location = rewriter.getFusedLoc({a.getLoc(), b.getLoc()});
  return SliceOp::create(rewriter, location, a.getX(), a.getOffsets(), sizes, a.getStrides());
}

/// Neighbouring slices put together again are one slice.
static LogicalResult joinSlices(ConcatOp op, PatternRewriter &rewriter) {
  SmallVector<Value> parts(op.getXs());
  for (size_t i = 0; i + 1 < parts.size(); ++i)
    if (Value both = joined(parts[i], parts[i + 1], op.getAxis(), rewriter)) {
      parts[i] = both;
      parts.erase(parts.begin() + i + 1);
      rewriter.replaceOpWithNewOp<ConcatOp>(op, TypeRange(op.getType()), parts, op.getAxisAttr());
      return success();
    }
  return rewriter.notifyMatchFailure(op, "no neighbouring slices of one tensor");
}

void ConcatOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropEmptyParts);
  patterns.add(joinSlices);
}

/// slice(slice x) is one slice.
static LogicalResult composeSlices(SliceOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<SliceOp>();
  if (!inner)
    return rewriter.notifyMatchFailure(op, "not a slice of a slice");
  SmallVector<int64_t> offsets, strides;
  for (auto [offset, stride, innerOffset, innerStride] :
       llvm::zip(op.getOffsets(), op.getStrides(), inner.getOffsets(), inner.getStrides())) {
    offsets.push_back(innerOffset + offset * innerStride);
    strides.push_back(stride * innerStride);
  }
  rewriter.replaceOpWithNewOp<SliceOp>(op, TypeRange(op.getType()), inner.getX(), offsets, op.getSizes(), strides);
  return success();
}

/// A slice of a concat that lies in one of its parts is a slice of that part.
static LogicalResult sliceOnePart(SliceOp op, PatternRewriter &rewriter) {
  auto concat = op.getX().getDefiningOp<ConcatOp>();
  if (!concat)
    return rewriter.notifyMatchFailure(op, "not a slice of a concat");
  if (concat.getResult().getType().isDynamicDim(concat.getAxis()))
    return rewriter.notifyMatchFailure(op, "where its parts end is not known");
  int64_t axis = concat.getAxis(), first = op.getOffsets()[axis];
  int64_t last = first + (op.getSizes()[axis] - 1) * op.getStrides()[axis];
  SmallVector<int64_t> offsets(op.getOffsets());
  for (Value part : concat.getXs()) {
    int64_t size = cast<RankedTensorType>(part.getType()).getDimSize(axis);
    if (first >= 0 && first < size && last < size && last >= first) {
      offsets[axis] = first;
      rewriter.replaceOpWithNewOp<SliceOp>(op, TypeRange(op.getType()), part, offsets, op.getSizes(), op.getStrides());
      return success();
    }
    first -= size;
    last -= size;
  }
  return rewriter.notifyMatchFailure(op, "spans several parts");
}

void SliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(composeSlices);
  patterns.add(sliceOnePart);
}

//===----------------------------------------------------------------------===//
// reduce
//===----------------------------------------------------------------------===//

/// A reduction over axes of extent 1 is a reshape.
static LogicalResult reduceToReshape(ReduceOp op, PatternRewriter &rewriter) {
  RankedTensorType type = op.getX().getType();
  if (op.getAxes().empty() || !llvm::all_of(op.getAxes(), [&](int64_t axis) { return type.getDimSize(axis) == 1; }))
    return rewriter.notifyMatchFailure(op, "combines several elements");
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getX());
  return success();
}

/// Two reductions of one kind are one over the axes of both.
static LogicalResult composeReductions(ReduceOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<ReduceOp>();
  if (!inner || inner.getKind() != op.getKind() || !inner->hasOneUse())
    return rewriter.notifyMatchFailure(op, "not the only use of a reduction of the same kind");
  SmallVector<int64_t> kept, axes(inner.getAxes());
  for (int64_t axis = 0; axis < inner.getX().getType().getRank(); ++axis)
    if (!llvm::is_contained(inner.getAxes(), axis))
      kept.push_back(axis);
  for (int64_t axis : op.getAxes())
    axes.push_back(kept[axis]);
  llvm::sort(axes);
  rewriter.replaceOpWithNewOp<ReduceOp>(op, TypeRange(op.getType()), op.getKind(), inner.getX(), axes);
  return success();
}

/// The sum over axes that a broadcast has added is a product with their size.
static LogicalResult sumOfBroadcast(ReduceOp op, PatternRewriter &rewriter) {
  auto broadcast = op.getX().getDefiningOp<BroadcastOp>();
  if (!broadcast || op.getKind() != ReduceKind::Sum)
    return rewriter.notifyMatchFailure(op, "not the sum of a broadcast");
  RankedTensorType type = broadcast.getType(), from = broadcast.getX().getType();
  double count = 1;
  for (int64_t axis : op.getAxes()) {
    if (type.isDynamicDim(axis) || llvm::is_contained(broadcast.getDimensions(), axis))
      return rewriter.notifyMatchFailure(op, "an axis is not new or not static");
    count *= double(type.getDimSize(axis));
  }
  SmallVector<int64_t> dimensions;
  for (int64_t axis : broadcast.getDimensions())
    dimensions.push_back(axis - llvm::count_if(op.getAxes(), [&](int64_t reduced) { return reduced < axis; }));
  Value factor = createFilled(rewriter, op.getLoc(), count, from.getElementType(), extentsOf(from));
  Value scaled = MulOp::create(rewriter, op.getLoc(), broadcast.getX(), factor);
  rewriter.replaceOpWithNewOp<BroadcastOp>(op, op.getType(), scaled, dimensions);
  return success();
}

void ReduceOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(reduceToReshape);
  patterns.add(composeReductions);
  patterns.add(sumOfBroadcast);
}

//===----------------------------------------------------------------------===//
// windows
//===----------------------------------------------------------------------===//

/// Is each window one element, and none in the padding?
template <typename Op> static bool isPointwise(Op op) {
  auto all = [](ArrayRef<int64_t> numbers, int64_t value) {
    return llvm::all_of(numbers, [&](int64_t number) { return number == value; });
  };
  return all(op.getWindow(), 1) && all(op.getPaddingLow(), 0) && all(op.getPaddingHigh(), 0);
}

/// The strided slice that windows of one element are.
template <typename Op> static Value strided(Op op, PatternRewriter &rewriter) {
  RankedTensorType type = op.getX().getType();
  SmallVector<int64_t> offsets(type.getRank(), 0), strides(type.getRank(), 1);
  llvm::copy(op.getStrides(), strides.begin() + 1);
  ArrayRef<int64_t> sizes = op.getResult().getType().getShape();
  return SliceOp::create(rewriter, op.getLoc(), TypeRange(op.getResult().getType()), op.getX(), offsets, sizes,
                         strides);
}

static LogicalResult windowMaxToSlice(WindowMaxOp op, PatternRewriter &rewriter) {
  if (!isPointwise(op))
    return rewriter.notifyMatchFailure(op, "a window has several elements");
  Value index = createFilledLike(rewriter, op.getLoc(), 0, op.getIndex().getType());
  rewriter.replaceOp(op, {strided(op, rewriter), index});
  return success();
}

static LogicalResult windowSumToSlice(WindowSumOp op, PatternRewriter &rewriter) {
  if (!isPointwise(op))
    return rewriter.notifyMatchFailure(op, "a window has several elements");
  rewriter.replaceOp(op, strided(op, rewriter));
  return success();
}

void WindowMaxOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(windowMaxToSlice);
}

void WindowSumOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(windowSumToSlice);
}

//===----------------------------------------------------------------------===//
// loop
//===----------------------------------------------------------------------===//

/// Is the carry needed: its last value is used, or its argument feeds something else than its own next value?
static bool isLiveCarry(LoopOp op, unsigned index) {
  if (!op.getResult(index).use_empty())
    return true;
  Value argument = op.getBodyArguments().carries[index];
  return !llvm::all_of(argument.getUses(), [&](OpOperand &use) {
    return use.getOwner() == op.getYield() && use.getOperandNumber() == index;
  });
}

/// Removes carries, inputs and stacked results that nothing reads.
static LogicalResult dropUnusedParts(LoopOp op, PatternRewriter &rewriter) {
  LoopArguments arguments = op.getBodyArguments();
  unsigned carries = op.getCarryCount(), stacked = op.getStackedCount();
  SmallVector<Value> keptCarries, keptScanned, keptInvariants;
  llvm::BitVector deadArguments(op.getBody().getNumArguments()), deadResults(op.getNumResults());
  unsigned position = 1;
  auto keep = [&](bool live, Value operand, SmallVectorImpl<Value> &kept) {
    live ? kept.push_back(operand) : (void)deadArguments.set(position);
    ++position;
  };
  for (unsigned i = 0; i < carries; ++i) {
    bool live = isLiveCarry(op, i);
    keep(live, op.getCarries()[i], keptCarries);
    if (!live)
      deadResults.set(i);
  }
  for (auto [operand, argument] : llvm::zip(op.getScanned(), arguments.scanned))
    keep(!argument.use_empty(), operand, keptScanned);
  for (auto [operand, argument] : llvm::zip(op.getInvariants(), arguments.invariants))
    keep(!argument.use_empty(), operand, keptInvariants);
  for (unsigned i = carries; i < carries + stacked; ++i)
    if (op.getResult(i).use_empty())
      deadResults.set(i);
  if (deadArguments.none() && deadResults.none())
    return rewriter.notifyMatchFailure(op, "every part is used");
  SmallVector<Type> types;
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    if (!deadResults.test(i))
      types.push_back(op.getResult(i).getType());
  llvm::BitVector deadYields = deadResults;
  deadYields.resize(op.getYield().getNumOperands());
  rewriter.modifyOpInPlace(op.getYield(), [&] { op.getYield()->eraseOperands(deadYields); });
  auto loop = LoopOp::create(rewriter, op.getLoc(), types, op.getCountAttr(), keptCarries, keptScanned, keptInvariants,
                             op.getConditionalAttr());
  rewriter.inlineRegionBefore(op.getBody(), loop.getBody(), loop.getBody().end());
  loop.getBody().front().eraseArguments(deadArguments);
  for (unsigned i = 0, next = 0; i < op.getNumResults(); ++i)
    if (!deadResults.test(i))
      rewriter.replaceAllUsesWith(op.getResult(i), loop.getResult(next++));
  rewriter.eraseOp(op);
  return success();
}

void LoopOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(dropUnusedParts); }
