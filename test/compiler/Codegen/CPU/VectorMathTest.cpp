// The elementary functions stay within the errors that VectorMath.h states, in units in the last place of f32, and
// treat zeros, infinities, NaN and denormal numbers as IEEE does.

#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "gtest/gtest.h"

#include <cmath>
#include <functional>

using namespace xfer::test;

namespace {

constexpr double nan = NAN, inf = INFINITY;

class VectorMath : public testing::TestWithParam<std::string> {
protected:
  Tensor compute(const std::string &name, const Tensor &x) {
    std::string type = "tensor<" + std::to_string(x.size()) + "xf32>";
    RunOptions options;
    options.target = GetParam();
    auto results = run("func.func @f(%x: " + type + ") -> " + type + " {\n%r = nn." + name + " %x : " + type +
                           "\nreturn %r : " + type + "\n}",
                       {x}, options);
    return results.empty() ? Tensor() : results.front();
  }
  void check(const std::string &name, const std::function<double(double)> &exact, double low, double high,
             double ulps) {
    Tensor x = Tensor::random({4001}, 7, low, high), y = compute(name, x);
    ASSERT_EQ(y.values.size(), x.values.size());
    double worst = 0, at = 0;
    for (size_t i = 0; i < x.values.size(); ++i) {
      double value = exact(x.values[i]);
      float near = static_cast<float>(value);
      double unit = std::nextafter(std::abs(near), INFINITY) - std::abs(near);
      double error = std::abs(y.values[i] - value) / unit;
      if (error > worst)
        worst = error, at = x.values[i];
    }
    EXPECT_LE(worst, ulps) << name << " at " << at;
  }
  void checkSpecial(const std::string &name, std::vector<double> x, const std::vector<double> &expected) {
    int64_t size = x.size();
    Tensor y = compute(name, Tensor::of({size}, std::move(x)));
    ASSERT_EQ(y.values.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      if (std::isnan(expected[i]))
        EXPECT_TRUE(std::isnan(y.values[i])) << name << " " << i;
      else
        EXPECT_EQ(expected[i], y.values[i]) << name << " " << i;
    }
  }
};

TEST_P(VectorMath, Errors) {
  check("exp", [](double x) { return std::exp(x); }, -87, 88, 1.2);
  check("exp", [](double x) { return std::exp(x); }, -1, 1, 1.2);
  check("log", [](double x) { return std::log(x); }, 1e-30, 1e-3, 1);
  check("log", [](double x) { return std::log(x); }, 0.5, 2, 1);
  check("log", [](double x) { return std::log(x); }, 2, 1e6, 1);
  check("tanh", [](double x) { return std::tanh(x); }, -1, 1, 2.5);
  check("tanh", [](double x) { return std::tanh(x); }, -9, 9, 2.5);
  check("erf", [](double x) { return std::erf(x); }, -1, 1, 2);
  check("erf", [](double x) { return std::erf(x); }, -5, 5, 2);
}

// Close to a zero the reduced argument has fewer good bits, so the error there is in units of 1.
TEST_P(VectorMath, Circles) {
  Tensor x = Tensor::random({4001}, 8, -8000, 8000), s = compute("sin", x), c = compute("cos", x);
  for (size_t i = 0; i < x.values.size(); ++i) {
    ASSERT_NEAR(s.values[i], std::sin(x.values[i]), 0x1p-22) << x.values[i];
    ASSERT_NEAR(c.values[i], std::cos(x.values[i]), 0x1p-22) << x.values[i];
  }
}

TEST_P(VectorMath, Specials) {
  double smallest = 0x1p-149;
  checkSpecial("exp", {0, inf, -inf, nan, 1000, -1000, -104}, {1, inf, 0, nan, inf, 0, 0});
  checkSpecial("log", {1, 0, -0.0, inf, -1, nan, smallest},
               {0, -inf, -inf, inf, nan, nan, double(std::log(float(smallest)))});
  checkSpecial("tanh", {0, inf, -inf, nan, 50, -50}, {0, 1, -1, nan, 1, -1});
  checkSpecial("erf", {0, inf, -inf, nan, 50, -50}, {0, 1, -1, nan, 1, -1});
  checkSpecial("floor", {-0.5, 1e30, -1e30, inf, nan, 8388609}, {-1, double(1e30f), double(-1e30f), inf, nan, 8388609});
}

TEST_P(VectorMath, Powers) {
  std::vector<double> x{0, 0, 0, 2, -2, -2, -2, inf, inf, 1, nan, 5, 0.5, 0x1p-140, 1e-20};
  std::vector<double> y{2, 0, -1, 0.5, 3, 2, 0.5, 0.5, -1, nan, 0, nan, -149, 0.5, 3};
  std::string type = "tensor<" + std::to_string(x.size()) + "xf32>";
  RunOptions options;
  options.target = GetParam();
  auto result = run("func.func @f(%x: " + type + ", %y: " + type + ") -> " + type + " {\n%r = nn.pow %x, %y : " + type +
                        "\nreturn %r : " + type + "\n}",
                    {Tensor::of({int64_t(x.size())}, x), Tensor::of({int64_t(y.size())}, y)}, options);
  ASSERT_EQ(result.size(), 1u);
  for (size_t i = 0; i < x.size(); ++i) {
    double expected = static_cast<float>(std::pow(double(float(x[i])), double(float(y[i]))));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(result[0].values[i])) << i;
    else if (std::isinf(expected))
      EXPECT_EQ(expected, result[0].values[i]) << i;
    else
      EXPECT_NEAR(expected, result[0].values[i], std::abs(expected) * 0x1p-23) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, VectorMath, testing::ValuesIn(runnableTargets()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
