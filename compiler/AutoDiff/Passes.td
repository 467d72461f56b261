//===- Passes.td - passes of the AutoDiff room ------------------------------------------------------------------===//
#ifndef XFER_AUTODIFF_PASSES_TD
#define XFER_AUTODIFF_PASSES_TD

include "mlir/Pass/PassBase.td"

def AutoDiffPass : Pass<"nn-autodiff", "::mlir::func::FuncOp"> {
  let summary = "Expand every nn.gradient into operations of the dialect";
  let description = [{
    Before: a function of nn operations. After: no `nn.gradient`, `nn.stop_gradient`, `nn.scale_gradient` or `nn.custom`
    is left; what they meant is written out in nn operations, and operations that nothing reads are gone.

    Gradients are expanded in program order, inner regions first, so that a gradient of a gradient meets plain
    operations. Only what lies on a differentiable path from a `wrt` value to the loss gets backward code. The backward
    loop of a loop computes the steps again, but for their products, which the forward loop stacks (`keep-products`).

    ```mlir
    %g = nn.gradient %loss wrt %x : ...      // where %loss is the sum of exp(%x)
    // becomes
    %g = nn.exp %x : ...
    ```
  }];
  let options = [
    Option<"keepProducts", "keep-products", "bool", /*default=*/"true", "keep matrix products of loops for backwards">
  ];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

#endif // XFER_AUTODIFF_PASSES_TD
