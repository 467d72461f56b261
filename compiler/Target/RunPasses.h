//===- RunPasses.h - LLVM's passes over a module ------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_RUNPASSES_H
#define XFER_COMPILER_TARGET_RUNPASSES_H

#include "llvm/Passes/PassBuilder.h"

namespace xfer {

/// Runs `passes` with the analyses of `builder`.
void runPasses(llvm::PassBuilder &builder, llvm::ModulePassManager passes, llvm::Module &module);

} // namespace xfer

#endif // XFER_COMPILER_TARGET_RUNPASSES_H
