//===- FunctionPlan.cpp - where every value of a function lies ----------------------------------------------------===//

#include "compiler/Memory/FunctionPlan.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

/// Ops that only give a value another type: the result lies where the operand does. So does what loops scan backwards.
static bool isAlias(Operation *op) {
  return isa<nn::ReshapeOp, nn::AnnotateOp, nn::StopGradientOp, nn::ScaleGradientOp>(op) || nn::isScannedReverse(op);
}

bool mayShare(nn::KernelOp kernel, unsigned input, unsigned output) {
  auto in = cast<RankedTensorType>(kernel.getInputs()[input].getType());
  auto out = cast<RankedTensorType>(kernel.getResult(output).getType());
  if (in.getShape() != out.getShape() || bytesOfElement(in.getElementType()) != bytesOfElement(out.getElementType()))
    return false;
  llvm::SetVector<Value> derived;
  derived.insert(kernel.getBody().getArgument(input));
  for (unsigned i = 0; i != derived.size(); ++i)
    for (Operation *user : derived[i].getUsers()) {
      if (isa<nn::YieldOp>(user))
        continue;
      if (!user->hasTrait<nn::PerElement>())
        return false;
      for (Value result : user->getResults())
        derived.insert(result);
    }
  // The output must be written where the input is read: other outputs may have nests of their own, and with reductions
  // passes of their own.
  ValueRange yielded = kernel.getYield().getValues();
  if (!derived.contains(yielded[output]))
    return false;
  bool reduces =
      llvm::any_of(kernel.getBody().getOps(), [](Operation &op) { return isa<nn::ReduceOp, nn::ArgmaxOp>(op); });
  return !reduces || llvm::count_if(yielded, [&](Value value) { return derived.contains(value); }) == 1;
}

//===----------------------------------------------------------------------===//
// A buffer for every value
//===----------------------------------------------------------------------===//

LogicalResult FunctionPlan::collectExtents() {
  auto collect = [&](Location location, TypeRange types) -> LogicalResult {
    for (Type type : types)
      for (const nn::Extent &extent : nn::extentsOf(type)) {
        if (!extent.isDynamic())
          continue;
        if (extent.symbol.empty())
          return emitError(location, "the type ") << type << " has a dynamic extent without a name";
        if (!llvm::is_contained(extents, extent.symbol))
          extents.push_back(extent.symbol);
      }
    return success();
  };
  if (failed(collect(function.getLoc(), function.getArgumentTypes())))
    return failure();
  WalkResult walked = function.getBody().walk([&](Operation *op) {
    // Inside kernels too: what is made from constants alone has extents that no buffer has.
    return WalkResult(collect(op->getLoc(), op->getResultTypes()));
  });
  return failure(walked.wasInterrupted());
}

unsigned FunctionPlan::extentIndex(StringRef symbol) const {
  auto found = llvm::find(extents, symbol);
  assert(found != extents.end() && "every dynamic extent of the function is known");
  return found - extents.begin();
}

void FunctionPlan::number(Block &block) {
  for (Operation &op : block) {
    int64_t begin = nextPosition++;
    if (auto loop = dyn_cast<nn::LoopOp>(op))
      number(loop.getBody().front());
    positions[&op] = {begin, isa<nn::LoopOp>(op) ? nextPosition++ : begin};
  }
}

unsigned FunctionPlan::makeBuffer(PlannedBuffer::Kind kind, Value value, int64_t index) {
  PlannedBuffer buffer;
  buffer.kind = kind;
  buffer.index = index;
  buffer.value = value;
  buffer.block = value.getParentBlock();
  buffer.bytes = bytesOfElement(getElementTypeOrSelf(value.getType()));
  for (const nn::Extent &extent : nn::extentsOf(value.getType())) {
    if (extent.isDynamic())
      buffer.extents.push_back(extentIndex(extent.symbol));
    else
      buffer.bytes *= extent.size;
  }
  llvm::sort(buffer.extents);
  if (Operation *op = value.getDefiningOp())
    std::tie(buffer.first, buffer.last) = positions.lookup(op);
  buffers.push_back(buffer);
  return buffers.size() - 1;
}

static int64_t bytesOfType(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * bytesOfElement(tensor.getElementType());
}

void FunctionPlan::assignLoop(nn::LoopOp loop) {
  nn::LoopArguments arguments = loop.getBodyArguments();
  for (OpResult result : loop->getResults())
    places[result] = {makeBuffer(PlannedBuffer::Arena, result), {}};
  for (auto [index, argument] : llvm::enumerate(arguments.carries))
    places[argument] = places.lookup(loop.getResult(index));
  for (auto [argument, scanned] : llvm::zip_equal(arguments.scanned, loop.getScanned())) {
    Place place = places.lookup(scanned);
    int64_t stride = bytesOfType(argument.getType());
    if (scanned.getDefiningOp() && nn::isScannedReverse(scanned.getDefiningOp())) {
      place.offset += (static_cast<int64_t>(loop.getCount()) - 1) * stride;
      stride = -stride;
    }
    place.strides.push_back({loop, stride});
    places[argument] = place;
  }
  for (auto [argument, invariant] : llvm::zip_equal(arguments.invariants, loop.getInvariants()))
    places[argument] = places.lookup(invariant);
  unsigned step = makeBuffer(PlannedBuffer::Arena, arguments.index);
  std::tie(buffers[step].first, buffers[step].last) = positions.lookup(loop);
  places[arguments.index] = {step, {}};
  steps[loop] = step;
}

/// A state that starts at zero would otherwise lie in the executable.
static bool isReturnedZeros(nn::ConstantOp constant) {
  auto isReturn = [](Operation *user) { return isa<func::ReturnOp>(user); };
  if (constant->use_empty() || !llvm::all_of(constant->getUsers(), isReturn))
    return false;
  auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
  if (!splat)
    return false;
  if (isa<FloatType>(splat.getElementType()))
    return splat.getSplatValue<APFloat>().bitcastToAPInt().isZero();
  return isa<IntegerType>(splat.getElementType()) && splat.getSplatValue<APInt>().isZero();
}

LogicalResult FunctionPlan::assignOp(Operation &op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(&op)
      .Case<nn::ConstantOp>([&](nn::ConstantOp constant) -> LogicalResult {
        if (isReturnedZeros(constant)) {
          places[constant.getResult()] = {makeBuffer(PlannedBuffer::Zeros, constant.getResult()), {}};
          return success();
        }
        FailureOr<int64_t> offset = constants->add(constant.getValue());
        if (failed(offset))
          return constant.emitOpError("has a value that is not dense");
        places[constant.getResult()] = {makeBuffer(PlannedBuffer::Constant, constant.getResult(), *offset), {}};
        return success();
      })
      .Case<nn::KernelOp, nn::SortOp, nn::CholeskyOp, nn::TriangularSolveOp>([&](Operation *computed) {
        for (OpResult result : computed->getResults())
          places[result] = {makeBuffer(PlannedBuffer::Arena, result), {}};
        return success();
      })
      .Case<nn::LoopOp>([&](nn::LoopOp loop) {
        assignLoop(loop);
        return assign(loop.getBody().front());
      })
      .Case<func::ReturnOp, nn::YieldOp>([](Operation *) { return success(); })
      .Default([&](Operation *other) -> LogicalResult {
        if (!isAlias(other))
          return other->emitOpError("is not part of a kernel: it has no place in memory");
        places[other->getResult(0)] = places.lookup(other->getOperand(0));
        return success();
      });
}

LogicalResult FunctionPlan::assign(Block &block) {
  for (Operation &op : block)
    if (failed(assignOp(op)))
      return failure();
  return success();
}

void FunctionPlan::recordUses(Block &block) {
  for (Operation &op : block) {
    if (isAlias(&op))
      continue;
    auto [begin, end] = positions.lookup(&op);
    auto loop = dyn_cast<nn::LoopOp>(op);
    for (OpOperand &operand : op.getOpOperands()) {
      bool atEnd = loop && operand.getOperandNumber() >= loop.getCarries().size();
      uses[places.lookup(operand.get()).buffer].push_back({atEnd ? end : begin, &op, operand.getOperandNumber()});
    }
    if (loop)
      recordUses(loop.getBody().front());
  }
}

//===----------------------------------------------------------------------===//
// Buffers that become one
//===----------------------------------------------------------------------===//

Place FunctionPlan::resolve(Place place) const {
  for (auto found = redirects.find(place.buffer); found != redirects.end(); found = redirects.find(place.buffer)) {
    Place target = found->second;
    target.strides.append(place.strides.begin(), place.strides.end());
    target.offset += place.offset;
    place = target;
  }
  return place;
}

void FunctionPlan::redirect(unsigned from, Place to) {
  redirects[from] = to;
  SmallVector<Use> moved = uses.lookup(from);
  llvm::append_range(uses[to.buffer], moved);
  uses.erase(from);
  buffers[to.buffer].first = std::min(buffers[to.buffer].first, buffers[from].first);
  buffers[to.buffer].last = std::max(buffers[to.buffer].last, buffers[from].last);
}

/// Does the value lie in a buffer of the arena that was made for an op of this block and is nobody else's yet?
bool FunctionPlan::isOwnBuffer(Value value, Block *block) const {
  Place place = places.lookup(value);
  return place.strides.empty() && !redirects.count(place.buffer) &&
         buffers[place.buffer].kind == PlannedBuffer::Arena && buffers[place.buffer].block == block &&
         buffers[place.buffer].value.getDefiningOp();
}

/// Library routines that may write over an operand (entries.def says which).
static bool routineMayShare(Operation *op, unsigned operand, unsigned result) {
  if (isa<nn::SortOp, nn::CholeskyOp>(op))
    return operand == 0 && result == 0;
  return isa<nn::TriangularSolveOp>(op) && operand == 1;
}

/// May `producer` write over what `buffer` holds? Only if nothing reads that later, or reads it just where it writes.
bool FunctionPlan::canTakeOver(unsigned buffer, OpResult producer) const {
  Operation *op = producer.getOwner();
  int64_t position = positions.lookup(op).first;
  unsigned result = producer.getResultNumber();
  auto found = uses.find(buffer);
  if (found == uses.end())
    return true;
  return llvm::all_of(found->second, [&](const Use &use) {
    if (use.position < position)
      return true;
    if (use.op != op)
      return false;
    if (auto kernel = dyn_cast<nn::KernelOp>(op))
      return mayShare(kernel, use.operand, result);
    if (auto loop = dyn_cast<nn::LoopOp>(op))
      return use.operand == result && use.position == position;
    return routineMayShare(op, use.operand, result);
  });
}

void FunctionPlan::placeResults() {
  Block &body = function.getBody().front();
  llvm::DenseMap<BindAttr, unsigned> variables; // their arguments
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    if (BindAttr bind = getArgumentBind(function, i);
        bind && (bind.getKind() == BindKind::Param || bind.getKind() == BindKind::State))
      variables.try_emplace(bind, i);
  auto argumentFor = [&](unsigned result) -> std::optional<unsigned> {
    BindAttr bind = getResultBind(function, result);
    auto found = bind ? variables.find(bind) : variables.end();
    return found == variables.end() ? std::nullopt : std::optional<unsigned>(found->second);
  };
  inPlace.resize(function.getNumResults());
  for (auto [index, value] : llvm::enumerate(body.getTerminator()->getOperands())) {
    std::optional<unsigned> argument = argumentFor(index);
    if (argument && value == body.getArgument(*argument)) {
      inPlace[index] = argument;
      continue;
    }
    if (!isOwnBuffer(value, &body))
      continue;
    unsigned buffer = places.lookup(value).buffer;
    if (argument) {
      Place target = places.lookup(body.getArgument(*argument));
      if (canTakeOver(target.buffer, cast<OpResult>(buffers[buffer].value))) {
        redirect(buffer, target);
        inPlace[index] = argument;
        continue;
      }
    }
    redirect(buffer, {makeBuffer(PlannedBuffer::Result, value, index), {}});
  }
}

void FunctionPlan::placeCarries(Block &block) {
  for (nn::LoopOp loop : block.getOps<nn::LoopOp>()) {
    Block &body = loop.getBody().front();
    auto [begin, end] = positions.lookup(loop);
    for (unsigned k = 0, e = loop.getCarryCount(); k != e; ++k) {
      Place carry = resolve(places.lookup(loop.getResult(k)));
      // The first value is computed right into the carry when only this loop reads it from now on.
      Value initial = loop.getCarries()[k];
      if (isOwnBuffer(initial, &block) && carry.strides.empty() &&
          buffers[carry.buffer].kind != PlannedBuffer::Argument &&
          llvm::all_of(uses[places.lookup(initial).buffer], [&, begin = begin](const Use &use) {
            return use.position < begin || (use.op == loop && use.operand == k);
          }))
        redirect(places.lookup(initial).buffer, carry);
      // The next value is computed over the old one when nothing reads that later in the step.
      Value next = loop.getYieldedCarries()[k];
      if (loop.getConditional() || !isOwnBuffer(next, &body))
        continue;
      SmallVector<Use> all = uses.lookup(carry.buffer);
      llvm::erase_if(uses[carry.buffer], [&, begin = begin, end = end](const Use &use) {
        return use.position < begin || use.position >= end;
      });
      bool free = canTakeOver(carry.buffer, cast<OpResult>(buffers[places.lookup(next).buffer].value));
      uses[carry.buffer] = all;
      if (free)
        redirect(places.lookup(next).buffer, carry);
    }
    for (unsigned k = 0, e = loop.getStackedCount(); k != e; ++k) {
      Value part = loop.getYieldedStacked()[k];
      if (loop.getConditional() || !isOwnBuffer(part, &body))
        continue;
      Place place = resolve(places.lookup(loop.getResult(loop.getCarryCount() + k)));
      place.strides.push_back({loop, bytesOfType(part.getType())});
      redirect(places.lookup(part).buffer, place);
    }
    placeCarries(body);
  }
}

void FunctionPlan::shareInKernels(Block &block) {
  for (Operation &op : block) {
    if (auto loop = dyn_cast<nn::LoopOp>(op))
      shareInKernels(loop.getBody().front());
    auto kernel = dyn_cast<nn::KernelOp>(op);
    if (!kernel)
      continue;
    llvm::SmallDenseSet<unsigned> taken;
    for (OpResult result : kernel->getResults()) {
      if (!isOwnBuffer(result, &block))
        continue;
      unsigned own = places.lookup(result).buffer;
      for (Value input : kernel.getInputs()) {
        Place place = resolve(places.lookup(input));
        const PlannedBuffer &buffer = buffers[place.buffer];
        if (!place.strides.empty() || buffer.kind != PlannedBuffer::Arena || buffer.block != &block ||
            buffer.bytes != buffers[own].bytes || buffer.extents != buffers[own].extents ||
            !canTakeOver(place.buffer, result) || !taken.insert(place.buffer).second)
          continue;
        redirect(own, place);
        break;
      }
    }
  }
}

/// Tells the emitters which outputs lie where an input does.
static void markInPlace(nn::KernelOp kernel, const FunctionPlan &plan) {
  SmallVector<int64_t> pairs;
  for (OpResult result : kernel->getResults())
    for (auto [index, input] : llvm::enumerate(kernel.getInputs()))
      if (plan.placeOf(result) == plan.placeOf(input))
        pairs.append({result.getResultNumber(), static_cast<int64_t>(index)});
  if (pairs.empty())
    kernel->removeAttr(kInPlaceAttr);
  else
    kernel->setAttr(kInPlaceAttr, DenseI64ArrayAttr::get(kernel.getContext(), pairs));
}

//===----------------------------------------------------------------------===//
// Lifetimes and offsets
//===----------------------------------------------------------------------===//

void FunctionPlan::computeLifetimes() {
  // Where carries change places (a, b = b, a), the new values pass through a copy.
  function.walk([&](nn::LoopOp loop) {
    for (unsigned k = 0, e = loop.getCarryCount(); k != e; ++k)
      for (unsigned other = 0; other != e; ++other)
        if (other != k && placeOf(loop.getYieldedCarries()[k]).buffer == placeOf(loop.getResult(other)).buffer &&
            !exchanges.count({loop, k})) {
          unsigned copy = makeBuffer(PlannedBuffer::Arena, loop.getResult(k));
          exchanges[{loop, k}] = copy;
        }
  });
  for (unsigned index = 0; index != buffers.size(); ++index)
    for (const Use &use : uses.lookup(index))
      buffers[index].last = std::max(buffers[index].last, use.position);
}

std::optional<unsigned> FunctionPlan::exchangeBuffer(nn::LoopOp loop, unsigned carry) const {
  auto found = exchanges.find({loop, carry});
  return found == exchanges.end() ? std::nullopt : std::optional<unsigned>(found->second);
}

unsigned FunctionPlan::addScratch(Operation *op, int64_t bytes) {
  PlannedBuffer buffer;
  buffer.bytes = bytes;
  std::tie(buffer.first, buffer.last) = positions.lookup(op);
  buffers.push_back(buffer);
  return buffers.size() - 1;
}

void FunctionPlan::layout() {
  SmallVector<Allocation> allocations;
  SmallVector<unsigned> numbers;
  for (auto [index, buffer] : llvm::enumerate(buffers))
    if (buffer.kind == PlannedBuffer::Arena && isLive(index)) {
      numbers.push_back(index);
      allocations.push_back({buffer.bytes, buffer.extents, buffer.first, buffer.last});
    }
  arena = planArena(allocations);
  for (auto [number, placement] : llvm::zip_equal(numbers, arena.placements))
    buffers[number].placement = placement;
}

FailureOr<FunctionPlan> FunctionPlan::create(func::FuncOp function, ConstantPool &constants, bool reuse) {
  FunctionPlan plan(function, constants);
  Block &body = function.getBody().front();
  if (failed(plan.collectExtents()))
    return failure();
  plan.number(body);
  for (BlockArgument argument : body.getArguments())
    plan.places[argument] = {plan.makeBuffer(PlannedBuffer::Argument, argument, argument.getArgNumber()), {}};
  if (failed(plan.assign(body)))
    return failure();
  plan.recordUses(body);
  plan.placeResults();
  if (reuse) {
    plan.placeCarries(body);
    plan.shareInKernels(body);
  }
  function.walk([&](nn::KernelOp kernel) { markInPlace(kernel, plan); });
  plan.computeLifetimes();
  return plan;
}

void FunctionPlan::print(raw_ostream &os) const {
  auto size = [&](int64_t bytes, ArrayRef<unsigned> factors) {
    os << bytes;
    for (unsigned factor : factors)
      os << " * size(" << extents[factor] << ")";
  };
  os << "function " << func::FuncOp(function).getSymName() << ": ";
  size(arena.fixedBytes, {});
  for (const ArenaSlot &slot : arena.slots) {
    os << " + ";
    size(slot.bytes, slot.extents);
  }
  os << " bytes (no plan needs less than " << arena.lowerBound << ")\n";
  for (auto [index, argument] : llvm::enumerate(inPlace))
    if (argument)
      os << "  result " << index << " in place of argument " << *argument << "\n";
  for (auto [index, buffer] : llvm::enumerate(buffers)) {
    if (buffer.kind != PlannedBuffer::Arena || !isLive(index))
      continue;
    os << "  [" << buffer.first << ", " << buffer.last << "] ";
    if (buffer.placement.slot >= 0)
      os << "slot " << buffer.placement.slot;
    else
      os << "at " << buffer.placement.offset;
    os << ": ";
    size(buffer.bytes, buffer.extents);
    if (buffer.value)
      os << "  " << buffer.value.getType();
    else
      os << "  scratch";
    os << "\n";
  }
}

} // namespace xfer
