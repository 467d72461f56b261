//===- NNReduction.td - reductions, scans, gather and scatter, sorting ------------------------------------------===//
#ifndef XFER_NN_REDUCTION_TD
#define XFER_NN_REDUCTION_TD

include "compiler/Dialect/NN/IR/NNBase.td"

def NN_ReduceOp : NN_InferredOp<"reduce"> {
  let summary = "Combination of all elements along some axes";
  let description = [{
    The reduced axes disappear. Over no element: sum 0, prod 1, any false, all true, max the smallest and min the
    largest value of the type (infinities for floats). A NaN wins in `max` and `min`. The gradient of `max` and `min` is shared
    evenly by the elements that attain the result.

    Constraints: (C1) `axes` are different axes of the operand in increasing order; (C2) `any` and `all` want bools,
    the other kinds numbers.

    Example: `%r = nn.reduce sum %x axes [0, 2] : (tensor<2x3x4xf32>) -> tensor<3xf32>`
  }];
  let meaningRule = "";
  let arguments = (ins NN_ReduceKindAttr:$kind, NN_Tensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$kind $x `axes` $axes attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_ArgmaxOp : NN_InferredOp<"argmax"> {
  let summary = "The index of the largest element along an axis";
  let description = [{
    The first of several equal elements wins; a NaN counts as larger than every number. `axis` disappears.

    Constraints: (C1) `axis` is an axis of the operand, and not an empty one.

    Example: `%r = nn.argmax %x axis 1 : (tensor<2x3xf32>) -> tensor<2xi32>`
  }];
  let meaningRule = "";
  let derivative = "None";
  let arguments = (ins NN_Number:$x, I64Attr:$axis);
  let results = (outs NN_Integer:$result);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` functional-type(operands, results)";
}

def NN_CumsumOp : NN_InferredOp<"cumsum"> {
  let summary = "Sums of the elements up to each one along an axis";
  let description = [{
    Element `i` of the result is the sum of the elements 0 to `i`, its own included.

    Constraints: (C1) `axis` is an axis of the operand.

    Example: `%r = nn.cumsum %x axis 0 : tensor<4xf32>`
  }];
  let shapeRule = "";
  let arguments = (ins NN_Number:$x, I64Attr:$axis);
  let results = (outs NN_Number:$result);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` custom<SameTypes>(type($x), type($result))";
}

def NN_GatherOp : NN_InferredOp<"gather"> {
  let summary = "Slices of a tensor, chosen by index";
  let description = [{
    The result has the extents `x[:axis] ++ indices[batch:] ++ x[axis + 1:]`; the first `batch` axes of `x` and
    `indices` are shared. An index is clamped into the range of the axis.

    Constraints: (C1) 0 <= batch <= axis < rank of x, batch <= rank of indices; (C2) the batch axes agree; (C3) the
    axis is not empty.

    Example: `%r = nn.gather %x, %i axis 0 batch 0 : (tensor<9x4xf32>, tensor<3xi32>) -> tensor<3x4xf32>`
  }];
  let meaningRule = "";
  let arguments = (ins NN_Tensor:$x, NN_Integer:$indices, I64Attr:$axis, I64Attr:$batch);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$x `,` $indices `axis` $axis `batch` $batch attr-dict `:` functional-type(operands, results)";
}

def NN_ScatterOp : NN_InferredOp<"scatter"> {
  let summary = "A tensor with slices added or replaced, chosen by index";
  let description = [{
    `x` is `batch axes ++ [axis] ++ rest`, `indices` is `batch axes ++ chosen`, `updates` is `batch axes ++ chosen ++
    rest`. Updates are applied in the order of their indices, so that the last one stays where `set` meets an index
    twice. An index is clamped into the range of the axis.

    Constraints: (C1) 0 <= batch < rank of x, batch <= rank of indices; (C2) the batch axes agree; (C3) updates have
    the extents above and the element type of x; (C4) the axis is not empty; (C5) `add` wants numbers.

    Example:
    ```mlir
    %r = nn.scatter add %x, %i, %u batch 0
         : (tensor<9x4xf32>, tensor<3xi32>, tensor<3x4xf32>) -> tensor<9x4xf32>
    ```
  }];
  let arguments = (ins NN_ScatterKindAttr:$kind, NN_Tensor:$x, NN_Integer:$indices, NN_Tensor:$updates, I64Attr:$batch);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{ $kind $x `,` $indices `,` $updates `batch` $batch attr-dict `:`
                          functional-type(operands, results) }];
}

def NN_SortOp : NN_InferredOp<"sort", [DeclareOpInterfaceMethods<LibraryRoutineInterface>]> {
  let summary = "Elements in ascending order along an axis, and where each came from";
  let description = [{
    Stable; NaN counts as larger than every number.

    Constraints: (C1) `axis` is an axis of the operand.

    Example: `%v, %i = nn.sort %x axis 0 : (tensor<9xf32>) -> (tensor<9xf32>, tensor<9xi32>)`
  }];
  let arguments = (ins NN_Number:$x, I64Attr:$axis);
  let results = (outs NN_Number:$values, NN_Integer:$indices);
  let assemblyFormat = "$x `axis` $axis attr-dict `:` functional-type(operands, results)";
}

#endif // XFER_NN_REDUCTION_TD
