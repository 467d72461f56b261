// Gradients are expanded where something depends on them differentiably, and nowhere else.
// RUN: xfer-opt %s -nn-autodiff -canonicalize -cse -split-input-file | FileCheck %s

// The gradient of a matrix product needs one product for each operand that is asked for.
// CHECK-LABEL: func.func @frozen_trunk
// CHECK-COUNT-3: nn.contract
// CHECK-NOT: nn.contract
// CHECK-NOT: nn.gradient
func.func @frozen_trunk(%x: tensor<8x4xf32>, %trunk: tensor<4x4xf32>, %head: tensor<4x3xf32>) -> tensor<4x3xf32> {
  %0 = nn.contract %x, %trunk lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %1 = nn.tanh %0 : tensor<8x4xf32>
  %2 = nn.contract %1, %head lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %3 = nn.mul %2, %2 : tensor<8x3xf32>
  %4 = nn.reduce sum %3 axes [0, 1] : (tensor<8x3xf32>) -> tensor<f32>
  %5 = nn.gradient %4 wrt %head : (tensor<f32>, tensor<4x3xf32>) -> tensor<4x3xf32>
  return %5 : tensor<4x3xf32>
}

// -----

// The same with the trunk asked for as well: two products more.
// CHECK-LABEL: func.func @trained_trunk
// CHECK-COUNT-5: nn.contract
// CHECK-NOT: nn.contract
func.func @trained_trunk(%x: tensor<8x4xf32>, %trunk: tensor<4x4xf32>, %head: tensor<4x3xf32>) -> (tensor<4x3xf32>, tensor<4x4xf32>) {
  %0 = nn.contract %x, %trunk lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %1 = nn.tanh %0 : tensor<8x4xf32>
  %2 = nn.contract %1, %head lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
  %3 = nn.mul %2, %2 : tensor<8x3xf32>
  %4 = nn.reduce sum %3 axes [0, 1] : (tensor<8x3xf32>) -> tensor<f32>
  %5, %6 = nn.gradient %4 wrt %head, %trunk : (tensor<f32>, tensor<4x3xf32>, tensor<4x4xf32>) -> (tensor<4x3xf32>, tensor<4x4xf32>)
  return %5, %6 : tensor<4x3xf32>, tensor<4x4xf32>
}

// -----

// The derivative of a convolution in its filter does not compute the one in its input.
// CHECK-LABEL: func.func @first_layer
// CHECK: nn.conv %
// CHECK: nn.conv_filter_gradient
// CHECK-NOT: nn.conv_input_gradient
func.func @first_layer(%x: tensor<2x5x3xf32>, %w: tensor<3x3x4xf32>) -> tensor<3x3x4xf32> {
  %0 = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<2x5x3xf32>, tensor<3x3x4xf32>) -> tensor<2x3x4xf32>
  %1 = nn.mul %0, %0 : tensor<2x3x4xf32>
  %2 = nn.reduce sum %1 axes [0, 1, 2] : (tensor<2x3x4xf32>) -> tensor<f32>
  %3 = nn.gradient %2 wrt %w : (tensor<f32>, tensor<3x3x4xf32>) -> tensor<3x3x4xf32>
  return %3 : tensor<3x3x4xf32>
}

// -----

// What cuts gradients: stop_gradient, integers, floor. Their derivative is zero, and they leave nothing behind.
// CHECK-LABEL: func.func @cut
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[Z:.*]] = nn.constant dense<0.000000e+00> : tensor<4xf32>
// CHECK-NEXT: return %[[Z]]
func.func @cut(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.stop_gradient %x : tensor<4xf32>
  %1 = nn.floor %x : tensor<4xf32>
  %2 = nn.compare gt %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>
  %3 = nn.convert %2 : tensor<4xi1> -> tensor<4xf32>
  %4 = nn.add %0, %1 : tensor<4xf32>
  %5 = nn.add %4, %3 : tensor<4xf32>
  %6 = nn.reduce sum %5 axes [0] : (tensor<4xf32>) -> tensor<f32>
  %7 = nn.gradient %6 wrt %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %7 : tensor<4xf32>
}

// -----

// Reversal multiplies the gradient and is gone from the forward computation.
// CHECK-LABEL: func.func @reversal
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[S:.*]]: tensor<f32>
// CHECK-NEXT: %[[E:.*]] = nn.exp %[[X]]
// CHECK-NEXT: %[[B:.*]] = nn.broadcast %[[S]] dimensions []
// CHECK-NEXT: %[[G:.*]] = nn.mul %[[E]], %[[B]]
// CHECK-NEXT: return %[[G]], %[[E]]
func.func @reversal(%x: tensor<4xf32>, %s: tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = nn.scale_gradient %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.exp %0 : tensor<4xf32>
  %2 = nn.reduce sum %1 axes [0] : (tensor<4xf32>) -> tensor<f32>
  %3 = nn.gradient %2 wrt %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %3, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A gradient of a gradient meets plain operations: the second derivative of sin is -sin.
// CHECK-LABEL: func.func @second
// CHECK-SAME: %[[X:.*]]: tensor<f32>
// CHECK: %[[S:.*]] = nn.sin %[[X]]
// CHECK-NEXT: %[[N:.*]] = nn.neg %[[S]]
// CHECK-NEXT: return %[[N]]
func.func @second(%x: tensor<f32>) -> tensor<f32> {
  %0 = nn.sin %x : tensor<f32>
  %1 = nn.gradient %0 wrt %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %2 : tensor<f32>
}

// -----

// The gradient in an intermediate value stops there; the one in what it is made of goes through it.
// CHECK-LABEL: func.func @intermediate
// CHECK-SAME: %[[X:.*]]: tensor<f32>
// CHECK-DAG: %[[Y:.*]] = nn.exp %[[X]]
// CHECK-DAG: %[[C:.*]] = nn.cos %[[Y]]
// CHECK-DAG: %[[P:.*]] = nn.mul %[[C]], %[[Y]]
// CHECK: return %[[C]], %[[P]]
func.func @intermediate(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %0 = nn.exp %x : tensor<f32>
  %1 = nn.sin %0 : tensor<f32>
  %2, %3 = nn.gradient %1 wrt %0, %x : (tensor<f32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
  return %2, %3 : tensor<f32>, tensor<f32>
}

// -----

// A custom derivative is used as it is written, and the forward computation stays.
// CHECK-LABEL: func.func @straight_through
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK-NOT: nn.custom
// CHECK-DAG: %[[S:.*]] = nn.sign %[[X]]
// CHECK-DAG: %[[C:.*]] = nn.cos %[[S]]
// CHECK: return %[[C]], %[[S]]
func.func @straight_through(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = nn.custom(%x : tensor<4xf32>) -> tensor<4xf32> forward {
  ^forward(%a: tensor<4xf32>):
    %s = nn.sign %a : tensor<4xf32>
    nn.yield %s : tensor<4xf32>
  } vjp {
  ^vjp(%a: tensor<4xf32>, %g: tensor<4xf32>):
    nn.yield %g : tensor<4xf32>
  }
  %1 = nn.sin %0 : tensor<4xf32>
  %2 = nn.reduce sum %1 axes [0] : (tensor<4xf32>) -> tensor<f32>
  %3 = nn.gradient %2 wrt %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %3, %0 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A loop's derivative is one loop that runs backwards; the carries of each step are stacked, and a carry that
// no gradient flows through (the counter) has no cotangent.
// CHECK-LABEL: func.func @recurrence
// CHECK: %[[F:.*]]:{{.*}} = nn.loop count 5 carries(%{{.*}} : tensor<4xf32>, tensor<f32>)
// CHECK: nn.loop count 5 carries(%{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>) scanned({{.*}}) invariants(%{{.*}} : tensor<4xf32>) -> tensor<4xf32>, tensor<4xf32> {
// CHECK-NOT: nn.loop
// CHECK: return
func.func @recurrence(%h: tensor<4xf32>, %w: tensor<4xf32>, %n: tensor<f32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<f32>) {
  %0, %1 = nn.loop count 5 carries(%h, %n : tensor<4xf32>, tensor<f32>) invariants(%w : tensor<4xf32>) -> tensor<4xf32>, tensor<f32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>, %k: tensor<f32>, %v: tensor<4xf32>):
    %m = nn.mul %c, %v : tensor<4xf32>
    %t = nn.tanh %m : tensor<4xf32>
    %e = nn.exp %k : tensor<f32>
    nn.yield %t, %e : tensor<4xf32>, tensor<f32>
  }
  %2 = nn.reduce sum %0 axes [0] : (tensor<4xf32>) -> tensor<f32>
  %3, %4 = nn.gradient %2 wrt %h, %w : (tensor<f32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %3, %4, %1 : tensor<4xf32>, tensor<4xf32>, tensor<f32>
}

// -----

// A gradient inside a loop (an inner step of meta-learning) is expanded before the gradient of the loop.
// CHECK-LABEL: func.func @inner_step
// CHECK-NOT: nn.gradient
// CHECK-COUNT-2: nn.loop
// CHECK-NOT: nn.loop
func.func @inner_step(%w: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.loop count 3 carries(%w : tensor<4xf32>) -> tensor<4xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>):
    %e = nn.exp %c : tensor<4xf32>
    %l = nn.reduce sum %e axes [0] : (tensor<4xf32>) -> tensor<f32>
    %g = nn.gradient %l wrt %c : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
    %n = nn.sub %c, %g : tensor<4xf32>
    nn.yield %n : tensor<4xf32>
  }
  %1 = nn.mul %0, %0 : tensor<4xf32>
  %2 = nn.reduce sum %1 axes [0] : (tensor<4xf32>) -> tensor<f32>
  %3 = nn.gradient %2 wrt %w : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// The cotangent of a pick from each row (cross-entropy) is element-wise: no scatter.
// CHECK-LABEL: func.func @pick
// CHECK-NOT: nn.scatter
// CHECK: nn.select
func.func @pick(%x: tensor<8x10xf32>, %y: tensor<8xi32>) -> tensor<8x10xf32> {
  %0 = nn.gather %x, %y axis 1 batch 1 : (tensor<8x10xf32>, tensor<8xi32>) -> tensor<8xf32>
  %1 = nn.reduce sum %0 axes [0] : (tensor<8xf32>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %x : (tensor<f32>, tensor<8x10xf32>) -> tensor<8x10xf32>
  return %2 : tensor<8x10xf32>
}

// -----

// Extents that are known at load differentiate as any other.
// CHECK-LABEL: func.func @symbolic
// CHECK-SAME: %[[X:.*]]: [[T:tensor<.*symbols = \["usps.test", ""\]>>]]) -> [[T]]
// CHECK: %[[E:.*]] = nn.exp %[[X]] : [[T]]
// CHECK-NEXT: return %[[E]] : [[T]]
#s = #nn.meaning<symbols = ["usps.test", ""]>
func.func @symbolic(%x: tensor<?x3xf32, #s>) -> tensor<?x3xf32, #s> {
  %0 = nn.exp %x : tensor<?x3xf32, #s>
  %1 = nn.reduce sum %0 axes [0, 1] : (tensor<?x3xf32, #s>) -> tensor<f32>
  %2 = nn.gradient %1 wrt %x : (tensor<f32>, tensor<?x3xf32, #s>) -> tensor<?x3xf32, #s>
  return %2 : tensor<?x3xf32, #s>
}
