//===- Gradient.cpp - random numbers and what concerns gradients ------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

void RandomOp::build(OpBuilder &builder, OperationState &state, Value key, int64_t site, ArrayRef<int64_t> shape) {
  TensorInfo info = TensorInfo::of(key.getType());
  info.element = builder.getF32Type();
  info.meaning = Meaning::join(info.meaning, {});
  info.extents.pop_back();
  info.extents.append(shape.begin(), shape.end());
  build(builder, state, info.type(), key, builder.getI64IntegerAttr(site));
}

LogicalResult RandomOp::verify() {
  Extents key = extentsOf(getKey().getType()), result = extentsOf(getType());
  if (key.empty() || key.back() != Extent(4))
    return emitOpError("(C1) a key is 4 words, found ") << toString(key);
  if (result.size() + 1 < key.size() ||
      !llvm::all_of(llvm::seq<size_t>(0, key.size() - 1), [&](size_t i) { return key[i].agrees(result[i]); }))
    return emitOpError("(C2) the result ") << toString(result) << " does not begin with the keys of " << toString(key);
  for (size_t i = key.size() - 1; i < result.size(); ++i)
    if (result[i].isDynamic())
      return emitOpError("(C3) dynamic extent in one draw: ") << toString(result);
  return success();
}

LogicalResult ScaleGradientOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo x = TensorInfo::of(op.getX().getType()), scale = TensorInfo::of(op.getScale().getType());
  if (scale.rank() != 0 || scale.element != x.element)
    return emitOptionalError(location, "(C1) expected a scalar of ", x.element, ", found ", op.getScale().getType());
  results.push_back({x.element, x.extents, {}});
  return success();
}

DerivativeKind ScaleGradientOp::getDerivativeKind(unsigned index) {
  return index == 0 ? DerivativeKind::Some : DerivativeKind::None;
}

void GradientOp::build(OpBuilder &builder, OperationState &state, Value loss, ValueRange wrt) {
  SmallVector<Type> types;
  for (Value value : wrt) {
    Meaning meaning = Meaning::join(Meaning::of(value.getType()), Meaning::of(loss.getType()));
    types.push_back(withMeaning(value.getType(), meaning));
  }
  build(builder, state, types, loss, wrt);
}

LogicalResult GradientOp::verify() {
  if (cast<RankedTensorType>(getLoss().getType()).getRank() != 0)
    return emitOpError("(C1) the loss has type ") << getLoss().getType() << ", expected a scalar";
  if (!compatible(getWrt().getTypes(), getGradients().getTypes()))
    return emitOpError("(C3) the results do not have the types of the values");
  return success();
}
