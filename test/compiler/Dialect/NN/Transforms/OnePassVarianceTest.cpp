// The mean and the squares about it, computed by compiled kernels in f32, against f64: for data where subtracting sums
// of squares would lose everything, for data without any spread, and where the pilot is the worst that it can be.

#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <array>
#include <cmath>
#include <random>

using namespace xfer::test;

namespace {

/// `channels` sums over all of the rest, in the shape [batch, channels, inner].
struct Layout {
  int64_t batch, channels, inner;
  int64_t count() const { return batch * inner; }
};

class OnePassVariance : public testing::TestWithParam<std::tuple<std::string, int>> {
protected:
  static std::string source(const Layout &layout) {
    std::string x = llvm::formatv("tensor<{0}x{1}x{2}xf32>", layout.batch, layout.channels, layout.inner);
    std::string c = llvm::formatv("tensor<{0}xf32>", layout.channels);
    return llvm::formatv(R"mlir(
func.func @moments(%x: {0}) -> ({1}, {1}) {{
  %n = nn.constant dense<{2}.0> : {1}
  %sum = nn.reduce sum %x axes [0, 2] : ({0}) -> {1}
  %mean = nn.div %sum, %n : {1}
  %wide = nn.broadcast %mean dimensions [1] : {1} -> {0}
  %d = nn.sub %x, %wide : {0}
  %q = nn.mul %d, %d : {0}
  %squares = nn.reduce sum %q axes [0, 2] : ({0}) -> {1}
  return %mean, %squares : {1}, {1}
}
)mlir",
                         x, c, layout.count());
  }

  /// Channels of one kind after the other: element `at` of a channel is `element(channel, at)`, rounded to f32.
  template <typename Element> void compute(Element element) {
    // Vectors along the channels, with a tail, and along what is reduced.
    layout = std::get<1>(GetParam()) == 0 ? Layout{4608, 21, 1} : Layout{8, 5, 1152};
    x = Tensor{{layout.batch, layout.channels, layout.inner}, {}};
    std::vector<int64_t> next(layout.channels, 0);
    for (int64_t n = 0; n < layout.batch; ++n)
      for (int64_t c = 0; c < layout.channels; ++c)
        for (int64_t i = 0; i < layout.inner; ++i)
          x.values.push_back(float(element(c, next[c]++)));
    RunOptions options;
    options.mode = "full";
    options.target = std::get<0>(GetParam());
    auto results = run(source(layout), {x}, options);
    ASSERT_EQ(results.size(), 2u);
    mean = results[0].values;
    squares = results[1].values;
  }

  double at(int64_t n, int64_t c, int64_t i) const { return x.values[(n * layout.channels + c) * layout.inner + i]; }
  std::pair<double, double> exactly(int64_t c) const {
    double sum = 0, sumOfSquares = 0;
    for (int64_t n = 0; n < layout.batch; ++n)
      for (int64_t i = 0; i < layout.inner; ++i)
        sum += at(n, c, i);
    for (int64_t n = 0; n < layout.batch; ++n)
      for (int64_t i = 0; i < layout.inner; ++i)
        sumOfSquares += std::pow(at(n, c, i) - sum / layout.count(), 2);
    return {sum / layout.count(), sumOfSquares};
  }
  /// Where in a channel the elements are of which the pilot is the median.
  std::array<int64_t, 3> samples() const {
    auto at = [&](int64_t quarter) { return layout.batch * quarter / 4 * layout.inner + layout.inner / 2; };
    return {at(1), at(2), at(3)};
  }
  bool isSample(int64_t at) const { return llvm::is_contained(samples(), at); }
  double pilot(int64_t c) const {
    std::array<double, 3> found;
    for (auto [value, sample] : llvm::zip_equal(found, samples()))
      value = at(sample / layout.inner, c, sample % layout.inner);
    llvm::sort(found);
    return found[1];
  }

  Layout layout{};
  Tensor x;
  std::vector<double> mean, squares;
};

// Means of up to 10^6 times the deviation. The error grows with how far the pilot is from the mean, not with the mean:
// sums of 4608 and 9216 terms in f32, over chunks and lanes, stay within 2e-6 of what is summed.
TEST_P(OnePassVariance, LargeMeans) {
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  const double means[] = {1e4, -1e4, 0, 1e6, 1};
  compute([&](int64_t c, int64_t) { return means[c % 5] + normal(generator); });
  for (int64_t c = 0; c < layout.channels; ++c) {
    auto [m, q] = exactly(c);
    double summed = q + layout.count() * std::pow(pilot(c) - m, 2);
    EXPECT_NEAR(mean[c], m, 1e-6 + 6e-8 * std::abs(m)) << c;
    EXPECT_NEAR(squares[c], q, 2e-6 * summed) << c;
    EXPECT_NEAR(squares[c], q, 4e-5 * q) << c;
  }
}

// No spread is none: exactly, for numbers whose multiples are rounded, and where their sum would be infinite.
TEST_P(OnePassVariance, ConstantChannels) {
  const double values[] = {0, 0.1, 1e4 / 3, -7e-20, 3e38};
  compute([&](int64_t c, int64_t) { return values[c % 5]; });
  for (int64_t c = 0; c < layout.channels; ++c) {
    EXPECT_EQ(mean[c], pilot(c)) << c;
    EXPECT_EQ(squares[c], 0) << c;
  }
}

// One sample is an outlier, and not taken.
TEST_P(OnePassVariance, OneOutlier) {
  compute([&](int64_t c, int64_t at) { return at == samples()[c % 3] ? 1e6 : 0.01 * (at % 3); });
  for (int64_t c = 0; c < layout.channels; ++c) {
    auto [m, q] = exactly(c);
    EXPECT_NEAR(squares[c], q, 1e-6 * q) << c;
  }
}

// The worst case: two samples have all of the deviation. N / 2 times the result is summed, of terms that are nearly
// equal and therefore rounded alike: up to 838 of them, one after the other in a chunk, are wrong by up to 838 * 2^-25
// of their sum. That is what a variance that two elements decide may lose, and no more.
TEST_P(OnePassVariance, PilotIsAnOutlier) {
  compute([&](int64_t c, int64_t at) {
    return at == samples()[0] || at == samples()[2] ? 1e4 * (c + 1) : 0.01 * (at % 3);
  });
  for (int64_t c = 0; c < layout.channels; ++c) {
    auto [m, q] = exactly(c);
    ASSERT_GT(std::abs(pilot(c) - m), 1e3);
    EXPECT_NEAR(squares[c], q, layout.count() / 2 * 838 * std::ldexp(1, -25) * q) << c;
  }
}

// Two values a rounding apart: what cancels must not become negative.
TEST_P(OnePassVariance, IsNotNegative) {
  compute([&](int64_t c, int64_t at) {
    double base = 1 + c;
    return isSample(at) ? base : std::nextafter(float(base), 100.0f);
  });
  for (int64_t c = 0; c < layout.channels; ++c)
    EXPECT_GE(squares[c], 0) << c;
}

INSTANTIATE_TEST_SUITE_P(Targets, OnePassVariance,
                         testing::Combine(testing::ValuesIn(runnableTargets()), testing::Values(0, 1)));

} // namespace
