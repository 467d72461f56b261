// Softmax is one kernel, and nothing between its three passes over a row is stored.
// RUN: xfer-opt %s -canonicalize -nn-fuse | FileCheck %s

// CHECK-LABEL: func.func @softmax(
// CHECK: %[[R:.*]] = nn.kernel loop(%{{.*}} : tensor<64x10xf32>) -> tensor<64x10xf32>
// CHECK-NOT: nn.kernel
// CHECK: return %[[R]]
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
