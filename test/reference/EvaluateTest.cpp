//===- EvaluateTest.cpp - the reference against numbers computed by hand -----------------------------------------===//

#include "Reference.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer::reference;

namespace {
struct EvaluateTest : testing::Test {
  MLIRContext context;

  EvaluateTest() { context.loadDialect<xfer::nn::NNDialect, func::FuncDialect>(); }

  /// The first result of `body`, a function's text without its head, with inputs of their own types.
  std::vector<double> run(const std::string &text, const std::vector<HostTensor> &inputs = {}) {
    auto module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    auto results = evaluate(*module->getOps<func::FuncOp>().begin(), inputs);
    EXPECT_TRUE(succeeded(results));
    return results->front().values;
  }

  HostTensor floats(std::vector<int64_t> shape, std::vector<double> values) {
    HostTensor tensor(Float32Type::get(&context), shape);
    tensor.values = values;
    return tensor;
  }

  HostTensor counting(std::vector<int64_t> shape) {
    HostTensor tensor(Float32Type::get(&context), shape);
    for (size_t i = 0; i < tensor.values.size(); ++i)
      tensor.values[i] = double(i);
    return tensor;
  }
};
using Numbers = std::vector<double>;
} // namespace

// The known answer of Random123 for a counter and a key of zeros: 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
TEST_F(EvaluateTest, PhiloxKnownAnswer) {
  const uint32_t key[4] = {0, 0, 0, 0};
  const uint32_t words[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(philoxUniform(key, 0, i), double(words[i] >> 8) * 0x1p-24);
}

// The site is mixed into the key: a key that cancels it draws the numbers of key and site zero.
TEST_F(EvaluateTest, PhiloxSite) {
  const uint32_t zero[4] = {0, 0, 0, 0}, cancelling[4] = {7, 2, 0, 0};
  EXPECT_EQ(philoxUniform(cancelling, (uint64_t(2) << 32) | 7, 5), philoxUniform(zero, 0, 5));
}

// Integer division rounds towards minus infinity, and the remainder has the divisor's sign.
TEST_F(EvaluateTest, IntegerDivision) {
  EXPECT_EQ(
      run("func.func @f() -> tensor<3xi32> {\n"
          "%a = nn.constant dense<[-7, 7, 5]> : tensor<3xi32>\n%b = nn.constant dense<[2, -2, 0]> : tensor<3xi32>\n"
          "%r = nn.div %a, %b : tensor<3xi32>\nreturn %r : tensor<3xi32>\n}"),
      (Numbers{-4, -4, 0}));
  EXPECT_EQ(
      run("func.func @f() -> tensor<3xi32> {\n"
          "%a = nn.constant dense<[-7, 7, 5]> : tensor<3xi32>\n%b = nn.constant dense<[2, -2, 0]> : tensor<3xi32>\n"
          "%r = nn.rem %a, %b : tensor<3xi32>\nreturn %r : tensor<3xi32>\n}"),
      (Numbers{1, -1, 5}));
}

// Floats are rounded to their type after each operation.
TEST_F(EvaluateTest, Rounds) {
  EXPECT_EQ(
      run("func.func @f() -> tensor<f32> {\n%a = nn.constant dense<1.0> : tensor<f32>\n"
          "%b = nn.constant dense<1.0e-9> : tensor<f32>\n%r = nn.add %a, %b : tensor<f32>\nreturn %r : tensor<f32>\n}"),
      (Numbers{1}));
}

TEST_F(EvaluateTest, GatherClampsAndKeepsBatch) {
  EXPECT_EQ(run("func.func @f(%x: tensor<2x3xf32>) -> tensor<2x2xf32> {\n"
                "%i = nn.constant dense<[[2, -1], [9, 1]]> : tensor<2x2xi32>\n"
                "%r = nn.gather %x, %i axis 1 batch 1 : (tensor<2x3xf32>, tensor<2x2xi32>) -> tensor<2x2xf32>\n"
                "return %r : tensor<2x2xf32>\n}",
                {counting({2, 3})}),
            (Numbers{2, 0, 5, 4}));
}

// Updates are applied in the order of their indices: the last `set` stays.
TEST_F(EvaluateTest, ScatterInOrder) {
  EXPECT_EQ(
      run("func.func @f(%x: tensor<3xf32>, %u: tensor<3xf32>) -> tensor<3xf32> {\n"
          "%i = nn.constant dense<[1, 1, 0]> : tensor<3xi32>\n"
          "%r = nn.scatter set %x, %i, %u batch 0 : (tensor<3xf32>, tensor<3xi32>, tensor<3xf32>) -> tensor<3xf32>\n"
          "return %r : tensor<3xf32>\n}",
          {floats({3}, {9, 9, 9}), floats({3}, {1, 2, 3})}),
      (Numbers{3, 2, 9}));
}

// A strided convolution with one padded column on the left: x = 0 1 2 3, w = 1 10.
TEST_F(EvaluateTest, Convolution) {
  EXPECT_EQ(run("func.func @f(%x: tensor<1x4x1xf32>) -> tensor<1x2x1xf32> {\n"
                "%w = nn.constant dense<[[[1.0]], [[10.0]]]> : tensor<2x1x1xf32>\n"
                "%r = nn.conv %x, %w strides [2] padding [1] [0] dilations [1] groups 1 : (tensor<1x4x1xf32>, "
                "tensor<2x1x1xf32>) -> tensor<1x2x1xf32>\n"
                "return %r : tensor<1x2x1xf32>\n}",
                {counting({1, 4, 1})}),
            (Numbers{0, 21}));
}

// The first of equal elements wins, by its position in the window.
TEST_F(EvaluateTest, WindowMaxIndex) {
  EXPECT_EQ(run("func.func @f(%x: tensor<1x4x1xf32>) -> tensor<1x2x1xi32> {\n"
                "%v, %r = nn.window_max %x window [2] strides [2] padding [0] [0] dilations [1] : (tensor<1x4x1xf32>) "
                "-> (tensor<1x2x1xf32>, tensor<1x2x1xi32>)\n"
                "return %r : tensor<1x2x1xi32>\n}",
                {floats({1, 4, 1}, {5, 5, 1, 2})}),
            (Numbers{0, 1}));
}

// A conditional loop does not take the carries of the step that says stop: 1, 2, 4, 8, then 16 is refused.
TEST_F(EvaluateTest, ConditionalLoop) {
  EXPECT_EQ(run("func.func @f(%x: tensor<f32>) -> tensor<f32> {\n"
                "%r, %all = nn.loop count 9 carries(%x : tensor<f32>) conditional -> tensor<f32>, tensor<9xf32> {\n"
                "^body(%i: tensor<i32>, %c: tensor<f32>):\n%n = nn.add %c, %c : tensor<f32>\n"
                "%l = nn.constant dense<10.0> : tensor<f32>\n"
                "%go = nn.compare lt %n, %l : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
                "nn.yield %n, %n, %go : tensor<f32>, tensor<f32>, tensor<i1>\n}\nreturn %r : tensor<f32>\n}",
                {floats({}, {1})}),
            (Numbers{8}));
}

// L L^T = a for a = [[4, 2], [2, 5]], and L^-T L^-1 b solves a x = b.
TEST_F(EvaluateTest, Cholesky) {
  EXPECT_EQ(run("func.func @f(%a: tensor<2x2xf32>) -> tensor<2x2xf32> {\n%r = nn.cholesky %a : tensor<2x2xf32>\n"
                "return %r : tensor<2x2xf32>\n}",
                {floats({2, 2}, {4, 2, 2, 5})}),
            (Numbers{2, 0, 1, 2}));
}

// Errors are of the size that was asked for, another with each seed, and none where nothing is computed.
TEST_F(EvaluateTest, ErrorsOnDemand) {
  auto module =
      parseSourceString<ModuleOp>("func.func @f(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<f32>, tensor<f32>) {\n"
                                  "%e = nn.exp %x : tensor<3xf32>\n"
                                  "%s = nn.reduce sum %x axes [0] : (tensor<3xf32>) -> tensor<f32>\n"
                                  "%m = nn.reduce max %x axes [0] : (tensor<3xf32>) -> tensor<f32>\n"
                                  "return %e, %s, %m : tensor<3xf32>, tensor<f32>, tensor<f32>\n}",
                                  &context);
  auto function = *module->getOps<func::FuncOp>().begin();
  std::vector<HostTensor> x = {floats({3}, {0.5, 2, -1})};
  Options exactly{/*doublePrecision=*/true}, noisy = exactly;
  noisy.noise = 0x1p-20;
  auto exact = *evaluate(function, x, exactly), one = *evaluate(function, x, noisy);
  noisy.noiseSeed = 7;
  auto other = *evaluate(function, x, noisy);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(one[0].values[i], other[0].values[i]);
    EXPECT_NEAR(one[0].values[i], exact[0].values[i], 0x1p-20 * exact[0].values[i]);
  }
  EXPECT_NE(one[1].values[0], exact[1].values[0]);
  EXPECT_NEAR(one[1].values[0], exact[1].values[0], 0x1p-20 * 3.5);
  EXPECT_EQ(one[2].values[0], 2);
}

// What is exact has no error: the power of a negative number stays one with a whole exponent that was computed.
TEST_F(EvaluateTest, NoErrorsInWhatIsExact) {
  auto module = parseSourceString<ModuleOp>("func.func @f(%x: tensor<f32>, %y: tensor<f32>) -> tensor<f32> {\n"
                                            "%one = nn.constant dense<1.0> : tensor<f32>\n"
                                            "%e = nn.sub %y, %one : tensor<f32>\n"
                                            "%p = nn.pow %x, %e : tensor<f32>\n"
                                            "return %p : tensor<f32>\n}",
                                            &context);
  Options noisy{/*doublePrecision=*/true};
  noisy.noise = 0x1p-20;
  auto function = *module->getOps<func::FuncOp>().begin();
  double power = evaluate(function, {floats({}, {-1.1f}), floats({}, {3})}, noisy)->front().values[0];
  EXPECT_NE(power, double(-1.1f) * double(-1.1f));
  EXPECT_NEAR(power, 1.21, 1e-5);
}

// Beside the point at which it was recorded, what is stopped stays, and what is scaled by -2 goes twice as far back.
TEST_F(EvaluateTest, AnchoredGradients) {
  auto module =
      parseSourceString<ModuleOp>("func.func @f(%x: tensor<f32>, %l: tensor<f32>) -> (tensor<f32>, tensor<f32>) {\n"
                                  "%a = nn.stop_gradient %x : tensor<f32>\n"
                                  "%b = nn.scale_gradient %x, %l : (tensor<f32>, tensor<f32>) -> tensor<f32>\n"
                                  "return %a, %b : tensor<f32>, tensor<f32>\n}",
                                  &context);
  auto function = *module->getOps<func::FuncOp>().begin();
  Anchor anchor;
  Options options{/*doublePrecision=*/true};
  options.anchor = &anchor;
  EXPECT_EQ((*evaluate(function, {floats({}, {3}), floats({}, {-2})}, options))[1].values[0], 3);
  anchor.recording = false;
  auto moved = *evaluate(function, {floats({}, {3.5}), floats({}, {-2})}, options);
  EXPECT_EQ(moved[0].values[0], 3);
  EXPECT_EQ(moved[1].values[0], 2);
  // A replaced value is what its readers see.
  std::map<void *, HostTensor> replaced = {{keyOf(function.getArgument(0)), floats({}, {9})}};
  Options instead;
  instead.replaced = &replaced;
  EXPECT_EQ((*evaluate(function, {floats({}, {3}), floats({}, {-2})}, instead))[0].values[0], 9);
}
