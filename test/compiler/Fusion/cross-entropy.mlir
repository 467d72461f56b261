// Cross-entropy with its gradient reads the logits and labels once: one kernel writes the losses of the samples and
// the gradient, a second one adds up the losses.
// RUN: xfer-opt %s -nn-autodiff -canonicalize -cse -nn-fuse | FileCheck %s

// CHECK-LABEL: func.func @ce(
// CHECK: %[[K:.*]]:2 = nn.kernel loop(%{{.*}}, %{{.*}} : tensor<64x10xf32>, tensor<64xi32>) -> tensor<64xf32>, tensor<64x10xf32>
// CHECK: %[[L:.*]] = nn.kernel loop(%[[K]]#0 : tensor<64xf32>) -> tensor<f32>
// CHECK-NOT: nn.kernel
// CHECK: return %[[L]], %[[K]]#1
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
