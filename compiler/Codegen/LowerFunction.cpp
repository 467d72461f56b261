//===- LowerFunction.cpp - a planned function as runtime calls ----------------------------------------------------===//
//
// All decisions are in the plan: where the place of a value and the place where it is wanted differ, it is copied.
// Addresses of whole buffers are computed in the entry block; those of parts of them where they are needed, from the
// numbers of the steps of the loops around.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/LowerFunction.h"
#include "compiler/Dialect/RT/IR/RT.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace xfer {
namespace {

class FunctionLowering {
public:
  FunctionLowering(OpBuilder &builder, const FunctionPlan &plan, const KernelTable &kernels,
                   const DenseMap<Operation *, unsigned> &scratch)
      : b(builder), plan(plan), kernels(kernels), scratch(scratch), source(plan.getFunction()), loc(source.getLoc()) {}

  func::FuncOp run();

private:
  void lower(Block &block);
  void lower(nn::KernelOp kernel);
  void lower(nn::LoopOp loop);
  void lowerYield(nn::LoopOp loop);
  void lowerReturn(func::ReturnOp op);
  void lowerRoutine(Operation *routine, ValueRange operands, ValueRange results);

  Value constant(int64_t value) { return arith::ConstantIntOp::create(b, loc, value, 64); }
  Value multiply(Value x, int64_t factor) {
    return factor == 1 ? x : Value(arith::MulIOp::create(b, loc, x, constant(factor)));
  }
  Value extent(unsigned index) { return rtir::ExtentOp::create(b, loc, b.getI64Type(), extents, index); }
  Value product(int64_t bytes, ArrayRef<unsigned> factors);
  Value base(unsigned buffer);
  Value computeBase(const PlannedBuffer &buffer);
  Value address(const Place &place);
  Value address(Value value) { return address(plan.placeOf(value)); }
  /// Elements of the axes [from, to) of a type, as a number.
  Value elements(Type type, unsigned from, unsigned to);
  Value sizeOf(Type type);
  void copy(const Place &from, const Place &to, Type type);
  Value kernelExtents(const KernelCall &call);

  OpBuilder &b;
  const FunctionPlan &plan;
  const KernelTable &kernels;
  const DenseMap<Operation *, unsigned> &scratch;
  func::FuncOp source;
  Location loc;

  Block *entry = nullptr;
  Value context, queue, buffers, arena, extents, arenaStart;
  DenseMap<unsigned, Value> bases;
  DenseMap<Operation *, Value> steps;
};

Value FunctionLowering::product(int64_t bytes, ArrayRef<unsigned> factors) {
  Value result = constant(bytes);
  for (unsigned factor : factors)
    result = arith::MulIOp::create(b, loc, result, extent(factor));
  return result;
}

Value FunctionLowering::computeBase(const PlannedBuffer &buffer) {
  auto bufferNumber = [&](int64_t number) -> Value { return rtir::BufferOp::create(b, loc, buffers, number); };
  switch (buffer.kind) {
  case PlannedBuffer::Argument:
    return bufferNumber(buffer.index);
  case PlannedBuffer::Result:
    return bufferNumber(source.getNumArguments() + buffer.index);
  case PlannedBuffer::Constant:
    return rtir::ConstantOp::create(b, loc, buffer.index);
  case PlannedBuffer::Zeros:
    llvm_unreachable("zeros are not read");
  case PlannedBuffer::Arena:
    break;
  }
  if (!arenaStart)
    arenaStart = rtir::BufferOp::create(b, loc, arena, 0);
  if (buffer.placement.slot < 0)
    return rtir::OffsetOp::create(b, loc, arenaStart, constant(buffer.placement.offset));
  Value offset = constant(plan.getArena().fixedBytes);
  for (const ArenaSlot &slot : ArrayRef(plan.getArena().slots).take_front(buffer.placement.slot)) {
    Value padded = arith::AddIOp::create(b, loc, product(slot.bytes, slot.extents), constant(kBufferAlignment - 1));
    Value bytes = arith::AndIOp::create(b, loc, padded, constant(-kBufferAlignment));
    offset = arith::AddIOp::create(b, loc, offset, bytes);
  }
  return rtir::OffsetOp::create(b, loc, arenaStart, offset);
}

/// The start of a buffer, computed once in the entry block.
Value FunctionLowering::base(unsigned buffer) {
  Value &known = bases[buffer];
  if (!known) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(entry->getTerminator());
    known = computeBase(plan.getBuffer(buffer));
  }
  return known;
}

Value FunctionLowering::address(const Place &place) {
  Value result = base(place.buffer);
  if (place.offset != 0)
    result = rtir::OffsetOp::create(b, loc, result, constant(place.offset));
  for (auto [loop, stride] : place.strides)
    result = rtir::OffsetOp::create(b, loc, result, multiply(steps.lookup(loop), stride));
  return result;
}

Value FunctionLowering::elements(Type type, unsigned from, unsigned to) {
  SmallVector<unsigned> factors;
  int64_t count = 1;
  nn::Extents extents = nn::extentsOf(type);
  for (const nn::Extent &extent : ArrayRef(extents).slice(from, to - from)) {
    if (extent.isDynamic())
      factors.push_back(plan.extentIndex(extent.symbol));
    else
      count *= extent.size;
  }
  return product(count, factors);
}

Value FunctionLowering::sizeOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return multiply(elements(type, 0, tensor.getRank()), bytesOfElement(tensor.getElementType()));
}

void FunctionLowering::copy(const Place &from, const Place &to, Type type) {
  if (from != to)
    rtir::CopyOp::create(b, loc, address(to), address(from), sizeOf(type));
}

/// A kernel has an order of its own for its dynamic extents; often it is the function's.
Value FunctionLowering::kernelExtents(const KernelCall &call) {
  SmallVector<int64_t> indices;
  bool same = true;
  for (auto [index, symbol] : llvm::enumerate(call.extents)) {
    indices.push_back(plan.extentIndex(symbol));
    same &= indices.back() == static_cast<int64_t>(index);
  }
  return same ? extents : Value(rtir::SelectExtentsOp::create(b, loc, extents.getType(), extents, indices));
}

void FunctionLowering::lower(nn::KernelOp kernel) {
  if (kernel.getKind() == nn::KernelKind::Library) {
    Operation &routine = kernel.getBody().front().front();
    SmallVector<Value> operands;
    for (Value operand : routine.getOperands())
      operands.push_back(kernel.getInputs()[cast<BlockArgument>(operand).getArgNumber()]);
    return lowerRoutine(&routine, operands, kernel.getResults());
  }
  const KernelCall &call = kernels.callOf(kernel);
  SmallVector<Value> addresses;
  for (Value input : kernel.getInputs())
    addresses.push_back(address(input));
  for (Value result : kernel.getResults())
    addresses.push_back(address(result));
  if (auto found = scratch.find(kernel); found != scratch.end())
    addresses.push_back(base(found->second));
  Value values = kernelExtents(call);
  for (const KernelCall::Phase &phase : call.phases) {
    Value chunks = constant(phase.chunks.fixed);
    if (phase.chunks.extent) {
      Value size = extent(plan.extentIndex(call.extents[*phase.chunks.extent]));
      Value blocks = arith::CeilDivUIOp::create(b, loc, size, constant(phase.chunks.block));
      chunks = arith::MulIOp::create(b, loc, chunks, blocks);
    }
    Value status =
        rtir::ParallelOp::create(b, loc, b.getI32Type(), phase.function, addresses, chunks, values, context, queue);
    rtir::CheckOp::create(b, loc, status);
  }
}

void FunctionLowering::lowerRoutine(Operation *routine, ValueRange operands, ValueRange results) {
  Type type = operands[0].getType();
  unsigned rank = cast<RankedTensorType>(type).getRank();
  Value done =
      llvm::TypeSwitch<Operation *, Value>(routine)
          .Case<nn::SortOp>([&](nn::SortOp op) -> Value {
            return rtir::SortOp::create(b, loc, b.getI32Type(), cast<RankedTensorType>(type).getElementType(),
                                        address(operands[0]), address(results[0]), address(results[1]),
                                        elements(type, 0, op.getAxis()), elements(type, op.getAxis(), op.getAxis() + 1),
                                        elements(type, op.getAxis() + 1, rank), context, queue);
          })
          .Case<nn::CholeskyOp>([&](nn::CholeskyOp) -> Value {
            return rtir::CholeskyOp::create(b, loc, b.getI32Type(), address(operands[0]), address(results[0]),
                                            elements(type, 0, rank - 2), elements(type, rank - 1, rank), context,
                                            queue);
          })
          .Case<nn::TriangularSolveOp>([&](nn::TriangularSolveOp op) -> Value {
            return rtir::TriangularSolveOp::create(b, loc, b.getI32Type(), address(operands[0]), address(operands[1]),
                                                   address(results[0]), elements(type, 0, rank - 2),
                                                   elements(type, rank - 1, rank),
                                                   elements(operands[1].getType(), rank - 1, rank),
                                                   op.getTransposed() ? b.getUnitAttr() : UnitAttr(), context, queue);
          });
  rtir::CheckOp::create(b, loc, done);
}

/// What a step of a loop leaves: stacked values first, because they may lie where a carry does; then the carries, by
/// way of a copy where they change places.
void FunctionLowering::lowerYield(nn::LoopOp loop) {
  for (auto [index, value] : llvm::enumerate(loop.getYieldedStacked())) {
    Place row = plan.placeOf(loop.getResult(loop.getCarryCount() + index));
    RankedTensorType type = cast<RankedTensorType>(value.getType());
    row.strides.push_back({loop, type.getNumElements() * bytesOfElement(type.getElementType())});
    copy(plan.placeOf(value), row, type);
  }
  auto forCarries = [&](llvm::function_ref<void(unsigned, Value, std::optional<unsigned>)> action) {
    for (auto [index, value] : llvm::enumerate(loop.getYieldedCarries()))
      action(index, value, plan.exchangeBuffer(loop, index));
  };
  forCarries([&](unsigned, Value value, std::optional<unsigned> exchange) {
    if (exchange)
      copy(plan.placeOf(value), {*exchange, {}}, value.getType());
  });
  forCarries([&](unsigned index, Value value, std::optional<unsigned> exchange) {
    copy(exchange ? Place{*exchange, {}} : plan.placeOf(value), plan.placeOf(loop.getResult(index)), value.getType());
  });
}

void FunctionLowering::lower(nn::LoopOp loop) {
  for (auto [index, initial] : llvm::enumerate(loop.getCarries()))
    copy(plan.placeOf(initial), plan.placeOf(loop.getResult(index)), initial.getType());
  if (loop.getConditional())
    for (OpResult result : loop->getResults().drop_front(loop.getCarryCount()))
      rtir::ClearOp::create(b, loc, address(result), sizeOf(result.getType()));

  Region *region = b.getInsertionBlock()->getParent();
  Value zero = constant(0), count = constant(loop.getCount());
  Block *before = b.getInsertionBlock();
  Block *header = b.createBlock(region, region->end(), {b.getI64Type()}, {loc});
  Block *body = b.createBlock(region, region->end());
  Block *after = b.createBlock(region, region->end());
  b.setInsertionPointToEnd(before);
  cf::BranchOp::create(b, loc, header, ValueRange{zero});
  b.setInsertionPointToEnd(header);
  Value step = header->getArgument(0);
  Value more = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, step, count);
  cf::CondBranchOp::create(b, loc, more, body, after);

  b.setInsertionPointToEnd(body);
  steps[loop] = step;
  if (!loop.getBodyArguments().index.use_empty())
    rtir::StoreIndexOp::create(b, loc, base(plan.stepBuffer(loop)), step);
  lower(loop.getBody().front());
  if (loop.getConditional()) {
    Value goOn = rtir::LoadFlagOp::create(b, loc, b.getI1Type(), address(loop.getContinue()));
    Block *end = b.getInsertionBlock();
    Block *commit = b.createBlock(region, region->end());
    b.setInsertionPointToEnd(end);
    cf::CondBranchOp::create(b, loc, goOn, commit, after);
    b.setInsertionPointToEnd(commit);
  }
  lowerYield(loop);
  Value next = arith::AddIOp::create(b, loc, step, constant(1));
  cf::BranchOp::create(b, loc, header, ValueRange{next});
  b.setInsertionPointToEnd(after);
}

void FunctionLowering::lowerReturn(func::ReturnOp op) {
  for (auto [index, value] : llvm::enumerate(op.getOperands())) {
    Place place = plan.placeOf(value);
    const PlannedBuffer &buffer = plan.getBuffer(place.buffer);
    bool isThere = plan.getInPlace()[index] ||
                   (buffer.kind == PlannedBuffer::Result && buffer.index == static_cast<int64_t>(index));
    if (isThere)
      continue;
    Value target = rtir::BufferOp::create(b, loc, buffers, source.getNumArguments() + index);
    if (buffer.kind == PlannedBuffer::Zeros)
      rtir::ClearOp::create(b, loc, target, sizeOf(value.getType()));
    else
      rtir::CopyOp::create(b, loc, target, address(place), sizeOf(value.getType()));
  }
  func::ReturnOp::create(b, loc, Value(arith::ConstantIntOp::create(b, loc, 0, 32))); // done
}

void FunctionLowering::lower(Block &block) {
  for (Operation &op : block) {
    Location outer = loc;
    loc = op.getLoc();
    llvm::TypeSwitch<Operation *>(&op)
        .Case<nn::KernelOp, nn::LoopOp>([&](auto o) { lower(o); })
        .Case<nn::SortOp, nn::CholeskyOp, nn::TriangularSolveOp>(
            [&](Operation *o) { lowerRoutine(o, o->getOperands(), o->getResults()); })
        .Case<func::ReturnOp>([&](func::ReturnOp o) { lowerReturn(o); });
    loc = outer;
  }
}

func::FuncOp FunctionLowering::run() {
  auto function = func::FuncOp::create(b, loc, getObjectName(source), rtir::getProgramFunctionType(b.getContext()));
  function.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  entry = function.addEntryBlock();
  std::tie(context, queue, buffers, arena, extents) =
      std::make_tuple(entry->getArgument(0), entry->getArgument(1), entry->getArgument(2), entry->getArgument(3),
                      entry->getArgument(4));
  Block *start = b.createBlock(&function.getBody(), function.getBody().end());
  b.setInsertionPointToEnd(entry);
  cf::BranchOp::create(b, loc, start);
  b.setInsertionPointToEnd(start);
  lower(source.getBody().front());
  return function;
}

} // namespace

std::string getObjectName(func::FuncOp function) { return ("function." + function.getSymName()).str(); }

DenseMap<Operation *, unsigned> reserveScratch(FunctionPlan &plan, const KernelTable &kernels) {
  DenseMap<Operation *, unsigned> scratch;
  plan.getFunction().walk([&](nn::KernelOp kernel) {
    if (kernel.getKind() != nn::KernelKind::Library && kernels.callOf(kernel).scratchBytes > 0)
      scratch[kernel] = plan.addScratch(kernel, kernels.callOf(kernel).scratchBytes);
  });
  return scratch;
}

func::FuncOp lowerFunction(OpBuilder &builder, const FunctionPlan &plan, const KernelTable &kernels,
                           const DenseMap<Operation *, unsigned> &scratch) {
  return FunctionLowering(builder, plan, kernels, scratch).run();
}

} // namespace xfer
