//===- Regions.cpp - operations that hold other nn operations ---------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

static YieldOp yieldOf(Region &region) { return cast<YieldOp>(region.front().getTerminator()); }

static Type withFront(Type type, const Extent &extent) {
  Extents extents = extentsOf(type);
  extents.insert(extents.begin(), extent);
  return withExtents(type, extents);
}

/// `type` without its first axis; null if it has none.
static Type withoutFront(Type type) {
  Extents extents = extentsOf(type);
  return extents.empty() ? Type() : withExtents(type, ArrayRef(extents).drop_front());
}

static Block *addBlock(OpBuilder &builder, OperationState &state, TypeRange types) {
  auto *block = new Block();
  state.addRegion()->push_back(block);
  block->addArguments(types, SmallVector<Location>(types.size(), state.location));
  return block;
}

static LogicalResult verifyTypes(Operation *op, StringRef label, StringRef what, TypeRange expected, TypeRange found) {
  if (compatible(expected, found))
    return success();
  return op->emitOpError(label) << " " << what << " have types (" << found << "), expected (" << expected << ")";
}

/// Every region of these operations ends with nn.yield.
static LogicalResult verifyYields(Operation *op) {
  for (Region &region : op->getRegions())
    if (region.front().empty() || !isa<YieldOp>(region.front().back()))
      return op->emitOpError("a region does not end with nn.yield");
  return success();
}

static SmallVector<Type> floatTypes(TypeRange types) { return llvm::filter_to_vector(types, isFloat); }

//===----------------------------------------------------------------------===//
// loop
//===----------------------------------------------------------------------===//

static SmallVector<Type> loopArgumentTypes(MLIRContext *context, ValueRange carries, ValueRange scanned,
                                           ValueRange invariants) {
  SmallVector<Type> types = {RankedTensorType::get({}, IntegerType::get(context, 32))};
  llvm::append_range(types, carries.getTypes());
  for (Type type : scanned.getTypes())
    types.push_back(withoutFront(type));
  llvm::append_range(types, invariants.getTypes());
  return types;
}

static LoopArguments splitArguments(ValueRange all, size_t carries, size_t scanned) {
  return {all.front(), all.slice(1, carries), all.slice(1 + carries, scanned), all.drop_front(1 + carries + scanned)};
}

void LoopOp::build(OpBuilder &builder, OperationState &state, int64_t count, ValueRange carries, ValueRange scanned,
                   ValueRange invariants, bool conditional,
                   function_ref<void(OpBuilder &, Location, LoopArguments)> body) {
  Block *block = addBlock(builder, state, loopArgumentTypes(builder.getContext(), carries, scanned, invariants));
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(block);
    body(builder, state.location, splitArguments(block->getArguments(), carries.size(), scanned.size()));
  }
  state.addOperands(carries);
  state.addOperands(scanned);
  state.addOperands(invariants);
  Properties &properties = state.getOrAddProperties<Properties>();
  properties.count = builder.getI64IntegerAttr(count);
  properties.conditional = conditional ? builder.getUnitAttr() : nullptr;
  properties.operandSegmentSizes = {int32_t(carries.size()), int32_t(scanned.size()), int32_t(invariants.size())};
  TypeRange yielded = block->getTerminator()->getOperandTypes();
  state.addTypes(carries.getTypes());
  for (Type type : yielded.drop_front(carries.size()).drop_back(conditional))
    state.addTypes(withFront(type, count));
}

LoopArguments LoopOp::getBodyArguments() {
  return splitArguments(getBody().getArguments(), getCarries().size(), getScanned().size());
}

YieldOp LoopOp::getYield() { return yieldOf(getBody()); }
ValueRange LoopOp::getYieldedCarries() { return getYield().getValues().take_front(getCarryCount()); }
ValueRange LoopOp::getYieldedStacked() { return getYield().getValues().slice(getCarryCount(), getStackedCount()); }
Value LoopOp::getContinue() { return getConditional() ? Value(getYield().getValues().back()) : Value(); }

LogicalResult LoopOp::verify() {
  if (failed(verifyYields(*this)))
    return failure();
  if (int64_t(getCount()) < 0)
    return emitOpError("(C1) negative count");
  for (Type type : getScanned().getTypes())
    if (cast<RankedTensorType>(type).getRank() == 0 ||
        cast<RankedTensorType>(type).getDimSize(0) != int64_t(getCount()))
      return emitOpError("(C2) a scanned value of type ") << type << " in a loop of " << getCount() << " steps";
  SmallVector<Type> arguments = loopArgumentTypes(getContext(), getCarries(), getScanned(), getInvariants());
  if (failed(verifyTypes(*this, "(C3)", "the body's arguments", arguments, getBody().getArgumentTypes())))
    return failure();
  if (getNumResults() < getCarries().size())
    return emitOpError("(C5) fewer results than carries");
  if (failed(verifyTypes(*this, "(C5)", "the first results", getCarries().getTypes(),
                         TypeRange(getResultTypes()).take_front(getCarries().size()))))
    return failure();
  SmallVector<Type> yielded(getCarries().getTypes());
  for (Type type : TypeRange(getResultTypes()).drop_front(getCarries().size())) {
    Extents extents = extentsOf(type);
    if (extents.empty() || extents.front() != Extent(int64_t(getCount())))
      return emitOpError("(C5) a stacked result of type ") << type << " in a loop of " << getCount() << " steps";
    yielded.push_back(withoutFront(type));
  }
  if (getConditional())
    yielded.push_back(RankedTensorType::get({}, IntegerType::get(getContext(), 1)));
  return verifyTypes(*this, "(C4)", "the yielded values", yielded, getYield().getValues().getTypes());
}

//===----------------------------------------------------------------------===//
// each
//===----------------------------------------------------------------------===//

void EachOp::build(OpBuilder &builder, OperationState &state, ValueRange mapped, ValueRange invariants,
                   function_ref<void(OpBuilder &, Location, ValueRange)> body) {
  assert(!mapped.empty() && "nn.each maps at least one value");
  SmallVector<Type> types;
  for (Type type : mapped.getTypes())
    types.push_back(withoutFront(type));
  llvm::append_range(types, invariants.getTypes());
  Block *block = addBlock(builder, state, types);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(block);
    body(builder, state.location, block->getArguments());
  }
  state.addOperands(mapped);
  state.addOperands(invariants);
  state.getOrAddProperties<Properties>().operandSegmentSizes = {int32_t(mapped.size()), int32_t(invariants.size())};
  for (Type type : block->getTerminator()->getOperandTypes())
    state.addTypes(withFront(type, extentsOf(mapped.front().getType()).front()));
}

YieldOp EachOp::getYield() { return yieldOf(getBody()); }

LogicalResult EachOp::verify() {
  if (failed(verifyYields(*this)))
    return failure();
  if (getMapped().empty())
    return emitOpError("(C1) no mapped value");
  SmallVector<Type> arguments, results;
  Extent extent;
  for (auto [i, type] : llvm::enumerate(getMapped().getTypes())) {
    Extents extents = extentsOf(type);
    if (extents.empty() || (i > 0 && !extents.front().agrees(extent)))
      return emitOpError("(C2) the first extents of the mapped values differ");
    extent = extents.front();
    arguments.push_back(withoutFront(type));
  }
  llvm::append_range(arguments, getInvariants().getTypes());
  if (failed(verifyTypes(*this, "(C3)", "the body's arguments", arguments, getBody().getArgumentTypes())))
    return failure();
  for (Type type : getYield().getValues().getTypes())
    results.push_back(withFront(type, extent));
  return verifyTypes(*this, "(C4)", "the results", results, getResultTypes());
}

//===----------------------------------------------------------------------===//
// custom, kernel
//===----------------------------------------------------------------------===//

YieldOp CustomOp::getForwardYield() { return yieldOf(getForward()); }
YieldOp CustomOp::getVjpYield() { return yieldOf(getVjp()); }

LogicalResult CustomOp::verify() {
  if (failed(verifyYields(*this)))
    return failure();
  TypeRange inputs = getInputs().getTypes();
  SmallVector<Type> arguments(inputs);
  llvm::append_range(arguments, floatTypes(getResultTypes()));
  if (failed(verifyTypes(*this, "(C1)", "the arguments of 'forward'", inputs, getForward().getArgumentTypes())) ||
      failed(verifyTypes(*this, "(C1)", "the values of 'forward'", getResultTypes(),
                         getForwardYield().getValues().getTypes())) ||
      failed(verifyTypes(*this, "(C2)", "the arguments of 'vjp'", arguments, getVjp().getArgumentTypes())))
    return failure();
  return verifyTypes(*this, "(C3)", "the values of 'vjp'", floatTypes(inputs), getVjpYield().getValues().getTypes());
}

YieldOp KernelOp::getYield() { return yieldOf(getBody()); }

LogicalResult KernelOp::verify() {
  if (failed(verifyYields(*this)) ||
      failed(verifyTypes(*this, "(C1)", "the body's arguments", getInputs().getTypes(), getBody().getArgumentTypes())))
    return failure();
  return verifyTypes(*this, "(C2)", "the results", getYield().getValues().getTypes(), getResultTypes());
}
