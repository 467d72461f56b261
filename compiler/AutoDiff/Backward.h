//===- Backward.h - reverse accumulation over a block -----------------------------------------------------------===//
//
// Input: outputs of a block with their cotangents, and the values to differentiate with respect to. Output: the
// cotangents of those, as nn operations at the builder's place.
//
// Idea: a value is active when a differentiable path leads to it from a `wrt` value. The operations before the
// insertion point are visited in reverse order; each one that has collected a cotangent hands it on to its active
// operands through its rule, where several contributions are added. Nothing is emitted for inactive values.
//
// Example: y = exp(x), l = sum(y * c), wrt x. Active: x, y, y * c, l. Seed 1 for l; the sum broadcasts it; the product
// gives y the cotangent 1 * c, and c none; exp gives x the cotangent c * y.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_AUTODIFF_BACKWARD_H
#define XFER_COMPILER_AUTODIFF_BACKWARD_H

#include "compiler/AutoDiff/Rules.h"
#include "llvm/ADT/DenseSet.h"

namespace xfer::nn {

/// The values of `block` that depend differentiably on one of `from`, those included.
llvm::DenseSet<mlir::Value> activeValues(mlir::Block &block, mlir::ValueRange from);
/// The values of `block` on which one of `outputs` depends differentiably, those included.
llvm::DenseSet<mlir::Value> usefulValues(mlir::Block &block, mlir::ValueRange outputs);

/// The cotangents of `wrt`; null where no path leads from one to an output. All values are of the builder's block, null
/// seeds do not count. The block must have been prepared (below). Operations get the location "theirs, called at
/// `caller`". Failure, with an error, for an operation that has no rule.
/// `keepProducts`: see prepareLoops.
llvm::FailureOr<Cotangents> backward(mlir::ValueRange outputs, llvm::ArrayRef<mlir::Value> seeds, mlir::ValueRange wrt,
                                     mlir::OpBuilder &builder, mlir::Location caller, bool keepProducts);

/// Brings the loops of `block` between `wrt` and `outputs` into the form that their rule needs: unconditional, and with
/// the carries of each step, and its products if `keepProducts`, among the stacked results. Replaces values: read
/// outputs and wrt again afterwards.
void prepareLoops(mlir::Block &block, mlir::ValueRange outputs, mlir::ValueRange wrt, bool keepProducts);
/// What the body computes that is better kept than computed again: matrix products and convolutions.
llvm::SmallVector<mlir::Value> keptProducts(LoopOp loop);
/// The stacked result of a prepared loop that holds this value of the body in each step; null if there is none.
mlir::Value stackOf(LoopOp loop, mlir::Value inBody);

} // namespace xfer::nn

#endif // XFER_COMPILER_AUTODIFF_BACKWARD_H
