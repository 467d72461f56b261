// Batch norm reads its input twice: once for all statistics, once for the result. Only the statistics are stored in between.
// RUN: xfer-opt %s -nn-autodiff -canonicalize -cse -nn-one-pass-variance -nn-fuse -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @forward(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<64x16x16x32xf32>
// CHECK: %[[M:.*]]:3 = nn.kernel loop(%[[X]], {{.*}}) -> tensor<32xf32>, tensor<32xf32>, tensor<32xf32>
// CHECK-COUNT-3: nn.slice
// CHECK: %[[Y:.*]] = nn.kernel loop(%[[M]]#0, %[[X]], {{.*}}) -> tensor<64x16x16x32xf32>
// CHECK-NOT: nn.slice
// CHECK-NOT: nn.kernel
// CHECK: return %[[Y]], %[[M]]#2
func.func @forward(%x: tensor<64x16x16x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>, %rm: tensor<32xf32>) -> (tensor<64x16x16x32xf32>, tensor<32xf32>) {
  %inv = nn.constant dense<6.1035156e-05> : tensor<1x1x1x32xf32>
  %inv0 = nn.constant dense<6.1035156e-05> : tensor<32xf32>
  %eps = nn.constant dense<1.0e-05> : tensor<32xf32>
  %mom = nn.constant dense<1.0e-01> : tensor<32xf32>
  %s0 = nn.reduce sum %x axes [0, 1, 2] : (tensor<64x16x16x32xf32>) -> tensor<32xf32>
  %s1 = nn.reshape %s0 : tensor<32xf32> -> tensor<1x1x1x32xf32>
  %m = nn.mul %s1, %inv : tensor<1x1x1x32xf32>
  %m0 = nn.mul %s0, %inv0 : tensor<32xf32>
  %mb = nn.broadcast %m dimensions [0, 1, 2, 3] : tensor<1x1x1x32xf32> -> tensor<64x16x16x32xf32>
  %d = nn.sub %x, %mb : tensor<64x16x16x32xf32>
  %sq = nn.mul %d, %d : tensor<64x16x16x32xf32>
  %v0 = nn.reduce sum %sq axes [0, 1, 2] : (tensor<64x16x16x32xf32>) -> tensor<32xf32>
  %v = nn.mul %v0, %inv0 : tensor<32xf32>
  %mb2 = nn.broadcast %m0 dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %d2 = nn.sub %x, %mb2 : tensor<64x16x16x32xf32>
  %ve = nn.add %v, %eps : tensor<32xf32>
  %sd = nn.sqrt %ve : tensor<32xf32>
  %sdb = nn.broadcast %sd dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %n = nn.div %d2, %sdb : tensor<64x16x16x32xf32>
  %gb = nn.broadcast %g dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %bb = nn.broadcast %b dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %ng = nn.mul %n, %gb : tensor<64x16x16x32xf32>
  %y = nn.add %ng, %bb : tensor<64x16x16x32xf32>
  %zero = nn.constant dense<0.0> : tensor<64x16x16x32xf32>
  %r = nn.max %y, %zero : tensor<64x16x16x32xf32>
  %dm = nn.sub %m0, %rm : tensor<32xf32>
  %dmm = nn.mul %mom, %dm : tensor<32xf32>
  %rm1 = nn.add %rm, %dmm : tensor<32xf32>
  return %r, %rm1 : tensor<64x16x16x32xf32>, tensor<32xf32>
}

// -----

// Backward, after the pass for the statistics: one pass for all sums, which leaves the masked gradient, the mean and the
// deviation, and one for the gradient of the input. No factor of a sum is itself a sum over the batch any more.
// CHECK-LABEL: func.func @backward(
// CHECK: nn.kernel loop({{.*}}) -> tensor<32xf32>, tensor<32xf32>
// CHECK: %[[S:.*]]:7 = nn.kernel loop({{.*}}) -> tensor<32xf32>, tensor<32xf32>, tensor<64x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>, tensor<32xf32>
// CHECK: %[[D:.*]] = nn.kernel loop({{.*}}) -> tensor<64x16x16x32xf32>
// CHECK-NOT: nn.kernel
// CHECK: return %[[D]]
func.func @backward(%x: tensor<64x16x16x32xf32>, %g: tensor<32xf32>, %b: tensor<32xf32>, %rm: tensor<32xf32>, %up: tensor<64x16x16x32xf32>) -> (tensor<64x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>) {
  %inv = nn.constant dense<6.1035156e-05> : tensor<1x1x1x32xf32>
  %inv0 = nn.constant dense<6.1035156e-05> : tensor<32xf32>
  %eps = nn.constant dense<1.0e-05> : tensor<32xf32>
  %mom = nn.constant dense<1.0e-01> : tensor<32xf32>
  %s0 = nn.reduce sum %x axes [0, 1, 2] : (tensor<64x16x16x32xf32>) -> tensor<32xf32>
  %s1 = nn.reshape %s0 : tensor<32xf32> -> tensor<1x1x1x32xf32>
  %m = nn.mul %s1, %inv : tensor<1x1x1x32xf32>
  %m0 = nn.mul %s0, %inv0 : tensor<32xf32>
  %mb = nn.broadcast %m dimensions [0, 1, 2, 3] : tensor<1x1x1x32xf32> -> tensor<64x16x16x32xf32>
  %d = nn.sub %x, %mb : tensor<64x16x16x32xf32>
  %sq = nn.mul %d, %d : tensor<64x16x16x32xf32>
  %v0 = nn.reduce sum %sq axes [0, 1, 2] : (tensor<64x16x16x32xf32>) -> tensor<32xf32>
  %v = nn.mul %v0, %inv0 : tensor<32xf32>
  %mb2 = nn.broadcast %m0 dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %d2 = nn.sub %x, %mb2 : tensor<64x16x16x32xf32>
  %ve = nn.add %v, %eps : tensor<32xf32>
  %sd = nn.sqrt %ve : tensor<32xf32>
  %sdb = nn.broadcast %sd dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %n = nn.div %d2, %sdb : tensor<64x16x16x32xf32>
  %gb = nn.broadcast %g dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %bb = nn.broadcast %b dimensions [3] : tensor<32xf32> -> tensor<64x16x16x32xf32>
  %ng = nn.mul %n, %gb : tensor<64x16x16x32xf32>
  %y = nn.add %ng, %bb : tensor<64x16x16x32xf32>
  %zero = nn.constant dense<0.0> : tensor<64x16x16x32xf32>
  %r = nn.max %y, %zero : tensor<64x16x16x32xf32>
  %dm = nn.sub %m0, %rm : tensor<32xf32>
  %dmm = nn.mul %mom, %dm : tensor<32xf32>
  %rm1 = nn.add %rm, %dmm : tensor<32xf32>
  %w = nn.mul %r, %up : tensor<64x16x16x32xf32>
  %l = nn.reduce sum %w axes [0, 1, 2, 3] : (tensor<64x16x16x32xf32>) -> tensor<f32>
  %dx, %dg, %db = nn.gradient %l wrt %x, %g, %b : (tensor<f32>, tensor<64x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>) -> (tensor<64x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>)
  return %dx, %dg, %db : tensor<64x16x16x32xf32>, tensor<32xf32>, tensor<32xf32>
}
