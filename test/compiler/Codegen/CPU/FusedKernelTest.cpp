// Fused kernels compute what single ones do. Each program runs with every operation in a kernel of its own and with
// full fusion, for each kind of vectors that this machine can execute. The orders of summation differ, so tolerances are
// those of f32 sums of the lengths involved.

#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace xfer::test;

namespace {

class FusedKernel : public testing::TestWithParam<std::string> {
protected:
  void check(const std::string &source, const std::vector<Tensor> &arguments, double tolerance,
             std::map<std::string, int64_t> extents = {}) {
    RunOptions options;
    options.target = GetParam();
    options.extents = std::move(extents);
    auto expected = run(source, arguments, options);
    options.mode = "full";
    auto actual = run(source, arguments, options);
    ASSERT_FALSE(expected.empty());
    ASSERT_EQ(expected.size(), actual.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(expected[i].shape, actual[i].shape);
      double largest = 0;
      for (double value : expected[i].values)
        largest = std::max(largest, std::abs(value));
      for (size_t j = 0; j < expected[i].values.size(); ++j)
        ASSERT_NEAR(expected[i].values[j], actual[i].values[j], tolerance * (1e-3 + largest))
            << "result " << i << " element " << j;
    }
  }
};

TEST_P(FusedKernel, Softmax) {
  check(R"mlir(
func.func @softmax(%x: tensor<64x10xf32>) -> tensor<64x10xf32> {
  %m = nn.reduce max %x axes [1] : (tensor<64x10xf32>) -> tensor<64xf32>
  %k = nn.reshape %m : tensor<64xf32> -> tensor<64x1xf32>
  %s = nn.stop_gradient %k : tensor<64x1xf32>
  %b = nn.broadcast %s dimensions [0, 1] : tensor<64x1xf32> -> tensor<64x10xf32>
  %d = nn.sub %x, %b : tensor<64x10xf32>
  %e = nn.exp %d : tensor<64x10xf32>
  %t = nn.reduce sum %e axes [1] : (tensor<64x10xf32>) -> tensor<64xf32>
  %u = nn.reshape %t : tensor<64xf32> -> tensor<64x1xf32>
  %v = nn.broadcast %u dimensions [0, 1] : tensor<64x1xf32> -> tensor<64x10xf32>
  %r = nn.div %e, %v : tensor<64x10xf32>
  return %r : tensor<64x10xf32>
}
)mlir",
        {Tensor::random({64, 10}, 1)}, 1e-6);
}

// Forward and backward, with the labels as a mask.
TEST_P(FusedKernel, CrossEntropy) {
  check(R"mlir(
func.func @ce(%x: tensor<64x10xf32>, %y: tensor<64xi32>) -> (tensor<f32>, tensor<64x10xf32>) {
  %m = nn.reduce max %x axes [1] : (tensor<64x10xf32>) -> tensor<64xf32>
  %sg = nn.stop_gradient %m : tensor<64xf32>
  %k = nn.reshape %sg : tensor<64xf32> -> tensor<64x1xf32>
  %b = nn.broadcast %k dimensions [0, 1] : tensor<64x1xf32> -> tensor<64x10xf32>
  %z = nn.sub %x, %b : tensor<64x10xf32>
  %e = nn.exp %z : tensor<64x10xf32>
  %t = nn.reduce sum %e axes [1] : (tensor<64x10xf32>) -> tensor<64xf32>
  %u = nn.reshape %t : tensor<64xf32> -> tensor<64x1xf32>
  %l = nn.log %u : tensor<64x1xf32>
  %v = nn.broadcast %l dimensions [0, 1] : tensor<64x1xf32> -> tensor<64x10xf32>
  %p = nn.sub %z, %v : tensor<64x10xf32>
  %i = nn.iota axis 1 : tensor<64x10xi32>
  %yb = nn.broadcast %y dimensions [0] : tensor<64xi32> -> tensor<64x10xi32>
  %c = nn.compare eq %i, %yb : (tensor<64x10xi32>, tensor<64x10xi32>) -> tensor<64x10xi1>
  %zero = nn.constant dense<0.0> : tensor<64x10xf32>
  %w = nn.select %c, %p, %zero : (tensor<64x10xi1>, tensor<64x10xf32>, tensor<64x10xf32>) -> tensor<64x10xf32>
  %h = nn.reduce sum %w axes [1] : (tensor<64x10xf32>) -> tensor<64xf32>
  %n = nn.neg %h : tensor<64xf32>
  %q = nn.reduce sum %n axes [0] : (tensor<64xf32>) -> tensor<f32>
  %s = nn.constant dense<0.015625> : tensor<f32>
  %loss = nn.mul %q, %s : tensor<f32>
  %g = nn.gradient %loss wrt %x : (tensor<f32>, tensor<64x10xf32>) -> tensor<64x10xf32>
  return %loss, %g : tensor<f32>, tensor<64x10xf32>
}
)mlir",
        {Tensor::random({64, 10}, 1), Tensor::random({64}, 2, 0, 10, true)}, 1e-6);
}

// Statistics, normalisation, a running mean, and all gradients.
TEST_P(FusedKernel, BatchNorm) {
  check(R"mlir(
func.func @bn(%x: tensor<8x12x12x21xf32>, %g: tensor<21xf32>, %b: tensor<21xf32>, %rm: tensor<21xf32>, %up: tensor<8x12x12x21xf32>) -> (tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<21xf32>) {
  %inv = nn.constant dense<8.680555e-04> : tensor<1x1x1x21xf32>
  %inv0 = nn.constant dense<8.680555e-04> : tensor<21xf32>
  %eps = nn.constant dense<1.0e-05> : tensor<21xf32>
  %mom = nn.constant dense<1.0e-01> : tensor<21xf32>
  %s0 = nn.reduce sum %x axes [0, 1, 2] : (tensor<8x12x12x21xf32>) -> tensor<21xf32>
  %s1 = nn.reshape %s0 : tensor<21xf32> -> tensor<1x1x1x21xf32>
  %m = nn.mul %s1, %inv : tensor<1x1x1x21xf32>
  %m0 = nn.mul %s0, %inv0 : tensor<21xf32>
  %mb = nn.broadcast %m dimensions [0, 1, 2, 3] : tensor<1x1x1x21xf32> -> tensor<8x12x12x21xf32>
  %d = nn.sub %x, %mb : tensor<8x12x12x21xf32>
  %sq = nn.mul %d, %d : tensor<8x12x12x21xf32>
  %v0 = nn.reduce sum %sq axes [0, 1, 2] : (tensor<8x12x12x21xf32>) -> tensor<21xf32>
  %v = nn.mul %v0, %inv0 : tensor<21xf32>
  %mb2 = nn.broadcast %m0 dimensions [3] : tensor<21xf32> -> tensor<8x12x12x21xf32>
  %d2 = nn.sub %x, %mb2 : tensor<8x12x12x21xf32>
  %ve = nn.add %v, %eps : tensor<21xf32>
  %sd = nn.sqrt %ve : tensor<21xf32>
  %sdb = nn.broadcast %sd dimensions [3] : tensor<21xf32> -> tensor<8x12x12x21xf32>
  %n = nn.div %d2, %sdb : tensor<8x12x12x21xf32>
  %gb = nn.broadcast %g dimensions [3] : tensor<21xf32> -> tensor<8x12x12x21xf32>
  %bb = nn.broadcast %b dimensions [3] : tensor<21xf32> -> tensor<8x12x12x21xf32>
  %ng = nn.mul %n, %gb : tensor<8x12x12x21xf32>
  %y = nn.add %ng, %bb : tensor<8x12x12x21xf32>
  %zero = nn.constant dense<0.0> : tensor<8x12x12x21xf32>
  %r = nn.max %y, %zero : tensor<8x12x12x21xf32>
  %dm = nn.sub %m0, %rm : tensor<21xf32>
  %dmm = nn.mul %mom, %dm : tensor<21xf32>
  %rm1 = nn.add %rm, %dmm : tensor<21xf32>
  %w = nn.mul %r, %up : tensor<8x12x12x21xf32>
  %l = nn.reduce sum %w axes [0, 1, 2, 3] : (tensor<8x12x12x21xf32>) -> tensor<f32>
  %dx, %dg, %db = nn.gradient %l wrt %x, %g, %b : (tensor<f32>, tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<21xf32>) -> (tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<21xf32>)
  return %r, %rm1, %dx, %dg, %db : tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<8x12x12x21xf32>, tensor<21xf32>, tensor<21xf32>
}
)mlir",
        {Tensor::random({8, 12, 12, 21}, 1), Tensor::random({21}, 2), Tensor::random({21}, 3), Tensor::random({21}, 4),
         Tensor::random({8, 12, 12, 21}, 5)},
        1e-5); // sums of 1152 terms
}

// A layer with its gradient: bias and activation in the epilogue of the product, the mask in that of its gradient.
TEST_P(FusedKernel, DenseLayers) {
  check(R"mlir(
func.func @f(%x: tensor<37x21xf32>, %w: tensor<21x50xf32>, %b: tensor<50xf32>, %v: tensor<50x10xf32>)
    -> (tensor<37x10xf32>, tensor<21x50xf32>, tensor<50xf32>, tensor<50x10xf32>) {
  %zero = nn.constant dense<0.0> : tensor<37x50xf32>
  %h = nn.contract %x, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<37x21xf32>, tensor<21x50xf32>) -> tensor<37x50xf32>
  %bb = nn.broadcast %b dimensions [1] : tensor<50xf32> -> tensor<37x50xf32>
  %a = nn.add %h, %bb : tensor<37x50xf32>
  %r = nn.max %a, %zero : tensor<37x50xf32>
  %y = nn.contract %r, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<37x50xf32>, tensor<50x10xf32>) -> tensor<37x10xf32>
  %t = nn.tanh %y : tensor<37x10xf32>
  %l = nn.reduce sum %t axes [0, 1] : (tensor<37x10xf32>) -> tensor<f32>
  %dw, %db, %dv = nn.gradient %l wrt %w, %b, %v
    : (tensor<f32>, tensor<21x50xf32>, tensor<50xf32>, tensor<50x10xf32>) -> (tensor<21x50xf32>, tensor<50xf32>, tensor<50x10xf32>)
  return %t, %dw, %db, %dv : tensor<37x10xf32>, tensor<21x50xf32>, tensor<50xf32>, tensor<50x10xf32>
}
)mlir",
        {Tensor::random({37, 21}, 1), Tensor::random({21, 50}, 2, -.3, .3), Tensor::random({50}, 3),
         Tensor::random({50, 10}, 4, -.3, .3)},
        1e-5);
}

// Convolution, bias, activation, windows, and back.
TEST_P(FusedKernel, ConvolutionAndPooling) {
  check(R"mlir(
func.func @f(%x: tensor<4x14x14x3xf32>, %w: tensor<5x5x3x20xf32>, %b: tensor<20xf32>, %u: tensor<4x500xf32>)
    -> (tensor<4x500xf32>, tensor<5x5x3x20xf32>, tensor<20xf32>, tensor<4x14x14x3xf32>) {
  %zero = nn.constant dense<0.0> : tensor<4x5x5x20xf32>
  %c = nn.conv %x, %w strides [1, 1] padding [0, 0] [0, 0] dilations [1, 1] groups 1
       : (tensor<4x14x14x3xf32>, tensor<5x5x3x20xf32>) -> tensor<4x10x10x20xf32>
  %bb = nn.broadcast %b dimensions [3] : tensor<20xf32> -> tensor<4x10x10x20xf32>
  %a = nn.add %c, %bb : tensor<4x10x10x20xf32>
  %p, %i = nn.window_max %a window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1]
       : (tensor<4x10x10x20xf32>) -> (tensor<4x5x5x20xf32>, tensor<4x5x5x20xi32>)
  %r = nn.max %p, %zero : tensor<4x5x5x20xf32>
  %f = nn.reshape %r : tensor<4x5x5x20xf32> -> tensor<4x500xf32>
  %g = nn.mul %f, %u : tensor<4x500xf32>
  %l = nn.reduce sum %g axes [0, 1] : (tensor<4x500xf32>) -> tensor<f32>
  %dw, %db, %dx = nn.gradient %l wrt %w, %b, %x
    : (tensor<f32>, tensor<5x5x3x20xf32>, tensor<20xf32>, tensor<4x14x14x3xf32>) -> (tensor<5x5x3x20xf32>, tensor<20xf32>, tensor<4x14x14x3xf32>)
  return %f, %dw, %db, %dx : tensor<4x500xf32>, tensor<5x5x3x20xf32>, tensor<20xf32>, tensor<4x14x14x3xf32>
}
)mlir",
        {Tensor::random({4, 14, 14, 3}, 1), Tensor::random({5, 5, 3, 20}, 2), Tensor::random({20}, 3),
         Tensor::random({4, 500}, 4)},
        1e-5);
}

INSTANTIATE_TEST_SUITE_P(Targets, FusedKernel, testing::ValuesIn(runnableTargets()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
