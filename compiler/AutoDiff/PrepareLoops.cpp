//===- PrepareLoops.cpp - the form of a loop that its derivative needs ------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"

using namespace mlir;
using namespace xfer::nn;

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
