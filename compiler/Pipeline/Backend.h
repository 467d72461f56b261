//===- Backend.h - functions of kernels to machine code -----------------------------------------------------------===//

#ifndef XFER_COMPILER_PIPELINE_BACKEND_H
#define XFER_COMPILER_PIPELINE_BACKEND_H

#include "compiler/Codegen/KernelTable.h"
#include "compiler/Codegen/Manifest.h"

namespace xfer {

struct BackendOptions {
  TargetDescription target;
  KernelEmitter emitter;
  /// Whether values may share memory beyond what a copy would cost (`--disable=reuse`).
  bool reuse = true;
  /// Hash of everything that decides what the program computes, and facts for run.json.
  std::string hash;
  std::map<std::string, std::string> build;
  /// Whether the constants stay out of the objects.
  bool weightsBeside = false;
};

/// A program on its way to machine code. The steps are called in order; each leaves what it made to be printed.
class Backend {
public:
  Backend(mlir::ModuleOp module, BackendOptions options) : module(module), options(std::move(options)) {}

  /// Decides where every value of every function lies, emits the kernels, and fixes the arenas.
  mlir::LogicalResult plan();
  /// Lowers the functions to runtime calls, beside the modules of the kernels.
  void lowerFunctions();
  enum class Output { IR, Assembly, Object };
  /// Compiles all modules on all cores and gives the output of each.
  llvm::Expected<std::vector<llvm::SmallVector<char, 0>>> compile(Output output);

  /// What `--emit=memory` and `explain` print: the plan of every function and the peak of every stage.
  void printPlans(llvm::raw_ostream &os) const;
  llvm::StringRef getConstants() const { return constants.bytes(); }
  size_t kernelCount() const { return kernels.size(); }
  void printModules(llvm::raw_ostream &os);

private:
  llvm::Expected<llvm::SmallVector<char, 0>> compileModule(size_t number, Output output);

  mlir::ModuleOp module;
  BackendOptions options;
  ConstantPool constants;
  KernelTable kernels;
  std::vector<FunctionPlan> plans;
  std::vector<StagePeak> peaks;
  std::vector<llvm::DenseMap<mlir::Operation *, unsigned>> scratch;
  std::string manifest;
  /// The functions, then the kernels.
  llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
};

} // namespace xfer

#endif // XFER_COMPILER_PIPELINE_BACKEND_H
