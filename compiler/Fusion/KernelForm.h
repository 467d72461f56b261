//===- KernelForm.h - the loop nest that a set of fused operations needs ----------------------------------------===//
//
// A loop kernel computes `roots` over one iteration space S. With reductions in it, all of them reduce the same axes
// of S; what they leave is the kept space K. A root has the shape of S (stored at every point) or of K (stored once
// for each point of K). Work on S is done in passes: a reduction whose operand needs no other reduction is computed in
// pass 0, one that needs those in pass 1, and so on; a root of shape S is stored in the pass that comes after all
// reductions that it needs.
//
// Example: softmax over the last axis of [n, c] is S = [n, c], K = [n]; pass 0 computes the maximum, pass 1 the sum of
// the exponentials, pass 2 stores the quotients.
//
// Everything else in the kernel is computed on demand, at any index, so the only question is whether each reduction is
// asked for at the point of K that the nest stands at. `analyzeKernel` follows the indices from the roots to find out.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_FUSION_KERNELFORM_H
#define XFER_COMPILER_FUSION_KERNELFORM_H

#include "mlir/IR/Operation.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace xfer {

struct KernelForm {
  struct Root {
    mlir::Value value;
    unsigned position = 0; // in the list of roots
    unsigned pass = 0;     // the pass in which it is stored, of a root of shape S
  };
  /// A scatter or cumsum, which walks in order and is the only root.
  mlir::Operation *sequential = nullptr;
  llvm::SmallVector<mlir::Operation *> reductions; // reduce and argmax; empty: no reduction
  llvm::SmallVector<unsigned> reductionPass;       // for each of them
  mlir::Value space;                               // a value of shape S; null without reductions
  llvm::SmallVector<int64_t> kept, reduced;        // axes of S
  llvm::SmallVector<Root> full, partial;           // roots of shape S and K; without reductions all are full
  unsigned passes = 1;

  /// Whether the reduced axes may be cut into chunks: one pass is all.
  bool isSinglePass() const { return passes == 1; }
};

/// Reduce and argmax.
bool isReduction(mlir::Operation *op);
/// The axes that a reduction reduces.
llvm::SmallVector<int64_t> reducedAxes(mlir::Operation *op);

/// The form of a kernel that computes `roots` from operations for which `inside` holds, or nothing if no nest does it.
std::optional<KernelForm> analyzeKernel(llvm::ArrayRef<mlir::Value> roots,
                                        llvm::function_ref<bool(mlir::Operation *)> inside);

/// Whether `value` is asked for only at the point for which a root is computed. All roots have the shape of `value`.
bool isReadInPlace(llvm::ArrayRef<mlir::Value> roots, mlir::Value value,
                   llvm::function_ref<bool(mlir::Operation *)> inside);

} // namespace xfer

#endif // XFER_COMPILER_FUSION_KERNELFORM_H
