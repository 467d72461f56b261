//===- Passes.h - passes of the BindingTime room ------------------------------------------------------------------===//

#ifndef XFER_COMPILER_BINDINGTIME_PASSES_H
#define XFER_COMPILER_BINDINGTIME_PASSES_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "mlir/Pass/Pass.h"

namespace xfer {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/BindingTime/Passes.h.inc"

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_PASSES_H
