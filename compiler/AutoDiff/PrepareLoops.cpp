//===- PrepareLoops.cpp - the form of a loop that its derivative needs ------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace xfer::nn;

static void mapArguments(LoopOp from, LoopArguments to, IRMapping &mapping) {
  LoopArguments arguments = from.getBodyArguments();
  mapping.map(arguments.index, to.index);
  mapping.map(arguments.carries, to.carries.take_front(from.getCarryCount()));
  mapping.map(arguments.scanned, to.scanned);
  mapping.map(arguments.invariants, to.invariants);
}

static void replaceLoop(LoopOp loop, ValueRange replacements) {
  for (auto [result, replacement] : llvm::zip(loop.getResults(), replacements)) {
    replacement.setType(result.getType());
    result.replaceAllUsesWith(replacement);
  }
  loop.erase();
}

/// A conditional loop as one of a fixed number of steps: a further carry says whether the loop is still running, and a step
/// that does not count keeps its carries and stacks zeros.
static LoopOp makeUnconditional(LoopOp loop) {
  OpBuilder builder(loop);
  Value running = createFilled(builder, loop.getLoc(), 1, builder.getI1Type());
  SmallVector<Value> carries(loop.getCarries());
  carries.push_back(running);
  unsigned count = loop.getCarryCount();
  auto body = [&](OpBuilder &inner, Location location, LoopArguments arguments) {
    IRMapping mapping;
    mapArguments(loop, arguments, mapping);
    SmallVector<Value> values = cloneBody(loop.getBody().front(), mapping, inner);
    Term go{&inner, location, AndOp::create(inner, location, arguments.carries[count], values.pop_back_val())};
    for (auto [index, value] : llvm::enumerate(values)) {
      Term next = go.with(value), other = index < count ? go.with(arguments.carries[index]) : next.filled(0);
      Term mask = go.make<BroadcastOp>(go, extentsOf(value.getType()), ArrayRef<int64_t>());
      values[index] = select(mask, next, other);
    }
    values.insert(values.begin() + count, go);
    YieldOp::create(inner, location, values);
  };
  auto made = LoopOp::create(builder, loop.getLoc(), loop.getCount(), carries, loop.getScanned(),
                             loop.getInvariants(), /*conditional=*/false, body);
  SmallVector<Value> results(made.getResults());
  results.erase(results.begin() + count);
  replaceLoop(loop, results);
  return made;
}

Value xfer::nn::stackedCarry(LoopOp loop, unsigned index) {
  for (auto [position, value] : llvm::enumerate(loop.getYieldedStacked()))
    if (value == loop.getBodyArguments().carries[index])
      return loop.getResult(loop.getCarryCount() + position);
  return {};
}

static void stackCarries(LoopOp loop) {
  SmallVector<Value> missing;
  for (unsigned index = 0; index < loop.getCarryCount(); ++index)
    if (!stackedCarry(loop, index) && !llvm::is_contained(missing, loop.getBodyArguments().carries[index]))
      missing.push_back(loop.getBodyArguments().carries[index]);
  if (missing.empty())
    return;
  OpBuilder builder(loop);
  SmallVector<Type> types(loop.getResultTypes());
  for (Value carry : missing) {
    Extents extents = extentsOf(carry.getType());
    extents.insert(extents.begin(), Extent(int64_t(loop.getCount())));
    types.push_back(withExtents(carry.getType(), extents));
  }
  auto made = LoopOp::create(builder, loop.getLoc(), types, loop.getCountAttr(), loop.getCarries(), loop.getScanned(),
                             loop.getInvariants(), loop.getConditionalAttr());
  made.getBody().takeBody(loop.getBody());
  made.getYield()->insertOperands(made.getYield().getNumOperands(), missing);
  replaceLoop(loop, made.getResults().take_front(loop.getNumResults()));
}

void xfer::nn::prepareLoops(Block &block, ValueRange outputs, ValueRange wrt) {
  DenseSet<Value> active = activeValues(block, wrt), useful = usefulValues(block, outputs);
  SmallVector<LoopOp> loops;
  for (LoopOp loop : block.getOps<LoopOp>())
    if (llvm::any_of(loop.getResults(),
                     [&](Value result) { return active.contains(result) && useful.contains(result); }))
      loops.push_back(loop);
  for (LoopOp loop : loops)
    stackCarries(loop.getConditional() ? makeUnconditional(loop) : loop);
}
