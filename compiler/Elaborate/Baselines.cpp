//===- Baselines.cpp - stages to compare with --------------------------------------------------------------------===//
//
// `baseline NAME of STAGE { .. }` is that stage again, with other clauses in place of what trains it. A program that
// reports a `transfer_gain` and names no baseline is compared with what its last stage is without what it adds to its
// task: `baseline task_only of STAGE { minimize task }`, where the stage has a `loss task`.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Does the block of a baseline stand in place of this clause? What only keeps values (`hold`, `update`) stays.
static bool isReplacedByBaseline(const Clause &clause) {
  return llvm::isa<dsl::MinimizeItem, dsl::ApplyItem, dsl::RunItem, dsl::RepeatItem>(clause.item);
}

/// The clauses that move parameters, those in a `repeat` too.
static void collectMoves(const Clause &clause, std::vector<Clause> &moves) {
  if (auto *repeat = llvm::dyn_cast<dsl::RepeatItem>(clause.item))
    for (const dsl::ItemPtr &item : repeat->body->items)
      collectMoves({item.get(), clause.scope}, moves);
  else if (llvm::isa<dsl::MinimizeItem, dsl::ApplyItem>(clause.item))
    moves.push_back(clause);
}

/// `baseline NAME of STAGE { ... }`: the stage again, with the block's clauses in place of what trains it. They stand
/// where the first of those stood, so that an `update` behind them still sees what they left.
void Pipeline::makeBaseline(const Node<dsl::BaselineItem> &node) {
  StageInfo *of = findStage(node.item->stage, node.scope);
  if (!of)
    return;
  if (!of->baselineOf.empty()) {
    error(node.item->stage.range, "unknown-stage", "'" + of->name + "' is a baseline itself; name the stage");
    return;
  }
  if (stages.count(node.name)) {
    error(node.item->name.range, "duplicate-name", "'" + node.name + "' is a stage already");
    return;
  }
  if (!node.item->body)
    return;
  StageInfo baseline = *of;
  baseline.name = node.name;
  baseline.baselineOf = of->name;
  auto firstReplaced = llvm::find_if(of->acts, isReplacedByBaseline);
  std::vector<Clause> behind(firstReplaced, of->acts.end());
  for (const Clause &clause : behind)
    collectMoves(clause, baseline.replaced);
  llvm::erase_if(behind, isReplacedByBaseline);
  baseline.acts.assign(of->acts.begin(), firstReplaced);
  // A clause of the block replaces the stage's own of that kind.
  for (const dsl::ItemPtr &item : node.item->body->items) {
    if (llvm::isa<dsl::OptimizerItem>(item.get()))
      baseline.optimizers.clear();
    if (llvm::isa<dsl::ScheduleItem>(item.get()))
      baseline.schedule.reset();
    if (llvm::isa<dsl::EpochsItem, dsl::StepsItem>(item.get())) {
      baseline.epochs.reset();
      baseline.steps.reset();
    }
    if (llvm::isa<dsl::KeepItem>(item.get()))
      baseline.keep.reset();
    if (llvm::isa<dsl::StopItem>(item.get()))
      baseline.stop.reset();
    if (llvm::isa<dsl::MemoryItem>(item.get()))
      baseline.memory.reset();
  }
  gatherStage(baseline, node.item->body->items);
  llvm::append_range(baseline.acts, behind);
  stages.emplace(node.name, std::move(baseline));
}

/// Does an evaluation report what only a baseline gives?
static bool reportsGain(const dsl::EvaluateItem &item) {
  return llvm::any_of(item.body->items, [](const dsl::ItemPtr &clause) {
    auto *report = llvm::dyn_cast<dsl::ReportItem>(clause.get());
    return report && llvm::any_of(report->figures, [](const dsl::ReportItem::Figure &figure) {
             auto *name = llvm::dyn_cast<dsl::NameExpr>(figure.value.get());
             return name && name->name == "transfer_gain";
           });
  });
}

/// Does the stage minimize a `loss task` and something more?
static bool addsToTask(const StageInfo &stage) {
  if (!llvm::is_contained(stage.losses, "task"))
    return false;
  std::vector<Clause> replaced;
  llvm::copy_if(stage.acts, std::back_inserter(replaced), isReplacedByBaseline);
  if (replaced.size() != 1)
    return !replaced.empty();
  auto *minimize = llvm::dyn_cast<dsl::MinimizeItem>(replaced.front().item);
  auto *name = minimize ? llvm::dyn_cast<dsl::NameExpr>(minimize->value.get()) : nullptr;
  return !name || name->name != "task";
}

void Pipeline::implyBaseline() {
  if (!baselines.empty())
    return;
  auto compares = llvm::find_if(order, [](const Acting &acting) {
    return acting.kind == Acting::Evaluate && reportsGain(llvm::cast<dsl::EvaluateItem>(*acting.item));
  });
  if (compares == order.end())
    return;
  auto last = std::find_if(std::make_reverse_iterator(compares), order.rend(),
                           [](const Acting &acting) { return acting.kind == Acting::Stage; });
  auto *stage = last == order.rend() ? nullptr : llvm::cast<dsl::StageItem>(last->item);
  if (!stage || !stage->slot.steps.empty() || !addsToTask(stages[last->name]))
    return;
  // It reads as if it stood at the loss that it minimizes.
  const Definition &loss = stages[last->name].definitions.at("task");
  dsl::SourceRange range = llvm::cast<dsl::LossItem>(loss.item)->name.range;
  auto task = std::make_unique<dsl::NameExpr>();
  task->name = "task";
  task->range = range;
  auto minimize = std::make_unique<dsl::MinimizeItem>();
  minimize->value = std::move(task);
  minimize->range = minimize->keyword = range;
  implied = std::make_unique<dsl::BaselineItem>();
  implied->range = implied->keyword = range;
  implied->name = {"task_only", range};
  implied->stage.base = stage->slot.base;
  implied->stage.range = range;
  implied->body = std::make_unique<dsl::Block>();
  implied->body->range = range;
  implied->body->items.push_back(std::move(minimize));
  ScopePtr scope = last->scope;
  order.insert(last.base(), Acting{Acting::Baseline, implied->name.text, implied.get(), scope});
  baselines.push_back({implied.get(), scope, implied->name.text});
}

} // namespace xfer
