//===- Structural.cpp - shape rules and verifiers of operations that move elements ------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

//===----------------------------------------------------------------------===//
// constant, iota, annotate
//===----------------------------------------------------------------------===//

void ConstantOp::build(OpBuilder &builder, OperationState &state, ElementsAttr value) {
  build(builder, state, value.getShapedType(), value);
}

ParseResult ConstantOp::parse(OpAsmParser &parser, OperationState &state) {
  ElementsAttr value;
  Type type;
  if (failed(parser.parseOptionalAttrDict(state.attributes)) || failed(parser.parseAttribute(value)))
    return failure();
  type = value.getShapedType();
  if (succeeded(parser.parseOptionalArrow()) && failed(parser.parseType(type)))
    return failure();
  state.getOrAddProperties<Properties>().value = value;
  state.addTypes(type);
  return success();
}

void ConstantOp::print(OpAsmPrinter &printer) {
  printer.printOptionalAttrDict((*this)->getAttrs(), {"value"});
  printer << ' ' << Attribute(getValue());
  if (getType() != getValue().getShapedType())
    printer << " -> " << getType();
}

LogicalResult ConstantOp::verify() {
  if (!compatible(getValue().getShapedType(), getType()))
    return emitOpError("(C1) the value has type ") << getValue().getShapedType() << ", the result " << getType();
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

void IotaOp::build(OpBuilder &builder, OperationState &state, ArrayRef<Extent> shape, int64_t axis) {
  TensorInfo info{builder.getI32Type(), Extents(shape), {}};
  build(builder, state, info.type(), builder.getI64IntegerAttr(axis));
}

LogicalResult IotaOp::verify() {
  if (int64_t(getAxis()) < 0 || int64_t(getAxis()) >= getType().getRank())
    return emitOpError("(C1) axis ") << getAxis() << " is not an axis of " << getType();
  return success();
}

void AnnotateOp::build(OpBuilder &builder, OperationState &state, Value x, const Meaning &meaning) {
  build(builder, state, withMeaning(x.getType(), meaning), x);
}

LogicalResult AnnotateOp::verify() {
  if (!compatible(getX().getType(), getType()))
    return emitOpError("(C1) changes more than the meaning");
  return success();
}

//===----------------------------------------------------------------------===//
// broadcast, reshape
//===----------------------------------------------------------------------===//

void BroadcastOp::build(OpBuilder &builder, OperationState &state, Value x, ArrayRef<Extent> shape,
                        ArrayRef<int64_t> dimensions) {
  TensorInfo info = TensorInfo::of(x.getType());
  bool lastStays =
      !dimensions.empty() && dimensions.back() == int64_t(shape.size()) - 1 && info.extents.back() == shape.back();
  if (meaning::isDistribution(info.meaning.tag) && !lastStays)
    info.meaning.tag = Tag::None;
  info.extents.assign(shape.begin(), shape.end());
  build(builder, state, info.type(), x, builder.getDenseI64ArrayAttr(dimensions));
}

void BroadcastOp::build(OpBuilder &builder, OperationState &state, Value x, ArrayRef<Extent> shape) {
  int64_t rank = extentsOf(x.getType()).size();
  build(builder, state, x, shape, llvm::to_vector(llvm::seq<int64_t>(shape.size() - rank, shape.size())));
}

LogicalResult BroadcastOp::verify() {
  TensorInfo from = TensorInfo::of(getX().getType()), to = TensorInfo::of(getType());
  ArrayRef<int64_t> dimensions = getDimensions();
  if (dimensions.size() != from.rank())
    return emitOpError("(C1) has ") << dimensions.size() << " dimensions for an operand of rank " << from.rank();
  for (size_t i = 0; i < dimensions.size(); ++i) {
    if (dimensions[i] < 0 || dimensions[i] >= int64_t(to.rank()) || (i > 0 && dimensions[i] <= dimensions[i - 1]))
      return emitOpError("(C1) dimensions are not increasing axes of the result");
    if (from.extents[i] != Extent(1) && !from.extents[i].agrees(to.extents[dimensions[i]]))
      return emitOpError("(C2) axis ") << i << " of " << toString(from.extents) << " does not become axis "
                                       << dimensions[i] << " of " << toString(to.extents);
  }
  if (from.element != to.element)
    return emitOpError("(C3) element types differ: ") << from.element << " and " << to.element;
  return success();
}

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value x, ArrayRef<Extent> shape) {
  TensorInfo info = TensorInfo::of(x.getType());
  bool lastStays = !info.extents.empty() && !shape.empty() && info.extents.back() == shape.back();
  if (meaning::isDistribution(info.meaning.tag) && !lastStays)
    info.meaning.tag = Tag::None;
  info.extents.assign(shape.begin(), shape.end());
  build(builder, state, info.type(), x);
}

/// The dynamic extents in order, and the products of the static ones before, between and after them.
static std::pair<Extents, SmallVector<int64_t>> splitAtDynamic(ArrayRef<Extent> extents) {
  std::pair<Extents, SmallVector<int64_t>> split{{}, {1}};
  for (const Extent &extent : extents) {
    if (!extent.isDynamic()) {
      split.second.back() *= extent.size;
      continue;
    }
    split.first.push_back(extent);
    split.second.push_back(1);
  }
  return split;
}

LogicalResult ReshapeOp::verify() {
  TensorInfo from = TensorInfo::of(getX().getType()), to = TensorInfo::of(getType());
  if (from.element != to.element)
    return emitOpError("(C1) element types differ: ") << from.element << " and " << to.element;
  auto [fromDynamic, fromStatic] = splitAtDynamic(from.extents);
  auto [toDynamic, toStatic] = splitAtDynamic(to.extents);
  if (fromDynamic.size() != toDynamic.size() || fromStatic != toStatic ||
      !llvm::all_of(llvm::zip(fromDynamic, toDynamic), [](auto p) { return std::get<0>(p).agrees(std::get<1>(p)); }))
    return emitOpError("(C2) ") << toString(from.extents) << " does not have the elements of " << toString(to.extents);
  return success();
}

bool ReshapeOp::isUnitReshape() {
  auto isLong = [](int64_t extent) { return extent != 1; };
  return llvm::equal(llvm::make_filter_range(getX().getType().getShape(), isLong),
                     llvm::make_filter_range(getType().getShape(), isLong));
}

//===----------------------------------------------------------------------===//
// transpose, concat, slice, pad, reverse
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  SmallVector<int64_t> sorted(op.getPermutation());
  llvm::sort(sorted);
  if (sorted != llvm::to_vector(llvm::seq<int64_t>(0, info.rank())))
    return emitOptionalError(location, "(C1) not a permutation of ", info.rank(), " axes");
  TensorInfo result{info.element, {}, {}};
  for (int64_t axis : op.getPermutation())
    result.extents.push_back(info.extents[axis]);
  results.push_back(result);
  return success();
}

LogicalResult ConcatOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  if (op.getXs().empty())
    return emitOptionalError(location, "(C1) nothing to concatenate");
  TensorInfo result = TensorInfo::of(op.getXs().front().getType());
  result.meaning = {};
  size_t axis = op.getAxis();
  if (axis >= result.rank())
    return emitOptionalError(location, "(C2) axis ", axis, " is not an axis of ", toString(result.extents));
  result.extents[axis] = Extent(0);
  for (Value x : op.getXs()) {
    TensorInfo info = TensorInfo::of(x.getType());
    if (info.element != result.element)
      return emitOptionalError(location, "(C3) element types differ: ", result.element, " and ", info.element);
    bool fits = info.rank() == result.rank();
    for (size_t i = 0; fits && i < info.rank(); ++i)
      fits = i == axis || info.extents[i].agrees(result.extents[i]);
    if (!fits)
      return emitOptionalError(location, "(C4) extents differ on another axis than ", axis, ": ",
                               toString(extentsOf(op.getXs().front().getType())), " and ", toString(info.extents));
    result.extents[axis] = Extent::sum(result.extents[axis], info.extents[axis]);
  }
  results.push_back(result);
  return success();
}

LogicalResult SliceOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  size_t rank = info.rank();
  if (op.getOffsets().size() != rank || op.getSizes().size() != rank || op.getStrides().size() != rank)
    return emitOptionalError(location, "(C1) expected ", rank, " offsets, sizes and strides");
  for (auto [extent, offset, size, stride] : llvm::zip(info.extents, op.getOffsets(), op.getSizes(), op.getStrides())) {
    if (extent.isDynamic()) {
      if (offset != 0 || !ShapedType::isDynamic(size) || stride != 1)
        return emitOptionalError(location, "(C4) part of the dynamic extent ", toString(extent));
      continue;
    }
    if (offset < 0 || size < 0 || stride <= 0)
      return emitOptionalError(location, "(C2) negative offset or size, or a stride that is not positive");
    if (size > 0 && offset + (size - 1) * stride >= extent.size)
      return emitOptionalError(location, "(C3) elements ", offset, " to ", offset + (size - 1) * stride,
                               " of an extent of ", extent.size);
    extent.size = size;
  }
  results.push_back({info.element, info.extents, {}});
  return success();
}

LogicalResult PadOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  size_t rank = info.rank();
  if (op.getLow().size() != rank || op.getHigh().size() != rank || op.getInterior().size() != rank)
    return emitOptionalError(location, "(C1) expected ", rank, " paddings of each kind");
  for (auto [extent, low, high, interior] : llvm::zip(info.extents, op.getLow(), op.getHigh(), op.getInterior())) {
    if (low < 0 || high < 0 || interior < 0)
      return emitOptionalError(location, "(C2) negative padding");
    if (extent.isDynamic() && (low || high || interior))
      return emitOptionalError(location, "(C3) padding of the dynamic extent ", toString(extent));
    if (!extent.isDynamic())
      extent.size = low + extent.size + std::max<int64_t>(extent.size - 1, 0) * interior + high;
  }
  results.push_back({info.element, info.extents, {}});
  return success();
}

LogicalResult ReverseOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo info = TensorInfo::of(op.getX().getType());
  SmallVector<bool> seen(info.rank(), false);
  for (int64_t axis : op.getAxes()) {
    if (axis < 0 || axis >= int64_t(info.rank()) || seen[axis])
      return emitOptionalError(location, "(C1) axis ", axis, " is not an axis of ", toString(info.extents),
                               " or named twice");
    seen[axis] = true;
  }
  results.push_back({info.element, info.extents, {}});
  return success();
}
