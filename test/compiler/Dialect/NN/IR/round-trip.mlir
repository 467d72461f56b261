// Every operation is printed in the form in which it is read.
// RUN: xfer-opt %s | xfer-opt | FileCheck %s

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>, %m: tensor<2x3xi1>, %u: tensor<2x3xui8>) -> tensor<2x3xf32> {
  // CHECK: nn.neg %{{.*}} : tensor<2x3xf32>
  %0 = nn.neg %a : tensor<2x3xf32>
  %1 = nn.exp %0 : tensor<2x3xf32>
  %2 = nn.erf %1 : tensor<2x3xf32>
  // CHECK: nn.add %{{.*}}, %{{.*}} : tensor<2x3xf32>
  %3 = nn.add %2, %b : tensor<2x3xf32>
  %4 = nn.pow %3, %b : tensor<2x3xf32>
  // CHECK: nn.compare lt %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %5 = nn.compare lt %4, %b : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>
  %6 = nn.and %5, %m : tensor<2x3xi1>
  // CHECK: nn.convert %{{.*}} : tensor<2x3xui8> -> tensor<2x3xf32>
  %7 = nn.convert %u : tensor<2x3xui8> -> tensor<2x3xf32>
  // CHECK: nn.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %8 = nn.select %6, %7, %4 : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %8 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @structural
func.func @structural(%x: tensor<2x3xf32>) -> tensor<4x2xf32, #nn.meaning<tag = prob, domains = ["mnist", "usps"], hidden>> {
  // CHECK: nn.constant dense<1> : tensor<3xi32>
  %c = nn.constant dense<1> : tensor<3xi32>
  // CHECK: nn.iota axis 1 : tensor<2x3xi32>
  %i = nn.iota axis 1 : tensor<2x3xi32>
  // CHECK: nn.broadcast %{{.*}} dimensions [1, 2] : tensor<2x3xf32> -> tensor<4x2x3xf32>
  %b = nn.broadcast %x dimensions [1, 2] : tensor<2x3xf32> -> tensor<4x2x3xf32>
  // CHECK: nn.reshape %{{.*}} : tensor<4x2x3xf32> -> tensor<24xf32>
  %r = nn.reshape %b : tensor<4x2x3xf32> -> tensor<24xf32>
  // CHECK: nn.transpose %{{.*}} permutation [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %t = nn.transpose %x permutation [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: nn.concat %{{.*}}, %{{.*}} axis 0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %k = nn.concat %x, %x axis 0 : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  // CHECK: nn.slice %{{.*}} offsets [1, 0] sizes [2, 2] strides [2, 1] : (tensor<4x3xf32>) -> tensor<2x2xf32>
  %s = nn.slice %k offsets [1, 0] sizes [2, 2] strides [2, 1] : (tensor<4x3xf32>) -> tensor<2x2xf32>
  // CHECK: nn.pad %{{.*}} low [1, 0] high [0, 0] interior [1, 0] : (tensor<2x2xf32>) -> tensor<4x2xf32>
  %p = nn.pad %s low [1, 0] high [0, 0] interior [1, 0] : (tensor<2x2xf32>) -> tensor<4x2xf32>
  // CHECK: nn.reverse %{{.*}} axes [0] : tensor<4x2xf32>
  %v = nn.reverse %p axes [0] : tensor<4x2xf32>
  // CHECK: nn.annotate %{{.*}} : tensor<4x2xf32> -> tensor<4x2xf32, #nn.meaning<tag = prob, domains = ["mnist", "usps"], hidden>>
  %n = nn.annotate %v : tensor<4x2xf32> -> tensor<4x2xf32, #nn.meaning<tag = prob, domains = ["mnist", "usps"], hidden>>
  return %n : tensor<4x2xf32, #nn.meaning<tag = prob, domains = ["mnist", "usps"], hidden>>
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<2x3xf32>, %i: tensor<4xi32>, %u: tensor<4x3xf32>) -> (tensor<3xf32>, tensor<2xi32>) {
  // CHECK: nn.reduce sum %{{.*}} axes [0] : (tensor<2x3xf32>) -> tensor<3xf32>
  %0 = nn.reduce sum %x axes [0] : (tensor<2x3xf32>) -> tensor<3xf32>
  // CHECK: nn.argmax %{{.*}} axis 1 : (tensor<2x3xf32>) -> tensor<2xi32>
  %1 = nn.argmax %x axis 1 : (tensor<2x3xf32>) -> tensor<2xi32>
  // CHECK: nn.cumsum %{{.*}} axis 0 : tensor<2x3xf32>
  %2 = nn.cumsum %x axis 0 : tensor<2x3xf32>
  // CHECK: nn.gather %{{.*}}, %{{.*}} axis 0 batch 0 : (tensor<2x3xf32>, tensor<4xi32>) -> tensor<4x3xf32>
  %3 = nn.gather %2, %i axis 0 batch 0 : (tensor<2x3xf32>, tensor<4xi32>) -> tensor<4x3xf32>
  // CHECK: nn.scatter add %{{.*}}, %{{.*}}, %{{.*}} batch 0
  %4 = nn.scatter add %x, %i, %u batch 0 : (tensor<2x3xf32>, tensor<4xi32>, tensor<4x3xf32>) -> tensor<2x3xf32>
  // CHECK: %{{.*}}, %{{.*}} = nn.sort %{{.*}} axis 1 : (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xi32>)
  %5, %6 = nn.sort %4 axis 1 : (tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xi32>)
  return %0, %1 : tensor<3xf32>, tensor<2xi32>
}

// CHECK-LABEL: func.func @contractions
func.func @contractions(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>, %x: tensor<8x28x28x3xf32>, %w: tensor<3x3x3x16xf32>) -> tensor<2x4xf32> {
  // CHECK: nn.contract %{{.*}}, %{{.*}} lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
  %0 = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  // CHECK: nn.conv %{{.*}}, %{{.*}} strides [2, 1] padding [1, 1] [1, 0] dilations [1, 1] groups 1
  %y = nn.conv %x, %w strides [2, 1] padding [1, 1] [1, 0] dilations [1, 1] groups 1 : (tensor<8x28x28x3xf32>, tensor<3x3x3x16xf32>) -> tensor<8x14x27x16xf32>
  // CHECK: nn.conv_input_gradient
  %dx = nn.conv_input_gradient %y, %w strides [2, 1] padding [1, 1] [1, 0] dilations [1, 1] groups 1 : (tensor<8x14x27x16xf32>, tensor<3x3x3x16xf32>) -> tensor<8x28x28x3xf32>
  // CHECK: nn.conv_filter_gradient
  %dw = nn.conv_filter_gradient %x, %y strides [2, 1] padding [1, 1] [1, 0] dilations [1, 1] groups 1 : (tensor<8x28x28x3xf32>, tensor<8x14x27x16xf32>) -> tensor<3x3x3x16xf32>
  // CHECK: nn.window_max %{{.*}} window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1]
  %m, %i = nn.window_max %x window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<8x28x28x3xf32>) -> (tensor<8x14x14x3xf32>, tensor<8x14x14x3xi32>)
  // CHECK: nn.window_scatter
  %s = nn.window_scatter %m, %i window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<8x14x14x3xf32>, tensor<8x14x14x3xi32>) -> tensor<8x28x28x3xf32>
  // CHECK: nn.window_gather
  %g = nn.window_gather %s, %i window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<8x28x28x3xf32>, tensor<8x14x14x3xi32>) -> tensor<8x14x14x3xf32>
  // CHECK: nn.window_spread
  %p = nn.window_spread %g window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<8x14x14x3xf32>) -> tensor<8x28x28x3xf32>
  // CHECK: nn.window_sum
  %q = nn.window_sum %p window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<8x28x28x3xf32>) -> tensor<8x14x14x3xf32>
  return %0 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @linear_algebra
func.func @linear_algebra(%a: tensor<5x4x4xf32>, %b: tensor<5x4x2xf32>) -> tensor<5x4x2xf32> {
  // CHECK: nn.cholesky %{{.*}} : tensor<5x4x4xf32>
  %l = nn.cholesky %a : tensor<5x4x4xf32>
  // CHECK: nn.triangular_solve %{{.*}}, %{{.*}} {transposed} : (tensor<5x4x4xf32>, tensor<5x4x2xf32>) -> tensor<5x4x2xf32>
  %x = nn.triangular_solve %l, %b {transposed} : (tensor<5x4x4xf32>, tensor<5x4x2xf32>) -> tensor<5x4x2xf32>
  return %x : tensor<5x4x2xf32>
}

// CHECK-LABEL: func.func @gradients
func.func @gradients(%key: tensor<64x4xi32>, %w: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  // CHECK: nn.random %{{.*}} site 7 : tensor<64x4xi32> -> tensor<64x10xf32>
  %u = nn.random %key site 7 : tensor<64x4xi32> -> tensor<64x10xf32>
  // CHECK: nn.stop_gradient %{{.*}} : tensor<4xf32>
  %t = nn.stop_gradient %w : tensor<4xf32>
  // CHECK: nn.scale_gradient %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %r = nn.scale_gradient %w, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %m = nn.mul %r, %t : tensor<4xf32>
  %l = nn.reduce sum %m axes [0] : (tensor<4xf32>) -> tensor<f32>
  // CHECK: nn.gradient %{{.*}} wrt %{{.*}} : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %g = nn.gradient %l wrt %w : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  return %g : tensor<4xf32>
}

// CHECK-LABEL: func.func @regions
func.func @regions(%h0: tensor<4xf32>, %x: tensor<5x4xf32>, %w: tensor<4xf32>) -> tensor<5x4xf32> {
  // CHECK: nn.loop count 5 carries(%{{.*}} : tensor<4xf32>) scanned(%{{.*}} : tensor<5x4xf32>) invariants(%{{.*}} : tensor<4xf32>) conditional -> tensor<4xf32>, tensor<5x4xf32> {
  %h, %all = nn.loop count 5 carries(%h0 : tensor<4xf32>) scanned(%x : tensor<5x4xf32>) invariants(%w : tensor<4xf32>) conditional -> tensor<4xf32>, tensor<5x4xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<4xf32>, %v: tensor<4xf32>):
    %m = nn.mul %c, %v : tensor<4xf32>
    %n = nn.add %m, %p : tensor<4xf32>
    %three = nn.constant dense<3> : tensor<i32>
    %go = nn.compare lt %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>
    // CHECK: nn.yield %{{.*}}, %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<4xf32>, tensor<i1>
    nn.yield %n, %n, %go : tensor<4xf32>, tensor<4xf32>, tensor<i1>
  }
  // CHECK: nn.each mapped(%{{.*}} : tensor<5x4xf32>) invariants(%{{.*}} : tensor<4xf32>) -> tensor<5x4xf32> {
  %e = nn.each mapped(%all : tensor<5x4xf32>) invariants(%h : tensor<4xf32>) -> tensor<5x4xf32> {
  ^body(%p: tensor<4xf32>, %v: tensor<4xf32>):
    %m = nn.mul %p, %v : tensor<4xf32>
    nn.yield %m : tensor<4xf32>
  }
  // CHECK: nn.custom(%{{.*}} : tensor<5x4xf32>) -> tensor<5x4xf32> forward {
  %s = nn.custom(%e : tensor<5x4xf32>) -> tensor<5x4xf32> forward {
  ^forward(%a: tensor<5x4xf32>):
    %s = nn.sign %a : tensor<5x4xf32>
    nn.yield %s : tensor<5x4xf32>
  // CHECK: } vjp {
  } vjp {
  ^vjp(%a: tensor<5x4xf32>, %g: tensor<5x4xf32>):
    nn.yield %g : tensor<5x4xf32>
  }
  // CHECK: nn.kernel loop(%{{.*}} : tensor<5x4xf32>) attributes {schedule = {vector = 8 : i64}} -> tensor<5x4xf32> {
  %k = nn.kernel loop(%s : tensor<5x4xf32>) attributes {schedule = {vector = 8 : i64}} -> tensor<5x4xf32> {
  ^body(%a: tensor<5x4xf32>):
    %y = nn.exp %a : tensor<5x4xf32>
    nn.yield %y : tensor<5x4xf32>
  }
  return %k : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @normalised(
// CHECK-SAME: tensor<2x3xf32, #nn.meaning<normalised, statistics = array<f32: 5.000000e-01, 2.500000e-01>>>
// CHECK: nn.slice {{.*}} -> tensor<1x3xf32, #nn.meaning<normalised, statistics = array<f32: 5.000000e-01, 2.500000e-01>>>
func.func @normalised(%x: tensor<2x3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5, 0.25>>>) -> tensor<1x3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5, 0.25>>> {
  %0 = nn.slice %x offsets [0, 0] sizes [1, 3] strides [1, 1] : (tensor<2x3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5, 0.25>>>) -> tensor<1x3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5, 0.25>>>
  return %0 : tensor<1x3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5, 0.25>>>
}

// CHECK-LABEL: func.func @symbols
// CHECK-SAME: tensor<?x3xf32, #nn.meaning<tag = logits, domains = ["usps"], symbols = ["usps.test", ""]>>
func.func @symbols(%x: tensor<?x3xf32, #nn.meaning<tag = logits, domains = ["usps"], symbols = ["usps.test", ""]>>) -> tensor<?xi32, #nn.meaning<tag = class, classes = 3, domains = ["usps"], symbols = ["usps.test"]>> {
  %0 = nn.argmax %x axis 1 : (tensor<?x3xf32, #nn.meaning<tag = logits, domains = ["usps"], symbols = ["usps.test", ""]>>) -> tensor<?xi32, #nn.meaning<tag = class, classes = 3, domains = ["usps"], symbols = ["usps.test"]>>
  return %0 : tensor<?xi32, #nn.meaning<tag = class, classes = 3, domains = ["usps"], symbols = ["usps.test"]>>
}
