//===- NNGradient.td - random numbers and what concerns gradients -----------------------------------------------===//
#ifndef XFER_NN_GRADIENT_TD
#define XFER_NN_GRADIENT_TD

include "compiler/Dialect/NN/IR/NNBase.td"

def NN_RandomOp : NN_Op<"random"> {
  let summary = "Uniform random numbers in [0, 1) from a key and a site";
  let description = [{
    A pure function (Salmon et al. 2011, Philox4x32-10). The result's extents are the key's leading extents followed by
    those of one draw. For a key (k0, k1, k2, k3) and element `e` of its draw, counted row-major:
    key = (k0 ^ low(site), k1 ^ high(site)), counter = (low(e / 4), high(e / 4), k2, k3), word e mod 4 of the block,
    value = (word >> 8) * 2^-24.

    Constraints: (C1) the last extent of `key` is 4; (C2) the result's extents begin with the key's leading extents;
    (C3) those of one draw are static.

    Example: `%u = nn.random %key site 7 : tensor<64x4xi32> -> tensor<64x10xf32>`
  }];
  let derivative = "None";
  let arguments = (ins RankedTensorOf<[I32]>:$key, I64Attr:$site);
  let results = (outs NN_Float:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$key, "int64_t":$site, "::llvm::ArrayRef<int64_t>":$shape)>];
  let assemblyFormat = "$key `site` $site attr-dict `:` type($key) `->` type($result)";
  let hasVerifier = 1;
}

def NN_StopGradientOp : NN_InferredOp<"stop_gradient"> {
  let summary = "The identity, constant to derivatives";
  let description = "Example: `%r = nn.stop_gradient %x : tensor<4xf32>`";
  let shapeRule = "sameAsFirst";
  let meaningRule = "keep";
  let derivative = "None";
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$x attr-dict `:` custom<SameTypes>(type($x), type($result))";
}

def NN_ScaleGradientOp : NN_InferredOp<"scale_gradient"> {
  let summary = "The identity, whose gradient is multiplied by a scalar";
  let description = [{
    The gradient with respect to `x` is that of the result times `scale`; `scale` itself gets none. A scale of -l is
    the gradient reversal of Ganin et al. 2016.

    Constraints: (C1) `scale` has rank 0 and the element type of x.

    Example: `%r = nn.scale_gradient %x, %s : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>`
  }];
  let shapeRule = "";
  let meaningRule = "keep";
  let derivative = "";
  let arguments = (ins NN_Float:$x, NN_Float:$scale);
  let results = (outs NN_Float:$result);
  let assemblyFormat = "$x `,` $scale attr-dict `:` functional-type(operands, results)";
}

def NN_GradientOp : NN_Op<"gradient"> {
  let summary = "Derivatives of a scalar with respect to values";
  let description = [{
    One result for each `wrt`, of its type: the derivative of `loss` when the `wrt` values vary and whatever does not
    depend on them stands still; zero where the loss does not depend on one. `nn-autodiff` replaces it in program order,
    so that gradients of gradients need nothing special.

    Constraints: (C1) the loss is a floating-point scalar; (C2) each `wrt` is floating-point; (C3) one result for each
    `wrt`, of its extents and element type.

    Example: `%g = nn.gradient %loss wrt %w : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>`
  }];
  let arguments = (ins NN_Float:$loss, Variadic<NN_Float>:$wrt);
  let results = (outs Variadic<NN_Float>:$gradients);
  let builders = [OpBuilder<(ins "::mlir::Value":$loss, "::mlir::ValueRange":$wrt)>];
  let assemblyFormat = "$loss `wrt` $wrt attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_AllReduceOp : NN_Op<"all_reduce", [RangedTypesMatchWith<"(C1) results have the types of the values", "values",
                                                              "reduced", "$_self">]> {
  let summary = "Mean of values over the replicas that run this step together";
  let description = [{
    Where the gradients of a clause are ready and its update has not begun: what several devices computed from their
    shares of a batch becomes the gradient of the whole batch. Everything that looks at a whole gradient, such as
    clipping by its norm, reads the results. A step of one replica has nothing to reduce: `nn-single-replica`.

    Constraints: (C1) one result for each operand, of its type.

    Example: `%r:2 = nn.all_reduce %gw, %gb : tensor<4x3xf32>, tensor<3xf32>`
  }];
  let derivative = "None";
  let arguments = (ins Variadic<NN_Float>:$values);
  let results = (outs Variadic<NN_Float>:$reduced);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

#endif // XFER_NN_GRADIENT_TD
