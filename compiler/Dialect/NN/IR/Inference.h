//===- Inference.h - rules for shapes and meanings that operations share ----------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_IR_INFERENCE_H
#define XFER_COMPILER_DIALECT_NN_IR_INFERENCE_H

#include "compiler/Dialect/NN/IR/Meaning.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/ValueRange.h"
#include <optional>

namespace xfer::nn {

/// The derivative of an operation's results in one operand; see NNOpInterface.
enum class DerivativeKind { None, Zero, Some };

/// Shape rules: extents and element types of the results from those of the operands.
namespace shape {
using Results = llvm::SmallVectorImpl<TensorInfo>;
llvm::LogicalResult sameAsFirst(mlir::ValueRange operands, std::optional<mlir::Location> location, Results &results);
llvm::LogicalResult allEqual(mlir::ValueRange operands, std::optional<mlir::Location> location, Results &results);
} // namespace shape

/// Meaning rules. All join domains and the right to be read; they differ in what happens to tag and `normalised`.
namespace meaning {
using Results = llvm::MutableArrayRef<TensorInfo>;
void dropTag(mlir::ValueRange operands, Results results);
/// Tag and `normalised` of the first operand: the result has its values, each at its place.
void keep(mlir::ValueRange operands, Results results);
/// As keep, but without a tag that speaks of the last axis (logits, prob, logprob).
void keepElementTag(mlir::ValueRange operands, Results results);
/// Logits stay logits when added to logits or to something untagged.
void add(mlir::ValueRange operands, Results results);
/// Logits stay logits when multiplied by something untagged.
void scale(mlir::ValueRange operands, Results results);
/// As scale, but only for logits in the first operand.
void scaleFirst(mlir::ValueRange operands, Results results);
/// The tag that all operands have, if they agree.
void agree(mlir::ValueRange operands, Results results);
/// Does the tag speak of the whole last axis?
bool isDistribution(Tag tag);
} // namespace meaning

namespace detail {

/// The join of all operands' meanings: what every rule begins with.
Meaning joinAll(mlir::ValueRange operands);
/// `kind` if operand `index` and some result are floating-point, else None.
DerivativeKind floatDerivative(mlir::Operation *op, unsigned index, DerivativeKind kind);

template <typename Adaptor, typename ShapeRule, typename MeaningRule>
llvm::LogicalResult inferTypes(Adaptor adaptor, mlir::MLIRContext *, std::optional<mlir::Location> location,
                               ShapeRule shapeRule, MeaningRule meaningRule, llvm::SmallVectorImpl<mlir::Type> &types) {
  llvm::SmallVector<TensorInfo, 2> results;
  if (failed(shapeRule(adaptor, location, results)))
    return llvm::failure();
  meaningRule(adaptor, results);
  for (const TensorInfo &result : results)
    types.push_back(result.type());
  return llvm::success();
}

} // namespace detail
} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_IR_INFERENCE_H
