// The mean and the squares about it come from sums over one difference, of x and the median of three of its elements.
// RUN: xfer-opt %s -nn-one-pass-variance -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @channels(
// CHECK-SAME: %[[X:.*]]: tensor<8x5x3xf32>
// CHECK: nn.slice %[[X]] offsets [2, 2, 0] sizes [1, 1, 3] strides [1, 1, 1]
// CHECK: %[[A:.*]] = nn.reshape %{{.*}} : tensor<1x1x3xf32> -> tensor<3xf32>
// CHECK: nn.slice %[[X]] offsets [4, 2, 0] sizes [1, 1, 3]
// CHECK: %[[B:.*]] = nn.reshape
// CHECK: nn.slice %[[X]] offsets [6, 2, 0] sizes [1, 1, 3]
// CHECK: %[[C:.*]] = nn.reshape
// CHECK: %[[LOW:.*]] = nn.min %[[A]], %[[B]] : tensor<3xf32>
// CHECK: %[[HIGH:.*]] = nn.max %[[A]], %[[B]] : tensor<3xf32>
// CHECK: %[[REST:.*]] = nn.min %[[HIGH]], %[[C]] : tensor<3xf32>
// CHECK: %[[P:.*]] = nn.max %[[LOW]], %[[REST]] : tensor<3xf32>
// CHECK: %[[W:.*]] = nn.broadcast %[[P]] dimensions [2] : tensor<3xf32> -> tensor<8x5x3xf32>
// CHECK: %[[D:.*]] = nn.sub %[[X]], %[[W]] : tensor<8x5x3xf32>
// CHECK: %[[SUM:.*]] = nn.reduce sum %[[D]] axes [0, 1]
// CHECK: %[[DD:.*]] = nn.mul %[[D]], %[[D]]
// CHECK: %[[SQUARES:.*]] = nn.reduce sum %[[DD]] axes [0, 1]
// CHECK: %[[N:.*]] = nn.constant dense<2.500000e-02> : tensor<3xf32>
// CHECK: %[[O:.*]] = nn.mul %[[SUM]], %[[N]] : tensor<3xf32>
// CHECK: %[[MEAN:.*]] = nn.add %[[P]], %[[O]] : tensor<3xf32>
// CHECK: %[[E:.*]] = nn.mul %[[SUM]], %[[O]] : tensor<3xf32>
// CHECK: %[[R:.*]] = nn.sub %[[SQUARES]], %[[E]] : tensor<3xf32>
// CHECK: %[[Z:.*]] = nn.constant dense<0.000000e+00> : tensor<3xf32>
// CHECK: %[[V:.*]] = nn.max %[[R]], %[[Z]] : tensor<3xf32>
// CHECK: %[[K:.*]] = nn.reshape %[[MEAN]] : tensor<3xf32> -> tensor<1x1x3xf32>
// CHECK-NOT: nn.reduce
// CHECK: return %[[V]], %[[MEAN]], %[[K]]
func.func @channels(%x: tensor<8x5x3xf32>) -> (tensor<3xf32>, tensor<3xf32>, tensor<1x1x3xf32>) {
  %n = nn.constant dense<0.025> : tensor<1x1x3xf32>
  %forty = nn.constant dense<40.0> : tensor<3xf32>
  %sum = nn.reduce sum %x axes [0, 1] : (tensor<8x5x3xf32>) -> tensor<3xf32>
  %k = nn.reshape %sum : tensor<3xf32> -> tensor<1x1x3xf32>
  %m = nn.mul %k, %n : tensor<1x1x3xf32>
  %mean = nn.div %sum, %forty : tensor<3xf32>
  %w = nn.broadcast %m dimensions [0, 1, 2] : tensor<1x1x3xf32> -> tensor<8x5x3xf32>
  %d = nn.sub %x, %w : tensor<8x5x3xf32>
  %q = nn.mul %d, %d : tensor<8x5x3xf32>
  %squares = nn.reduce sum %q axes [0, 1] : (tensor<8x5x3xf32>) -> tensor<3xf32>
  return %squares, %mean, %m : tensor<3xf32>, tensor<3xf32>, tensor<1x1x3xf32>
}

// -----

// A row is read again from the cache.
// CHECK-LABEL: func.func @rows(
// CHECK-NOT: nn.slice
func.func @rows(%x: tensor<8x64xf32>) -> tensor<8xf32> {
  %n = nn.constant dense<0.015625> : tensor<8xf32>
  %sum = nn.reduce sum %x axes [1] : (tensor<8x64xf32>) -> tensor<8xf32>
  %m = nn.mul %sum, %n : tensor<8xf32>
  %w = nn.broadcast %m dimensions [0] : tensor<8xf32> -> tensor<8x64xf32>
  %d = nn.sub %x, %w : tensor<8x64xf32>
  %q = nn.mul %d, %d : tensor<8x64xf32>
  %squares = nn.reduce sum %q axes [1] : (tensor<8x64xf32>) -> tensor<8xf32>
  return %squares : tensor<8xf32>
}

// -----

// What is subtracted is no mean: a tenth of the sum of eight.
// CHECK-LABEL: func.func @factor(
// CHECK-NOT: nn.slice
func.func @factor(%x: tensor<8x3xf32>) -> tensor<3xf32> {
  %n = nn.constant dense<0.1> : tensor<3xf32>
  %sum = nn.reduce sum %x axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
  %m = nn.mul %sum, %n : tensor<3xf32>
  %w = nn.broadcast %m dimensions [1] : tensor<3xf32> -> tensor<8x3xf32>
  %d = nn.sub %x, %w : tensor<8x3xf32>
  %q = nn.mul %d, %d : tensor<8x3xf32>
  %squares = nn.reduce sum %q axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
  return %squares : tensor<3xf32>
}

// -----

// The mean is that of another tensor.
// CHECK-LABEL: func.func @other(
// CHECK-NOT: nn.slice
func.func @other(%x: tensor<8x3xf32>, %y: tensor<8x3xf32>) -> tensor<3xf32> {
  %n = nn.constant dense<0.125> : tensor<3xf32>
  %sum = nn.reduce sum %y axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
  %m = nn.mul %sum, %n : tensor<3xf32>
  %w = nn.broadcast %m dimensions [1] : tensor<3xf32> -> tensor<8x3xf32>
  %d = nn.sub %x, %w : tensor<8x3xf32>
  %q = nn.mul %d, %d : tensor<8x3xf32>
  %squares = nn.reduce sum %q axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
  return %squares : tensor<3xf32>
}

// -----

// The mean over the batch is spread along another axis of the same extent.
// CHECK-LABEL: func.func @turned(
// CHECK-NOT: nn.slice
func.func @turned(%x: tensor<4x4x4xf32>) -> tensor<4x4xf32> {
  %n = nn.constant dense<0.25> : tensor<4x4xf32>
  %sum = nn.reduce sum %x axes [0] : (tensor<4x4x4xf32>) -> tensor<4x4xf32>
  %m = nn.mul %sum, %n : tensor<4x4xf32>
  %w = nn.broadcast %m dimensions [0, 2] : tensor<4x4xf32> -> tensor<4x4x4xf32>
  %d = nn.sub %x, %w : tensor<4x4x4xf32>
  %q = nn.mul %d, %d : tensor<4x4x4xf32>
  %squares = nn.reduce sum %q axes [0] : (tensor<4x4x4xf32>) -> tensor<4x4xf32>
  return %squares : tensor<4x4xf32>
}
