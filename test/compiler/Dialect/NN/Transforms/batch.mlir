// Maps over samples become operations on all samples; what is the same for all is computed once.
// RUN: xfer-opt %s -nn-batch -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @shared_part
// CHECK-SAME: %[[X:.*]]: tensor<8x4xf32>, %[[W:.*]]: tensor<4xf32>
// CHECK-NEXT: %[[E:.*]] = nn.exp %[[W]] : tensor<4xf32>
// CHECK-NEXT: %[[B:.*]] = nn.broadcast %[[E]] dimensions [1] : tensor<4xf32> -> tensor<8x4xf32>
// CHECK-NEXT: %[[M:.*]] = nn.mul %[[X]], %[[B]] : tensor<8x4xf32>
// CHECK-NEXT: %[[S:.*]] = nn.reduce sum %[[M]] axes [1] : (tensor<8x4xf32>) -> tensor<8xf32>
// CHECK-NEXT: return %[[S]]
func.func @shared_part(%x: tensor<8x4xf32>, %w: tensor<4xf32>) -> tensor<8xf32> {
  %r = nn.each mapped(%x : tensor<8x4xf32>) invariants(%w : tensor<4xf32>) -> tensor<8xf32> {
  ^body(%p: tensor<4xf32>, %v: tensor<4xf32>):
    %e = nn.exp %v : tensor<4xf32>
    %m = nn.mul %p, %e : tensor<4xf32>
    %s = nn.reduce sum %m axes [0] : (tensor<4xf32>) -> tensor<f32>
    nn.yield %s : tensor<f32>
  }
  return %r : tensor<8xf32>
}

// -----

// A product with shared weights is one matrix product, nothing repeated.
// CHECK-LABEL: func.func @linear
// CHECK-NEXT: %[[R:.*]] = nn.contract %{{.*}}, %{{.*}} lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0]
// CHECK-SAME: (tensor<8x4xf32>, tensor<4x3xf32>) -> tensor<8x3xf32>
// CHECK-NEXT: return %[[R]]
func.func @linear(%x: tensor<8x4xf32>, %w: tensor<4x3xf32>) -> tensor<8x3xf32> {
  %r = nn.each mapped(%x : tensor<8x4xf32>) invariants(%w : tensor<4x3xf32>) -> tensor<8x3xf32> {
  ^body(%p: tensor<4xf32>, %v: tensor<4x3xf32>):
    %y = nn.contract %p, %v lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32 : (tensor<4xf32>, tensor<4x3xf32>) -> tensor<3xf32>
    nn.yield %y : tensor<3xf32>
  }
  return %r : tensor<8x3xf32>
}

// -----

// The samples of a split whose size is known at load: the symbol goes along.
// CHECK-LABEL: func.func @symbolic
// CHECK: nn.random %{{.*}} site 3 : tensor<?x4xi32, #[[M:.*]]> -> tensor<?x5xf32, #[[M]]>
#keys = #nn.meaning<symbols = ["usps.all", ""]>
func.func @symbolic(%k: tensor<?x4xi32, #keys>) -> tensor<?x5xf32, #keys> {
  %r = nn.each mapped(%k : tensor<?x4xi32, #keys>) -> tensor<?x5xf32, #keys> {
  ^body(%p: tensor<4xi32>):
    %u = nn.random %p site 3 : tensor<4xi32> -> tensor<5xf32>
    nn.yield %u : tensor<5xf32>
  }
  return %r : tensor<?x5xf32, #keys>
}

// -----

// A map whose body still holds a gradient waits for nn-autodiff.
// CHECK-LABEL: func.func @waits
// CHECK: nn.each
func.func @waits(%x: tensor<8xf32>) -> tensor<8xf32> {
  %r = nn.each mapped(%x : tensor<8xf32>) -> tensor<8xf32> {
  ^body(%p: tensor<f32>):
    %s = nn.sin %p : tensor<f32>
    %g = nn.gradient %s wrt %p : (tensor<f32>, tensor<f32>) -> tensor<f32>
    nn.yield %g : tensor<f32>
  }
  return %r : tensor<8xf32>
}
