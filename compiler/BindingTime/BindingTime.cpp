//===- BindingTime.cpp - when a value can be computed, and over what ----------------------------------------------===//

#include "compiler/BindingTime/BindingTime.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

StringRef toString(When when) {
  static constexpr StringLiteral names[] = {"compile", "launch", "load", "stage", "epoch", "step"};
  return names[static_cast<unsigned>(when)];
}

std::string ProgramWrites::keyOf(BindAttr bind) {
  return (stringifyBindKind(bind.getKind()) + " " + bind.getName()).str();
}

ProgramWrites::ProgramWrites(ModuleOp module) {
  SymbolTable symbols(module);
  auto eachWrite = [&](StringRef name, llvm::function_ref<void(StringRef)> visit) {
    auto function = symbols.lookup<func::FuncOp>(name);
    for (unsigned i = 0, e = function ? function.getNumResults() : 0; i != e; ++i)
      if (BindAttr bind = getResultBind(function, i))
        visit(keyOf(bind));
  };
  // A pass that makes first values and runs in the program's order too, behind the loading of weights, writes there.
  llvm::StringSet<> inOrder;
  module.walk([&](RunOp run) {
    if (run.getKind() == "pass")
      inOrder.insert(run.getName());
  });
  for (PassOp pass : module.getOps<PassOp>()) {
    if (!pass.getFunction())
      continue;
    if (pass.getAt())
      early.insert(*pass.getFunction());
    if (!pass.getAt() || inOrder.contains(pass.getName()))
      eachWrite(*pass.getFunction(), [&](StringRef key) { everywhere.insert(key); });
  }
  for (StageOp stage : module.getOps<StageOp>()) {
    llvm::StringSet<> written;
    for (auto phase : stage.getPhases().getAsRange<PhaseAttr>())
      eachWrite(phase.getFunction().getValue(), [&](StringRef key) {
        everywhere.insert(key);
        written.insert(key);
      });
    for (auto periodic : stage.getPeriodic().getAsRange<PeriodicAttr>())
      for (PassOp pass : module.getOps<PassOp>())
        if (pass.getName() == periodic.getPass() && pass.getFunction())
          eachWrite(*pass.getFunction(), [&](StringRef key) { written.insert(key); });
    for (auto phase : stage.getPhases().getAsRange<PhaseAttr>())
      byFunction[phase.getFunction().getValue()] = written;
  }
}

bool ProgramWrites::isWrittenBeside(func::FuncOp function, BindAttr bind) const {
  auto found = byFunction.find(function.getSymName());
  return found == byFunction.end() ? isWritten(bind) : found->second.contains(keyOf(bind));
}

When BindingTimes::ofArgument(BindAttr bind, const ProgramWrites &writes) const {
  switch (bind.getKind()) {
  case BindKind::Option:
    return When::Launch;
  case BindKind::Param:
  case BindKind::State:
    return !writes.isWritten(bind) ? When::Load : !writes.isWrittenBeside(function, bind) ? When::Stage : When::Step;
  case BindKind::Batch:
  case BindKind::Index:
  case BindKind::Column:
  case BindKind::Hoisted:
    return When::Load;
  case BindKind::Counter:
    return bind.getName() == "steps" || bind.getName() == "epochs"  ? When::Stage
           : bind.getName() == "epoch" || bind.getName() == "stale" ? When::Epoch
                                                                    : When::Step;
  case BindKind::Key:
    return bind.getViews() ? When::Stage : When::Epoch;
  case BindKind::Extent: // known when the data is opened, which a load pass need not wait for
    return When::Stage;
  default:
    return When::Step;
  }
}

static bool hasDynamicExtent(TypeRange types) {
  return llvm::any_of(types, [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && !tensor.hasStaticShape();
  });
}

BindingTimes::BindingTimes(func::FuncOp function, const ProgramWrites &writes) : function(function) {
  auto hasRows = [&](unsigned argument) {
    BindKind kind = getArgumentBind(function, argument).getKind();
    return kind == BindKind::Batch || kind == BindKind::Index || kind == BindKind::Key || kind == BindKind::Input ||
           kind == BindKind::Column || kind == BindKind::Whole || kind == BindKind::Rows;
  };
  // Sources are told apart by their names, and numbered as they come.
  llvm::StringMap<int> numbers;
  RowWiseAnalysis rows(function, [&](Value value) -> int {
    auto argument = dyn_cast<BlockArgument>(value);
    if (!argument || !hasRows(argument.getArgNumber()))
      return -1;
    StringRef name = getSourceName(getArgumentBind(function, argument.getArgNumber()));
    return numbers.try_emplace(name, numbers.size()).first->second;
  });
  auto over = [&](Value value) {
    RowState state = rows.stateOf(value);
    return state.knowsNoSample() ? Over::Nothing : state.isRow() ? Over::Sample : Over::Batch;
  };
  for (BlockArgument argument : function.getArguments())
    times[argument] = {ofArgument(getArgumentBind(function, argument.getArgNumber()), writes), over(argument)};
  for (Operation &op : function.getBody().front()) {
    When when = When::Compile;
    for (Value operand : op.getOperands())
      when = std::max(when, of(operand).when);
    // ones([n]) out of nothing: its extent is known when the data is opened.
    if (hasDynamicExtent(op.getResultTypes()) && !hasDynamicExtent(op.getOperandTypes()))
      when = std::max(when, When::Stage);
    for (Value result : op.getResults())
      times[result] = {when, over(result)};
  }
}

} // namespace xfer
