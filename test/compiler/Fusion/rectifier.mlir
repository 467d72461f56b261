// The backward pass of a rectifier reads the result, which the next layer keeps anyway; what went into it is not stored.
// RUN: xfer-opt %s -nn-fuse -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @kept(
// CHECK: %[[Y:.*]] = nn.kernel loop({{.*}}) -> tensor<64x512xf32> {
// CHECK-NOT: nn.yield {{.*}}, {{.*}}:
// CHECK: %[[D:.*]] = nn.kernel loop(%[[Y]], {{.*}}) -> tensor<64x512xf32>
// CHECK: nn.compare le
// CHECK: return %[[Y]], %[[D]]
func.func @kept(%x: tensor<64x512xf32>, %up: tensor<64x512xf32>, %w: tensor<512x512xf32>) -> (tensor<64x512xf32>, tensor<64x512xf32>) {
  %zero = nn.constant dense<0.0> : tensor<64x512xf32>
  %a = nn.tanh %x : tensor<64x512xf32>
  %mask = nn.compare le %a, %zero : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xi1>
  %y = nn.select %mask, %zero, %a : (tensor<64x512xi1>, tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
  %p = nn.contract %y, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<64x512xf32>, tensor<512x512xf32>) -> tensor<64x512xf32>
  %q = nn.mul %p, %up : tensor<64x512xf32>
  %d = nn.select %mask, %zero, %q : (tensor<64x512xi1>, tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
  return %y, %d : tensor<64x512xf32>, tensor<64x512xf32>
}

// -----

// With another bound than zero the result does not tell which side was chosen: the mask stays that of what went in.
// CHECK-LABEL: func.func @otherBound(
// CHECK-SAME: %[[X:[a-z0-9]*]]: tensor<64x512xf32>
// CHECK: %[[Y:.*]] = nn.kernel loop(%[[X]] : {{.*}}) -> tensor<64x512xf32>
// CHECK: nn.kernel contraction(%[[X]], %[[Y]], {{.*}}) -> tensor<64x512xf32>
func.func @otherBound(%x: tensor<64x512xf32>, %up: tensor<64x512xf32>, %w: tensor<512x512xf32>) -> (tensor<64x512xf32>, tensor<64x512xf32>) {
  %zero = nn.constant dense<0.0> : tensor<64x512xf32>
  %one = nn.constant dense<1.0> : tensor<64x512xf32>
  %mask = nn.compare le %x, %one : (tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xi1>
  %y = nn.select %mask, %zero, %x : (tensor<64x512xi1>, tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
  %p = nn.contract %y, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<64x512xf32>, tensor<512x512xf32>) -> tensor<64x512xf32>
  %q = nn.exp %p : tensor<64x512xf32>
  %d = nn.select %mask, %zero, %q : (tensor<64x512xi1>, tensor<64x512xf32>, tensor<64x512xf32>) -> tensor<64x512xf32>
  return %y, %d : tensor<64x512xf32>, tensor<64x512xf32>
}
