//===- Passes.td - passes of the BindingTime room -----------------------------------------------------------------===//
#ifndef XFER_BINDINGTIME_PASSES_TD
#define XFER_BINDINGTIME_PASSES_TD

include "mlir/Pass/PassBase.td"

def CutWhole : Pass<"xfer-cut-whole", "::mlir::ModuleOp"> {
  let summary = "Split passes over whole data into rows, computed batch by batch, and what is made of all rows";
  let description = [{
    Before: functions of `xfer.pass`es have `batch`, `index` and `key` arguments whose first extent is the size of a
    split.

    What is computed sample by sample (RowWise.h) moves into one function a source, with the source's static batch, that
    gives a `whole` value for each value at the border. The rest takes these as arguments; a raw field at the border
    becomes a `column`. A reduction over samples and axes of a sample is split, so that each sample's share of it is a row.
    What only a sum over the samples reads is not kept (`stream`): the row is bound as `sum`, and the whole function
    takes the sum itself. Where an evaluation reports a gain, all rows are kept, from which its interval is drawn.
    The border is moved back over cheap operations (element by element, broadcasts) where that
    leaves fewer bytes a sample in memory. Results that are bound as `whole` are rows by request.

    After: no function of a pass has `batch`, `index` or `key` arguments, but the `rows` of its sources, whose shapes are
    static.

    ```mlir
    func.func @test(%x: tensor<?x4xf32, ..> {xfer.bind = #xfer.bind<batch, "s.x">}) -> (tensor<f32> {.. <output, "mean">}) {
      %e = nn.reduce sum %x axes [1] : ...
      %m = nn.reduce sum %e axes [0] : ...
      return %m : tensor<f32>
    }
    xfer.pass "test" sources [#xfer.source<"s", domain = "d", split = "all", batch = 8>] function @test
    // becomes
    func.func @test.rows.s(%x: tensor<8x4xf32> {.. <batch, "s.x">}) -> (tensor<8xf32> {.. <whole, "test.0">})
    func.func @test.whole(%e: tensor<?xf32, ..> {.. <whole, "test.0">}) -> (tensor<f32> {.. <output, "mean">})
    xfer.pass "test" sources [#xfer.source<"s", .. batch = 8 rows = @test.rows.s>] function @test.whole
    ```
  }];
  let options = [Option<"stream", "stream", "bool", /*default=*/"true",
                        "Let the runtime add up what is summed over the samples">];
  let dependentDialects = ["::xfer::nn::NNDialect", "::xfer::pipeline::XferDialect"];
}

def ExpandDynamic : Pass<"xfer-expand-dynamic", "::mlir::ModuleOp"> {
  let summary = "Write contractions, convolutions and scans of whole data as what has code for it";
  let description = [{
    The emitter of contractions wants static extents; those of whole data (a confusion matrix, the Gram matrix of a
    metric) are rare and small next to what computes the rows. After: no `nn.contract`, no `nn.conv` and no scan has a
    dynamic extent. A contraction becomes products and their sum, a convolution of images a sum over the positions of
    its kernel, a scan its steps one behind the other. What is left (gradients of filters, scans of more than 16384
    operations) is an error.

    ```mlir
    %c = nn.contract %a, %b .. lhs_contract [0] rhs_contract [0] .. : (tensor<?x3xf32>, tensor<?x4xf32>) -> tensor<3x4xf32>
    // becomes
    %x = nn.broadcast %a dimensions [0, 1] : tensor<?x3xf32> -> tensor<?x3x4xf32>
    %y = nn.broadcast %b dimensions [0, 2] : tensor<?x4xf32> -> tensor<?x3x4xf32>
    %m = nn.mul %x, %y
    %c = nn.reduce sum %m axes [0]
    ```
  }];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

def DropUnused : Pass<"xfer-drop-unused", "::mlir::ModuleOp"> {
  let summary = "Drop arguments that no op reads";
  let description = [{
    A field that nothing reads is not decoded, a key that nothing draws from is not computed. Declared inputs of exports
    stay. After: every other argument of a bound function has a use.
  }];
  let dependentDialects = ["::xfer::pipeline::XferDialect"];
}

def Hoist : Pass<"xfer-hoist", "::mlir::ModuleOp"> {
  let summary = "Compute at launch or load what does not change afterwards";
  let description = [{
    A value that depends on options only is computed when the program starts, one that depends on parameters and states
    that nothing ever writes when the weights are there. Each function of a stage, pass or export gives such work to a
    pass `at "launch"` or `at "load"` of its own and takes the values as `hoisted` arguments. Values that are cheaper to
    compute again than to keep (constants, counters, broadcasts) stay.

    After: the same results; no function has fewer results or other bindings than `hoisted` ones more.
  }];
  let dependentDialects = ["::xfer::nn::NNDialect", "::xfer::pipeline::XferDialect"];
}

#endif // XFER_BINDINGTIME_PASSES_TD
