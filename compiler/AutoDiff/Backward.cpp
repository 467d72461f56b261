//===- Backward.cpp - reverse accumulation over a block ---------------------------------------------------------===//

#include "compiler/AutoDiff/Backward.h"

using namespace mlir;
using namespace xfer::nn;

const RuleTable &RuleTable::get() {
  static const RuleTable table = [] {
    RuleTable rules;
    addElementwiseRules(rules);
    addStructuralRules(rules);
    addReductionRules(rules);
    addContractionRules(rules);
    addLinearAlgebraRules(rules);
    addRegionRules(rules);
    return rules;
  }();
  return table;
}

const RuleTable::Rule *RuleTable::find(Operation *op) const {
  auto found = rules.find(op->getName().getStringRef());
  return found == rules.end() ? nullptr : &found->second;
}

static bool isDifferentiable(OpOperand &operand) {
  auto op = dyn_cast<NNOpInterface>(operand.getOwner());
  return op && op.getDerivativeKind(operand.getOperandNumber()) == DerivativeKind::Some;
}

DenseSet<Value> xfer::nn::activeValues(Block &block, ValueRange from) {
  DenseSet<Value> active(from.begin(), from.end());
  for (Operation &op : block)
    if (llvm::any_of(op.getOpOperands(),
                     [&](OpOperand &operand) { return active.contains(operand.get()) && isDifferentiable(operand); }))
      for (Value result : op.getResults())
        if (isFloat(result.getType()))
          active.insert(result);
  return active;
}

DenseSet<Value> xfer::nn::usefulValues(Block &block, ValueRange outputs) {
  DenseSet<Value> useful(outputs.begin(), outputs.end());
  for (Operation &op : llvm::reverse(block))
    if (llvm::any_of(op.getResults(), [&](Value result) { return useful.contains(result); }))
      for (OpOperand &operand : op.getOpOperands())
        if (isDifferentiable(operand))
          useful.insert(operand.get());
  return useful;
}

namespace {
class ReverseAccumulation {
public:
  ReverseAccumulation(ValueRange wrt, OpBuilder &builder, Location caller, bool keepProducts)
      : active(activeValues(*builder.getInsertionBlock(), wrt)), builder(builder), caller(caller),
        keepProducts(keepProducts) {}

  void contribute(Value value, Value cotangent, Location location) {
    Value &sum = cotangents[value];
    sum = sum ? Value(AddOp::create(builder, location, sum, cotangent)) : cotangent;
  }

  LogicalResult run() {
    SmallVector<Operation *> ops;
    for (auto it = builder.getInsertionBlock()->begin(); it != builder.getInsertionPoint(); ++it)
      ops.push_back(&*it);
    for (Operation *op : llvm::reverse(ops))
      if (failed(visit(op)))
        return failure();
    return success();
  }

  Value of(Value value) const { return cotangents.lookup(value); }

private:
  bool wants(OpOperand &operand) const { return active.contains(operand.get()) && isDifferentiable(operand); }

  LogicalResult visit(Operation *op) {
    SmallVector<Value> given = llvm::map_to_vector(op->getResults(), [&](Value result) { return of(result); });
    bool useful = llvm::any_of(given, [](Value value) { return bool(value); });
    if (!useful || llvm::none_of(op->getOpOperands(), [&](OpOperand &operand) { return wants(operand); }))
      return success();
    const RuleTable::Rule *rule = RuleTable::get().find(op);
    if (!rule)
      return op->emitError("no derivative rule for '") << op->getName() << "'";
    Location location = CallSiteLoc::get(op->getLoc(), caller);
    auto wantsValue = [&](Value value) { return active.contains(value); };
    RuleContext context{builder, location, wantsValue, keepProducts};
    Cotangents found = (*rule)(op, given, context);
    if (context.failed)
      return failure();
    for (auto [operand, cotangent] : llvm::zip_equal(op->getOpOperands(), found))
      if (cotangent && wants(operand))
        contribute(operand.get(), cotangent, location);
    return success();
  }

  DenseSet<Value> active;
  DenseMap<Value, Value> cotangents;
  OpBuilder &builder;
  Location caller;
  bool keepProducts;
};
} // namespace

FailureOr<Cotangents> xfer::nn::backward(ValueRange outputs, ArrayRef<Value> seeds, ValueRange wrt, OpBuilder &builder,
                                         Location caller, bool keepProducts) {
  ReverseAccumulation accumulation(wrt, builder, caller, keepProducts);
  for (auto [output, seed] : llvm::zip_equal(outputs, seeds))
    if (seed)
      accumulation.contribute(output, seed, caller);
  if (failed(accumulation.run()))
    return failure();
  return llvm::to_vector_of<Value, 4>(llvm::map_range(wrt, [&](Value value) { return accumulation.of(value); }));
}
