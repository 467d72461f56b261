// What operands, attributes and results of each operation have to do with each other, label by label.
// RUN: xfer-opt %s -split-input-file -verify-diagnostics

func.func @constant_type() {
  // expected-error @+1 {{(C1) the value has type 'tensor<3xi32>', the result 'tensor<4xi32>'}}
  %0 = nn.constant dense<1> : tensor<3xi32> -> tensor<4xi32>
  return
}

// -----

func.func @iota_axis() {
  // expected-error @+1 {{(C1) axis 2 is not an axis of 'tensor<2x3xi32>'}}
  %0 = nn.iota axis 2 : tensor<2x3xi32>
  return
}

// -----

func.func @annotate(%a: tensor<2xf32>) {
  // expected-error @+1 {{(C1) changes more than the meaning}}
  %0 = nn.annotate %a : tensor<2xf32> -> tensor<3xf32>
  return
}

// -----

func.func @broadcast_rank(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{(C1) has 1 dimensions for an operand of rank 2}}
  %0 = nn.broadcast %a dimensions [0] : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @broadcast_element(%a: tensor<2xf32>) {
  // expected-error @+1 {{(C3) element types differ: 'f32' and 'i32'}}
  %0 = nn.broadcast %a dimensions [0] : tensor<2xf32> -> tensor<2xi32>
  return
}

// -----

func.func @reshape_element(%a: tensor<2xf32>) {
  // expected-error @+1 {{(C1) element types differ: 'f32' and 'i32'}}
  %0 = nn.reshape %a : tensor<2xf32> -> tensor<2xi32>
  return
}

// -----

func.func @transpose_twice(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C1) not a permutation of 2 axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.transpose %a permutation [0, 0] : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @+2 {{(C1) nothing to concatenate}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.concat"() {axis = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

func.func @concat_axis(%a: tensor<2xf32>) {
  // expected-error @+2 {{(C2) axis 1 is not an axis of [2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %a, %a axis 1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_element(%a: tensor<2xf32>, %b: tensor<2xi32>) {
  // expected-error @+2 {{(C3) element types differ: 'f32' and 'i32'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %a, %b axis 0 : (tensor<2xf32>, tensor<2xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @slice_rank(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C1) expected 2 offsets, sizes and strides}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %a offsets [0] sizes [1] strides [1] : (tensor<2x3xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @slice_negative(%a: tensor<5xf32>) {
  // expected-error @+2 {{(C2) negative offset or size, or a stride that is not positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %a offsets [0] sizes [2] strides [0] : (tensor<5xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @slice_dynamic(%a: tensor<?xf32>) {
  // expected-error @+2 {{(C4) part of the dynamic extent [?]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.slice %a offsets [1] sizes [2] strides [1] : (tensor<?xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @pad_rank(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C1) expected 2 paddings of each kind}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad %a low [1] high [1] interior [0] : (tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @pad_negative(%a: tensor<2xf32>) {
  // expected-error @+2 {{(C2) negative padding}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad %a low [-1] high [0] interior [0] : (tensor<2xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @pad_dynamic(%a: tensor<?xf32>) {
  // expected-error @+2 {{(C3) padding of the dynamic extent [?]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad %a low [1] high [0] interior [0] : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @reverse_twice(%a: tensor<2xf32>) {
  // expected-error @+2 {{(C1) axis 0 is not an axis of [2] or named twice}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.reverse"(%a) {axes = array<i64: 0, 0>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @reduce_order(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C1) axes are not increasing axes of [2, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.reduce sum %a axes [1, 0] : (tensor<2x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @argmax_empty(%a: tensor<2x0xf32>) {
  // expected-error @+2 {{(C1) axis 1 is not an axis of [2, 0], or an empty one}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.argmax %a axis 1 : (tensor<2x0xf32>) -> tensor<2xi32>
  return
}

// -----

func.func @cumsum_axis(%a: tensor<2xf32>) {
  // expected-error @+2 {{(C1) axis 1 is not an axis of [2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.cumsum"(%a) {axis = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gather_axis(%a: tensor<2xf32>, %i: tensor<4xi32>) {
  // expected-error @+2 {{(C1) axis 1 and batch 0 do not fit [2] and [4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %a, %i axis 1 batch 0 : (tensor<2xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @gather_batch(%a: tensor<2x3xf32>, %i: tensor<4x5xi32>) {
  // expected-error @+2 {{(C2) batch extents differ: [2, 3] and [4, 5]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %a, %i axis 1 batch 1 : (tensor<2x3xf32>, tensor<4x5xi32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @gather_empty(%a: tensor<0xf32>, %i: tensor<4xi32>) {
  // expected-error @+2 {{(C3) axis 0 is empty}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.gather %a, %i axis 0 batch 0 : (tensor<0xf32>, tensor<4xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @scatter_rank(%a: tensor<2xf32>, %i: tensor<4xi32>, %u: tensor<4xf32>) {
  // expected-error @+2 {{(C1) batch 1 does not fit [2] and [4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter add %a, %i, %u batch 1 : (tensor<2xf32>, tensor<4xi32>, tensor<4xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @scatter_batch(%a: tensor<2x3xf32>, %i: tensor<4x5xi32>, %u: tensor<4x5xf32>) {
  // expected-error @+2 {{(C2) batch extents differ: [2, 3] and [4, 5]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter add %a, %i, %u batch 1 : (tensor<2x3xf32>, tensor<4x5xi32>, tensor<4x5xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @scatter_updates(%a: tensor<2x3xf32>, %i: tensor<4xi32>, %u: tensor<4xf32>) {
  // expected-error @+2 {{(C3) expected updates of type 'tensor<4x3xf32>', found 'tensor<4xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter add %a, %i, %u batch 0 : (tensor<2x3xf32>, tensor<4xi32>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @scatter_empty(%a: tensor<0xf32>, %i: tensor<4xi32>, %u: tensor<4xf32>) {
  // expected-error @+2 {{(C4) axis 0 is empty}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter set %a, %i, %u batch 0 : (tensor<0xf32>, tensor<4xi32>, tensor<4xf32>) -> tensor<0xf32>
  return
}

// -----

func.func @scatter_bool(%a: tensor<2xi1>, %i: tensor<4xi32>, %u: tensor<4xi1>) {
  // expected-error @+2 {{(C5) add of 'i1'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scatter add %a, %i, %u batch 0 : (tensor<2xi1>, tensor<4xi32>, tensor<4xi1>) -> tensor<2xi1>
  return
}

// -----

func.func @random_keys(%k: tensor<2x4xi32>) {
  // expected-error @+1 {{(C2) the result [3, 5] does not begin with the keys of [2, 4]}}
  %0 = nn.random %k site 1 : tensor<2x4xi32> -> tensor<3x5xf32>
  return
}

// -----

func.func @random_dynamic(%k: tensor<4xi32>) {
  // expected-error @+1 {{(C3) dynamic extent in one draw: [?]}}
  %0 = nn.random %k site 1 : tensor<4xi32> -> tensor<?xf32>
  return
}

// -----

func.func @scale_gradient(%a: tensor<2xf32>) {
  // expected-error @+2 {{(C1) expected a scalar of 'f32', found 'tensor<2xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.scale_gradient %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @gradient_type(%l: tensor<f32>, %a: tensor<2xf32>) {
  // expected-error @+1 {{(C3) the results do not have the types of the values}}
  %0 = nn.gradient %l wrt %a : (tensor<f32>, tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @contract_axes(%a: tensor<2x3xf32>, %b: tensor<3x5xf32>) {
  // expected-error @+2 {{(C1) the axes named are not different axes of [2, 3] and [3, 5]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.contract %a, %b lhs_batch [1] rhs_batch [0] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<3x5xf32>) -> tensor<3x2x5xf32>
  return
}

// -----

func.func @contract_element(%a: tensor<2x3xf32>, %b: tensor<3x5xbf16>) {
  // expected-error @+2 {{(C3) element types differ: 'f32' and 'bf16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : (tensor<2x3xf32>, tensor<3x5xbf16>) -> tensor<2x5xf32>
  return
}

// -----

func.func @conv_rank(%x: tensor<1x5x3xf32>, %w: tensor<3x4xf32>) {
  // expected-error @+2 {{(C1) image [1, 5, 3] and filter [3, 4] do not have equal ranks from 3 to 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<1x5x3xf32>, tensor<3x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @conv_strides(%x: tensor<1x5x3xf32>, %w: tensor<3x3x4xf32>) {
  // expected-error @+2 {{(C2) expected 1 positive strides and dilations, and paddings that are not negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w strides [0] padding [0] [0] dilations [1] groups 1 : (tensor<1x5x3xf32>, tensor<3x3x4xf32>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @conv_dynamic(%x: tensor<1x?x3xf32>, %w: tensor<3x3x4xf32>) {
  // expected-error @+2 {{(C6) dynamic extent in [1, ?, 3] or [3, 3, 4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<1x?x3xf32>, tensor<3x3x4xf32>) -> tensor<1x?x4xf32>
  return
}

// -----

func.func @conv_element(%x: tensor<1x5x3xf32>, %w: tensor<3x3x4xbf16>) {
  // expected-error @+2 {{(C5) element types differ: 'f32' and 'bf16'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w strides [1] padding [0] [0] dilations [1] groups 1 : (tensor<1x5x3xf32>, tensor<3x3x4xbf16>) -> tensor<1x3x4xf32>
  return
}

// -----

func.func @window_rank(%x: tensor<1x4x3xf32>) {
  // expected-error @+2 {{(C1) window, strides, paddings or dilations do not fit [1, 4, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.window_sum %x window [2, 2] strides [1] padding [0] [0] dilations [1] : (tensor<1x4x3xf32>) -> tensor<1x3x3xf32>
  return
}

// -----

func.func @window_dynamic(%x: tensor<1x?x3xf32>) {
  // expected-error @+2 {{(C3) dynamic spatial extent in [1, ?, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.window_sum %x window [2] strides [1] padding [0] [0] dilations [1] : (tensor<1x?x3xf32>) -> tensor<1x?x3xf32>
  return
}

// -----

func.func @window_large(%x: tensor<1x4x3xf32>) {
  // expected-error @+2 {{(C2) the window does not fit into [1, 4, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.window_sum %x window [9] strides [1] padding [0] [0] dilations [1] : (tensor<1x4x3xf32>) -> tensor<1x3x3xf32>
  return
}

// -----

func.func @window_gather_grid(%x: tensor<1x4x3xf32>, %i: tensor<1x2x3xi32>) {
  // expected-error @+2 {{(C4) the windows' grid is [1, 3, 3], the index has [1, 2, 3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.window_gather %x, %i window [2] strides [1] padding [0] [0] dilations [1] : (tensor<1x4x3xf32>, tensor<1x2x3xi32>) -> tensor<1x2x3xf32>
  return
}

// -----

func.func @window_scatter_grid(%y: tensor<1x2x3xf32>, %i: tensor<1x3x3xi32>) {
  // expected-error @+1 {{(C1) index and cotangent have different extents}}
  %0 = nn.window_scatter %y, %i window [2] strides [1] padding [0] [0] dilations [1] : (tensor<1x2x3xf32>, tensor<1x3x3xi32>) -> tensor<1x4x3xf32>
  return
}

// -----

func.func @window_spread_grid(%y: tensor<1x2x3xf32>) {
  // expected-error @+1 {{(C1) the windows' grid has type 'tensor<1x3x3xf32>', found 'tensor<1x2x3xf32>'}}
  %0 = nn.window_spread %y window [2] strides [1] padding [0] [0] dilations [1] : (tensor<1x2x3xf32>) -> tensor<1x4x3xf32>
  return
}

// -----

func.func @cholesky(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{(C1) [2, 3] are not square matrices}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.cholesky"(%a) : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @solve_batch(%a: tensor<2x3x3xf32>, %b: tensor<5x3x1xf32>) {
  // expected-error @+2 {{(C2) batch extents differ: [2, 3, 3] and [5, 3, 1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.triangular_solve %a, %b : (tensor<2x3x3xf32>, tensor<5x3x1xf32>) -> tensor<5x3x1xf32>
  return
}

// -----

func.func @solve_square(%a: tensor<2x3xf32>, %b: tensor<3x1xf32>) {
  // expected-error @+2 {{(C3) [2, 3] is not square or does not fit [3, 1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.triangular_solve %a, %b : (tensor<2x3xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  return
}

// -----

func.func @loop_scanned(%x: tensor<2xf32>, %s: tensor<4xf32>) {
  // expected-error @+1 {{(C2) a scanned value of type 'tensor<4xf32>' in a loop of 3 steps}}
  %0 = nn.loop count 3 carries(%x : tensor<2xf32>) scanned(%s : tensor<4xf32>) -> tensor<2xf32> {
  ^body(%i: tensor<i32>, %c: tensor<2xf32>, %p: tensor<f32>):
    nn.yield %c : tensor<2xf32>
  }
  return
}

// -----

func.func @loop_stacked(%x: tensor<2xf32>) {
  // expected-error @+1 {{(C5) a stacked result of type 'tensor<4x2xf32>' in a loop of 3 steps}}
  %0, %1 = nn.loop count 3 carries(%x : tensor<2xf32>) -> tensor<2xf32>, tensor<4x2xf32> {
  ^body(%i: tensor<i32>, %c: tensor<2xf32>):
    nn.yield %c, %c : tensor<2xf32>, tensor<2xf32>
  }
  return
}

// -----

// expected-error @+1 {{only the tags 'class' and 'token' have a number of classes}}
func.func @meaning_classes(%a: tensor<2xi32, #nn.meaning<tag = prob, classes = 3>>) {
  
  return
}

// -----

// expected-error @+1 {{symbol "n" names a static extent}}
func.func @meaning_symbol(%a: tensor<2xi32, #nn.meaning<symbols = ["n"]>>) {
  
  return
}
