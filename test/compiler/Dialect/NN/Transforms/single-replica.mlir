// The mean over one replica is the value itself.
// RUN: xfer-opt %s -nn-single-replica | FileCheck %s

// CHECK-LABEL: func.func @update(
// CHECK-SAME: %[[W:.*]]: tensor<4xf32>, %[[G:.*]]: tensor<4xf32>, %[[H:.*]]: tensor<f32>
func.func @update(%w: tensor<4xf32>, %g: tensor<4xf32>, %h: tensor<f32>) -> (tensor<4xf32>, tensor<f32>) {
  // CHECK-NOT: all_reduce
  // CHECK: %[[P:.*]] = nn.sub %[[W]], %[[G]]
  // CHECK: return %[[P]], %[[H]]
  %r:2 = nn.all_reduce %g, %h : tensor<4xf32>, tensor<f32>
  %p = nn.sub %w, %r#0 : tensor<4xf32>
  return %p, %r#1 : tensor<4xf32>, tensor<f32>
}
