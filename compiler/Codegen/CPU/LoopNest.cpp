//===- LoopNest.cpp - kernels of everything that is not a contraction -------------------------------------------===//
//
// A kernel without reductions is a list of nests, one for each shape among its results; their chunks are numbered one
// after the other. A kernel with reductions is one nest over the kept axes with loops over the reduced ones inside
// (KernelForm.h has the passes). Vectors lie along the last long axis of the space, or before it where that is too
// short for them (laneOf): if their axis is kept, each lane has sums of its own, else the lanes are added up at the end
// of a pass, in a fixed tree.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/LoopNest.h"

#include "compiler/Codegen/CPU/CollapseAxes.h"
#include "compiler/Codegen/CPU/Nest.h"
#include "compiler/Codegen/CPU/Sequential.h"
#include "compiler/Fusion/Cost.h"
#include "compiler/Fusion/KernelForm.h"

using namespace mlir;

namespace xfer {

using namespace cpu;

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// A nest that stores values of one shape.
struct PointwisePlan {
  SmallVector<KernelForm::Root> roots;
  SmallVector<int64_t> outer;
  std::optional<int64_t> lane;  // the axis of the vectors, if any axis is longer than 1
  std::optional<int64_t> inner; // a short axis behind it, which is written out
  Cut outerCut, laneCut;

  const ChunkCount &chunks() const { return laneCut.size ? laneCut.chunks : outerCut.chunks; }
};

struct ReductionPlan {
  std::optional<int64_t> lane;
  bool laneIsKept = false;
  SmallVector<int64_t> keptOuter, reducedOuter;
  Cut keptCut;
  bool split = false; // the reduced axes are cut: by `splitCut`, or along the lanes where they are the only ones
  bool splitLanes = false;
  Cut splitCut;
};

class LoopKernelEmitter {
public:
  LoopKernelEmitter(OpBuilder &builder, nn::KernelOp kernel, StringRef name, const TargetDescription &target)
      : b(builder), loc(kernel.getLoc()), kernel(kernel), target(target), context{target} {
    emitted.name = name.str();
  }

  FailureOr<EmittedKernel> emit();

private:
  void collectExtents();
  void openPhase();
  void closePhase(const ChunkCount &chunks);

  std::optional<int64_t> laneOf(Value space, bool mayBeFirst);
  PointwisePlan planPointwise(ArrayRef<KernelForm::Root> roots);
  void emitPointwise(const PointwisePlan &plan, Value chunk);
  void emitPointwisePhase(ArrayRef<KernelForm::Root> roots);

  ReductionPlan planReduction();
  void emitReductionPhase();
  void emitRow(ArrayRef<Value> kept, Value base, ArrayRef<Segment> segments);
  struct Row;
  void passWithKeptLanes(Row &row, unsigned pass);
  void passWithReducedLanes(Row &row, unsigned pass);
  Nest::Values emitPoint(Row &row, unsigned pass, unsigned segment, int64_t width, ArrayRef<LaneIndex> index,
                         ValueRange carried, ArrayRef<Accumulator> accumulators);
  void storeParts(Row &row);
  void storePartial(Row &row);

  Nest nest() { return Nest(b, loc, context); }
  Value output(unsigned position) { return function.buffers[kernel.getInputs().size() + position]; }
  std::optional<unsigned> extentNumber(const Axis &axis, Value tensor);
  int64_t partOffset(unsigned reduction);
  int64_t keptElements() { return typeOf(form.reductions.front()->getResult(0)).getNumElements(); }

  OpBuilder &b;
  Location loc;
  nn::KernelOp kernel;
  const TargetDescription &target;
  KernelContext context;
  KernelFunction function;
  KernelForm form;
  ReductionPlan plan;
  Range reducedRange;
  EmittedKernel emitted;
};

void LoopKernelEmitter::collectExtents() {
  auto collect = [&](Type type) {
    for (const nn::Extent &extent : nn::extentsOf(type))
      if (extent.isDynamic() && !llvm::is_contained(emitted.extents, extent.symbol))
        emitted.extents.push_back(extent.symbol);
  };
  llvm::for_each(kernel.getInputs().getTypes(), collect);
  llvm::for_each(kernel.getResultTypes(), collect);
  // What is made from constants and indices alone has extents that no buffer has: sum(ones([n])).
  for (Operation &op : kernel.getBody().getOps())
    llvm::for_each(op.getResultTypes(), collect);
}

void LoopKernelEmitter::openPhase() {
  unsigned inputs = kernel.getInputs().size(), outputs = kernel.getNumResults();
  std::string name = emitted.name;
  if (!emitted.phases.empty())
    name += "." + std::to_string(emitted.phases.size());
  function = openKernel(b, loc, name, inputs + outputs + (emitted.scratchBytes > 0 ? 1 : 0));
  KernelBuilder kb(b, loc);
  for (auto [number, symbol] : llvm::enumerate(emitted.extents))
    context.extents[symbol] = kb.load(b.getI64Type(), kb.address(b.getI64Type(), function.extents, number));
  context.setInputs(kernel, function.buffers);
}

void LoopKernelEmitter::closePhase(const ChunkCount &chunks) {
  func::ReturnOp::create(b, loc);
  b.setInsertionPointAfter(function.function);
  emitted.phases.push_back({function.function, chunks});
}

std::optional<unsigned> LoopKernelEmitter::extentNumber(const Axis &axis, Value tensor) {
  std::string symbol = nn::extentsOf(tensor.getType())[axis.number].symbol;
  auto found = llvm::find(emitted.extents, symbol);
  if (found == emitted.extents.end())
    return std::nullopt;
  return found - emitted.extents.begin();
}

// An element that does not lie beside the one before costs about so many operations of a vector to read or write.
static constexpr int64_t stridedCost = 4;

/// The axis of the vectors: the last one that is long. An axis of a few channels fills no vector; where there is more
/// to compute than to read and write, the axis before it is better, if it is long enough. Which one it is may not
/// depend on the number of samples where it decides about the order of sums: `mayBeFirst`.
std::optional<int64_t> LoopKernelEmitter::laneOf(Value space, bool mayBeFirst) {
  auto type = typeOf(space);
  int64_t last = type.getRank() - 1;
  while (last >= 0 && type.getDimSize(last) == 1)
    --last;
  if (last < 0)
    return std::nullopt;
  int64_t width = target.lanes(b.getF32Type()), few = type.getDimSize(last), before = last - 1;
  if (!type.hasStaticShape() && ShapedType::isDynamic(few))
    return last;
  while (before >= 0 && type.getDimSize(before) == 1)
    --before;
  if (few > 4 || 2 * few >= width || before < (mayBeFirst ? 0 : 1) || type.isDynamicDim(before) ||
      type.getDimSize(before) < width)
    return last;
  int64_t all = elementsOf(type), computed = 0, touched = 0;
  auto touch = [&](Type tensor) { touched += elementsOf(tensor) >= all ? stridedCost : 0; };
  llvm::for_each(kernel.getBody().getArgumentTypes(), touch);
  for (Operation &op : kernel.getBody().getOps()) {
    if (op.hasTrait<OpTrait::IsTerminator>())
      llvm::for_each(op.getOperandTypes(), touch);
    else if (elementsOf(op.getResult(0).getType()) * few >= all)
      computed += costOf(&op);
    if (isa<nn::SliceOp>(op) && isa<BlockArgument>(op.getOperand(0)))
      touched += stridedCost;
  }
  return 2 * computed >= touched ? before : last;
}

//===------------------------------------------------------------------------------------------------------------===//
// Without reductions
//===------------------------------------------------------------------------------------------------------------===//

PointwisePlan LoopKernelEmitter::planPointwise(ArrayRef<KernelForm::Root> roots) {
  PointwisePlan plan;
  plan.roots.assign(roots.begin(), roots.end());
  Value first = roots.front().value;
  auto type = typeOf(first);
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.getDimSize(axis) != 1)
      plan.outer.push_back(axis);
  if (plan.outer.empty())
    return plan;
  plan.lane = laneOf(first, /*mayBeFirst=*/true);
  if (plan.lane != plan.outer.back())
    plan.inner = plan.outer.pop_back_val();
  plan.outer.pop_back();
  int64_t lanes = type.getDimSize(*plan.lane), work = lanes * (plan.inner ? type.getDimSize(*plan.inner) : 1);
  auto number = [&](const Axis &axis) { return extentNumber(axis, first); };
  auto sized = [&](int64_t axis) { return Axis{axis, type.getDimSize(axis), {}}; };
  SmallVector<Axis> outer = llvm::map_to_vector(plan.outer, sized);
  plan.outerCut = cutAxes(outer, ShapedType::isDynamic(lanes) ? 1 : work, number);
  if (!plan.outer.empty())
    return plan;
  // One long axis: chunks of whole vectors of it.
  int64_t width = target.lanes(b.getF32Type());
  if (ShapedType::isDynamic(lanes)) {
    plan.laneCut = cutAxes({sized(*plan.lane)}, 1, number);
    plan.laneCut.chunks.block = plan.laneCut.size = chunkElements;
  } else if (int64_t wanted = std::min(mostChunks, lanes / chunkElements); wanted > 1) {
    plan.laneCut.prefix = 1;
    plan.laneCut.size = llvm::alignTo(llvm::divideCeil(lanes, wanted), width);
    plan.laneCut.chunks.fixed = llvm::divideCeil(lanes, plan.laneCut.size);
  }
  return plan;
}

void LoopKernelEmitter::emitPointwise(const PointwisePlan &plan, Value chunk) {
  Nest loops = nest();
  Value first = plan.roots.front().value;
  auto body = [&](ArrayRef<Value> outer, Value base, int64_t width) {
    ElementEmitter emitter(b, loc, width, context);
    Index index(typeOf(first).getRank(), emitter.lanes().uniform(0));
    for (auto [axis, at] : llvm::zip_equal(plan.outer, outer))
      index[axis] = emitter.lanes().uniform(at);
    if (plan.lane)
      index[*plan.lane] = {base, width == 1 ? 0 : 1, {}};
    // What does not vary along the inner axis is computed once for all of it.
    int64_t inner = plan.inner ? typeOf(first).getDimSize(*plan.inner) : 1;
    SmallVector<SmallVector<Value>> elements(plan.roots.size());
    for (int64_t at = 0; at < inner; ++at) {
      if (plan.inner)
        index[*plan.inner] = emitter.lanes().uniform(at);
      for (auto [root, values] : llvm::zip_equal(plan.roots, elements))
        values.push_back(emitter.element(root.value, index));
    }
    if (plan.inner)
      index[*plan.inner] = emitter.lanes().uniform(0);
    for (auto [root, values] : llvm::zip_equal(plan.roots, elements))
      emitter.store(values, root.value, output(root.position), index);
  };
  if (!plan.lane)
    return body({}, {}, 1);
  auto outer = loops.axesOf(first, plan.outer);
  Axis lane = loops.axisOf(first, *plan.lane);
  Range laneRange = plan.laneCut.size ? loops.rangeOf(plan.laneCut, {lane}, chunk) : Range();
  loops.overPoints(outer, plan.outerCut.prefix, loops.rangeOf(plan.outerCut, outer, chunk), {},
                   [&](ArrayRef<Value> at, ValueRange) {
                     SmallVector<Value> fixed(at);
                     loops.overLanes(lane, laneRange, [&](Value base, int64_t width) { body(fixed, base, width); });
                     return Nest::Values();
                   });
}

// The inputs as large as `root` that its elements come from.
static llvm::SmallPtrSet<void *, 8> largeInputs(Value root) {
  llvm::SmallPtrSet<void *, 8> inputs, seen;
  SmallVector<Value> work{root};
  while (!work.empty()) {
    Value value = work.pop_back_val();
    if (!seen.insert(value.getAsOpaquePointer()).second)
      continue;
    if (Operation *op = value.getDefiningOp())
      llvm::append_range(work, op->getOperands());
    else if (typeOf(value).getRank() >= typeOf(root).getRank())
      inputs.insert(value.getAsOpaquePointer());
  }
  return inputs;
}

// Roots of one shape that read the same tensors share a nest. Others do not: that would only fill the registers.
static SmallVector<SmallVector<KernelForm::Root>> groupRoots(ArrayRef<KernelForm::Root> roots) {
  struct Group {
    SmallVector<KernelForm::Root> roots;
    llvm::SmallPtrSet<void *, 8> inputs;
  };
  SmallVector<Group> groups;
  for (const KernelForm::Root &root : roots) {
    Group joined{{root}, largeInputs(root.value)};
    auto shares = [&](const Group &group) {
      if (group.roots.empty())
        return false;
      return nn::extentsOf(group.roots.front().value.getType()) == nn::extentsOf(root.value.getType()) &&
             llvm::any_of(group.inputs, [&](void *input) { return joined.inputs.contains(input); });
    };
    for (Group &group : groups)
      if (shares(group)) {
        joined.roots.insert(joined.roots.begin(), group.roots.begin(), group.roots.end());
        joined.inputs.insert(group.inputs.begin(), group.inputs.end());
        group.roots.clear();
      }
    llvm::erase_if(groups, [](const Group &group) { return group.roots.empty(); });
    groups.push_back(std::move(joined));
  }
  return llvm::map_to_vector(groups, [](Group &group) { return std::move(group.roots); });
}

void LoopKernelEmitter::emitPointwisePhase(ArrayRef<KernelForm::Root> roots) {
  auto groups = groupRoots(roots);
  auto plans = llvm::map_to_vector(groups, [&](auto &group) { return planPointwise(group); });
  if (plans.size() == 1) {
    emitPointwise(plans.front(), function.chunk);
    return closePhase(plans.front().chunks());
  }
  KernelBuilder kb(b, loc);
  int64_t first = 0;
  for (PointwisePlan &plan : plans) {
    if (plan.chunks().extent)
      plan.outerCut = plan.laneCut = Cut();
    int64_t last = first + plan.chunks().fixed;
    Value above = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, function.chunk, kb.constant(first));
    Value mine = arith::AndIOp::create(b, loc, above, kb.less(function.chunk, kb.constant(last)));
    kb.when(mine, [&] { emitPointwise(plan, kb.sub(function.chunk, kb.constant(first))); });
    first = last;
  }
  closePhase({first, std::nullopt, 1});
}

//===------------------------------------------------------------------------------------------------------------===//
// With reductions
//===------------------------------------------------------------------------------------------------------------===//

ReductionPlan LoopKernelEmitter::planReduction() {
  ReductionPlan plan;
  auto type = typeOf(form.space);
  auto isLong = [&](int64_t axis) { return type.getDimSize(axis) != 1; };
  plan.lane = laneOf(form.space, /*mayBeFirst=*/false);
  auto outerOf = [&](ArrayRef<int64_t> axes) {
    return llvm::filter_to_vector(axes, [&](int64_t axis) { return isLong(axis) && axis != *plan.lane; });
  };
  if (plan.lane) {
    plan.laneIsKept = llvm::is_contained(form.kept, *plan.lane);
    plan.keptOuter = outerOf(form.kept);
    plan.reducedOuter = outerOf(form.reduced);
  }
  auto sized = [&](int64_t axis) { return Axis{axis, type.getDimSize(axis), {}}; };
  auto number = [&](const Axis &axis) { return extentNumber(axis, form.space); };
  SmallVector<Axis> kept = llvm::map_to_vector(plan.keptOuter, sized);
  int64_t work = 1;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (!type.isDynamicDim(axis) && !llvm::is_contained(plan.keptOuter, axis))
      work *= type.getDimSize(axis);
  plan.keptCut = cutAxes(kept, work, number);

  bool isSum = llvm::all_of(form.reductions, [](Operation *op) { return isa<nn::ReduceOp>(op); });
  if (!type.hasStaticShape() || !form.isSinglePass() || !isSum || !plan.lane)
    return plan;
  int64_t wanted = std::min(mostChunks, type.getNumElements() / chunkElements);
  if (wanted <= 1 || plan.keptCut.chunks.fixed >= std::min<int64_t>(wanted, 16))
    return plan;
  // Each chunk leaves all kept elements; that must stay a small part of what it reads.
  int64_t reducedElements = type.getNumElements() / keptElements();
  wanted = std::min(wanted, std::max<int64_t>(1, reducedElements / 8));
  SmallVector<Axis> reduced = llvm::map_to_vector(plan.reducedOuter, sized);
  if (!reduced.empty()) {
    plan.splitCut =
        cutAxes(reduced,
                type.getNumElements() / std::accumulate(reduced.begin(), reduced.end(), int64_t(1),
                                                        [](int64_t n, const Axis &axis) { return n * axis.size; }),
                number);
    plan.split = plan.splitCut.chunks.fixed > 1;
  } else if (!plan.laneIsKept && wanted > 1) {
    int64_t lanes = type.getDimSize(*plan.lane);
    plan.splitCut.prefix = 1;
    plan.splitCut.size = llvm::alignTo(llvm::divideCeil(lanes, wanted), 4 * target.lanes(b.getF32Type()));
    plan.splitCut.chunks.fixed = llvm::divideCeil(lanes, plan.splitCut.size);
    plan.split = plan.splitLanes = plan.splitCut.chunks.fixed > 1;
  }
  if (plan.split)
    plan.keptCut = Cut();
  return plan;
}

int64_t LoopKernelEmitter::partOffset(unsigned reduction) {
  int64_t bytes = 0;
  Nest loops = nest();
  for (Operation *op : ArrayRef(form.reductions).take_front(reduction)) {
    int64_t size = storageBytes(Accumulator(loops, op).type(0)) * keptElements() * plan.splitCut.chunks.fixed;
    bytes += llvm::alignTo(size, 64);
  }
  return bytes;
}

/// One point of the kept outer axes: a row, or with kept lanes a strip of rows.
struct LoopKernelEmitter::Row {
  SmallVector<Value> kept; // indices of the kept outer axes
  Value base;              // of the lanes, if they are kept
  SmallVector<Segment> segments;
  // What the passes so far found, for each segment.
  SmallVector<SmallVector<std::pair<Value, Value>>> known;
};

void LoopKernelEmitter::emitReductionPhase() {
  plan = planReduction();
  if (plan.split)
    emitted.scratchBytes = partOffset(form.reductions.size());
  openPhase();
  Nest loops = nest();
  KernelBuilder &kb = loops.kb;
  auto keptAxes = loops.axesOf(form.space, plan.keptOuter);
  Range keptRange = loops.rangeOf(plan.keptCut, keptAxes, function.chunk);
  if (plan.splitLanes)
    reducedRange = loops.rangeOf(plan.splitCut, {loops.axisOf(form.space, *plan.lane)}, function.chunk);
  else if (plan.split)
    reducedRange = loops.rangeOf(plan.splitCut, loops.axesOf(form.space, plan.reducedOuter), function.chunk);
  loops.overPoints(keptAxes, plan.keptCut.prefix, keptRange, {}, [&](ArrayRef<Value> at, ValueRange) {
    SmallVector<Value> kept(at);
    if (!plan.laneIsKept) {
      emitRow(kept, {}, {Segment{0, 1}});
      return Nest::Values();
    }
    Axis lane = loops.axisOf(form.space, *plan.lane);
    if (ShapedType::isDynamic(lane.size)) {
      loops.overLanes(lane, {}, [&](Value base, int64_t width) { emitRow(kept, base, {Segment{0, width}}); });
      return Nest::Values();
    }
    // As many sums at a time as half of the registers hold; of a few channels there is more to compute than to sum.
    int64_t width = loops.width();
    unsigned slots = 0;
    for (Operation *op : form.reductions)
      slots += Accumulator(loops, op).slots();
    bool fewChannels = llvm::is_contained(plan.reducedOuter, typeOf(form.space).getRank() - 1);
    int64_t strip = fewChannels ? 2 * width : width * std::clamp<int64_t>(target.vectorRegisters / 2 / slots, 1, 8);
    int64_t full = lane.size / strip * strip;
    kb.loop(kb.constant(0), kb.constant(full), strip,
            [&](Value base) { emitRow(kept, base, segmentsOf(strip, width)); });
    if (full < lane.size)
      emitRow(kept, kb.constant(full), segmentsOf(lane.size - full, width));
    return Nest::Values();
  });
  closePhase(plan.split ? plan.splitCut.chunks : plan.keptCut.chunks);
}

void LoopKernelEmitter::emitRow(ArrayRef<Value> kept, Value base, ArrayRef<Segment> segments) {
  Row row;
  row.kept.assign(kept.begin(), kept.end());
  row.base = base;
  row.segments.assign(segments.begin(), segments.end());
  row.known.resize(segments.size());
  for (unsigned pass = 0; pass < form.passes; ++pass) {
    if (plan.laneIsKept || !plan.lane)
      passWithKeptLanes(row, pass);
    else
      passWithReducedLanes(row, pass);
  }
  if (plan.split)
    storeParts(row);
  else
    storePartial(row);
}

// Index of a point of S; the lanes begin at `lane`.
static Index spaceIndex(LaneBuilder &lanes, const ReductionPlan &plan, int64_t rank, ArrayRef<Value> kept,
                        ArrayRef<Value> reduced, Value lane) {
  Index index(rank, lanes.uniform(0));
  for (auto [axis, at] : llvm::zip_equal(plan.keptOuter, kept))
    index[axis] = lanes.uniform(at);
  if (!reduced.empty())
    for (auto [axis, at] : llvm::zip_equal(plan.reducedOuter, reduced))
      index[axis] = lanes.uniform(at);
  if (plan.lane && lane)
    index[*plan.lane] = {lane, lanes.laneCount() == 1 ? 0 : 1, {}};
  return index;
}

static Index keptPart(const KernelForm &form, ArrayRef<LaneIndex> index) {
  Index kept;
  for (int64_t axis : form.kept)
    kept.push_back(index[axis]);
  return kept;
}

// Everything that happens at one point of S in a pass: roots are stored, accumulators take their elements in.
Nest::Values LoopKernelEmitter::emitPoint(Row &row, unsigned pass, unsigned segment, int64_t width,
                                          ArrayRef<LaneIndex> index, ValueRange carried,
                                          ArrayRef<Accumulator> accumulators) {
  ElementEmitter emitter(b, loc, width, context);
  for (auto [value, element] : row.known[segment])
    emitter.bind(value, keptPart(form, index), element);
  SmallVector<std::pair<const KernelForm::Root *, Value>> stores;
  for (const KernelForm::Root &root : form.full)
    if (root.pass == pass)
      stores.push_back({&root, emitter.element(root.value, index)});
  Nest::Values next;
  unsigned slot = 0;
  for (const Accumulator &accumulator : accumulators) {
    llvm::append_range(next, accumulator.step(carried.slice(slot, accumulator.slots()), emitter, index));
    slot += accumulator.slots();
  }
  for (auto [root, element] : stores)
    emitter.store(element, root->value, output(root->position), index);
  return next;
}

static SmallVector<Accumulator> accumulatorsOf(Nest &loops, const KernelForm &form, unsigned pass) {
  SmallVector<Accumulator> accumulators;
  for (auto [op, at] : llvm::zip_equal(form.reductions, form.reductionPass))
    if (at == pass)
      accumulators.emplace_back(loops, op);
  return accumulators;
}

static unsigned slotsOf(ArrayRef<Accumulator> accumulators) {
  unsigned slots = 0;
  for (const Accumulator &accumulator : accumulators)
    slots += accumulator.slots();
  return slots;
}

void LoopKernelEmitter::passWithKeptLanes(Row &row, unsigned pass) {
  Nest loops = nest();
  auto accumulators = accumulatorsOf(loops, form, pass);
  bool stores = llvm::any_of(form.full, [&](const KernelForm::Root &root) { return root.pass == pass; });
  if (accumulators.empty() && !stores)
    return;
  unsigned slots = slotsOf(accumulators);
  Nest::Values initial;
  for (const Segment &segment : row.segments)
    for (const Accumulator &accumulator : accumulators)
      llvm::append_range(initial, accumulator.initial(segment.width));
  int64_t rank = typeOf(form.space).getRank();
  auto reduced = loops.axesOf(form.space, plan.reducedOuter);
  auto sums =
      loops.overPoints(reduced, plan.split ? plan.splitCut.prefix : 0, reducedRange, initial,
                       [&](ArrayRef<Value> at, ValueRange carried) {
                         SmallVector<Value> reducedIndex(at);
                         Nest::Values next;
                         for (auto [number, segment] : llvm::enumerate(row.segments)) {
                           LaneBuilder lanes(b, loc, segment.width);
                           Value base = row.base ? loops.kb.add(row.base, segment.offset) : Value();
                           Index index = spaceIndex(lanes, plan, rank, row.kept, reducedIndex, base);
                           llvm::append_range(next, emitPoint(row, pass, number, segment.width, index,
                                                              carried.slice(number * slots, slots), accumulators));
                         }
                         return next;
                       });
  unsigned slot = 0;
  for (unsigned segment = 0; segment < row.segments.size(); ++segment)
    for (const Accumulator &accumulator : accumulators) {
      auto found = ValueRange(sums).slice(slot, accumulator.slots());
      row.known[segment].push_back({accumulator.operation()->getResult(0), accumulator.finish(found)});
      slot += accumulator.slots();
    }
}

// The lanes' axis is cut into a main part of several vectors a round, and narrower segments behind it, each with sums
// of its own that are added up at the very end.
void LoopKernelEmitter::passWithReducedLanes(Row &row, unsigned pass) {
  Nest loops = nest();
  KernelBuilder &kb = loops.kb;
  auto accumulators = accumulatorsOf(loops, form, pass);
  bool stores = llvm::any_of(form.full, [&](const KernelForm::Root &root) { return root.pass == pass; });
  if (accumulators.empty() && !stores)
    return;
  Axis lane = loops.axisOf(form.space, *plan.lane);
  int64_t width = loops.width(), unroll = 1;
  bool dynamic = ShapedType::isDynamic(lane.size);
  if (!dynamic && lane.size >= 8 * width)
    unroll = 4;
  SmallVector<Segment> segments; // behind the main part; of a dynamic axis one that is repeated
  Value low = kb.constant(0), full, end = lane.extent;
  if (plan.splitLanes) {
    low = reducedRange.low;
    end = reducedRange.high;
  }
  int64_t step = width * unroll, main = dynamic ? 0 : lane.size / step * step;
  if (dynamic) {
    full = kb.mul(kb.div(end, width), kb.constant(width));
    segments.push_back({0, 1});
  } else {
    full = plan.splitLanes ? kb.min(end, kb.constant(main)) : kb.constant(main);
    segments = segmentsOf(lane.size - main, width);
  }
  unsigned slots = slotsOf(accumulators);
  Nest::Values initial;
  for (int64_t part = 0; part < unroll; ++part)
    for (const Accumulator &accumulator : accumulators)
      llvm::append_range(initial, accumulator.initial(width));
  for (const Segment &segment : segments)
    for (const Accumulator &accumulator : accumulators)
      llvm::append_range(initial, accumulator.initial(segment.width));
  int64_t rank = typeOf(form.space).getRank();

  auto body = [&](ArrayRef<Value> at, ValueRange carried) {
    SmallVector<Value> reducedIndex(at);
    auto point = [&](Value base, int64_t lanes, ValueRange sums) {
      LaneBuilder builder(b, loc, lanes);
      Index index = spaceIndex(builder, plan, rank, row.kept, reducedIndex, base);
      return emitPoint(row, pass, 0, lanes, index, sums, accumulators);
    };
    Nest::Values mainSums(carried.take_front(unroll * slots)), next;
    next = kb.loop(low, full, step, mainSums, [&](Value base, ValueRange sums) {
      Nest::Values updated;
      for (int64_t part = 0; part < unroll; ++part)
        llvm::append_range(updated, point(kb.add(base, part * width), width, sums.slice(part * slots, slots)));
      return updated;
    });
    Nest::Values rest(carried.drop_front(unroll * slots));
    if (dynamic) {
      rest = kb.loop(full, end, 1, rest, [&](Value base, ValueRange sums) { return point(base, 1, sums); });
    } else {
      auto remainder = [&](ValueRange sums) {
        Nest::Values updated;
        for (auto [number, segment] : llvm::enumerate(segments))
          llvm::append_range(
              updated, point(kb.constant(main + segment.offset), segment.width, sums.slice(number * slots, slots)));
        return updated;
      };
      if (plan.splitLanes && !segments.empty()) {
        // Only the last chunk has the remainder.
        Value isLast = kb.equal(end, lane.extent);
        Value rounds = arith::ExtUIOp::create(b, loc, b.getI64Type(), isLast);
        rest = kb.loop(kb.constant(0), rounds, 1, rest, [&](Value, ValueRange sums) { return remainder(sums); });
      } else {
        rest = remainder(rest);
      }
    }
    llvm::append_range(next, rest);
    return next;
  };
  auto reduced = loops.axesOf(form.space, plan.reducedOuter);
  bool cutOuter = plan.split && !plan.splitLanes;
  auto sums =
      loops.overPoints(reduced, cutOuter ? plan.splitCut.prefix : 0, cutOuter ? reducedRange : Range(), initial, body);

  unsigned offset = 0;
  for (const Accumulator &accumulator : accumulators) {
    auto part = [&](unsigned number) { return ValueRange(sums).slice(number * slots + offset, accumulator.slots()); };
    Nest::Values total(part(0));
    for (unsigned number = 1; number < unroll; ++number)
      total = accumulator.merge(total, part(number));
    total = accumulator.acrossLanes(total);
    for (unsigned number = 0; number < segments.size(); ++number)
      total = accumulator.merge(total, accumulator.acrossLanes(part(unroll + number)));
    row.known[0].push_back({accumulator.operation()->getResult(0), accumulator.finish(total)});
    offset += accumulator.slots();
  }
}

void LoopKernelEmitter::storeParts(Row &row) {
  Nest loops = nest();
  int64_t rank = typeOf(form.space).getRank();
  for (auto [number, segment] : llvm::enumerate(row.segments)) {
    ElementEmitter emitter(b, loc, segment.width, context);
    LaneBuilder &lanes = emitter.lanes();
    Value base = row.base ? loops.kb.add(row.base, segment.offset) : Value();
    Index index = spaceIndex(lanes, plan, rank, row.kept, {}, base);
    if (!plan.laneIsKept && plan.lane)
      index[*plan.lane] = lanes.uniform(0);
    for (auto [reduction, op] : llvm::enumerate(form.reductions)) {
      Value element;
      for (auto [value, found] : row.known[number])
        if (value == op->getResult(0))
          element = found;
      Type type = Accumulator(loops, op).type(0);
      Value pointer = loops.kb.address(b.getI8Type(), function.buffers.back(), partOffset(reduction));
      LaneIndex offset = emitter.offsetOf(op->getResult(0), keptPart(form, index));
      offset = lanes.add(offset, lanes.mul(lanes.uniform(function.chunk), keptElements()));
      lanes.store(element, type, pointer, offset);
    }
  }
}

void LoopKernelEmitter::storePartial(Row &row) {
  Nest loops = nest();
  int64_t rank = typeOf(form.space).getRank();
  for (auto [number, segment] : llvm::enumerate(row.segments)) {
    ElementEmitter emitter(b, loc, segment.width, context);
    Value base = row.base ? loops.kb.add(row.base, segment.offset) : Value();
    Index index = keptPart(form, spaceIndex(emitter.lanes(), plan, rank, row.kept, {}, base));
    for (auto [value, element] : row.known[number])
      emitter.bind(value, index, element);
    SmallVector<Value> elements;
    for (const KernelForm::Root &root : form.partial)
      elements.push_back(emitter.element(root.value, index));
    for (auto [root, element] : llvm::zip_equal(form.partial, elements))
      emitter.store(element, root.value, output(root.position), index);
  }
}

//===------------------------------------------------------------------------------------------------------------===//

FailureOr<EmittedKernel> LoopKernelEmitter::emit() {
  OpBuilder::InsertionGuard guard(b);
  Block &body = kernel.getBody().front();
  for (Operation &op : body.without_terminator())
    if (!ElementEmitter::canEmit(&op) && !isReduction(&op) && !isa<nn::ScatterOp, nn::CumsumOp>(op))
      return kernel.emitOpError("cannot be a loop nest: ") << "'" << op.getName() << "' is no operation of one";
  SmallVector<Value> roots(body.getTerminator()->getOperands());
  auto found = analyzeKernel(roots, [](Operation *) { return true; });
  if (!found)
    return kernel.emitOpError("has reductions that no single loop nest computes");
  form = *found;
  collectExtents();
  if (form.sequential) {
    emitSequential(
        b, form.sequential,
        [&] {
          openPhase();
          return SequentialKernel{context, function, output(0)};
        },
        [&](int64_t chunks) { closePhase({chunks, std::nullopt, 1}); });
    return emitted;
  }
  if (form.reductions.empty()) {
    openPhase();
    emitPointwisePhase(form.full);
    return emitted;
  }
  emitReductionPhase();
  if (plan.split && !form.partial.empty()) {
    openPhase();
    Nest loops = nest();
    for (auto [number, op] : llvm::enumerate(form.reductions))
      context.parts[op->getResult(0)] = {loops.kb.address(b.getI8Type(), function.buffers.back(), partOffset(number)),
                                         plan.splitCut.chunks.fixed, keptElements(), Accumulator(loops, op).type(0)};
    emitPointwisePhase(form.partial);
  }
  return emitted;
}

} // namespace

FailureOr<EmittedKernel> emitLoopKernel(OpBuilder &builder, nn::KernelOp kernel, StringRef name,
                                        const TargetDescription &target) {
  // The body is rewritten for its nest, in a copy.
  OwningOpRef<nn::KernelOp> copy = kernel.clone();
  collapseAxes(copy->getBody().front());
  return LoopKernelEmitter(builder, *copy, name, target).emit();
}

} // namespace xfer
