//===- Passes.td - passes that form kernels ---------------------------------------------------------------------===//
#ifndef XFER_FUSION_PASSES_TD
#define XFER_FUSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseKernels : Pass<"nn-fuse"> {
  let summary = "Form kernels: decide which values get memory";
  let description = [{
    Before: functions of pure nn operations without `nn.gradient`, `nn.each`, `nn.custom`.

    Every operation that computes something becomes part of an `nn.kernel`; cheap producers (constants, counters,
    broadcasts) are copied into each kernel that reads them. What stays outside is `nn.reshape` (the same memory under
    another type), `nn.constant` (data of the program), `nn.loop` (its body is treated alike), `nn.reverse` of what loops
    scan (they walk backwards), and kernels of the kind `library`, one operation each.

    After: no operation of the nn dialect stands outside kernels but those. Each kernel of the kind `contraction` holds
    one contraction or convolution, each of the kind `loop` has a form (KernelForm.h).

    Modes: `full` fuses whatever saves memory traffic; `none` gives each operation a kernel of its own.

    Example, `nn-fuse`: no intermediate of the sigmoid is stored.
    ```mlir
    func.func @sigmoid(%x: tensor<9xf32>) -> tensor<9xf32> {
      %one = nn.constant dense<1.0> : tensor<9xf32>
      %n = nn.neg %x : tensor<9xf32>
      %e = nn.exp %n : tensor<9xf32>
      %d = nn.add %e, %one : tensor<9xf32>
      %s = nn.div %one, %d : tensor<9xf32>
      return %s : tensor<9xf32>
    }
    ```
  }];
  let options = [
    Option<"mode", "mode", "std::string", /*default=*/"\"full\"", "full or none">
  ];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

#endif // XFER_FUSION_PASSES_TD
