//===- Reduction.cpp - shape rules of reductions, gather and scatter, sorting -----------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

LogicalResult ReduceOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  int64_t previous = -1;
  for (int64_t axis : op.getAxes()) {
    if (axis <= previous || axis >= int64_t(info.rank()))
      return emitOptionalError(location, "(C1) axes are not increasing axes of ", toString(info.extents));
    previous = axis;
  }
  bool logical = op.getKind() == ReduceKind::Any || op.getKind() == ReduceKind::All;
  if (info.element.isUnsignedInteger() || logical != info.element.isInteger(1))
    return emitOptionalError(location, "(C2) ", stringifyReduceKind(op.getKind()), " of ", info.element);
  TensorInfo result{info.element, {}, {}};
  for (auto [axis, extent] : llvm::enumerate(info.extents))
    if (!llvm::is_contained(op.getAxes(), int64_t(axis)))
      result.extents.push_back(extent);
  results.push_back(result);
  return success();
}

LogicalResult ArgmaxOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  size_t axis = op.getAxis();
  if (axis >= info.rank() || info.extents[axis].size == 0)
    return emitOptionalError(location, "(C1) axis ", axis, " is not an axis of ", toString(info.extents),
                             ", or an empty one");
  info.extents.erase(info.extents.begin() + axis);
  results.push_back({IntegerType::get(op.getX().getContext(), 32), info.extents, {}});
  return success();
}

static LogicalResult checkAxis(uint64_t axis, const TensorInfo &info, std::optional<Location> location) {
  if (axis >= info.rank())
    return emitOptionalError(location, "(C1) axis ", axis, " is not an axis of ", toString(info.extents));
  return success();
}

LogicalResult CumsumOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  results.push_back({info.element, info.extents, {}});
  return checkAxis(op.getAxis(), info, location);
}

LogicalResult SortOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  results.push_back({info.element, info.extents, {}});
  results.push_back({IntegerType::get(op.getX().getContext(), 32), info.extents, {}});
  return checkAxis(op.getAxis(), info, location);
}

StringRef SortOp::getRoutineName() { return "sort"; }
unsigned SortOp::getRoutineRank() { return 0; }

/// Do the first `count` axes of both agree?
static bool sameBatch(const TensorInfo &a, const TensorInfo &b, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (!a.extents[i].agrees(b.extents[i]))
      return false;
  return true;
}

LogicalResult GatherOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo x = TensorInfo::of(op.getX().getType()), indices = TensorInfo::of(op.getIndices().getType());
  size_t axis = op.getAxis(), batch = op.getBatch();
  if (batch > axis || axis >= x.rank() || batch > indices.rank())
    return emitOptionalError(location, "(C1) axis ", axis, " and batch ", batch, " do not fit ", toString(x.extents),
                             " and ", toString(indices.extents));
  if (!sameBatch(x, indices, batch))
    return emitOptionalError(location, "(C2) batch extents differ: ", toString(x.extents), " and ",
                             toString(indices.extents));
  if (x.extents[axis].size == 0)
    return emitOptionalError(location, "(C3) axis ", axis, " is empty");
  TensorInfo result{x.element, {}, {}};
  result.extents.append(x.extents.begin(), x.extents.begin() + axis);
  result.extents.append(indices.extents.begin() + batch, indices.extents.end());
  result.extents.append(x.extents.begin() + axis + 1, x.extents.end());
  results.push_back(result);
  return success();
}

LogicalResult ScatterOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo x = TensorInfo::of(op.getX().getType()), indices = TensorInfo::of(op.getIndices().getType());
  size_t batch = op.getBatch();
  if (batch >= x.rank() || batch > indices.rank())
    return emitOptionalError(location, "(C1) batch ", batch, " does not fit ", toString(x.extents), " and ",
                             toString(indices.extents));
  if (!sameBatch(x, indices, batch))
    return emitOptionalError(location, "(C2) batch extents differ: ", toString(x.extents), " and ",
                             toString(indices.extents));
  TensorInfo updates{x.element, indices.extents, {}};
  updates.extents.append(x.extents.begin() + batch + 1, x.extents.end());
  if (!compatible(updates.type(), op.getUpdates().getType()))
    return emitOptionalError(location, "(C3) expected updates of type ", updates.type(), ", found ",
                             op.getUpdates().getType());
  if (x.extents[batch].size == 0)
    return emitOptionalError(location, "(C4) axis ", batch, " is empty");
  if (op.getKind() == ScatterKind::Add && (x.element.isInteger(1) || x.element.isUnsignedInteger()))
    return emitOptionalError(location, "(C5) add of ", x.element);
  results.push_back({x.element, x.extents, {}});
  return success();
}
