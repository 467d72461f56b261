//===- Cost.h - what computing an element costs -----------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_COST_H
#define XFER_COMPILER_FUSION_COST_H

#include "mlir/IR/Operation.h"

namespace xfer {

/// Arithmetic for one element, in units of an addition.
int64_t costOf(mlir::Operation *op);

} // namespace xfer

#endif // XFER_COMPILER_FUSION_COST_H
