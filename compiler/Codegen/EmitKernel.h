//===- EmitKernel.h - a kernel by the emitter of its kind ---------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_EMITKERNEL_H
#define XFER_COMPILER_CODEGEN_EMITKERNEL_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Target/TargetDescription.h"

namespace xfer {

/// Writes the functions of the kernel at the builder's place; the KernelEmitter of every CPU.
mlir::FailureOr<EmittedKernel> emitKernel(mlir::OpBuilder &builder, nn::KernelOp kernel, llvm::StringRef name,
                                          const TargetDescription &target);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_EMITKERNEL_H
