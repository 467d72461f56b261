// Every stage of a program that is given as IR can be printed; the parameter is updated where it lies.
// RUN: xferc build %s --emit=hoist | FileCheck %s --check-prefix=HOIST
// RUN: xferc build %s --emit=kernels | FileCheck %s --check-prefix=KERNELS
// RUN: xferc build %s --emit=memory | FileCheck %s --check-prefix=MEMORY
// RUN: xferc build %s --emit=rt | FileCheck %s --check-prefix=RT
// RUN: xferc build %s --emit=llvm | FileCheck %s --check-prefix=LLVM
// RUN: xferc build %s --emit=asm --target-cpu x86-64-v3 | FileCheck %s --check-prefix=ASM
// RUN: xferc build %s --emit=obj --target-cpu aarch64 -o %t.o && llvm-readobj --file-headers %t.o | FileCheck %s --check-prefix=ARM

module attributes {xfer.program = "line"} {
  xfer.option "lr" : float = 1.000000e-02 : f64
  xfer.parameter "w" : tensor<64xf32> value dense<1.0> : tensor<64xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [64]>] reads [#xfer.read<"", "npz", {x = "x.npy"}>]
  func.func @step(%w: tensor<64xf32> {xfer.bind = #xfer.bind<param, "w">},
                  %x: tensor<8x64xf32> {xfer.bind = #xfer.bind<batch, "d.x">},
                  %lr: tensor<f32> {xfer.bind = #xfer.bind<option, "lr">})
      -> (tensor<64xf32> {xfer.bind = #xfer.bind<param, "w">}, tensor<f32> {xfer.bind = #xfer.bind<watch, "loss">}) {
    %b = nn.broadcast %w dimensions [1] : tensor<64xf32> -> tensor<8x64xf32>
    %p = nn.mul %b, %x : tensor<8x64xf32>
    %loss = nn.reduce sum %p axes [0, 1] : (tensor<8x64xf32>) -> tensor<f32>
    %g = nn.gradient %loss wrt %w : (tensor<f32>, tensor<64xf32>) -> tensor<64xf32>
    %n = nn.neg %lr : tensor<f32>
    %r = nn.broadcast %n dimensions [] : tensor<f32> -> tensor<64xf32>
    %d = nn.mul %g, %r : tensor<64xf32>
    %u = nn.add %w, %d : tensor<64xf32>
    return %u, %loss : tensor<64xf32>, tensor<f32>
  }
  xfer.stage "s" sources [#xfer.source<"d", domain = "d", split = "all", batch = 8>] phases [#xfer.phase<@step>]
    epochs 2 : i64 watch ["loss"]
  xfer.run stage "s"
}

// HOIST-LABEL: func.func @step(
// HOIST-SAME: #xfer.bind<hoisted, "step.0">
// HOIST-NOT: nn.neg
// HOIST-LABEL: func.func @step.launch
// HOIST: nn.neg
// HOIST: xfer.pass "step.launch" at "launch" function @step.launch

// KERNELS-LABEL: func.func @step(
// KERNELS: nn.kernel loop

// MEMORY: function step:
// MEMORY-NEXT: result 0 in place of argument 0

// RT-LABEL: func.func private @function.step
// RT: rt.buffer
// RT: rt.parallel @kernel

// LLVM: @xfer_program = {{.*}}constant
// LLVM: define hidden {{.*}}i32 @function.step

// ASM: vmovups
// ARM: Arch: aarch64
