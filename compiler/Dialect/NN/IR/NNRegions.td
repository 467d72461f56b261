//===- NNRegions.td - operations that hold other nn operations --------------------------------------------------===//
#ifndef XFER_NN_REGIONS_TD
#define XFER_NN_REGIONS_TD

include "compiler/Dialect/NN/IR/NNBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

class NN_RegionOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([IsolatedFromAbove, SingleBlock], traits)>;

def NN_YieldOp : NN_Op<"yield", [Terminator, ReturnLike]> {
  let summary = "The values of a region";
  let description = "Example: `nn.yield %a, %b : tensor<4xf32>, tensor<i1>`";
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def NN_LoopOp : NN_RegionOp<"loop", [AttrSizedOperandSegments]> {
  let summary = "A loop of a fixed number of steps with values carried from step to step (a scan)";
  let description = [{
    In step `i` the body gets `i` (tensor<i32>), the carries, element `i` of each scanned value along its first axis,
    and the invariants. It yields the next carries, then the values that are stacked along a new first axis. The results
    are the last carries, then the stacked values.

    A `conditional` body yields an i1 scalar more, last: where it is false this step's carries are not taken, its
    stacked values are zero, and no further step is made (all their stacked values are zero).

    Constraints: (C1) `count` is not negative; (C2) scanned values have first extent `count`; (C3) the body's arguments
    have the types above; (C4) the body yields the carries' types, the stacked results' types without their first
    extent, and an i1 scalar if conditional; (C5) the results have the carries' types, then first extent `count`.

    Example, a recurrence over 5 steps:
    ```mlir
    %h, %all = nn.loop count 5 carries(%h0 : tensor<4xf32>) scanned(%x : tensor<5x4xf32>) invariants(%w : tensor<4xf32>)
        -> tensor<4xf32>, tensor<5x4xf32> {
    ^body(%i: tensor<i32>, %c: tensor<4xf32>, %p: tensor<4xf32>, %v: tensor<4xf32>):
      %m = nn.mul %c, %v : tensor<4xf32>
      %n = nn.add %m, %p : tensor<4xf32>
      nn.yield %n, %n : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins I64Attr:$count, Variadic<NN_Tensor>:$carries, Variadic<NN_Tensor>:$scanned,
                       Variadic<NN_Tensor>:$invariants, UnitAttr:$conditional);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$results);
  let builders = [OpBuilder<(ins "int64_t":$count, "::mlir::ValueRange":$carries, "::mlir::ValueRange":$scanned,
    "::mlir::ValueRange":$invariants, "bool":$conditional,
    "::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::xfer::nn::LoopArguments)>":$body)>];
  let assemblyFormat = [{
    `count` $count (`carries` `(` $carries^ `:` type($carries) `)`)? (`scanned` `(` $scanned^ `:` type($scanned) `)`)?
    (`invariants` `(` $invariants^ `:` type($invariants) `)`)? (`conditional` $conditional^)?
    attr-dict-with-keyword (`->` type($results)^)? $body
  }];
  let own = [{
    ::xfer::nn::LoopArguments getBodyArguments();
    ::xfer::nn::YieldOp getYield();
    unsigned getCarryCount() { return getCarries().size(); }
    unsigned getStackedCount() { return getNumResults() - getCarries().size(); }
    ::mlir::ValueRange getYieldedCarries();
    ::mlir::ValueRange getYieldedStacked();
    ::mlir::Value getContinue();  // null unless conditional
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def NN_EachOp : NN_RegionOp<"each", [AttrSizedOperandSegments]> {
  let summary = "The same computation for each element along the first axis";
  let description = [{
    The body gets one element of each mapped value along its first axis, and the invariants whole; its values are
    stacked along a new first axis. `nn-batch` replaces it.

    Constraints: (C1) at least one mapped value; (C2) all mapped values have the same first extent; (C3) the body's
    arguments have the types above; (C4) the results are the yielded types with that extent in front.

    Example:
    ```mlir
    %r = nn.each mapped(%x : tensor<8x4xf32>) invariants(%w : tensor<4xf32>) -> tensor<8x4xf32> {
    ^body(%p: tensor<4xf32>, %v: tensor<4xf32>):
      %m = nn.mul %p, %v : tensor<4xf32>
      nn.yield %m : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<NN_Tensor>:$mapped, Variadic<NN_Tensor>:$invariants);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$results);
  let builders = [OpBuilder<(ins "::mlir::ValueRange":$mapped, "::mlir::ValueRange":$invariants,
    "::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::mlir::ValueRange)>":$body)>];
  let assemblyFormat = [{
    `mapped` `(` $mapped `:` type($mapped) `)` (`invariants` `(` $invariants^ `:` type($invariants) `)`)?
    attr-dict-with-keyword (`->` type($results)^)? $body
  }];
  let own = "::xfer::nn::YieldOp getYield();\n";
  let hasVerifier = 1;
}

def NN_CustomOp : NN_RegionOp<"custom"> {
  let summary = "A computation with a derivative of its own";
  let description = [{
    `forward` gets the inputs and yields the results. `vjp` gets the inputs and then one cotangent for each
    floating-point result, and yields one cotangent for each floating-point input.

    Constraints: (C1) `forward` has the inputs' types as arguments and yields the results' types; (C2) `vjp` has the
    inputs' types and the floating-point results' types as arguments; (C3) it yields the floating-point inputs' types.

    Example, a straight-through sign:
    ```mlir
    %r = nn.custom(%x : tensor<4xf32>) -> tensor<4xf32> forward {
    ^forward(%a: tensor<4xf32>):
      %s = nn.sign %a : tensor<4xf32>
      nn.yield %s : tensor<4xf32>
    } vjp {
    ^vjp(%a: tensor<4xf32>, %g: tensor<4xf32>):
      nn.yield %g : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins Variadic<NN_Tensor>:$inputs);
  let regions = (region SizedRegion<1>:$forward, SizedRegion<1>:$vjp);
  let results = (outs Variadic<NN_Tensor>:$results);
  let assemblyFormat = [{
    `(` ($inputs^ `:` type($inputs))? `)` attr-dict-with-keyword (`->` type($results)^)? `forward` $forward `vjp` $vjp
  }];
  let own = [{
    ::xfer::nn::YieldOp getForwardYield();
    ::xfer::nn::YieldOp getVjpYield();
  }];
  let hasVerifier = 1;
}

def NN_KernelOp : NN_RegionOp<"kernel"> {
  let summary = "Operations that become one generated function";
  let description = [{
    Formed by Fusion, given a `schedule` (knobs of its emitter) by Schedule, and turned into one function by Codegen;
    kernels of equal text share it.

    Constraints: (C1) the body has the inputs' types as arguments; (C2) and yields the results' types.

    Example:
    ```mlir
    %r = nn.kernel loop(%x : tensor<4xf32>) attributes {schedule = {vector = 8 : i64}} -> tensor<4xf32> {
    ^body(%a: tensor<4xf32>):
      %e = nn.exp %a : tensor<4xf32>
      nn.yield %e : tensor<4xf32>
    }
    ```
  }];
  let arguments = (ins NN_KernelKindAttr:$kind, Variadic<NN_Tensor>:$inputs, OptionalAttr<DictionaryAttr>:$schedule);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$results);
  let assemblyFormat = [{
    $kind `(` ($inputs^ `:` type($inputs))? `)` attr-dict-with-keyword (`->` type($results)^)? $body
  }];
  let own = "::xfer::nn::YieldOp getYield();\n";
  let hasVerifier = 1;
}

#endif // XFER_NN_REGIONS_TD
