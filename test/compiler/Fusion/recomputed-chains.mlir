// What is asked for several times at other places is stored when the chain that leads to it costs more than that, though no single
// operation of it does; a short chain is computed again.
// RUN: xfer-opt %s -nn-fuse -split-input-file | FileCheck %s

// The second pass of a smoothing over five places: the first pass is a kernel of its own.
// CHECK-LABEL: func.func @two_passes
// CHECK-COUNT-2: nn.kernel loop
// CHECK-NOT: nn.kernel
func.func @two_passes(%x: tensor<64x640xf32>, %i: tensor<64xi32>, %j: tensor<64xi32>, %k: tensor<64xi32>) -> tensor<64x640xf32> {
  %a0 = nn.gather %x, %i axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %a1 = nn.gather %x, %j axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %a2 = nn.gather %x, %k axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %a3 = nn.add %a0, %a1 : tensor<64x640xf32>
  %a4 = nn.add %a3, %a2 : tensor<64x640xf32>
  %b0 = nn.gather %a4, %i axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b1 = nn.gather %a4, %j axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b2 = nn.gather %a4, %k axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b3 = nn.add %b0, %b1 : tensor<64x640xf32>
  %b4 = nn.add %b3, %b2 : tensor<64x640xf32>
  return %b4 : tensor<64x640xf32>
}

// -----

// A sum and a product are made three times.
// CHECK-LABEL: func.func @short_chain
// CHECK: nn.kernel loop
// CHECK-NOT: nn.kernel
func.func @short_chain(%x: tensor<64x640xf32>, %i: tensor<64xi32>, %j: tensor<64xi32>, %k: tensor<64xi32>) -> tensor<64x640xf32> {
  %a0 = nn.add %x, %x : tensor<64x640xf32>
  %a1 = nn.mul %a0, %x : tensor<64x640xf32>
  %b0 = nn.gather %a1, %i axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b1 = nn.gather %a1, %j axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b2 = nn.gather %a1, %k axis 0 batch 0 : (tensor<64x640xf32>, tensor<64xi32>) -> tensor<64x640xf32>
  %b3 = nn.add %b0, %b1 : tensor<64x640xf32>
  %b4 = nn.add %b3, %b2 : tensor<64x640xf32>
  return %b4 : tensor<64x640xf32>
}
