// xfer_cholesky_f32 and xfer_triangular_solve_f32: row by row, sums in double precision, one matrix a chunk.
#include "xfer/rt/abi.h"
#include <cmath>

// buffers: a, l; extents: n.
static void factorise(void *const *buffers, int64_t chunk, const int64_t *extents) {
  int64_t n = extents[0];
  const float *a = static_cast<const float *>(buffers[0]) + chunk * n * n;
  float *l = static_cast<float *>(buffers[1]) + chunk * n * n;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (int64_t k = 0; k < j; ++k)
        sum -= static_cast<double>(l[i * n + k]) * l[j * n + k];
      if (i != j) {
        l[i * n + j] = static_cast<float>(sum / l[j * n + j]);
        continue;
      }
      l[i * n + i] = static_cast<float>(std::sqrt(sum));
    }
    for (int64_t j = i + 1; j < n; ++j)
      l[i * n + j] = 0;
  }
}

extern "C" xfer_status_t xfer_cholesky_f32(xfer_context *context, xfer_queue_t queue, const float *a, float *l,
                                           int64_t batch, int64_t n) {
  void *buffers[] = {const_cast<float *>(a), l};
  return xfer_parallel(context, queue, factorise, buffers, batch, &n);
}

// buffers: l, b, x; extents: n, m, transposed.
static void solve(void *const *buffers, int64_t chunk, const int64_t *extents) {
  int64_t n = extents[0], m = extents[1];
  bool transposed = extents[2] != 0;
  const float *l = static_cast<const float *>(buffers[0]) + chunk * n * n;
  const float *b = static_cast<const float *>(buffers[1]) + chunk * n * m;
  float *x = static_cast<float *>(buffers[2]) + chunk * n * m;
  for (int64_t step = 0; step < n; ++step) {
    int64_t i = transposed ? n - 1 - step : step;
    for (int64_t column = 0; column < m; ++column) {
      double sum = b[i * m + column];
      if (transposed)
        for (int64_t k = i + 1; k < n; ++k)
          sum -= static_cast<double>(l[k * n + i]) * x[k * m + column];
      else
        for (int64_t k = 0; k < i; ++k)
          sum -= static_cast<double>(l[i * n + k]) * x[k * m + column];
      x[i * m + column] = static_cast<float>(sum / l[i * n + i]);
    }
  }
}

extern "C" xfer_status_t xfer_triangular_solve_f32(xfer_context *context, xfer_queue_t queue, const float *l,
                                                   const float *b, float *x, int64_t batch, int64_t n, int64_t m,
                                                   int32_t transposed) {
  void *buffers[] = {const_cast<float *>(l), const_cast<float *>(b), x};
  int64_t extents[] = {n, m, transposed};
  return xfer_parallel(context, queue, solve, buffers, batch, extents);
}
