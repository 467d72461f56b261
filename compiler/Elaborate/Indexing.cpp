//===- Indexing.cpp - x[a..b, .., i] of tensors, lists and families ----------------------------------------------===//
//
// Slices have bounds known at compile time; by a tensor one gathers.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

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
      return error(expression.range, "not-indexable", object.describe() + " cannot be indexed so");
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
    return error(expression.range, "not-indexable", object.describe() + " cannot be indexed so");
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
    return error(item.range, "bad-index", "index is outside a list of " + Twine(count));
  return list->elements[*at];
}

Value Evaluator::slice(const Tensor &tensor, const dsl::IndexExpr &expression, const ScopePtr &scope) {
  std::vector<Dim> dims = shapeOf(tensor);
  size_t written = expression.items.size();
  // `..` alone stands for all axes that are not written.
  auto isRest = [](const dsl::IndexExpr::Item &item) { return item.isRange && !item.low && !item.high; };
  size_t rests = llvm::count_if(expression.items, isRest);
  if (written - rests > dims.size() || rests > 1)
    return error(expression.range, "bad-index", Twine(written) + " indices for " + Value(tensor).describe());
  SmallVector<int64_t> offsets, sizes, strides(dims.size(), 1);
  std::vector<Dim> kept;
  auto whole = [&](const Dim &dim) {
    offsets.push_back(0);
    sizes.push_back(dim.extent.size);
    kept.push_back(dim);
  };
  bool changes = false;
  for (const dsl::IndexExpr::Item &item : expression.items) {
    const Dim &dim = dims[offsets.size() < dims.size() ? offsets.size() : dims.size() - 1];
    if (isRest(item)) {
      for (size_t skipped = dims.size() + rests - written; skipped > 0; --skipped)
        whole(dims[offsets.size()]);
      continue;
    }
    auto bound = [&](const dsl::Expr *at, int64_t otherwise) -> std::optional<int64_t> {
      if (!at)
        return otherwise;
      Value value = evaluate(*at, scope);
      std::optional<int64_t> number = value.asInteger();
      if (!number && !value.isPoison())
        error(at->range, "bad-index",
              value.tensor() ? Twine("an index into a tensor is known at compile time; by a tensor it is "
                                     "'gather(x, indices)'")
                             : "an index is an int, found " + value.describe());
      if (number && *number < 0 && !dim.extent.isDynamic())
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
    if (!item.isRange)
      *high = *low + 1;
    if (*low < 0 || *high > dim.extent.size || *low > *high)
      return error(item.range, "bad-index", "index is outside an axis of " + Twine(dim.extent.size));
    offsets.push_back(*low);
    sizes.push_back(*high - *low);
    changes = true;
    if (item.isRange)
      kept.push_back(*low == 0 && *high == dim.extent.size ? dim : Dim{Extent(*high - *low), 0});
  }
  while (offsets.size() < dims.size())
    whole(dims[offsets.size()]);
  if (!changes)
    return Value(tensor);
  Location where = location(expression.range);
  mlir::Value part = nn::SliceOp::create(builder(), where, tensor.value, offsets, sizes, strides);
  return Value(reshapeTo(builder(), where, Tensor{part, SmallVector<AxisId>(dims.size(), 0)}, kept));
}

} // namespace xfer
