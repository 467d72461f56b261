// xfer_sort_*: every row is sorted alone, by (value, position), which is what a stable sort gives.
#include "xfer/rt/abi.h"
#include <algorithm>
#include <cmath>
#include <vector>

namespace {
template <typename T> struct Entry {
  T value;
  int32_t index;
};
} // namespace

static bool isBefore(const Entry<float> &a, const Entry<float> &b) {
  bool aIsNaN = std::isnan(a.value), bIsNaN = std::isnan(b.value);
  if (aIsNaN != bIsNaN)
    return bIsNaN;
  return !aIsNaN && a.value != b.value ? a.value < b.value : a.index < b.index;
}

static bool isBefore(const Entry<int32_t> &a, const Entry<int32_t> &b) {
  return a.value != b.value ? a.value < b.value : a.index < b.index;
}

// buffers: x, values, indices; extents: extent, inner; chunk: number of the row.
template <typename T> static void sortRow(void *const *buffers, int64_t chunk, const int64_t *extents) {
  int64_t extent = extents[0], inner = extents[1];
  int64_t start = chunk / inner * extent * inner + chunk % inner;
  const T *x = static_cast<const T *>(buffers[0]) + start;
  std::vector<Entry<T>> row(static_cast<size_t>(extent));
  for (int64_t i = 0; i < extent; ++i)
    row[i] = {x[i * inner], static_cast<int32_t>(i)};
  std::sort(row.begin(), row.end(), [](const Entry<T> &a, const Entry<T> &b) { return isBefore(a, b); });
  T *values = static_cast<T *>(buffers[1]) + start;
  int32_t *indices = static_cast<int32_t *>(buffers[2]) + start;
  for (int64_t i = 0; i < extent; ++i) {
    values[i * inner] = row[i].value;
    indices[i * inner] = row[i].index;
  }
}

template <typename T>
static xfer_status_t sort(xfer_context *context, xfer_queue_t queue, const T *x, T *values, int32_t *indices,
                          int64_t outer, int64_t extent, int64_t inner) {
  void *buffers[] = {const_cast<T *>(x), values, indices};
  int64_t extents[] = {extent, inner};
  return extent == 0 ? XFER_OK : xfer_parallel(context, queue, sortRow<T>, buffers, outer * inner, extents);
}

extern "C" xfer_status_t xfer_sort_f32(xfer_context *context, xfer_queue_t queue, const float *x, float *values,
                                       int32_t *indices, int64_t outer, int64_t extent, int64_t inner) {
  return sort(context, queue, x, values, indices, outer, extent, inner);
}

extern "C" xfer_status_t xfer_sort_i32(xfer_context *context, xfer_queue_t queue, const int32_t *x, int32_t *values,
                                       int32_t *indices, int64_t outer, int64_t extent, int64_t inner) {
  return sort(context, queue, x, values, indices, outer, extent, inner);
}
