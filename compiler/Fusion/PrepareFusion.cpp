//===- PrepareFusion.cpp - rewrites that let more operations share a pass ---------------------------------------===//
//
// Batch norm's backward pass shows why: the gradient of the mean is the sum over -2 * v * (x - m), where v, the
// gradient of the variance, is itself a sum over the batch. With the factor v outside, sum(x - m) needs no other sum,
// and all sums of the backward pass are found in one pass over its tensors.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Fusion/PrepareFusion.h"

#include "compiler/Dialect/NN/IR/NN.h"

#include "mlir/IR/Dominance.h"
#include "mlir/Transforms/CSE.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace xfer {

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The operand of a reshape that only adds and removes axes of extent 1.
Value unitReshapeSource(Value value) {
  auto reshape = value.getDefiningOp<nn::ReshapeOp>();
  return reshape && reshape.isUnitReshape() ? reshape.getX() : Value();
}

/// `value` as it is along the kept axes of `reduce`, if it is the same along all reduced ones.
Value alongKept(Value value, nn::ReduceOp reduce, PatternRewriter &rewriter) {
  auto extents = nn::extentsOf(reduce.getResult().getType());
  Location loc = reduce.getLoc();
  if (auto constant = value.getDefiningOp<nn::ConstantOp>()) {
    auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
    if (!splat || !typeOf(reduce.getResult()).hasStaticShape())
      return {};
    auto type = RankedTensorType::get(typeOf(reduce.getResult()).getShape(), splat.getElementType());
    return nn::ConstantOp::create(rewriter, loc, splat.resizeSplat(type));
  }
  auto broadcast = value.getDefiningOp<nn::BroadcastOp>();
  if (!broadcast)
    return {};
  SmallVector<int64_t> dimensions;
  for (auto [axis, to] : llvm::enumerate(broadcast.getDimensions())) {
    int64_t dropped = 0;
    for (int64_t reduced : reduce.getAxes()) {
      if (reduced == to)
        return {};
      dropped += reduced < to;
    }
    dimensions.push_back(to - dropped);
  }
  return nn::BroadcastOp::create(rewriter, loc, broadcast.getX(), extents, dimensions);
}

/// sum(a * k) = sum(a) * k, where k is the same along the reduced axes.
struct FactorOutOfSum : OpRewritePattern<nn::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ReduceOp reduce, PatternRewriter &rewriter) const override {
    Operation *op = reduce.getX().getDefiningOp();
    if (reduce.getKind() != nn::ReduceKind::Sum || !op || !isa<FloatType>(typeOf(reduce.getX()).getElementType()))
      return rewriter.notifyMatchFailure(reduce, "no sum of floats");
    auto sumOf = [&](Value value) {
      return nn::ReduceOp::create(rewriter, reduce.getLoc(), nn::ReduceKind::Sum, value, reduce.getAxes());
    };
    if (isa<nn::NegOp>(op)) {
      rewriter.replaceOpWithNewOp<nn::NegOp>(reduce, sumOf(op->getOperand(0)));
      return success();
    }
    if (isa<nn::AddOp>(op) && op->getOperand(0) == op->getOperand(1)) {
      Value half = sumOf(op->getOperand(0));
      rewriter.replaceOpWithNewOp<nn::AddOp>(reduce, half, half);
      return success();
    }
    if (!isa<nn::MulOp, nn::DivOp>(op))
      return rewriter.notifyMatchFailure(reduce, "no sum of products");
    for (unsigned side : {1u, 0u}) {
      if (isa<nn::DivOp>(op) && side == 0)
        break;
      Value factor = alongKept(op->getOperand(side), reduce, rewriter);
      if (!factor)
        continue;
      Value rest = sumOf(op->getOperand(1 - side));
      if (isa<nn::MulOp>(op))
        rewriter.replaceOpWithNewOp<nn::MulOp>(reduce, rest, factor);
      else
        rewriter.replaceOpWithNewOp<nn::DivOp>(reduce, rest, factor);
      return success();
    }
    if (isa<nn::MulOp>(op))
      return factorOfFactor(reduce, op, rewriter);
    return rewriter.notifyMatchFailure(reduce, "no factor is the same along the reduced axes");
  }

private:
  /// sum((a * k) * b) = sum(a * b) * k.
  LogicalResult factorOfFactor(nn::ReduceOp reduce, Operation *op, PatternRewriter &rewriter) const {
    for (unsigned side : {0u, 1u}) {
      Operation *inner = op->getOperand(side).getDefiningOp();
      if (!inner || !isa<nn::MulOp, nn::DivOp>(inner))
        continue;
      for (unsigned at : {1u, 0u}) {
        if (isa<nn::DivOp>(inner) && at == 0)
          break;
        Value factor = alongKept(inner->getOperand(at), reduce, rewriter);
        if (!factor)
          continue;
        Value product = nn::MulOp::create(rewriter, op->getLoc(), inner->getOperand(1 - at), op->getOperand(1 - side));
        Value sum = nn::ReduceOp::create(rewriter, reduce.getLoc(), nn::ReduceKind::Sum, product, reduce.getAxes());
        if (isa<nn::MulOp>(inner))
          rewriter.replaceOpWithNewOp<nn::MulOp>(reduce, sum, factor);
        else
          rewriter.replaceOpWithNewOp<nn::DivOp>(reduce, sum, factor);
        return success();
      }
    }
    return rewriter.notifyMatchFailure(reduce, "no factor is the same along the reduced axes");
  }
};

bool isZero(Value value) {
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  auto splat = constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : SplatElementsAttr();
  return splat && isa<FloatType>(splat.getElementType()) && splat.getSplatValue<APFloat>().isZero();
}

/// Where y = select(x <= 0, 0, x), x <= 0 is y <= 0, also for NaN. The backward pass of a rectifier then asks for y,
/// which the next layer's gradient keeps anyway, instead of x, which would be stored beside it or be computed again.
struct MaskOfRectified : OpRewritePattern<nn::SelectOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::SelectOp rectified, PatternRewriter &rewriter) const override {
    auto mask = rectified.getCondition().getDefiningOp<nn::CompareOp>();
    if (!mask || mask.getPredicate() != nn::Predicate::le || !isZero(mask.getB()) || rectified.getB() != mask.getA() ||
        !isZero(rectified.getA()))
      return rewriter.notifyMatchFailure(rectified, "no rectifier");
    auto isLater = [&](OpOperand &use) {
      return use.getOwner() != rectified && use.getOwner()->getBlock() == rectified->getBlock() &&
             rectified->isBeforeInBlock(use.getOwner());
    };
    if (llvm::none_of(mask->getUses(), isLater))
      return rewriter.notifyMatchFailure(rectified, "its mask is not read again");
    rewriter.setInsertionPointAfter(rectified);
    Value again =
        nn::CompareOp::create(rewriter, mask.getLoc(), mask.getPredicate(), rectified.getResult(), mask.getB());
    rewriter.replaceUsesWithIf(mask.getResult(), again, isLater);
    return success();
  }
};

/// broadcast(reshape(x)), where the reshape only adds axes of extent 1, is a broadcast of x.
struct BroadcastOfUnitReshape : OpRewritePattern<nn::BroadcastOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::BroadcastOp op, PatternRewriter &rewriter) const override {
    Value source = unitReshapeSource(op.getX());
    if (!source)
      return rewriter.notifyMatchFailure(op, "no broadcast of a reshape by axes of extent 1");
    SmallVector<int64_t> longAxes, dimensions;
    for (auto [axis, extent] : llvm::enumerate(typeOf(op.getX()).getShape()))
      if (extent != 1)
        longAxes.push_back(op.getDimensions()[axis]);
    // Axes of extent 1 of the source need a place between those of its neighbours: only sources without them.
    if (llvm::is_contained(typeOf(source).getShape(), 1))
      return rewriter.notifyMatchFailure(op, "the source has axes of extent 1");
    rewriter.replaceOpWithNewOp<nn::BroadcastOp>(op, source, nn::extentsOf(op.getResult().getType()), longAxes);
    return success();
  }
};

/// An element-wise operation on reshapes by axes of extent 1 works on what was reshaped; the reshape comes after it.
struct SinkUnitReshape : RewritePattern {
  explicit SinkUnitReshape(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!op->hasTrait<nn::PerElement>() || op->getNumResults() != 1 || !typeOf(op->getResult(0)).hasStaticShape())
      return failure();
    Value like;
    for (Value operand : op->getOperands())
      if (Value source = unitReshapeSource(operand))
        if (!like || typeOf(source).getRank() < typeOf(like).getRank())
          like = source;
    if (!like || typeOf(like).getRank() >= typeOf(op->getResult(0)).getRank())
      return failure();
    // Nothing is made before it is known that all operands fit: what a pattern that fails has made would be erased as
    // dead, which counts as a change, and the rewriting would never come to rest.
    auto sourceLike = [&](Value operand) {
      Value source = unitReshapeSource(operand);
      return source && nn::extentsOf(source.getType()) == nn::extentsOf(like.getType()) ? source : Value();
    };
    auto splatOf = [](Value operand) {
      auto constant = operand.getDefiningOp<nn::ConstantOp>();
      return constant ? dyn_cast<SplatElementsAttr>(constant.getValue()) : SplatElementsAttr();
    };
    auto scalarOf = [](Value operand) {
      auto broadcast = operand.getDefiningOp<nn::BroadcastOp>();
      return broadcast && typeOf(broadcast.getX()).getRank() == 0 ? broadcast.getX() : Value();
    };
    for (Value operand : op->getOperands())
      if (!sourceLike(operand) && !splatOf(operand) && !scalarOf(operand))
        return rewriter.notifyMatchFailure(op, "an operand is neither reshaped so nor the same everywhere");
    SmallVector<Value> operands;
    for (Value operand : op->getOperands()) {
      auto type = RankedTensorType::get(typeOf(like).getShape(), typeOf(operand).getElementType());
      if (Value source = sourceLike(operand))
        operands.push_back(source);
      else if (SplatElementsAttr splat = splatOf(operand))
        operands.push_back(nn::ConstantOp::create(rewriter, op->getLoc(), splat.resizeSplat(type)));
      else
        operands.push_back(nn::BroadcastOp::create(rewriter, op->getLoc(), scalarOf(operand), nn::extentsOf(type),
                                                   ArrayRef<int64_t>()));
    }
    auto extents = nn::extentsOf(op->getResult(0).getType());
    auto type = RankedTensorType::get(typeOf(like).getShape(), typeOf(op->getResult(0)).getElementType());
    OperationState state(op->getLoc(), op->getName(), operands, TypeRange{type}, op->getAttrs());
    Operation *small = rewriter.create(state);
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, small->getResult(0), extents);
    return success();
  }
};

/// concat(slice(x, 0..k), slice(x, k..n)) is x: what joint domains leave when they are taken apart and joined again.
struct ConcatOfSlices : OpRewritePattern<nn::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ConcatOp op, PatternRewriter &rewriter) const override {
    Value whole;
    int64_t axis = op.getAxis(), end = 0;
    for (Value part : op.getXs()) {
      auto slice = part.getDefiningOp<nn::SliceOp>();
      if (!slice || (whole && slice.getX() != whole) || slice.getX().getType() != op.getResult().getType())
        return rewriter.notifyMatchFailure(op, "not all slices of one tensor of its type");
      whole = slice.getX();
      for (auto [at, offset] : llvm::enumerate(slice.getOffsets()))
        if (offset != (static_cast<int64_t>(at) == axis ? end : 0) || slice.getStrides()[at] != 1)
          return rewriter.notifyMatchFailure(op, "not one after the other");
      end += typeOf(part).getDimSize(axis);
    }
    rewriter.replaceOp(op, whole);
    return success();
  }
};

} // namespace

LogicalResult prepareFusion(Operation *op) {
  RewritePatternSet patterns(op->getContext());
  patterns.add<FactorOutOfSum, MaskOfRectified, BroadcastOfUnitReshape, ConcatOfSlices, SinkUnitReshape>(
      op->getContext());
  if (failed(applyPatternsGreedily(op, std::move(patterns))))
    return failure();
  IRRewriter rewriter(op->getContext());
  DominanceInfo dominance(op);
  eliminateCommonSubExpressions(rewriter, dominance, op);
  return success();
}

} // namespace xfer
