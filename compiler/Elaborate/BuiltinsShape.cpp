//===- BuiltinsShape.cpp - functions that move elements -----------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static Value reshape(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<std::vector<Dim>> shape = evaluator.shape(given[1], range);
  if (!x || !shape)
    return Value();
  // Equal numbers of elements, with the dynamic extents in the same order.
  auto count = [](llvm::ArrayRef<Dim> dims) {
    int64_t product = 1;
    std::vector<std::string> symbols;
    for (const Dim &dim : dims)
      if (dim.extent.isDynamic())
        symbols.push_back(dim.extent.symbol);
      else
        product *= dim.extent.size;
    return std::make_pair(product, symbols);
  };
  std::vector<Dim> own = evaluator.shapeOf(*x);
  if (count(own) != count(*shape))
    return evaluator.error(range, "reshape-count",
                           describeDims(own) + " and " + describeDims(*shape) + " do not hold the same elements");
  return Value(reshapeTo(evaluator.builder(), evaluator.location(range), *x, *shape));
}

static Value transpose(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, x->rank()));
  if (given[1].isNone()) {
    if (x->rank() < 2)
      return evaluator.error(range, "bad-axis", "'transpose' wants two axes, found " + given[0].describe());
    std::swap(permutation[x->rank() - 1], permutation[x->rank() - 2]);
  } else {
    const List *list = given[1].list();
    if (!list || static_cast<int64_t>(list->elements.size()) != x->rank())
      return evaluator.error(range, "bad-axis",
                             "the permutation has one number for each axis of " + given[0].describe());
    std::vector<bool> seen(x->rank(), false);
    for (auto [i, one] : llvm::enumerate(list->elements)) {
      std::optional<llvm::SmallVector<int64_t>> axis = evaluator.axes(one, *x, range);
      if (!axis)
        return Value();
      if (seen[axis->front()])
        return evaluator.error(range, "axis-ambiguous", "the permutation names an axis twice");
      seen[axis->front()] = true;
      permutation[i] = axis->front();
    }
  }
  llvm::SmallVector<AxisId> axes;
  for (int64_t axis : permutation)
    axes.push_back(x->axes[axis]);
  return Tensor{nn::TransposeOp::create(evaluator.builder(), evaluator.location(range), x->value, permutation), axes};
}

/// The tensors of a list, of one element type; nothing after an error.
static std::optional<std::vector<Tensor>> tensorsOf(Evaluator &evaluator, const Value &value, dsl::SourceRange range) {
  const List *list = value.list();
  if (!list || list->elements.empty()) {
    if (!value.isPoison())
      evaluator.error(range, "wrong-type", "expected a list of tensors, found " + value.describe());
    return std::nullopt;
  }
  std::vector<Tensor> tensors;
  Type element;
  for (const Value &one : list->elements) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, range);
    if (!tensor)
      return std::nullopt;
    Type own = tensor->type().getElementType();
    if (!element || llvm::isa<FloatType>(own))
      element = own;
    tensors.push_back(*tensor);
  }
  for (Tensor &tensor : tensors)
    tensor = evaluator.convert(tensor, element, range);
  return tensors;
}

static Value concat(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Tensor>> tensors = tensorsOf(evaluator, given[0], range);
  if (!tensors)
    return Value();
  std::optional<llvm::SmallVector<int64_t>> axes =
      evaluator.axes(given[1].isNone() ? Value(int64_t(0)) : given[1], tensors->front(), range);
  if (!axes)
    return Value();
  if (tensors->size() == 1)
    return Value(tensors->front());
  int64_t axis = axes->front();
  std::vector<Dim> first = evaluator.shapeOf(tensors->front());
  SmallVector<mlir::Value> values;
  for (const Tensor &tensor : *tensors) {
    std::vector<Dim> own = evaluator.shapeOf(tensor);
    bool fits = own.size() == first.size();
    for (size_t i = 0; fits && i < own.size(); ++i)
      fits = static_cast<int64_t>(i) == axis ? !own[i].extent.isDynamic() : own[i].extent == first[i].extent;
    if (!fits)
      return evaluator.error(range, "shapes-differ",
                             describeDims(first) + " and " + describeDims(own) + " cannot be joined along axis " +
                                 Twine(axis) +
                                 (own.size() == first.size() && own[axis].extent.isDynamic()
                                      ? ", whose extent is known only when the data is opened"
                                      : ""));
    values.push_back(tensor.value);
  }
  llvm::SmallVector<AxisId> names = tensors->front().axes;
  names[axis] = 0;
  return Tensor{nn::ConcatOp::create(evaluator.builder(), evaluator.location(range), values, axis), names};
}

static std::optional<int64_t> newAxis(Evaluator &evaluator, const Value &value, int64_t rank, dsl::SourceRange range) {
  std::optional<int64_t> axis = intArgument(evaluator, value, std::nullopt, "axis", range);
  if (!axis)
    return std::nullopt;
  int64_t place = *axis < 0 ? *axis + rank + 1 : *axis;
  if (place >= 0 && place <= rank)
    return place;
  evaluator.error(range, "axis-not-found", "axis " + Twine(*axis) + " is outside a result of rank " + Twine(rank + 1));
  return std::nullopt;
}

static Value expandAt(Evaluator &evaluator, const Tensor &x, int64_t axis, dsl::SourceRange range) {
  std::vector<Dim> shape = evaluator.shapeOf(x);
  shape.insert(shape.begin() + axis, Dim{Extent(1), 0});
  return Value(reshapeTo(evaluator.builder(), evaluator.location(range), x, shape));
}

static Value expand(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<int64_t> axis = x ? newAxis(evaluator, given[1], x->rank(), range) : std::nullopt;
  return axis ? expandAt(evaluator, *x, *axis, range) : Value();
}

static Value stackOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Tensor>> tensors = tensorsOf(evaluator, given[0], range);
  if (!tensors)
    return Value();
  std::optional<int64_t> axis =
      newAxis(evaluator, given[1].isNone() ? Value(int64_t(0)) : given[1], tensors->front().rank(), range);
  if (!axis)
    return Value();
  std::vector<Value> rows;
  for (const Tensor &tensor : *tensors)
    rows.push_back(expandAt(evaluator, tensor, *axis, range));
  std::vector<Value> joined{Value::list(std::move(rows)), Value(*axis)};
  return concat(evaluator, joined, range);
}

static Value squeeze(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<llvm::SmallVector<int64_t>> axes = x ? evaluator.axes(given[1], *x, range) : std::nullopt;
  if (!axes)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  for (int64_t axis : llvm::reverse(*axes)) {
    if (shape[axis].extent.size != 1)
      return evaluator.error(range, "bad-axis",
                             "axis " + Twine(axis) + " has extent " + describeExtent(shape[axis].extent) + ", not 1");
    shape.erase(shape.begin() + axis);
  }
  return Value(reshapeTo(evaluator.builder(), evaluator.location(range), *x, shape));
}

static Value broadcast(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<std::vector<Dim>> shape = evaluator.shape(given[1], range);
  if (!x || !shape)
    return Value();
  std::optional<Tensor> result = evaluator.broadcast(*x, *shape, range);
  return result ? Value(*result) : Value();
}

static Value pad(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  auto widths = [&](const Value &value) -> std::optional<SmallVector<int64_t>> {
    SmallVector<int64_t> result;
    if (const List *list = value.list())
      for (const Value &one : list->elements)
        if (auto number = one.asInteger(); number && *number >= 0)
          result.push_back(*number);
    if (static_cast<int64_t>(result.size()) == x->rank())
      return result;
    evaluator.error(range, "wrong-type", "'pad' wants one width for each axis of " + given[0].describe());
    return std::nullopt;
  };
  auto low = widths(given[1]), high = low ? widths(given[2]) : std::nullopt;
  if (!high)
    return Value();
  SmallVector<int64_t> interior(x->rank(), 0);
  llvm::SmallVector<AxisId> axes = x->axes;
  for (int64_t i = 0; i < x->rank(); ++i)
    if ((*low)[i] || (*high)[i])
      axes[i] = 0;
  return Tensor{nn::PadOp::create(evaluator.builder(), evaluator.location(range), x->value, *low, *high, interior),
                axes};
}

/// `reverse(list)`, or `reverse(x, axis: ..)`.
static Value reverse(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (const List *list = given[0].list(); list && given[1].isNone())
    return Value::list({list->elements.rbegin(), list->elements.rend()}, list->tuple);
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<llvm::SmallVector<int64_t>> axes =
      x ? evaluator.axes(given[1].isNone() ? Value(int64_t(0)) : given[1], *x, range) : std::nullopt;
  if (!axes)
    return Value();
  return Tensor{nn::ReverseOp::create(evaluator.builder(), evaluator.location(range), x->value, *axes), x->axes};
}

static Value chunks(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<int64_t> count = intArgument(evaluator, given[1], std::nullopt, "k", range);
  if (!x || !count)
    return Value();
  std::optional<llvm::SmallVector<int64_t>> axes =
      evaluator.axes(given[2].isNone() ? Value(int64_t(-1)) : given[2], *x, range);
  if (!axes)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  Dim &dim = shape[axes->front()];
  if (dim.extent.isDynamic() || *count < 1 || dim.extent.size % *count != 0)
    return evaluator.error(range, "bad-extent",
                           "an axis of " + describeExtent(dim.extent) + " does not fall into " + Twine(*count) +
                               " equal parts");
  int64_t width = dim.extent.size / *count;
  dim = Dim{Extent(width), 0};
  SmallVector<int64_t> offsets(shape.size(), 0), sizes, strides(shape.size(), 1);
  for (const Dim &each : shape)
    sizes.push_back(each.extent.size);
  std::vector<Value> parts;
  for (int64_t i = 0; i < *count; ++i) {
    offsets[axes->front()] = i * width;
    mlir::Value part =
        nn::SliceOp::create(evaluator.builder(), evaluator.location(range), x->value, offsets, sizes, strides);
    parts.push_back(Value(Tensor{part, axesOf(shape)}));
  }
  return Value::list(std::move(parts));
}

static Value gather(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range), indices = evaluator.toTensor(given[1], range);
  if (!x || !indices)
    return Value();
  if (!indices->type().getElementType().isInteger(32))
    return evaluator.error(range, "wrong-element-type",
                           "the indices of 'gather' are ints, found " + given[1].describe());
  std::optional<llvm::SmallVector<int64_t>> axes =
      evaluator.axes(given[2].isNone() ? Value(int64_t(0)) : given[2], *x, range);
  if (!axes)
    return Value();
  int64_t axis = axes->front();
  llvm::SmallVector<AxisId> names(x->axes.begin(), x->axes.begin() + axis);
  names.append(indices->axes.begin(), indices->axes.end());
  names.append(x->axes.begin() + axis + 1, x->axes.end());
  return Tensor{nn::GatherOp::create(evaluator.builder(), evaluator.location(range), x->value, indices->value, axis, 0),
                names};
}

template <nn::ScatterKind Kind>
static Value scatter(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range), indices = evaluator.toTensor(given[1], range);
  if (!x || !indices)
    return Value();
  std::optional<Tensor> updates = evaluator.toTensor(given[2], range, x->type().getElementType());
  if (!updates)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*indices), own = evaluator.shapeOf(*x);
  if (own.empty())
    return evaluator.error(range, "shapes-differ", "'scatter' wants a tensor with an axis");
  shape.insert(shape.end(), own.begin() + 1, own.end());
  updates = evaluator.broadcast(*updates, shape, range);
  if (!updates)
    return Value();
  return Tensor{nn::ScatterOp::create(evaluator.builder(), evaluator.location(range), Kind, x->value, indices->value,
                                      updates->value, 0),
                x->axes};
}

static Value size(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (auto *place = given[0].place(); place && place->kind != Place::Stage)
    return evaluator.pipeline.sizeOf(*place, range);
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  std::optional<llvm::SmallVector<int64_t>> axes =
      given[1].isNone() ? std::optional(llvm::to_vector(llvm::seq<int64_t>(0, x->rank())))
                        : evaluator.axes(given[1], *x, range);
  if (!axes)
    return Value();
  if (axes->size() == 1)
    return Value(shape[axes->front()]);
  Value product(int64_t(1));
  for (int64_t axis : *axes)
    product = evaluator.binary(dsl::BinaryOp::Multiply, product, Value(shape[axis]), range);
  return product;
}

static Value shapeOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  std::vector<Value> dims;
  for (const Dim &dim : evaluator.shapeOf(*x))
    dims.push_back(Value(dim));
  return Value::list(std::move(dims));
}

static Value rank(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  return x ? Value(x->rank()) : Value();
}

const Builtins &shapeBuiltins() {
  static const Builtins all = {
      {"reshape", {"x", "shape"}, reshape},
      {"transpose", {"x", "permutation?"}, transpose},
      {"concat", {"xs", "axis?"}, concat},
      {"stack", {"xs", "axis?"}, stackOf},
      {"expand", {"x", "axis"}, expand},
      {"squeeze", {"x", "axis"}, squeeze},
      {"broadcast", {"x", "shape"}, broadcast},
      {"pad", {"x", "low", "high"}, pad},
      {"reverse", {"x", "axis?"}, reverse},
      {"chunks", {"x", "k", "axis?"}, chunks},
      {"gather", {"x", "indices", "axis?"}, gather},
      {"scatter", {"x", "indices", "updates"}, scatter<nn::ScatterKind::Set>},
      {"scatter_add", {"x", "indices", "updates"}, scatter<nn::ScatterKind::Add>},
      {"size", {"x", "axis?"}, size},
      {"shape", {"x"}, shapeOf},
      {"rank", {"x"}, rank},
  };
  return all;
}

} // namespace xfer
