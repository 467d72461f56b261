#include "compiler/Codegen/CPU/ContractionTile.h"
#include "compiler/Schedule/ContractionSchedule.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace xfer::cpu;

/// Steps from which on a loop is cut for several sets.
static constexpr int64_t fewestSteps = 8;

SumsTile::SumsTile(KernelBuilder &builder, const TileKind &kind, int64_t rows, ArrayRef<int64_t> widths,
                   ArrayRef<ReductionLoop> loops)
    : k(builder), kind(kind), rows(rows), widths(widths), loops(loops) {
  if (kind.shareTails && rows > 1 && 2 * widths.back() <= kind.lanes) {
    tail = this->widths.pop_back_val();
    share = kind.lanes / llvm::PowerOf2Ceil(tail);
  }
  if (kind.dot || loops.empty() || llvm::any_of(loops, [](const ReductionLoop &loop) { return loop.rowCut; }))
    return;
  auto lower = k.known(loops.back().lower), upper = k.known(loops.back().upper);
  if (!lower || !upper || *upper - *lower >= fewestSteps)
    sets = setsOfSums(count(), kind.inFlight);
}

SumsTile SumsTile::part(int64_t first, int64_t end) const {
  SumsTile tile = *this;
  tile.rows = end - first;
  tile.firstRow = first;
  tile.isPart = true;
  return tile;
}

SmallVector<unsigned> SumsTile::partOfSums(int64_t first, int64_t end) const {
  unsigned count = widths.size();
  SmallVector<unsigned> numbers = llvm::to_vector(llvm::seq<unsigned>(first * count, end * count));
  if (tail)
    llvm::append_range(numbers,
                       llvm::seq<unsigned>(rows * count + first / share, rows * count + llvm::divideCeil(end, share)));
  return numbers;
}

/// A vector of `lanes` neighbours `stride` elements apart, as the accumulator's type.
Value SumsTile::loadElements(Value base, int64_t index, int64_t lanes, int64_t stride) {
  if (stride == 1 || lanes == 1)
    return k.convert(k.load(VectorType::get({lanes}, kind.element), k.address(kind.element, base, index)),
                     kind.accumulator);
  SmallVector<Value> scalars;
  for (int64_t i = 0; i < lanes; ++i)
    scalars.push_back(k.load(kind.element, k.address(kind.element, base, index + i * stride)));
  Value vector =
      vector::FromElementsOp::create(k.builder(), k.location(), VectorType::get({lanes}, kind.element), scalars);
  return k.convert(vector, kind.accumulator);
}

SmallVector<Value> SumsTile::zeros() {
  SmallVector<Value> sums;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t width : widths)
      sums.push_back(k.zero(VectorType::get({width}, kind.accumulator)));
  if (tail)
    sums.append(llvm::divideCeil(rows, share), k.zero(VectorType::get({kind.lanes}, kind.accumulator)));
  SmallVector<Value> set(sums);
  for (int64_t more = 1; more < sets; ++more)
    llvm::append_range(sums, set);
  return sums;
}

SmallVector<Value> SumsTile::sums(Value lhs, Value rhs) {
  SmallVector<Value> all = accumulate(lhs, rhs, loops, zeros());
  SmallVector<Value> total(ArrayRef(all).take_front(count()));
  for (int64_t set = 1; set < sets; ++set)
    for (auto [sum, other] : llvm::zip_equal(total, ArrayRef(all).slice(set * count(), count())))
      sum = k.addElements(sum, other);
  return rowByRow(total);
}

SmallVector<Value> SumsTile::rowByRow(ValueRange sums) {
  if (!tail)
    return sums;
  SmallVector<Value> ordered;
  for (int64_t r = 0, full = widths.size(); r < rows; ++r) {
    llvm::append_range(ordered, sums.slice(r * full, full));
    ordered.push_back(vector::ExtractStridedSliceOp::create(k.builder(), k.location(), sums[rows * full + r / share],
                                                            ArrayRef<int64_t>{r % share * (kind.lanes / share)},
                                                            ArrayRef<int64_t>{tail}, ArrayRef<int64_t>{1}));
  }
  return ordered;
}

/// The broadcasts of the rows that share vector number `group`, each in its lanes. Lanes of rows that are not in a part
/// are zero; those of rows that do not exist may be anything.
Value SumsTile::sharedLeft(ArrayRef<Value> broadcasts, int64_t group) {
  OpBuilder &b = k.builder();
  int64_t part = kind.lanes / share, begin = std::max(group * share, firstRow);
  int64_t end = std::min((group + 1) * share, firstRow + rows);
  Value vector = broadcasts[begin - firstRow];
  if (isPart && end - begin < share)
    vector = k.zero(vector.getType());
  else
    ++begin;
  for (int64_t row = begin; row < end; ++row) {
    SmallVector<bool> lanes(kind.lanes, false);
    std::fill_n(lanes.begin() + row % share * part, part, true);
    auto type = VectorType::get({kind.lanes}, b.getI1Type());
    Value mine = arith::ConstantOp::create(b, k.location(), DenseElementsAttr::get(type, lanes));
    vector = arith::SelectOp::create(b, k.location(), mine, broadcasts[row - firstRow], vector);
  }
  return vector;
}

SmallVector<Value> SumsTile::step(Value lhs, Value rhs, ValueRange sums) {
  SmallVector<Value> vectors, next;
  int64_t column = 0;
  SmallVector<int64_t> columns;
  for (int64_t width : widths) {
    vectors.push_back(loadElements(rhs, column * kind.rhsColumnStride, width, kind.rhsColumnStride));
    columns.push_back(column);
    column += width;
  }
  SmallVector<Value> broadcasts;
  for (int64_t r = 0; r < rows; ++r) {
    Value scalar;
    if (!kind.lhsVector)
      scalar = k.convert(k.load(kind.element, k.address(kind.element, lhs, r * kind.lhsRowStride)), kind.accumulator);
    if (tail)
      broadcasts.push_back(k.splat(scalar, kind.lanes));
    for (auto [v, width] : enumerate(widths)) {
      Value left = kind.lhsVector ? loadElements(lhs, r * kind.lhsRowStride + columns[v] * kind.lhsColumnStride, width,
                                                 kind.lhsColumnStride)
                                  : k.splat(scalar, width);
      next.push_back(k.multiplyAdd(left, vectors[v], sums[next.size()], kind.fused));
    }
  }
  if (!tail)
    return next;
  Value few = loadElements(rhs, column, tail, 1);
  SmallVector<int64_t> repeated;
  for (int64_t lane = 0; lane < kind.lanes; ++lane)
    repeated.push_back(std::min(lane % (kind.lanes / share), tail - 1));
  Value right = vector::ShuffleOp::create(k.builder(), k.location(), few, few, repeated);
  for (int64_t group = firstRow / share; group * share < firstRow + rows; ++group)
    next.push_back(k.multiplyAdd(sharedLeft(broadcasts, group), right, sums[next.size()], kind.fused));
  return next;
}

/// One contiguous loop of the dot form: whole vectors, then the rest as a shorter one; lanes are added up at the end.
SmallVector<Value> SumsTile::dotLoop(Value lhs, Value rhs, const ReductionLoop &loop, ValueRange sums) {
  int64_t columns = widths.front();
  OpBuilder &b = k.builder();
  auto products = [&](Value index, int64_t lanes, ValueRange carried) {
    Value left = k.address(kind.element, lhs, index), right = k.address(kind.element, rhs, index);
    SmallVector<Value> vectors, next;
    for (int64_t c = 0; c < columns; ++c)
      vectors.push_back(loadElements(right, c * kind.rhsColumnStride, lanes, 1));
    for (int64_t r = 0; r < rows; ++r) {
      Value row = loadElements(left, r * kind.lhsRowStride, lanes, 1);
      for (Value vector : vectors)
        next.push_back(k.multiplyAdd(row, vector, carried[next.size()], kind.fused));
    }
    return next;
  };
  auto zerosOf = [&](int64_t lanes) {
    return SmallVector<Value>(rows * columns, k.zero(VectorType::get({lanes}, kind.accumulator)));
  };
  auto sum = [&](Value vector) -> Value {
    auto fast = arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::reassoc);
    return vector::ReductionOp::create(b, k.location(), kind.accumulator, vector::CombiningKind::ADD, vector, Value(),
                                       isa<FloatType>(kind.accumulator) ? fast.getValue() : arith::FastMathFlags::none);
  };
  Value count = k.sub(loop.upper, loop.lower);
  Value whole = k.add(loop.lower, k.sub(count, k.rem(count, kind.lanes)));
  SmallVector<Value> parts =
      k.loop(loop.lower, whole, kind.lanes, zerosOf(kind.lanes),
             [&](Value index, ValueRange carried) { return products(index, kind.lanes, carried); });
  SmallVector<Value> rest = k.loop(whole, loop.upper, 1, zerosOf(1),
                                   [&](Value index, ValueRange carried) { return products(index, 1, carried); });
  SmallVector<Value> next;
  for (int64_t r = 0; r < rows; ++r) {
    SmallVector<Value> scalars;
    for (int64_t c = 0; c < columns; ++c) {
      int64_t i = r * columns + c;
      scalars.push_back(k.addElements(sum(parts[i]), sum(rest[i])));
    }
    Value vector =
        vector::FromElementsOp::create(b, k.location(), VectorType::get({columns}, kind.accumulator), scalars);
    next.push_back(k.addElements(sums[r], vector));
  }
  return next;
}

/// Every tap adds to the rows for which it lies inside of the image, as a tile of those rows.
SmallVector<Value> SumsTile::rowsOfTaps(Value lhs, Value rhs, ArrayRef<ReductionLoop> loops, ValueRange sums) {
  const ReductionLoop &loop = loops.front();
  const ContractionWindow &window = *loop.rowCut;
  SmallVector<Value> next(sums);
  for (int64_t tap = 0, taps = *k.known(loop.upper); tap < taps; ++tap) {
    auto inside = [&](int64_t row) {
      int64_t place = row * window.outerStep + tap * window.tapStep - window.low;
      return place >= 0 && place < window.extent;
    };
    int64_t first = 0, end = rows;
    while (first < end && !inside(first))
      ++first;
    while (end > first && !inside(end - 1))
      --end;
    if (first == end)
      continue;
    SmallVector<unsigned> numbers = partOfSums(first, end);
    SmallVector<Value> mine = llvm::map_to_vector(numbers, [&](unsigned number) { return next[number]; });
    Value from = k.address(kind.element, lhs, tap * loop.lhsStride + first * kind.lhsRowStride);
    mine =
        part(first, end).accumulate(from, k.address(kind.element, rhs, tap * loop.rhsStride), loops.drop_front(), mine);
    for (auto [number, sum] : llvm::zip_equal(numbers, mine))
      next[number] = sum;
  }
  return next;
}

/// Multiply-adds that the innermost loop may be unrolled to where its extent is known and small.
static constexpr int64_t unrolledSums = 128;

SmallVector<Value> SumsTile::accumulate(Value lhs, Value rhs, ArrayRef<ReductionLoop> loops, ValueRange sums) {
  if (loops.empty())
    return kind.dot ? dotLoop(lhs, rhs, {k.constant(0), k.constant(1)}, sums) : step(lhs, rhs, sums);
  const ReductionLoop &loop = loops.front();
  if (kind.dot && loops.size() == 1)
    return dotLoop(lhs, rhs, loop, sums);
  if (loop.rowCut)
    return rowsOfTaps(lhs, rhs, loops, sums);
  auto at = [&](Value index, ValueRange carried) {
    return accumulate(k.address(kind.element, lhs, k.mul(index, loop.lhsStride)),
                      k.address(kind.element, rhs, k.mul(index, loop.rhsStride)), loops.drop_front(), carried);
  };
  if (loops.size() == 1 && sets > 1) {
    Value steps = k.max(k.sub(loop.upper, loop.lower), k.constant(0));
    Value whole = k.add(loop.lower, k.mul(k.div(steps, sets), sets));
    SmallVector<Value> all = k.loop(loop.lower, whole, sets, sums, [&](Value index, ValueRange carried) {
      SmallVector<Value> next;
      for (int64_t set = 0; set < sets; ++set)
        llvm::append_range(next, at(k.add(index, set), carried.slice(set * count(), count())));
      return next;
    });
    SmallVector<Value> first = k.loop(whole, loop.upper, 1, ArrayRef(all).take_front(count()), at);
    llvm::copy(first, all.begin());
    return all;
  }
  auto lower = k.known(loop.lower), upper = k.known(loop.upper);
  if (loops.size() == 1 && lower && upper && (*upper - *lower) * static_cast<int64_t>(sums.size()) <= unrolledSums) {
    SmallVector<Value> unrolled(sums);
    for (int64_t i = *lower; i < *upper; ++i)
      unrolled = at(k.constant(i), unrolled);
    return unrolled;
  }
  return k.loop(loop.lower, loop.upper, 1, sums, at);
}
