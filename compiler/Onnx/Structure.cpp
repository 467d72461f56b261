//===- Structure.cpp - operations that move, join and choose elements, in ONNX -----------------------------------===//

#include "compiler/Onnx/Translator.h"

using namespace mlir;

namespace xfer::onnx {

static RankedTensorType typeOf(Value value) { return llvm::cast<RankedTensorType>(value.getType()); }

LogicalResult Translator::translate(nn::ConstantOp op) {
  auto values = llvm::dyn_cast<DenseElementsAttr>(op.getValue());
  if (!values)
    return refuse(op, "a constant has no values in memory");
  if (values.isSplat() && values.getNumElements() != 1)
    setLoose(op, graph.constant(values.resizeSplat(RankedTensorType::get({}, values.getElementType()))));
  else
    set(op, graph.constant(values));
  return success();
}

LogicalResult Translator::translate(nn::IotaOp op) {
  RankedTensorType type = typeOf(op);
  auto axis = static_cast<int64_t>(op.getAxis());
  Type i64 = IntegerType::get(op.getContext(), 64);
  auto along = RankedTensorType::get({type.getDimSize(axis)}, i64);
  std::string end = graph.shared("Squeeze", {shapeOf(along)});
  std::string numbers = graph.shared("Range", {graph.scalar(i64, 0), end, graph.scalar(i64, 1)});
  if (type.getElementType() != i64)
    numbers = cast(numbers, type.getElementType());
  SmallVector<int64_t> aligned(type.getRank(), 1);
  aligned[axis] = -1;
  setLoose(op, graph.node("Reshape", {numbers, graph.integers(aligned)}));
  return success();
}

LogicalResult Translator::translate(nn::BroadcastOp op) {
  RankedTensorType from = op.getX().getType();
  SmallVector<int64_t> aligned(typeOf(op).getRank(), 1), added;
  for (auto [axis, dimension] : llvm::enumerate(op.getDimensions()))
    aligned[dimension] = from.getDimSize(axis);
  if (isStretched(op.getX()) && from.getRank() == 0) {
    setLoose(op, loose(op.getX()));
    return success();
  }
  for (int64_t i = 0; i != typeOf(op).getRank(); ++i)
    if (!llvm::is_contained(op.getDimensions(), i))
      added.push_back(i);
  std::string x = whole(op.getX());
  setLoose(op, added.empty() ? x : graph.shared("Unsqueeze", {x, graph.integers(added)}));
  return success();
}

LogicalResult Translator::translate(nn::ReshapeOp op) {
  RankedTensorType type = typeOf(op);
  if (type.getNumDynamicDims() > 1)
    return refuse(op, "two extents are not known");
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t &extent : shape)
    extent = ShapedType::isDynamic(extent) ? -1 : extent;
  set(op, graph.node("Reshape", {whole(op.getX()), graph.integers(shape)}));
  return success();
}

LogicalResult Translator::translate(nn::ConcatOp op) {
  auto axis = static_cast<int64_t>(op.getAxis());
  if (typeOf(op).isDynamicDim(axis))
    return refuse(op, "it joins samples");
  SmallVector<std::string> parts = llvm::map_to_vector(op.getXs(), [&](Value x) { return whole(x); });
  set(op, graph.node("Concat", parts, Attributes().number("axis", axis)));
  return success();
}

LogicalResult Translator::translate(nn::SliceOp op) {
  SmallVector<int64_t> starts, ends, axes, steps;
  RankedTensorType type = op.getX().getType();
  for (int64_t i = 0; i != type.getRank(); ++i) {
    int64_t size = op.getSizes()[i], start = op.getOffsets()[i], step = op.getStrides()[i];
    if (ShapedType::isDynamic(size) || (size == type.getDimSize(i) && start == 0 && step == 1))
      continue;
    starts.push_back(start);
    ends.push_back(size == 0 ? start : start + (size - 1) * step + 1);
    axes.push_back(i);
    steps.push_back(step);
  }
  std::string x = whole(op.getX());
  set(op, axes.empty() ? x
                       : graph.node("Slice", {x, graph.integers(starts), graph.integers(ends), graph.integers(axes),
                                              graph.integers(steps)}));
  return success();
}

LogicalResult Translator::translate(nn::PadOp op) {
  if (llvm::any_of(op.getInterior(), [](int64_t gap) { return gap != 0; }))
    return refuse(op, "ONNX puts no zeros between elements");
  SmallVector<int64_t> pads(op.getLow());
  pads.append(op.getHigh().begin(), op.getHigh().end());
  std::string zero = graph.scalar(typeOf(op).getElementType(), 0);
  set(op, graph.node("Pad", {whole(op.getX()), graph.integers(pads), zero}));
  return success();
}

LogicalResult Translator::translate(nn::ReverseOp op) {
  SmallVector<int64_t> last(op.getAxes().size(), -1), first(op.getAxes().size(), std::numeric_limits<int64_t>::min());
  set(op, graph.node("Slice", {whole(op.getX()), graph.integers(last), graph.integers(first),
                               graph.integers(op.getAxes()), graph.integers(last)}));
  return success();
}

LogicalResult Translator::translate(nn::ReduceOp op) {
  std::string x = whole(op.getX());
  if (op.getAxes().empty()) { // which to ONNX means all
    set(op, x);
    return success();
  }
  Type i32 = IntegerType::get(op.getContext(), 32);
  bool ofBools = op.getKind() == nn::ReduceKind::Any || op.getKind() == nn::ReduceKind::All;
  StringRef type = "ReduceSum";
  if (op.getKind() == nn::ReduceKind::Max || op.getKind() == nn::ReduceKind::Any)
    type = "ReduceMax";
  else if (op.getKind() == nn::ReduceKind::Min || op.getKind() == nn::ReduceKind::All)
    type = "ReduceMin";
  else if (op.getKind() == nn::ReduceKind::Prod)
    type = "ReduceProd";
  std::string result =
      graph.node(type, {ofBools ? cast(x, i32) : x, graph.integers(op.getAxes())}, Attributes().number("keepdims", 0));
  set(op, ofBools ? cast(result, typeOf(op).getElementType()) : result);
  return success();
}

LogicalResult Translator::translate(nn::ArgmaxOp op) {
  std::string place = graph.node("ArgMax", {whole(op.getX())},
                                 Attributes().number("axis", static_cast<int64_t>(op.getAxis())).number("keepdims", 0));
  set(op, cast(place, typeOf(op).getElementType()));
  return success();
}

LogicalResult Translator::translate(nn::CumsumOp op) {
  Type i64 = IntegerType::get(op.getContext(), 64);
  set(op, graph.node("CumSum", {whole(op.getX()), graph.scalar(i64, static_cast<double>(op.getAxis()))}));
  return success();
}

/// An index is held at the ends of the axis first.
LogicalResult Translator::translate(nn::GatherOp op) {
  RankedTensorType type = op.getX().getType();
  Type i64 = IntegerType::get(op.getContext(), 64);
  auto axis = static_cast<int64_t>(op.getAxis()), batch = static_cast<int64_t>(op.getBatch());
  if (type.isDynamicDim(axis))
    return refuse(op, "it chooses among samples");
  std::string index = cast(whole(op.getIndices()), i64);
  index = graph.node("Clip",
                     {index, graph.scalar(i64, 0), graph.scalar(i64, static_cast<double>(type.getDimSize(axis) - 1))});
  std::string x = whole(op.getX());
  if (batch == 0) {
    set(op, graph.node("Gather", {x, index}, Attributes().number("axis", axis)));
    return success();
  }
  // The axis goes behind those that both share, and what was before it comes back to the front afterwards.
  SmallVector<int64_t> toBatch, back;
  int64_t chosen = op.getIndices().getType().getRank() - batch;
  for (int64_t i = 0; i != type.getRank(); ++i)
    if (i != axis)
      toBatch.push_back(i);
  toBatch.insert(toBatch.begin() + batch, axis);
  for (int64_t i = 0; i != batch; ++i)
    back.push_back(i);
  for (int64_t i = batch; i != axis; ++i)
    back.push_back(i + chosen);
  for (int64_t i = 0; i != chosen; ++i)
    back.push_back(batch + i);
  for (int64_t i = axis + 1; i != type.getRank(); ++i)
    back.push_back(i - 1 + chosen);
  index = graph.node("Unsqueeze", {index, graph.integers({-1})});
  std::string found = graph.node("GatherND", {permuted(x, toBatch), index}, Attributes().number("batch_dims", batch));
  set(op, permuted(found, back));
  return success();
}

LogicalResult Translator::translate(nn::ScatterOp op) {
  RankedTensorType type = op.getX().getType();
  if (op.getBatch() != 0)
    return refuse(op, "ONNX scatters into no batch");
  if (type.isDynamicDim(0))
    return refuse(op, "it scatters to samples");
  Type i64 = IntegerType::get(op.getContext(), 64);
  std::string index = cast(whole(op.getIndices()), i64);
  index =
      graph.node("Clip", {index, graph.scalar(i64, 0), graph.scalar(i64, static_cast<double>(type.getDimSize(0) - 1))});
  index = graph.node("Unsqueeze", {index, graph.integers({-1})});
  set(op, graph.node("ScatterND", {whole(op.getX()), index, whole(op.getUpdates())},
                     Attributes().text("reduction", op.getKind() == nn::ScatterKind::Add ? "add" : "none")));
  return success();
}

LogicalResult Translator::translate(nn::SortOp op) {
  RankedTensorType type = op.getX().getType();
  auto axis = static_cast<int64_t>(op.getAxis());
  if (type.isDynamicDim(axis))
    return refuse(op, "it sorts samples");
  std::string values = graph.fresh(), places = graph.fresh();
  graph.node("TopK", {whole(op.getX()), graph.integers({type.getDimSize(axis)})}, {values, places},
             Attributes().number("axis", axis).number("largest", 0).number("sorted", 1));
  set(op.getValues(), values);
  set(op.getIndices(), cast(places, typeOf(op.getIndices()).getElementType()));
  return success();
}

} // namespace xfer::onnx
