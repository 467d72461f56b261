//===- Contraction.cpp - derivatives of contractions, convolutions and windows ----------------------------------===//
//
// Each of these operations is linear in each operand, so a derivative is the adjoint: for contract another contract,
// for conv one of its two other directions, for windows the operation named as its adjoint. The families are closed:
// the adjoints' own adjoints are members again.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/AutoDiff/Rules.h"

using namespace mlir;
using namespace xfer::nn;

/// The transpose that brings `x`, whose axis i stands for axis `origin[i]`, into the order of those numbers.
static Term inOrder(Term x, ArrayRef<int64_t> origin) {
  SmallVector<int64_t> permutation(origin.size());
  for (auto [position, axis] : llvm::enumerate(origin))
    permutation[axis] = position;
  return transpose(x, permutation);
}

/// `axes[k]` for each k, in the order of `by[k]`.
static SmallVector<int64_t> sortedBy(ArrayRef<int64_t> axes, ArrayRef<int64_t> by) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, axes.size()));
  llvm::sort(order, [&](int64_t i, int64_t j) { return by[i] < by[j]; });
  return llvm::map_to_vector(order, [&](int64_t i) { return axes[i]; });
}

static Cotangents contractRule(ContractOp op, Term g, RuleContext &context) {
  SmallVector<int64_t> lhsFree = op.getLhsFree(), rhsFree = op.getRhsFree();
  int64_t batch = op.getLhsBatch().size(), left = lhsFree.size(), right = rhsFree.size();
  SmallVector<int64_t> batchAxes = llvm::to_vector(llvm::seq<int64_t>(0, batch));
  SmallVector<int64_t> leftAxes = llvm::to_vector(llvm::seq<int64_t>(batch, batch + left));
  SmallVector<int64_t> rightAxes = llvm::to_vector(llvm::seq<int64_t>(batch + left, batch + left + right));
  Cotangents result(2);
  if (context.wants(op.getA())) {
    // [batch, left, contracted in the order of b]
    Term product =
        g.make<ContractOp>(g, op.getB(), batchAxes, op.getRhsBatch(), rightAxes, rhsFree, op.getAccumulator());
    SmallVector<int64_t> origin(op.getLhsBatch());
    llvm::append_range(origin, lhsFree);
    llvm::append_range(origin, sortedBy(op.getLhsContract(), op.getRhsContract()));
    result[0] = inOrder(product, origin);
  }
  if (context.wants(op.getB())) {
    // [batch, contracted in the order of a, right]
    Term product =
        g.make<ContractOp>(op.getA(), g, op.getLhsBatch(), batchAxes, lhsFree, leftAxes, op.getAccumulator());
    SmallVector<int64_t> origin(op.getRhsBatch());
    llvm::append_range(origin, sortedBy(op.getRhsContract(), op.getLhsContract()));
    llvm::append_range(origin, rhsFree);
    result[1] = inOrder(product, origin);
  }
  return result;
}

template <typename Made, typename Op> static Term convLike(Op op, Term a, Value b, Value like) {
  return a.make<Made>(withoutMeaning(like.getType()), a, b, op.getStrides(), op.getPaddingLow(), op.getPaddingHigh(),
                      op.getDilations(), op.getGroups());
}

template <typename Made, typename Op> static Term windowLike(Op op, Term g, Value like) {
  return g.make<Made>(TypeRange(withoutMeaning(like.getType())), g, op.getWindow(), op.getStrides(), op.getPaddingLow(),
                      op.getPaddingHigh(), op.getDilations());
}

template <typename Made, typename Op> static Term indexedLike(Op op, Term g, Value index, Value like) {
  return g.make<Made>(TypeRange(withoutMeaning(like.getType())), g, index, op.getWindow(), op.getStrides(),
                      op.getPaddingLow(), op.getPaddingHigh(), op.getDilations());
}

static Cotangents convRule(ConvOp op, Term g, RuleContext &context) {
  Cotangents result(2);
  if (context.wants(op.getX()))
    result[0] = convLike<ConvInputGradientOp>(op, g, op.getW(), op.getX());
  if (context.wants(op.getW()))
    result[1] = convLike<ConvFilterGradientOp>(op, context.term(op.getX()), g, op.getW());
  return result;
}

static Cotangents convInputGradientRule(ConvInputGradientOp op, Term g, RuleContext &context) {
  Cotangents result(2);
  if (context.wants(op.getDy()))
    result[0] = convLike<ConvOp>(op, g, op.getW(), op.getDy());
  if (context.wants(op.getW()))
    result[1] = convLike<ConvFilterGradientOp>(op, g, op.getDy(), op.getW());
  return result;
}

static Cotangents convFilterGradientRule(ConvFilterGradientOp op, Term g, RuleContext &context) {
  Cotangents result(2);
  if (context.wants(op.getX()))
    result[0] = convLike<ConvInputGradientOp>(op, context.term(op.getDy()), g, op.getX());
  if (context.wants(op.getDy()))
    result[1] = convLike<ConvOp>(op, context.term(op.getX()), g, op.getDy());
  return result;
}

void xfer::nn::addContractionRules(RuleTable &table) {
  table.add<ContractOp>(contractRule);
  table.add<ConvOp>(convRule);
  table.add<ConvInputGradientOp>(convInputGradientRule);
  table.add<ConvFilterGradientOp>(convFilterGradientRule);
  table.add<WindowMaxOp>([](WindowMaxOp op, Term g, RuleContext &) -> Cotangents {
    return {indexedLike<WindowScatterOp>(op, g, op.getIndex(), op.getX())};
  });
  table.add<WindowGatherOp>([](WindowGatherOp op, Term g, RuleContext &) -> Cotangents {
    return {indexedLike<WindowScatterOp>(op, g, op.getIndex(), op.getX()), Value()};
  });
  table.add<WindowScatterOp>([](WindowScatterOp op, Term g, RuleContext &) -> Cotangents {
    return {indexedLike<WindowGatherOp>(op, g, op.getIndex(), op.getG()), Value()};
  });
  table.add<WindowSumOp>([](WindowSumOp op, Term g, RuleContext &) -> Cotangents {
    return {windowLike<WindowSpreadOp>(op, g, op.getX())};
  });
  table.add<WindowSpreadOp>([](WindowSpreadOp op, Term g, RuleContext &) -> Cotangents {
    return {windowLike<WindowSumOp>(op, g, op.getG())};
  });
}
