//===- PrepareLoops.cpp - the form of a loop that its derivative needs ------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"

using namespace mlir;
using namespace xfer::nn;

Value xfer::nn::stackOf(LoopOp loop, Value inBody) {
  for (auto [position, value] : llvm::enumerate(loop.getYieldedStacked()))
    if (value == inBody)
      return loop.getResult(loop.getCarryCount() + position);
  return {};
}

// To write an element and to read it again, backwards, takes about as long as so many multiplications.
static constexpr int64_t leastMultiplications = 16;

static int64_t product(ArrayRef<int64_t> extents) {
  int64_t result = 1;
  for (int64_t extent : extents)
    result *= ShapedType::isDynamic(extent) ? leastMultiplications : extent;
  return result;
}

// Multiplications for an element of the result.
static int64_t multiplications(Operation &op) {
  if (auto contract = dyn_cast<ContractOp>(op))
    return product(llvm::map_to_vector(contract.getLhsContract(),
                                       [&](int64_t axis) { return contract.getA().getType().getDimSize(axis); }));
  if (auto conv = dyn_cast<ConvOp>(op))
    return product(conv.getW().getType().getShape().drop_back());
  return 0;
}

SmallVector<Value> xfer::nn::keptProducts(LoopOp loop) {
  SmallVector<Value> kept;
  for (Operation &op : loop.getBody().front())
    if (multiplications(op) >= leastMultiplications)
      kept.push_back(op.getResult(0));
  return kept;
}

static void stack(LoopOp loop, bool keepProducts) {
  SmallVector<Value> wanted(loop.getBodyArguments().carries);
  if (keepProducts)
    llvm::append_range(wanted, keptProducts(loop));
  SmallVector<Value> missing;
  for (Value value : wanted)
    if (!stackOf(loop, value) && !llvm::is_contained(missing, value))
      missing.push_back(value);
  if (missing.empty())
    return;
  OpBuilder builder(loop);
  SmallVector<Type> types(loop.getResultTypes());
  for (Value value : missing) {
    Extents extents = extentsOf(value.getType());
    extents.insert(extents.begin(), Extent(int64_t(loop.getCount())));
    types.push_back(withExtents(value.getType(), extents));
  }
  auto made = LoopOp::create(builder, loop.getLoc(), types, loop.getCountAttr(), loop.getCarries(), loop.getScanned(),
                             loop.getInvariants(), loop.getConditionalAttr());
  made.getBody().takeBody(loop.getBody());
  made.getYield()->insertOperands(made.getYield().getNumOperands(), missing);
  replaceLoop(loop, made.getResults().take_front(loop.getNumResults()));
}

void xfer::nn::prepareLoops(Block &block, ValueRange outputs, ValueRange wrt, bool keepProducts) {
  DenseSet<Value> active = activeValues(block, wrt), useful = usefulValues(block, outputs);
  SmallVector<LoopOp> loops;
  for (LoopOp loop : block.getOps<LoopOp>())
    if (llvm::any_of(loop.getResults(),
                     [&](Value result) { return active.contains(result) && useful.contains(result); }))
      loops.push_back(loop);
  for (LoopOp loop : loops)
    stack(loop.getConditional() ? makeUnconditional(loop) : loop, keepProducts);
}
