// Without fusion every operation that computes has a kernel of its own; free producers are copied into it.
// RUN: xfer-opt %s -nn-fuse=mode=none -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[X:.*]]: tensor<9xf32>
// CHECK: %[[N:.*]] = nn.kernel loop(%[[X]] : tensor<9xf32>) -> tensor<9xf32>
// CHECK: nn.neg
// CHECK: nn.kernel loop(%[[N]] : tensor<9xf32>) -> tensor<9xf32>
// CHECK: nn.constant
// CHECK: nn.add
// CHECK-NOT: nn.constant
func.func @chain(%x: tensor<9xf32>) -> tensor<9xf32> {
  %one = nn.constant dense<1.0> : tensor<9xf32>
  %n = nn.neg %x : tensor<9xf32>
  %d = nn.add %n, %one : tensor<9xf32>
  return %d : tensor<9xf32>
}

// -----

// Reshapes are names for the same memory and stay outside; so do numbers that are data, and constants that are returned.
// CHECK-LABEL: func.func @outside(
// CHECK-DAG: nn.reshape
// CHECK-DAG: nn.constant dense<2.0
// CHECK-DAG: %[[D:.*]] = nn.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 10]>
// CHECK: nn.kernel loop({{.*}}%[[D]]
func.func @outside(%x: tensor<2x5xi32>) -> (tensor<10xi32>, tensor<f32>) {
  %r = nn.reshape %x : tensor<2x5xi32> -> tensor<10xi32>
  %d = nn.constant dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 10]> : tensor<10xi32>
  %c = nn.constant dense<2.0> : tensor<f32>
  %s = nn.add %r, %d : tensor<10xi32>
  return %s, %c : tensor<10xi32>, tensor<f32>
}

// -----

// Contractions and library routines say so; gradients' identities are gone.
// CHECK-LABEL: func.func @kinds(
// CHECK: nn.kernel contraction(
// CHECK: nn.kernel library(
// CHECK-NOT: nn.stop_gradient
func.func @kinds(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %s = nn.stop_gradient %x : tensor<4x4xf32>
  %m = nn.contract %x, %s lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %l = nn.cholesky %m : tensor<4x4xf32>
  return %m, %l : tensor<4x4xf32>, tensor<4x4xf32>
}
