#include "compiler/Elaborate/Emit.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace xfer {

std::vector<Extent> extentsOf(mlir::Value value) {
  auto extents = nn::extentsOf(value.getType());
  return {extents.begin(), extents.end()};
}

std::string describeDims(llvm::ArrayRef<Dim> dims) {
  std::string text = "[";
  for (auto [i, dim] : llvm::enumerate(dims))
    text += (i ? ", " : "") + describeExtent(dim.extent);
  return text + "]";
}

llvm::SmallVector<nn::Extent> nnExtents(llvm::ArrayRef<Dim> dims) {
  llvm::SmallVector<nn::Extent> result;
  for (const Dim &dim : dims)
    result.push_back(dim.extent);
  return result;
}

llvm::SmallVector<AxisId> axesOf(llvm::ArrayRef<Dim> dims) {
  llvm::SmallVector<AxisId> result;
  for (const Dim &dim : dims)
    result.push_back(dim.axis);
  return result;
}

Tensor broadcastTo(OpBuilder &builder, Location where, const Tensor &tensor, llvm::ArrayRef<Dim> shape) {
  llvm::SmallVector<nn::Extent> target = nnExtents(shape);
  std::vector<Extent> own = extentsOf(tensor.value);
  if (llvm::equal(own, target))
    return {tensor.value, axesOf(shape)};
  return {nn::BroadcastOp::create(builder, where, tensor.value, target), axesOf(shape)};
}

Tensor reshapeTo(OpBuilder &builder, Location where, const Tensor &tensor, llvm::ArrayRef<Dim> shape) {
  llvm::SmallVector<nn::Extent> target = nnExtents(shape);
  if (llvm::equal(extentsOf(tensor.value), target))
    return {tensor.value, axesOf(shape)};
  return {nn::ReshapeOp::create(builder, where, tensor.value, target), axesOf(shape)};
}

Tensor stack(OpBuilder &builder, Location where, llvm::ArrayRef<Tensor> tensors) {
  SmallVector<mlir::Value> rows;
  SmallVector<AxisId> axes{0};
  axes.append(tensors.front().axes.begin(), tensors.front().axes.end());
  for (const Tensor &tensor : tensors) {
    std::vector<Dim> shape{{Extent(1), 0}};
    for (const Extent &extent : extentsOf(tensor.value))
      shape.push_back({extent, 0});
    rows.push_back(reshapeTo(builder, where, tensor, shape).value);
  }
  if (rows.size() == 1)
    return {rows.front(), axes};
  return {nn::ConcatOp::create(builder, where, rows, 0), axes};
}

nn::Meaning meaningOf(mlir::Value value) { return nn::Meaning::of(value.getType()); }

mlir::Value annotate(OpBuilder &builder, Location where, mlir::Value value, const nn::Meaning &meaning) {
  return meaningOf(value) == meaning ? value : nn::AnnotateOp::create(builder, where, value, meaning).getResult();
}

static bool isInside(mlir::Value value, Region &region) {
  for (Region *around = value.getParentRegion(); around;) {
    if (around == &region)
      return true;
    Operation *op = around->getParentOp();
    around = op ? op->getParentRegion() : nullptr;
  }
  return false;
}

llvm::SetVector<mlir::Value> capturedValues(Region &region) {
  llvm::SetVector<mlir::Value> captured;
  region.walk([&](Operation *op) {
    for (mlir::Value operand : op->getOperands())
      if (!isInside(operand, region))
        captured.insert(operand);
  });
  return captured;
}

llvm::SmallVector<mlir::Value> isolate(Region &region, Location where) {
  llvm::SetVector<mlir::Value> captured = capturedValues(region);
  for (mlir::Value value : captured) {
    mlir::Value argument = region.front().addArgument(value.getType(), where);
    region.walk([&](Operation *op) { op->replaceUsesOfWith(value, argument); });
  }
  return captured.takeVector();
}

} // namespace xfer
