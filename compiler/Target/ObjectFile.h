//===- ObjectFile.h - LLVM dialect to machine code ----------------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_OBJECTFILE_H
#define XFER_COMPILER_TARGET_OBJECTFILE_H

#include "compiler/Target/TargetDescription.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include <memory>

namespace xfer {

/// Makes LLVM's back ends known. To be called once, before everything else of this file.
void initializeTargets();

/// The module in LLVM IR, with triple and data layout of the target: without them LLVM expands copies into byte loops.
llvm::Expected<std::unique_ptr<llvm::Module>> translateToLLVMIR(mlir::ModuleOp module, llvm::LLVMContext &context,
                                                                const TargetDescription &target);

/// Runs LLVM's -O2. Kernels are vectorised already, so loops are neither vectorised again nor unrolled further.
llvm::Error optimize(llvm::Module &module, const TargetDescription &target);

enum class MachineCode { Object, Assembly };
llvm::Expected<llvm::SmallVector<char, 0>> emitMachineCode(llvm::Module &module, const TargetDescription &target,
                                                           MachineCode kind);

/// Calls `work` for 0 .. count - 1 on as many threads as the machine has cores, and gives the first error by number.
llvm::Error forEachInParallel(size_t count, llvm::function_ref<llvm::Error(size_t)> work);

} // namespace xfer

#endif // XFER_COMPILER_TARGET_OBJECTFILE_H
