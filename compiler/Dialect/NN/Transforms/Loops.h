//===- Loops.h - rewrites of loops that several rooms need ------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_TRANSFORMS_LOOPS_H
#define XFER_COMPILER_DIALECT_NN_TRANSFORMS_LOOPS_H

#include "compiler/Dialect/NN/IR/NN.h"

namespace xfer::nn {

/// Replaces a conditional loop by one that always makes all steps: a further carry says whether the loop is still
/// running, and a step that does not count keeps its carries and stacks zeros.
LoopOp makeUnconditional(LoopOp loop);

/// Replaces the results of `loop` by `replacements`, under the types that they have now, and erases it.
void replaceLoop(LoopOp loop, mlir::ValueRange replacements);

/// A reversal along the first axis that loops scan and nothing else reads: instead they walk backwards.
bool isScannedReverse(mlir::Operation *op);

/// Clones the operations of `body`, but for its yield, to the builder's place; returns what it would yield.
llvm::SmallVector<mlir::Value> cloneBody(mlir::Block &body, mlir::IRMapping &mapping, mlir::OpBuilder &builder);

} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_TRANSFORMS_LOOPS_H
