//===- Hoist.cpp - compute at launch or load what does not change afterwards --------------------------------------===//

#include "compiler/BindingTime/BindingTime.h"
#include "compiler/BindingTime/Outline.h"
#include "compiler/BindingTime/Passes.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

#define GEN_PASS_DEF_HOIST
#include "compiler/BindingTime/Passes.h.inc"

namespace {

bool isView(Operation *op) { return isa<nn::BroadcastOp, nn::ReshapeOp, nn::AnnotateOp>(op); }

class Hoister {
public:
  Hoister(func::FuncOp function, const ProgramWrites &writes);

  void run() {
    for (When when : {When::Launch, When::Load})
      hoist(when);
  }

private:
  bool isAt(Value value, When when) {
    BindingTime time = times.of(value);
    return time.over == Over::Nothing && std::max(time.when, When::Launch) == when && !ofData.contains(value);
  }
  llvm::SetVector<Value> findBorder(When when);
  void hoist(When when);

  func::FuncOp function;
  BindingTimes times;
  unsigned count = 0;
  /// What depends on samples. They are there at `load` as well, but belong to the sources of their pass.
  llvm::DenseSet<Value> ofData;
  /// What is cheaper to compute again than to keep: constants, counters, and views of them and what is computed from
  /// them element by element.
  llvm::DenseSet<Value> cheap;
};

Hoister::Hoister(func::FuncOp function, const ProgramWrites &writes) : function(function), times(function, writes) {
  for (BlockArgument argument : function.getArguments()) {
    BindKind kind = getArgumentBind(function, argument.getArgNumber()).getKind();
    if (kind == BindKind::Batch || kind == BindKind::Index || kind == BindKind::Column || kind == BindKind::Whole ||
        kind == BindKind::Sum)
      ofData.insert(argument);
  }
  for (Operation &op : function.getBody().front()) {
    auto isIn = [](const llvm::DenseSet<Value> &set) { return [&](Value value) { return set.contains(value); }; };
    bool isOfElements = isView(&op) || op.hasTrait<nn::PerElement>();
    if (llvm::any_of(op.getOperands(), isIn(ofData)))
      ofData.insert(op.result_begin(), op.result_end());
    if (isa<nn::ConstantOp, nn::IotaOp>(op) || (isOfElements && llvm::all_of(op.getOperands(), isIn(cheap))))
      cheap.insert(op.result_begin(), op.result_end());
  }
}

/// What ops that run later read and is worth keeping; views are followed to what they show.
llvm::SetVector<Value> Hoister::findBorder(When when) {
  llvm::SetVector<Value> border;
  for (Operation &op : function.getBody().front()) {
    bool isLater = op.getNumResults() == 0 || times.of(op.getResult(0)).when > When::Load ||
                   times.of(op.getResult(0)).over != Over::Nothing;
    if (!isLater)
      continue;
    for (Value operand : op.getOperands()) {
      while (operand.getDefiningOp() && isView(operand.getDefiningOp()))
        operand = operand.getDefiningOp()->getOperand(0);
      auto type = cast<RankedTensorType>(operand.getType());
      if (operand.getDefiningOp() && isAt(operand, when) && !cheap.contains(operand) && type.hasStaticShape())
        border.insert(operand);
    }
  }
  return border;
}

void Hoister::hoist(When when) {
  llvm::SetVector<Value> border = findBorder(when);
  if (border.empty())
    return;
  MLIRContext *context = function.getContext();
  SmallVector<BoundValue> results;
  for (Value value : border) {
    std::string id = (function.getSymName() + "." + Twine(count++)).str();
    results.push_back({value, BindAttr::get(context, BindKind::Hoisted, id)});
  }
  std::string name = (function.getSymName() + "." + toString(when)).str();
  func::FuncOp early = outline(function, name, {}, results, [](Value value) { return value.getType(); });
  OpBuilder builder(function);
  builder.setInsertionPointAfter(early);
  PassOp::create(builder, function.getLoc(), name, builder.getStringAttr(toString(when)), builder.getArrayAttr({}),
                 FlatSymbolRefAttr::get(early));
  for (auto &[value, bind] : results) {
    unsigned index = function.getNumArguments();
    auto attributes = builder.getDictionaryAttr(builder.getNamedAttr(kBindAttr, bind));
    (void)function.insertArgument(index, value.getType(), attributes, value.getLoc());
    times.set(function.getArgument(index), times.of(value));
    Value(value).replaceAllUsesWith(function.getArgument(index));
  }
}

struct Hoist : impl::HoistBase<Hoist> {
  void runOnOperation() override {
    ProgramWrites writes(getOperation());
    for (auto function : llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      bool isBound = function.getNumResults() > 0 && getResultBind(function, 0);
      if (isBound && !writes.isEarly(function))
        Hoister(function, writes).run();
    }
  }
};

} // namespace
} // namespace xfer
