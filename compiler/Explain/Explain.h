//===- Explain.h - what a program does, for its author ------------------------------------------------------------===//
//
// Reads the elaborated program (before meanings are erased and gradients are written out) and says what no framework
// says: which parameters there are, where their values come from, who trains them until when, and who minimises or
// maximises which loss.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_EXPLAIN_EXPLAIN_H
#define XFER_COMPILER_EXPLAIN_EXPLAIN_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer {

/// Parameters by path with shape, count, initial value, and the epochs of each stage in which they are trained; states.
void explainModel(llvm::raw_ostream &os, mlir::ModuleOp program);

/// For every loss of every stage: the parts of the model that minimise it, those that maximise it (a gradient is
/// reversed on the way), and those that it does not reach. Then the formulas as the program has them, with what the
/// functions say that they call.
void explainLosses(llvm::raw_ostream &os, mlir::ModuleOp program);

/// What samplers draw by, and the points of sweeps; nothing where there are none.
void explainOrder(llvm::raw_ostream &os, mlir::ModuleOp program);

/// For every function that is not run before the steps: how many values have which binding time; where what is the same
/// for a sample in every epoch ends, and what ends it; and what is known only in the step.
void explainBindingTimes(llvm::raw_ostream &os, mlir::ModuleOp program);

/// The values that are computed before the steps, and when.
void explainHoisted(llvm::raw_ostream &os, mlir::ModuleOp program);

/// The kernels of every function after fusion, equal ones counted: their emitter, results, operations and schedule.
void explainKernels(llvm::raw_ostream &os, mlir::ModuleOp program);

} // namespace xfer

#endif // XFER_COMPILER_EXPLAIN_EXPLAIN_H
