// Loops of a function: a carry that is updated in place and stacked, carries that change places, an early end.
// RUN: xferc build %s -o %t && %t train --out %t.run --overwrite
// RUN: tail -c 100 %t.run/weights.safetensors | od -An -t f4 -w4 -v | tr -d ' ' | tr '\n' ' ' | FileCheck %s
// RUN: xferc build %s --disable reuse,simplify,fuse -o %t.plain && %t.plain train --out %t.run --overwrite
// RUN: tail -c 100 %t.run/weights.safetensors | od -An -t f4 -w4 -v | tr -d ' ' | tr '\n' ' ' | FileCheck %s

// a: (0 + 1) (1 + 2) (2 + 3); b: its value after each step; c: (1, 2) after three exchanges; d, e: doubled while i < 2.
// CHECK: 15 15 15 15 1 1 1 1 3 3 3 3 15 15 15 15 2 1 4 2 4 0 0 0
module attributes {xfer.program = "loop"} {
  xfer.parameter "a" : tensor<4xf32>
  xfer.parameter "b" : tensor<3x4xf32>
  xfer.parameter "c" : tensor<2xf32>
  xfer.parameter "d" : tensor<1xf32>
  xfer.parameter "e" : tensor<5xf32>
  func.func @init() -> (tensor<4xf32> {xfer.bind = #xfer.bind<param, "a">},
                        tensor<3x4xf32> {xfer.bind = #xfer.bind<param, "b">},
                        tensor<2xf32> {xfer.bind = #xfer.bind<param, "c">},
                        tensor<1xf32> {xfer.bind = #xfer.bind<param, "d">},
                        tensor<5xf32> {xfer.bind = #xfer.bind<param, "e">}) {
    %one = nn.constant dense<1.0> : tensor<4xf32>
    %x = nn.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
    %w, %rows = nn.loop count 3 carries(%one : tensor<4xf32>) scanned(%x : tensor<3xf32>)
        -> tensor<4xf32>, tensor<3x4xf32> {
    ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<f32>):
      %f = nn.convert %i : tensor<i32> -> tensor<f32>
      %s = nn.add %f, %p : tensor<f32>
      %b = nn.broadcast %s dimensions [] : tensor<f32> -> tensor<4xf32>
      %n = nn.mul %c, %b : tensor<4xf32>
      nn.yield %n, %n : tensor<4xf32>, tensor<4xf32>
    }
    %y = nn.constant dense<1.0> : tensor<f32>
    %z = nn.constant dense<2.0> : tensor<f32>
    %u, %v = nn.loop count 3 carries(%y, %z : tensor<f32>, tensor<f32>) -> tensor<f32>, tensor<f32> {
    ^body(%i: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>):
      nn.yield %d, %c : tensor<f32>, tensor<f32>
    }
    %u1 = nn.reshape %u : tensor<f32> -> tensor<1xf32>
    %v1 = nn.reshape %v : tensor<f32> -> tensor<1xf32>
    %uv = nn.concat %u1, %v1 axis 0 : (tensor<1xf32>, tensor<1xf32>) -> tensor<2xf32>
    %start = nn.constant dense<1.0> : tensor<1xf32>
    %d, %e = nn.loop count 5 carries(%start : tensor<1xf32>) conditional -> tensor<1xf32>, tensor<5x1xf32> {
    ^body(%i: tensor<i32>, %c: tensor<1xf32>):
      %n = nn.add %c, %c : tensor<1xf32>
      %two = nn.constant dense<2> : tensor<i32>
      %go = nn.compare lt %i, %two : (tensor<i32>, tensor<i32>) -> tensor<i1>
      nn.yield %n, %n, %go : tensor<1xf32>, tensor<1xf32>, tensor<i1>
    }
    %e1 = nn.reshape %e : tensor<5x1xf32> -> tensor<5xf32>
    return %w, %rows, %uv, %d, %e1 : tensor<4xf32>, tensor<3x4xf32>, tensor<2xf32>, tensor<1xf32>, tensor<5xf32>
  }
  xfer.pass "init" at "init" function @init
}
