// Programs compute what the reference evaluator does, with every operation in a kernel of its own and with full fusion,
// for each kind of vectors that this machine can execute. The orders of summation differ, so tolerances are those of
// f32 sums of the lengths involved.

#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace xfer::test;

namespace {

class FusedKernel : public testing::TestWithParam<std::string> {
protected:
  void check(const std::string &source, const std::vector<Tensor> &arguments, double tolerance,
             std::map<std::string, int64_t> extents = {}) {
    auto expected = evaluate(source, arguments);
    ASSERT_FALSE(expected.empty());
    for (const char *mode : {"none", "full"}) {
      RunOptions options;
      options.target = GetParam();
      options.extents = extents;
      options.mode = mode;
      auto actual = run(source, arguments, options);
      ASSERT_EQ(expected.size(), actual.size());
      for (size_t i = 0; i < expected.size(); ++i)
        compare(expected[i], actual[i], tolerance, std::string(mode) + " result " + std::to_string(i));
    }
  }
  static void compare(const Tensor &expected, const Tensor &actual, double tolerance, const std::string &what) {
    ASSERT_EQ(expected.shape, actual.shape) << what;
    double largest = 0;
    for (double value : expected.values)
      largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < expected.values.size(); ++i)
      ASSERT_NEAR(expected.values[i], actual.values[i], tolerance * (1e-3 + largest)) << what << " element " << i;
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
        {Tensor::random({8, 12, 12, 21}, 7), Tensor::random({21}, 2), Tensor::random({21}, 3), Tensor::random({21}, 4),
         Tensor::random({8, 12, 12, 21}, 5)}, // no output within a rounding of 0, where the mask would turn
        1e-5);                                // sums of 1152 terms
}

// Statistics of rows, and a gradient that needs several sums of a row.
// One kernel sums over two tensors, one of which is masked along some of its axes only: both keep the same axes.
TEST_P(FusedKernel, SumsOverAlikeSpaces) {
  check(R"mlir(
func.func @sums(%x: tensor<4x2x2x8xf32>, %y: tensor<4x2x2x8xf32>, %m: tensor<4x8xf32>) -> (tensor<8xf32>, tensor<4x2x2x8xf32>) {
  %s = nn.reduce sum %x axes [0, 1, 2] : (tensor<4x2x2x8xf32>) -> tensor<8xf32>
  %b = nn.broadcast %m dimensions [0, 3] : tensor<4x8xf32> -> tensor<4x2x2x8xf32>
  %z = nn.mul %y, %b : tensor<4x2x2x8xf32>
  %t = nn.reduce sum %z axes [0, 1, 2] : (tensor<4x2x2x8xf32>) -> tensor<8xf32>
  %r = nn.add %s, %t : tensor<8xf32>
  %e = nn.exp %x : tensor<4x2x2x8xf32>
  return %r, %e : tensor<8xf32>, tensor<4x2x2x8xf32>
}
)mlir",
        {Tensor::random({4, 2, 2, 8}, 1), Tensor::random({4, 2, 2, 8}, 2), Tensor::random({4, 8}, 3)}, 1e-6);
}

// Few channels, for which the vectors lie along the pixels before them: what is computed once for all channels of a
// pixel, sums over channels, factors by sample and by channel, and rows that are no whole vectors.
TEST_P(FusedKernel, FewChannels) {
  check(R"mlir(
func.func @colour(%x: tensor<2x5x37x3xf32>, %k: tensor<2xf32>, %w: tensor<3xf32>) -> (tensor<2x5x37x3xf32>, tensor<2x5x37xf32>, tensor<2x5x37x3xf32>) {
  %wb = nn.broadcast %w dimensions [3] : tensor<3xf32> -> tensor<2x5x37x3xf32>
  %kb = nn.broadcast %k dimensions [0] : tensor<2xf32> -> tensor<2x5x37x3xf32>
  %p = nn.mul %x, %wb : tensor<2x5x37x3xf32>
  %l = nn.reduce sum %p axes [3] : (tensor<2x5x37x3xf32>) -> tensor<2x5x37xf32>
  %lb = nn.broadcast %l dimensions [0, 1, 2] : tensor<2x5x37xf32> -> tensor<2x5x37x3xf32>
  %d = nn.sub %x, %lb : tensor<2x5x37x3xf32>
  %t = nn.tanh %d : tensor<2x5x37x3xf32>
  %e = nn.exp %t : tensor<2x5x37x3xf32>
  %m = nn.mul %e, %kb : tensor<2x5x37x3xf32>
  %a = nn.sin %x : tensor<2x5x37x3xf32>
  %b = nn.cos %x : tensor<2x5x37x3xf32>
  %c = nn.mul %a, %kb : tensor<2x5x37x3xf32>
  %q = nn.add %b, %c : tensor<2x5x37x3xf32>
  return %m, %l, %q : tensor<2x5x37x3xf32>, tensor<2x5x37xf32>, tensor<2x5x37x3xf32>
}
)mlir",
        {Tensor::random({2, 5, 37, 3}, 1), Tensor::random({2}, 2), Tensor::random({3}, 3)}, 2e-6);
  for (int64_t channels : {2, 3, 4}) {
    std::string number = std::to_string(channels), type = "tensor<33x" + number + "xf32>";
    std::string source = "func.func @pixels(%x: " + type + ", %k: tensor<33xf32>) -> (" + type + ", tensor<33x" +
                         number + "xi1>) {\n  %kb = nn.broadcast %k dimensions [0] : tensor<33xf32> -> " + type +
                         "\n  %a = nn.tanh %x : " + type + "\n  %b = nn.exp %a : " + type +
                         "\n  %c = nn.mul %b, %kb : " + type + "\n  %d = nn.compare lt %c, %x : (" + type + ", " +
                         type + ") -> tensor<33x" + number + "xi1>\n  return %c, %d : " + type + ", tensor<33x" +
                         number + "xi1>\n}\n";
    check(source, {Tensor::random({33, channels}, 4), Tensor::random({33}, 5)}, 2e-6);
  }
}

TEST_P(FusedKernel, LayerNorm) {
  check(R"mlir(
func.func @f(%x: tensor<33x50xf32>, %g: tensor<50xf32>, %b: tensor<50xf32>, %u: tensor<33x50xf32>)
    -> (tensor<33x50xf32>, tensor<33x50xf32>, tensor<50xf32>, tensor<50xf32>) {
  %inv = nn.constant dense<0.02> : tensor<33x1xf32>
  %eps = nn.constant dense<1.0e-05> : tensor<33x1xf32>
  %s = nn.reduce sum %x axes [1] : (tensor<33x50xf32>) -> tensor<33xf32>
  %k = nn.reshape %s : tensor<33xf32> -> tensor<33x1xf32>
  %m = nn.mul %k, %inv : tensor<33x1xf32>
  %mb = nn.broadcast %m dimensions [0, 1] : tensor<33x1xf32> -> tensor<33x50xf32>
  %d = nn.sub %x, %mb : tensor<33x50xf32>
  %q = nn.mul %d, %d : tensor<33x50xf32>
  %v = nn.reduce sum %q axes [1] : (tensor<33x50xf32>) -> tensor<33xf32>
  %vk = nn.reshape %v : tensor<33xf32> -> tensor<33x1xf32>
  %vm = nn.mul %vk, %inv : tensor<33x1xf32>
  %ve = nn.add %vm, %eps : tensor<33x1xf32>
  %sd = nn.sqrt %ve : tensor<33x1xf32>
  %sb = nn.broadcast %sd dimensions [0, 1] : tensor<33x1xf32> -> tensor<33x50xf32>
  %n = nn.div %d, %sb : tensor<33x50xf32>
  %gb = nn.broadcast %g dimensions [1] : tensor<50xf32> -> tensor<33x50xf32>
  %bb = nn.broadcast %b dimensions [1] : tensor<50xf32> -> tensor<33x50xf32>
  %ng = nn.mul %n, %gb : tensor<33x50xf32>
  %y = nn.add %ng, %bb : tensor<33x50xf32>
  %w = nn.mul %y, %u : tensor<33x50xf32>
  %l = nn.reduce sum %w axes [0, 1] : (tensor<33x50xf32>) -> tensor<f32>
  %dx, %dg, %db = nn.gradient %l wrt %x, %g, %b
    : (tensor<f32>, tensor<33x50xf32>, tensor<50xf32>, tensor<50xf32>) -> (tensor<33x50xf32>, tensor<50xf32>, tensor<50xf32>)
  return %y, %dx, %dg, %db : tensor<33x50xf32>, tensor<33x50xf32>, tensor<50xf32>, tensor<50xf32>
}
)mlir",
        {Tensor::random({33, 50}, 1), Tensor::random({50}, 2), Tensor::random({50}, 3), Tensor::random({33, 50}, 4)},
        1e-5);
}

// Parameters of three shapes in one kernel, with scalars that they share.
TEST_P(FusedKernel, Adam) {
  std::vector<Tensor> arguments{Tensor::of({}, {0.01}), Tensor::of({}, {3})};
  std::string signature = "%rate: tensor<f32>, %t: tensor<i32>", body, results = "%t1", types = "tensor<i32>";
  unsigned seed = 0;
  for (std::vector<int64_t> shape : {std::vector<int64_t>{5, 5, 1, 20}, {500}, {37, 10}}) {
    for (double low : {-1.0, -1.0, -1.0, 0.01})
      arguments.push_back(Tensor::random(shape, ++seed, low, 1));
    std::string type =
        "tensor<" + llvm::join(llvm::map_range(shape, [](int64_t n) { return std::to_string(n); }), "x") + "xf32>";
    // Names end in the number of the parameter.
    auto forThis = [&](std::string text) {
      for (auto [from, to] : {std::pair<std::string, std::string>{"#", std::to_string(seed / 4)}, {"TYPE", type}})
        for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
          text.replace(at, from.size(), to);
      return text;
    };
    signature += forThis(", %p#: TYPE, %g#: TYPE, %m#: TYPE, %v#: TYPE");
    results += forThis(", %n#, %mn#, %vn#");
    types += forThis(", TYPE, TYPE, TYPE");
    body += forThis(R"mlir(
  %c9# = nn.constant dense<0.9> : TYPE
  %c1# = nn.constant dense<0.1> : TYPE
  %d9# = nn.constant dense<0.999> : TYPE
  %d1# = nn.constant dense<0.001> : TYPE
  %ep# = nn.constant dense<1.0e-8> : TYPE
  %rb# = nn.broadcast %rate dimensions [] : tensor<f32> -> TYPE
  %qb# = nn.broadcast %q1 dimensions [] : tensor<f32> -> TYPE
  %qc# = nn.broadcast %q2 dimensions [] : tensor<f32> -> TYPE
  %ma# = nn.mul %c9#, %m# : TYPE
  %mb# = nn.mul %c1#, %g# : TYPE
  %mn# = nn.add %ma#, %mb# : TYPE
  %sq# = nn.mul %g#, %g# : TYPE
  %va# = nn.mul %d9#, %v# : TYPE
  %vb# = nn.mul %d1#, %sq# : TYPE
  %vn# = nn.add %va#, %vb# : TYPE
  %mh# = nn.div %mn#, %qb# : TYPE
  %vh# = nn.div %vn#, %qc# : TYPE
  %sr# = nn.sqrt %vh# : TYPE
  %de# = nn.add %sr#, %ep# : TYPE
  %up# = nn.mul %rb#, %mh# : TYPE
  %qu# = nn.div %up#, %de# : TYPE
  %n# = nn.sub %p#, %qu# : TYPE)mlir");
  }
  check("func.func @f(" + signature + ") -> (" + types + R"mlir() {
  %one_i = nn.constant dense<1> : tensor<i32>
  %t1 = nn.add %t, %one_i : tensor<i32>
  %tf = nn.convert %t1 : tensor<i32> -> tensor<f32>
  %b1 = nn.constant dense<0.9> : tensor<f32>
  %b2 = nn.constant dense<0.999> : tensor<f32>
  %one = nn.constant dense<1.0> : tensor<f32>
  %pw1 = nn.pow %b1, %tf : tensor<f32>
  %pw2 = nn.pow %b2, %tf : tensor<f32>
  %q1 = nn.sub %one, %pw1 : tensor<f32>
  %q2 = nn.sub %one, %pw2 : tensor<f32>
)mlir" + body +
            "\n  return " + results + " : " + types + "\n}",
        arguments, 1e-6);
}

// A mask drawn by key, used forward and backward; looked-up rows, and their gradient.
TEST_P(FusedKernel, DropoutAndEmbedding) {
  check(R"mlir(
func.func @f(%t: tensor<50x21xf32>, %i: tensor<6x7xi32>, %k: tensor<6x4xi32>, %u: tensor<6x7x21xf32>)
    -> (tensor<6x7x21xf32>, tensor<50x21xf32>) {
  %half = nn.constant dense<0.5> : tensor<6x7x21xf32>
  %zero = nn.constant dense<0.0> : tensor<6x7x21xf32>
  %e = nn.gather %t, %i axis 0 batch 0 : (tensor<50x21xf32>, tensor<6x7xi32>) -> tensor<6x7x21xf32>
  %r = nn.random %k site 99 : tensor<6x4xi32> -> tensor<6x7x21xf32>
  %c = nn.compare lt %r, %half : (tensor<6x7x21xf32>, tensor<6x7x21xf32>) -> tensor<6x7x21xi1>
  %s = nn.div %e, %half : tensor<6x7x21xf32>
  %d = nn.select %c, %s, %zero : (tensor<6x7x21xi1>, tensor<6x7x21xf32>, tensor<6x7x21xf32>) -> tensor<6x7x21xf32>
  %y = nn.tanh %d : tensor<6x7x21xf32>
  %w = nn.mul %y, %u : tensor<6x7x21xf32>
  %l = nn.reduce sum %w axes [0, 1, 2] : (tensor<6x7x21xf32>) -> tensor<f32>
  %g = nn.gradient %l wrt %t : (tensor<f32>, tensor<50x21xf32>) -> tensor<50x21xf32>
  return %y, %g : tensor<6x7x21xf32>, tensor<50x21xf32>
}
)mlir",
        {Tensor::random({50, 21}, 1), Tensor::random({6, 7}, 2, 0, 50, true),
         Tensor::random({6, 4}, 3, -2e9, 2e9, true), Tensor::random({6, 7, 21}, 4)},
        1e-6);
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

// Another instruction set gets objects of the same kernels: a row of several passes, draws, looked-up rows, windows.
TEST(FusedKernelObjects, AArch64) {
  RunOptions options;
  options.target = "aarch64";
  options.mode = "full";
  EXPECT_GT(compileObject(R"mlir(
func.func @f(%x: tensor<64x21xf32>, %t: tensor<9x21xf32>, %i: tensor<64xi32>, %k: tensor<4xi32>, %m: tensor<2x8x8x5xf32>)
    -> (tensor<64x21xf32>, tensor<2x4x4x5xi32>, tensor<2x8x8x5xf32>) {
  %e = nn.gather %t, %i axis 0 batch 0 : (tensor<9x21xf32>, tensor<64xi32>) -> tensor<64x21xf32>
  %r = nn.random %k site 3 : tensor<4xi32> -> tensor<64x21xf32>
  %a = nn.add %x, %e : tensor<64x21xf32>
  %b = nn.mul %a, %r : tensor<64x21xf32>
  %h = nn.exp %b : tensor<64x21xf32>
  %s = nn.reduce sum %h axes [1] : (tensor<64x21xf32>) -> tensor<64xf32>
  %w = nn.broadcast %s dimensions [0] : tensor<64xf32> -> tensor<64x21xf32>
  %q = nn.div %h, %w : tensor<64x21xf32>
  %y, %p = nn.window_max %m window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1]
           : (tensor<2x8x8x5xf32>) -> (tensor<2x4x4x5xf32>, tensor<2x4x4x5xi32>)
  %g = nn.window_scatter %y, %p window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1]
       : (tensor<2x4x4x5xf32>, tensor<2x4x4x5xi32>) -> tensor<2x8x8x5xf32>
  return %q, %p, %g : tensor<64x21xf32>, tensor<2x4x4x5xi32>, tensor<2x8x8x5xf32>
}
)mlir",
                          options),
            1000u);
}

INSTANTIATE_TEST_SUITE_P(Targets, FusedKernel, testing::ValuesIn(runnableTargets()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
