//===- BuiltinsBounded.cpp - into and out of bounded dimensions ---------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// A tensor that has ragged axes, and these.
struct Ragged {
  Tensor tensor;
  llvm::SmallVector<int64_t> axes = {};
};

/// The argument `x` with its ragged axes, or the one that `axis` names; nothing after an error, or where there is none.
static std::optional<Ragged> raggedArgument(Evaluator &evaluator, const Value &x, const Value &axis,
                                            llvm::StringRef function, dsl::SourceRange range) {
  std::optional<Tensor> tensor = evaluator.toTensor(x, range);
  if (!tensor)
    return std::nullopt;
  Ragged ragged{*tensor};
  std::optional<llvm::SmallVector<int64_t>> among =
      axis.isNone() ? std::optional(llvm::to_vector(llvm::seq(tensor->rank()))) : evaluator.axes(axis, *tensor, range);
  if (!among)
    return std::nullopt;
  for (int64_t one : *among)
    if (evaluator.isRagged(*tensor, one))
      ragged.axes.push_back(one);
  if (!ragged.axes.empty())
    return ragged;
  evaluator.error(range, "not-bounded",
                  "'" + function + "' wants a bounded dimension, of which each sample has its own number of entries; " +
                      Value(*tensor).describe() + " has " +
                      (axis.isNone() ? "none" : "all its entries along this axis"));
  return std::nullopt;
}

/// `dense(x, fill)`: all entries, those that are not real with one value.
static Value dense(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Ragged> ragged = raggedArgument(evaluator, given[0], given[2], "dense", range);
  if (!ragged)
    return Value();
  auto &[x, axes] = *ragged;
  std::optional<double> fill = given[1].asNumber();
  if (!fill)
    return given[1].isPoison()
               ? Value()
               : evaluator.error(range, "wrong-type",
                                 "the fill of 'dense' is a number known at compile time, found " + given[1].describe());
  Attribute value = numberAttr(evaluator.builder(), x.type().getElementType(), *fill);
  nn::Meaning meaning = meaningOf(x.value);
  Tensor result = evaluator.masked(x, axes, value, range);
  // A label stays one where the fill is one as well.
  bool isLabel = meaning.tag == nn::Tag::Class || meaning.tag == nn::Tag::Token;
  if (isLabel && *fill >= 0 && *fill < static_cast<double>(meaning.classes))
    result.value = annotate(evaluator.builder(), evaluator.location(range), result.value, meaning);
  for (int64_t axis : axes)
    result.axes[axis] = 0;
  return Value(result);
}

/// `length(x)`: how many entries are real, an int for each sample.
static Value lengthOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Ragged> ragged = raggedArgument(evaluator, given[0], given[1], "length", range);
  if (!ragged)
    return Value();
  auto &[x, axes] = *ragged;
  AxisId bounded = x.axes[axes.front()];
  for (int64_t axis : axes)
    if (!evaluator.isSameAxis(x.axes[axis], bounded))
      return evaluator.error(range, "axis-ambiguous",
                             "this value has several bounded dimensions; name one: 'length(x, axis: ..)'");
  Tensor length = evaluator.boundOf(bounded)->length;
  for (auto [own, at] : llvm::zip_equal(length.axes, *evaluator.raggedOver(x, axes.front())))
    own = x.axes[at]; // as the caller calls it
  return Value(length);
}

/// `mask(x)`: which entries are real, over the samples and the bounded dimensions of x.
static Value maskOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Ragged> ragged = raggedArgument(evaluator, given[0], given[1], "mask", range);
  if (!ragged)
    return Value();
  const Tensor &x = ragged->tensor;
  std::vector<Dim> shape = evaluator.shapeOf(x), involved;
  llvm::SmallVector<int64_t> positions;
  for (int64_t i = 0; i < x.rank(); ++i) {
    bool bounded = llvm::is_contained(ragged->axes, i);
    bool samples =
        llvm::any_of(ragged->axes, [&](int64_t axis) { return llvm::is_contained(*evaluator.raggedOver(x, axis), i); });
    if (bounded)
      positions.push_back(involved.size());
    if (bounded || samples)
      involved.push_back(shape[i]);
  }
  Tensor ones = evaluator.constant(1, evaluator.builder().getI32Type(), involved, range);
  Tensor real = evaluator.realEntries(ones, positions, range);
  for (int64_t position : positions)
    real.axes[position] = 0;
  return Value(real);
}

/// `bounded(x, length)`: of the entries along `axis` (the one behind the axes of `length`, if none is named) the first
/// `length` are real.
static Value boundedOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range),
                        length = evaluator.toTensor(given[1], range, evaluator.builder().getI32Type());
  if (!x || !length)
    return Value();
  std::optional<int64_t> along = axisArgument(evaluator, given[2], length->rank(), *x, "bounded", range);
  if (!along)
    return Value();
  int64_t axis = *along;
  std::vector<Dim> shape = evaluator.shapeOf(*x), samples = evaluator.shapeOf(*length);
  bool fits = static_cast<int64_t>(samples.size()) <= axis && !shape[axis].extent.isDynamic();
  for (size_t i = 0; fits && i < samples.size(); ++i)
    fits = samples[i].extent == shape[i].extent;
  if (!fits)
    return evaluator.error(range, "shapes-differ",
                           "'bounded' wants a length for each sample: the axes of " + given[1].describe() +
                               " are the first of " + given[0].describe() + ", before the bounded one");
  if (evaluator.isRagged(*x, axis))
    return evaluator.wantsDense(*x, axis, "bounded", range), Value();
  for (size_t i = 0; i < samples.size(); ++i) {
    std::optional<AxisId> met = evaluator.meet(*x, i, *length, i, range);
    if (!met)
      return Value();
    x->axes[i] = length->axes[i] = *met ? *met : evaluator.freshAxis();
  }
  x->axes[axis] = evaluator.boundedAxis({*length});
  return Value(*x);
}

/// `compact(x, keep, at_most: k)`: the entries along the first axis (inside per-sample code) whose `keep` is true, in
/// order, at most k of them: [m <= k].
static Value compact(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  using dsl::BinaryOp;
  std::optional<Tensor> x = evaluator.toTensor(given[0], range), keep = evaluator.toTensor(given[1], range);
  std::optional<int64_t> most = intArgument(evaluator, given[2], std::nullopt, "at_most", range);
  if (!x || !keep || !most)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  if (keep->rank() != 1 || shape.empty() || evaluator.shapeOf(*keep).front().extent != shape.front().extent ||
      !keep->type().getElementType().isInteger(1) || shape.front().extent.isDynamic())
    return evaluator.error(range, "shapes-differ",
                           "'compact' wants [a, ..] and a bool for each of the a entries, found " +
                               given[0].describe() + " and " + given[1].describe() +
                               "; of batches, inside 'each', a sample at a time");
  if (*most < 1 || *most > shape.front().extent.size)
    return evaluator.error(range, "bad-extent",
                           "'at_most' lies between 1 and " + describeExtent(shape.front().extent) + ", not " +
                               Twine(*most));
  OpBuilder &builder = evaluator.builder();
  Location where = evaluator.location(range);
  Type i32 = builder.getI32Type();
  // What is not real is not kept.
  SmallVector<int64_t> ragged;
  if (evaluator.isRagged(*x, 0))
    ragged.push_back(0);
  Tensor flag{keep->value, {x->axes.front()}};
  flag = evaluator.convert(evaluator.masked(flag, ragged, builder.getBoolAttr(false), range), i32, range);
  Tensor rank{nn::CumsumOp::create(builder, where, flag.value, 0), flag.axes};
  Value count = Tensor{nn::ReduceOp::create(builder, where, nn::ReduceKind::Sum, flag.value, ArrayRef<int64_t>(0)), {}};
  // Entry j goes to place rank - 1; what is not kept, or beyond the last place, goes to one more, which is cut off.
  Value place = evaluator.binary(BinaryOp::Subtract, Value(rank), Value(int64_t(1)), range);
  Value beyond(*most);
  Value isKept = evaluator.binary(BinaryOp::Equal, Value(flag), Value(int64_t(1)), range);
  place = runBuiltin(evaluator, "where", {isKept, place, beyond}, range);
  place = runBuiltin(evaluator, "min", {place, beyond}, range);
  if (!place.tensor())
    return Value();
  std::vector<Dim> target = shape;
  target.front() = Dim{Extent(*most + 1), 0};
  Tensor empty = evaluator.constant(0, x->type().getElementType(), target, range);
  mlir::Value spread =
      nn::ScatterOp::create(builder, where, nn::ScatterKind::Set, empty.value, place.tensor()->value, x->value, 0);
  SmallVector<int64_t> offsets(shape.size(), 0), sizes{*most}, strides(shape.size(), 1);
  for (const Dim &dim : llvm::drop_begin(shape))
    sizes.push_back(dim.extent.size);
  mlir::Value first = nn::SliceOp::create(builder, where, spread, offsets, sizes, strides);
  Value length = runBuiltin(evaluator, "min", {count, Value(*most)}, range);
  if (!length.tensor())
    return Value();
  Tensor result{annotate(builder, where, first, meaningOf(x->value)), x->axes};
  result.axes.front() = evaluator.boundedAxis({*length.tensor()});
  return Value(result);
}

const Builtins &boundedBuiltins() {
  static const Builtins all = {
      {"dense", {"x", "fill", "axis?"}, dense},
      {"length", {"x", "axis?"}, lengthOf},
      {"mask", {"x", "axis?"}, maskOf},
      {"bounded", {"x", "length", "axis?"}, boundedOf},
      {"compact", {"x", "keep", "at_most"}, compact},
  };
  return all;
}

} // namespace xfer
