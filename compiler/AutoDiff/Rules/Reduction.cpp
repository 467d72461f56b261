//===- Reduction.cpp - derivatives of reductions, scans, gather and scatter, sorting ----------------------------===//

#include "compiler/AutoDiff/Rules.h"

using namespace mlir;
using namespace xfer::nn;

/// Each element's cotangent is g times the product of all others. Zeros are counted, so that nothing is divided by
/// zero.
static Term productRule(ReduceOp op, Term g, Term x) {
  ArrayRef<int64_t> axes = op.getAxes();
  Term isZero = compare(Predicate::eq, x, x.filled(0));
  Term withoutZeros = select(isZero, x.filled(1), x);
  Term product = x.make<ReduceOp>(ReduceKind::Prod, withoutZeros, axes);
  Term zeros = sum(toNumbers(isZero, x), axes);
  Term none = broadcastLike(compare(Predicate::eq, zeros, zeros.filled(0)), x, axes);
  Term one = broadcastLike(compare(Predicate::eq, zeros, zeros.filled(1)), x, axes);
  Term scaled = broadcastLike(g * product, x, axes);
  Term ofZero = select(isZero.make<AndOp>(one, isZero), scaled, x.filled(0));
  return select(none, scaled / withoutZeros, ofZero);
}

static Cotangents reduceRule(ReduceOp op, Term g, RuleContext &context) {
  Term x = context.term(op.getX());
  if (op.getKind() == ReduceKind::Sum)
    return {broadcastLike(g, x, op.getAxes())};
  if (op.getKind() == ReduceKind::Prod)
    return {productRule(op, g, x)};
  Term most = broadcastLike(context.term(op.getResult()), x, op.getAxes());
  Term mask = toNumbers(compare(Predicate::eq, x, most), x);
  return {mask * broadcastLike(g / sum(mask, op.getAxes()), x, op.getAxes())};
}

static Cotangents cumsumRule(CumsumOp op, Term g, RuleContext &) {
  int64_t axis = op.getAxis();
  Term reversed = reverse(g, {axis});
  return {reverse(reversed.make<CumsumOp>(reversed, axis), {axis})};
}

static Term scatterAdd(Term x, Value indices, Term updates, int64_t batch) {
  return x.make<ScatterOp>(ScatterKind::Add, x, indices, updates, batch);
}

static Term gatherBatch(Term x, Value indices, int64_t batch) { return x.make<GatherOp>(x, indices, batch, batch); }

/// Moves `count` axes from `from` on to place `to`, the others keeping their order. Of one axis, the same with the two
/// exchanged is the way back.
static SmallVector<int64_t> moved(int64_t rank, int64_t from, int64_t to, int64_t count = 1) {
  SmallVector<int64_t> rest, permutation;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (axis < from || axis >= from + count)
      rest.push_back(axis);
  permutation.assign(rest.begin(), rest.begin() + to);
  llvm::append_range(permutation, llvm::seq<int64_t>(from, from + count));
  permutation.append(rest.begin() + to, rest.end());
  return permutation;
}

/// One element picked from each row: where its index is, the row's cotangent, elsewhere zero. Element-wise, where a
/// scatter would write as much.
static Term pickRule(GatherOp op, Term g, RuleContext &context) {
  Term x = context.term(op.getX()), chosen = context.term(op.getIndices());
  int64_t axis = op.getAxis();
  Term last = chosen.filled(double(x.type().getDimSize(axis)) - 1);
  Term clamped = chosen.make<MinOp>(chosen.make<MaxOp>(chosen, chosen.filled(0)), last);
  TensorInfo indices = TensorInfo::of(x.type());
  indices.element = chosen.type().getElementType();
  Term number = x.make<IotaOp>(TypeRange(indices.type()), uint64_t(axis));
  SmallVector<int64_t> missing = llvm::to_vector(llvm::seq<int64_t>(axis, x.rank()));
  Term mask = compare(Predicate::eq, number, broadcastLike(clamped, x, missing));
  return select(mask, broadcastLike(g, x, {axis}), x.filled(0));
}

/// Gather along an inner axis is gather along the first axis after the batch, between two transposes.
static Cotangents gatherRule(GatherOp op, Term g, RuleContext &context) {
  int64_t axis = op.getAxis(), batch = op.getBatch(), rank = op.getX().getType().getRank();
  int64_t chosen = op.getIndices().getType().getRank() - batch;
  if (axis == batch && chosen == 0 && !op.getX().getType().isDynamicDim(axis))
    return {pickRule(op, g, context), Value()};
  Term zero = context.term(op.getX()).filled(0);
  if (axis == batch)
    return {scatterAdd(zero, op.getIndices(), g, batch), Value()};
  Term updates = transpose(g, moved(g.rank(), axis, batch, chosen));
  Term scattered = scatterAdd(transpose(zero, moved(rank, axis, batch)), op.getIndices(), updates, batch);
  return {transpose(scattered, moved(rank, batch, axis)), Value()};
}

/// Which updates of a `set` are still there afterwards: the last of those with equal indices.
static Term survivors(ScatterOp op, RuleContext &context) {
  int64_t batch = op.getBatch();
  Extents chosen = extentsOf(op.getIndices().getType());
  Extents slots = extentsOf(op.getX().getType());
  slots.resize(batch + 1);
  // The number of each update inside its batch element; a row-major combination of one iota an axis.
  Term indices = context.term(op.getIndices());
  Value number = createFilled(context.builder, context.location, 0, context.builder.getI32Type(), chosen);
  Term order = context.term(number);
  for (size_t axis = batch; axis < chosen.size(); ++axis)
    order = order * double(chosen[axis].size) + indices.make<IotaOp>(chosen, int64_t(axis));
  Term empty = context.term(createFilled(context.builder, context.location, 0, context.builder.getI32Type(), slots));
  Term last = empty.make<ScatterOp>(ScatterKind::Set, empty, indices, order, batch);
  return compare(Predicate::eq, gatherBatch(last, indices, batch), order);
}

static Cotangents scatterRule(ScatterOp op, Term g, RuleContext &context) {
  int64_t batch = op.getBatch();
  Value indices = op.getIndices();
  Term updates = context.term(op.getUpdates());
  if (op.getKind() == ScatterKind::Add)
    return {g, Value(), gatherBatch(g, indices, batch)};
  Term kept = g.make<ScatterOp>(ScatterKind::Set, g, indices, updates.filled(0), batch);
  if (!context.wants(updates))
    return {kept, Value(), Value()};
  int64_t given = op.getIndices().getType().getRank();
  SmallVector<int64_t> rest = llvm::to_vector(llvm::seq<int64_t>(given, updates.rank()));
  Term mask = broadcastLike(survivors(op, context), updates, rest);
  return {kept, Value(), select(mask, gatherBatch(g, indices, batch), updates.filled(0))};
}

/// The values are the operand's elements in another order; their cotangents go back to where each came from.
static Cotangents sortRule(SortOp op, Term g, RuleContext &context) {
  int64_t axis = op.getAxis(), last = g.rank() - 1;
  SmallVector<int64_t> toLast = moved(g.rank(), axis, last), back = moved(g.rank(), last, axis);
  Term updates = transpose(g, toLast);
  Term indices = transpose(context.term(op.getIndices()), toLast);
  return {transpose(scatterAdd(updates.filled(0), indices, updates, last), back)};
}

void xfer::nn::addReductionRules(RuleTable &table) {
  table.add<ReduceOp>(reduceRule);
  table.add<CumsumOp>(cumsumRule);
  table.add<GatherOp>(gatherRule);
  table.add<ScatterOp>(scatterRule);
  table.add<SortOp>(sortRule);
}
