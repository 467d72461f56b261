//===- Passes.h - passes that set the knobs of kernels ----------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_PASSES_H
#define XFER_COMPILER_CODEGEN_CPU_PASSES_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Pass/Pass.h"

namespace xfer {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Codegen/CPU/Passes.h.inc"

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_CPU_PASSES_H
