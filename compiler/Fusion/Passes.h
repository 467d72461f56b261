//===- Passes.h - passes that form kernels ----------------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_PASSES_H
#define XFER_COMPILER_FUSION_PASSES_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Pass/Pass.h"

namespace xfer {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/Fusion/Passes.h.inc"

} // namespace xfer

#endif // XFER_COMPILER_FUSION_PASSES_H
