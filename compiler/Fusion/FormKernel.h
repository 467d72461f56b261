//===- FormKernel.h - put operations into a kernel --------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_FORMKERNEL_H
#define XFER_COMPILER_FUSION_FORMKERNEL_H

#include "compiler/Dialect/NN/IR/NN.h"

namespace xfer {

/// Whether a kernel copies the operation instead of reading its result: constants of one number (or a few), counters.
bool isFree(mlir::Operation *op);

/// Creates, at the builder's place, a kernel that computes `roots` from copies of `ops`, which stand in program order,
/// and of the free producers that they read. What else they read becomes inputs, in the order of first use. The
/// operations stay where they are.
nn::KernelOp formKernel(mlir::OpBuilder &builder, mlir::Location loc, nn::KernelKind kind,
                        llvm::ArrayRef<mlir::Operation *> ops, llvm::ArrayRef<mlir::Value> roots);

/// Contractions and convolutions; library routines.
bool isContraction(mlir::Operation *op);
bool isLibraryRoutine(mlir::Operation *op);

} // namespace xfer

#endif // XFER_COMPILER_FUSION_FORMKERNEL_H
