//===- HigherOrderTest.cpp - gradients of gradients as methods use them -----------------------------------------===//

#include "FiniteDifferences.h"
#include "gtest/gtest.h"

using namespace xfer;

// The gradient penalty of WDGRL (Shen et al. 2018): mean of (|d critic / d x| - 1)^2, differentiated in the critic.
TEST(HigherOrder, GradientPenalty) {
  checkDerivatives(R"(
func.func @penalty(%w1: tensor<3x4xf32>, %w2: tensor<4xf32>, %x: tensor<5x3xf32>) -> tensor<f32> {
  %h = nn.contract %x, %w1 lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<5x3xf32>, tensor<3x4xf32>) -> tensor<5x4xf32>
  %t = nn.tanh %h : tensor<5x4xf32>
  %c = nn.contract %t, %w2 lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<5x4xf32>, tensor<4xf32>) -> tensor<5xf32>
  %s = nn.reduce sum %c axes [0] : (tensor<5xf32>) -> tensor<f32>
  %g = nn.gradient %s wrt %x : (tensor<f32>, tensor<5x3xf32>) -> tensor<5x3xf32>
  %g2 = nn.mul %g, %g : tensor<5x3xf32>
  %n2 = nn.reduce sum %g2 axes [1] : (tensor<5x3xf32>) -> tensor<5xf32>
  %n = nn.sqrt %n2 : tensor<5xf32>
  %one = nn.constant dense<1.0> : tensor<5xf32>
  %d = nn.sub %n, %one : tensor<5xf32>
  %d2 = nn.mul %d, %d : tensor<5xf32>
  %l = nn.reduce sum %d2 axes [0] : (tensor<5xf32>) -> tensor<f32>
  return %l : tensor<f32>
})");
}

// MAML (Finn et al. 2017): inner steps of gradient descent on the support set in a loop, then the loss of the query
// set.
TEST(HigherOrder, InnerSteps) {
  checkDerivatives(R"(
func.func @maml(%w: tensor<3xf32>, %support: tensor<4x3xf32>, %query: tensor<4x3xf32>) -> tensor<f32> {
  %fast = nn.loop count 3 carries(%w : tensor<3xf32>) invariants(%support : tensor<4x3xf32>) -> tensor<3xf32> {
  ^body(%i: tensor<i32>, %v: tensor<3xf32>, %x: tensor<4x3xf32>):
    %y = nn.contract %x, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<4xf32>
    %t = nn.tanh %y : tensor<4xf32>
    %q = nn.mul %t, %t : tensor<4xf32>
    %l = nn.reduce sum %q axes [0] : (tensor<4xf32>) -> tensor<f32>
    %g = nn.gradient %l wrt %v : (tensor<f32>, tensor<3xf32>) -> tensor<3xf32>
    %rate = nn.constant dense<0.1> : tensor<3xf32>
    %step = nn.mul %g, %rate : tensor<3xf32>
    %n = nn.sub %v, %step : tensor<3xf32>
    nn.yield %n : tensor<3xf32>
  }
  %y = nn.contract %query, %fast lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<4x3xf32>, tensor<3xf32>) -> tensor<4xf32>
  %t = nn.tanh %y : tensor<4xf32>
  %l = nn.reduce sum %t axes [0] : (tensor<4xf32>) -> tensor<f32>
  return %l : tensor<f32>
})",
                   2);
}

// A pooled convolution, twice: the penalty of an image critic needs all three directions.
TEST(HigherOrder, ConvolutionPenalty) {
  checkDerivatives(R"(
func.func @penalty(%w: tensor<3x3x2x3xf32>, %x: tensor<2x4x4x2xf32>) -> tensor<f32> {
  %h = nn.conv %x, %w strides [1, 1] padding [1, 1] [1, 1] dilations [1, 1] groups 1 : (tensor<2x4x4x2xf32>, tensor<3x3x2x3xf32>) -> tensor<2x4x4x3xf32>
  %t = nn.tanh %h : tensor<2x4x4x3xf32>
  %m, %i = nn.window_max %t window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<2x4x4x3xf32>) -> (tensor<2x2x2x3xf32>, tensor<2x2x2x3xi32>)
  %s = nn.reduce sum %m axes [0, 1, 2, 3] : (tensor<2x2x2x3xf32>) -> tensor<f32>
  %g = nn.gradient %s wrt %x : (tensor<f32>, tensor<2x4x4x2xf32>) -> tensor<2x4x4x2xf32>
  %g2 = nn.mul %g, %g : tensor<2x4x4x2xf32>
  %l = nn.reduce sum %g2 axes [0, 1, 2, 3] : (tensor<2x4x4x2xf32>) -> tensor<f32>
  return %l : tensor<f32>
})");
}
