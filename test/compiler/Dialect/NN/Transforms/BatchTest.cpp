//===- BatchTest.cpp - batched maps against maps sample by sample -----------------------------------------------===//

#include "compiler/AutoDiff/Passes.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "test/reference/Reference.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

namespace {
/// A body over samples %x (and %i) with an invariant %w; the types are those of one sample.
struct Case {
  std::string name, x, w, body, result;
  std::string indices = "tensor<2xi32>";
};
void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

/// The type of three samples.
std::string stacked(std::string type) { return type.insert(type.find('<') + 1, "3x"); }

std::string textOf(const Case &c) {
  return "func.func @f(%xs: " + stacked(c.x) + ", %is: " + stacked(c.indices) + ", %w0: " + c.w + ") -> " +
         stacked(c.result) + " {\n%r0 = nn.each mapped(%xs, %is : " + stacked(c.x) + ", " + stacked(c.indices) +
         ") invariants(%w0 : " + c.w + ") -> " + stacked(c.result) + " {\n^body(%x: " + c.x + ", %i: " + c.indices +
         ", %w: " + c.w + "):\n" + c.body + "\nnn.yield %r : " + c.result + "\n}\nreturn %r0 : " + stacked(c.result) +
         "\n}";
}

class Batch : public testing::TestWithParam<Case> {};

/// Compares the function with its batched form, in double precision: sums may change their order.
void checkSame(const std::string &text, bool expandFirst) {
  DialectRegistry registry;
  registry.insert<nn::NNDialect, func::FuncDialect>();
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module) << text;
  func::FuncOp function = *module->getOps<func::FuncOp>().begin();
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(randomTensor(type, 5 + inputs.size(), 0.5, 1.5));
  if (expandFirst) {
    PassManager expand(&context);
    expand.addNestedPass<func::FuncOp>(createAutoDiffPass());
    ASSERT_TRUE(succeeded(expand.run(*module)));
  }
  auto before = evaluate(function, inputs, {true});
  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(createBatchPass());
  ASSERT_TRUE(succeeded(passes.run(*module)));
  EXPECT_FALSE(function.walk([](nn::EachOp) { return WalkResult::interrupt(); }).wasInterrupted());
  auto after = evaluate(function, inputs, {true});
  ASSERT_TRUE(succeeded(before) && succeeded(after));
  for (auto [expected, found] : llvm::zip_equal(*before, *after)) {
    ASSERT_EQ(expected.shape, found.shape);
    for (int64_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(expected.values[i], found.values[i], 1e-12) << "element " << i;
  }
}
} // namespace

// Each operation gives, for all samples at once, what it gives for one after the other.
TEST_P(Batch, SameAsOneByOne) { checkSame(textOf(GetParam()), /*expandFirst=*/false); }

INSTANTIATE_TEST_SUITE_P(
    Simple, Batch,
    testing::Values(
        Case{"elementwise", "tensor<2x4xf32>", "tensor<2x4xf32>",
             "%e = nn.exp %w : tensor<2x4xf32>\n%r = nn.mul %x, %e : tensor<2x4xf32>", "tensor<2x4xf32>"},
        Case{"invariant_result", "tensor<4xf32>", "tensor<4xf32>", "%r = nn.exp %w : tensor<4xf32>", "tensor<4xf32>"},
        Case{"select", "tensor<2xf32>", "tensor<2xf32>",
             "%c = nn.compare lt %x, %w : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>\n"
             "%r = nn.select %c, %w, %x : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>",
             "tensor<2xf32>"},
        Case{"convert", "tensor<2xf32>", "tensor<2xf32>", "%r = nn.convert %i : tensor<2xi32> -> tensor<2xf32>",
             "tensor<2xf32>"},
        Case{"broadcast", "tensor<1x4xf32>", "tensor<1xf32>",
             "%r = nn.broadcast %x dimensions [1, 2] : tensor<1x4xf32> -> tensor<2x3x4xf32>", "tensor<2x3x4xf32>"},
        Case{"reshape", "tensor<2x4xf32>", "tensor<1xf32>", "%r = nn.reshape %x : tensor<2x4xf32> -> tensor<8xf32>",
             "tensor<8xf32>"},
        Case{"transpose", "tensor<2x4xf32>", "tensor<1xf32>",
             "%r = nn.transpose %x permutation [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>", "tensor<4x2xf32>"},
        Case{"concat", "tensor<2x4xf32>", "tensor<2x1xf32>",
             "%r = nn.concat %w, %x axis 1 : (tensor<2x1xf32>, tensor<2x4xf32>) -> tensor<2x5xf32>", "tensor<2x5xf32>"},
        Case{"slice", "tensor<5x4xf32>", "tensor<1xf32>",
             "%r = nn.slice %x offsets [1, 0] sizes [2, 4] strides [2, 1] : (tensor<5x4xf32>) -> tensor<2x4xf32>",
             "tensor<2x4xf32>"},
        Case{"pad", "tensor<2x2xf32>", "tensor<1xf32>",
             "%r = nn.pad %x low [1, 0] high [0, 1] interior [1, 0] : (tensor<2x2xf32>) -> tensor<4x3xf32>",
             "tensor<4x3xf32>"},
        Case{"reverse", "tensor<2x4xf32>", "tensor<1xf32>", "%r = nn.reverse %x axes [1] : tensor<2x4xf32>",
             "tensor<2x4xf32>"},
        Case{"reduce", "tensor<2x4xf32>", "tensor<1xf32>",
             "%r = nn.reduce max %x axes [1] : (tensor<2x4xf32>) -> tensor<2xf32>", "tensor<2xf32>"},
        Case{"cumsum", "tensor<2x4xf32>", "tensor<1xf32>", "%r = nn.cumsum %x axis 1 : tensor<2x4xf32>",
             "tensor<2x4xf32>"},
        Case{"argmax", "tensor<2x4xf32>", "tensor<1xf32>",
             "%r = nn.argmax %x axis 1 : (tensor<2x4xf32>) -> tensor<2xi32>", "tensor<2xi32>"},
        Case{"sort", "tensor<2x4xf32>", "tensor<1xf32>",
             "%r, %k = nn.sort %x axis 1 : (tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xi32>)", "tensor<2x4xf32>"},
        Case{"random", "tensor<1xf32>", "tensor<1xf32>", "%r = nn.random %i site 9 : tensor<4xi32> -> tensor<2x5xf32>",
             "tensor<2x5xf32>", "tensor<4xi32>"}),
    [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Gather, Batch,
    testing::Values(
        Case{"gather_both", "tensor<2x5x4xf32>", "tensor<1xf32>",
             "%r = nn.gather %x, %i axis 1 batch 0 : (tensor<2x5x4xf32>, tensor<2xi32>) -> tensor<2x2x4xf32>",
             "tensor<2x2x4xf32>"},
        Case{"gather_from_shared", "tensor<1xf32>", "tensor<2x5x4xf32>",
             "%r = nn.gather %w, %i axis 1 batch 0 : (tensor<2x5x4xf32>, tensor<2xi32>) -> tensor<2x2x4xf32>",
             "tensor<2x2x4xf32>"},
        Case{"gather_batch", "tensor<1xf32>", "tensor<2x5xf32>",
             "%r = nn.gather %w, %i axis 1 batch 1 : (tensor<2x5xf32>, tensor<2x3xi32>) -> tensor<2x3xf32>",
             "tensor<2x3xf32>", "tensor<2x3xi32>"},
        Case{"gather_shared_indices", "tensor<2x5xf32>", "tensor<1xf32>",
             "%k = nn.constant dense<[3, 1, 1]> : tensor<3xi32>\n"
             "%r = nn.gather %x, %k axis 1 batch 0 : (tensor<2x5xf32>, tensor<3xi32>) -> tensor<2x3xf32>",
             "tensor<2x3xf32>"},
        Case{"scatter", "tensor<2x4xf32>", "tensor<5x4xf32>",
             "%r = nn.scatter set %w, %i, %x batch 0 : (tensor<5x4xf32>, tensor<2xi32>, tensor<2x4xf32>) -> "
             "tensor<5x4xf32>",
             "tensor<5x4xf32>"}),
    [](const auto &info) { return info.param.name; });

static std::string contraction(const std::string &a, const std::string &b) {
  return "%r = nn.contract " + a + ", " + b +
         " lhs_batch [0] rhs_batch [1] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x4x3xf32>, "
         "tensor<4x2x5xf32>) -> tensor<2x3x5xf32>";
}
static const std::string conv = " strides [2] padding [1] [0] dilations [1] groups 2 : ";

INSTANTIATE_TEST_SUITE_P(
    Contraction, Batch,
    testing::Values(
        Case{"contract_left", "tensor<2x4x3xf32>", "tensor<4x2x5xf32>", contraction("%x", "%w"), "tensor<2x3x5xf32>"},
        Case{"contract_right", "tensor<4x2x5xf32>", "tensor<2x4x3xf32>", contraction("%w", "%x"), "tensor<2x3x5xf32>"},
        Case{"contract_both", "tensor<4x2x5xf32>", "tensor<2x4x3xf32>",
             "%t = nn.reduce sum %x axes [2] : (tensor<4x2x5xf32>) -> tensor<4x2xf32>\n"
             "%u = nn.transpose %t permutation [1, 0] : (tensor<4x2xf32>) -> tensor<2x4xf32>\n"
             "%v = nn.broadcast %u dimensions [0, 1] : tensor<2x4xf32> -> tensor<2x4x3xf32>\n" +
                 contraction("%v", "%x"),
             "tensor<2x3x5xf32>"},
        Case{"conv_images", "tensor<2x6x4xf32>", "tensor<3x2x2xf32>",
             "%r = nn.conv %x, %w" + conv + "(tensor<2x6x4xf32>, tensor<3x2x2xf32>) -> tensor<2x3x2xf32>",
             "tensor<2x3x2xf32>"},
        Case{"conv_filters", "tensor<3x2x2xf32>", "tensor<2x6x4xf32>",
             "%r = nn.conv %w, %x" + conv + "(tensor<2x6x4xf32>, tensor<3x2x2xf32>) -> tensor<2x3x2xf32>",
             "tensor<2x3x2xf32>"},
        Case{"conv_input_gradient", "tensor<2x3x2xf32>", "tensor<3x2x2xf32>",
             "%r = nn.conv_input_gradient %x, %w" + conv +
                 "(tensor<2x3x2xf32>, tensor<3x2x2xf32>) -> tensor<2x6x4xf32>",
             "tensor<2x6x4xf32>"},
        Case{"conv_input_gradient_filters", "tensor<3x2x2xf32>", "tensor<2x3x2xf32>",
             "%r = nn.conv_input_gradient %w, %x" + conv +
                 "(tensor<2x3x2xf32>, tensor<3x2x2xf32>) -> tensor<2x6x4xf32>",
             "tensor<2x6x4xf32>"},
        Case{"conv_filter_gradient", "tensor<2x6x4xf32>", "tensor<2x3x2xf32>",
             "%r = nn.conv_filter_gradient %x, %w" + conv +
                 "(tensor<2x6x4xf32>, tensor<2x3x2xf32>) -> tensor<3x2x2xf32>",
             "tensor<3x2x2xf32>"},
        Case{"window_max", "tensor<2x6x4xf32>", "tensor<1xf32>",
             "%r, %k = nn.window_max %x window [2] strides [2] padding [0] [0] dilations [1] : "
             "(tensor<2x6x4xf32>) -> (tensor<2x3x4xf32>, tensor<2x3x4xi32>)",
             "tensor<2x3x4xf32>"},
        Case{"window_spread", "tensor<2x3x4xf32>", "tensor<1xf32>",
             "%r = nn.window_spread %x window [2] strides [2] padding [0] [0] dilations [1] : "
             "(tensor<2x3x4xf32>) -> tensor<2x6x4xf32>",
             "tensor<2x6x4xf32>"},
        Case{"triangular_solve", "tensor<2x3xf32>", "tensor<2x2xf32>",
             "%l = nn.cholesky %w : tensor<2x2xf32>\n"
             "%r = nn.triangular_solve %l, %x : (tensor<2x2xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>",
             "tensor<2x3xf32>"}),
    [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Regions, Batch,
    testing::Values(
        Case{"loop", "tensor<4x2xf32>", "tensor<2xf32>",
             "%h, %r = nn.loop count 4 carries(%w : tensor<2xf32>) scanned(%x : tensor<4x2xf32>) invariants(%i : "
             "tensor<2xi32>) "
             "-> tensor<2xf32>, tensor<4x2xf32> {\n"
             "^body(%n: tensor<i32>, %c: tensor<2xf32>, %p: tensor<2xf32>, %v: tensor<2xi32>):\n"
             "%f = nn.convert %v : tensor<2xi32> -> tensor<2xf32>\n%m = nn.mul %c, %p : tensor<2xf32>\n"
             "%s = nn.add %m, %f : tensor<2xf32>\nnn.yield %s, %m : tensor<2xf32>, tensor<2xf32>\n}",
             "tensor<4x2xf32>"},
        Case{"conditional_loop", "tensor<f32>", "tensor<f32>",
             "%h, %r = nn.loop count 6 carries(%x : tensor<f32>) conditional -> tensor<f32>, tensor<6xf32> {\n"
             "^body(%n: tensor<i32>, %c: tensor<f32>):\n%m = nn.add %c, %c : tensor<f32>\n"
             "%l = nn.constant dense<9.0> : tensor<f32>\n"
             "%go = nn.compare lt %m, %l : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
             "nn.yield %m, %m, %go : tensor<f32>, tensor<f32>, tensor<i1>\n}",
             "tensor<6xf32>"},
        Case{"nested", "tensor<4x2xf32>", "tensor<2xf32>",
             "%r = nn.each mapped(%x : tensor<4x2xf32>) invariants(%w : tensor<2xf32>) -> tensor<4x2xf32> {\n"
             "^body(%p: tensor<2xf32>, %v: tensor<2xf32>):\n%m = nn.mul %p, %v : tensor<2xf32>\n"
             "nn.yield %m : tensor<2xf32>\n}",
             "tensor<4x2xf32>"},
        Case{"custom", "tensor<2xf32>", "tensor<f32>",
             "%r = nn.custom(%x, %w : tensor<2xf32>, tensor<f32>) -> tensor<2xf32> forward {\n"
             "^f(%a: tensor<2xf32>, %b: tensor<f32>):\n%s = nn.exp %a : tensor<2xf32>\nnn.yield %s : tensor<2xf32>\n} "
             "vjp {\n"
             "^v(%a: tensor<2xf32>, %b: tensor<f32>, %g: tensor<2xf32>):\n"
             "nn.yield %g, %b : tensor<2xf32>, tensor<f32>\n}",
             "tensor<2xf32>"}),
    [](const auto &info) { return info.param.name; });

// Gradients for each sample: expanded first, they batch as any other computation.
TEST(BatchGradients, PerSample) {
  checkSame(R"(
func.func @f(%xs: tensor<3x4xf32>, %w: tensor<4x2xf32>, %s: tensor<3xf32>) -> (tensor<3x4x2xf32>, tensor<4x2xf32>) {
  %g, %l = nn.each mapped(%xs, %s : tensor<3x4xf32>, tensor<3xf32>) invariants(%w : tensor<4x2xf32>) -> tensor<3x4x2xf32>, tensor<3xf32> {
  ^body(%x: tensor<4xf32>, %k: tensor<f32>, %v: tensor<4x2xf32>):
    %y = nn.contract %x, %v lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32 : (tensor<4xf32>, tensor<4x2xf32>) -> tensor<2xf32>
    %t0 = nn.tanh %y : tensor<2xf32>
    %t = nn.scale_gradient %t0, %k : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
    %l = nn.reduce sum %t axes [0] : (tensor<2xf32>) -> tensor<f32>
    %g = nn.gradient %l wrt %v : (tensor<f32>, tensor<4x2xf32>) -> tensor<4x2xf32>
    nn.yield %g, %l : tensor<4x2xf32>, tensor<f32>
  }
  %sum = nn.reduce sum %l axes [0] : (tensor<3xf32>) -> tensor<f32>
  %all = nn.gradient %sum wrt %w : (tensor<f32>, tensor<4x2xf32>) -> tensor<4x2xf32>
  return %g, %all : tensor<3x4x2xf32>, tensor<4x2xf32>
})",
            /*expandFirst=*/true);
}
