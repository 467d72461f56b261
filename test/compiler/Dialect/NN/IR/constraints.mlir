// Each labelled constraint of an operation is checked, and the message names it.
// RUN: xfer-opt %s -split-input-file -verify-diagnostics

func.func @add(%a: tensor<2xf32>, %b: tensor<3xf32>) {
  // expected-error @+2 {{(C1) extents differ: [2] and [3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.add"(%a, %b) : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @add_result(%a: tensor<2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2xf32>' are incompatible with return type(s) of operation 'tensor<3xf32>'}}
  %0 = "nn.add"(%a, %a) : (tensor<2xf32>, tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @add_elements(%a: tensor<2xf32>, %b: tensor<2xi32>) {
  // expected-error @+2 {{(C2) element types differ: 'f32' and 'i32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.add"(%a, %b) : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

#a = #nn.meaning<symbols = ["usps.test"]>
#b = #nn.meaning<symbols = ["mnist.test"]>
func.func @symbols(%a: tensor<?xf32, #a>, %b: tensor<?xf32, #b>) {
  // expected-error @+2 {{(C1) extents differ: [usps.test] and [mnist.test]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.add"(%a, %b) : (tensor<?xf32, #a>, tensor<?xf32, #b>) -> tensor<?xf32, #a>
  return
}

// -----

func.func @broadcast(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{(C2) axis 0 of [2, 3] does not become axis 0 of [4, 3]}}
  %0 = nn.broadcast %a dimensions [0, 1] : tensor<2x3xf32> -> tensor<4x3xf32>
  return
}

// -----

func.func @broadcast_order(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{(C1) dimensions are not increasing axes of the result}}
  %0 = nn.broadcast %a dimensions [1, 0] : tensor<2x3xf32> -> tensor<3x2xf32>
  return
}

// -----

func.func @reshape(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{(C2) [2, 3] does not have the elements of [5]}}
  %0 = nn.reshape %a : tensor<2x3xf32> -> tensor<5xf32>
  return
}

// -----

func.func @reshape_moves_dynamic(%a: tensor<?x2x3xf32>) {
  // expected-error @+1 {{(C2) [?, 2, 3] does not have the elements of [2, ?, 3]}}
  %0 = nn.reshape %a : tensor<?x2x3xf32> -> tensor<2x?x3xf32>
  return
}

// -----

func.func @slice(%a: tensor<5xf32>) {
  // expected-error @+2 {{(C3) elements 1 to 5 of an extent of 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %a offsets [1] sizes [3] strides [2] : (tensor<5xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @concat(%a: tensor<2x3xf32>, %b: tensor<2x4xf32>) {
  // expected-error @+2 {{(C4) extents differ on another axis than 0: [2, 3] and [2, 4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %a, %b axis 0 : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @reduce(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C2) any of 'f32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reduce any %a axes [0] : (tensor<2x3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @contract(%a: tensor<2x3xf32>, %b: tensor<4x5xf32>) {
  // expected-error @+2 {{(C2) batch or contracted extents differ: [2, 3] and [4, 5]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @contract_accumulator(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error @+2 {{(C4) accumulation of 'f32' in 'bf16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate bf16 : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @conv_groups(%x: tensor<1x5x3xf32>, %w: tensor<3x3x4xf32>) {
  // expected-error @+2 {{(C3) 2 groups of 3 channels for filter [3, 3, 4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 2 : (tensor<1x5x3xf32>, tensor<3x3x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @conv_gradient(%dy: tensor<1x3x4xf32>, %w: tensor<3x3x4xf32>) {
  // expected-error @+1 {{(C1) the convolution has type 'tensor<1x4x4xf32>', its cotangent 'tensor<1x3x4xf32>'}}
  %0 = nn.conv_input_gradient %dy, %w strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<1x3x4xf32>, tensor<3x3x4xf32>) -> tensor<1x6x3xf32>
  return
}

// -----

func.func @window_in_padding(%x: tensor<1x4x3xf32>) {
  // expected-error @+2 {{(C4) a window lies in the padding alone}}
  // expected-error @+1 {{failed to infer returned types}}
  %0, %i = nn.window_max %x window [2] strides [1] padding [2] [0] dilations [1] : (tensor<1x4x3xf32>) -> (tensor<1x5x3xf32>, tensor<1x5x3xi32>)
  return
}

// -----

func.func @random(%k: tensor<2x3xi32>) {
  // expected-error @+1 {{(C1) a key is 4 words, found [2, 3]}}
  %0 = nn.random %k site 1 : tensor<2x3xi32> -> tensor<2x5xf32>
  return
}

// -----

func.func @gradient(%x: tensor<2xf32>) {
  // expected-error @+1 {{(C1) the loss has type 'tensor<2xf32>', expected a scalar}}
  %0 = nn.gradient %x wrt %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @loop(%x: tensor<2xf32>) {
  // expected-error @+1 {{(C4) the yielded values have types ('tensor<3xf32>'), expected ('tensor<2xf32>')}}
  %0 = nn.loop count 3 carries(%x : tensor<2xf32>) -> tensor<2xf32> {
  ^body(%i: tensor<i32>, %c: tensor<2xf32>):
    %y = nn.constant dense<0.0> : tensor<3xf32>
    nn.yield %y : tensor<3xf32>
  }
  return
}

// -----

func.func @each(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+1 {{(C2) the first extents of the mapped values differ}}
  %0 = nn.each mapped(%x, %y : tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32> {
  ^body(%a: tensor<f32>, %b: tensor<f32>):
    nn.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @custom(%x: tensor<2xf32>) {
  // expected-error @+1 {{(C2) the arguments of 'vjp' have types ('tensor<2xf32>'), expected ('tensor<2xf32>', 'tensor<2xf32>')}}
  %0 = nn.custom(%x : tensor<2xf32>) -> tensor<2xf32> forward {
  ^f(%a: tensor<2xf32>):
    nn.yield %a : tensor<2xf32>
  } vjp {
  ^v(%a: tensor<2xf32>):
    nn.yield %a : tensor<2xf32>
  }
  return
}

// -----

// expected-error @+1 {{domains must be sorted and different}}
func.func @meaning(%x: tensor<2xf32, #nn.meaning<domains = ["usps", "mnist"]>>) {
  return
}

// -----

// expected-error @+1 {{expected one symbol for each of 2 axes, found 1}}
func.func @encoding(%x: tensor<?x2xf32, #nn.meaning<symbols = ["n"]>>) {
  return
}

// -----

// expected-error @+1 {{only normalised values have statistics, as many means as deviations}}
func.func private @statisticsOfNothing(tensor<3xf32, #nn.meaning<statistics = array<f32: 0.5, 0.25>>>)

// -----

// expected-error @+1 {{only normalised values have statistics, as many means as deviations}}
func.func private @meanWithoutDeviation(tensor<3xf32, #nn.meaning<normalised, statistics = array<f32: 0.5>>>)
