//===- CollapseAxes.h - fewer and longer axes for a kernel ------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_COLLAPSEAXES_H
#define XFER_COMPILER_CODEGEN_CPU_COLLAPSEAXES_H

#include "mlir/IR/Block.h"

namespace xfer::cpu {

/// Gives the values of a kernel's body shapes with as few axes as its operations can tell apart: axes of extent 1 go,
/// neighbouring axes that every operation treats alike become one. Memory looks the same. A body with operations that
/// know their axes otherwise than by element-wise work, broadcasts, counters, draws and reductions stays as it is.
///
/// Example: x[n, h, w, c] * broadcast(k[c]) becomes x[n * h * w, c] * broadcast(k[c]).
void collapseAxes(mlir::Block &body);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_COLLAPSEAXES_H
