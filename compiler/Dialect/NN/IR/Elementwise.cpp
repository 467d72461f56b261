//===- Elementwise.cpp - shape rules and verifiers of element-wise operations -----------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

LogicalResult CompareOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  if (failed(shape::allEqual(op.getOperands(), location, results)))
    return failure();
  results[0].element = IntegerType::get(op.getA().getContext(), 1);
  return success();
}

LogicalResult SelectOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  if (failed(shape::allEqual({op.getA(), op.getB()}, location, results)))
    return failure();
  RankedTensorType expected = withElement(results[0].type(), IntegerType::get(op.getA().getContext(), 1));
  if (!compatible(op.getCondition().getType(), expected))
    return emitOptionalError(location, "(C1) extents differ: ", toString(extentsOf(op.getCondition().getType())),
                             " and ", toString(results[0].extents));
  return success();
}

void ConvertOp::build(OpBuilder &builder, OperationState &state, Value x, Type element) {
  TensorInfo info = TensorInfo::of(x.getType());
  bool bothFloat = isa<FloatType>(info.element) && isa<FloatType>(element);
  if (!bothFloat && info.element != element) {
    info.meaning.tag = Tag::None;
    info.meaning.classes = 0;
    info.meaning.normalised = false;
    info.meaning.statistics.clear();
  }
  info.element = element;
  build(builder, state, info.type(), x);
}

LogicalResult ConvertOp::verify() {
  if (!compatible(withElement(getX().getType(), getType().getElementType()), getType()))
    return emitOpError("(C1) extents differ: ")
           << toString(extentsOf(getX().getType())) << " and " << toString(extentsOf(getType()));
  return success();
}
