//===- Pipeline.h - the way of a program through the compiler -----------------------------------------------------===//

#ifndef XFER_COMPILER_PIPELINE_PIPELINE_H
#define XFER_COMPILER_PIPELINE_PIPELINE_H

#include "compiler/Pipeline/Backend.h"
#include "llvm/ADT/StringSet.h"

namespace xfer {

/// The stages of Stages.def, in order.
enum class Stage {
#define XFER_STAGE(identifier, name, sentence) identifier,
#include "compiler/Pipeline/Stages.def"
};

struct StageInfo {
  Stage stage;
  llvm::StringRef name, sentence;
};
llvm::ArrayRef<StageInfo> getStages();
std::optional<Stage> getStage(llvm::StringRef name);

/// The optimising passes that `--disable=NAME` switches off, with a sentence each.
llvm::ArrayRef<std::pair<llvm::StringRef, llvm::StringRef>> getOptimisingPasses();

struct CompileOptions {
  TargetDescription target;
  llvm::StringSet<> disabled;
  std::map<std::string, std::string> build; // for run.json
  bool weightsBeside = false;               // in a file beside the executable
};

/// Makes everything known to the context that compiling wants. Once a context, before a program is read into it.
void prepareContext(mlir::MLIRContext &context);

/// Takes an elaborated program (the stage `xfer`) through the passes on tensors, up to the stage, `schedule` at most.
mlir::LogicalResult transformProgram(mlir::ModuleOp module, const CompileOptions &options, Stage until);

/// The hash of everything that decides what an elaborated program computes: its text, the options, this compiler.
std::string hashProgram(mlir::ModuleOp module, const CompileOptions &options);

/// What takes a program of that hash from the stage `schedule` to machine code.
BackendOptions getBackendOptions(const CompileOptions &options, std::string hash);

} // namespace xfer

#endif // XFER_COMPILER_PIPELINE_PIPELINE_H
