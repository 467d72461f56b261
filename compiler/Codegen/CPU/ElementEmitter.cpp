//===- ElementEmitter.cpp - elements of nn values on demand -----------------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace xfer::cpu {

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }
static Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

void KernelContext::setInputs(nn::KernelOp kernel, ArrayRef<Value> pointers) {
  llvm::SmallDenseSet<int64_t> shared;
  if (auto pairs = kernel->getAttrOfType<DenseI64ArrayAttr>("in_place"))
    for (auto [number, index] : llvm::enumerate(pairs.asArrayRef()))
      if (number % 2 == 1)
        shared.insert(index);
  for (BlockArgument argument : kernel.getBody().getArguments()) {
    unsigned number = argument.getArgNumber();
    buffers[argument] = {pointers[number], !shared.contains(number)};
  }
}

Value KernelContext::extent(OpBuilder &b, Location loc, Value tensor, unsigned axis) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(axis))
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(type.getDimSize(axis)));
  auto found = extents.find(nn::extentsOf(type)[axis].symbol);
  assert(found != extents.end() && "a dynamic extent that no input or output of the kernel has");
  return found->second;
}

bool ElementEmitter::canEmit(Operation *op) {
  if (op->hasTrait<nn::PerElement>())
    return isa<nn::NNDialect>(op->getDialect());
  return isa<nn::ConstantOp, nn::IotaOp, nn::BroadcastOp, nn::ReshapeOp, nn::TransposeOp, nn::ConcatOp, nn::SliceOp,
             nn::PadOp, nn::ReverseOp, nn::AnnotateOp, nn::StopGradientOp, nn::ScaleGradientOp, nn::GatherOp,
             nn::RandomOp, nn::WindowMaxOp, nn::WindowSumOp, nn::WindowGatherOp, nn::WindowScatterOp,
             nn::WindowSpreadOp>(op);
}

static bool sameScalar(Value x, Value y) {
  if (x == y)
    return true;
  APInt first, second;
  return x && y && matchPattern(x, m_ConstantInt(&first)) && matchPattern(y, m_ConstantInt(&second)) && first == second;
}

static bool sameIndex(ArrayRef<int64_t> shape, ArrayRef<LaneIndex> x, ArrayRef<LaneIndex> y) {
  for (auto [extent, first, second] : llvm::zip_equal(shape, x, y)) {
    if (extent == 1)
      continue;
    if (first.step != second.step || first.vector != second.vector || !sameScalar(first.scalar, second.scalar))
      return false;
  }
  return true;
}

Value ElementEmitter::lookup(Value value, ArrayRef<LaneIndex> index) const {
  auto found = known.find(value);
  if (found == known.end())
    return {};
  for (const Known &entry : found->second)
    if ((!entry.mask || entry.mask == mask) && sameIndex(shapeOf(value), entry.index, index))
      return entry.element;
  return {};
}

void ElementEmitter::bind(Value value, ArrayRef<LaneIndex> index, Value element) {
  known[value].push_back({Index(index), mask, element});
  log.push_back(value);
}

void ElementEmitter::leave() {
  size_t size = scopes.pop_back_val();
  while (log.size() > size)
    known[log.pop_back_val()].pop_back();
}

Value ElementEmitter::element(Value value, ArrayRef<LaneIndex> index) {
  if (Value element = lookup(value, index))
    return element;
  Value element;
  auto buffer = context.buffers.find(value);
  if (buffer != context.buffers.end()) {
    element = load(value, buffer->second, index);
  } else if (auto parts = context.parts.find(value); parts != context.parts.end()) {
    element = sumParts(value, parts->second, index);
  } else {
    assert(value.getDefiningOp() && "a value of a kernel that has neither a buffer nor an operation");
    element = compute(value.getDefiningOp(), cast<OpResult>(value).getResultNumber(), index);
  }
  bind(value, index, element);
  return element;
}

LaneIndex ElementEmitter::offsetOf(Value tensor, ArrayRef<LaneIndex> index) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (named.value && shapeOf(named.value) == type.getShape() && sameIndex(type.getShape(), named.index, index))
    return named.offset;
  LaneIndex offset = lane.uniform(0);
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (axis > 0)
      offset = lane.mul(offset, extent(tensor, axis));
    if (type.getDimSize(axis) != 1)
      offset = lane.add(offset, index[axis]);
  }
  return offset;
}

Value ElementEmitter::load(Value value, const KernelContext::Buffer &buffer, ArrayRef<LaneIndex> index) {
  return lane.load(elementOf(value), buffer.pointer, offsetOf(value, index), mask, buffer.invariant);
}

Value ElementEmitter::sumParts(Value value, const KernelContext::Parts &parts, ArrayRef<LaneIndex> index) {
  auto reduce = value.getDefiningOp<nn::ReduceOp>();
  LaneIndex offset = offsetOf(value, index);
  auto part = [&](Value number) {
    LaneIndex at = lane.add(offset, lane.mul(lane.uniform(number), parts.elements));
    return lane.load(parts.type, parts.pointer, at, mask, /*invariant=*/true);
  };
  Value first = part(lane.constant(0));
  auto loop = scf::ForOp::create(b, loc, lane.constant(1), lane.constant(parts.count), lane.constant(1), first,
                                 [&](OpBuilder &, Location, Value number, ValueRange carried) {
                                   Value next = part(number);
                                   Value sum = combine(b, loc, reduce.getKind(), parts.type, carried[0], next);
                                   scf::YieldOp::create(b, loc, sum);
                                 });
  Value sum = loop.getResult(0);
  Type type = registerType(elementOf(value));
  if (type == registerType(parts.type))
    return sum;
  return roundToBF16(b, loc, sum);
}

void ElementEmitter::store(Value element, Value value, Value pointer, ArrayRef<LaneIndex> index) {
  lane.store(element, elementOf(value), pointer, offsetOf(value, index));
}

void ElementEmitter::store(ArrayRef<Value> elements, Value value, Value pointer, ArrayRef<LaneIndex> index) {
  lane.storeNeighbours(elements, elementOf(value), pointer, offsetOf(value, index));
}

Value ElementEmitter::zero(Type type) { return lane.constantElement(b.getZeroAttr(registerType(type))); }

Value ElementEmitter::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  if (isa<VectorType>(x.getType()) || isa<VectorType>(y.getType())) {
    x = lane.splat(x);
    y = lane.splat(y);
  }
  return b.createOrFold<arith::AndIOp>(loc, x, y);
}

Value ElementEmitter::inRange(const LaneIndex &x, int64_t low, Value high) {
  Value above = lane.compare(arith::CmpIPredicate::sge, x, lane.constant(low));
  return both(above, lane.compare(arith::CmpIPredicate::slt, x, high));
}

Value ElementEmitter::choose(Value condition, Type type, Elements then, Elements otherwise) {
  if (!condition)
    return then();
  APInt fixed;
  if (matchPattern(condition, m_ConstantInt(&fixed)))
    return fixed.isZero() ? otherwise() : then();
  if (isa<VectorType>(condition.getType())) {
    Value outer = mask;
    auto masked = [&](Value lanes, Elements side) {
      mask = both(outer, lanes);
      Value element = lane.splat(side());
      mask = outer;
      return element;
    };
    Value all = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(cast<VectorType>(condition.getType()), true));
    Value first = masked(condition, then);
    Value second = masked(arith::XOrIOp::create(b, loc, condition, all), otherwise);
    return arith::SelectOp::create(b, loc, condition, first, second);
  }
  auto branch = scf::IfOp::create(b, loc, lane.laneType(registerType(type)), condition, /*withElseRegion=*/true);
  auto fill = [&](Block *block, Elements side) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    enter();
    scf::YieldOp::create(b, loc, lane.splat(side()));
    leave();
  };
  fill(branch.thenBlock(), then);
  fill(branch.elseBlock(), otherwise);
  return branch.getResult(0);
}

Value ElementEmitter::chooseOrZero(Value condition, Type type, Elements then) {
  return choose(condition, type, then, [&] { return zero(type); });
}

Value ElementEmitter::compute(Operation *op, unsigned result, ArrayRef<LaneIndex> index) {
  if (op->hasTrait<nn::PerElement>())
    return elementwise(op, index);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](nn::ConstantOp o) { return constant(o, index); })
      .Case([&](nn::IotaOp o) { return lane.toElement(index[o.getAxis()], elementOf(o.getResult())); })
      .Case([&](nn::BroadcastOp o) { return broadcast(o, index); })
      .Case([&](nn::ReshapeOp o) { return reshape(o, index); })
      .Case([&](nn::TransposeOp o) {
        Index from(index);
        for (auto [to, axis] : llvm::enumerate(o.getPermutation()))
          from[axis] = index[to];
        return element(o.getX(), from);
      })
      .Case([&](nn::ConcatOp o) { return concat(o, index); })
      .Case([&](nn::SliceOp o) {
        Index from;
        for (auto [at, offset, stride] : llvm::zip_equal(index, o.getOffsets(), o.getStrides()))
          from.push_back(lane.add(lane.mul(at, stride), offset));
        return element(o.getX(), from);
      })
      .Case([&](nn::PadOp o) { return pad(o, index); })
      .Case([&](nn::ReverseOp o) {
        Index from(index);
        for (int64_t axis : o.getAxes())
          from[axis] = lane.sub(lane.add(lane.uniform(extent(o.getX(), axis)), -1), index[axis]);
        return element(o.getX(), from);
      })
      .Case<nn::AnnotateOp, nn::StopGradientOp, nn::ScaleGradientOp>(
          [&](auto o) { return element(o->getOperand(0), index); })
      .Case([&](nn::GatherOp o) { return gather(o, index); })
      .Case([&](nn::RandomOp o) { return random(o, index); })
      .Case([&](nn::WindowMaxOp o) { return windowMax(o, result, index); })
      .Case([&](nn::WindowSumOp o) { return windowSum(o, index); })
      .Case([&](nn::WindowGatherOp o) { return windowGather(o, index); })
      .Case<nn::WindowScatterOp, nn::WindowSpreadOp>([&](auto o) { return windowAdjoint(o, index); })
      .DefaultUnreachable("an operation whose elements cannot be computed on demand");
}

} // namespace xfer::cpu
