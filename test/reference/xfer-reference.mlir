// The tool prints each result with its type; the same seed gives the same inputs.
// RUN: xfer-reference %s --function=first | FileCheck %s --check-prefix=FIRST
// RUN: xfer-reference %s --function=second --seed=3 > %t.a
// RUN: xfer-reference %s --function=second --seed=3 | diff %t.a -
// RUN: not xfer-reference %s --function=third 2>&1 | FileCheck %s --check-prefix=MISSING

// FIRST: result 0: tensor<2x3xi32>
// FIRST-NEXT: {{^}}0 1 2
// FIRST-NEXT: {{^}}0 1 2
func.func @first() -> tensor<2x3xi32> {
  %0 = nn.iota axis 1 : tensor<2x3xi32>
  return %0 : tensor<2x3xi32>
}

func.func @second(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.exp %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// MISSING: no function 'third'
