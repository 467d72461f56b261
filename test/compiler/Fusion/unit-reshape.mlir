// An operation on a value with an axis of extent 1 works without the axis where all of its operands can; where one cannot, nothing happens,
// and the rewriting comes to rest.
// RUN: xfer-opt %s -nn-fuse -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @sinks(
// CHECK: nn.mul {{.*}} : tensor<4x5xf32>
func.func @sinks(%x: tensor<4x5x3xf32>) -> tensor<4x5x1xf32> {
  %two = nn.constant dense<2.0> : tensor<4x5x1xf32>
  %m = nn.reduce max %x axes [2] : (tensor<4x5x3xf32>) -> tensor<4x5xf32>
  %column = nn.reshape %m : tensor<4x5xf32> -> tensor<4x5x1xf32>
  %y = nn.mul %column, %two : tensor<4x5x1xf32>
  return %y : tensor<4x5x1xf32>
}

// -----

// The constant comes before the operand that does not fit.
// CHECK-LABEL: func.func @rests(
// CHECK: nn.select {{.*}} tensor<4x5x1xf32>
func.func @rests(%x: tensor<4x5x3xf32>, %flag: tensor<4x5x1xi1>) -> tensor<4x5x1xf32> {
  %two = nn.constant dense<2.0> : tensor<4x5x1xf32>
  %m = nn.reduce max %x axes [2] : (tensor<4x5x3xf32>) -> tensor<4x5xf32>
  %column = nn.reshape %m : tensor<4x5xf32> -> tensor<4x5x1xf32>
  %first = nn.slice %x offsets [0, 0, 0] sizes [4, 5, 1] strides [1, 1, 1] : (tensor<4x5x3xf32>) -> tensor<4x5x1xf32>
  %same = nn.compare eq %column, %first : (tensor<4x5x1xf32>, tensor<4x5x1xf32>) -> tensor<4x5x1xi1>
  %picked = nn.select %same, %two, %column : (tensor<4x5x1xi1>, tensor<4x5x1xf32>, tensor<4x5x1xf32>) -> tensor<4x5x1xf32>
  %y = nn.select %flag, %two, %picked : (tensor<4x5x1xi1>, tensor<4x5x1xf32>, tensor<4x5x1xf32>) -> tensor<4x5x1xf32>
  return %y : tensor<4x5x1xf32>
}
