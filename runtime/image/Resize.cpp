#include "runtime/image/Resize.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace xfer::rt {

namespace {

constexpr int pointBits = 22;

// What one value along a side is made of: `weights[first .. first + count - 1]` times the values from `from` on.
struct Weights {
  struct Span {
    int64_t from, count;
  };
  std::vector<Span> spans;
  std::vector<int32_t> values; // `most` for each span
  int64_t most = 0;
};

} // namespace

// How much a value counts, by its distance in units of the wider of the two grids.
static double weightAt(ResizeFilter filter, double distance) {
  const double x = std::abs(distance);
  if (filter == ResizeFilter::Bilinear)
    return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5; // Keys 1981, eq. 4
  if (x < 1.0)
    return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
  return x < 2.0 ? (((x - 5) * x + 8) * x - 4) * a : 0.0;
}

static Weights weightsOf(ResizeFilter filter, int64_t before, int64_t after) {
  const double scale = static_cast<double>(before) / static_cast<double>(after), step = std::max(scale, 1.0),
               wide = step * (filter == ResizeFilter::Bilinear ? 1.0 : 2.0);
  Weights weights;
  weights.most = static_cast<int64_t>(std::ceil(wide)) * 2 + 1;
  weights.values.resize(static_cast<size_t>(after * weights.most));
  std::vector<double> exact(static_cast<size_t>(weights.most));
  for (int64_t i = 0; i < after; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale, inverse = 1.0 / step;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(centre - wide + 0.5), 0);
    const int64_t count = std::min(static_cast<int64_t>(centre + wide + 0.5), before) - first;
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) {
      exact[static_cast<size_t>(k)] = weightAt(filter, (static_cast<double>(k + first) - centre + 0.5) * inverse);
      sum += exact[static_cast<size_t>(k)];
    }
    for (int64_t k = 0; k < count; ++k) {
      const double share = sum != 0 ? exact[static_cast<size_t>(k)] / sum : exact[static_cast<size_t>(k)];
      weights.values[static_cast<size_t>(i * weights.most + k)] =
          static_cast<int32_t>((share < 0 ? -0.5 : 0.5) + share * (1 << pointBits));
    }
    weights.spans.push_back({first, count});
  }
  return weights;
}

static uint8_t rounded(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> pointBits, 0, 255)); }

template <int channels> static void resizeRow(const uint8_t *from, const Weights &weights, uint8_t *to) {
  for (size_t i = 0; i < weights.spans.size(); ++i, to += channels) {
    const Weights::Span &span = weights.spans[i];
    const int32_t *w = &weights.values[i * static_cast<size_t>(weights.most)];
    const uint8_t *x = from + span.from * channels;
    int32_t sums[channels];
    for (int c = 0; c < channels; ++c)
      sums[c] = 1 << (pointBits - 1);
    for (int64_t k = 0; k < span.count; ++k, x += channels)
      for (int c = 0; c < channels; ++c)
        sums[c] += w[k] * x[c];
    for (int c = 0; c < channels; ++c)
      to[c] = rounded(sums[c]);
  }
}

static Image resizeRows(const Image &image, int64_t width, ResizeFilter filter) {
  const Weights weights = weightsOf(filter, image.width, width);
  Image result{image.height, width, image.channels, 1, {}};
  result.pixels.resize(result.rowBytes() * static_cast<uint64_t>(result.height));
  constexpr void (*byChannels[])(const uint8_t *, const Weights &, uint8_t *) = {resizeRow<1>, resizeRow<2>,
                                                                                 resizeRow<3>, resizeRow<4>};
  for (int64_t row = 0; row < image.height; ++row)
    byChannels[image.channels - 1](image.pixels.data() + static_cast<uint64_t>(row) * image.rowBytes(), weights,
                                   result.pixels.data() + static_cast<uint64_t>(row) * result.rowBytes());
  return result;
}

static Image resizeColumns(const Image &image, int64_t height, ResizeFilter filter) {
  const Weights weights = weightsOf(filter, image.height, height);
  Image result{height, image.width, image.channels, 1, {}};
  const size_t row = image.rowBytes();
  result.pixels.resize(row * static_cast<size_t>(height));
  std::vector<int32_t> sums(row);
  for (int64_t i = 0; i < height; ++i) {
    const Weights::Span &span = weights.spans[static_cast<size_t>(i)];
    std::fill(sums.begin(), sums.end(), 1 << (pointBits - 1));
    for (int64_t k = 0; k < span.count; ++k) {
      const int32_t w = weights.values[static_cast<size_t>(i * weights.most + k)];
      const uint8_t *x = image.pixels.data() + static_cast<size_t>(span.from + k) * row;
      for (size_t j = 0; j < row; ++j)
        sums[j] += w * x[j];
    }
    std::transform(sums.begin(), sums.end(), result.pixels.data() + static_cast<size_t>(i) * row, rounded);
  }
  return result;
}

Image resizeFiltered(const Image &image, int64_t height, int64_t width, ResizeFilter filter) {
  assert(image.depth == 1 && "values of one byte are resized");
  if (image.width == width)
    return image.height == height ? image : resizeColumns(image, height, filter);
  Image narrow = resizeRows(image, width, filter);
  return image.height == height ? narrow : resizeColumns(narrow, height, filter);
}

Image resizeNearest(const Image &image, int64_t height, int64_t width) {
  assert(image.depth == 1 && "values of one byte are resized");
  Image result{height, width, image.channels, 1, {}};
  result.pixels.resize(result.rowBytes() * static_cast<uint64_t>(height));
  const size_t pixel = static_cast<size_t>(image.channels);
  auto nearest = [](int64_t i, int64_t before, int64_t after) {
    const double scale = static_cast<double>(before) / static_cast<double>(after);
    return std::min(static_cast<int64_t>((static_cast<double>(i) + 0.5) * scale), before - 1);
  };
  uint8_t *to = result.pixels.data();
  for (int64_t row = 0; row < height; ++row)
    for (int64_t column = 0; column < width; ++column, to += pixel)
      std::memcpy(to,
                  image.pixels.data() + static_cast<size_t>(nearest(row, image.height, height) * image.width +
                                                            nearest(column, image.width, width)) *
                                            pixel,
                  pixel);
  return result;
}

} // namespace xfer::rt
