// What has no static form is refused at its place.
// RUN: xfer-opt %s -nn-batch -verify-diagnostics

#many = #nn.meaning<symbols = ["usps.all", "", "", ""]>
func.func @filters(%w: tensor<?x3x2x2xf32, #many>, %x: tensor<1x6x4xf32>) -> tensor<?x1x4x2xf32, #many> {
  %r = nn.each mapped(%w : tensor<?x3x2x2xf32, #many>) invariants(%x : tensor<1x6x4xf32>) -> tensor<?x1x4x2xf32, #many> {
  ^body(%f: tensor<3x2x2xf32>, %v: tensor<1x6x4xf32>):
    // expected-error @+1 {{a filter in groups for each of a dynamic number of samples}}
    %y = nn.conv %v, %f strides [1] padding [0] [0] dilations [1] groups 2 : (tensor<1x6x4xf32>, tensor<3x2x2xf32>) -> tensor<1x4x2xf32>
    nn.yield %y : tensor<1x4x2xf32>
  }
  return %r : tensor<?x1x4x2xf32, #many>
}
