// A state that starts at zero is cleared; it is no constant of the executable, as one that starts at one is.
// RUN: xferc build %s --emit=rt | FileCheck %s --implicit-check-not=rt.copy

module attributes {xfer.program = "start"} {
  xfer.parameter "velocity" : tensor<64xf32>
  xfer.parameter "scale" : tensor<32xf32>
  func.func @start() -> (tensor<64xf32> {xfer.bind = #xfer.bind<param, "velocity">},
                         tensor<32xf32> {xfer.bind = #xfer.bind<param, "scale">}) {
    %zero = nn.constant dense<0.0> : tensor<64xf32>
    %one = nn.constant dense<1.0> : tensor<32xf32>
    return %zero, %one : tensor<64xf32>, tensor<32xf32>
  }
  xfer.pass "start" function @start
}

// CHECK-LABEL: func.func private @function.start
// CHECK: rt.clear
// CHECK: rt.copy
// CHECK: return
