//===- NNDialect.td - the nn dialect and its attributes ---------------------------------------------------------===//
#ifndef XFER_NN_DIALECT_TD
#define XFER_NN_DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/DialectBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/TensorEncoding.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let summary = "Pure operations on ranked tensors: what a training step computes";
  let description = [{
    About sixty operations in SSA form on ranked tensors, none of which has a side effect. Each has a shape rule, a
    rule for the meaning of its result (tag, domains, right to be read), a derivative rule, a batching rule and a
    lowering. Broadcasting is always explicit. See `Rationale.md` beside this folder.
  }];
  let cppNamespace = "::xfer::nn";
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
}

class NN_Attr<string name, string attrMnemonic, list<Trait> traits = []> : AttrDef<NN_Dialect, name, traits> {
  let mnemonic = attrMnemonic;
}

class NN_Enum<string name, string text, list<I32EnumAttrCase> cases> : I32EnumAttr<name, text, cases> {
  let cppNamespace = "::xfer::nn";
  let genSpecializedAttr = 0;
}

class NN_EnumAttr<EnumAttrInfo info, string mnemonic> : EnumAttr<NN_Dialect, info, mnemonic> {
  let assemblyFormat = "`` $value";
}

def NN_Tag : NN_Enum<"Tag", "what the numbers of a tensor stand for", [
  I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Logits", 1, "logits">, I32EnumAttrCase<"Prob", 2, "prob">,
  I32EnumAttrCase<"LogProb", 3, "logprob">, I32EnumAttrCase<"Unit", 4, "unit">, I32EnumAttrCase<"Class", 5, "class">,
  I32EnumAttrCase<"Token", 6, "token">]>;

def NN_Predicate : NN_Enum<"Predicate", "order relation of two numbers", [
  I32EnumAttrCase<"eq", 0>, I32EnumAttrCase<"ne", 1>, I32EnumAttrCase<"lt", 2>, I32EnumAttrCase<"le", 3>,
  I32EnumAttrCase<"gt", 4>, I32EnumAttrCase<"ge", 5>]>;
def NN_PredicateAttr : NN_EnumAttr<NN_Predicate, "predicate">;

def NN_ReduceKind : NN_Enum<"ReduceKind", "how a reduction combines two elements", [
  I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Max", 1, "max">, I32EnumAttrCase<"Min", 2, "min">,
  I32EnumAttrCase<"Prod", 3, "prod">, I32EnumAttrCase<"Any", 4, "any">, I32EnumAttrCase<"All", 5, "all">]>;
def NN_ReduceKindAttr : NN_EnumAttr<NN_ReduceKind, "reduce_kind">;

def NN_ScatterKind : NN_Enum<"ScatterKind", "what a scatter does with an update", [
  I32EnumAttrCase<"Add", 0, "add">, I32EnumAttrCase<"Set", 1, "set">]>;
def NN_ScatterKindAttr : NN_EnumAttr<NN_ScatterKind, "scatter_kind">;

def NN_KernelKind : NN_Enum<"KernelKind", "the emitter that generates a kernel", [
  I32EnumAttrCase<"Loop", 0, "loop">, I32EnumAttrCase<"Contraction", 1, "contraction">,
  I32EnumAttrCase<"Library", 2, "library">]>;
def NN_KernelKindAttr : NN_EnumAttr<NN_KernelKind, "kernel_kind">;

def NN_MeaningAttr : NN_Attr<"Meaning", "meaning", [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let summary = "What is known of a tensor beyond its shape: the encoding of its type";
  let description = [{
    - `tag`: what the numbers stand for; `classes` is the count of a `class` or `token` tag (0: unknown).
    - `domains`: the domains that the values come from, sorted, without repetition.
    - `hidden`: the values may not be read by training.
    - `normalised`: the values went through `normalize`; `statistics` (optional): with these means, then these deviations,
      one of each or one of each a channel.
    - `symbols`: one text an axis; that of a dynamic extent names it, e.g. the size of a split, all others are empty.

    A tensor without this encoding is one of which nothing is known. Verifiers compare shapes, element types and
    symbols; the rest is for diagnostics and is stripped by `nn-erase-meaning`.

    Example: `#nn.meaning<tag = class, classes = 10, domains = ["usps"], hidden, symbols = ["usps.test"]>`
  }];
  let parameters = (ins "::xfer::nn::Tag":$tag, "int64_t":$classes, ArrayRefParameter<"::mlir::StringAttr">:$domains,
                        "bool":$hidden, "bool":$normalised,
                        OptionalParameter<"::mlir::DenseF32ArrayAttr">:$statistics, ArrayRefParameter<"::mlir::StringAttr">:$symbols);
  let cppNamespace = "::xfer::nn";
  let genVerifyDecl = 1;
  let hasCustomAssemblyFormat = 1;
}

#endif // XFER_NN_DIALECT_TD
