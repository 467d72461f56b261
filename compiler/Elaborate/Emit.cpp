#include "compiler/Elaborate/Emit.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/STLExtras.h"
#include <functional>

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

static Tensor permuted(OpBuilder &builder, Location where, const Tensor &tensor, llvm::ArrayRef<int64_t> permutation) {
  llvm::SmallVector<AxisId> axes;
  for (int64_t from : permutation)
    axes.push_back(tensor.axes[from]);
  return {nn::TransposeOp::create(builder, where, tensor.value, permutation), axes};
}

Tensor toFront(OpBuilder &builder, Location where, const Tensor &tensor, int64_t axis) {
  if (axis == 0)
    return tensor;
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, tensor.rank()));
  permutation.erase(permutation.begin() + axis);
  permutation.insert(permutation.begin(), axis);
  return permuted(builder, where, tensor, permutation);
}

Tensor fromFront(OpBuilder &builder, Location where, const Tensor &tensor, int64_t axis) {
  if (axis == 0 || axis >= tensor.rank())
    return tensor;
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, tensor.rank()));
  permutation.insert(permutation.begin() + axis, 0);
  return permuted(builder, where, tensor, permutation);
}

Attribute numberAttr(OpBuilder &builder, Type element, double number) {
  if (llvm::isa<FloatType>(element))
    return builder.getFloatAttr(element, number);
  return IntegerAttr::get(element, static_cast<int64_t>(number));
}

Type stackedType(Type type, const Extent &count) {
  nn::TensorInfo info = nn::TensorInfo::of(type);
  info.extents.insert(info.extents.begin(), count);
  return info.type();
}

Type elementType(Type stacked) {
  nn::TensorInfo info = nn::TensorInfo::of(stacked);
  info.extents.erase(info.extents.begin());
  return info.type();
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

namespace {
/// The values outside of a region that vary with what the gradients inside are taken of.
class Dependents {
public:
  explicit Dependents(Region &region) {
    region.walk([&](nn::GradientOp gradient) {
      for (mlir::Value wrt : gradient.getWrt())
        if (!isInside(wrt, region))
          known[wrt] = true;
    });
  }
  bool isEmpty() const { return known.empty(); }
  /// Does the value vary, itself being taken a gradient of or not?
  bool contains(mlir::Value value) {
    auto found = known.find(value);
    if (found != known.end())
      return found->second;
    bool varies = isMadeOfOne(value);
    known.try_emplace(value, varies);
    return varies;
  }
  /// Is the value computed from one that varies?
  bool isMadeOfOne(mlir::Value value) {
    auto op = llvm::dyn_cast_or_null<nn::NNOpInterface>(value.getDefiningOp());
    bool any = false;
    for (unsigned i = 0; op && i < op->getNumOperands(); ++i)
      any |= op.getDerivativeKind(i) == nn::DerivativeKind::Some && contains(op->getOperand(i));
    return any;
  }

private:
  llvm::DenseMap<mlir::Value, bool> known;
};
} // namespace

/// A gradient inside a region differentiates through what it reads there; what was computed outside from the same
/// values is computed again inside, as a value that is only handed in would be a constant to it.
static void pullInDependents(Region &region, MLIRContext *context) {
  Dependents dependents(region);
  if (dependents.isEmpty())
    return;
  OpBuilder builder(context);
  builder.setInsertionPointToStart(&region.front());
  IRMapping mapping;
  std::function<void(mlir::Value)> pull = [&](mlir::Value value) {
    Operation *op = value.getDefiningOp();
    if (mapping.contains(value) || !op || !dependents.isMadeOfOne(value))
      return;
    for (mlir::Value operand : op->getOperands())
      pull(operand);
    builder.clone(*op, mapping);
  };
  for (mlir::Value value : capturedValues(region)) {
    pull(value);
    if (mlir::Value inner = mapping.lookupOrNull(value))
      value.replaceUsesWithIf(inner, [&](OpOperand &use) {
        return region.findAncestorOpInRegion(*use.getOwner()) && inner.getDefiningOp() != use.getOwner();
      });
  }
}

void takeDependentsWhole(Region &region, llvm::ArrayRef<mlir::Value> walked, unsigned first, mlir::Value index) {
  Dependents dependents(region);
  OpBuilder builder(index.getContext());
  builder.setInsertionPointToStart(&region.front());
  for (auto [i, value] : llvm::enumerate(walked)) {
    if (!dependents.contains(value))
      continue;
    Location where = index.getLoc();
    mlir::Value element = region.front().getArgument(first + i);
    mlir::Value place = nn::ReshapeOp::create(builder, where, index, llvm::ArrayRef<Extent>{Extent(1)});
    mlir::Value row = nn::GatherOp::create(builder, where, value, place, int64_t(0), int64_t(0));
    element.replaceAllUsesWith(nn::ReshapeOp::create(builder, where, row, extentsOf(element)));
  }
}

llvm::SmallVector<mlir::Value> isolate(Region &region, Location where) {
  pullInDependents(region, where.getContext());
  llvm::SetVector<mlir::Value> captured = capturedValues(region);
  for (mlir::Value value : captured) {
    mlir::Value argument = region.front().addArgument(value.getType(), where);
    region.walk([&](Operation *op) { op->replaceUsesOfWith(value, argument); });
  }
  return captured.takeVector();
}

llvm::DenseSet<mlir::Value> valuesBehind(ValueRange values) {
  llvm::DenseSet<mlir::Value> reached;
  SmallVector<mlir::Value> work(values);
  while (!work.empty()) {
    mlir::Value value = work.pop_back_val();
    if (!reached.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    if (auto argument = llvm::dyn_cast<BlockArgument>(value)) {
      // A block whose operation is not there yet has no arguments that lead on.
      if (auto each = llvm::dyn_cast_or_null<nn::EachOp>(argument.getOwner()->getParentOp()))
        work.push_back(each->getOperand(argument.getArgNumber()));
    } else if (auto each = llvm::dyn_cast<nn::EachOp>(op)) {
      work.push_back(each.getYield().getValues()[llvm::cast<OpResult>(value).getResultNumber()]);
    } else {
      work.append(op->operand_begin(), op->operand_end());
    }
  }
  return reached;
}

} // namespace xfer
