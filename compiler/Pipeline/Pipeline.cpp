//===- Pipeline.cpp - the way of a program through the compiler ---------------------------------------------------===//

#include "compiler/Pipeline/Pipeline.h"
#include "compiler/AutoDiff/Passes.h"
#include "compiler/BindingTime/Passes.h"
#include "compiler/Codegen/CPU/Passes.h"
#include "compiler/Codegen/EmitKernel.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Fusion/Passes.h"
#include "compiler/Target/Link.h"
#include "compiler/Target/ObjectFile.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
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
      {"hoist", "compute before the step what does not change in it"},
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
    // Meanings have been checked while the program was elaborated; without them equal shapes are equal types.
    passes.addNestedPass<func::FuncOp>(createEraseMeaningPass());
    passes.addNestedPass<func::FuncOp>(createBatchPass());
    simplify();
  }
  if (until >= Stage::Grad) {
    // Gradients are written out in program order; what their rules leave behind is folded and shared. Samples whose
    // computation holds a gradient become a batch only now.
    passes.addNestedPass<func::FuncOp>(createAutoDiffPass());
    passes.addNestedPass<func::FuncOp>(createBatchPass());
    simplify();
  }
  if (until >= Stage::Hoist) {
    // The steps of one device: gradients that are ready are reduced already.
    passes.addNestedPass<func::FuncOp>(createSingleReplicaPass());
    // An evaluation over whole splits becomes rows, computed batch by batch, and what is made of them; then everything
    // moves to the earliest time at which it can be computed.
    passes.addPass(createCutWhole());
    passes.addPass(createExpandDynamic());
    if (enabled("hoist"))
      passes.addPass(createHoist());
    simplify();
    passes.addPass(createDropUnused());
  }
  if (until >= Stage::Kernels) {
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
  stream << options.target.triple << options.target.cpu << options.target.features << XFER_VERSION;
  SmallVector<StringRef> disabled(options.disabled.keys());
  llvm::sort(disabled);
  llvm::interleave(disabled, stream, ",");
  return llvm::toHex(llvm::SHA256::hash(llvm::arrayRefFromStringRef(text)), /*LowerCase=*/true);
}

BackendOptions getBackendOptions(const CompileOptions &options, std::string hash) {
  return {options.target,  emitKernel,    !options.disabled.contains("reuse"),
          std::move(hash), options.build, options.weightsBeside};
}

static llvm::Error writeFile(StringRef path, ArrayRef<char> bytes) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error)
    file.write(bytes.data(), bytes.size());
  file.close();
  if (error || (error = file.error())) {
    file.clear_error();
    return llvm::createStringError(error, "cannot write '%s': %s", path.str().c_str(), error.message().c_str());
  }
  return llvm::Error::success();
}

llvm::Error linkObjects(ArrayRef<SmallVector<char, 0>> objects, StringRef executable, StringRef output, bool strip,
                        bool relocatable) {
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("xferc", folder))
    return llvm::createStringError(error, "cannot make a temporary folder: %s", error.message().c_str());
  std::vector<std::string> paths;
  llvm::Error result = llvm::Error::success();
  for (auto [number, object] : llvm::enumerate(objects)) {
    paths.push_back(llvm::formatv("{0}/{1}.o", folder, number).str());
    result = llvm::joinErrors(std::move(result), writeFile(paths.back(), object));
  }
  if (!result) {
    if (relocatable) {
      result = mergeObjects(paths, output);
    } else {
      llvm::Expected<std::string> runtime = findRuntime(executable);
      result = runtime ? linkProgram(paths, *runtime, output, {strip}) : runtime.takeError();
    }
  }
  llvm::sys::fs::remove_directories(folder);
  return result;
}

} // namespace xfer
