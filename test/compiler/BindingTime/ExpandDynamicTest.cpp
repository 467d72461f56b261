//===- ExpandDynamicTest.cpp - operations over all samples beside what is written for them -----------------------===//

#include "compiler/BindingTime/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "test/reference/Reference.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

namespace {

class ExpandDynamicTest : public ::testing::Test {
protected:
  ExpandDynamicTest() {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  }

  /// The values are those from before, and no operation of the kind `Op` is left.
  template <typename Op> void checkSame(StringRef text) {
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << message;
    func::FuncOp function = *module->getOps<func::FuncOp>().begin();
    std::vector<HostTensor> inputs;
    for (Type type : function.getArgumentTypes())
      inputs.push_back(randomTensor(type, 3 + inputs.size()));
    auto before = evaluate(function, inputs, {/*doublePrecision=*/true});
    PassManager passes(&context);
    passes.addPass(createExpandDynamic());
    ASSERT_TRUE(succeeded(passes.run(*module))) << message;
    EXPECT_FALSE(function.walk([](Op) { return WalkResult::interrupt(); }).wasInterrupted());
    EXPECT_FALSE(function.walk([](nn::ContractOp) { return WalkResult::interrupt(); }).wasInterrupted());
    auto after = evaluate(function, inputs, {/*doublePrecision=*/true});
    ASSERT_TRUE(succeeded(before) && succeeded(after)) << message;
    for (auto [expected, found] : llvm::zip_equal(*before, *after)) {
      ASSERT_EQ(expected.shape, found.shape);
      for (int64_t i = 0; i < expected.size(); ++i)
        EXPECT_NEAR(expected.values[i], found.values[i], 1e-12) << "element " << i;
    }
  }

  MLIRContext context;
  std::string message;
};

} // namespace

TEST_F(ExpandDynamicTest, Convolution) {
  checkSame<nn::ConvOp>(R"mlir(
#N = #nn.meaning<symbols = ["d.all", "", "", ""]>
func.func @f(%x: tensor<?x7x6x3xf32, #N>, %w: tensor<3x2x3x4xf32>) -> tensor<?x4x5x4xf32, #N> {
  %r = nn.conv %x, %w strides [2, 1] padding [1, 0] [2, 1] dilations [1, 2] groups 1
      : (tensor<?x7x6x3xf32, #N>, tensor<3x2x3x4xf32>) -> tensor<?x4x5x4xf32, #N>
  return %r : tensor<?x4x5x4xf32, #N>
})mlir");
}

TEST_F(ExpandDynamicTest, ConvolutionInGroups) {
  checkSame<nn::ConvOp>(R"mlir(
#N = #nn.meaning<symbols = ["d.all", "", ""]>
func.func @f(%x: tensor<?x6x4xf32, #N>, %w: tensor<3x2x6xf32>) -> tensor<?x4x6xf32, #N> {
  %r = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 2
      : (tensor<?x6x4xf32, #N>, tensor<3x2x6xf32>) -> tensor<?x4x6xf32, #N>
  return %r : tensor<?x4x6xf32, #N>
})mlir");
}

// A transposed convolution is the gradient of one in its input.
TEST_F(ExpandDynamicTest, TransposedConvolution) {
  checkSame<nn::ConvInputGradientOp>(R"mlir(
#N = #nn.meaning<symbols = ["d.all", "", "", ""]>
func.func @f(%dy: tensor<?x4x5x6xf32, #N>, %w: tensor<3x2x2x6xf32>) -> tensor<?x7x6x4xf32, #N> {
  %r = nn.conv_input_gradient %dy, %w strides [2, 1] padding [1, 0] [2, 1] dilations [1, 2] groups 2
      : (tensor<?x4x5x6xf32, #N>, tensor<3x2x2x6xf32>) -> tensor<?x7x6x4xf32, #N>
  return %r : tensor<?x7x6x4xf32, #N>
})mlir");
}

// Carries, stacked values, the number of the step, and a loop in the body of another.
TEST_F(ExpandDynamicTest, Scan) {
  checkSame<nn::LoopOp>(R"mlir(
#N = #nn.meaning<symbols = ["d.all"]>
#TN = #nn.meaning<symbols = ["", "d.all"]>
func.func @f(%x: tensor<4x?xf32, #TN>, %w: tensor<?xf32, #N>) -> (tensor<?xf32, #N>, tensor<4x?xf32, #TN>) {
  %r, %all = nn.loop count 4 carries(%w : tensor<?xf32, #N>) scanned(%x : tensor<4x?xf32, #TN>)
      invariants(%x : tensor<4x?xf32, #TN>) -> tensor<?xf32, #N>, tensor<4x?xf32, #TN> {
  ^body(%i: tensor<i32>, %c: tensor<?xf32, #N>, %v: tensor<?xf32, #N>, %xs: tensor<4x?xf32, #TN>):
    %k = nn.convert %i : tensor<i32> -> tensor<f32>
    %s = nn.broadcast %k dimensions [] : tensor<f32> -> tensor<?xf32, #N>
    %p = nn.mul %c, %v : tensor<?xf32, #N>
    %inner = nn.loop count 4 carries(%p : tensor<?xf32, #N>) scanned(%xs : tensor<4x?xf32, #TN>) -> tensor<?xf32, #N> {
    ^body(%j: tensor<i32>, %d: tensor<?xf32, #N>, %u: tensor<?xf32, #N>):
      %e = nn.sub %u, %d : tensor<?xf32, #N>
      nn.yield %e : tensor<?xf32, #N>
    }
    %n = nn.add %inner, %s : tensor<?xf32, #N>
    nn.yield %n, %p : tensor<?xf32, #N>, tensor<?xf32, #N>
  }
  return %r, %all : tensor<?xf32, #N>, tensor<4x?xf32, #TN>
})mlir");
}

// A loop that may end before its last step.
TEST_F(ExpandDynamicTest, ConditionalScan) {
  checkSame<nn::LoopOp>(R"mlir(
#N = #nn.meaning<symbols = ["d.all"]>
#TN = #nn.meaning<symbols = ["", "d.all"]>
func.func @f(%x: tensor<5x?xf32, #TN>, %w: tensor<?xf32, #N>) -> (tensor<?xf32, #N>, tensor<5x?xf32, #TN>) {
  %r, %all = nn.loop count 5 carries(%w : tensor<?xf32, #N>) scanned(%x : tensor<5x?xf32, #TN>) conditional
      -> tensor<?xf32, #N>, tensor<5x?xf32, #TN> {
  ^body(%i: tensor<i32>, %c: tensor<?xf32, #N>, %v: tensor<?xf32, #N>):
    %n = nn.add %c, %v : tensor<?xf32, #N>
    %two = nn.constant dense<2> : tensor<i32>
    %go = nn.compare lt %i, %two : (tensor<i32>, tensor<i32>) -> tensor<i1>
    nn.yield %n, %c, %go : tensor<?xf32, #N>, tensor<?xf32, #N>, tensor<i1>
  }
  return %r, %all : tensor<?xf32, #N>, tensor<5x?xf32, #TN>
})mlir");
}
