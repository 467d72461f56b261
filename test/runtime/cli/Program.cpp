// A program as the compiler would write it, by hand: logistic regression between two clouds of points, adapted to a
// domain in which everything is shifted, by following the difference of the batch means. It uses what programs use:
// chunks on threads, an arena, random keys, momentum, a baseline, a choice of the best epoch, an export.
//
// Options for tests: --delay sleeps so many microseconds a step, --nan-at makes the loss of that step not a number.
// Compiled a second time with PROGRAM_HASH and PROGRAM_TRIPLE set it is another program.
#include "runtime/core/Philox.h"
#include "xfer/rt/abi.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <unistd.h>

#ifndef PROGRAM_HASH
#define PROGRAM_HASH "0123456789abcdef"
#endif
#ifndef PROGRAM_TRIPLE
#define PROGRAM_TRIPLE "x86_64-unknown-linux-gnu"
#endif

using namespace xfer::rt;

static float uniform(const uint32_t *key, uint64_t site, uint32_t element) {
  auto words = philox({element / 4, 0, key[2], key[3]}, key[0] ^ uint32_t(site), key[1] ^ uint32_t(site >> 32));
  return static_cast<float>(words[element % 4] >> 8) * 0x1p-24f;
}

template <typename T> static T *at(const xfer_buffer_t *buffers, int i) { return static_cast<T *>(buffers[i].data); }

// index [50], key [50, 4] -> x [50, 2], label [50]
template <int shift>
static xfer_status_t points(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                            const int64_t *) {
  for (int i = 0; i < 50; ++i) {
    const uint32_t *key = at<uint32_t>(b, 1) + 4 * i;
    int label = at<int32_t>(b, 0)[i] % 2;
    at<int32_t>(b, 3)[i] = label;
    for (int k = 0; k < 2; ++k) {
      float noise = uniform(key, 1, k) + uniform(key, 2, k) + uniform(key, 3, k) - 1.5f;
      at<float>(b, 2)[2 * i + k] = noise + (label ? 1.0f : -1.0f) * (k ? 0.3f : 1.0f) + (shift ? 1.6f : 0.0f);
    }
  }
  return XFER_OK;
}

// stepkey -> weight [2, 2], bias [2], shift [2]
static xfer_status_t initial(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                             const int64_t *) {
  for (int i = 0; i < 4; ++i)
    at<float>(b, 1)[i] = uniform(at<uint32_t>(b, 0), 7, i) - 0.5f;
  std::memset(b[2].data, 0, 8);
  std::memset(b[3].data, 0, 8);
  return XFER_OK;
}

// -> momentum of weight, of bias
static xfer_status_t begin(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                           const int64_t *) {
  std::memset(b[0].data, 0, 16);
  std::memset(b[1].data, 0, 8);
  return XFER_OK;
}

// Softmax of (x - shift) w + b.
static void classify(const float *x, const float *w, const float *bias, const float *shift, float *p) {
  float a = (x[0] - shift[0]) * w[0] + (x[1] - shift[1]) * w[2] + bias[0];
  float c = (x[0] - shift[0]) * w[1] + (x[1] - shift[1]) * w[3] + bias[1];
  float top = std::max(a, c), ea = std::exp(a - top), ec = std::exp(c - top);
  p[0] = ea / (ea + ec);
  p[1] = ec / (ea + ec);
}

// Chunk: 8 samples. buffers: weight, bias, x, label, key, partial sums [4, 8] (gradients of weight and bias, loss)
static void gradientChunk(void *const *b, int64_t chunk, const int64_t *) {
  float *sums = static_cast<float *>(b[5]) + 8 * chunk;
  std::fill_n(sums, 8, 0.0f);
  const float zero[2] = {0, 0};
  for (int64_t i = 8 * chunk; i < 8 * chunk + 8; ++i) {
    float x[2], p[2];
    for (int k = 0; k < 2; ++k) // an augmentation: a little noise, keyed by the sample
      x[k] =
          static_cast<float *>(b[2])[2 * i + k] + 0.1f * (uniform(static_cast<uint32_t *>(b[4]) + 4 * i, 9, k) - 0.5f);
    classify(x, static_cast<float *>(b[0]), static_cast<float *>(b[1]), zero, p);
    int label = static_cast<int32_t *>(b[3])[i];
    for (int c = 0; c < 2; ++c) {
      float d = (p[c] - (c == label ? 1.0f : 0.0f)) / 32;
      sums[c] += d * x[0];
      sums[2 + c] += d * x[1];
      sums[4 + c] += d;
    }
    sums[6] -= std::log(p[label]) / 32;
  }
}

// weight, bias, shift, momenta, x [32, 2], label [32], target x [16, 2], key [32, 4], lr, delay, nan_at, step, progress
// -> the first five in place, loss, check
template <bool adapts>
static xfer_status_t step(xfer_context *context, xfer_queue_t queue, const xfer_buffer_t *b, const xfer_buffer_t *arena,
                          const int64_t *) {
  void *inputs[] = {b[0].data, b[1].data, b[5].data, b[6].data, b[8].data, arena->data};
  if (xfer_status_t status = xfer_parallel(context, queue, gradientChunk, inputs, 4, nullptr))
    return status;
  float gradient[8] = {};
  for (int chunk = 0; chunk < 4; ++chunk)
    for (int k = 0; k < 8; ++k)
      gradient[k] += static_cast<float *>(arena->data)[8 * chunk + k];
  float rate = *at<float>(b, 9) * (1 - 0.5f * *at<float>(b, 13));
  for (int k = 0; k < 6; ++k) {
    float *p = k < 4 ? at<float>(b, 0) + k : at<float>(b, 1) + k - 4;
    float *m = k < 4 ? at<float>(b, 3) + k : at<float>(b, 4) + k - 4;
    *m = 0.9f * *m + gradient[k];
    *p -= rate * *m;
  }
  for (int k = 0; adapts && k < 2; ++k) {
    float source = 0, target = 0;
    for (int i = 0; i < 32; ++i)
      source += at<float>(b, 5)[2 * i + k] / 32;
    for (int i = 0; i < 16; ++i)
      target += at<float>(b, 7)[2 * i + k] / 16;
    at<float>(b, 2)[k] += 0.05f * (target - source - at<float>(b, 2)[k]);
  }
  if (int32_t delay = *at<int32_t>(b, 10))
    usleep(static_cast<unsigned>(delay));
  bool spoil = *at<int32_t>(b, 11) == *at<int32_t>(b, 12);
  *at<float>(b, 19) = *at<float>(b, 20) = spoil ? NAN : gradient[6];
  return XFER_OK;
}

// weight, bias, shift, x [64, 2] -> p [64, 2]
static xfer_status_t rows(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                          const int64_t *) {
  for (int i = 0; i < 64; ++i)
    classify(at<float>(b, 3) + 2 * i, at<float>(b, 0), at<float>(b, 1), at<float>(b, 2), at<float>(b, 4) + 2 * i);
  return XFER_OK;
}

// p [N, 2], label [N] -> accuracy, confusion [2, 2], certainty
static xfer_status_t score(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                           const int64_t *extents) {
  float *confusion = at<float>(b, 3), certainty = 0;
  std::fill_n(confusion, 4, 0.0f);
  for (int64_t i = 0; i < extents[0]; ++i) {
    const float *p = at<float>(b, 0) + 2 * i;
    ++confusion[2 * at<int32_t>(b, 1)[i] + (p[1] > p[0])];
    certainty += std::max(p[0], p[1]) / static_cast<float>(extents[0]);
  }
  *at<float>(b, 2) = (confusion[0] + confusion[3]) / static_cast<float>(extents[0]);
  *at<float>(b, 4) = certainty;
  return XFER_OK;
}

static const char manifest[] =
#include "Program.json.inc"
    ;

static const xfer_function_t functions[] = {points<0>, points<1>, initial, begin, step<true>, step<false>, rows, score};

extern "C" const xfer_program_t xfer_program = {
    XFER_ABI_VERSION, 8, functions, manifest, sizeof(manifest) - 1, nullptr, 0,
};
