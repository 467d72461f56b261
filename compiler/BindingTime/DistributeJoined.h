//===- DistributeJoined.h - what is made of joined splits, made of each -------------------------------------------===//
//
// Input: a function over whole splits, some of which are joined along their samples. Output: the same values, with
// everything that is computed sample by sample behind the join computed from each part, and reductions over the
// samples reduced part by part. What else reads all samples at once reads them joined.
//
//   p = f(concat(x, y))                    p = concat(f(x), f(y)), which is not there unless something reads it
//   m = sum(p, axis: 0)                    m = sum(f(x), axis: 0) + sum(f(y), axis: 0)
//   s = sort(p)                            s = sort(concat(f(x), f(y)))
//
// So the rows of each part are those of one source, which the cut of whole data computes batch by batch.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_BINDINGTIME_DISTRIBUTEJOINED_H
#define XFER_COMPILER_BINDINGTIME_DISTRIBUTEJOINED_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace xfer {

void distributeJoined(mlir::func::FuncOp function);

} // namespace xfer

#endif // XFER_COMPILER_BINDINGTIME_DISTRIBUTEJOINED_H
