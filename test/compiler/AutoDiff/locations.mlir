// What a rule emits says which operation it differentiates and which gradient asked for it.
// RUN: xfer-opt %s -nn-autodiff -mlir-print-debuginfo -mlir-print-local-scope | FileCheck %s

// CHECK: nn.mul {{.*}} loc(callsite("net.xfer":3:1 at "net.xfer":9:1))
func.func @f(%x: tensor<f32>) -> tensor<f32> {
  %0 = nn.exp %x : tensor<f32> loc("net.xfer":3:1)
  %1 = nn.gradient %0 wrt %x : (tensor<f32>, tensor<f32>) -> tensor<f32> loc("net.xfer":9:1)
  return %1 : tensor<f32>
}
