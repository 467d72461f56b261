//===- LinearAlgebra.cpp - factorisations and solves, plainly ---------------------------------------------------===//

#include "Evaluator.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static Tensors cholesky(const HostTensor &a) {
  int64_t n = a.shape.back(), matrices = n ? a.size() / (n * n) : 0;
  HostTensor result(a.element, a.shape);
  for (int64_t m = 0; m < matrices; ++m) {
    const double *from = a.values.data() + m * n * n;
    double *l = result.values.data() + m * n * n;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j <= i; ++j) {
        double sum = from[i * n + j];
        for (int64_t k = 0; k < j; ++k)
          sum -= l[i * n + k] * l[j * n + k];
        l[i * n + j] = i == j ? std::sqrt(sum) : sum / l[j * n + j]; // NaN if not positive definite
      }
  }
  return {result};
}

static Tensors triangularSolve(const HostTensor &l, const HostTensor &b, bool transposed) {
  int64_t n = l.shape.back(), columns = b.shape.back(), matrices = n ? l.size() / (n * n) : 0;
  HostTensor x = b;
  for (int64_t m = 0; m < matrices; ++m) {
    const double *matrix = l.values.data() + m * n * n;
    double *rows = x.values.data() + m * n * columns;
    for (int64_t step = 0; step < n; ++step) {
      int64_t i = transposed ? n - 1 - step : step;
      for (int64_t c = 0; c < columns; ++c) {
        double sum = rows[i * columns + c];
        for (int64_t k = transposed ? i + 1 : 0; k < (transposed ? n : i); ++k)
          sum -= (transposed ? matrix[k * n + i] : matrix[i * n + k]) * rows[k * columns + c];
        rows[i * columns + c] = sum / matrix[i * n + i];
      }
    }
  }
  return {x};
}

std::optional<Tensors> xfer::reference::linearAlgebra(Operation *op, Inputs in) {
  if (isa<nn::CholeskyOp>(op))
    return cholesky(in[0]);
  if (auto solve = dyn_cast<nn::TriangularSolveOp>(op))
    return triangularSolve(in[0], in[1], solve.getTransposed());
  return std::nullopt;
}
