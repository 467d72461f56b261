//===- Grouping.h - which operations share a kernel -------------------------------------------------------------===//
//
// Input: the operations of a block. Output: groups of them, each of which one kernel can compute, in an order in which
// no group needs a later one; and for each group its roots, the values that get memory.
//
// Operations are taken from the last to the first. Where all users of an operation stand in one group, it joins that
// group if a nest can still compute it (KernelForm.h) and if computing it there on demand costs little more than
// storing it would. Where users stand in several groups the operation is copied into each if that is cheap; else the
// groups become one if that is legal and shares a pass; else its result gets memory, and it joins the first group
// that may hold it without waiting for itself. A contraction joins a group that only works on its result's elements:
// the group becomes its epilogue. At last groups that reduce the same tensors the same way are merged, and groups
// whose results nobody else in the block reads (the updates of all parameters) become one kernel of many nests.
//
// Example: y = relu(x + broadcast(b)); s = sum(y): one group {broadcast, add, relu, sum}, roots y (if read elsewhere)
// and s.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_GROUPING_H
#define XFER_COMPILER_FUSION_GROUPING_H

#include "compiler/Dialect/NN/IR/NN.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

namespace xfer {

struct FusionGroup {
  enum Kind { Outside, Loop, Contraction, Library };
  Kind kind = Loop;
  llvm::SmallVector<mlir::Operation *> ops; // in program order
  llvm::SmallVector<mlir::Value> roots;
};

/// The groups of a block, in an order of execution. Operations outside kernels are groups of one; free producers
/// (FormKernel.h) are in none.
std::vector<FusionGroup> groupOperations(mlir::Block &block);

} // namespace xfer

#endif // XFER_COMPILER_FUSION_GROUPING_H
