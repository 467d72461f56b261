//===- LowerToLLVM.h - kernels and step functions in the LLVM dialect ---------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_LOWERTOLLVM_H
#define XFER_COMPILER_CODEGEN_LOWERTOLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Support/LLVM.h"

namespace xfer {

/// Turns func, rt, scf, cf, arith, math and vector of a module into LLVM dialect. The functions of the runtime's types
/// and the kernels are given hidden visibility: they are called across modules but not from outside of the program.
/// Modules of one context may be lowered at the same time.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module);

/// Loads what `lowerToLLVM` makes and registers what translation to LLVM IR needs. To be called before, once a context.
void registerLowering(mlir::DialectRegistry &registry);
void loadLowering(mlir::MLIRContext &context);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_LOWERTOLLVM_H
