// What a stage needs at its peak, and `memory` as its limit.
// RUN: xferc build %s --disable=stream --emit=memory | FileCheck %s --check-prefix=PEAK
// RUN: sed 's/memory 20000/memory 3072/' %s > %t.mlir
// RUN: not xferc build %t.mlir --disable=stream -o %t.exe 2>&1 | FileCheck %s --check-prefix=SMALL
// RUN: not ls %t.exe
// RUN: sed 's/memory 20000/memory 4864/' %s > %t.mlir && xferc build %t.mlir --disable=stream --emit=obj -o %t.o
// RUN: sed 's/memory 20000/memory 4863/' %s > %t.mlir && not xferc build %t.mlir --disable=stream --emit=obj -o %t.o 2>&1 | FileCheck %s --check-prefix=ONE
// RUN: xferc build %s --emit=memory | FileCheck %s --check-prefix=SUMS

// Values: w and m with 256 bytes each, and m of another stage: the runtime holds all of them.
// Copies: w and m, not the state of the other stage.
// Buffers: of the step a batch (2048), a figure (64), and a second m, because the first is read after it was replaced
// (256); of the pass a batch of 4 (1024) and its sums (64), the sums of all samples, and the output (64).
// PEAK-LABEL: stage s: 4864 + 4 * size(d.all) bytes at its peak
// PEAK-NEXT: parameters, states and values computed ahead: 768
// PEAK-NEXT: copies for 'keep': 512
// PEAK-NEXT: batches, results and rows: 3520 + 4 * size(d.all)
// PEAK-NEXT: arena of keep.whole: 64
// Two sweeps around it: before and best of the outer one, before of the inner one, which has one point: 3 of 768.
// PEAK-LABEL: stage t: 5440 bytes at its peak
// PEAK-NEXT: parameters, states and values computed ahead: 768
// PEAK-NEXT: copies for 'sweep': 2304
// PEAK-NEXT: batches, results and rows: 2368
// PEAK-NEXT: arena of step: 0

// Where sums are streamed: of the pass a batch of 4 (1024), their sums, the total, what the pass takes (64 each), and the output (64).
// SUMS-LABEL: stage s: 4928 bytes at its peak
// SUMS: batches, results and rows: 3648

// SMALL: here.xfer:7:3: error: stage 's' needs 0.01 MiB of memory, more than the 0.00 MiB that 'memory' allows it; take smaller batches or allow more
// SMALL-NEXT: here.xfer:7:3: note: {{.*}} for parameters, states and values computed ahead
// ONE: error: stage 's' needs
module attributes {xfer.program = "line"} {
  xfer.parameter "w" : tensor<64xf32> value dense<1.0> : tensor<64xf32>
  xfer.state "m" : tensor<64xf32> owner "stage:s" value dense<0.0> : tensor<64xf32>
  xfer.state "n" : tensor<64xf32> owner "stage:t" value dense<0.0> : tensor<64xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [64]>] reads [#xfer.read<"", "npz", {x = "x.npy"}>]
  func.func @step(%w: tensor<64xf32> {xfer.bind = #xfer.bind<param, "w">},
                  %m: tensor<64xf32> {xfer.bind = #xfer.bind<state, "m">},
                  %x: tensor<8x64xf32> {xfer.bind = #xfer.bind<batch, "d.x">})
      -> (tensor<64xf32> {xfer.bind = #xfer.bind<param, "w">}, tensor<64xf32> {xfer.bind = #xfer.bind<state, "m">},
          tensor<f32> {xfer.bind = #xfer.bind<watch, "loss">}) {
    %b = nn.broadcast %w dimensions [1] : tensor<64xf32> -> tensor<8x64xf32>
    %p = nn.mul %b, %x : tensor<8x64xf32>
    %loss = nn.reduce sum %p axes [0, 1] : (tensor<8x64xf32>) -> tensor<f32>
    %g = nn.gradient %loss wrt %w : (tensor<f32>, tensor<64xf32>) -> tensor<64xf32>
    %n = nn.add %m, %g : tensor<64xf32>
    %u = nn.sub %w, %n : tensor<64xf32>
    return %u, %n, %loss : tensor<64xf32>, tensor<64xf32>, tensor<f32>
  }
  func.func @keep(%w: tensor<64xf32> {xfer.bind = #xfer.bind<param, "w">},
                  %x: tensor<?x64xf32, #nn.meaning<symbols = ["d.all", ""]>> {xfer.bind = #xfer.bind<batch, "d.x">})
      -> (tensor<f32> {xfer.bind = #xfer.bind<output, "value">}) {
    %e = nn.reduce sum %x axes [1] : (tensor<?x64xf32, #nn.meaning<symbols = ["d.all", ""]>>) -> tensor<?xf32, #nn.meaning<symbols = ["d.all"]>>
    %r = nn.reduce sum %e axes [0] : (tensor<?xf32, #nn.meaning<symbols = ["d.all"]>>) -> tensor<f32>
    %q = nn.reduce sum %w axes [0] : (tensor<64xf32>) -> tensor<f32>
    %s = nn.mul %q, %r : tensor<f32>
    return %s : tensor<f32>
  }
  xfer.pass "keep" sources [#xfer.source<"d", domain = "d", split = "all", batch = 4>] function @keep
  xfer.stage "s" sources [#xfer.source<"d", domain = "d", split = "all", batch = 8>] phases [#xfer.phase<@step>]
    epochs 2 : i64 keep #xfer.keep<"best" by = <"keep", "value">> watch ["loss"] memory 20000
    loc(fused["here.xfer":1:1, "here.xfer":7:3])
  xfer.stage "t" sources [#xfer.source<"d", domain = "d", split = "all", batch = 8>] phases [#xfer.phase<@step>]
    epochs 2 : i64 watch ["loss"]
  xfer.run stage "s"
  xfer.option "lr" : float = 1.0e-01 : f64
  xfer.option "on" : bool = true
  xfer.sweep [#xfer.axis<"lr", [0.1, 0.2]>] keep #xfer.keep<"best" by = <"keep", "value">> {
    xfer.sweep [#xfer.axis<"on", [1]>] keep #xfer.keep<"best" by = <"keep", "value">> {
      xfer.run stage "t"
    }
  }
}
