//===- Constants.cpp - constants by value -----------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

TypedAttr xfer::nn::numberAttr(Type element, double value) {
  if (auto type = dyn_cast<FloatType>(element))
    return FloatAttr::get(type, value);
  if (element.isUnsignedInteger())
    return IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), uint64_t(value)));
  return IntegerAttr::get(element, APInt(element.getIntOrFloatBitWidth(), int64_t(value), /*isSigned=*/true,
                                         /*implicitTrunc=*/true));
}

double xfer::nn::numberOf(Attribute attribute) {
  if (auto real = dyn_cast<FloatAttr>(attribute))
    return real.getValueAsDouble();
  auto integer = cast<IntegerAttr>(attribute);
  bool isUnsigned = integer.getType().isInteger(1) || integer.getType().isUnsignedInteger();
  return isUnsigned ? double(integer.getValue().getZExtValue()) : double(integer.getValue().getSExtValue());
}

Value xfer::nn::createFilled(OpBuilder &builder, Location location, double value, Type element,
                             ArrayRef<Extent> extents) {
  bool isStatic = llvm::none_of(extents, [](const Extent &extent) { return extent.isDynamic(); });
  RankedTensorType type = TensorInfo{element, isStatic ? Extents(extents) : Extents(), {}}.type();
  Value constant = ConstantOp::create(builder, location, DenseElementsAttr::get(type, numberAttr(element, value)));
  return isStatic ? constant : Value(BroadcastOp::create(builder, location, constant, extents));
}

Value xfer::nn::createFilledLike(OpBuilder &builder, Location location, double value, Type like) {
  return createFilled(builder, location, value, cast<RankedTensorType>(like).getElementType(), extentsOf(like));
}

std::optional<double> xfer::nn::filledNumber(Value value) {
  while (auto broadcast = value.getDefiningOp<BroadcastOp>())
    value = broadcast.getX();
  auto constant = value.getDefiningOp<ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || !elements.isSplat())
    return std::nullopt;
  return numberOf(elements.getSplatValue<Attribute>());
}

bool xfer::nn::isFilledWith(Value value, double number) { return filledNumber(value) == number; }
