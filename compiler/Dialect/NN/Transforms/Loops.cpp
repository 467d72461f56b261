//===- Loops.cpp - rewrites of loops that several rooms need ----------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace xfer::nn;

SmallVector<Value> xfer::nn::cloneBody(Block &body, IRMapping &mapping, OpBuilder &builder) {
  for (Operation &op : body.without_terminator())
    builder.clone(op, mapping);
  return llvm::map_to_vector(body.getTerminator()->getOperands(),
                             [&](Value value) { return mapping.lookupOrDefault(value); });
}

bool xfer::nn::isScannedReverse(Operation *op) {
  auto reverse = dyn_cast<ReverseOp>(op);
  if (!reverse || reverse.getAxes() != ArrayRef<int64_t>{0} || op->use_empty())
    return false;
  return llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto loop = dyn_cast<LoopOp>(use.getOwner());
    return loop && llvm::is_contained(loop.getScanned(), use.get()) &&
           !llvm::is_contained(loop.getCarries(), use.get()) && !llvm::is_contained(loop.getInvariants(), use.get());
  });
}

void xfer::nn::replaceLoop(LoopOp loop, ValueRange replacements) {
  for (auto [result, replacement] : llvm::zip_equal(loop.getResults(), replacements)) {
    replacement.setType(result.getType());
    result.replaceAllUsesWith(replacement);
  }
  loop.erase();
}

LoopOp xfer::nn::makeUnconditional(LoopOp loop) {
  OpBuilder builder(loop);
  SmallVector<Value> carries(loop.getCarries());
  carries.push_back(createFilled(builder, loop.getLoc(), 1, builder.getI1Type()));
  unsigned count = loop.getCarryCount();
  auto body = [&](OpBuilder &inner, Location location, LoopArguments arguments) {
    IRMapping mapping;
    LoopArguments own = loop.getBodyArguments();
    mapping.map(own.index, arguments.index);
    mapping.map(own.carries, arguments.carries.take_front(count));
    mapping.map(own.scanned, arguments.scanned);
    mapping.map(own.invariants, arguments.invariants);
    SmallVector<Value> values = cloneBody(loop.getBody().front(), mapping, inner);
    Value go = AndOp::create(inner, location, arguments.carries[count], values.pop_back_val());
    for (auto [index, value] : llvm::enumerate(values)) {
      Value other =
          index < count ? Value(arguments.carries[index]) : createFilledLike(inner, location, 0, value.getType());
      Value mask = BroadcastOp::create(inner, location, go, extentsOf(value.getType()), ArrayRef<int64_t>());
      values[index] = SelectOp::create(inner, location, mask, value, other);
    }
    values.insert(values.begin() + count, go);
    YieldOp::create(inner, location, values);
  };
  auto made = LoopOp::create(builder, loop.getLoc(), loop.getCount(), carries, loop.getScanned(), loop.getInvariants(),
                             /*conditional=*/false, body);
  SmallVector<Value> results(made.getResults());
  results.erase(results.begin() + count);
  replaceLoop(loop, results);
  return made;
}
