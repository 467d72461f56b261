//===- LowerFunction.h - a planned function as runtime calls ------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_LOWERFUNCTION_H
#define XFER_COMPILER_CODEGEN_LOWERFUNCTION_H

#include "compiler/Codegen/KernelTable.h"
#include "compiler/Memory/FunctionPlan.h"

namespace xfer {

/// The symbol of a function in the object: one that no C function can have, so that a program may call its own `main`.
std::string getObjectName(mlir::func::FuncOp function);

/// Reserves the scratch buffers of the function's kernels in its plan; to be called between `emit` of the table and
/// `layout` of the plan. Gives the number of the buffer of every kernel that has one.
llvm::DenseMap<mlir::Operation *, unsigned> reserveScratch(FunctionPlan &plan, const KernelTable &kernels);

/// Writes the function of the plan at the builder's place, with the signature of `xfer_function_t` and a body of rt, cf
/// and arith: the kernels in order, loops, library routines and the copies that the plan could not avoid.
mlir::func::FuncOp lowerFunction(mlir::OpBuilder &builder, const FunctionPlan &plan, const KernelTable &kernels,
                                 const llvm::DenseMap<mlir::Operation *, unsigned> &scratch);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_LOWERFUNCTION_H
