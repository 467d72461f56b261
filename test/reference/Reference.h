//===- Reference.h - a slow, plain evaluator of nn functions ----------------------------------------------------===//
//
// What every kernel is compared with. One plain function an operation, written from its description and sharing nothing
// with the compiler. All numbers are held as doubles and rounded to the element type after each operation; in double
// precision mode floats are not rounded, which finite differences need.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_TEST_REFERENCE_REFERENCE_H
#define XFER_TEST_REFERENCE_REFERENCE_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <map>
#include <string>
#include <vector>

namespace xfer::reference {

/// A dense row-major tensor; the values of any element type as doubles (bools 0 and 1).
struct HostTensor {
  mlir::Type element;
  std::vector<int64_t> shape;
  std::vector<double> values;

  HostTensor() = default;
  HostTensor(mlir::Type element, llvm::ArrayRef<int64_t> shape, double fill = 0);
  int64_t size() const { return values.size(); }
  int64_t rank() const { return shape.size(); }
  double &at(llvm::ArrayRef<int64_t> index);
  double at(llvm::ArrayRef<int64_t> index) const;
};

/// Calls `visit(index)` for each index into `shape`, in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

/// What the operations that derivatives see otherwise than values (stop_gradient, scale_gradient) were given, in the
/// order of their evaluation. Recorded at one point, it makes evaluations at points nearby follow the derivative there.
struct Anchor {
  bool recording = true;
  std::map<mlir::Operation *, std::vector<HostTensor>> given;
  std::map<mlir::Operation *, size_t> next;
};

struct Options {
  bool doublePrecision = false;
  /// Relative errors of at most this size in what each arithmetic operation gives, or a sum takes: what another order
  /// of the same computation may do. They depend on the seed and the values alone, so that equal computations agree.
  double noise = 0;
  uint64_t noiseSeed = 0;
  /// Values that are replaced by others.
  const std::map<void *, HostTensor> *replaced = nullptr;
  Anchor *anchor = nullptr;
};

/// The values of `function` on `inputs`. Dynamic extents are those of the inputs; equal symbols must be equal. Failure,
/// with an error, for inputs that do not fit and for operations that are not values (nn.gradient).
llvm::FailureOr<std::vector<HostTensor>> evaluate(mlir::func::FuncOp function, llvm::ArrayRef<HostTensor> inputs,
                                                  Options options = {});

/// Values under the opaque pointers of `Options::replaced`.
inline void *keyOf(mlir::Value value) { return const_cast<void *>(value.getAsOpaquePointer()); }

/// Numbers for tests: floats uniform in [low, high), integers 0 to 7, bytes 0 to 255, bools. A dynamic extent
/// becomes 3, a sum what its terms add up to.
HostTensor randomTensor(mlir::Type type, uint64_t seed, double low = -1, double high = 1);

/// Element `number` of the draw that `key` and `site` name, in [0, 1): Philox4x32-10 (Salmon et al. 2011).
double philoxUniform(const uint32_t key[4], uint64_t site, uint64_t number);

} // namespace xfer::reference

#endif // XFER_TEST_REFERENCE_REFERENCE_H
