// Sums over %x may share a pass, and little element-wise kernels may become one; but where the second sum needs a product that is made
// of the one, and the other is made of the first sum, doing both would make a kernel wait for itself.
// RUN: xfer-opt %s -nn-fuse | FileCheck %s

// CHECK-LABEL: func.func @spans(
// CHECK-SAME: %[[X:.*]]: tensor<64x512xf32>, %[[Y:.*]]: tensor<8x8xf32>,
// CHECK: %[[SMALL:.*]] = nn.kernel loop(%[[Y]] : tensor<8x8xf32>) -> tensor<8x8xf32>
// CHECK: %[[C:.*]] = nn.kernel contraction(%[[SMALL]]
// CHECK: %[[SUMS:.*]]:2 = nn.kernel loop({{.*}}) -> tensor<64xf32>, tensor<64xf32>
// CHECK: %[[R:.*]] = nn.reshape %[[SUMS]]#
// CHECK: nn.kernel loop(%[[R]] : tensor<8x8xf32>) -> tensor<8x8xf32>
func.func @spans(%x: tensor<64x512xf32>, %y: tensor<8x8xf32>, %w: tensor<8x8x64xf32>) -> (tensor<8x8xf32>, tensor<64xf32>) {
  %a = nn.reduce sum %x axes [1] : (tensor<64x512xf32>) -> tensor<64xf32>
  %r = nn.reshape %a : tensor<64xf32> -> tensor<8x8xf32>
  %s1 = nn.exp %r : tensor<8x8xf32>
  %s2 = nn.exp %y : tensor<8x8xf32>
  %c = nn.contract %s2, %w lhs_batch [] rhs_batch [] lhs_contract [0, 1] rhs_contract [0, 1] accumulate f32 : (tensor<8x8xf32>, tensor<8x8x64xf32>) -> tensor<64xf32>
  %cb = nn.broadcast %c dimensions [0] : tensor<64xf32> -> tensor<64x512xf32>
  %p = nn.max %x, %cb : tensor<64x512xf32>
  %b = nn.reduce sum %p axes [1] : (tensor<64x512xf32>) -> tensor<64xf32>
  return %s1, %b : tensor<8x8xf32>, tensor<64xf32>
}
