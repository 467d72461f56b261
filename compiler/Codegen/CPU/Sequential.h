//===- Sequential.h - kernels that walk an axis in order --------------------------------------------------------===//
//
// Scatter and cumsum: their elements cannot be computed on demand. The operands are, so that producers fuse into them.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_SEQUENTIAL_H
#define XFER_COMPILER_CODEGEN_CPU_SEQUENTIAL_H

#include "compiler/Codegen/CPU/Nest.h"

namespace xfer::cpu {

/// An opened phase: its function, and where the result goes.
struct SequentialKernel {
  KernelContext &context;
  KernelFunction &function;
  mlir::Value output;
};

/// Writes the phases of `op`; `open` begins one, `close` ends it and takes its number of chunks.
void emitSequential(mlir::OpBuilder &builder, mlir::Operation *op, llvm::function_ref<SequentialKernel()> open,
                    llvm::function_ref<void(int64_t chunks)> close);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_SEQUENTIAL_H
