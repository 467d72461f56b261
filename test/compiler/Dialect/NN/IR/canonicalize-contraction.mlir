// A transpose beside a contraction is another numbering of its axes.
// RUN: xfer-opt %s -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @operands
// CHECK-NEXT: %[[R:.*]] = nn.contract %{{.*}}, %{{.*}} lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [1]
// CHECK-NEXT: return %[[R]]
func.func @operands(%a: tensor<3x2xf32>, %b: tensor<4x3xf32>) -> tensor<2x4xf32> {
  %0 = nn.transpose %a permutation [1, 0] : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %1 = nn.transpose %b permutation [1, 0] : (tensor<4x3xf32>) -> tensor<3x4xf32>
  %2 = nn.contract %0, %1 lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %2 : tensor<2x4xf32>
}

// -----

// Two free axes that change their order are the result's: the transpose stays.
// CHECK-LABEL: func.func @free_order
// CHECK: nn.transpose
// CHECK: nn.contract
func.func @free_order(%a: tensor<3x2x5xf32>, %b: tensor<3x4xf32>) -> tensor<5x2x4xf32> {
  %0 = nn.transpose %a permutation [2, 1, 0] : (tensor<3x2x5xf32>) -> tensor<5x2x3xf32>
  %1 = nn.contract %0, %b lhs_batch [] rhs_batch [] lhs_contract [2] rhs_contract [0] accumulate f32 : (tensor<5x2x3xf32>, tensor<3x4xf32>) -> tensor<5x2x4xf32>
  return %1 : tensor<5x2x4xf32>
}

// -----

// CHECK-LABEL: func.func @result
// CHECK-SAME: %[[A:.*]]: tensor<7x2x3xf32>, %[[B:.*]]: tensor<7x3x4xf32>
// CHECK-NEXT: %[[R:.*]] = nn.contract %[[B]], %[[A]] lhs_batch [0] rhs_batch [0] lhs_contract [1] rhs_contract [2]
// CHECK-SAME: -> tensor<7x4x2xf32>
// CHECK-NEXT: return %[[R]]
func.func @result(%a: tensor<7x2x3xf32>, %b: tensor<7x3x4xf32>) -> tensor<7x4x2xf32> {
  %0 = nn.contract %a, %b lhs_batch [0] rhs_batch [0] lhs_contract [2] rhs_contract [1] accumulate f32 : (tensor<7x2x3xf32>, tensor<7x3x4xf32>) -> tensor<7x2x4xf32>
  %1 = nn.transpose %0 permutation [0, 2, 1] : (tensor<7x2x4xf32>) -> tensor<7x4x2xf32>
  return %1 : tensor<7x4x2xf32>
}

// -----

// A result that is read in its own order too is not computed twice.
// CHECK-LABEL: func.func @second_use
// CHECK-COUNT-1: nn.contract
// CHECK: nn.transpose
func.func @second_use(%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> (tensor<4x2xf32>, tensor<2x4xf32>) {
  %0 = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  %1 = nn.transpose %0 permutation [1, 0] : (tensor<2x4xf32>) -> tensor<4x2xf32>
  return %1, %0 : tensor<4x2xf32>, tensor<2x4xf32>
}

// -----

// An outer product is element-wise.
// CHECK-LABEL: func.func @outer
// CHECK-SAME: %[[A:.*]]: tensor<2x7xf32>, %[[B:.*]]: tensor<7x3xf32>
// CHECK-DAG: %[[T:.*]] = nn.transpose %[[A]] permutation [1, 0]
// CHECK-DAG: %[[P:.*]] = nn.broadcast %[[T]] dimensions [0, 1] : tensor<7x2xf32> -> tensor<7x2x3xf32>
// CHECK-DAG: %[[Q:.*]] = nn.broadcast %[[B]] dimensions [0, 2] : tensor<7x3xf32> -> tensor<7x2x3xf32>
// CHECK: nn.mul %[[P]], %[[Q]]
func.func @outer(%a: tensor<2x7xf32>, %b: tensor<7x3xf32>) -> tensor<7x2x3xf32> {
  %0 = nn.contract %a, %b lhs_batch [1] rhs_batch [0] lhs_contract [] rhs_contract [] accumulate f32 : (tensor<2x7xf32>, tensor<7x3xf32>) -> tensor<7x2x3xf32>
  return %0 : tensor<7x2x3xf32>
}
