// Dynamic extents are equal only if one name names them.
// RUN: xfer-opt %s -nn-fuse -split-input-file | FileCheck %s

!one = tensor<?xf32, #nn.meaning<symbols = ["d.one"]>>
!two = tensor<?xf32, #nn.meaning<symbols = ["d.two"]>>
// The sums of two splits are two loops.
// CHECK-LABEL: func.func @two_splits(
// CHECK: nn.kernel loop(
// CHECK: nn.reduce
// CHECK-NOT: nn.reduce
// CHECK: nn.kernel loop(
// CHECK: nn.reduce
func.func @two_splits(%x: !one, %y: !two) -> tensor<f32> {
  %a = nn.reduce sum %x axes [0] : (!one) -> tensor<f32>
  %b = nn.reduce sum %y axes [0] : (!two) -> tensor<f32>
  %c = nn.add %a, %b : tensor<f32>
  return %c : tensor<f32>
}

// -----

!one = tensor<?xf32, #nn.meaning<symbols = ["d.one"]>>
// Those of one split are one.
// CHECK-LABEL: func.func @one_split(
// CHECK: nn.kernel loop(
// CHECK: nn.reduce
// CHECK-NOT: nn.kernel
// CHECK: nn.reduce
// CHECK-NOT: nn.kernel
// CHECK: return
func.func @one_split(%x: !one, %y: !one) -> tensor<f32> {
  %a = nn.reduce sum %x axes [0] : (!one) -> tensor<f32>
  %b = nn.reduce sum %y axes [0] : (!one) -> tensor<f32>
  %c = nn.add %a, %b : tensor<f32>
  return %c : tensor<f32>
}
