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

// Kernels of updates whose results only leave become one; but not where one of them makes %r, which the copy of %u in another kernel reads.
// CHECK-LABEL: func.func @copies(
// CHECK: %[[R:.*]]:2 = nn.kernel loop({{.*}}) -> tensor<64xf32>, tensor<64xf32>
// CHECK: nn.kernel loop(%[[R]]#{{.*}} -> tensor<8xf32>
// CHECK: nn.kernel loop({{.*}} -> tensor<8xf32>
func.func @copies(%a: tensor<64xf32>, %w: tensor<64xf32>, %m: tensor<64x8xf32>, %v: tensor<8xf32>) -> (tensor<64xf32>, tensor<8xf32>) {
  %r = nn.exp %a : tensor<64xf32>
  %u = nn.neg %r : tensor<64xf32>
  %o = nn.add %u, %w : tensor<64xf32>
  %b = nn.broadcast %u dimensions [0] : tensor<64xf32> -> tensor<64x8xf32>
  %p = nn.mul %b, %m : tensor<64x8xf32>
  %s = nn.reduce sum %p axes [0] : (tensor<64x8xf32>) -> tensor<8xf32>
  %c = nn.cumsum %s axis 0 : tensor<8xf32>
  %q = nn.sub %v, %c : tensor<8xf32>
  return %o, %q : tensor<64xf32>, tensor<8xf32>
}
