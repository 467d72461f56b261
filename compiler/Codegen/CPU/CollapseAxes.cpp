//===- CollapseAxes.cpp - fewer and longer axes for a kernel ----------------------------------------------------===//
//
// Every axis of every value belongs to a class: element-wise operations put the axes of operands and result into the
// same classes, broadcasts and reductions those that they keep. Two classes may become one axis if they stand side by
// side, in this order, wherever either of them occurs. A slice of one element of an axis leaves that axis out.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/CollapseAxes.h"

#include "compiler/Dialect/NN/IR/NN.h"

#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;

namespace xfer::cpu {

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

class Collapser {
public:
  explicit Collapser(Block &body) : body(body) {}

  void run();

private:
  using Axis = std::pair<void *, int64_t>;
  static Axis axisOf(Value value, int64_t axis) { return {value.getAsOpaquePointer(), axis}; }

  bool isUnderstood(Operation &op);
  void classify();
  void chain();
  SmallVector<int64_t> classesOf(Value value);
  void rewrite();

  Block &body;
  SmallVector<Value> values;
  llvm::EquivalenceClasses<Axis> classes;
  DenseMap<Axis, int64_t> numbers;    // of the class of each axis
  DenseMap<int64_t, int64_t> follows; // the class that stands behind a class, if they become one axis
  llvm::DenseSet<int64_t> inner;      // classes that stand behind another
};

bool Collapser::isUnderstood(Operation &op) {
  if (auto constant = dyn_cast<nn::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  if (auto reshape = dyn_cast<nn::ReshapeOp>(op))
    return reshape.isUnitReshape();
  if (auto slice = dyn_cast<nn::SliceOp>(op)) {
    // Of each axis one element or all.
    for (auto [before, after] : llvm::zip_equal(typeOf(slice.getX()).getShape(), typeOf(slice.getResult()).getShape()))
      if (after != 1 && after != before)
        return false;
    return true;
  }
  if (auto iota = dyn_cast<nn::IotaOp>(op))
    return typeOf(iota.getResult()).getDimSize(iota.getAxis()) != 1;
  return op.hasTrait<nn::PerElement>() ||
         isa<nn::BroadcastOp, nn::RandomOp, nn::ReduceOp, nn::AnnotateOp, nn::StopGradientOp, nn::YieldOp>(op);
}

void Collapser::classify() {
  auto add = [&](Value value) {
    values.push_back(value);
    for (int64_t axis = 0; axis < typeOf(value).getRank(); ++axis)
      classes.insert(axisOf(value, axis));
  };
  llvm::for_each(body.getArguments(), add);
  for (Operation &op : body)
    llvm::for_each(op.getResults(), add);
  auto same = [&](Value x, int64_t i, Value y, int64_t j) { classes.unionSets(axisOf(x, i), axisOf(y, j)); };
  for (Operation &op : body) {
    if (op.hasTrait<nn::PerElement>() || isa<nn::AnnotateOp, nn::StopGradientOp>(op)) {
      for (Value operand : op.getOperands())
        for (int64_t axis = 0; axis < typeOf(operand).getRank(); ++axis)
          same(operand, axis, op.getResult(0), axis);
    } else if (auto broadcast = dyn_cast<nn::BroadcastOp>(op)) {
      for (auto [axis, to] : llvm::enumerate(broadcast.getDimensions()))
        if (typeOf(broadcast.getX()).getDimSize(axis) != 1)
          same(broadcast.getX(), axis, broadcast.getResult(), to);
    } else if (auto reduce = dyn_cast<nn::ReduceOp>(op)) {
      int64_t kept = 0;
      for (int64_t axis = 0; axis < typeOf(reduce.getX()).getRank(); ++axis)
        if (!llvm::is_contained(reduce.getAxes(), axis))
          same(reduce.getX(), axis, reduce.getResult(), kept++);
    } else if (auto random = dyn_cast<nn::RandomOp>(op)) {
      for (int64_t axis = 0; axis + 1 < typeOf(random.getKey()).getRank(); ++axis)
        same(random.getKey(), axis, random.getResult(), axis);
    } else if (auto slice = dyn_cast<nn::SliceOp>(op)) {
      for (int64_t axis = 0; axis < typeOf(slice.getX()).getRank(); ++axis)
        if (typeOf(slice.getResult()).getDimSize(axis) != 1)
          same(slice.getX(), axis, slice.getResult(), axis);
    } else if (auto reshape = dyn_cast<nn::ReshapeOp>(op)) {
      int64_t to = 0;
      for (int64_t axis = 0; axis < typeOf(reshape.getX()).getRank(); ++axis) {
        if (typeOf(reshape.getX()).getDimSize(axis) == 1)
          continue;
        while (typeOf(reshape.getResult()).getDimSize(to) == 1)
          ++to;
        same(reshape.getX(), axis, reshape.getResult(), to++);
      }
    }
  }
  // One nest goes over the spaces of all reductions, and makes the results of their shape or of what they keep: they
  // must stay of one shape, whatever else is done with each.
  auto alike = [&](Value x, Value y) {
    if (nn::extentsOf(x.getType()) != nn::extentsOf(y.getType()))
      return false;
    for (int64_t axis = 0; axis < typeOf(x).getRank(); ++axis)
      same(x, axis, y, axis);
    return true;
  };
  auto reductions = body.getOps<nn::ReduceOp>();
  if (!reductions.empty()) {
    nn::ReduceOp first = *reductions.begin();
    for (nn::ReduceOp reduce : reductions)
      alike(first.getX(), reduce.getX());
    for (Value root : body.getTerminator()->getOperands())
      if (!alike(first.getX(), root))
        alike(first.getResult(), root);
  }
  DenseMap<Axis, int64_t> leaders;
  for (Value value : values)
    for (int64_t axis = 0; axis < typeOf(value).getRank(); ++axis) {
      Axis leader = classes.getLeaderValue(axisOf(value, axis));
      numbers[axisOf(value, axis)] = leaders.try_emplace(leader, leaders.size()).first->second;
    }
}

// The classes of a value's long axes, in order.
SmallVector<int64_t> Collapser::classesOf(Value value) {
  SmallVector<int64_t> found;
  for (auto [axis, extent] : llvm::enumerate(typeOf(value).getShape()))
    if (extent != 1)
      found.push_back(numbers.lookup(axisOf(value, axis)));
  return found;
}

void Collapser::chain() {
  llvm::DenseSet<int64_t> fixed; // classes with a dynamic extent, or twice in one value
  llvm::SetVector<std::pair<int64_t, int64_t>> pairs;
  SmallVector<SmallVector<int64_t>> sequences;
  for (Value value : values) {
    sequences.push_back(classesOf(value));
    ArrayRef<int64_t> sequence = sequences.back();
    for (auto [axis, extent] : llvm::enumerate(typeOf(value).getShape()))
      if (ShapedType::isDynamic(extent))
        fixed.insert(numbers.lookup(axisOf(value, axis)));
    for (size_t i = 0; i < sequence.size(); ++i) {
      if (llvm::count(sequence, sequence[i]) > 1)
        fixed.insert(sequence[i]);
      if (i + 1 < sequence.size())
        pairs.insert({sequence[i], sequence[i + 1]});
    }
  }
  for (auto iota : body.getOps<nn::IotaOp>())
    fixed.insert(numbers.lookup(axisOf(iota.getResult(), iota.getAxis())));
  for (auto [x, y] : pairs) {
    bool together = !fixed.contains(x) && !fixed.contains(y);
    for (ArrayRef<int64_t> sequence : sequences) {
      const auto *first = llvm::find(sequence, x), *second = llvm::find(sequence, y);
      bool neither = first == sequence.end() && second == sequence.end();
      together &= neither || (first != sequence.end() && second != sequence.end() && first + 1 == second);
    }
    if (together) {
      follows[x] = y;
      inner.insert(y);
    }
  }
}

void Collapser::rewrite() {
  // The new axes of a value: each begins with a class that follows none.
  auto startsAxis = [&](Value value, int64_t axis) {
    return typeOf(value).getDimSize(axis) != 1 && !inner.contains(numbers.lookup(axisOf(value, axis)));
  };
  auto newAxis = [&](Value value, int64_t axis) {
    int64_t number = -1;
    for (int64_t at = 0; at <= axis; ++at)
      number += startsAxis(value, at);
    return number;
  };
  DenseMap<Value, RankedTensorType> types;
  for (Value value : values) {
    nn::Extents extents, old = nn::extentsOf(value.getType());
    for (int64_t axis = 0; axis < typeOf(value).getRank(); ++axis) {
      if (typeOf(value).getDimSize(axis) == 1)
        continue;
      if (startsAxis(value, axis))
        extents.push_back(old[axis]);
      else
        extents.back().size *= old[axis].size;
    }
    types[value] = nn::withExtents(value.getType(), extents);
  }
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (auto broadcast = dyn_cast<nn::BroadcastOp>(op)) {
      SmallVector<int64_t> dimensions;
      for (auto [axis, to] : llvm::enumerate(broadcast.getDimensions()))
        if (startsAxis(broadcast.getX(), axis))
          dimensions.push_back(newAxis(broadcast.getResult(), to));
      broadcast.setDimensions(dimensions);
    } else if (auto reduce = dyn_cast<nn::ReduceOp>(op)) {
      SmallVector<int64_t> axes;
      for (int64_t axis : reduce.getAxes())
        if (startsAxis(reduce.getX(), axis))
          axes.push_back(newAxis(reduce.getX(), axis));
      reduce.setAxes(axes);
    } else if (auto slice = dyn_cast<nn::SliceOp>(op)) {
      // An element of axes that become one is at the place that they count together.
      SmallVector<int64_t> offsets, sizes;
      for (auto [axis, extent] : llvm::enumerate(typeOf(slice.getX()).getShape())) {
        if (extent == 1)
          continue;
        if (startsAxis(slice.getX(), axis)) {
          offsets.push_back(0);
          sizes.push_back(1);
        }
        offsets.back() = offsets.back() * extent + slice.getOffsets()[axis];
        sizes.back() *= slice.getSizes()[axis];
      }
      slice.setOffsets(offsets);
      slice.setSizes(sizes);
      slice.setStrides(SmallVector<int64_t>(offsets.size(), 1));
    } else if (auto iota = dyn_cast<nn::IotaOp>(op)) {
      iota.setAxis(newAxis(iota.getResult(), iota.getAxis()));
    } else if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      constant.setValueAttr(cast<SplatElementsAttr>(constant.getValue())
                                .resizeSplat(RankedTensorType::get(types[constant.getResult()].getShape(),
                                                                   typeOf(constant.getResult()).getElementType())));
    }
  }
  for (Value value : values)
    value.setType(types[value]);
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (auto reshape = dyn_cast<nn::ReshapeOp>(op)) {
      reshape.getResult().replaceAllUsesWith(reshape.getX());
      reshape.erase();
    } else if (auto slice = dyn_cast<nn::SliceOp>(op)) {
      // The axes of extent 1 that it leaves are gone from its result's type: a reshape takes them away.
      OpBuilder builder(slice);
      Value part = nn::SliceOp::create(builder, slice.getLoc(), slice.getX(), slice.getOffsets(), slice.getSizes(),
                                       slice.getStrides());
      Value result = nn::ReshapeOp::create(builder, slice.getLoc(), slice.getResult().getType(), part);
      slice.getResult().replaceAllUsesWith(result);
      slice.erase();
    }
  }
}

void Collapser::run() {
  if (!llvm::all_of(body, [&](Operation &op) { return isUnderstood(op); }))
    return;
  classify();
  chain();
  rewrite();
}

} // namespace

void collapseAxes(Block &body) { Collapser(body).run(); }

} // namespace xfer::cpu
