//===- KernelForm.cpp - the loop nest that a set of fused operations needs --------------------------------------===//

#include "compiler/Fusion/KernelForm.h"

#include "compiler/Dialect/NN/IR/NN.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace xfer {

namespace {

// For each axis of a value the axis of S whose coordinate it has; -1 for an axis of extent 1; nothing at all when the
// index is something else.
using IndexMap = std::optional<SmallVector<int64_t, 4>>;

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
  if (!map)
    return map;
  IndexMap result = map;
  for (auto [axis, extent] : llvm::enumerate(typeOf(value).getShape()))
    if (extent == 1)
      (*result)[axis] = -1;
  return result;
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
  if (!map || op == form.sequential)
    return std::nullopt;
  // The reduction must be asked for at the point of K at which the nest stands.
  auto shape = typeOf(op->getResult(0)).getShape();
  for (auto [axis, extent] : llvm::enumerate(shape))
    if (extent != 1 && (*map)[axis] != form.kept[axis])
      return std::nullopt;
  SmallVector<int64_t, 4> identity(typeOf(op->getOperand(0)).getRank());
  std::iota(identity.begin(), identity.end(), 0);
  auto operand = pass(op->getOperand(0), identity);
  if (!operand)
    return std::nullopt;
  auto found = llvm::find(form.reductions, op);
  if (found == form.reductions.end())
    return std::nullopt;
  form.reductionPass[found - form.reductions.begin()] = *operand;
  return *operand + 1;
}

std::optional<unsigned> Tracer::compute(Operation *op, const IndexMap &map) {
  if (isa<nn::ScatterOp, nn::CumsumOp>(op))
    return std::nullopt;
  unsigned latest = 0;
  for (Value operand : op->getOperands()) {
    IndexMap from;
    auto type = typeOf(operand);
    if (type.getRank() == 0) {
      from.emplace();
    } else if (map && (op->hasTrait<nn::PerElement>() ||
                       isa<nn::AnnotateOp, nn::StopGradientOp, nn::ScaleGradientOp>(op))) {
      from = map;
    } else if (auto broadcast = dyn_cast<nn::BroadcastOp>(op); map && broadcast) {
      from.emplace();
      for (int64_t to : broadcast.getDimensions())
        from->push_back((*map)[to]);
    } else if (auto transpose = dyn_cast<nn::TransposeOp>(op); map && transpose) {
      from.emplace(type.getRank(), -1);
      for (auto [to, axis] : llvm::enumerate(transpose.getPermutation()))
        (*from)[axis] = (*map)[to];
    } else if (auto reshape = dyn_cast<nn::ReshapeOp>(op); map && reshape) {
      // Only axes of extent 1 come and go.
      auto isLong = [](int64_t extent) { return extent != 1; };
      auto result = typeOf(op->getResult(0));
      SmallVector<int64_t> before(llvm::make_filter_range(type.getShape(), isLong));
      SmallVector<int64_t> after(llvm::make_filter_range(result.getShape(), isLong));
      if (before == after) {
        SmallVector<int64_t> axes;
        for (auto [axis, extent] : llvm::enumerate(result.getShape()))
          if (extent != 1)
            axes.push_back((*map)[axis]);
        from.emplace();
        unsigned next = 0;
        for (int64_t extent : type.getShape())
          from->push_back(extent == 1 ? -1 : axes[next++]);
      }
    }
    auto needed = pass(operand, from);
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
  for (Operation *op : form.reductions)
    if (typeOf(op->getOperand(0)).getShape() != shape || reducedAxes(op) != form.reduced)
      return std::nullopt;
  form.reductionPass.assign(form.reductions.size(), 0);
  auto keptShape = typeOf(first->getResult(0)).getShape();

  Tracer tracer(form, inside);
  unsigned last = 0;
  for (auto [position, root] : llvm::enumerate(roots)) {
    SmallVector<int64_t, 4> map;
    bool isFull = typeOf(root).getShape() == shape;
    if (isFull) {
      map.resize(shape.size());
      std::iota(map.begin(), map.end(), 0);
    } else if (typeOf(root).getShape() == keptShape) {
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

} // namespace xfer
