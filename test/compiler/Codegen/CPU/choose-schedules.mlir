// Contractions get every knob; what was set stays; a strided input gradient has one schedule for each phase of its strides.
// RUN: xfer-opt %s -pass-pipeline='builtin.module(nn-fuse,nn-choose-schedules{target-cpu=x86-64-v4})' -split-input-file | FileCheck %s
// RUN: xfer-opt %s -pass-pipeline='builtin.module(nn-fuse,nn-choose-schedules{target-cpu=x86-64})' -split-input-file | FileCheck %s --check-prefix=NARROW

// CHECK-LABEL: func.func @product
// CHECK: nn.kernel contraction
// CHECK-SAME: schedule = {column_block = {{[0-9]+}} : i64, outer_blocks = array<i64>, pack = true, reduction_blocks = array<i64: {{[0-9]+}}>, row_block = {{[0-9]+}} : i64, rows = {{[0-9]+}} : i64, rows_inner = {{true|false}}, splits = 1 : i64, vectors = {{[0-9]+}} : i64}
// NARROW: rows = {{[1-6]}} : i64
func.func @product(%a: tensor<512x512xf32>, %b: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %r = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
      : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
  return %r : tensor<512x512xf32>
}

// CHECK-LABEL: func.func @strided
// CHECK: schedule = {phases = [{{{[^}]*}}}, {{{[^}]*}}}, {{{[^}]*}}}, {{{[^}]*}}}]}
func.func @strided(%dy: tensor<8x14x14x16xf32>, %w: tensor<3x3x8x16xf32>) -> tensor<8x28x28x8xf32> {
  %dx = nn.conv_input_gradient %dy, %w strides [2, 2] padding [1, 1] [1, 1] dilations [1, 1] groups 1
      : (tensor<8x14x14x16xf32>, tensor<3x3x8x16xf32>) -> tensor<8x28x28x8xf32>
  return %dx : tensor<8x28x28x8xf32>
}

// -----

// CHECK-LABEL: func.func @given
// CHECK: pack = false,
// CHECK-SAME: rows = 3 : i64
func.func @given(%a: tensor<512x512xf32>, %b: tensor<512x512xf32>) -> tensor<512x512xf32> {
  %r = nn.kernel contraction(%a, %b : tensor<512x512xf32>, tensor<512x512xf32>)
      attributes {schedule = {rows = 3 : i64, pack = false}} -> tensor<512x512xf32> {
  ^bb0(%x: tensor<512x512xf32>, %y: tensor<512x512xf32>):
    %p = nn.contract %x, %y lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
        : (tensor<512x512xf32>, tensor<512x512xf32>) -> tensor<512x512xf32>
    nn.yield %p : tensor<512x512xf32>
  }
  return %r : tensor<512x512xf32>
}
