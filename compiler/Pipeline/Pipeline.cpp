//===- Pipeline.cpp - the way of a program through the compiler ---------------------------------------------------===//

#include "compiler/Pipeline/Pipeline.h"
#include "compiler/AutoDiff/Passes.h"
#include "compiler/BindingTime/Passes.h"
#include "compiler/Codegen/CPU/Passes.h"
#include "compiler/Codegen/EmitKernel.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Fusion/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/SHA256.h"

using namespace mlir;

namespace xfer {

ArrayRef<StageInfo> getStages() {
  static const StageInfo stages[] = {
#define XFER_STAGE(identifier, name, sentence) {Stage::identifier, name, sentence},
#include "compiler/Pipeline/Stages.def"
  };
  return stages;
}

std::optional<Stage> getStage(StringRef name) {
  for (const StageInfo &info : getStages())
    if (info.name == name)
      return info.stage;
  return std::nullopt;
}

ArrayRef<std::pair<StringRef, StringRef>> getOptimisingPasses() {
  static const std::pair<StringRef, StringRef> passes[] = {
      {"simplify", "fold and share equal operations"},
      {"hoist", "compute before the step, and before a loop, what does not change in it"},
      {"keep", "keep the products of a loop for its gradient, instead of computing them again"},
      {"stream", "add up sums over samples batch by batch, instead of keeping what is added"},
      {"variance", "find a mean and the variance about it in one pass"},
      {"fuse", "put several operations into one kernel"},
      {"reuse", "let values share memory"},
  };
  return passes;
}

void prepareContext(MLIRContext &context) {
  DialectRegistry registry;
  registerLowering(registry);
  context.appendDialectRegistry(registry);
  context.loadDialect<nn::NNDialect, pipeline::XferDialect>();
  loadLowering(context);
}

LogicalResult transformProgram(ModuleOp module, const CompileOptions &options, Stage until) {
  PassManager passes(module.getContext());
  auto enabled = [&](StringRef name) { return !options.disabled.contains(name); };
  auto simplify = [&] {
    if (!enabled("simplify"))
      return;
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  };
  if (until >= Stage::NN) {
    // First, so that no simplification changes what a gradient is taken with respect to.
    passes.addNestedPass<func::FuncOp>(createMarkVariablesPass());
    // Meanings have been checked while the program was elaborated; without them equal shapes are equal types.
    passes.addNestedPass<func::FuncOp>(createEraseMeaningPass());
    passes.addNestedPass<func::FuncOp>(createBatchPass());
    simplify();
  }
  if (until >= Stage::Grad) {
    // What a loop multiplies by the same thing in every step is multiplied once; so will be the gradients.
    if (enabled("hoist")) {
      passes.addNestedPass<func::FuncOp>(createHoistProductsPass());
      simplify();
    }
    // Gradients are written out in program order; what their rules leave behind is folded and shared. Samples whose
    // computation holds a gradient become a batch only now.
    AutoDiffPassOptions autodiff;
    autodiff.keepProducts = enabled("keep");
    passes.addNestedPass<func::FuncOp>(createAutoDiffPass(autodiff));
    passes.addNestedPass<func::FuncOp>(createBatchPass());
    simplify();
  }
  if (until >= Stage::Hoist) {
    // The steps of one device: gradients that are ready are reduced already.
    passes.addNestedPass<func::FuncOp>(createSingleReplicaPass());
    // An evaluation over whole splits becomes rows, computed batch by batch, and what is made of them; then everything
    // moves to the earliest time at which it can be computed.
    CutWholeOptions cut;
    cut.stream = enabled("stream");
    passes.addPass(createCutWhole(cut));
    passes.addPass(createExpandDynamic());
    if (enabled("hoist"))
      passes.addPass(createHoist());
    simplify();
    passes.addPass(createDropUnused());
  }
  if (until >= Stage::Kernels) {
    // What a batch norm needs of its input is found in one pass. After differentiation, for which squared differences
    // from the mean are the shorter form.
    if (enabled("variance"))
      passes.addNestedPass<func::FuncOp>(createOnePassVariancePass());
    // Operations become kernels: which values get memory is decided here.
    FuseKernelsOptions fuse;
    fuse.mode = enabled("fuse") ? "full" : "none";
    passes.addPass(createFuseKernels(fuse));
  }
  if (until >= Stage::Schedule) {
    // How the emitters will go about it, as data.
    ChooseSchedulesOptions schedule;
    schedule.targetCpu = options.target.name;
    passes.addPass(createChooseSchedules(schedule));
  }
  return passes.run(module);
}

std::string hashProgram(ModuleOp module, const CompileOptions &options) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, OpPrintingFlags().enableDebugInfo(false).useLocalScope());
  const TargetDescription &target = options.target;
  stream << target.triple << target.cpu << target.features << target.level1Bytes << "," << target.level2Bytes
         << XFER_VERSION;
  SmallVector<StringRef> disabled(options.disabled.keys());
  llvm::sort(disabled);
  llvm::interleave(disabled, stream, ",");
  return llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)), /*LowerCase=*/true);
}

BackendOptions getBackendOptions(const CompileOptions &options, std::string hash) {
  return {options.target,  emitKernel,    !options.disabled.contains("reuse"),
          std::move(hash), options.build, options.weightsBeside};
}

} // namespace xfer
