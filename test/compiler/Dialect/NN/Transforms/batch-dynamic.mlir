// A number of samples that is not known is not merged and makes no groups.
// RUN: xfer-opt %s -nn-batch | FileCheck %s

#many = #nn.meaning<symbols = ["usps.all", "", "", ""]>

// Filters of all samples: one contraction a position of the kernel, the samples in front.
// CHECK-LABEL: func.func @filters
// CHECK-NOT: nn.conv
// CHECK-COUNT-3: nn.contract {{.*}} lhs_batch [0] rhs_batch [0]
// CHECK-NOT: nn.contract
func.func @filters(%w: tensor<?x3x2x2xf32, #many>, %x: tensor<1x6x2xf32>) -> tensor<?x1x4x2xf32, #many> {
  %r = nn.each mapped(%w : tensor<?x3x2x2xf32, #many>) invariants(%x : tensor<1x6x2xf32>) -> tensor<?x1x4x2xf32, #many> {
  ^body(%f: tensor<3x2x2xf32>, %v: tensor<1x6x2xf32>):
    %y = nn.conv %v, %f strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<1x6x2xf32>, tensor<3x2x2xf32>) -> tensor<1x4x2xf32>
    nn.yield %y : tensor<1x4x2xf32>
  }
  return %r : tensor<?x1x4x2xf32, #many>
}

// Several images a sample under one filter: they become a spatial axis with a kernel of 1.
// CHECK-LABEL: func.func @images
// CHECK: nn.conv {{.*}} strides [1, 1] padding [0, 0] [0, 0] dilations [1, 1] groups 1
// CHECK-SAME: tensor<?x5x6x2xf32{{.*}}>, tensor<1x3x2x2xf32>
func.func @images(%w: tensor<3x2x2xf32>, %x: tensor<?x5x6x2xf32, #many>) -> tensor<?x5x4x2xf32, #many> {
  %r = nn.each mapped(%x : tensor<?x5x6x2xf32, #many>) invariants(%w : tensor<3x2x2xf32>) -> tensor<?x5x4x2xf32, #many> {
  ^body(%v: tensor<5x6x2xf32>, %f: tensor<3x2x2xf32>):
    %y = nn.conv %v, %f strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<5x6x2xf32>, tensor<3x2x2xf32>) -> tensor<5x4x2xf32>
    nn.yield %y : tensor<5x4x2xf32>
  }
  return %r : tensor<?x5x4x2xf32, #many>
}
