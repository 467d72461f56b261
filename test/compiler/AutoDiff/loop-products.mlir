// The products of a loop are kept for its derivative, unless that is switched off or they cost less than to keep them.
// RUN: xfer-opt %s -nn-autodiff -canonicalize -cse -split-input-file | FileCheck %s
// RUN: xfer-opt %s -nn-autodiff=keep-products=false -canonicalize -cse -split-input-file | FileCheck %s --check-prefix=AGAIN

// A recurrence h' = tanh(h W), for which W is trained. Forward stacks h and h W; backward has a product for the
// cotangent of h and one for that of W, and the one of the step itself only where it is not kept.
// CHECK-LABEL: func.func @recurrence
// CHECK: nn.loop count 5 {{.*}} -> tensor<4x32xf32>, tensor<5x4x32xf32>, tensor<5x4x32xf32> {
// CHECK-COUNT-1: nn.contract
// CHECK: nn.loop count 5
// CHECK-COUNT-2: nn.contract
// CHECK-NOT: nn.contract
// AGAIN-LABEL: func.func @recurrence
// AGAIN: nn.loop count 5 {{.*}} -> tensor<4x32xf32>, tensor<5x4x32xf32> {
// AGAIN-COUNT-1: nn.contract
// AGAIN: nn.loop count 5
// AGAIN-COUNT-3: nn.contract
// AGAIN-NOT: nn.contract
func.func @recurrence(%h: tensor<4x32xf32>, %w: tensor<32x32xf32>) -> tensor<32x32xf32> {
  %0 = nn.loop count 5 carries(%h : tensor<4x32xf32>) invariants(%w : tensor<32x32xf32>) -> tensor<4x32xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4x32xf32>, %v: tensor<32x32xf32>):
    %m = nn.contract %c, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<4x32xf32>, tensor<32x32xf32>) -> tensor<4x32xf32>
    %t = nn.tanh %m : tensor<4x32xf32>
    nn.yield %t : tensor<4x32xf32>
  }
  %1 = nn.reduce sum %0 axes [0, 1] : (tensor<4x32xf32>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %w : (tensor<f32>, tensor<32x32xf32>) -> tensor<32x32xf32>
  return %2 : tensor<32x32xf32>
}

// -----

// Eight multiplications an element are made again: only h is stacked.
// CHECK-LABEL: func.func @narrow
// CHECK: nn.loop count 5 {{.*}} -> tensor<4x8xf32>, tensor<5x4x8xf32> {
// CHECK-COUNT-1: nn.contract
// CHECK: nn.loop count 5
// CHECK-COUNT-3: nn.contract
// CHECK-NOT: nn.contract
// AGAIN-LABEL: func.func @narrow
func.func @narrow(%h: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %0 = nn.loop count 5 carries(%h : tensor<4x8xf32>) invariants(%w : tensor<8x8xf32>) -> tensor<4x8xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4x8xf32>, %v: tensor<8x8xf32>):
    %m = nn.contract %c, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
    %t = nn.tanh %m : tensor<4x8xf32>
    nn.yield %t : tensor<4x8xf32>
  }
  %1 = nn.reduce sum %0 axes [0, 1] : (tensor<4x8xf32>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %w : (tensor<f32>, tensor<8x8xf32>) -> tensor<8x8xf32>
  return %2 : tensor<8x8xf32>
}

// -----

// A product whose value the derivative does not need leaves no stack: h' = h W is linear, W is not trained.
// CHECK-LABEL: func.func @linear
// CHECK-NOT: tensor<5x4x32xf32>
// AGAIN-LABEL: func.func @linear
func.func @linear(%h: tensor<4x32xf32>, %w: tensor<32x32xf32>) -> tensor<4x32xf32> {
  %0 = nn.loop count 5 carries(%h : tensor<4x32xf32>) invariants(%w : tensor<32x32xf32>) -> tensor<4x32xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4x32xf32>, %v: tensor<32x32xf32>):
    %m = nn.contract %c, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<4x32xf32>, tensor<32x32xf32>) -> tensor<4x32xf32>
    nn.yield %m : tensor<4x32xf32>
  }
  %1 = nn.reduce sum %0 axes [0, 1] : (tensor<4x32xf32>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %h : (tensor<f32>, tensor<4x32xf32>) -> tensor<4x32xf32>
  return %2 : tensor<4x32xf32>
}
