//===- Passes.td - passes that set the knobs of kernels ---------------------------------------------------------===//
#ifndef XFER_CODEGEN_CPU_PASSES_TD
#define XFER_CODEGEN_CPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def ChooseSchedules : Pass<"nn-choose-schedules"> {
  let summary = "Write the schedule of each contraction into the IR";
  let description = [{
    Before: kernels. After: each kernel of the kind `contraction` has a `schedule` with every knob of
    ContractionSchedule.h; knobs that it had before stay, the model sets the others. An input gradient of a strided
    convolution is several contractions, and its schedule a list of `phases`.

    Example, `nn-choose-schedules{target-cpu=x86-64-v4}`
    ```mlir
    %0 = nn.kernel contraction(..) -> tensor<512x512xf32> { .. }
    // becomes
    %0 = nn.kernel contraction(..) -> tensor<512x512xf32> schedule {rows = 12 : i64, vectors = 2 : i64, ..} { .. }
    ```
  }];
  let options = [
    Option<"targetCpu", "target-cpu", "std::string", /*default=*/"\"native\"", "a name of TargetDescription">
  ];
  let dependentDialects = ["::xfer::nn::NNDialect"];
}

#endif // XFER_CODEGEN_CPU_PASSES_TD
