//===- NNElementwise.td - one element in, one element out -------------------------------------------------------===//
#ifndef XFER_NN_ELEMENTWISE_TD
#define XFER_NN_ELEMENTWISE_TD

include "compiler/Dialect/NN/IR/NNBase.td"

// Each element of a result depends on the elements of the operands at its own place only.
def NN_PerElement : NativeOpTrait<"PerElement"> { let cppNamespace = "::xfer::nn"; }

class NN_ElementwiseOp<string mnemonic, list<Trait> traits = []>
    : NN_InferredOp<mnemonic, !listconcat([NN_PerElement], traits)> {
  let shapeRule = "sameAsFirst";
}

class NN_UnaryOp<string mnemonic, Type type, string formula, string rule = "Some">
    : NN_ElementwiseOp<mnemonic> {
  let summary = "Element-wise " # formula;
  let description = "Computes `" # formula # "` of each element `x`; the result has the type of the operand.\n\n"
    # "Example: `%r = nn." # mnemonic # " %x : tensor<4xf32>`";
  let derivative = rule;
  let arguments = (ins type:$x);
  let results = (outs type:$result);
  let assemblyFormat = "$x attr-dict `:` custom<SameTypes>(type($x), type($result))";
  let hasFolder = 1;
}

def NN_NegOp : NN_UnaryOp<"neg", NN_Number, "-x"> { let meaningRule = "scale"; }
def NN_ExpOp : NN_UnaryOp<"exp", NN_Float, "e ** x">;
def NN_LogOp : NN_UnaryOp<"log", NN_Float, "natural logarithm of x">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", NN_Float, "square root of x">;
def NN_TanhOp : NN_UnaryOp<"tanh", NN_Float, "hyperbolic tangent of x">;
def NN_ErfOp : NN_UnaryOp<"erf", NN_Float, "error function of x">;
def NN_SinOp : NN_UnaryOp<"sin", NN_Float, "sine of x">;
def NN_CosOp : NN_UnaryOp<"cos", NN_Float, "cosine of x">;
def NN_FloorOp : NN_UnaryOp<"floor", NN_Float, "greatest integer not above x", "Zero">;
def NN_AbsOp : NN_UnaryOp<"abs", NN_Number, "absolute value of x">;
def NN_SignOp : NN_UnaryOp<"sign", NN_Number, "-1, 0 or 1 as x is below, equal to or above 0", "Zero">;
def NN_NotOp : NN_UnaryOp<"not", NN_Bool, "logical negation of x", "None">;

class NN_BinaryOp<string mnemonic, Type type, string formula, list<Trait> traits = []>
    : NN_ElementwiseOp<mnemonic, traits> {
  let summary = "Element-wise " # formula;
  let description = "Computes `" # formula # "` of each pair of elements `a`, `b`.\n\n"
    # "Constraints: (C1) both operands have the same extents; (C2) and the same element type.\n\n"
    # "Example: `%r = nn." # mnemonic # " %a, %b : tensor<4xf32>`";
  let shapeRule = "allEqual";
  let arguments = (ins type:$a, type:$b);
  let results = (outs type:$result);
  let assemblyFormat = "$a `,` $b attr-dict `:` custom<SameTypes>(type($a), type($b), type($result))";
  let hasFolder = 1;
}

def NN_AddOp : NN_BinaryOp<"add", NN_Number, "a + b", [Commutative]> { let meaningRule = "add"; }
def NN_SubOp : NN_BinaryOp<"sub", NN_Number, "a - b"> { let meaningRule = "add"; }
def NN_MulOp : NN_BinaryOp<"mul", NN_Number, "a * b", [Commutative]> { let meaningRule = "scale"; }
def NN_DivOp : NN_BinaryOp<"div", NN_Number, "a / b (integers: rounded towards minus infinity, a / 0 is 0)"> {
  let meaningRule = "scaleFirst";
  let hasCanonicalizer = 1;
}
def NN_RemOp : NN_BinaryOp<"rem", NN_Number, "a - floor(a / b) * b, which has the sign of b (integers: a rem 0 is a)">;
def NN_PowOp : NN_BinaryOp<"pow", NN_Number, "a ** b (integers: b below 0 gives 0, save for a = 1 and a = -1)"> {
  let hasCanonicalizer = 1;
}
def NN_MaxOp : NN_BinaryOp<"max", NN_Number, "larger of a and b; a NaN wins", [Commutative]>;
def NN_MinOp : NN_BinaryOp<"min", NN_Number, "smaller of a and b; a NaN wins", [Commutative]>;
def NN_AndOp : NN_BinaryOp<"and", NN_Bool, "a and b", [Commutative]> { let derivative = "None"; }
def NN_OrOp : NN_BinaryOp<"or", NN_Bool, "a or b", [Commutative]> { let derivative = "None"; }

def NN_CompareOp : NN_ElementwiseOp<"compare"> {
  let summary = "Element-wise comparison";
  let description = [{
    `true` where `a predicate b` holds. A comparison with NaN is false, save for `ne`.

    Constraints: (C1) both operands have the same extents; (C2) and the same element type.

    Example: `%r = nn.compare lt %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xi1>`
  }];
  let shapeRule = "";
  let derivative = "None";
  let arguments = (ins NN_PredicateAttr:$predicate, NN_Tensor:$a, NN_Tensor:$b);
  let results = (outs NN_Bool:$result);
  let assemblyFormat = "$predicate $a `,` $b attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_SelectOp : NN_ElementwiseOp<"select"> {
  let summary = "Element-wise choice";
  let description = [{
    `a` where `condition` holds, else `b`. The side that is not chosen does not matter, even where it is NaN.

    Constraints: (C1) all operands have the same extents; (C2) `a` and `b` have the same element type.

    Example: `%r = nn.select %c, %a, %b : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>`
  }];
  let shapeRule = "";
  let meaningRule = "";
  let arguments = (ins NN_Bool:$condition, NN_Tensor:$a, NN_Tensor:$b);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$condition `,` $a `,` $b attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_ConvertOp : NN_Op<"convert", [NN_PerElement]> {
  let summary = "Change of the element type";
  let description = [{
    Converts each element to the result's element type. `ui8` counts 0 to 255; to a bool: is it not 0; from a bool: 0
    or 1; from a float to an integer: rounded towards zero, clamped to the range of the type, NaN to 0; from an integer
    to a narrower one: its low bits.

    Constraints: (C1) operand and result have the same extents.

    Example: `%r = nn.convert %x : tensor<4xui8> -> tensor<4xf32>`
  }];
  let arguments = (ins NN_Tensor:$x);
  let results = (outs NN_Tensor:$result);
  let builders = [OpBuilder<(ins "::mlir::Value":$x, "::mlir::Type":$element)>];
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($result)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // XFER_NN_ELEMENTWISE_TD
