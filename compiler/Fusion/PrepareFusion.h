//===- PrepareFusion.h - rewrites that let more operations share a pass -----------------------------------------===//

#ifndef XFER_COMPILER_FUSION_PREPAREFUSION_H
#define XFER_COMPILER_FUSION_PREPAREFUSION_H

#include "mlir/IR/Operation.h"

namespace xfer {

/// Rewrites the operations below `op`: factors that are constant along the reduced axes leave a sum, so that sums do
/// not wait for each other; the mask of a rectifier is found again in its result; axes of extent 1 that come and go
/// around element-wise operations disappear. Equal operations become one.
mlir::LogicalResult prepareFusion(mlir::Operation *op);

} // namespace xfer

#endif // XFER_COMPILER_FUSION_PREPAREFUSION_H
