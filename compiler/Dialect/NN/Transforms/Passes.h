//===- Passes.h - passes of the nn dialect ----------------------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_TRANSFORMS_PASSES_H
#define XFER_COMPILER_DIALECT_NN_TRANSFORMS_PASSES_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace xfer {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

namespace xfer::nn {
/// Of an `nn.custom` that nn-mark-variables has made: its number.
inline constexpr llvm::StringLiteral kVariableAttr = "nn.variable";
} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_TRANSFORMS_PASSES_H
