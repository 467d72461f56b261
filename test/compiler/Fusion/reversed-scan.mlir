// What loops scan reversed is not written a second time: the reversal stays outside of kernels, and the loop walks backwards.
// RUN: xfer-opt %s -nn-fuse -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @backwards
// CHECK: %[[Y:.*]] = nn.kernel loop
// CHECK: %[[R:.*]] = nn.reverse %[[Y]] axes [0]
// CHECK: nn.loop count 5 {{.*}} scanned(%[[R]] :
// CHECK-NOT: nn.reverse
func.func @backwards(%x: tensor<5x4xf32>, %h: tensor<4xf32>) -> tensor<4xf32> {
  %y = nn.exp %x : tensor<5x4xf32>
  %r = nn.reverse %y axes [0] : tensor<5x4xf32>
  %0 = nn.loop count 5 carries(%h : tensor<4xf32>) scanned(%r : tensor<5x4xf32>) -> tensor<4xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<4xf32>):
    %n = nn.add %c, %p : tensor<4xf32>
    nn.yield %n : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// -----

// Somebody else reads the reversed value: it needs memory.
// CHECK-LABEL: func.func @read_elsewhere
// CHECK: nn.kernel loop
// CHECK: nn.reverse
// CHECK: nn.yield
// CHECK: nn.loop
func.func @read_elsewhere(%x: tensor<5x4xf32>, %h: tensor<4xf32>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  %r = nn.reverse %x axes [0] : tensor<5x4xf32>
  %0 = nn.loop count 5 carries(%h : tensor<4xf32>) scanned(%r : tensor<5x4xf32>) -> tensor<4xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<4xf32>):
    %n = nn.add %c, %p : tensor<4xf32>
    nn.yield %n : tensor<4xf32>
  }
  return %0, %r : tensor<4xf32>, tensor<5x4xf32>
}

// -----

// Reversed along another axis, and given whole to the loop.
// CHECK-LABEL: func.func @other_ways
// CHECK: nn.kernel loop
// CHECK: nn.reverse {{.*}} axes [1]
// CHECK: nn.kernel loop
// CHECK: nn.reverse {{.*}} axes [0]
// CHECK: nn.yield
// CHECK: nn.loop
func.func @other_ways(%x: tensor<5x4xf32>, %h: tensor<4xf32>) -> tensor<4xf32> {
  %r = nn.reverse %x axes [1] : tensor<5x4xf32>
  %v = nn.reverse %h axes [0] : tensor<4xf32>
  %0 = nn.loop count 5 carries(%h : tensor<4xf32>) scanned(%r : tensor<5x4xf32>) invariants(%v : tensor<4xf32>) -> tensor<4xf32> {
  ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<4xf32>, %w: tensor<4xf32>):
    %m = nn.mul %p, %w : tensor<4xf32>
    %n = nn.add %c, %m : tensor<4xf32>
    nn.yield %n : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}
