//===- CanonicalizeContraction.cpp - rewrites of contractions ---------------------------------------------------===//
//
// A contraction names its axes by number, so that a transpose of an operand, or of the result, is only another
// numbering.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace xfer::nn;

static SmallVector<int64_t> renumbered(ArrayRef<int64_t> axes, ArrayRef<int64_t> permutation) {
  return llvm::map_to_vector(axes, [&](int64_t axis) { return permutation[axis]; });
}

/// contract(transpose a, b) and contract(a, transpose b) read the transpose's operand, if its free axes keep their
/// order: they are the result's.
static LogicalResult absorbTranspose(ContractOp op, PatternRewriter &rewriter) {
  auto ofA = op.getA().getDefiningOp<TransposeOp>(), ofB = op.getB().getDefiningOp<TransposeOp>();
  if (ofA && !llvm::is_sorted(renumbered(op.getLhsFree(), ofA.getPermutation())))
    ofA = nullptr;
  if (ofB && !llvm::is_sorted(renumbered(op.getRhsFree(), ofB.getPermutation())))
    ofB = nullptr;
  if (!ofA && !ofB)
    return rewriter.notifyMatchFailure(op, "no transposed operand whose free axes keep their order");
  rewriter.modifyOpInPlace(op, [&] {
    if (ofA) {
      op.setLhsBatch(renumbered(op.getLhsBatch(), ofA.getPermutation()));
      op.setLhsContract(renumbered(op.getLhsContract(), ofA.getPermutation()));
      op.getAMutable().assign(ofA.getX());
    }
    if (ofB) {
      op.setRhsBatch(renumbered(op.getRhsBatch(), ofB.getPermutation()));
      op.setRhsContract(renumbered(op.getRhsContract(), ofB.getPermutation()));
      op.getBMutable().assign(ofB.getX());
    }
  });
  return success();
}

/// transpose(contract(a, b)) that exchanges the free axes of both sides is contract(b, a).
static LogicalResult exchangeSides(TransposeOp op, PatternRewriter &rewriter) {
  auto contract = op.getX().getDefiningOp<ContractOp>();
  if (!contract || !contract->hasOneUse())
    return rewriter.notifyMatchFailure(op, "not the only use of a contraction");
  int64_t batch = contract.getLhsBatch().size(), left = contract.getLhsFree().size(), rank = op.getType().getRank();
  SmallVector<int64_t> exchanged = llvm::to_vector(llvm::seq<int64_t>(0, batch));
  llvm::append_range(exchanged, llvm::seq<int64_t>(batch + left, rank));
  llvm::append_range(exchanged, llvm::seq<int64_t>(batch, batch + left));
  if (op.getPermutation() != ArrayRef(exchanged))
    return rewriter.notifyMatchFailure(op, "not an exchange of both sides");
  rewriter.replaceOpWithNewOp<ContractOp>(op, TypeRange(op.getType()), contract.getB(), contract.getA(),
                                          contract.getRhsBatch(), contract.getLhsBatch(), contract.getRhsContract(),
                                          contract.getLhsContract(), contract.getAccumulator());
  return success();
}

/// `x` with its axes `axes` as the axes `places` of `type`; places increase as the axes are listed.
static Value spread(Value x, ArrayRef<int64_t> axes, ArrayRef<int64_t> places, Type type, Location location,
                    PatternRewriter &rewriter) {
  Value ordered = TransposeOp::create(rewriter, location, x, axes);
  return BroadcastOp::create(rewriter, location, ordered, extentsOf(type), places);
}

/// A contraction that sums over nothing is an element-wise product, which fuses with its neighbours.
static LogicalResult outerProduct(ContractOp op, PatternRewriter &rewriter) {
  if (!op.getLhsContract().empty())
    return rewriter.notifyMatchFailure(op, "contracts an axis");
  int64_t batch = op.getLhsBatch().size();
  SmallVector<int64_t> left(op.getLhsBatch()), right(op.getRhsBatch());
  llvm::append_range(left, op.getLhsFree());
  llvm::append_range(right, op.getRhsFree());
  SmallVector<int64_t> leftPlaces = llvm::to_vector(llvm::seq<int64_t>(0, left.size()));
  SmallVector<int64_t> rightPlaces = llvm::to_vector(llvm::seq<int64_t>(0, batch));
  llvm::append_range(rightPlaces, llvm::seq<int64_t>(left.size(), op.getType().getRank()));
  Value a = spread(op.getA(), left, leftPlaces, op.getType(), op.getLoc(), rewriter);
  Value b = spread(op.getB(), right, rightPlaces, op.getType(), op.getLoc(), rewriter);
  rewriter.replaceOpWithNewOp<MulOp>(op, TypeRange(op.getType()), a, b);
  return success();
}

void ContractOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(absorbTranspose);
  patterns.add(exchangeSides);
  patterns.add(outerProduct);
}
