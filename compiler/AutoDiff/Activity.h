//===- Activity.h - which values a loss depends on, and whether differentiably ----------------------------------===//
//
// Input: a value. Output: for any other value, whether the first depends on it not at all, only through operations
// whose derivative is zero or undefined (floor, compare, stop_gradient, integers), or differentiably. One walk
// backwards over the SSA graph answers for all values; it enters the bodies of loops and maps, so that a carry that
// does not feed the result does not count.
//
// Example: of `sum(floor(w) * x)` the derivative in `x` is Differentiable, in `w` Constant, in any other value None.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_AUTODIFF_ACTIVITY_H
#define XFER_COMPILER_AUTODIFF_ACTIVITY_H

#include "mlir/IR/ValueRange.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"

namespace xfer::nn {

enum class Dependence {
  None,          ///< no path at all
  Constant,      ///< the derivative is constant zero
  Differentiable ///< a path of non-zero derivatives
};

/// Everything that one value depends on.
class Dependences {
public:
  explicit Dependences(mlir::Value loss);
  Dependence on(mlir::Value wrt) const;

private:
  llvm::DenseSet<mlir::Value> reached, differentiable;
};

/// Is there a differentiable path from `wrt` to `loss`?
bool reaches(mlir::Value loss, mlir::Value wrt);
/// The same for several values, in order, with one walk.
llvm::SmallVector<bool> reaches(mlir::Value loss, mlir::ValueRange wrt);

} // namespace xfer::nn

#endif // XFER_COMPILER_AUTODIFF_ACTIVITY_H
