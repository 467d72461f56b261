//===- Emit.h - nn operations on tensors with axes --------------------------------------------------------------===//
//
// The steps that several parts of the elaborator emit. No checks: what may be combined was decided before.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_EMIT_H
#define XFER_COMPILER_ELABORATE_EMIT_H

#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Elaborate/Value.h"
#include "llvm/ADT/SetVector.h"

namespace xfer {

std::vector<Extent> extentsOf(mlir::Value value);
/// "[64, size(usps.train)]"
std::string describeDims(llvm::ArrayRef<Dim> dims);
llvm::SmallVector<nn::Extent> nnExtents(llvm::ArrayRef<Dim> dims);
llvm::SmallVector<AxisId> axesOf(llvm::ArrayRef<Dim> dims);

/// Rule 35: aligned at the last axes; an extent of 1 stretches.
Tensor broadcastTo(mlir::OpBuilder &builder, mlir::Location where, const Tensor &tensor, llvm::ArrayRef<Dim> shape);
/// The same elements in another shape, itself where it has that; its axes are those of `shape`.
Tensor reshapeTo(mlir::OpBuilder &builder, mlir::Location where, const Tensor &tensor, llvm::ArrayRef<Dim> shape);
/// A new first axis over tensors of equal shape.
Tensor stack(mlir::OpBuilder &builder, mlir::Location where, llvm::ArrayRef<Tensor> tensors);
/// The tensor with `axis` before the others.
Tensor toFront(mlir::OpBuilder &builder, mlir::Location where, const Tensor &tensor, int64_t axis);
/// The tensor with its first axis at place `axis`; itself where it has no such place.
Tensor fromFront(mlir::OpBuilder &builder, mlir::Location where, const Tensor &tensor, int64_t axis);
/// A number as an element of that type has it.
mlir::Attribute numberAttr(mlir::OpBuilder &builder, mlir::Type element, double number);
/// The type of `count` values of a type one after the other, and back.
mlir::Type stackedType(mlir::Type type, const Extent &count);
mlir::Type elementType(mlir::Type stacked);
/// What is known of a value beside its shape.
nn::Meaning meaningOf(mlir::Value value);
/// The value with another meaning; itself where that changes nothing.
mlir::Value annotate(mlir::OpBuilder &builder, mlir::Location where, mlir::Value value, const nn::Meaning &meaning);

/// The values that `values` are computed from, and they. Per-sample code is handed all fields of a sample and is looked
/// into.
llvm::DenseSet<mlir::Value> valuesBehind(mlir::ValueRange values);

/// Makes a region isolated: values from outside that it reads become arguments of its block, behind those that it has.
/// Returns those values in order. The region may be detached.
llvm::SmallVector<mlir::Value> isolate(mlir::Region &region, mlir::Location where);
/// Where a gradient inside the body of a loop goes through a value that the loop walks over along its first axis, the
/// body reads element `index` of the whole value instead of its argument, the first of which is number `first`.
void takeDependentsWhole(mlir::Region &region, llvm::ArrayRef<mlir::Value> walked, unsigned first, mlir::Value index);
/// The values from outside that a region reads.
llvm::SetVector<mlir::Value> capturedValues(mlir::Region &region);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_EMIT_H
