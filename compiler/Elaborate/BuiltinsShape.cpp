//===- BuiltinsShape.cpp - functions that move elements -----------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Gives the new shape the axes that go on unmerged and unsplit; false after an error, where a bounded one is not among
/// them or loses its samples.
static bool keepBounded(Evaluator &evaluator, const Tensor &x, std::vector<Dim> &shape, dsl::SourceRange range) {
  std::vector<Dim> own = evaluator.shapeOf(x);
  std::vector<bool> kept(own.size(), false);
  Tensor wanted{{}, axesOf(shape)};
  // Runs of axes on both sides that hold the same elements: an axis alone in its run goes on. Extents of 1 that stand
  // beside a run belong to none.
  for (size_t i = 0, j = 0; i < own.size() && j < shape.size();) {
    if (own[i].extent == shape[j].extent) {
      std::optional<AxisId> axis = evaluator.meet(x, i, wanted, j, range);
      if (!axis)
        return false;
      kept[i] = true;
      bool matters = evaluator.isRagged(x, i) || !evaluator.raggedAmong(x, {static_cast<int64_t>(i)}).empty();
      if (matters || !shape[j].axis)
        shape[j].axis = *axis;
      ++i, ++j;
      continue;
    }
    if (own[i].extent.size == 1 || shape[j].extent.size == 1) {
      (own[i].extent.size == 1 ? i : j) += 1;
      continue;
    }
    if (own[i].extent.isDynamic() || shape[j].extent.isDynamic())
      break;
    int64_t left = own[i++].extent.size, right = shape[j++].extent.size;
    while (left != right) {
      if (left < right ? i == own.size() : j == shape.size())
        break;
      const Extent &next = left < right ? own[i++].extent : shape[j++].extent;
      (left < right ? left : right) *= next.size;
    }
  }
  for (size_t i = 0; i < own.size(); ++i)
    if (!kept[i] && !evaluator.wantsDense(x, i, "reshape", range))
      return false;
  return true;
}

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
  if (!keepBounded(evaluator, *x, *shape, range))
    return Value();
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
      std::optional<int64_t> axis = evaluator.axis(one, *x, "transpose", range);
      if (!axis)
        return Value();
      if (seen[*axis])
        return evaluator.error(range, "axis-ambiguous", "the permutation names an axis twice");
      seen[*axis] = true;
      permutation[i] = *axis;
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

/// The axes of tensors that are joined along `axis`. Bounded dimensions whose lengths differ along it get the lengths
/// of all, and remember whose they were, so that the parts can be taken apart again.
static std::optional<llvm::SmallVector<AxisId>> joinedAxes(Evaluator &evaluator, llvm::ArrayRef<Tensor> tensors,
                                                           int64_t axis, dsl::SourceRange range) {
  const Tensor &front = tensors.front();
  llvm::SmallVector<AxisId> names = front.axes;
  names[axis] = 0;
  for (int64_t i = 0; i < front.rank(); ++i) {
    if (i == axis)
      continue;
    auto over = [&](const Tensor &tensor) {
      std::optional<llvm::SmallVector<int64_t>> samples = evaluator.raggedOver(tensor, i);
      return samples && llvm::is_contained(*samples, axis);
    };
    if (llvm::none_of(tensors, over)) {
      for (const Tensor &tensor : llvm::drop_begin(tensors)) {
        std::optional<AxisId> met = evaluator.meet(front, i, tensor, i, range);
        if (!met)
          return std::nullopt;
        if (evaluator.isRagged(tensor, i))
          names[i] = *met;
      }
      continue;
    }
    Bound joined;
    SmallVector<mlir::Value> lengths;
    for (const Tensor &tensor : tensors) {
      const Bound *bound = over(tensor) ? evaluator.boundOf(tensor.axes[i]) : nullptr;
      if (!bound || bound->length.rank() != 1) {
        evaluator.error(range, "lengths-differ",
                        "a bounded dimension and one that has all its entries cannot be joined along their samples");
        return std::nullopt;
      }
      lengths.push_back(bound->length.value);
      joined.parts.push_back({tensor.axes[i], tensor.axes[axis], tensor.type().getDimSize(axis)});
    }
    if (!names[axis])
      names[axis] = evaluator.freshAxis();
    joined.length = {nn::ConcatOp::create(evaluator.builder(), evaluator.location(range), lengths, 0), {names[axis]}};
    names[i] = evaluator.boundedAxis(joined);
  }
  return names;
}

static Value concat(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Tensor>> tensors = tensorsOf(evaluator, given[0], range);
  if (!tensors)
    return Value();
  std::optional<int64_t> along = axisArgument(evaluator, given[1], 0, tensors->front(), "concat", range);
  if (!along)
    return Value();
  if (tensors->size() == 1)
    return Value(tensors->front());
  int64_t axis = *along;
  std::vector<Dim> first = evaluator.shapeOf(tensors->front());
  SmallVector<mlir::Value> values;
  for (const Tensor &tensor : *tensors)
    if (axis < tensor.rank() && evaluator.isRagged(tensor, axis))
      return (void)evaluator.wantsDense(tensor, axis, "concat", range), Value();
  for (const Tensor &tensor : *tensors) {
    std::vector<Dim> own = evaluator.shapeOf(tensor);
    bool fits = own.size() == first.size();
    for (size_t i = 0; fits && i < own.size(); ++i)
      fits = static_cast<int64_t>(i) == axis || own[i].extent == first[i].extent;
    if (!fits)
      return evaluator.error(range, "shapes-differ",
                             describeDims(first) + " and " + describeDims(own) + " cannot be joined along axis " +
                                 Twine(axis));
    values.push_back(tensor.value);
  }
  std::optional<llvm::SmallVector<AxisId>> names = joinedAxes(evaluator, *tensors, axis, range);
  if (!names)
    return Value();
  return Tensor{nn::ConcatOp::create(evaluator.builder(), evaluator.location(range), values, axis), *names};
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
    if ((*low)[i] || (*high)[i]) {
      if (!evaluator.wantsDense(*x, i, "pad", range))
        return Value();
      axes[i] = 0;
    }
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
  Location where = evaluator.location(range);
  Tensor result = *x;
  SmallVector<int64_t> whole;
  for (int64_t axis : *axes) {
    if (evaluator.isRagged(result, axis)) {
      result = evaluator.reversedEntries(result, axis, range);
      continue;
    }
    whole.push_back(axis);
    evaluator.followSamples(*x, axis, result.axes, [&](const Tensor &length, int64_t within) {
      return Tensor{nn::ReverseOp::create(evaluator.builder(), where, length.value, ArrayRef<int64_t>(within)),
                    length.axes};
    });
  }
  if (!whole.empty())
    result.value = nn::ReverseOp::create(evaluator.builder(), where, result.value, whole);
  return Value(result);
}

static Value chunks(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<int64_t> count = intArgument(evaluator, given[1], std::nullopt, "k", range);
  if (!x || !count)
    return Value();
  std::optional<int64_t> axis = axisArgument(evaluator, given[2], -1, *x, "chunks", range);
  if (!axis || !evaluator.wantsDense(*x, *axis, "chunks", range))
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  Dim &dim = shape[*axis];
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
    offsets[*axis] = i * width;
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
  std::optional<int64_t> along = axisArgument(evaluator, given[2], 0, *x, "gather", range);
  if (!along)
    return Value();
  int64_t axis = *along;
  llvm::SmallVector<AxisId> own = x->axes;
  if (!evaluator.raggedAmong(*x, {axis}).empty() && !evaluator.isRagged(*x, axis)) {
    // Samples are chosen: their lengths with them.
    for (AxisId &name : indices->axes)
      if (!name)
        name = evaluator.freshAxis();
    evaluator.followSamples(*x, axis, own, [&](const Tensor &length, int64_t within) {
      llvm::SmallVector<AxisId> names(length.axes.begin(), length.axes.begin() + within);
      names.append(indices->axes.begin(), indices->axes.end());
      names.append(length.axes.begin() + within + 1, length.axes.end());
      return Tensor{
          nn::GatherOp::create(evaluator.builder(), evaluator.location(range), length.value, indices->value, within, 0),
          names};
    });
  }
  llvm::SmallVector<AxisId> names(own.begin(), own.begin() + axis);
  names.append(indices->axes.begin(), indices->axes.end());
  names.append(own.begin() + axis + 1, own.end());
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
  if (!updates || !evaluator.wantsDense(*x, 0, "scatter", range))
    return Value();
  // An index that is not real adds nothing; there is no such thing as setting nothing.
  SmallVector<int64_t> chosen;
  for (int64_t i = 0; i < indices->rank(); ++i)
    if (evaluator.isRagged(*indices, i))
      chosen.push_back(i);
  if (!chosen.empty() && Kind == nn::ScatterKind::Set)
    return (void)evaluator.wantsDense(*indices, chosen.front(), "scatter", range), Value();
  updates =
      evaluator.masked(*updates, chosen, evaluator.builder().getZeroAttr(updates->type().getElementType()), range);
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
