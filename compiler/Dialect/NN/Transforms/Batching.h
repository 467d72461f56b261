//===- Batching.h - rules that add a sample axis to operations --------------------------------------------------===//
//
// Input: the body of an nn.each, which computes on one sample. Output: the same for all samples, every value that
// depends on the sample having a new first axis; the others are computed once. Each operation has a rule: most shift
// the axes that they name by one, the rest is in BatchConvolution.cpp and BatchRegions.cpp.
//
// Example: in `y = reduce sum (x * w) axes [0]` with x of shape [8, 4] per sample [4] and w of shape [4]: w is repeated
// to [8, 4], the product keeps its form, the sum runs over axis 1.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_TRANSFORMS_BATCHING_H
#define XFER_COMPILER_DIALECT_NN_TRANSFORMS_BATCHING_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "llvm/ADT/DenseMap.h"

namespace xfer::nn {

class Batcher {
public:
  Batcher(mlir::OpBuilder &builder, mlir::Location location, Extent count)
      : builder(builder), count(count), location(location) {}

  /// Emits the operations of `body` (without its yield) for all samples.
  llvm::LogicalResult emit(mlir::Block &body);

  void define(mlir::Value value, mlir::Value made, bool batched) { values[value] = {made, batched}; }
  bool isBatched(mlir::Value value) const { return values.lookup(value).second; }
  /// What stands for `value`, with a sample axis only if it depends on the sample.
  mlir::Value get(mlir::Value value) const { return values.lookup(value).first; }
  /// The same, always with a sample axis.
  mlir::Value all(mlir::Value value);
  llvm::SmallVector<mlir::Value> all(mlir::ValueRange values);
  /// `type` with the sample axis in front.
  mlir::RankedTensorType batched(mlir::Type type) const;

  /// `op` on `operands`, which have a sample axis, with result types that have one; attributes are to be adapted.
  template <typename Op> Op rebuild(Op op, mlir::ValueRange operands) {
    return llvm::cast<Op>(rebuildGeneric(op, operands));
  }
  mlir::Operation *rebuildGeneric(mlir::Operation *op, mlir::ValueRange operands);
  /// Axis `from` of `value` becomes the first.
  mlir::Value toFront(mlir::Value value, int64_t from);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<Extent> extents);

  mlir::OpBuilder &builder;
  Extent count;
  mlir::Location location; // of the operation that is being replaced

private:
  llvm::LogicalResult emitOp(mlir::Operation *op);

  llvm::DenseMap<mlir::Value, std::pair<mlir::Value, bool>> values;
};

/// An attribute's numbers, one for each axis, with that of the sample axis.
llvm::SmallVector<int64_t> withFront(int64_t front, llvm::ArrayRef<int64_t> rest);

/// Each tries its family: success with the results, failure with an error; none for an operation of another family.
using BatchedResults = std::optional<llvm::FailureOr<llvm::SmallVector<mlir::Value>>>;
BatchedResults batchSimple(mlir::Operation *op, Batcher &batcher);
BatchedResults batchConvolution(mlir::Operation *op, Batcher &batcher);
BatchedResults batchRegion(mlir::Operation *op, Batcher &batcher);

} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_TRANSFORMS_BATCHING_H
