//===- Indexing.cpp - x[a..b, .., i] of tensors, lists and families ----------------------------------------------===//
//
// Slices have bounds known at compile time. An index that is computed, such as a counter of a loop, chooses one entry
// as `gather` does.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Value Evaluator::index(const Value &object, const dsl::IndexExpr &expression, const ScopePtr &scope) {
  if (object.isPoison())
    return object;
  if (object.tensor())
    return slice(*object.tensor(), expression, scope);
  auto *list = object.list();
  if (auto *place = object.place(); place || object.module()) {
    // A family: `office["amazon"]`, `net.block[0]`.
    if (expression.items.size() != 1 || !expression.items.front().low || expression.items.front().isRange)
      return error(expression.range, "not-indexable",
                   object.describe() +
                       " cannot be indexed so; lists and tensors can by numbers, families by their index");
    Value which = evaluate(*expression.items.front().low, scope);
    if (which.isPoison())
      return which;
    if (place)
      return pipeline.family(*place, which, expression.range);
  }
  if (auto *record = object.record(); record && expression.items.size() == 1 && expression.items.front().low) {
    // A state or parameter with an index, such as `running_mean["photo"]`; the index `none` is no index.
    Value which = evaluate(*expression.items.front().low, scope);
    std::optional<std::string> text = which.isNone() ? std::optional<std::string>("") : indexText(which);
    bool continues = text && (text->empty() || llvm::StringRef(*text).starts_with("_")); // as in `slotName`
    const Value *found = text ? record->find(continues ? *text : "[" + *text + "]") : nullptr;
    if (found)
      return *found;
    if (which.isPoison())
      return which;
    std::string known;
    for (auto &field : record->fields)
      known += (known.empty() ? "" : ", ") + field.first;
    return error(expression.range, "unknown-index",
                 "there is nothing under the index '" + which.describe() + "'; there are " + known);
  }
  if (!list || expression.items.size() != 1)
    return error(expression.range, "not-indexable",
                 object.describe() +
                     " cannot be indexed so; lists and tensors can by numbers, families by their index");
  const dsl::IndexExpr::Item &item = expression.items.front();
  int64_t count = list->elements.size();
  auto position = [&](const dsl::Expr *at, int64_t otherwise) -> std::optional<int64_t> {
    if (!at)
      return otherwise;
    Value value = evaluate(*at, scope);
    std::optional<int64_t> number = value.asInteger();
    if (!number && !value.isPoison())
      error(at->range, "bad-index", "an index into a list is an int known at compile time, found " + value.describe());
    if (number && *number < 0)
      *number += count;
    return number;
  };
  if (item.isRange) {
    std::optional<int64_t> low = position(item.low.get(), 0), high = position(item.high.get(), count);
    if (!low || !high)
      return Value();
    int64_t from = std::clamp<int64_t>(*low, 0, count), to = std::clamp<int64_t>(*high, from, count);
    return Value::list({list->elements.begin() + from, list->elements.begin() + to}, list->tuple);
  }
  std::optional<int64_t> at = position(item.low.get(), 0);
  if (!at)
    return Value();
  if (*at < 0 || *at >= count)
    return error(item.range, "bad-index", "index is outside a list of " + Twine(count) + ", which counts from 0");
  return list->elements[*at];
}

/// `x[.., a..b]` of a bounded dimension: from entry a on, b entries of it or, negative, up to so many before the last
/// real one. What is left of a sample is bounded again.
std::optional<Dim> Evaluator::partOfBounded(const Dim &dim, int64_t low, int64_t high, dsl::SourceRange range) {
  int64_t size = high < 0 ? dim.extent.size + high - low : high - low;
  if (low < 0 || size < 1 || high > dim.extent.size) {
    error(range, "bad-index",
          low < 0 ? "a part of a bounded dimension begins at an entry counted from the first: samples end at "
                    "different places"
          : high > dim.extent.size ? "a part ends outside of a bounded dimension of " + describeExtent(dim.extent)
                                   : "nothing is left of a bounded dimension of " + describeExtent(dim.extent));
    return std::nullopt;
  }
  int64_t cut = high < 0 ? low - high : low;
  std::string how = "part " + std::to_string(cut) + " " + std::to_string(size);
  AxisId axis = derivedAxis(dim.axis, how, [&](const Tensor &length) {
    Value left = binary(dsl::BinaryOp::Subtract, Value(length), Value(cut), range);
    left = runBuiltin(*this, "max", {left, Value(int64_t(0))}, range);
    return cut + size < dim.extent.size ? runBuiltin(*this, "min", {left, Value(size)}, range) : left;
  });
  return axis ? std::optional<Dim>(Dim{Extent(size), axis}) : std::nullopt;
}

/// Where samples are chosen, the lengths of bounded dimensions are chosen with them; parts that were joined come back
/// as what they were.
void Evaluator::keepSamples(const Tensor &tensor, llvm::ArrayRef<int64_t> offsets, llvm::ArrayRef<int64_t> sizes,
                            llvm::ArrayRef<bool> drops, std::vector<Dim> &kept, dsl::SourceRange range) {
  std::vector<Dim> shape = shapeOf(tensor);
  auto place = [&](int64_t axis) { return axis - llvm::count(drops.take_front(axis), true); };
  for (int64_t axis = 0; axis < tensor.rank(); ++axis) {
    SmallVector<int64_t> ragged = raggedAmong(tensor, {axis});
    if (sizes[axis] == shape[axis].extent.size || isRagged(tensor, axis) || ragged.empty())
      continue;
    AxisId samples = 0;
    for (int64_t other : ragged) {
      const Bound &bound = *boundOf(tensor.axes[other]);
      int64_t start = 0;
      for (const Bound::Part &part : bound.parts) {
        if (start == offsets[axis] && part.count == sizes[axis] && !drops[axis]) {
          kept[place(other)].axis = part.axis;
          samples = part.samples;
        }
        start += part.count;
      }
    }
    if (!samples)
      samples = drops[axis] ? 0 : freshAxis();
    if (!drops[axis])
      kept[place(axis)].axis = samples;
    for (int64_t other : ragged) {
      Dim &dim = kept[place(other)];
      if (!isSameAxis(dim.axis, tensor.axes[other]))
        continue; // a part that was joined
      Tensor length = boundOf(tensor.axes[other])->length;
      SmallVector<int64_t> over = *raggedOver(tensor, other);
      int64_t within = llvm::find(over, axis) - over.begin();
      std::vector<Dim> dims = shapeOf(length), left;
      SmallVector<int64_t> from(dims.size(), 0), count, strides(dims.size(), 1);
      for (auto [i, dim] : llvm::enumerate(dims))
        count.push_back(dim.extent.size);
      from[within] = offsets[axis];
      count[within] = sizes[axis];
      dims[within] = Dim{Extent(sizes[axis]), samples};
      for (auto [i, one] : llvm::enumerate(dims))
        if (static_cast<int64_t>(i) != within || !drops[axis])
          left.push_back(one);
      mlir::Value cut = nn::SliceOp::create(builder(), location(range), length.value, from, count, strides);
      dim.axis = boundedAxis({reshapeTo(builder(), location(range), Tensor{cut, axesOf(dims)}, left)});
    }
  }
}

/// One int of the step, the size of a split among them.
static bool isComputedIndex(const Value &value) {
  if (const Tensor *tensor = value.tensor())
    return tensor->rank() == 0 && tensor->type().getElementType().isInteger(32);
  const Dim *dim = value.get<Dim>();
  return dim && dim->extent.isDynamic();
}

Value Evaluator::slice(const Tensor &tensor, const dsl::IndexExpr &expression, const ScopePtr &scope) {
  std::vector<Dim> dims = shapeOf(tensor);
  size_t written = expression.items.size();
  // `..` alone stands for all axes that are not written, or for one each where there is an index for every axis.
  auto isRest = [](const dsl::IndexExpr::Item &item) { return item.isRange && !item.low && !item.high; };
  size_t rests = llvm::count_if(expression.items, isRest);
  size_t covered = rests > 1 ? 1 : dims.size() + rests - written;
  if (written - rests > dims.size() || (rests > 1 && written != dims.size()))
    return error(expression.range, "bad-index",
                 Twine(written) + (written == 1 ? " index for " : " indices for ") + Value(tensor).describe() +
                     (dims.empty() ? ", which has no axis" : ""));
  SmallVector<int64_t> offsets, sizes, strides(dims.size(), 1);
  std::vector<Dim> kept;
  auto whole = [&](const Dim &dim) {
    offsets.push_back(0);
    sizes.push_back(dim.extent.size);
    kept.push_back(dim);
  };
  bool changes = false;
  SmallVector<bool> drops(dims.size(), false);
  SmallVector<std::pair<int64_t, Value>> chosen; // axes of which one entry is chosen, and which
  for (const dsl::IndexExpr::Item &item : expression.items) {
    const Dim &dim = dims[offsets.size() < dims.size() ? offsets.size() : dims.size() - 1];
    if (isRest(item)) {
      for (size_t skipped = covered; skipped > 0; --skipped)
        whole(dims[offsets.size()]);
      continue;
    }
    int64_t axis = offsets.size();
    bool ragged = axis < tensor.rank() && isRagged(tensor, axis);
    Value given = item.isRange || !item.low ? Value::none() : evaluate(*item.low, scope);
    if (given.isPoison())
      return given;
    if (isComputedIndex(given)) {
      if (ragged && !wantsDense(tensor, axis, "[ ]", item.range))
        return Value();
      chosen.push_back({axis, given});
      whole(dim);
      continue;
    }
    auto bound = [&](const dsl::Expr *at, int64_t otherwise) -> std::optional<int64_t> {
      if (!at)
        return otherwise;
      Value value = item.isRange ? evaluate(*at, scope) : given;
      std::optional<int64_t> number = value.asInteger();
      if (!number && !value.isPoison())
        error(at->range, "bad-index",
              !value.tensor() ? "an index is an int, found " + value.describe()
              : item.isRange  ? Twine("where a part of a tensor begins and ends is known at compile time; entries that "
                                      "are computed are 'gather(x, indices)'")
                              : "an index into a tensor is one int, found " + value.describe() +
                                    "; by several it is 'gather(x, indices)'");
      if (number && *number < 0 && !dim.extent.isDynamic() && !ragged)
        *number += dim.extent.size;
      return number;
    };
    if (dim.extent.isDynamic())
      return error(item.range, "bad-index",
                   "an axis whose extent is known only when the data is opened is taken whole");
    std::optional<int64_t> low = bound(item.low.get(), 0);
    std::optional<int64_t> high = item.isRange ? bound(item.high.get(), dim.extent.size) : low;
    if (!low || !high)
      return Value();
    // The first entry is one that a sample with any has; where the others end differs.
    if (ragged && (item.isRange || *low != 0)) {
      std::optional<Dim> part = item.isRange ? partOfBounded(dim, *low, *high, item.range) : std::nullopt;
      if (!item.isRange)
        wantsDense(tensor, axis, "[ ]", item.range);
      if (!part)
        return Value();
      offsets.push_back(*low);
      sizes.push_back(part->extent.size);
      kept.push_back(*part);
      changes = true;
      continue;
    }
    if (!item.isRange)
      *high = *low + 1;
    drops[axis] = !item.isRange;
    if (*low < 0 || *high > dim.extent.size || *low > *high)
      return error(item.range, "bad-index",
                   "index is outside an axis of " + Twine(dim.extent.size) + ", which counts from 0");
    offsets.push_back(*low);
    sizes.push_back(*high - *low);
    changes = true;
    if (item.isRange)
      kept.push_back(*low == 0 && *high == dim.extent.size ? dim : Dim{Extent(*high - *low), 0});
  }
  while (offsets.size() < dims.size())
    whole(dims[offsets.size()]);
  Value result(tensor);
  if (changes) {
    Location where = location(expression.range);
    keepSamples(tensor, offsets, sizes, drops, kept, expression.range);
    mlir::Value part = nn::SliceOp::create(builder(), where, tensor.value, offsets, sizes, strides);
    result = Value(reshapeTo(builder(), where, Tensor{part, SmallVector<AxisId>(dims.size(), 0)}, kept));
  }
  // The last first: those before keep their places.
  for (auto &[axis, which] : llvm::reverse(chosen)) {
    std::vector<Value> arguments{result, which, Value(axis - llvm::count(ArrayRef(drops).take_front(axis), true))};
    result = findBuiltin("gather")->run(*this, arguments, expression.range);
  }
  return result;
}

} // namespace xfer
