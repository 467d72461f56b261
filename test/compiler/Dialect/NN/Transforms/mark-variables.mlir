// What a gradient is taken with respect to is read through an operation that simplifications leave alone.
// RUN: xfer-opt %s -nn-mark-variables -split-input-file | FileCheck %s
// RUN: xfer-opt %s -nn-mark-variables -canonicalize -cse -nn-autodiff -canonicalize -split-input-file | FileCheck %s --check-prefix=GRAD

// Two parts that are joined again are the whole; the gradient in one of them is still 2 a.
// CHECK-LABEL: func.func @parts(
// CHECK: %[[A:.*]] = nn.slice
// CHECK-NEXT: %[[V:.*]] = nn.custom(%[[A]] : tensor<2xf32>) attributes {nn.variable = 0 : i64} -> tensor<2xf32> forward {
// CHECK-NEXT: ^{{.*}}(%[[X:.*]]: tensor<2xf32>):
// CHECK-NEXT: nn.yield %[[X]]
// CHECK: ^{{.*}}(%{{.*}}: tensor<2xf32>, %[[G:.*]]: tensor<2xf32>):
// CHECK-NEXT: nn.yield %[[G]]
// CHECK: nn.concat %[[V]], %
// CHECK: nn.gradient %{{.*}} wrt %[[V]]
// GRAD-LABEL: func.func @parts(
// GRAD-SAME: %[[Y:.*]]: tensor<4xf32>
// GRAD-NEXT: %[[D:.*]] = nn.add %[[Y]], %[[Y]]
// GRAD-NEXT: %[[G:.*]] = nn.slice %[[D]] offsets [0] sizes [2]
// GRAD-NEXT: return %[[G]]
func.func @parts(%y: tensor<4xf32>) -> tensor<2xf32> {
  %a = nn.slice %y offsets [0] sizes [2] strides [1] : (tensor<4xf32>) -> tensor<2xf32>
  %b = nn.slice %y offsets [2] sizes [2] strides [1] : (tensor<4xf32>) -> tensor<2xf32>
  %c = nn.concat %a, %b axis 0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %s = nn.mul %c, %c : tensor<4xf32>
  %l = nn.reduce sum %s axes [0] : (tensor<4xf32>) -> tensor<f32>
  %g = nn.gradient %l wrt %a : (tensor<f32>, tensor<2xf32>) -> tensor<2xf32>
  return %g : tensor<2xf32>
}

// -----

// Another computation of the same is not the variable: the derivative of a b in a is b, once.
// GRAD-LABEL: func.func @equal(
// GRAD-NEXT: %[[T:.*]] = nn.tanh
// GRAD-NEXT: return %[[T]]
func.func @equal(%x: tensor<f32>) -> tensor<f32> {
  %a = nn.tanh %x : tensor<f32>
  %b = nn.tanh %x : tensor<f32>
  %l = nn.mul %a, %b : tensor<f32>
  %g = nn.gradient %l wrt %a : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %g : tensor<f32>
}

// -----

// Nor are two variables of equal values one.
// GRAD-LABEL: func.func @both(
// GRAD-NEXT: %[[T:.*]] = nn.tanh
// GRAD-NEXT: return %[[T]], %[[T]]
func.func @both(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %a = nn.tanh %x : tensor<f32>
  %b = nn.tanh %x : tensor<f32>
  %l = nn.mul %a, %b : tensor<f32>
  %g:2 = nn.gradient %l wrt %a, %b : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %g#0, %g#1 : tensor<f32>, tensor<f32>
}

// -----

// The arguments of the function need none; those of a body do, or a product of a loop could be made around them.
// CHECK-LABEL: func.func @arguments(
// CHECK-NOT: nn.custom
// CHECK: ^{{.*}}(%{{.*}}: tensor<i32>, %[[XT:.*]]: tensor<8x4xf32>,
// CHECK-NEXT: %[[V:.*]] = nn.custom(%[[XT]]
// CHECK: nn.contract %[[V]]
// CHECK: nn.gradient %{{.*}} wrt %[[V]]
func.func @arguments(%x: tensor<7x8x4xf32>, %w: tensor<4x5xf32>) -> (tensor<7x8x4xf32>, tensor<4x5xf32>) {
  %r = nn.loop count 7 scanned(%x : tensor<7x8x4xf32>) invariants(%w : tensor<4x5xf32>) -> tensor<7x8x4xf32> {
  ^body(%i: tensor<i32>, %xt: tensor<8x4xf32>, %a: tensor<4x5xf32>):
    %p = nn.contract %xt, %a lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
    %l = nn.reduce sum %p axes [0, 1] : (tensor<8x5xf32>) -> tensor<f32>
    %g = nn.gradient %l wrt %xt : (tensor<f32>, tensor<8x4xf32>) -> tensor<8x4xf32>
    nn.yield %g : tensor<8x4xf32>
  }
  %l = nn.reduce sum %w axes [0, 1] : (tensor<4x5xf32>) -> tensor<f32>
  %g = nn.gradient %l wrt %w : (tensor<f32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  return %r, %g : tensor<7x8x4xf32>, tensor<4x5xf32>
}
