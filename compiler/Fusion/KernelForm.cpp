//===- KernelForm.cpp - the loop nest that a set of fused operations needs --------------------------------------===//

#include "compiler/Fusion/KernelForm.h"

#include "compiler/Dialect/NN/IR/NN.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace xfer {

namespace {

// For each axis of a value the axis of S whose coordinate it has; `unit` for an axis of extent 1, `other` where the
// coordinate is anything else.
constexpr int64_t unit = -1, other = -2;
using IndexMap = SmallVector<int64_t, 4>;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

class Tracer {
public:
  Tracer(KernelForm &form, function_ref<bool(Operation *)> inside) : form(form), inside(inside) {}

  /// The pass in which `value` at the index can be computed; nothing if it cannot.
  std::optional<unsigned> pass(Value value, const IndexMap &map);

private:
  std::optional<unsigned> compute(Operation *op, const IndexMap &map);
  std::optional<unsigned> reduction(Operation *op, const IndexMap &map);
  IndexMap normalise(Value value, const IndexMap &map);

  KernelForm &form;
  function_ref<bool(Operation *)> inside;
  DenseMap<Value, SmallVector<std::pair<IndexMap, std::optional<unsigned>>, 1>> memo;
};

IndexMap Tracer::normalise(Value value, const IndexMap &map) {
  IndexMap result = map;
  for (auto [axis, extent] : llvm::enumerate(typeOf(value).getShape()))
    if (extent == 1)
      result[axis] = unit;
  return result;
}

// The map of operand `number` of an operation that is computed on demand, from that of its result.
IndexMap operandMap(Operation *op, unsigned number, const IndexMap &map) {
  auto type = typeOf(op->getOperand(number));
  if (op->hasTrait<nn::PerElement>())
    return map;
  IndexMap from(type.getRank(), other);
  return llvm::TypeSwitch<Operation *, IndexMap>(op)
      .Case<nn::AnnotateOp, nn::StopGradientOp>([&](auto) { return map; })
      .Case([&](nn::ScaleGradientOp) { return number == 0 ? map : from; })
      .Case([&](nn::BroadcastOp o) {
        for (auto [axis, to] : llvm::enumerate(o.getDimensions()))
          from[axis] = map[to];
        return from;
      })
      .Case([&](nn::TransposeOp o) {
        for (auto [to, axis] : llvm::enumerate(o.getPermutation()))
          from[axis] = map[to];
        return from;
      })
      .Case([&](nn::ReshapeOp o) {
        // Axes of extent 1 come and go; the same axes from the left, and from the right, keep their coordinates.
        SmallVector<int64_t> before, after;
        auto result = typeOf(o.getResult());
        for (int64_t axis = 0; axis < type.getRank(); ++axis)
          if (type.getDimSize(axis) != 1)
            before.push_back(axis);
        for (int64_t axis = 0; axis < result.getRank(); ++axis)
          if (result.getDimSize(axis) != 1)
            after.push_back(axis);
        auto matches = [&](int64_t x, int64_t y) { return type.getDimSize(x) == result.getDimSize(y); };
        for (auto [x, y] : llvm::zip(before, after)) {
          if (!matches(x, y))
            break;
          from[x] = map[y];
        }
        for (auto [x, y] : llvm::zip(llvm::reverse(before), llvm::reverse(after))) {
          if (!matches(x, y))
            break;
          from[x] = map[y];
        }
        return from;
      })
      .Case([&](nn::SliceOp o) {
        for (int64_t axis = 0; axis < type.getRank(); ++axis)
          if (type.getDimSize(axis) == typeOf(o.getResult()).getDimSize(axis))
            from[axis] = map[axis];
        return from;
      })
      .Case([&](nn::PadOp o) {
        for (int64_t axis = 0; axis < type.getRank(); ++axis)
          if (type.getDimSize(axis) == typeOf(o.getResult()).getDimSize(axis))
            from[axis] = map[axis];
        return from;
      })
      .Case([&](nn::ReverseOp o) {
        from = map;
        for (int64_t axis : o.getAxes())
          from[axis] = other;
        return from;
      })
      .Case([&](nn::ConcatOp o) {
        from = map;
        from[o.getAxis()] = other;
        return from;
      })
      .Case([&](nn::GatherOp o) {
        int64_t axis = o.getAxis(), batch = o.getBatch();
        int64_t chosen = typeOf(o.getIndices()).getRank() - batch;
        if (number == 1) {
          llvm::copy(ArrayRef(map).take_front(batch), from.begin());
          llvm::copy(ArrayRef(map).slice(axis, chosen), from.begin() + batch);
          return from;
        }
        llvm::copy(ArrayRef(map).take_front(axis), from.begin());
        llvm::copy(ArrayRef(map).drop_front(axis + chosen), from.begin() + axis + 1);
        return from;
      })
      .Case<nn::WindowMaxOp, nn::WindowSumOp, nn::WindowGatherOp, nn::WindowScatterOp, nn::WindowSpreadOp>([&](auto o) {
        from.front() = map.front();
        from.back() = map.back();
        return from;
      })
      .Case([&](nn::RandomOp) {
        llvm::copy(ArrayRef(map).take_front(type.getRank() - 1), from.begin());
        return from;
      })
      .Default([&](Operation *) { return from; });
}

std::optional<unsigned> Tracer::pass(Value value, const IndexMap &given) {
  Operation *op = value.getDefiningOp();
  if (!op || !inside(op))
    return 0;
  IndexMap map = normalise(value, given);
  for (auto &[known, result] : memo[value])
    if (known == map)
      return result;
  std::optional<unsigned> result = isReduction(op) ? reduction(op, map) : compute(op, map);
  memo[value].push_back({map, result});
  return result;
}

std::optional<unsigned> Tracer::reduction(Operation *op, const IndexMap &map) {
  // The reduction must be asked for at the point of K at which the nest stands.
  auto shape = typeOf(op->getResult(0)).getShape();
  for (auto [axis, extent] : llvm::enumerate(shape))
    if (extent != 1 && map[axis] != form.kept[axis])
      return std::nullopt;
  auto found = llvm::find(form.reductions, op);
  if (found == form.reductions.end())
    return std::nullopt;
  IndexMap identity(typeOf(op->getOperand(0)).getRank());
  std::iota(identity.begin(), identity.end(), 0);
  auto operand = pass(op->getOperand(0), identity);
  if (!operand)
    return std::nullopt;
  form.reductionPass[found - form.reductions.begin()] = *operand;
  return *operand + 1;
}

std::optional<unsigned> Tracer::compute(Operation *op, const IndexMap &map) {
  if (isa<nn::ScatterOp, nn::CumsumOp>(op))
    return std::nullopt;
  unsigned latest = 0;
  for (auto [number, operand] : llvm::enumerate(op->getOperands())) {
    auto needed = pass(operand, operandMap(op, number, map));
    if (!needed)
      return std::nullopt;
    latest = std::max(latest, *needed);
  }
  return latest;
}

void collect(Value value, function_ref<bool(Operation *)> inside, llvm::SetVector<Operation *> &ops) {
  SmallVector<Value> work{value};
  while (!work.empty()) {
    Operation *op = work.pop_back_val().getDefiningOp();
    if (op && inside(op) && ops.insert(op))
      llvm::append_range(work, op->getOperands());
  }
}

} // namespace

bool isReduction(Operation *op) { return isa<nn::ReduceOp, nn::ArgmaxOp>(op); }

SmallVector<int64_t> reducedAxes(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return SmallVector<int64_t>(reduce.getAxes());
  return {static_cast<int64_t>(cast<nn::ArgmaxOp>(op).getAxis())};
}

std::optional<KernelForm> analyzeKernel(ArrayRef<Value> roots, function_ref<bool(Operation *)> inside) {
  KernelForm form;
  llvm::SetVector<Operation *> ops;
  for (Value root : roots)
    collect(root, inside, ops);
  for (Operation *op : ops) {
    if (isReduction(op))
      form.reductions.push_back(op);
    if (isa<nn::ScatterOp, nn::CumsumOp>(op)) {
      if (form.sequential || roots.size() != 1 || roots.front().getDefiningOp() != op)
        return std::nullopt;
      form.sequential = op;
    }
  }
  if (form.sequential) {
    if (!form.reductions.empty())
      return std::nullopt;
    return form;
  }
  if (form.reductions.empty()) {
    for (auto [position, root] : llvm::enumerate(roots))
      form.full.push_back({root, static_cast<unsigned>(position), 0});
    return form;
  }

  Operation *first = form.reductions.front();
  form.space = first->getOperand(0);
  form.reduced = reducedAxes(first);
  auto shape = typeOf(form.space).getShape();
  for (int64_t axis = 0; axis < static_cast<int64_t>(shape.size()); ++axis)
    if (!llvm::is_contained(form.reduced, axis))
      form.kept.push_back(axis);
  // By extents and not by shapes: two dynamic extents are equal only if one name names them.
  nn::Extents extents = nn::extentsOf(form.space.getType());
  for (Operation *op : form.reductions)
    if (nn::extentsOf(op->getOperand(0).getType()) != extents || reducedAxes(op) != form.reduced)
      return std::nullopt;
  form.reductionPass.assign(form.reductions.size(), 0);
  nn::Extents keptExtents = nn::extentsOf(first->getResult(0).getType());

  Tracer tracer(form, inside);
  unsigned last = 0;
  for (auto [position, root] : llvm::enumerate(roots)) {
    IndexMap map;
    bool isFull = nn::extentsOf(root.getType()) == extents;
    if (isFull) {
      map.resize(shape.size());
      std::iota(map.begin(), map.end(), 0);
    } else if (nn::extentsOf(root.getType()) == keptExtents) {
      map.assign(form.kept.begin(), form.kept.end());
    } else {
      return std::nullopt;
    }
    auto pass = tracer.pass(root, map);
    if (!pass)
      return std::nullopt;
    auto &list = isFull ? form.full : form.partial;
    list.push_back({root, static_cast<unsigned>(position), *pass});
    if (isFull)
      last = std::max(last, *pass);
  }
  for (unsigned pass : form.reductionPass)
    last = std::max(last, pass);
  form.passes = last + 1;
  return form;
}

bool isReadInPlace(ArrayRef<Value> roots, Value value, function_ref<bool(Operation *)> inside) {
  DenseMap<Value, SmallVector<IndexMap, 1>> seen;
  SmallVector<std::pair<Value, IndexMap>> work;
  IndexMap identity(typeOf(value).getRank());
  std::iota(identity.begin(), identity.end(), 0);
  for (Value root : roots)
    work.push_back({root, identity});
  while (!work.empty()) {
    auto [at, map] = work.pop_back_val();
    for (auto [axis, extent] : llvm::enumerate(typeOf(at).getShape()))
      if (extent == 1)
        map[axis] = unit;
    if (at == value) {
      for (auto [axis, extent] : llvm::enumerate(typeOf(value).getShape()))
        if (extent != 1 && map[axis] != static_cast<int64_t>(axis))
          return false;
      continue;
    }
    Operation *op = at.getDefiningOp();
    if (!op || !inside(op) || llvm::is_contained(seen[at], map))
      continue;
    seen[at].push_back(map);
    for (auto [number, operand] : llvm::enumerate(op->getOperands()))
      work.push_back({operand, operandMap(op, number, map)});
  }
  return true;
}

} // namespace xfer
