// Everything but the symbols of dynamic extents goes, in signatures, bodies and constants.
// RUN: xfer-opt %s -nn-erase-meaning | FileCheck %s

#u = #nn.meaning<domains = ["usps"], hidden>
#s = #nn.meaning<tag = logits, domains = ["usps"], symbols = ["usps.test", ""]>

// CHECK-LABEL: func.func @f(
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>, %[[Y:.*]]: tensor<?x4xf32, #nn.meaning<symbols = ["usps.test", ""]>>) -> (tensor<4xf32>, tensor<?x4xf32, #nn.meaning<symbols = ["usps.test", ""]>>)
func.func @f(%x: tensor<4xf32, #u>, %y: tensor<?x4xf32, #s>) -> (tensor<4xf32, #u>, tensor<?x4xf32, #s>) {
  // CHECK-NEXT: nn.constant dense<1.000000e+00> : tensor<4xf32>
  %c = nn.constant dense<1.0> : tensor<4xf32, #u>
  // CHECK-NEXT: %[[A:.*]] = nn.add %[[X]], %{{.*}} : tensor<4xf32>
  %0 = nn.add %x, %c : tensor<4xf32, #u>
  // CHECK-NOT: nn.annotate
  %1 = nn.annotate %0 : tensor<4xf32, #u> -> tensor<4xf32>
  // CHECK-NEXT: nn.loop count 2 carries(%[[A]] : tensor<4xf32>) -> tensor<4xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %{{.*}}: tensor<4xf32>):
  %2 = nn.loop count 2 carries(%0 : tensor<4xf32, #u>) -> tensor<4xf32, #u> {
  ^body(%i: tensor<i32>, %a: tensor<4xf32, #u>):
    nn.yield %a : tensor<4xf32, #u>
  }
  %3 = nn.add %1, %2 : (tensor<4xf32>, tensor<4xf32, #u>) -> tensor<4xf32, #u>
  return %3, %y : tensor<4xf32, #u>, tensor<?x4xf32, #s>
}
