//===- HoistProducts.cpp - the pass nn-hoist-products ------------------------------------------------------------===//
//
// A loop that multiplies each scanned value by something that stays the same makes many little products; one product of
// all scanned values before the loop is faster, and so are its derivatives. The scan's axis becomes a free axis of the
// operand that is scanned, and comes to the front of the result, where the loop walks along it.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_HOISTPRODUCTSPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

/// The operand of `loop` that the body sees as `value`, where that is one of `arguments`; null for what the body
/// computes.
static Value outside(Value value, ValueRange arguments, ValueRange operands) {
  for (auto [argument, operand] : llvm::zip_equal(arguments, operands))
    if (argument == value)
      return operand;
  return {};
}

/// Axes of one step, counted in the stack of all steps.
static SmallVector<int64_t> shifted(ArrayRef<int64_t> axes, bool isScanned) {
  return llvm::map_to_vector(axes, [&](int64_t axis) { return axis + isScanned; });
}

/// The products of all steps, [steps, ..]; null where `contract` is no product of a scanned value and an invariant.
static Value productOfAll(ContractOp contract, LoopOp loop, OpBuilder &builder) {
  LoopArguments arguments = loop.getBodyArguments();
  Value lhs = outside(contract.getA(), arguments.scanned, loop.getScanned()),
        rhs = outside(contract.getB(), arguments.scanned, loop.getScanned());
  bool isLeft = bool(lhs);
  if (isLeft == bool(rhs))
    return {};
  (isLeft ? rhs : lhs) =
      outside(isLeft ? contract.getB() : contract.getA(), arguments.invariants, loop.getInvariants());
  if (!lhs || !rhs)
    return {};
  auto product =
      ContractOp::create(builder, contract.getLoc(), lhs, rhs, shifted(contract.getLhsBatch(), isLeft),
                         shifted(contract.getRhsBatch(), !isLeft), shifted(contract.getLhsContract(), isLeft),
                         shifted(contract.getRhsContract(), !isLeft));
  product.setAccumulator(contract.getAccumulator());
  // The result has the batch axes, then the free ones of the left side, then those of the right side.
  int64_t steps = contract.getLhsBatch().size() + (isLeft ? 0 : contract.getLhsFree().size());
  if (steps == 0)
    return product;
  SmallVector<int64_t> permutation{steps};
  for (int64_t axis = 0; axis < product.getType().getRank(); ++axis)
    if (axis != steps)
      permutation.push_back(axis);
  return TransposeOp::create(builder, contract.getLoc(), product, permutation);
}

static void hoistProducts(LoopOp loop) {
  OpBuilder builder(loop);
  Block &body = loop.getBody().front();
  SmallVector<std::pair<ContractOp, Value>> products;
  for (ContractOp contract : body.getOps<ContractOp>())
    if (Value all = productOfAll(contract, loop, builder))
      products.push_back({contract, all});
  if (products.empty())
    return;
  SmallVector<Value> scanned(loop.getScanned());
  for (auto [contract, all] : products) {
    unsigned place = 1 + loop.getCarryCount() + scanned.size();
    contract.replaceAllUsesWith(body.insertArgument(place, contract.getType(), contract.getLoc()));
    contract.erase();
    scanned.push_back(all);
  }
  auto made = LoopOp::create(builder, loop.getLoc(), loop.getResultTypes(), loop.getCountAttr(), loop.getCarries(),
                             scanned, loop.getInvariants(), loop.getConditionalAttr());
  made.getBody().takeBody(loop.getBody());
  replaceLoop(loop, made.getResults());
}

namespace {
struct HoistProductsPass : xfer::impl::HoistProductsPassBase<HoistProductsPass> {
  void runOnOperation() override {
    SmallVector<LoopOp> loops;
    getOperation().walk([&](LoopOp loop) {
      if (!loop.getConditional()) // which may end before it has used them
        loops.push_back(loop);
    });
    for (LoopOp loop : loops)
      hoistProducts(loop);
  }
};
} // namespace
