//===- FusedContraction.h - contractions with what follows them -------------------------------------------------===//
//
// Writes the functions of an nn.kernel of the kind `contraction`: one contraction or convolution whose operands are
// inputs of the kernel, and operations that work on its result at the place of each element. They are computed on the
// sums while those are in registers, and only the kernel's results are stored.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_FUSEDCONTRACTION_H
#define XFER_COMPILER_CODEGEN_CPU_FUSEDCONTRACTION_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Target/TargetDescription.h"

namespace xfer {

/// Writes the functions `name`, `name.1`, .. at the builder's insertion point (the body of a module).
mlir::FailureOr<EmittedKernel> emitFusedContraction(mlir::OpBuilder &builder, nn::KernelOp kernel, llvm::StringRef name,
                                                    const TargetDescription &target);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_CPU_FUSEDCONTRACTION_H
