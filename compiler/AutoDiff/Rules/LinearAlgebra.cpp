//===- LinearAlgebra.cpp - derivatives of factorisations and solves (Murray 2016, arXiv:1602.07527) -------------===//

#include "compiler/AutoDiff/Rules.h"

using namespace mlir;
using namespace xfer::nn;

Term xfer::nn::lowerTriangle(Term x, double diagonal) {
  Extents extents = extentsOf(x.value.getType());
  Term row = x.make<IotaOp>(extents, x.rank() - 2), column = x.make<IotaOp>(extents, x.rank() - 1);
  Term below = select(compare(Predicate::gt, row, column), x, x.filled(0));
  return select(compare(Predicate::eq, row, column), x * diagonal, below);
}

/// The product of matrices in the last two axes; `left` and `right` say which axis of each is contracted: 0 rows, 1
/// columns.
static Term multiply(Term a, Term b, int64_t left, int64_t right) {
  int64_t last = a.rank() - 2;
  SmallVector<int64_t> batch = llvm::to_vector(llvm::seq<int64_t>(0, last));
  return a.make<ContractOp>(a, b, batch, batch, SmallVector<int64_t>{last + left}, SmallVector<int64_t>{last + right});
}

static Term matrixTranspose(Term x) {
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, x.rank()));
  std::swap(permutation[x.rank() - 1], permutation[x.rank() - 2]);
  return transpose(x, permutation);
}

static Term solve(Term l, Term b, bool transposed) { return b.make<TriangularSolveOp>(l, b, transposed); }

/// P = lower triangle of L^T g with half its diagonal, S = L^-T P L^-1, and the cotangent is (S + S^T) / 2.
static Cotangents choleskyRule(CholeskyOp op, Term g, RuleContext &context) {
  Term l = context.term(op.getResult());
  Term p = lowerTriangle(multiply(l, lowerTriangle(g, 1), 0, 0), 0.5);
  Term transposedS = solve(l, matrixTranspose(solve(l, p, true)), true);
  return {(transposedS + matrixTranspose(transposedS)) * 0.5};
}

/// The cotangent of b solves the transposed system; that of l is minus the lower triangle of an outer product.
static Cotangents triangularSolveRule(TriangularSolveOp op, Term g, RuleContext &context) {
  Term l = context.term(op.getL()), x = context.term(op.getResult());
  Term b = solve(l, g, !op.getTransposed());
  Term outer = op.getTransposed() ? multiply(x, b, 1, 1) : multiply(b, x, 1, 1);
  return {-lowerTriangle(outer, 1), b};
}

void xfer::nn::addLinearAlgebraRules(RuleTable &table) {
  table.add<CholeskyOp>(choleskyRule);
  table.add<TriangularSolveOp>(triangularSolveRule);
}
