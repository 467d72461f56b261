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
#include "compiler/Target/ProgramObject.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/SHA256.h"
#include <fcntl.h>

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
    passes.addNestedPass<func::FuncOp>(createAutoDiffPass());
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

static llvm::Error writeFile(StringRef path, ArrayRef<char> bytes, ArrayRef<StringRef> files = {}) {
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (!error) {
    file.write(bytes.data(), bytes.size());
    if (!files.empty())
      appendFiles(file, bytes.size(), files);
  }
  file.close();
  if (error || (error = file.error())) {
    file.clear_error();
    return llvm::createStringError(error, "cannot write '%s': %s", path.str().c_str(), error.message().c_str());
  }
  return llvm::Error::success();
}

/// Whether `bytes` fit there. The linker maps what it writes, and a mapped file on a full disk ends the process.
static llvm::Error reserve(StringRef path, uint64_t bytes) {
  int file = -1;
  std::error_code error = llvm::sys::fs::openFileForWrite(path, file);
  if (!error) {
    error = std::error_code(posix_fallocate(file, 0, static_cast<off_t>(bytes)), std::generic_category());
    llvm::sys::Process::SafelyCloseFileDescriptor(file);
    llvm::sys::fs::remove(path);
  }
  if (error)
    return llvm::createStringError(error, "cannot link in '%s': %s; set TMPDIR to a folder with room",
                                   llvm::sys::path::parent_path(path).str().c_str(), error.message().c_str());
  return llvm::Error::success();
}

/// Puts the linked file in its place, in one piece, with the weight files that it takes along.
static llvm::Error moveInto(StringRef linked, StringRef output, ArrayRef<StringRef> files) {
  auto cannot = [&](std::error_code error) {
    return llvm::createStringError(error, "cannot write '%s': %s", output.str().c_str(), error.message().c_str());
  };
  auto content = llvm::MemoryBuffer::getFile(linked, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!content)
    return cannot(content.getError());
  auto mode = llvm::sys::fs::getPermissions(linked);
  SmallString<128> partial;
  llvm::sys::fs::createUniquePath(output + ".%%%%%%", partial, /*MakeAbsolute=*/false);
  llvm::Error error = writeFile(partial, (*content)->getBuffer(), files);
  if (error) {
    std::error_code code = llvm::errorToErrorCode(std::move(error));
    llvm::sys::fs::remove(partial);
    return cannot(code);
  }
  std::error_code code = mode ? llvm::sys::fs::setPermissions(partial, *mode) : mode.getError();
  if (!code)
    code = llvm::sys::fs::rename(partial, output);
  if (!code)
    return llvm::Error::success();
  llvm::sys::fs::remove(partial);
  return cannot(code);
}

llvm::Error linkObjects(ArrayRef<SmallVector<char, 0>> objects, StringRef output, const LinkRequest &request) {
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(output, status) && !llvm::sys::fs::is_regular_file(status))
    return llvm::createStringError("cannot write '%s': it is %s", output.str().c_str(),
                                   llvm::sys::fs::is_directory(status) ? "a folder" : "no ordinary file");
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("xferc", folder))
    return llvm::createStringError(error, "cannot make a temporary folder: %s; TMPDIR says where",
                                   error.message().c_str());
  std::vector<std::string> paths;
  std::string linked = (folder + "/linked").str();
  uint64_t bytes = 16 << 20; // of the C++ library, amply
  llvm::Error result = llvm::Error::success();
  for (auto [number, object] : llvm::enumerate(objects)) {
    bytes += object.size();
    paths.push_back(llvm::formatv("{0}/{1}.o", folder, number).str());
    result = llvm::joinErrors(std::move(result), writeFile(paths.back(), object));
  }
  if (!result) {
    if (request.relocatable) {
      result = reserve(linked, bytes);
      if (!result)
        result = mergeObjects(paths, linked);
    } else if (llvm::Expected<std::string> runtime = findRuntime(request.compiler)) {
      uint64_t archive = 0;
      llvm::sys::fs::file_size(*runtime, archive);
      result = reserve(linked, bytes + archive);
      if (!result)
        result = linkProgram(paths, *runtime, linked, {request.strip});
    } else {
      result = runtime.takeError();
    }
  }
  if (!result)
    result = moveInto(linked, output, request.files);
  llvm::sys::fs::remove_directories(folder);
  return result;
}

} // namespace xfer
