//===- Axes.cpp - which axes and which extents are meant ---------------------------------------------------------===//
//
// `axis: n` names a dimension by identity, never by its extent; a number counts from the front, a negative one from the
// end.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

bool Evaluator::isNamed(AxisId axis, AxisId dimension) const {
  for (; axis != dimension; axis = elementAxes.at(axis))
    if (!elementAxes.count(axis))
      return false;
  return true;
}

std::optional<llvm::SmallVector<int64_t>> Evaluator::axes(const Value &value, const Tensor &tensor,
                                                          dsl::SourceRange range) {
  llvm::SmallVector<int64_t> result;
  auto add = [&](const Value &one) {
    if (auto *dim = one.get<Dim>(); dim && dim->axis) {
      llvm::SmallVector<int64_t> found;
      for (auto [i, axis] : llvm::enumerate(tensor.axes))
        if (isNamed(axis, dim->axis))
          found.push_back(i);
      if (found.size() != 1) {
        error(range, found.empty() ? "axis-not-found" : "axis-ambiguous",
              (found.empty() ? Twine("this dimension is no axis of ") : Twine("this dimension is two axes of ")) +
                  Value(tensor).describe() +
                  (found.empty() ? "; a convolution, a window or a reshape makes new ones, of whatever length" : "") +
                  "; name the axis by its number, such as 'axis: 0'");
        return false;
      }
      result.push_back(found[0]);
      return true;
    }
    auto number = one.asInteger();
    if (!number) {
      if (!one.isPoison())
        error(range, "bad-axis", "an axis is a number or a dimension, found " + one.describe());
      return false;
    }
    int64_t axis = *number < 0 ? *number + tensor.rank() : *number;
    if (axis < 0 || axis >= tensor.rank()) {
      error(range, "axis-not-found", "axis " + Twine(*number) + " is outside " + Value(tensor).describe());
      return false;
    }
    result.push_back(axis);
    return true;
  };
  std::vector<Value> all{value};
  if (auto *list = value.list())
    all = list->elements;
  for (const Value &one : all) {
    if (auto *pack = one.get<Pack>()) {
      for (const Dim &dim : pack->dims)
        if (!add(Value(dim)))
          return std::nullopt;
    } else if (!add(one)) {
      return std::nullopt;
    }
  }
  llvm::sort(result);
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) {
    error(range, "axis-ambiguous", "the same axis is named twice");
    return std::nullopt;
  }
  return result;
}

std::optional<int64_t> Evaluator::axis(const Value &value, const Tensor &tensor, llvm::StringRef what,
                                       dsl::SourceRange range) {
  std::optional<llvm::SmallVector<int64_t>> all = axes(value, tensor, range);
  if (all && all->size() == 1)
    return all->front();
  if (all)
    error(range, "bad-axis", "'" + what + "' goes along one axis, found " + Twine(all->size()));
  return std::nullopt;
}

std::optional<std::vector<Dim>> Evaluator::shape(const Value &value, dsl::SourceRange range) {
  std::vector<Dim> dims;
  std::vector<Value> all{value};
  if (auto *list = value.list())
    all = list->elements;
  for (const Value &one : all) {
    if (one.isPoison())
      return std::nullopt;
    if (auto *pack = one.get<Pack>()) {
      dims.insert(dims.end(), pack->dims.begin(), pack->dims.end());
      continue;
    }
    if (auto *dim = one.get<Dim>()) {
      dims.push_back(*dim);
      continue;
    }
    auto number = one.asInteger();
    if (!number || *number < 0) {
      suggestConst(report(range, "bad-extent",
                          one.tensor() ? Twine("an extent must be known at compile time; this is a value of the run")
                                       : Twine("an extent is a number that is not negative, found " + one.describe())),
                   one);
      return std::nullopt;
    }
    dims.push_back({Extent(*number), 0});
  }
  return dims;
}

} // namespace xfer
