//===- Term.h - formulas over nn values -------------------------------------------------------------------------===//
//
// Lets a derivative rule be written as the formula of a textbook: `g * (1 - y * y)`. A Term is a value together with
// the place where operations on it are created; a number in a formula becomes a constant of the other side's type.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_AUTODIFF_TERM_H
#define XFER_COMPILER_AUTODIFF_TERM_H

#include "compiler/Dialect/NN/IR/NN.h"

namespace xfer::nn {

struct Term {
  mlir::OpBuilder *builder;
  mlir::Location location;
  mlir::Value value;

  operator mlir::Value() const { return value; }
  mlir::RankedTensorType type() const { return llvm::cast<mlir::RankedTensorType>(value.getType()); }
  int64_t rank() const { return type().getRank(); }
  Term with(mlir::Value other) const { return {builder, location, other}; }
  /// A constant of this term's type.
  Term filled(double number) const { return with(createFilledLike(*builder, location, number, value.getType())); }
  template <typename Op, typename... Arguments> Term make(Arguments &&...arguments) const {
    return with(Op::create(*builder, location, std::forward<Arguments>(arguments)...));
  }
};

inline Term operator+(Term a, Term b) { return a.make<AddOp>(a, b); }
inline Term operator-(Term a, Term b) { return a.make<SubOp>(a, b); }
inline Term operator*(Term a, Term b) { return a.make<MulOp>(a, b); }
inline Term operator/(Term a, Term b) { return a.make<DivOp>(a, b); }
inline Term operator-(Term a, double b) { return a - a.filled(b); }
inline Term operator-(double a, Term b) { return b.filled(a) - b; }
inline Term operator*(Term a, double b) { return a * a.filled(b); }
inline Term operator-(Term a) { return a.make<NegOp>(a); }
inline Term exp(Term x) { return x.make<ExpOp>(x); }
inline Term log(Term x) { return x.make<LogOp>(x); }
inline Term sin(Term x) { return x.make<SinOp>(x); }
inline Term cos(Term x) { return x.make<CosOp>(x); }
inline Term sign(Term x) { return x.make<SignOp>(x); }
inline Term floor(Term x) { return x.make<FloorOp>(x); }
inline Term pow(Term a, Term b) { return a.make<PowOp>(a, b); }
inline Term compare(Predicate predicate, Term a, Term b) { return a.make<CompareOp>(predicate, a, b); }
inline Term select(Term condition, Term a, Term b) { return a.make<SelectOp>(condition, a, b); }
inline Term sum(Term x, llvm::ArrayRef<int64_t> axes) { return x.make<ReduceOp>(ReduceKind::Sum, x, axes); }
inline Term transpose(Term x, llvm::ArrayRef<int64_t> permutation) { return x.make<TransposeOp>(x, permutation); }
inline Term reverse(Term x, llvm::ArrayRef<int64_t> axes) { return x.make<ReverseOp>(x, axes); }
inline Term reshapeLike(Term x, mlir::Value like) { return x.make<ReshapeOp>(x, extentsOf(like.getType())); }
/// Repeats `x`, whose axes are those of `like` but for `missing`.
inline Term broadcastLike(Term x, mlir::Value like, llvm::ArrayRef<int64_t> missing) {
  llvm::SmallVector<int64_t> dimensions;
  Extents extents = extentsOf(like.getType());
  for (int64_t axis = 0; axis < int64_t(extents.size()); ++axis)
    if (!llvm::is_contained(missing, axis))
      dimensions.push_back(axis);
  return x.make<BroadcastOp>(x, extents, dimensions);
}
/// A 0/1 mask as numbers of the type of `like`.
inline Term toNumbers(Term mask, Term like) { return mask.make<ConvertOp>(mask, like.type().getElementType()); }
/// The lower triangle of the last two axes, the diagonal included and multiplied by `diagonal`.
Term lowerTriangle(Term x, double diagonal);

} // namespace xfer::nn

#endif // XFER_COMPILER_AUTODIFF_TERM_H
