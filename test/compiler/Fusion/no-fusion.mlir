// What must not share a kernel, or is not worth it.
// RUN: xfer-opt %s -canonicalize -cse -nn-fuse -split-input-file | FileCheck %s

// A second use that the consumer waits for: the activation is needed by the product whose epilogue reads it again.
// CHECK-LABEL: func.func @second_use(
// CHECK: %[[Y:.*]] = nn.kernel loop({{.*}}) -> tensor<64x64xf32>
// CHECK: nn.tanh
// CHECK: %[[Z:.*]] = nn.kernel contraction(%[[Y]], {{.*}}) -> tensor<64x64xf32>
// CHECK: nn.contract
// CHECK: nn.add
// CHECK-NOT: nn.kernel
// CHECK: return %[[Z]]
func.func @second_use(%x: tensor<64x64xf32>, %w: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %y = nn.tanh %x : tensor<64x64xf32>
  %c = nn.contract %y, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %z = nn.add %c, %y : tensor<64x64xf32>
  return %z : tensor<64x64xf32>
}

// -----

// An expensive function of a vector is not computed again for every row that it is added to.
// CHECK-LABEL: func.func @expensive_vector(
// CHECK: %[[E:.*]] = nn.kernel loop({{.*}}) -> tensor<512xf32>
// CHECK: nn.exp
// CHECK: nn.kernel loop({{.*}}%[[E]]{{.*}}) -> tensor<4096x512xf32>
// CHECK-NOT: nn.exp
// CHECK: return
func.func @expensive_vector(%x: tensor<4096x512xf32>, %v: tensor<512xf32>) -> tensor<4096x512xf32> {
  %e = nn.exp %v : tensor<512xf32>
  %b = nn.broadcast %e dimensions [1] : tensor<512xf32> -> tensor<4096x512xf32>
  %r = nn.add %x, %b : tensor<4096x512xf32>
  return %r : tensor<4096x512xf32>
}

// -----

// A cheap one is.
// CHECK-LABEL: func.func @cheap_vector(
// CHECK: nn.kernel loop({{.*}}) -> tensor<4096x512xf32>
// CHECK-NOT: nn.kernel
// CHECK: return
func.func @cheap_vector(%x: tensor<4096x512xf32>, %v: tensor<4096xf32>) -> tensor<4096x512xf32> {
  %e = nn.exp %v : tensor<4096xf32>
  %b = nn.broadcast %e dimensions [0] : tensor<4096xf32> -> tensor<4096x512xf32>
  %r = nn.add %x, %b : tensor<4096x512xf32>
  return %r : tensor<4096x512xf32>
}

// -----

// So is an expensive one that does not vary along the rows that are added up.
// CHECK-LABEL: func.func @summed_vector(
// CHECK: nn.kernel loop({{.*}}) -> tensor<512xf32>
// CHECK-NOT: nn.kernel
// CHECK: return
func.func @summed_vector(%x: tensor<4096x512xf32>, %v: tensor<512xf32>) -> tensor<512xf32> {
  %e = nn.exp %v : tensor<512xf32>
  %b = nn.broadcast %e dimensions [1] : tensor<512xf32> -> tensor<4096x512xf32>
  %d = nn.sub %x, %b : tensor<4096x512xf32>
  %q = nn.mul %d, %d : tensor<4096x512xf32>
  %r = nn.reduce sum %q axes [0] : (tensor<4096x512xf32>) -> tensor<512xf32>
  return %r : tensor<512xf32>
}

// -----

// The sums of long columns are not found while the columns are worked on: that would leave one core with all of it.
// CHECK-LABEL: func.func @column_sums(
// CHECK: %[[S:.*]] = nn.kernel loop({{.*}}) -> tensor<32xf32>
// CHECK: nn.kernel loop({{.*}}) -> tensor<65536x32xf32>
func.func @column_sums(%x: tensor<65536x32xf32>) -> tensor<65536x32xf32> {
  %s = nn.reduce sum %x axes [0] : (tensor<65536x32xf32>) -> tensor<32xf32>
  %b = nn.broadcast %s dimensions [1] : tensor<32xf32> -> tensor<65536x32xf32>
  %r = nn.sub %x, %b : tensor<65536x32xf32>
  return %r : tensor<65536x32xf32>
}

// -----

// A sum over rows that is used for columns is no value of the row at hand.
// CHECK-LABEL: func.func @transposed_use(
// CHECK: nn.kernel loop({{.*}}) -> tensor<64xf32>
// CHECK: nn.kernel loop({{.*}}) -> tensor<64x64xf32>
func.func @transposed_use(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %s = nn.reduce sum %x axes [1] : (tensor<64x64xf32>) -> tensor<64xf32>
  %b = nn.broadcast %s dimensions [1] : tensor<64xf32> -> tensor<64x64xf32>
  %r = nn.sub %x, %b : tensor<64x64xf32>
  return %r : tensor<64x64xf32>
}

// -----

// An update of parameters with moments is no epilogue of the product that gives their gradient.
// CHECK-LABEL: func.func @update(
// CHECK: nn.kernel contraction({{.*}}) -> tensor<64x64xf32>
// CHECK-NOT: nn.mul
// CHECK: nn.kernel loop({{.*}}) -> tensor<64x64xf32>, tensor<64x64xf32>
func.func @update(%x: tensor<64x64xf32>, %d: tensor<64x64xf32>, %p: tensor<64x64xf32>, %m: tensor<64x64xf32>)
    -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %momentum = nn.constant dense<0.9> : tensor<64x64xf32>
  %g = nn.contract %x, %d lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32
       : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %s = nn.mul %m, %momentum : tensor<64x64xf32>
  %v = nn.add %s, %g : tensor<64x64xf32>
  %q = nn.sub %p, %v : tensor<64x64xf32>
  return %q, %v : tensor<64x64xf32>, tensor<64x64xf32>
}

// -----

// What two kernels read and neither can hold is stored once.
// CHECK-LABEL: func.func @stored_once(
// CHECK: %[[A:.*]] = nn.kernel loop({{.*}}) -> tensor<64x64xf32>
// CHECK: nn.add
// CHECK-DAG: nn.kernel contraction(%[[A]], {{.*}})
// CHECK-DAG: nn.kernel contraction({{.*}}, %[[A]] :
// CHECK-NOT: nn.add
// CHECK: return
func.func @stored_once(%x: tensor<64x64xf32>, %y: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %a = nn.add %x, %y : tensor<64x64xf32>
  %p = nn.contract %a, %x lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %q = nn.contract %y, %a lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
       : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %p, %q : tensor<64x64xf32>, tensor<64x64xf32>
}

// -----

// Halves that are put together again are the whole.
// CHECK-LABEL: func.func @halves(
// CHECK-NOT: nn.concat
// CHECK: return
func.func @halves(%x: tensor<8x4xf32>) -> (tensor<4x4xf32>, tensor<8x4xf32>) {
  %a = nn.slice %x offsets [0, 0] sizes [4, 4] strides [1, 1] : (tensor<8x4xf32>) -> tensor<4x4xf32>
  %b = nn.slice %x offsets [4, 0] sizes [4, 4] strides [1, 1] : (tensor<8x4xf32>) -> tensor<4x4xf32>
  %n = nn.neg %a : tensor<4x4xf32>
  %c = nn.concat %a, %b axis 0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %t = nn.tanh %c : tensor<8x4xf32>
  return %n, %t : tensor<4x4xf32>, tensor<8x4xf32>
}
