//===- ConvertRTToLLVM.h - runtime calls as LLVM calls --------------------------------------------------*- C++ -*-===//

#ifndef XFER_COMPILER_DIALECT_RT_TRANSFORMS_CONVERTRTTOLLVM_H
#define XFER_COMPILER_DIALECT_RT_TRANSFORMS_CONVERTRTTOLLVM_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace xfer::rtir {

/// Replaces every rt op of the module's functions by LLVM dialect and declares the entries that are called, as
/// entries.def does, and the constants. Before: func.funcs of rt, arith and cf. After: no rt op; the kernels named by
/// rt.parallel are declared where the module does not define them.
void convertToLLVM(mlir::ModuleOp module);

} // namespace xfer::rtir

#endif // XFER_COMPILER_DIALECT_RT_TRANSFORMS_CONVERTRTTOLLVM_H
