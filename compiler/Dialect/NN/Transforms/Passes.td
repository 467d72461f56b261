//===- Passes.td - passes of the nn dialect ---------------------------------------------------------------------===//
#ifndef XFER_NN_PASSES_TD
#define XFER_NN_PASSES_TD

include "mlir/Pass/PassBase.td"

def BatchPass : Pass<"nn-batch", "::mlir::func::FuncOp"> {
  let summary = "Replace nn.each by operations on all samples at once";
  let description = [{
    Before: a function of nn operations. After: no `nn.each` is left, save those whose body holds an `nn.gradient`:
    run the pass again after `nn-autodiff`. Each operation of a body is replaced by one that works along a new first
    axis; what does not depend on the sample is computed once.

    ```mlir
    %r = nn.each mapped(%x : tensor<8x4xf32>) -> tensor<8xf32> { ... nn.reduce sum %p axes [0] ... }
    // becomes
    %r = nn.reduce sum %x axes [1] : (tensor<8x4xf32>) -> tensor<8xf32>
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

def EraseMeaningPass : Pass<"nn-erase-meaning", "::mlir::func::FuncOp"> {
  let summary = "Strip meanings from tensor types";
  let description = [{
    Before: types may carry `#nn.meaning`. After: they carry nothing but the symbols of dynamic extents, and
    `nn.annotate` is gone. Tags, domains and rights have been checked by then; without them equal shapes have equal
    types, so that folding and common subexpressions see through.

    ```mlir
    %r = nn.exp %x : tensor<4xf32, #nn.meaning<domains = ["usps"]>>
    // becomes
    %r = nn.exp %x : tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

def SingleReplicaPass : Pass<"nn-single-replica", "::mlir::func::FuncOp"> {
  let summary = "Let one replica keep the gradients that it has";
  let description = [{
    Before: gradients pass an `nn.all_reduce` on their way to the update. After: none is left; the mean over one replica
    is the value itself.

    ```mlir
    %r = nn.all_reduce %g : tensor<4xf32>
    %p = nn.sub %w, %r : tensor<4xf32>
    // becomes
    %p = nn.sub %w, %g : tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

#endif // XFER_NN_PASSES_TD
