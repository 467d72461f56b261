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

def MarkVariablesPass : Pass<"nn-mark-variables", "::mlir::func::FuncOp"> {
  let summary = "Keep simplifications away from what gradients are taken with respect to";
  let description = [{
    Before: a function of nn operations. After: each value that an `nn.gradient` is taken with respect to, but for the
    function's arguments, is read through an `nn.custom` that is the identity for values and derivatives. No rewrite
    looks through it, and a number (`nn.variable`) keeps it from being merged with another; `nn-autodiff` removes it.

    A gradient counts what is computed from that very value. A simplification could take away what the loss reads of it,
    or put it in the place of an equal one:
    ```mlir
    %a = nn.slice %y ..
    %l = .. nn.concat %a, %b ..      // %y, when simplified: the gradient would be zero
    %g = nn.gradient %l wrt %a
    // becomes
    %a = nn.slice %y ..
    %v = nn.custom(%a ..) attributes {nn.variable = 0} -> .. forward { nn.yield %x } vjp { nn.yield %g }
    %l = .. nn.concat %v, %b ..
    %g = nn.gradient %l wrt %v
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

def HoistProductsPass : Pass<"nn-hoist-products", "::mlir::func::FuncOp"> {
  let summary = "Multiply all scanned values at once, before the loop";
  let description = [{
    Before: a loop may contract a scanned value with an invariant, step by step. After: none does that makes all of its
    steps; it scans the products. Before differentiation, so that the derivatives are products of all steps too.

    ```mlir
    nn.loop .. scanned(%x : tensor<7x8x4xf32>) invariants(%w : tensor<4x5xf32>) { .. nn.contract %xt, %w .. }
    // becomes
    %p = nn.contract %x, %w .. -> tensor<7x8x5xf32>
    nn.loop .. scanned(%p : tensor<7x8x5xf32>) { .. }
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

def OnePassVariancePass : Pass<"nn-one-pass-variance"> {
  let summary = "Find a mean and the squares about it in one pass";
  let description = [{
    Before: operations after differentiation; `sum((x - broadcast(mean(x)))^2)` over axes behind which `x` has others (the
    statistics of channels) waits for the mean, so that `x` is read twice.

    Sums are taken of `d = x - s`, where `s` is the median of three elements of each sum. With `N` elements in a sum, the
    mean is `s + sum(d) / N` and the sum of squares `sum(d^2) - sum(d)^2 / N`, at least 0. What the difference can lose
    is bounded by how far `s` is from the mean, not by the mean (Rationale.md).

    After: neither sum waits for the other; all uses of the mean have the new one. Reductions of whole rows (layer norm)
    stay as they are: a row is read again from the cache.

    Example, `nn-one-pass-variance`:
    ```mlir
    func.func @squares(%x: tensor<8x3xf32>) -> tensor<3xf32> {
      %eighth = nn.constant dense<0.125> : tensor<3xf32>
      %sum = nn.reduce sum %x axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
      %mean = nn.mul %sum, %eighth : tensor<3xf32>
      %wide = nn.broadcast %mean dimensions [1] : tensor<3xf32> -> tensor<8x3xf32>
      %d = nn.sub %x, %wide : tensor<8x3xf32>
      %q = nn.mul %d, %d : tensor<8x3xf32>
      %squares = nn.reduce sum %q axes [0] : (tensor<8x3xf32>) -> tensor<3xf32>
      return %squares : tensor<3xf32>
    }
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

#endif // XFER_NN_PASSES_TD
