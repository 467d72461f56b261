//===- LoopNest.h - kernels of everything that is not a contraction ---------------------------------------------===//
//
// Writes the functions of an nn.kernel whose body is made of element-wise operations, operations that move elements,
// windows, gathers, random numbers, and either reductions over the same axes of one space (KernelForm.h), or one
// scatter or cumsum as its only result. Parallel over chunks of the outer axes; where a reduction leaves too little to
// be parallel over, it is cut along the reduced axes and a second phase combines the parts in their order.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_LOOPNEST_H
#define XFER_COMPILER_CODEGEN_CPU_LOOPNEST_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Target/TargetDescription.h"

namespace xfer {

/// Writes the functions `name`, `name.1`, .. at the builder's insertion point (the body of a module). Fails, with a
/// diagnostic at the kernel, if no loop nest computes the body.
mlir::FailureOr<EmittedKernel> emitLoopKernel(mlir::OpBuilder &builder, nn::KernelOp kernel, llvm::StringRef name,
                                              const TargetDescription &target);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_CPU_LOOPNEST_H
