//===- Bounded.cpp - dimensions with a length for each sample -----------------------------------------------------===//
//
// `[k <= N]` is stored as N entries, of which the first `length` are real. The length is an ordinary tensor of the
// function under construction and hangs on the identity of the axis (Axes.cpp): whatever keeps the axis keeps the
// length, and nn knows nothing of it. What combines entries masks them first, with ordinary operations, so that
// derivatives are right by themselves:
//
//   sum(x, axis: t)   x: [n, t]       reduce(select(iota < length, x, 0))
//
// An axis is ragged in a tensor that also has the axes of the samples that its length is over. `iota(t)` has not: it
// has N entries, of which a sample takes its part when the two meet.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

AxisId Evaluator::boundedAxis(const Bound &bound) {
  AxisId axis = freshAxis();
  bounds[axis] = bound;
  return axis;
}

AxisId Evaluator::rootOf(AxisId axis) const {
  for (auto found = callerAxis.find(axis); found != callerAxis.end(); found = callerAxis.find(axis))
    axis = found->second;
  return axis;
}

const Bound *Evaluator::boundOf(AxisId axis) const {
  auto found = bounds.find(rootOf(axis));
  return found == bounds.end() ? nullptr : &found->second;
}

std::optional<SmallVector<int64_t>> Evaluator::raggedOver(const Tensor &x, int64_t position) const {
  const Bound *bound = boundOf(x.axes[position]);
  if (!bound)
    return std::nullopt;
  SmallVector<int64_t> over;
  for (AxisId sample : bound->length.axes) {
    auto found = llvm::find_if(x.axes, [&](AxisId own) { return rootOf(own) != 0 && rootOf(own) == rootOf(sample); });
    if (found == x.axes.end())
      return std::nullopt;
    over.push_back(found - x.axes.begin());
  }
  return over;
}

SmallVector<int64_t> Evaluator::raggedAmong(const Tensor &x, ArrayRef<int64_t> axes) const {
  SmallVector<int64_t> result;
  for (int64_t i = 0; i < x.rank(); ++i)
    if (std::optional<SmallVector<int64_t>> over = raggedOver(x, i))
      if (llvm::is_contained(axes, i) ||
          llvm::any_of(*over, [&](int64_t sample) { return llvm::is_contained(axes, sample); }))
        result.push_back(i);
  return result;
}

Tensor Evaluator::realEntries(const Tensor &x, ArrayRef<int64_t> positions, dsl::SourceRange range) {
  std::vector<Dim> shape = shapeOf(x);
  Location where = location(range);
  mlir::Value all;
  for (int64_t position : positions) {
    SmallVector<int64_t> over = *raggedOver(x, position);
    Tensor length = boundOf(x.axes[position])->length;
    // The samples in the order in which x has them.
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, length.rank()));
    llvm::sort(order, [&](int64_t a, int64_t b) { return over[a] < over[b]; });
    if (!llvm::is_sorted(order))
      length.value = nn::TransposeOp::create(builder(), where, length.value, order);
    std::vector<Dim> column(shape.size(), Dim{Extent(1), 0});
    for (int64_t sample : over)
      column[sample] = shape[sample];
    Tensor wide = broadcastTo(builder(), where, reshapeTo(builder(), where, length, column), shape);
    mlir::Value place = nn::IotaOp::create(builder(), where, nnExtents(shape), position);
    mlir::Value real = nn::CompareOp::create(builder(), where, nn::Predicate::lt, place, wide.value);
    all = all ? nn::AndOp::create(builder(), where, all, real).getResult() : real;
  }
  return {all, x.axes};
}

Tensor Evaluator::masked(const Tensor &x, ArrayRef<int64_t> positions, Attribute fill, dsl::SourceRange range) {
  if (positions.empty())
    return x;
  Location where = location(range);
  Tensor real = realEntries(x, positions, range);
  auto scalar = RankedTensorType::get({}, x.type().getElementType());
  Tensor value{nn::ConstantOp::create(builder(), where, DenseElementsAttr::get(scalar, fill)), {}};
  Tensor wide = broadcastTo(builder(), where, value, shapeOf(x));
  return {nn::SelectOp::create(builder(), where, real.value, x.value, wide.value), x.axes};
}

Tensor Evaluator::withoutPadding(const Tensor &x, llvm::ArrayRef<int64_t> axes, dsl::SourceRange range) {
  SmallVector<int64_t> ragged = raggedAmong(x, axes);
  Tensor result = masked(x, ragged, builder().getZeroAttr(x.type().getElementType()), range);
  // What was combined over the samples has no lengths any more.
  for (int64_t axis : ragged)
    if (!llvm::is_contained(axes, axis))
      result.axes[axis] = 0;
  return result;
}

Tensor Evaluator::reversedEntries(const Tensor &x, int64_t position, dsl::SourceRange range) {
  Location where = location(range);
  // The samples first, then the entries: one gather, of entry length - 1 - i at place i.
  SmallVector<int64_t> front = *raggedOver(x, position), back(x.rank());
  llvm::sort(front);
  int64_t samples = front.size();
  front.push_back(position);
  std::vector<Dim> shape = shapeOf(x), chosen;
  for (int64_t axis : front)
    chosen.push_back(shape[axis]);
  for (int64_t i = 0; i < x.rank(); ++i)
    if (!llvm::is_contained(front, i))
      front.push_back(i);
  for (auto [to, from] : llvm::enumerate(front))
    back[from] = to;
  mlir::Value moved = nn::TransposeOp::create(builder(), where, x.value, front);
  Tensor place{nn::IotaOp::create(builder(), where, nnExtents(chosen), samples), axesOf(chosen)};
  Tensor ones = constant(1, builder().getI32Type(), chosen, range);
  Tensor real = realEntries(ones, {samples}, range);
  // The lengths, by counting: they need no order of their own then.
  mlir::Value counts = nn::ReduceOp::create(builder(), where, nn::ReduceKind::Sum,
                                            convert(real, builder().getI32Type(), range).value, {samples});
  std::vector<Dim> column = chosen;
  column.back() = Dim{Extent(1), 0};
  Tensor length = broadcastTo(builder(), where, reshapeTo(builder(), where, Tensor{counts, {}}, column), chosen);
  mlir::Value mirrored =
      nn::SubOp::create(builder(), where, nn::SubOp::create(builder(), where, length.value, ones.value), place.value);
  mlir::Value index = nn::SelectOp::create(builder(), where, real.value, mirrored, place.value);
  mlir::Value gathered = nn::GatherOp::create(builder(), where, moved, index, samples, samples);
  return {nn::TransposeOp::create(builder(), where, gathered, back), x.axes};
}

Value Evaluator::entryCount(const Tensor &x, ArrayRef<int64_t> axes, dsl::SourceRange range) {
  SmallVector<int64_t> ragged = raggedAmong(x, axes);
  std::vector<Dim> shape = shapeOf(x), involved, counted;
  SmallVector<int64_t> reduced, positions;
  Value count(int64_t(1));
  auto multiply = [&](const Value &by) { count = binary(dsl::BinaryOp::Multiply, count, by, range); };
  for (int64_t i = 0; i < x.rank(); ++i) {
    bool matters = llvm::is_contained(ragged, i) ||
                   llvm::any_of(ragged, [&](int64_t p) { return llvm::is_contained(*raggedOver(x, p), i); });
    bool combined = llvm::is_contained(axes, i);
    if (combined && !matters)
      multiply(shape[i].extent.isDynamic() ? Value(*toTensor(Value(shape[i]), range, builder().getF32Type()))
                                           : Value(shape[i].extent.size));
    if (!combined)
      counted.push_back(matters ? shape[i] : Dim{Extent(1), 0});
    if (!matters)
      continue;
    if (llvm::is_contained(ragged, i))
      positions.push_back(involved.size());
    if (combined)
      reduced.push_back(involved.size());
    involved.push_back(shape[i]);
  }
  if (positions.empty())
    return count;
  Location where = location(range);
  // The mask needs no value: only a shape with the axes that matter.
  Tensor one = constant(1, builder().getF32Type(), involved, range);
  Tensor real = convert(realEntries(one, positions, range), builder().getF32Type(), range);
  mlir::Value sum = nn::ReduceOp::create(builder(), where, nn::ReduceKind::Sum, real.value, reduced);
  multiply(Value(reshapeTo(builder(), where, Tensor{sum, {}}, counted)));
  return count;
}

static constexpr llvm::StringLiteral waysOut =
    "; 'dense(x, fill)' gives all entries a value, 'length(x)' says how many are real, 'mask(x)' which";

std::optional<AxisId> Evaluator::meet(const Tensor &x, int64_t i, const Tensor &y, int64_t j, dsl::SourceRange range) {
  AxisId a = x.axes[i], b = y.axes[j];
  if (isSameAxis(a, b))
    return a ? a : b;
  bool raggedA = isRagged(x, i), raggedB = isRagged(y, j);
  if (raggedA && raggedB) {
    error(range, "lengths-differ",
          "two bounded dimensions of " + Twine(x.type().getDimSize(i)) +
              " entries meet whose lengths are not the same; fields share a length by naming the same dimension" +
              waysOut);
    return std::nullopt;
  }
  return raggedB || !a ? b : a;
}

bool Evaluator::wantsDense(const Tensor &x, int64_t position, llvm::StringRef what, dsl::SourceRange range) {
  if (isRagged(x, position)) {
    error(range, "bounded-dimension",
          "'" + what + "' cannot go along a bounded dimension, of whose " + Twine(x.type().getDimSize(position)) +
              " entries each sample has its own number" + waysOut);
    return false;
  }
  SmallVector<int64_t> others = raggedAmong(x, {position});
  if (others.empty())
    return true;
  error(range, "bounded-dimension",
        "'" + what + "' along axis " + Twine(position) + " would part the bounded dimension at axis " +
            Twine(others.front()) + " from the samples that it has its lengths from" + waysOut);
  return false;
}

AxisId Evaluator::derivedAxis(AxisId axis, const std::string &how,
                              llvm::function_ref<Value(const Tensor &length)> make) {
  AxisId root = rootOf(axis);
  auto known = derivedAxes.find({root, how});
  if (known != derivedAxes.end()) {
    // One that was made inside a region is not known outside of it.
    Region *made = bounds[known->second].length.value.getParentRegion();
    if (made->isAncestor(builder().getInsertionBlock()->getParent()))
      return known->second;
  }
  Value length = make(bounds[root].length);
  if (!length.tensor())
    return 0;
  return derivedAxes[{root, how}] = boundedAxis({*length.tensor()});
}

void Evaluator::followSamples(const Tensor &x, int64_t position, llvm::MutableArrayRef<AxisId> axes,
                              llvm::function_ref<Tensor(const Tensor &length, int64_t axis)> change) {
  for (int64_t other : raggedAmong(x, {position})) {
    if (other == position)
      continue;
    SmallVector<int64_t> over = *raggedOver(x, other);
    int64_t within = llvm::find(over, position) - over.begin();
    axes[other] = boundedAxis({change(boundOf(x.axes[other])->length, within)});
  }
}

} // namespace xfer
