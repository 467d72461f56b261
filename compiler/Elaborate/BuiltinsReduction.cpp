//===- BuiltinsReduction.cpp - functions that combine many elements -----------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static llvm::SmallVector<int64_t> allAxes(const Tensor &tensor) {
  return llvm::to_vector(llvm::seq<int64_t>(0, tensor.rank()));
}

/// What changes nothing in a reduction, or in the search for the largest: it stands where an entry is not real.
static Attribute neutral(OpBuilder &builder, nn::ReduceKind kind, Type element) {
  bool largest = kind == nn::ReduceKind::Max;
  if (kind == nn::ReduceKind::Max || kind == nn::ReduceKind::Min) {
    if (auto type = llvm::dyn_cast<FloatType>(element))
      return builder.getFloatAttr(element, llvm::APFloat::getInf(type.getFloatSemantics(), largest));
    return IntegerAttr::get(element, largest ? INT32_MIN : INT32_MAX);
  }
  bool one = kind == nn::ReduceKind::Prod || kind == nn::ReduceKind::All;
  return numberAttr(builder, element, one ? 1 : 0);
}

/// x as a reduction over `axes` wants it: only real entries, and no lengths where they are combined over the samples.
static Tensor realOf(Evaluator &evaluator, nn::ReduceKind kind, const Tensor &x, llvm::ArrayRef<int64_t> axes,
                     dsl::SourceRange range) {
  llvm::SmallVector<int64_t> ragged = evaluator.raggedAmong(x, axes);
  Tensor result = evaluator.masked(x, ragged, neutral(evaluator.builder(), kind, x.type().getElementType()), range);
  for (int64_t axis : ragged)
    if (!llvm::is_contained(axes, axis))
      result.axes[axis] = 0;
  return result;
}

static Value reduceTensor(Evaluator &evaluator, nn::ReduceKind kind, Tensor x, const Value &axis, const Value &keep,
                          dsl::SourceRange range) {
  std::optional<llvm::SmallVector<int64_t>> axes =
      axis.isNone() ? std::optional(allAxes(x)) : evaluator.axes(axis, x, range);
  if (!axes)
    return Value();
  Type element = x.type().getElementType();
  bool logical = kind == nn::ReduceKind::Any || kind == nn::ReduceKind::All;
  if (logical != element.isInteger(1))
    x = evaluator.convert(x, logical ? Type(evaluator.builder().getI1Type()) : evaluator.builder().getI32Type(), range);
  else if (element.isUnsignedInteger(8))
    x = evaluator.convert(x, evaluator.builder().getI32Type(), range);
  Location where = evaluator.location(range);
  x = realOf(evaluator, kind, x, *axes, range);
  std::vector<Dim> dims = evaluator.shapeOf(x), kept, left;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    bool reduced = llvm::is_contained(*axes, i);
    if (!reduced)
      left.push_back(dim);
    kept.push_back(reduced ? Dim{Extent(1), 0} : dim);
  }
  Tensor result = x;
  if (!axes->empty())
    result = {nn::ReduceOp::create(evaluator.builder(), where, kind, x.value, *axes), axesOf(left)};
  std::optional<int64_t> keeps = intArgument(evaluator, keep, 0, "keep", range);
  if (!keeps)
    return Value();
  return *keeps ? Value(reshapeTo(evaluator.builder(), where, result, kept)) : Value(result);
}

/// Compile-time numbers in a list, or tensors in a list: folded from the left.
static std::optional<Value> overList(Evaluator &evaluator, nn::ReduceKind kind, const Value &x,
                                     dsl::SourceRange range) {
  const List *list = x.list();
  if (!list)
    return std::nullopt;
  if (list->elements.empty()) {
    if (kind == nn::ReduceKind::Sum)
      return Value(int64_t(0));
    if (kind == nn::ReduceKind::Prod)
      return Value(int64_t(1));
    if (kind == nn::ReduceKind::Any || kind == nn::ReduceKind::All)
      return Value(kind == nn::ReduceKind::All);
    return evaluator.error(range, "empty-list",
                           "the list has no element to begin with; ask 'len' first, or put one in front");
  }
  Value result = list->elements.front();
  for (const Value &next : llvm::drop_begin(list->elements)) {
    switch (kind) {
    case nn::ReduceKind::Sum:
      result = evaluator.binary(dsl::BinaryOp::Add, result, next, range);
      break;
    case nn::ReduceKind::Prod:
      result = evaluator.binary(dsl::BinaryOp::Multiply, result, next, range);
      break;
    case nn::ReduceKind::Any:
    case nn::ReduceKind::All:
      result =
          evaluator.binary(kind == nn::ReduceKind::Any ? dsl::BinaryOp::Or : dsl::BinaryOp::And, result, next, range);
      break;
    default: {
      Value less = evaluator.binary(dsl::BinaryOp::Less, result, next, range);
      if (less.isPoison())
        return less;
      auto *flag = less.get<bool>();
      if (!flag)
        return evaluator.error(range, "wrong-type", "the smallest or largest of a list wants numbers");
      if (*flag == (kind == nn::ReduceKind::Max))
        result = next;
    }
    }
  }
  return result;
}

/// `reduce` of each leaf along the elements that an `each` went over.
static Value overElements(Evaluator &evaluator, const Tree &tree, dsl::SourceRange range,
                          llvm::function_ref<Value(Evaluator &, std::vector<Value> &, dsl::SourceRange)> reduce) {
  auto result = std::make_shared<Tree>();
  for (auto &[path, leaf] : tree.leaves) {
    std::vector<Value> arguments{leaf, Value(int64_t(0)), Value::none()};
    result->leaves[path] = reduce(evaluator, arguments, range);
  }
  return Value(std::shared_ptr<const Tree>(result));
}

template <nn::ReduceKind Kind>
static Value reduction(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison())
    return given[0];
  // The trees of an `each`, combined: one tree.
  if (const Tree *tree = given[0].tree(); tree && tree->stacked && given[1].isNone())
    return overElements(evaluator, *tree, range, reduction<Kind>);
  if (given[1].isNone() && given[2].isNone())
    if (std::optional<Value> folded = overList(evaluator, Kind, given[0], range))
      return *folded;
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  return x ? reduceTensor(evaluator, Kind, *x, given[1], given[2], range) : Value();
}

/// `max(a, b)`, `min(a, b)` element by element, or `max(x, axis: ..)`.
template <nn::ReduceKind Kind, typename Op>
static Value extremum(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[1].isNone()) {
    std::vector<Value> reduced{given[0], given[2], given[3]};
    return reduction<Kind>(evaluator, reduced, range);
  }
  if (given[0].isPoison() || given[1].isPoison())
    return Value();
  if (given[0].tree() || given[1].tree() || given[0].module() || given[1].module())
    return evaluator.overLeaves({given[0], given[1]}, range, [&](llvm::ArrayRef<Value> parts) {
      std::vector<Value> one{parts[0], parts[1], Value::none(), Value::none()};
      return extremum<Kind, Op>(evaluator, one, range);
    });
  auto a = given[0].asNumber(), b = given[1].asNumber();
  if (a && b)
    return (*a < *b) == (Kind == nn::ReduceKind::Max) ? given[1] : given[0];
  std::optional<Tensor> x = evaluator.toTensor(given[0], range), y = evaluator.toTensor(given[1], range);
  if (!x || !y)
    return Value();
  if (!evaluator.unify(*x, *y, range))
    return Value();
  return Tensor{Op::create(evaluator.builder(), evaluator.location(range), x->value, y->value), x->axes};
}

/// The shape of what a reduction over `axes` left, with an extent of 1 for each of them.
static std::vector<Dim> keptShape(Evaluator &evaluator, const Tensor &left, llvm::ArrayRef<int64_t> axes) {
  std::vector<Dim> shape = evaluator.shapeOf(left);
  for (int64_t axis : axes)
    shape.insert(shape.begin() + axis, Dim{Extent(1), 0});
  return shape;
}

static Value mean(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  const Value &x = given[0];
  if (const Tree *tree = x.tree(); tree && tree->stacked && given[1].isNone())
    return overElements(evaluator, *tree, range, mean);
  if (x.list() && given[1].isNone() && !x.list()->elements.empty()) {
    std::vector<Value> all{x, Value::none(), Value::none()};
    Value total = reduction<nn::ReduceKind::Sum>(evaluator, all, range);
    return evaluator.binary(dsl::BinaryOp::Divide, total, Value(static_cast<int64_t>(x.list()->elements.size())),
                            range);
  }
  std::optional<Tensor> tensor = evaluator.toTensor(x, range);
  if (!tensor)
    return Value();
  if (!llvm::isa<FloatType>(tensor->type().getElementType()))
    tensor = evaluator.convert(*tensor, evaluator.builder().getF32Type(), range);
  std::optional<llvm::SmallVector<int64_t>> axes =
      given[1].isNone() ? std::optional(allAxes(*tensor)) : evaluator.axes(given[1], *tensor, range);
  if (!axes)
    return Value();
  Value total = reduceTensor(evaluator, nn::ReduceKind::Sum, *tensor, given[1], given[2], range);
  Value count = evaluator.entryCount(*tensor, *axes, range);
  if (total.tensor() && !evaluator.raggedAmong(*tensor, *axes).empty()) {
    // The mean of nothing is 0: a sample without entries adds nothing. The count has the axes that are left.
    Value held = runBuiltin(evaluator, "max", {count, Value(1.0)}, range);
    count = held.tensor() && total.tensor()->rank() != held.tensor()->rank()
                ? Value(reshapeTo(evaluator.builder(), evaluator.location(range), *held.tensor(),
                                  keptShape(evaluator, *held.tensor(), *axes)))
                : held;
  }
  return evaluator.binary(dsl::BinaryOp::Divide, total, count, range);
}

/// `entries(x, axis: ..)`: how many entries a reduction sees.
static Value entries(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<llvm::SmallVector<int64_t>> axes;
  if (x)
    axes = given[1].isNone() ? std::optional(allAxes(*x)) : evaluator.axes(given[1], *x, range);
  return axes ? evaluator.entryCount(*x, *axes, range) : Value();
}

template <bool Largest>
static Value argExtremum(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  if (!x)
    return Value();
  if (!Largest) {
    Value negated = evaluator.unary(dsl::UnaryOp::Negate, Value(*x), range);
    if (!negated.tensor())
      return negated;
    x = *negated.tensor();
  }
  std::optional<int64_t> axis = axisArgument(evaluator, given[1], -1, *x, Largest ? "argmax" : "argmin", range);
  if (!axis)
    return Value();
  x = realOf(evaluator, nn::ReduceKind::Max, *x, {*axis}, range);
  llvm::SmallVector<AxisId> left = x->axes;
  left.erase(left.begin() + *axis);
  Tensor place{nn::ArgmaxOp::create(evaluator.builder(), evaluator.location(range), x->value, *axis), left};
  // The place of the largest of k scores is a class of k.
  int64_t count = x->type().getDimSize(*axis);
  if (ShapedType::isDynamic(count))
    return place;
  return runBuiltin(evaluator, "classes", {Value(place), Value(count)}, range);
}

static Value cumsum(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range);
  std::optional<int64_t> axis = x ? evaluator.axis(given[1], *x, "cumsum", range) : std::nullopt;
  if (!axis)
    return Value();
  // Along a bounded dimension what is not real comes last; over the samples it would be added.
  if (!evaluator.isRagged(*x, *axis))
    x = evaluator.withoutPadding(*x, {*axis}, range);
  return Tensor{nn::CumsumOp::create(evaluator.builder(), evaluator.location(range), x->value, *axis), x->axes};
}

namespace {
/// In ascending order along an axis, and where they stood.
struct Sorted {
  Tensor values, places;
  int64_t axis;
};
} // namespace

static std::optional<Sorted> sorted(Evaluator &evaluator, const Value &value, const Value &along, llvm::StringRef what,
                                    dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(value, range);
  std::optional<int64_t> axis = x ? axisArgument(evaluator, along, -1, *x, what, range) : std::nullopt;
  if (!axis)
    return std::nullopt;
  // What is not real is the largest and comes last.
  if (!evaluator.isRagged(*x, *axis) && !evaluator.wantsDense(*x, *axis, what, range))
    return std::nullopt;
  x = evaluator.masked(*x, evaluator.raggedAmong(*x, {*axis}),
                       neutral(evaluator.builder(), nn::ReduceKind::Min, x->type().getElementType()), range);
  auto op = nn::SortOp::create(evaluator.builder(), evaluator.location(range), x->value, *axis);
  return Sorted{{op.getValues(), x->axes}, {op.getIndices(), x->axes}, *axis};
}

static Value sort(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Sorted> both = sorted(evaluator, given[0], given[1], "sort", range);
  return both ? Value::list({Value(both->values), Value(both->places)}, true) : Value();
}

/// The k largest along the last axis, in descending order, and where they stood.
static Value topK(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<int64_t> k = intArgument(evaluator, given[1], std::nullopt, "k", range);
  Value negated = evaluator.unary(dsl::UnaryOp::Negate, given[0], range);
  std::optional<Sorted> both = k ? sorted(evaluator, negated, given[2], "top_k", range) : std::nullopt;
  if (!both)
    return Value();
  std::vector<Dim> dims = evaluator.shapeOf(both->values);
  Dim &dim = dims[both->axis];
  if (dim.extent.isDynamic() || *k < 1 || *k > dim.extent.size)
    return evaluator.error(range, "bad-extent", "k is " + Twine(*k) + ", the axis has " + describeExtent(dim.extent));
  SmallVector<int64_t> offsets(dims.size(), 0), sizes, strides(dims.size(), 1);
  // Of a sample with fewer than k entries there are as many as it has.
  AxisId few = 0;
  if (evaluator.isRagged(both->values, both->axis))
    few = evaluator.derivedAxis(dim.axis, "most " + std::to_string(*k), [&](const Tensor &length) {
      return runBuiltin(evaluator, "min", {Value(length), Value(*k)}, range);
    });
  dim = Dim{Extent(*k), few};
  for (const Dim &each : dims)
    sizes.push_back(each.extent.size);
  Location where = evaluator.location(range);
  auto part = [&](const Tensor &tensor) {
    return Tensor{nn::SliceOp::create(evaluator.builder(), where, tensor.value, offsets, sizes, strides), axesOf(dims)};
  };
  return Value::list(
      {evaluator.unary(dsl::UnaryOp::Negate, Value(part(both->values)), range), Value(part(both->places))}, true);
}

const Builtins &reductionBuiltins() {
  using nn::ReduceKind;
  static const Builtins all = {
      {"sum", {"x", "axis?", "keep?"}, reduction<ReduceKind::Sum>},
      {"prod", {"x", "axis?", "keep?"}, reduction<ReduceKind::Prod>},
      {"any", {"x", "axis?", "keep?"}, reduction<ReduceKind::Any>},
      {"all", {"x", "axis?", "keep?"}, reduction<ReduceKind::All>},
      {"max", {"x", "b?", "axis?", "keep?"}, extremum<ReduceKind::Max, nn::MaxOp>},
      {"min", {"x", "b?", "axis?", "keep?"}, extremum<ReduceKind::Min, nn::MinOp>},
      {"mean", {"x", "axis?", "keep?"}, mean},
      {"entries", {"x", "axis?"}, entries},
      {"argmax", {"x", "axis?"}, argExtremum<true>},
      {"argmin", {"x", "axis?"}, argExtremum<false>},
      {"cumsum", {"x", "axis"}, cumsum},
      {"sort", {"x", "axis?"}, sort},
      {"top_k", {"x", "k", "axis?"}, topK},
  };
  return all;
}

} // namespace xfer
