//===- RT.h - the dialect of runtime calls ------------------------------------------------------------*- C++ -*-===//

#ifndef XFER_COMPILER_DIALECT_RT_IR_RT_H
#define XFER_COMPILER_DIALECT_RT_IR_RT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "compiler/Dialect/RT/IR/RTDialect.h.inc"

#define GET_OP_CLASSES
#include "compiler/Dialect/RT/IR/RTOps.h.inc"

namespace xfer::rtir {

/// The global that holds the program's constants.
constexpr llvm::StringLiteral kConstantsSymbol = "xfer_constants";

/// The type of a function of the program, `xfer_function_t`: (context, queue, buffers, arena, extents) -> status.
mlir::FunctionType getProgramFunctionType(mlir::MLIRContext *context);
/// The type of a kernel, `xfer_kernel_t`: (buffers, chunk, extents).
mlir::FunctionType getKernelFunctionType(mlir::MLIRContext *context);

} // namespace xfer::rtir

#endif // XFER_COMPILER_DIALECT_RT_IR_RT_H
