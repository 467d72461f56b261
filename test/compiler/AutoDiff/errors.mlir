// An operation without a derivative rule on an active path is an error at its place.
// RUN: xfer-opt %s -nn-autodiff -verify-diagnostics -split-input-file

func.func @kernel(%x: tensor<f32>) -> tensor<f32> {
  // expected-error @+1 {{no derivative rule for 'nn.kernel'}}
  %0 = nn.kernel loop(%x : tensor<f32>) -> tensor<f32> {
  ^body(%a: tensor<f32>):
    nn.yield %a : tensor<f32>
  }
  %1 = nn.gradient %0 wrt %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}

// -----

// Also inside a loop that is differentiated.
func.func @inside(%x: tensor<f32>) -> tensor<f32> {
  %0 = nn.loop count 2 carries(%x : tensor<f32>) -> tensor<f32> {
  ^body(%i: tensor<i32>, %c: tensor<f32>):
    // expected-error @+1 {{no derivative rule for 'nn.kernel'}}
    %k = nn.kernel loop(%c : tensor<f32>) -> tensor<f32> {
    ^body(%a: tensor<f32>):
      nn.yield %a : tensor<f32>
    }
    nn.yield %k : tensor<f32>
  }
  %1 = nn.gradient %0 wrt %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %1 : tensor<f32>
}
