// Folders and canonicalisation remove what differentiation and elaboration leave behind, and nothing else.
// RUN: xfer-opt %s -canonicalize -split-input-file | FileCheck %s

// Neutral elements disappear, also behind broadcasts.
// CHECK-LABEL: func.func @neutral(
// CHECK-SAME: %[[X:.*]]: tensor<?x3xf32>
// CHECK-NEXT: return %[[X]]
func.func @neutral(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %z = nn.constant dense<0.0> : tensor<f32>
  %o = nn.constant dense<1.0> : tensor<f32>
  %zs = nn.broadcast %z dimensions [] : tensor<f32> -> tensor<?x3xf32>
  %os = nn.broadcast %o dimensions [] : tensor<f32> -> tensor<?x3xf32>
  %0 = nn.add %zs, %x : tensor<?x3xf32>
  %1 = nn.mul %0, %os : tensor<?x3xf32>
  %2 = nn.sub %1, %zs : tensor<?x3xf32>
  %3 = nn.div %2, %os : tensor<?x3xf32>
  %4 = nn.neg %3 : tensor<?x3xf32>
  %5 = nn.neg %4 : tensor<?x3xf32>
  return %5 : tensor<?x3xf32>
}

// -----

// A neutral element does not disappear where the meaning of the type would.
// CHECK-LABEL: func.func @meaning_stays
// CHECK: nn.mul
func.func @meaning_stays(%x: tensor<3xf32, #nn.meaning<tag = prob>>) -> tensor<3xf32> {
  %o = nn.constant dense<1.0> : tensor<3xf32>
  %0 = nn.mul %x, %o : (tensor<3xf32, #nn.meaning<tag = prob>>, tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Constants are computed: splats of any size, others when small.
// CHECK-LABEL: func.func @constants
// CHECK-DAG: nn.constant dense<6.000000e+00> : tensor<5000xf32>
// CHECK-DAG: nn.constant dense<[1, 0, -2]> : tensor<3xi32>
// CHECK-DAG: nn.constant dense<[true, false, false]> : tensor<3xi1>
// CHECK-NOT: nn.mul
func.func @constants() -> (tensor<5000xf32>, tensor<3xi32>, tensor<3xi1>) {
  %a = nn.constant dense<2.0> : tensor<5000xf32>
  %s = nn.constant dense<3.0> : tensor<f32>
  %b = nn.broadcast %s dimensions [] : tensor<f32> -> tensor<5000xf32>
  %0 = nn.mul %a, %b : tensor<5000xf32>
  %i = nn.constant dense<[3, 1, -3]> : tensor<3xi32>
  %two = nn.constant dense<2> : tensor<3xi32>
  %1 = nn.div %i, %two : tensor<3xi32>
  %2 = nn.compare gt %i, %two : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>
  return %0, %1, %2 : tensor<5000xf32>, tensor<3xi32>, tensor<3xi1>
}

// -----

// Movements that undo each other or compose become one.
// CHECK-LABEL: func.func @movements
// CHECK-SAME: %[[X:.*]]: tensor<2x3x4xf32>
// CHECK-NOT: nn.transpose
// CHECK-DAG: %[[R:.*]] = nn.reshape %[[X]] : tensor<2x3x4xf32> -> tensor<24xf32>
// CHECK-DAG: %[[S:.*]] = nn.slice %[[X]] offsets [0, 1, 1] sizes [2, 1, 1] strides [1, 1, 2]
// CHECK: return %[[X]], %[[R]], %[[S]]
func.func @movements(%x: tensor<2x3x4xf32>) -> (tensor<2x3x4xf32>, tensor<24xf32>, tensor<2x1x1xf32>) {
  %0 = nn.transpose %x permutation [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.transpose %0 permutation [1, 2, 0] : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  %2 = nn.reshape %x : tensor<2x3x4xf32> -> tensor<6x4xf32>
  %3 = nn.reshape %2 : tensor<6x4xf32> -> tensor<24xf32>
  %4 = nn.slice %x offsets [0, 1, 1] sizes [2, 2, 2] strides [1, 1, 2] : (tensor<2x3x4xf32>) -> tensor<2x2x2xf32>
  %5 = nn.slice %4 offsets [0, 0, 0] sizes [2, 1, 1] strides [1, 1, 1] : (tensor<2x2x2xf32>) -> tensor<2x1x1xf32>
  return %1, %3, %5 : tensor<2x3x4xf32>, tensor<24xf32>, tensor<2x1x1xf32>
}

// -----

// The gradient of a mean needs no reduction: the sum over new axes is a product.
// CHECK-LABEL: func.func @sum_of_broadcast
// CHECK-NOT: nn.reduce
// CHECK-DAG: %[[N:.*]] = nn.constant dense<1.000000e+01> : tensor<3xf32>
// CHECK: %[[R:.*]] = nn.mul %{{.*}}, %[[N]]
// CHECK: return %[[R]]
func.func @sum_of_broadcast(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = nn.broadcast %x dimensions [1] : tensor<3xf32> -> tensor<10x3xf32>
  %1 = nn.reduce sum %0 axes [0] : (tensor<10x3xf32>) -> tensor<3xf32>
  return %1 : tensor<3xf32>
}

// -----

// Not so for the axis that the broadcast has kept.
// CHECK-LABEL: func.func @sum_of_kept
// CHECK: nn.reduce sum
func.func @sum_of_kept(%x: tensor<3xf32>) -> tensor<10xf32> {
  %0 = nn.broadcast %x dimensions [1] : tensor<3xf32> -> tensor<10x3xf32>
  %1 = nn.reduce sum %0 axes [1] : (tensor<10x3xf32>) -> tensor<10xf32>
  return %1 : tensor<10xf32>
}

// -----

// A slice of a concat that lies in one part reads that part; one that spans two stays.
// CHECK-LABEL: func.func @slice_of_concat
// CHECK-SAME: %[[A:.*]]: tensor<2xf32>, %[[B:.*]]: tensor<3xf32>
// CHECK-DAG: %[[P:.*]] = nn.slice %[[B]] offsets [1] sizes [2] strides [1]
// CHECK-DAG: %[[C:.*]] = nn.concat
// CHECK-DAG: %[[Q:.*]] = nn.slice %[[C]] offsets [1] sizes [2] strides [1]
// CHECK: return %[[P]], %[[Q]]
func.func @slice_of_concat(%a: tensor<2xf32>, %b: tensor<3xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = nn.concat %a, %b axis 0 : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %1 = nn.slice %0 offsets [3] sizes [2] strides [1] : (tensor<5xf32>) -> tensor<2xf32>
  %2 = nn.slice %0 offsets [1] sizes [2] strides [1] : (tensor<5xf32>) -> tensor<2xf32>
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}

// -----

// A select of a known condition is one of its sides; nothing is converted to its own type.
// CHECK-LABEL: func.func @choices
// CHECK-SAME: %[[A:.*]]: tensor<3xf32>, %[[B:.*]]: tensor<3xf32>
// CHECK-NEXT: return %[[B]], %[[A]]
func.func @choices(%a: tensor<3xf32>, %b: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %f = nn.constant dense<false> : tensor<3xi1>
  %0 = nn.select %f, %a, %b : (tensor<3xi1>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %1 = nn.convert %a : tensor<3xf32> -> tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// -----

// Constants are converted as a kernel does it: a float is clamped, of an integer the low bits stay.
// CHECK-LABEL: func.func @bytes
// CHECK-DAG: %[[F:.*]] = nn.constant dense<255> : tensor<ui8>
// CHECK-DAG: %[[I:.*]] = nn.constant dense<44> : tensor<ui8>
// CHECK: return %[[F]], %[[I]]
func.func @bytes() -> (tensor<ui8>, tensor<ui8>) {
  %f = nn.constant dense<300.0> : tensor<f32>
  %i = nn.constant dense<300> : tensor<i32>
  %0 = nn.convert %f : tensor<f32> -> tensor<ui8>
  %1 = nn.convert %i : tensor<i32> -> tensor<ui8>
  return %0, %1 : tensor<ui8>, tensor<ui8>
}

// -----

// A loop drops what nothing reads: a carry that only feeds itself, an input, a stacked result.
// CHECK-LABEL: func.func @loop
// CHECK-SAME: %[[A:.*]]: tensor<f32>, %[[X:.*]]: tensor<5xf32>
// CHECK: nn.loop count 5 carries(%[[A]] : tensor<f32>) scanned(%[[X]] : tensor<5xf32>) -> tensor<f32> {
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %[[C:.*]]: tensor<f32>, %[[P:.*]]: tensor<f32>):
// CHECK-NEXT: %[[S:.*]] = nn.add %[[C]], %[[P]]
// CHECK-NEXT: nn.yield %[[S]] : tensor<f32>
func.func @loop(%a: tensor<f32>, %x: tensor<5xf32>) -> tensor<f32> {
  %0, %1, %2 = nn.loop count 5 carries(%a, %a : tensor<f32>, tensor<f32>) scanned(%x, %x : tensor<5xf32>, tensor<5xf32>) invariants(%a : tensor<f32>) -> tensor<f32>, tensor<f32>, tensor<5xf32> {
  ^body(%i: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>, %p: tensor<f32>, %q: tensor<f32>, %v: tensor<f32>):
    %s = nn.add %c, %p : tensor<f32>
    %t = nn.mul %s, %v : tensor<f32>
    nn.yield %s, %d, %t : tensor<f32>, tensor<f32>, tensor<f32>
  }
  return %0 : tensor<f32>
}

// -----

// Windows of one element are a strided slice; real windows stay.
// CHECK-LABEL: func.func @windows
// CHECK-SAME: %[[X:.*]]: tensor<2x4x4x3xf32>
// CHECK-DAG: %[[S:.*]] = nn.slice %[[X]] offsets [0, 0, 0, 0] sizes [2, 2, 2, 3] strides [1, 2, 2, 1]
// CHECK-DAG: %[[M:.*]] = nn.window_sum %[[X]] window [2, 2]
// CHECK: return %[[S]], %[[M]]
func.func @windows(%x: tensor<2x4x4x3xf32>) -> (tensor<2x2x2x3xf32>, tensor<2x2x2x3xf32>) {
  %0, %i = nn.window_max %x window [1, 1] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<2x4x4x3xf32>) -> (tensor<2x2x2x3xf32>, tensor<2x2x2x3xi32>)
  %1 = nn.window_sum %x window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1] : (tensor<2x4x4x3xf32>) -> tensor<2x2x2x3xf32>
  return %0, %1 : tensor<2x2x2x3xf32>, tensor<2x2x2x3xf32>
}

// -----

// Reversing what a broadcast has repeated changes nothing; reversing the repeated values does.
// CHECK-LABEL: func.func @reversed
// CHECK: %[[B:.*]] = nn.broadcast
// CHECK-NEXT: %[[R:.*]] = nn.reverse %[[B]] axes [1]
// CHECK-NEXT: return %[[B]], %[[R]]
func.func @reversed(%x: tensor<3xf32>) -> (tensor<5x3xf32>, tensor<5x3xf32>) {
  %0 = nn.broadcast %x dimensions [1] : tensor<3xf32> -> tensor<5x3xf32>
  %1 = nn.reverse %0 axes [0] : tensor<5x3xf32>
  %2 = nn.reverse %0 axes [1] : tensor<5x3xf32>
  return %1, %2 : tensor<5x3xf32>, tensor<5x3xf32>
}

// -----

// A tensor that is cut and put together again is itself; parts in another order are not.
// CHECK-LABEL: func.func @cut_and_joined
// CHECK-SAME: %[[X:.*]]: tensor<6x3xf32>
// CHECK: %[[C:.*]] = nn.concat
// CHECK: return %[[X]], %[[C]]
func.func @cut_and_joined(%x: tensor<6x3xf32>) -> (tensor<6x3xf32>, tensor<6x3xf32>) {
  %0 = nn.slice %x offsets [0, 0] sizes [2, 3] strides [1, 1] : (tensor<6x3xf32>) -> tensor<2x3xf32>
  %1 = nn.slice %x offsets [2, 0] sizes [4, 3] strides [1, 1] : (tensor<6x3xf32>) -> tensor<4x3xf32>
  %2 = nn.concat %0, %1 axis 0 : (tensor<2x3xf32>, tensor<4x3xf32>) -> tensor<6x3xf32>
  %3 = nn.concat %1, %0 axis 0 : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<6x3xf32>
  return %2, %3 : tensor<6x3xf32>, tensor<6x3xf32>
}

// -----

// Division by a power of two is a product, which is exact; by another number it stays.
// CHECK-LABEL: func.func @division
// CHECK-DAG: %[[T:.*]] = nn.constant dense<4.000000e+00>
// CHECK-DAG: nn.mul %{{.*}}, %[[T]]
// CHECK-DAG: nn.div
func.func @division(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %q = nn.constant dense<0.25> : tensor<3xf32>
  %t = nn.constant dense<3.0> : tensor<3xf32>
  %0 = nn.div %x, %q : tensor<3xf32>
  %1 = nn.div %x, %t : tensor<3xf32>
  return %0, %1 : tensor<3xf32>, tensor<3xf32>
}

// -----

// A mask that went through numbers is the mask; the same test of other numbers stays.
// CHECK-LABEL: func.func @masks
// CHECK-SAME: %[[M:.*]]: tensor<3xi1>, %[[X:.*]]: tensor<3xf32>
// CHECK: %[[C:.*]] = nn.compare eq %[[X]]
// CHECK: return %[[M]], %[[C]]
func.func @masks(%m: tensor<3xi1>, %x: tensor<3xf32>) -> (tensor<3xi1>, tensor<3xi1>) {
  %one = nn.constant dense<1.0> : tensor<3xf32>
  %0 = nn.convert %m : tensor<3xi1> -> tensor<3xf32>
  %1 = nn.compare eq %0, %one : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %2 = nn.compare eq %x, %one : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  return %1, %2 : tensor<3xi1>, tensor<3xi1>
}

// -----

// An axis that is added to be spread is spread at once; a reshape that regroups stays.
// CHECK-LABEL: func.func @added_axes
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<2x3xf32>
// CHECK-DAG: nn.broadcast %[[X]] dimensions [0] : tensor<4xf32> -> tensor<4x5xf32>
// CHECK-DAG: %[[R:.*]] = nn.reshape %[[Y]] : tensor<2x3xf32> -> tensor<6xf32>
// CHECK-DAG: nn.broadcast %[[R]]
func.func @added_axes(%x: tensor<4xf32>, %y: tensor<2x3xf32>) -> (tensor<4x5xf32>, tensor<4x6xf32>) {
  %0 = nn.reshape %x : tensor<4xf32> -> tensor<4x1xf32>
  %1 = nn.broadcast %0 dimensions [0, 1] : tensor<4x1xf32> -> tensor<4x5xf32>
  %2 = nn.reshape %y : tensor<2x3xf32> -> tensor<6xf32>
  %3 = nn.broadcast %2 dimensions [1] : tensor<6xf32> -> tensor<4x6xf32>
  return %1, %3 : tensor<4x5xf32>, tensor<4x6xf32>
}
