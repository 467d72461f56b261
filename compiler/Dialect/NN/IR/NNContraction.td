//===- NNContraction.td - contractions, convolutions, windows, linear algebra -----------------------------------===//
#ifndef XFER_NN_CONTRACTION_TD
#define XFER_NN_CONTRACTION_TD

include "compiler/Dialect/NN/IR/NNBase.td"

def NN_ContractOp : NN_InferredOp<"contract"> {
  let summary = "Products of elements, summed over contracted axes";
  let description = [{
    `result[batch, i, j] = sum over k of a[batch, i, k] * b[batch, j, k]`, with the axes of each group named by number.
    The result's axes are the batch axes in the order of `lhs_batch`, the free axes of `a`, then those of `b`, each in
    their own order. Sums are kept in the type `accumulator` and rounded once to the operands' type.

    Constraints: (C1) the axes named of one operand are different axes of it; (C2) as many batch and as many contracted
    axes on both sides, with equal extents in order; (C3) same element type; (C4) the accumulator is a number type at
    least as wide.

    Example, a matrix product:
    ```mlir
    %r = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
         : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    ```
  }];
  let arguments = (ins NN_Number:$a, NN_Number:$b, DenseI64ArrayAttr:$lhs_batch, DenseI64ArrayAttr:$rhs_batch,
                       DenseI64ArrayAttr:$lhs_contract, DenseI64ArrayAttr:$rhs_contract, TypeAttr:$accumulator);
  let results = (outs NN_Number:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$a, "::mlir::Value":$b, "::llvm::ArrayRef<int64_t>":$lhsBatch,
                                 "::llvm::ArrayRef<int64_t>":$rhsBatch, "::llvm::ArrayRef<int64_t>":$lhsContract,
                                 "::llvm::ArrayRef<int64_t>":$rhsContract)>];
  let assemblyFormat = [{
    $a `,` $b `lhs_batch` $lhs_batch `rhs_batch` $rhs_batch `lhs_contract` $lhs_contract `rhs_contract` $rhs_contract
    `accumulate` $accumulator attr-dict `:` functional-type(operands, results)
  }];
  let own = [{
    /// The axes of `a` (of `b`) that are neither batch nor contracted.
    ::llvm::SmallVector<int64_t> getLhsFree();
    ::llvm::SmallVector<int64_t> getRhsFree();
  }];
  let hasCanonicalizer = 1;
}

// The three directions of a convolution share their attributes: one entry for each spatial axis.
defvar NN_ConvAttributes = (ins DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding_low,
  DenseI64ArrayAttr:$padding_high, DenseI64ArrayAttr:$dilations, I64Attr:$groups);
defvar NN_ConvFormat = [{ `strides` $strides `padding` $padding_low $padding_high `dilations` $dilations
  `groups` $groups attr-dict `:` functional-type(operands, results) }];

def NN_ConvOp : NN_InferredOp<"conv"> {
  let summary = "Convolution of channels-last images with 1 to 3 spatial axes";
  let description = [{
    `x` is [n, spatial.., c], `w` is [kernel.., c / groups, f], the result [n, out.., f] with
    `out = (in + low + high - dilation * (kernel - 1) - 1) / stride + 1`. Output channels `g * f / groups ..` read the
    input channels of group `g` only. (The kernel is not mirrored: a correlation, as in every framework.) Sums are kept
    in f32 or wider.

    Constraints: (C1) equal ranks from 3 to 5; (C2) one stride, padding and dilation for each spatial axis, strides and
    dilations positive, paddings not negative; (C3) groups divide c and f, and c / groups is that of `w`; (C4) the
    kernel fits into the padded input; (C5) same floating-point element type; (C6) static spatial extents and channels.

    Example:
    ```mlir
    %y = nn.conv %x, %w strides [1, 1] padding [1, 1] [1, 1] dilations [1, 1] groups 1
         : (tensor<8x28x28x3xf32>, tensor<3x3x3x16xf32>) -> tensor<8x28x28x16xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$x, NN_Float:$w), NN_ConvAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$x `,` $w ", NN_ConvFormat);
}

def NN_ConvInputGradientOp : NN_Op<"conv_input_gradient"> {
  let summary = "Adjoint of conv in its input: a transposed convolution";
  let description = [{
    The image `dx` for which `<dx, x> = <dy, conv(x, w)>` for every `x`. Its extents are those of the result type.

    Constraints: (C1) a `conv` of the result and `w` with these attributes has the type of `dy`.

    Example:
    ```mlir
    %dx = nn.conv_input_gradient %dy, %w strides [2] padding [0] [0] dilations [1] groups 1
          : (tensor<8x4x16xf32>, tensor<3x3x16xf32>) -> tensor<8x10x3xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$dy, NN_Float:$w), NN_ConvAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$dy `,` $w ", NN_ConvFormat);
  let hasVerifier = 1;
}

def NN_ConvFilterGradientOp : NN_Op<"conv_filter_gradient"> {
  let summary = "Adjoint of conv in its filter";
  let description = [{
    The filter `dw` for which `<dw, w> = <dy, conv(x, w)>` for every `w`. Its extents are those of the result type.

    Constraints: (C1) a `conv` of `x` and the result with these attributes has the type of `dy`.

    Example:
    ```mlir
    %dw = nn.conv_filter_gradient %x, %dy strides [2] padding [0] [0] dilations [1] groups 1
          : (tensor<8x10x3xf32>, tensor<8x4x16xf32>) -> tensor<3x3x16xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$x, NN_Float:$dy), NN_ConvAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$x `,` $dy ", NN_ConvFormat);
  let hasVerifier = 1;
}

// All window operations share their attributes: one entry for each spatial axis of [n, spatial.., c].
defvar NN_WindowAttributes = (ins DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
  DenseI64ArrayAttr:$padding_low, DenseI64ArrayAttr:$padding_high, DenseI64ArrayAttr:$dilations);
defvar NN_WindowFormat = [{ `window` $window `strides` $strides `padding` $padding_low $padding_high
  `dilations` $dilations attr-dict `:` functional-type(operands, results) }];

def NN_WindowMaxOp : NN_InferredOp<"window_max"> {
  let summary = "Largest element of each window, and its place in the window";
  let description = [{
    `x` is [n, spatial.., c]; windows move over the spatial axes, of which there are 1 to 3. Padding is never chosen.
    `index` is the position in the window, row-major; the first of several equal elements wins, and a NaN over numbers.

    Constraints: (C1) one number of each kind for each spatial axis; window, strides and dilations are positive and
    paddings not negative; (C2) the window fits into the padded input; (C3) static spatial extents; (C4) every window meets at least
    one element: paddings are smaller than the dilated window.

    Example:
    ```mlir
    %y, %i = nn.window_max %x window [2, 2] strides [2, 2] padding [0, 0] [0, 0] dilations [1, 1]
             : (tensor<8x28x28x3xf32>) -> (tensor<8x14x14x3xf32>, tensor<8x14x14x3xi32>)
    ```
  }];
  let arguments = !con((ins NN_Float:$x), NN_WindowAttributes);
  let results = (outs NN_Float:$result, NN_Integer:$index);
  let assemblyFormat = !strconcat("$x ", NN_WindowFormat);
  let hasCanonicalizer = 1;
}

def NN_WindowGatherOp : NN_InferredOp<"window_gather"> {
  let summary = "One element of each window, chosen by its place";
  let description = [{
    The element of each window at position `index` (row-major, as `window_max` gives it); 0 where that is padding.

    Constraints: (C1) to (C3) of `window_max`; (C4) `index` has the extents of the windows' grid.

    Example:
    ```mlir
    %y = nn.window_gather %x, %i window [2] strides [2] padding [0] [0] dilations [1]
         : (tensor<8x28x3xf32>, tensor<8x14x3xi32>) -> tensor<8x14x3xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$x, NN_Integer:$index), NN_WindowAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$x `,` $index ", NN_WindowFormat);
}

def NN_WindowScatterOp : NN_Op<"window_scatter"> {
  let summary = "Adjoint of window_gather";
  let description = [{
    Adds each element of `g` to the place of its window that `index` names, in the row-major order of `g`.

    Constraints: (C1) a `window_gather` of the result and `index` has the type of `g`.

    Example:
    ```mlir
    %dx = nn.window_scatter %g, %i window [2] strides [2] padding [0] [0] dilations [1]
          : (tensor<8x14x3xf32>, tensor<8x14x3xi32>) -> tensor<8x28x3xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$g, NN_Integer:$index), NN_WindowAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$g `,` $index ", NN_WindowFormat);
  let hasVerifier = 1;
}

def NN_WindowSumOp : NN_InferredOp<"window_sum"> {
  let summary = "Sum of each window";
  let description = [{
    Padding counts as zero.

    Constraints: (C1) to (C3) of `window_max`.

    Example:
    ```mlir
    %y = nn.window_sum %x window [2] strides [2] padding [0] [0] dilations [1]
         : (tensor<8x28x3xf32>) -> tensor<8x14x3xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$x), NN_WindowAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$x ", NN_WindowFormat);
  let hasCanonicalizer = 1;
}

def NN_WindowSpreadOp : NN_Op<"window_spread"> {
  let summary = "Adjoint of window_sum";
  let description = [{
    Each element of the result is the sum of `g` over the windows that cover it.

    Constraints: (C1) a `window_sum` of the result has the type of `g`.

    Example:
    ```mlir
    %dx = nn.window_spread %g window [2] strides [2] padding [0] [0] dilations [1]
          : (tensor<8x14x3xf32>) -> tensor<8x28x3xf32>
    ```
  }];
  let arguments = !con((ins NN_Float:$g), NN_WindowAttributes);
  let results = (outs NN_Float:$result);
  let assemblyFormat = !strconcat("$g ", NN_WindowFormat);
  let hasVerifier = 1;
}

def NN_CholeskyOp : NN_InferredOp<"cholesky", [DeclareOpInterfaceMethods<LibraryRoutineInterface>]> {
  let summary = "Lower factor L of a positive definite matrix, a = L L^T";
  let description = [{
    Works on the last two axes. Only the lower triangle of `a` is read; the upper one of the result is zero. Where `a`
    is not positive definite the result is NaN. The gradient is symmetric: half of it goes to each triangle.

    Constraints: (C1) rank at least 2, the last two extents are equal.

    Example: `%l = nn.cholesky %a : tensor<4x4xf32>`
  }];
  let shapeRule = "";
  let arguments = (ins NN_Float:$a);
  let results = (outs NN_Float:$result);
  let assemblyFormat = "$a attr-dict `:` custom<SameTypes>(type($a), type($result))";
}

def NN_TriangularSolveOp : NN_InferredOp<"triangular_solve", [DeclareOpInterfaceMethods<LibraryRoutineInterface>]> {
  let summary = "Solution x of l x = b, or of l^T x = b";
  let description = [{
    `l` is [.., n, n] of which only the lower triangle is read, `b` is [.., n, m].

    Constraints: (C1) equal ranks, at least 2; (C2) equal batch extents; (C3) l is square and fits b; (C4) same type.

    Example: `%x = nn.triangular_solve %l, %b {transposed} : (tensor<4x4xf32>, tensor<4x2xf32>) -> tensor<4x2xf32>`
  }];
  let shapeRule = "";
  let arguments = (ins NN_Float:$l, NN_Float:$b, UnitAttr:$transposed);
  let results = (outs NN_Float:$result);
  let assemblyFormat = "$l `,` $b attr-dict `:` functional-type(operands, results)";
}

#endif // XFER_NN_CONTRACTION_TD
