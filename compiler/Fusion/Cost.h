//===- Cost.h - what computing an element costs -----------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_COST_H
#define XFER_COMPILER_FUSION_COST_H

#include "mlir/IR/Operation.h"

namespace xfer {

/// Arithmetic for one element, in units of an addition.
int64_t costOf(mlir::Operation *op);

/// How many elements a tensor has; an extent that is not known counts as long.
int64_t elementsOf(mlir::Type type);
inline int64_t elementsOf(mlir::Value value) { return elementsOf(value.getType()); }

} // namespace xfer

#endif // XFER_COMPILER_FUSION_COST_H
