//===- Grouping.cpp - which operations share a kernel -----------------------------------------------------------===//

#include "compiler/Fusion/Grouping.h"

#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "compiler/Fusion/Cost.h"
#include "compiler/Fusion/FormKernel.h"
#include "compiler/Fusion/KernelForm.h"

#include "llvm/ADT/SetVector.h"

#include <queue>

using namespace mlir;

namespace xfer {

namespace {

// A value that is computed where it is needed costs arithmetic, one that is stored costs a write and reads: so many
// additions an element. A kernel more costs its launch.
constexpr int64_t storeCost = 40;
constexpr int64_t launchCost = 30000;
// Copies of an operation in several groups: cheap ones only, and not too many in one group.
constexpr int64_t mostCopiedCost = 2;
constexpr int64_t mostOperations = 160;
// A space of this many elements may be walked several times by one core.
constexpr int64_t smallSpace = 1 << 14;
// A tensor of so few elements costs nothing but the launch of its kernel.
constexpr int64_t fewElements = 64;
// Rows up to this long are still in the cache in the next pass.
constexpr int64_t longestRow = 1 << 15;

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

bool isUnitReshape(Operation *op) {
  auto reshape = dyn_cast<nn::ReshapeOp>(op);
  return reshape && reshape.isUnitReshape();
}

bool isSequential(Operation *op) { return isa<nn::ScatterOp, nn::CumsumOp>(op); }

class Grouper {
public:
  explicit Grouper(Block &block) : block(block) {}

  std::vector<FusionGroup> run();

private:
  struct Group {
    FusionGroup::Kind kind = FusionGroup::Loop;
    llvm::SmallSetVector<Operation *, 8> ops;
    llvm::SmallSetVector<Value, 4> roots;
    bool merged = false; // into another
    bool many = false;   // nests of several shapes
  };

  bool staysOutside(Operation *op);
  void place(Operation *op);
  unsigned newGroup(Operation *op, FusionGroup::Kind kind);
  void add(Operation *op, unsigned group, ArrayRef<Value> roots);
  SmallVector<unsigned> consumersOf(Operation *op);
  SmallVector<Value> valuesReadOutside(Operation *op, std::optional<unsigned> group);

  bool isLegal(const Group &group);
  int64_t costOfChain(Operation *op);
  bool isWorthwhile(const Group &group);
  bool canHold(unsigned group, Operation *op, ArrayRef<Value> roots);
  bool isCopyable(Operation *op);
  bool reaches(unsigned from, unsigned to, bool directly);
  bool canMerge(unsigned x, unsigned y);
  void merge(unsigned into, unsigned from);
  bool placeContraction(Operation *op, ArrayRef<unsigned> consumers);

  void mergeReductions();
  void mergeScalars();
  void mergeUpdates();
  std::vector<FusionGroup> inOrder();

  Block &block;
  DenseMap<Operation *, unsigned> position;
  DenseMap<Operation *, int64_t> chainCosts;
  DenseMap<Operation *, SmallVector<unsigned, 1>> groupsOf;
  std::vector<Group> groups;
};

bool Grouper::staysOutside(Operation *op) {
  if (!isa<nn::NNDialect>(op->getDialect()) || op->hasTrait<OpTrait::IsTerminator>())
    return true;
  if (isa<nn::LoopOp, nn::KernelOp, nn::ConstantOp>(op) || nn::isScannedReverse(op))
    return true;
  return isa<nn::ReshapeOp>(op) && !isUnitReshape(op);
}

unsigned Grouper::newGroup(Operation *op, FusionGroup::Kind kind) {
  unsigned number = groups.size();
  groups.emplace_back();
  groups.back().kind = kind;
  add(op, number, SmallVector<Value>());
  return number;
}

void Grouper::add(Operation *op, unsigned group, ArrayRef<Value> roots) {
  groups[group].ops.insert(op);
  groups[group].roots.insert_range(roots);
  groupsOf[op].push_back(group);
}

// The groups that read a result of the operation, each once; those of users outside are included.
SmallVector<unsigned> Grouper::consumersOf(Operation *op) {
  llvm::SmallSetVector<unsigned, 4> consumers;
  for (Operation *user : op->getUsers()) {
    auto found = groupsOf.find(user);
    if (found != groupsOf.end())
      consumers.insert_range(found->second);
  }
  SmallVector<unsigned> sorted(consumers.begin(), consumers.end());
  llvm::sort(sorted,
             [&](unsigned x, unsigned y) { return position[groups[x].ops.front()] < position[groups[y].ops.front()]; });
  return sorted;
}

// The results that someone else than `group` reads.
SmallVector<Value> Grouper::valuesReadOutside(Operation *op, std::optional<unsigned> group) {
  SmallVector<Value> values;
  for (Value result : op->getResults()) {
    bool outside = llvm::any_of(result.getUsers(), [&](Operation *user) {
      auto found = groupsOf.find(user);
      if (found == groupsOf.end())
        return user->hasTrait<OpTrait::IsTerminator>();
      return llvm::any_of(found->second, [&](unsigned other) { return other != group; });
    });
    if (outside)
      values.push_back(result);
  }
  return values;
}

//===------------------------------------------------------------------------------------------------------------===//
// Legality
//===------------------------------------------------------------------------------------------------------------===//

bool Grouper::isLegal(const Group &group) {
  if (static_cast<int64_t>(group.ops.size()) > mostOperations)
    return false;
  auto inside = [&](Operation *op) { return group.ops.contains(op); };
  SmallVector<Value> roots(group.roots.begin(), group.roots.end());
  if (group.kind == FusionGroup::Contraction) {
    Operation *contraction = *llvm::find_if(group.ops, isContraction);
    Value result = contraction->getResult(0);
    int64_t large = 0;
    llvm::SmallSetVector<Value, 4> others;
    for (Operation *op : group.ops) {
      if (op == contraction)
        continue;
      if (isReduction(op) || isSequential(op) || isLibraryRoutine(op) || isContraction(op))
        return false;
      for (Value operand : op->getOperands())
        if (!(operand.getDefiningOp() && (inside(operand.getDefiningOp()) || isFree(operand.getDefiningOp()))) &&
            elementsOf(operand) >= elementsOf(result))
          others.insert(operand);
    }
    large = others.size();
    // More than one such tensor is an update of parameters and not an epilogue.
    if (large > 1 || roots.size() > 2)
      return false;
    for (Value root : roots)
      if (nn::extentsOf(root.getType()) != nn::extentsOf(result.getType()))
        return false;
    return isReadInPlace(roots, result, [&](Operation *op) { return op != contraction && inside(op); });
  }
  auto form = analyzeKernel(roots, inside);
  if (!form)
    return false;
  if (form->reductions.empty() && !form->sequential && !group.many)
    for (Value root : roots)
      if (nn::extentsOf(root.getType()) != nn::extentsOf(roots.front().getType()))
        return false;
  if (form->passes == 1 || form->reductions.empty())
    return true;
  // Several passes: the rows must be short and whole, and there must be enough of them, or little to do at all.
  auto shape = typeOf(form->space).getShape();
  int64_t row = 1, rows = 1;
  for (auto [axis, extent] : llvm::enumerate(shape)) {
    bool isReduced = llvm::is_contained(form->reduced, static_cast<int64_t>(axis));
    (isReduced ? row : rows) *= ShapedType::isDynamic(extent) ? 1024 : extent;
  }
  if (row * rows <= smallSpace)
    return true;
  bool trailing = true, seenReduced = false;
  for (auto [axis, extent] : llvm::enumerate(shape)) {
    bool isReduced = llvm::is_contained(form->reduced, static_cast<int64_t>(axis));
    seenReduced |= isReduced;
    trailing &= extent == 1 || isReduced || !seenReduced;
  }
  return trailing && row <= longestRow && rows >= 4;
}

// Does the broadcast only repeat its operand along axes that the group reduces, in the space of its reductions?
static bool repeatsAlongReduced(nn::BroadcastOp broadcast, ArrayRef<Operation *> ops) {
  const auto *reduction = llvm::find_if(ops, isReduction);
  if (reduction == ops.end() ||
      typeOf((*reduction)->getOperand(0)).getShape() != typeOf(broadcast.getResult()).getShape())
    return false;
  SmallVector<int64_t> reduced = reducedAxes(*reduction);
  return llvm::none_of(broadcast.getDimensions(), [&](int64_t to) { return llvm::is_contained(reduced, to); });
}

// How often each operation of the group computes an element, over all roots and reductions.
static DenseMap<Operation *, int64_t> demandsOf(ArrayRef<Operation *> ops, function_ref<bool(Value)> isRoot,
                                                function_ref<bool(Operation *)> inside) {
  // Users that ask at their own index share what they get; others ask for themselves.
  DenseMap<Operation *, int64_t> demands, shared;
  for (Operation *op : llvm::reverse(ops)) {
    int64_t demand = demands.lookup(op) + shared.lookup(op);
    for (Value result : op->getResults())
      if (isRoot(result))
        demand = std::max(demand, elementsOf(result));
    demands[op] = demand;
    if (isReduction(op))
      demand = elementsOf(op->getOperand(0));
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (!producer || !inside(producer))
        continue;
      int64_t asked = demand;
      if (auto broadcast = dyn_cast<nn::BroadcastOp>(op)) {
        // What does not vary along the vectors, or along all that is reduced, is computed outside the loops over them.
        auto result = typeOf(broadcast.getResult());
        int64_t last = result.getRank() - 1;
        while (last >= 0 && result.getDimSize(last) == 1)
          --last;
        bool varies = false;
        for (auto [axis, to] : llvm::enumerate(broadcast.getDimensions()))
          varies |= static_cast<int64_t>(to) == last && typeOf(operand).getDimSize(axis) != 1;
        if ((!varies && last >= 0) || repeatsAlongReduced(broadcast, ops))
          asked = std::max<int64_t>(1, demand / elementsOf(result) * elementsOf(operand));
        if (typeOf(operand).getRank() == 0)
          asked = 1;
      } else if (auto window = dyn_cast<nn::WindowMaxOp>(op)) {
        for (int64_t size : window.getWindow())
          asked *= size;
      } else if (auto window = dyn_cast<nn::WindowSumOp>(op)) {
        for (int64_t size : window.getWindow())
          asked *= size;
      }
      if (op->hasTrait<nn::PerElement>() || isReduction(op))
        shared[producer] = std::max(shared[producer], asked);
      else
        demands[producer] += asked;
    }
  }
  return demands;
}

// What it costs to compute an element again: with the operations of its block that are there for it alone, which are
// not placed yet and would follow it into the group. Chains end at what is stored anyway.
int64_t Grouper::costOfChain(Operation *op) {
  auto [found, isNew] = chainCosts.try_emplace(op, 0);
  if (!isNew)
    return found->second;
  int64_t cost = costOf(op), elements = elementsOf(op->getResult(0));
  llvm::SmallDenseSet<Operation *> seen;
  for (Value operand : op->getOperands()) {
    Operation *producer = operand.getDefiningOp();
    if (!producer || producer->getBlock() != op->getBlock() || !seen.insert(producer).second ||
        producer->getNumResults() != 1 || staysOutside(producer) || isContraction(producer) ||
        isLibraryRoutine(producer) || isReduction(producer) || isSequential(producer) ||
        !llvm::all_of(producer->getUsers(), [&](Operation *user) { return user == op; }))
      continue;
    // What varies along fewer axes is computed outside of the loops over the others.
    cost += costOfChain(producer) * std::min(elements, elementsOf(operand)) / std::max<int64_t>(1, elements);
  }
  return chainCosts[op] = cost;
}

// Whether computing on demand, instead of storing, is worth its arithmetic, for every operation of the group.
bool Grouper::isWorthwhile(const Group &group) {
  SmallVector<Operation *> ops(group.ops.begin(), group.ops.end());
  llvm::sort(ops, [&](Operation *x, Operation *y) { return position[x] < position[y]; });
  auto inside = [&](Operation *op) { return group.ops.contains(op); };
  auto demands = demandsOf(ops, [&](Value value) { return group.roots.contains(value); }, inside);
  for (Operation *op : ops) {
    if (isReduction(op)) // once for each point of the kept space, whoever asks
      continue;
    int64_t elements = elementsOf(op->getResult(0)), extra = demands.lookup(op) - elements;
    if (extra > 0 && extra * costOfChain(op) > storeCost * elements + launchCost)
      return false;
  }
  return true;
}

bool Grouper::canHold(unsigned number, Operation *op, ArrayRef<Value> roots) {
  // Into the epilogue of a contraction go producers only, and not those of its own operands.
  Group candidate = groups[number];
  bool isEpilogue = candidate.kind == FusionGroup::Contraction;
  bool feedsContraction = llvm::any_of(
      op->getUsers(), [&](Operation *user) { return isContraction(user) && candidate.ops.contains(user); });
  if (candidate.kind != FusionGroup::Loop && (!isEpilogue || !roots.empty() || feedsContraction))
    return false;
  candidate.ops.insert(op);
  candidate.roots.insert_range(roots);
  return isLegal(candidate) && isWorthwhile(candidate);
}

// Copies pay when the copy reads no more than the result would: at most one operand of its size.
bool Grouper::isCopyable(Operation *op) {
  if (isReduction(op) || isSequential(op) || op->getNumResults() != 1 || costOf(op) > mostCopiedCost)
    return false;
  if (elementsOf(op->getResult(0)) <= fewElements)
    return true;
  int64_t large = 0;
  for (Value operand : op->getOperands()) {
    Value source = operand;
    while (auto broadcast = source.getDefiningOp<nn::BroadcastOp>())
      source = broadcast.getX();
    if (!(source.getDefiningOp() && isFree(source.getDefiningOp())) &&
        2 * elementsOf(source) >= elementsOf(op->getResult(0)))
      ++large;
  }
  return large <= 1;
}

// Whether something that `from` computes is needed for `to`; by way of another group, unless `directly` counts.
bool Grouper::reaches(unsigned from, unsigned to, bool directly) {
  llvm::SmallDenseSet<unsigned> seen{from};
  SmallVector<unsigned> work{from};
  while (!work.empty()) {
    unsigned at = work.pop_back_val();
    auto visit = [&](Value value) {
      for (Operation *user : value.getUsers()) {
        auto found = groupsOf.find(user);
        if (found == groupsOf.end())
          continue;
        for (unsigned next : found->second) {
          if (next == to && (at != from || directly))
            return true;
          // Positions prune nothing: a merged group has operations before and behind `to`.
          if (next != to && seen.insert(next).second)
            work.push_back(next);
        }
      }
      return false;
    };
    for (Value root : groups[at].roots)
      if (visit(root))
        return true;
    if (groups[at].kind == FusionGroup::Outside)
      for (Operation *op : groups[at].ops)
        for (Value result : op->getResults())
          if (visit(result))
            return true;
  }
  return false;
}

bool Grouper::canMerge(unsigned x, unsigned y) {
  if (x == y || groups[x].kind != FusionGroup::Loop || groups[y].kind != FusionGroup::Loop)
    return false;
  Group candidate = groups[x];
  candidate.ops.insert_range(groups[y].ops);
  candidate.roots.insert_range(groups[y].roots);
  return isLegal(candidate) && isWorthwhile(candidate) && !reaches(x, y, false) && !reaches(y, x, false);
}

void Grouper::merge(unsigned into, unsigned from) {
  groups[into].ops.insert_range(groups[from].ops);
  for (Operation *op : groups[from].ops) {
    auto &numbers = groupsOf[op];
    llvm::erase(numbers, from);
    if (!llvm::is_contained(numbers, into))
      numbers.push_back(into);
  }
  groups[into].roots.insert_range(groups[from].roots);
  groups[from] = Group();
  groups[from].merged = true;
  // What only the merged group itself reads needs no memory any more.
  SmallVector<Value> roots(groups[into].roots.begin(), groups[into].roots.end());
  for (Value root : roots)
    if (!llvm::is_contained(valuesReadOutside(root.getDefiningOp(), into), root))
      groups[into].roots.remove(root);
}

//===------------------------------------------------------------------------------------------------------------===//
// Placement
//===------------------------------------------------------------------------------------------------------------===//

bool Grouper::placeContraction(Operation *op, ArrayRef<unsigned> consumers) {
  for (unsigned number : consumers) {
    if (groups[number].kind != FusionGroup::Loop)
      continue;
    auto roots = valuesReadOutside(op, number);
    Group candidate = groups[number];
    candidate.kind = FusionGroup::Contraction;
    candidate.ops.insert(op);
    candidate.roots.insert_range(roots);
    if (!isLegal(candidate) || !isWorthwhile(candidate))
      continue;
    bool waits =
        llvm::any_of(consumers, [&](unsigned other) { return other != number && reaches(other, number, true); });
    if (waits)
      continue;
    groups[number].kind = FusionGroup::Contraction;
    add(op, number, roots);
    return true;
  }
  return false;
}

void Grouper::place(Operation *op) {
  if (staysOutside(op)) {
    newGroup(op, FusionGroup::Outside);
    return;
  }
  SmallVector<unsigned> consumers = consumersOf(op);
  auto alone = [&](FusionGroup::Kind kind) {
    unsigned number = newGroup(op, kind);
    groups[number].roots.insert_range(valuesReadOutside(op, number));
  };
  if (isContraction(op)) {
    if (!placeContraction(op, consumers))
      alone(FusionGroup::Contraction);
    return;
  }
  if (isLibraryRoutine(op)) {
    unsigned number = newGroup(op, FusionGroup::Library);
    groups[number].roots.insert_range(op->getResults());
    return;
  }
  if (isSequential(op))
    return alone(FusionGroup::Loop);

  bool returned = llvm::any_of(op->getUsers(), [](Operation *user) { return user->hasTrait<OpTrait::IsTerminator>(); });
  auto isOpen = [&](unsigned number) {
    return groups[number].kind == FusionGroup::Loop || groups[number].kind == FusionGroup::Contraction;
  };
  bool inside = !returned && !consumers.empty() && llvm::all_of(consumers, isOpen);
  if (inside && consumers.size() > 1) {
    auto holds = [&](unsigned number) { return canHold(number, op, {}); };
    if (isCopyable(op) && llvm::all_of(consumers, holds)) {
      for (unsigned number : consumers)
        add(op, number, {});
      return;
    }
    // One pass for all that read it.
    bool merged = true;
    for (unsigned number : ArrayRef(consumers).drop_front())
      if (merged && (merged = canMerge(consumers.front(), number)))
        merge(consumers.front(), number);
    if (merged)
      consumers.resize(1);
    else
      consumers = consumersOf(op);
  }
  // A name for the same memory is better than a copy.
  bool stored = returned || !inside || consumers.size() > 1;
  if (stored && isUnitReshape(op)) {
    newGroup(op, FusionGroup::Outside);
    return;
  }
  for (unsigned number : consumers) {
    if (!isOpen(number))
      continue;
    auto roots = valuesReadOutside(op, number);
    if (!canHold(number, op, roots))
      continue;
    bool waits = !roots.empty() && llvm::any_of(consumers, [&](unsigned other) {
      return other != number && reaches(other, number, true);
    });
    if (waits)
      continue;
    return add(op, number, roots);
  }
  alone(FusionGroup::Loop);
}

//===------------------------------------------------------------------------------------------------------------===//
// Merging
//===------------------------------------------------------------------------------------------------------------===//

// Groups with reductions of the same axes of the same large inputs share a pass.
void Grouper::mergeReductions() {
  DenseMap<Value, SmallVector<unsigned>> byInput;
  for (unsigned number = 0; number < groups.size(); ++number) {
    const Group &group = groups[number];
    if (group.merged || group.kind != FusionGroup::Loop || !llvm::any_of(group.ops, isReduction))
      continue;
    Value space = (*llvm::find_if(group.ops, isReduction))->getOperand(0);
    llvm::SmallSetVector<Value, 4> inputs;
    auto isRead = [&](Value operand) { // from memory
      Operation *producer = operand.getDefiningOp();
      return !producer || !(group.ops.contains(producer) || isFree(producer));
    };
    for (Operation *op : group.ops)
      for (Value operand : op->getOperands())
        if (isRead(operand) && elementsOf(operand) >= elementsOf(space))
          inputs.insert(operand);
    for (Value input : inputs)
      byInput[input].push_back(number);
  }
  SmallVector<std::pair<Value, SmallVector<unsigned>>> ordered(byInput.begin(), byInput.end());
  llvm::sort(ordered, [](auto &x, auto &y) { return x.second < y.second; });
  for (auto &[input, numbers] : ordered)
    for (size_t i = 0; i < numbers.size(); ++i)
      for (size_t j = i + 1; j < numbers.size(); ++j)
        if (!groups[numbers[i]].merged && !groups[numbers[j]].merged && canMerge(numbers[i], numbers[j]))
          merge(numbers[i], numbers[j]);
}

// Little element-wise groups of one shape, such as what all parameters' updates share, become one where they may.
void Grouper::mergeScalars() {
  SmallVector<unsigned> small;
  for (auto [number, group] : llvm::enumerate(groups)) {
    auto isSmall = [](Value root) { return elementsOf(root) <= fewElements; };
    if (!group.merged && group.kind == FusionGroup::Loop && llvm::all_of(group.roots, isSmall) &&
        llvm::none_of(group.ops, isReduction) && llvm::none_of(group.ops, isSequential))
      small.push_back(number);
  }
  for (size_t i = 0; i < small.size(); ++i)
    for (size_t j = i + 1; j < std::min(small.size(), i + 8); ++j)
      if (!groups[small[i]].merged && !groups[small[j]].merged && canMerge(small[j], small[i]))
        merge(small[j], small[i]);
}

// Element-wise groups whose results only leave the block become one kernel with a nest for each shape.
void Grouper::mergeUpdates() {
  std::optional<unsigned> first;
  for (unsigned number = 0; number < groups.size(); ++number) {
    const Group &group = groups[number];
    if (group.merged || group.kind != FusionGroup::Loop || llvm::any_of(group.ops, isReduction) ||
        llvm::any_of(group.ops, isSequential))
      continue;
    bool leaves = llvm::all_of(group.roots, [&](Value root) {
      return llvm::all_of(root.getUsers(), [&](Operation *user) {
        // A user that is computed elsewhere, too, reads it there.
        auto readers = groupsOf.lookup(user);
        return user->hasTrait<OpTrait::IsTerminator>() || (readers.size() == 1 && readers.front() == number);
      });
    });
    if (!leaves)
      continue;
    if (!first) {
      first = number;
      continue;
    }
    groups[*first].many = true;
    merge(*first, number);
  }
}

//===------------------------------------------------------------------------------------------------------------===//
// Order
//===------------------------------------------------------------------------------------------------------------===//

std::vector<FusionGroup> Grouper::inOrder() {
  SmallVector<SmallVector<unsigned>> successors(groups.size());
  SmallVector<unsigned> waiting(groups.size(), 0), last(groups.size(), 0);
  for (auto [number, group] : llvm::enumerate(groups)) {
    if (group.merged)
      continue;
    llvm::SmallDenseSet<unsigned> needed;
    for (Operation *op : group.ops) {
      last[number] = std::max(last[number], position[op]);
      for (Value operand : op->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        auto found = producer ? groupsOf.find(producer) : groupsOf.end();
        if (found == groupsOf.end() || group.ops.contains(producer))
          continue;
        for (unsigned other : found->second)
          if (needed.insert(other).second)
            successors[other].push_back(number);
      }
    }
    waiting[number] = needed.size();
  }
  using Entry = std::pair<unsigned, unsigned>; // last position, group
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (auto [number, group] : llvm::enumerate(groups))
    if (!group.merged && waiting[number] == 0)
      ready.push({last[number], number});
  std::vector<FusionGroup> result;
  while (!ready.empty()) {
    unsigned number = ready.top().second;
    ready.pop();
    FusionGroup group;
    group.kind = groups[number].kind;
    group.ops.assign(groups[number].ops.begin(), groups[number].ops.end());
    group.roots.assign(groups[number].roots.begin(), groups[number].roots.end());
    auto before = [&](Operation *x, Operation *y) { return position[x] < position[y]; };
    llvm::sort(group.ops, before);
    llvm::sort(group.roots, [&](Value x, Value y) {
      return std::make_pair(position[x.getDefiningOp()], cast<OpResult>(x).getResultNumber()) <
             std::make_pair(position[y.getDefiningOp()], cast<OpResult>(y).getResultNumber());
    });
    result.push_back(std::move(group));
    for (unsigned next : successors[number])
      if (--waiting[next] == 0)
        ready.push({last[next], next});
  }
  assert(result.size() == static_cast<size_t>(llvm::count_if(groups, [](auto &group) { return !group.merged; })) &&
         "groups wait for each other");
  return result;
}

std::vector<FusionGroup> Grouper::run() {
  unsigned count = 0;
  for (Operation &op : block)
    position[&op] = count++;
  for (Operation &op : llvm::reverse(block)) {
    if (op.hasTrait<OpTrait::IsTerminator>() || op.use_empty())
      continue;
    if (!isFree(&op)) {
      place(&op);
      continue;
    }
    // Constants are data for whoever is no loop kernel; a counter has to be computed for them.
    bool isData = llvm::all_of(op.getUsers(), [&](Operation *user) {
      return llvm::any_of(groupsOf.lookup(user), [&](unsigned number) {
        return groups[number].kind == FusionGroup::Loop ||
               (groups[number].kind == FusionGroup::Contraction && !isContraction(user));
      });
    });
    if (!isa<nn::ConstantOp>(op) && !isData) {
      unsigned number = newGroup(&op, FusionGroup::Loop);
      groups[number].roots.insert(op.getResult(0));
    }
  }
  mergeReductions();
  mergeScalars();
  mergeUpdates();
  return inOrder();
}

} // namespace

std::vector<FusionGroup> groupOperations(Block &block) { return Grouper(block).run(); }

} // namespace xfer
