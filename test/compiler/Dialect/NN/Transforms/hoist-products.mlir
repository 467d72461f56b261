// Products of scanned values and invariants are made of all steps at once; what is carried, or computed in the body, stays.
// RUN: xfer-opt %s -nn-hoist-products -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @recurrence(
// CHECK-SAME: %[[X:.*]]: tensor<7x8x4xf32>, %[[W:.*]]: tensor<4x5xf32>, %[[U:.*]]: tensor<5x5xf32>, %[[H:.*]]: tensor<8x5xf32>
// CHECK: %[[P:.*]] = nn.contract %[[X]], %[[W]] lhs_batch [] rhs_batch [] lhs_contract [2] rhs_contract [0]
// CHECK-SAME: -> tensor<7x8x5xf32>
// CHECK: nn.loop count 7 carries(%[[H]] : {{.*}}) scanned(%[[X]], %[[P]] : tensor<7x8x4xf32>, tensor<7x8x5xf32>)
// CHECK: ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<8x5xf32>, %{{.*}}: tensor<8x4xf32>, %[[XT:.*]]: tensor<8x5xf32>, %{{.*}}: tensor<4x5xf32>, %[[V:.*]]: tensor<5x5xf32>):
// CHECK-NEXT: %[[B:.*]] = nn.contract %[[C]], %[[V]]
// CHECK-NEXT: nn.add %[[XT]], %[[B]]
func.func @recurrence(%x: tensor<7x8x4xf32>, %w: tensor<4x5xf32>, %u: tensor<5x5xf32>, %h: tensor<8x5xf32>) -> tensor<8x5xf32> {
  %r = nn.loop count 7 carries(%h : tensor<8x5xf32>) scanned(%x : tensor<7x8x4xf32>) invariants(%w, %u : tensor<4x5xf32>, tensor<5x5xf32>) -> tensor<8x5xf32> {
  ^body(%i: tensor<i32>, %c: tensor<8x5xf32>, %xt: tensor<8x4xf32>, %a: tensor<4x5xf32>, %v: tensor<5x5xf32>):
    %p = nn.contract %xt, %a lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x4xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
    %q = nn.contract %c, %v lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<8x5xf32>, tensor<5x5xf32>) -> tensor<8x5xf32>
    %s = nn.add %p, %q : tensor<8x5xf32>
    nn.yield %s : tensor<8x5xf32>
  }
  return %r : tensor<8x5xf32>
}

// -----

// On the right side, and behind batch axes, the steps' axis comes to the front.
// CHECK-LABEL: func.func @right(
// CHECK-SAME: %[[X:.*]]: tensor<7x2x4x3xf32>, %[[W:.*]]: tensor<2x5x4xf32>
// CHECK: %[[P:.*]] = nn.contract %[[W]], %[[X]] lhs_batch [0] rhs_batch [1] lhs_contract [2] rhs_contract [2]
// CHECK-SAME: -> tensor<2x5x7x3xf32>
// CHECK: %[[T:.*]] = nn.transpose %[[P]] permutation [2, 0, 1, 3] : (tensor<2x5x7x3xf32>) -> tensor<7x2x5x3xf32>
// CHECK: nn.loop count 7 {{.*}}scanned(%[[X]], %[[T]] :
func.func @right(%x: tensor<7x2x4x3xf32>, %w: tensor<2x5x4xf32>) -> tensor<7x2x5x3xf32> {
  %r = nn.loop count 7 scanned(%x : tensor<7x2x4x3xf32>) invariants(%w : tensor<2x5x4xf32>) -> tensor<7x2x5x3xf32> {
  ^body(%i: tensor<i32>, %xt: tensor<2x4x3xf32>, %a: tensor<2x5x4xf32>):
    %p = nn.contract %a, %xt lhs_batch [0] rhs_batch [0] lhs_contract [2] rhs_contract [1] accumulate f32 : (tensor<2x5x4xf32>, tensor<2x4x3xf32>) -> tensor<2x5x3xf32>
    nn.yield %p : tensor<2x5x3xf32>
  }
  return %r : tensor<7x2x5x3xf32>
}

// -----

// Not where the loop may end before it has used them, and not what both sides scan.
// CHECK-LABEL: func.func @stays(
// CHECK-NEXT: nn.loop
// CHECK: nn.contract
// CHECK: nn.loop
// CHECK: nn.contract
func.func @stays(%x: tensor<7x4xf32>, %w: tensor<4x5xf32>, %y: tensor<7x4x5xf32>) -> (tensor<7x5xf32>, tensor<7x5xf32>) {
  %r = nn.loop count 7 scanned(%x : tensor<7x4xf32>) invariants(%w : tensor<4x5xf32>) conditional -> tensor<7x5xf32> {
  ^body(%i: tensor<i32>, %xt: tensor<4xf32>, %a: tensor<4x5xf32>):
    %p = nn.contract %xt, %a lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32 : (tensor<4xf32>, tensor<4x5xf32>) -> tensor<5xf32>
    %k = nn.constant dense<3> : tensor<i32>
    %go = nn.compare lt %i, %k : (tensor<i32>, tensor<i32>) -> tensor<i1>
    nn.yield %p, %go : tensor<5xf32>, tensor<i1>
  }
  %s = nn.loop count 7 scanned(%x, %y : tensor<7x4xf32>, tensor<7x4x5xf32>) -> tensor<7x5xf32> {
  ^body(%i: tensor<i32>, %xt: tensor<4xf32>, %yt: tensor<4x5xf32>):
    %p = nn.contract %xt, %yt lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32 : (tensor<4xf32>, tensor<4x5xf32>) -> tensor<5xf32>
    nn.yield %p : tensor<5xf32>
  }
  return %r, %s : tensor<7x5xf32>, tensor<7x5xf32>
}
