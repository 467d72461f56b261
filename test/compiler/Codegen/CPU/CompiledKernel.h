//===- CompiledKernel.h - compiles an emitted kernel and runs it in the process ---------------------------------===//

#ifndef XFER_TEST_COMPILER_CODEGEN_CPU_COMPILEDKERNEL_H
#define XFER_TEST_COMPILER_CODEGEN_CPU_COMPILEDKERNEL_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Target/ObjectFile.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include <memory>
#include <vector>

namespace xfer::test {

/// The machine code of a module of kernels, for any target, by the way of every program.
llvm::Expected<llvm::SmallVector<char, 0>> compileKernels(mlir::ModuleOp module, const TargetDescription &target,
                                                          MachineCode kind);

/// The same in this process, where its functions are found by name.
llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> loadKernels(mlir::ModuleOp module, const TargetDescription &target);

/// A compiled kernel. Phases run one after the other, chunks in the order that `run` is told.
class CompiledKernel {
public:
  static llvm::Expected<std::unique_ptr<CompiledKernel>> compile(mlir::ModuleOp module, const EmittedKernel &kernel,
                                                                 const TargetDescription &target);
  /// `buffers` without the scratch buffer. `backwards` runs the last chunk first. `extents` in the order of the kernel.
  void run(std::vector<void *> buffers, bool backwards = false, const std::vector<int64_t> &extents = {});
  double compileSeconds = 0; // CPU time

private:
  using Function = void (*)(void *const *, int64_t, const int64_t *);
  std::unique_ptr<llvm::orc::LLJIT> jit;
  std::vector<std::pair<Function, ChunkCount>> phases;
  std::shared_ptr<void> scratch;
};

} // namespace xfer::test

#endif // XFER_TEST_COMPILER_CODEGEN_CPU_COMPILEDKERNEL_H
