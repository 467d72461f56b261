//===- NNStructural.td - operations that move elements and compute none -----------------------------------------===//
#ifndef XFER_NN_STRUCTURAL_TD
#define XFER_NN_STRUCTURAL_TD

include "compiler/Dialect/NN/IR/NNBase.td"

def NN_ConstantOp : NN_Op<"constant", [ConstantLike]> {
  let summary = "A tensor known at compile time";
  let description = [{
    Constraints: (C1) the value has the shape and the element type of the result.

    Example: `%r = nn.constant dense<1.0> : tensor<4xf32>`
  }];
  let derivative = "None";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value)>];
  let hasCustomAssemblyFormat = 1;
  let hasFolder = 1;
  let hasVerifier = 1;
}

def NN_IotaOp : NN_Op<"iota"> {
  let summary = "The index of each element along an axis";
  let description = [{
    Constraints: (C1) `axis` is an axis of the result.

    Example: `%r = nn.iota axis 1 : tensor<3x4xi32>` gives three rows 0, 1, 2, 3.
  }];
  let derivative = "None";
  let arguments = (ins I64Attr:$axis);
  let results = (outs NN_Integer:$result);
  let builders = [OpBuilder<(ins "::llvm::ArrayRef<::xfer::nn::Extent>":$shape, "int64_t":$axis)>];
  let assemblyFormat = "`axis` $axis attr-dict `:` type($result)";
  let hasVerifier = 1;
}

def NN_BroadcastOp : NN_Op<"broadcast"> {
  let summary = "Repetition of a tensor along new or stretched axes";
  let description = [{
    Axis `i` of the operand becomes axis `dimensions[i]` of the result; an operand extent of 1 may stretch.

    Constraints: (C1) one dimension for each operand axis, strictly increasing, within the result's rank; (C2) an
    operand extent is 1 or that of the result; (C3) same element type.

    Example: `%r = nn.broadcast %b dimensions [1] : tensor<4xf32> -> tensor<3x4xf32>`
  }];
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$dimensions);
  let results = (outs NN_Tensor:$result);
  let builders = [
    OpBuilder<(ins "::mlir::Value":$x, "::llvm::ArrayRef<::xfer::nn::Extent>":$shape,
                   "::llvm::ArrayRef<int64_t>":$dimensions)>,
    OpBuilder<(ins "::mlir::Value":$x, "::llvm::ArrayRef<::xfer::nn::Extent>":$shape)>  // to the last axes
  ];
  let assemblyFormat = "$x `dimensions` $dimensions attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_ReshapeOp : NN_Op<"reshape"> {
  let summary = "The same elements in the same order with other extents";
  let description = [{
    Constraints: (C1) same element type; (C2) the dynamic extents are the same, in the same order, and the products of
    the static extents before, between and after them are equal.

    Example: `%r = nn.reshape %x : tensor<2x28x28xf32> -> tensor<2x784xf32>`
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::llvm::ArrayRef<::xfer::nn::Extent>":$shape)>];
  let own = [{
    /// Does it only add and remove axes of extent 1?
    bool isUnitReshape();
  }];
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_TransposeOp : NN_InferredOp<"transpose"> {
  let summary = "Permutation of the axes";
  let description = [{
    Axis `i` of the result is axis `permutation[i]` of the operand.

    Constraints: (C1) `permutation` is a permutation of the operand's axes.

    Example: `%r = nn.transpose %x permutation [1, 0] : (tensor<2x3xf32>) -> tensor<3x2xf32>`
  }];
  let meaningRule = "";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$permutation);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$x `permutation` $permutation attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_ConcatOp : NN_InferredOp<"concat"> {
  let summary = "Tensors one after the other along an axis";
  let description = [{
    Of named extents on `axis` the result has the sum, `"a.train + b.train"`.

    Constraints: (C1) at least one operand; (C2) `axis` is an axis; (C3) same element type; (C4) same extents on all
    other axes.

    Example: `%r = nn.concat %a, %b axis 0 : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<3x3xf32>`
  }];
  let meaningRule = "";
  let arguments = (ins Variadic<NN_Tensor>:$xs, I64Attr:$axis);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$xs `axis` $axis attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_SliceOp : NN_InferredOp<"slice"> {
  let summary = "A regular part of a tensor";
  let description = [{
    Element `i` of the result is element `offsets + i * strides` of the operand. A dynamic extent is taken whole: its
    size is `ShapedType::kDynamic`, its offset 0, its stride 1.

    Constraints: (C1) one offset, size and stride for each axis; (C2) offsets and sizes are not negative, strides are
    positive; (C3) the part lies inside the operand; (C4) a dynamic extent is taken whole.

    Example: `%r = nn.slice %x offsets [1] sizes [2] strides [2] : (tensor<5xf32>) -> tensor<2xf32>`
  }];
  let meaningRule = "";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$offsets, DenseI64ArrayAttr:$sizes, DenseI64ArrayAttr:$strides);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{ $x `offsets` $offsets `sizes` $sizes `strides` $strides attr-dict `:`
                          functional-type(operands, results) }];
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_PadOp : NN_InferredOp<"pad"> {
  let summary = "Zeros around and between the elements; the adjoint of slice";
  let description = [{
    Puts `low` zeros before, `high` after and `interior` between the elements of each axis.

    Constraints: (C1) one number of each kind for each axis; (C2) none is negative; (C3) a dynamic extent is not padded.

    Example: `%r = nn.pad %x low [1] high [0] interior [1] : (tensor<2xf32>) -> tensor<4xf32>`
  }];
  let meaningRule = "keepElementTag";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high, DenseI64ArrayAttr:$interior);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{ $x `low` $low `high` $high `interior` $interior attr-dict `:`
                          functional-type(operands, results) }];
  let hasFolder = 1;
}

def NN_ReverseOp : NN_InferredOp<"reverse"> {
  let summary = "The elements in reverse order along some axes";
  let description = [{
    Constraints: (C1) `axes` are different axes of the operand.

    Example: `%r = nn.reverse %x axes [0] : tensor<4xf32>`
  }];
  let meaningRule = "keepElementTag";
  let arguments = (ins NN_Tensor:$x, DenseI64ArrayAttr:$axes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$x `axes` $axes attr-dict `:` custom<SameTypes>(type($x), type($result))";
  let hasFolder = 1;
}

def NN_AnnotateOp : NN_Op<"annotate"> {
  let summary = "The same value with another meaning";
  let description = [{
    The identity; only the encodings of the types differ. This is how `prob` becomes the tag of what softmax computes.

    Constraints: (C1) same extents and element type.

    Example: `%r = nn.annotate %x : tensor<4xf32> -> tensor<4xf32, #nn.meaning<tag = prob>>`
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "const ::xfer::nn::Meaning &":$meaning)>];
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // XFER_NN_STRUCTURAL_TD
