//===- StageFunctions.cpp - the step functions of a stage, one for each phase -------------------------------------===//
//
// A phase is a span of the run in which the same leaves are frozen. Its step function is elaborated with just those
// frozen, so that nothing of their backward code exists.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Formulas.h"
#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

//===--- discovery ----------------------------------------------------------------------------------------------===//

/// Elaborates everything that a stage says, to find modules, parameters and mistakes; nothing is kept.
void Pipeline::discoverStage(StageInfo &stage) {
  placeRewritten(stage);
  BuildContext build;
  build.stage = &stage;
  build.sources = stage.sources;
  build.counters = true;
  build.broken = stage.broken;
  ContextGuard guard(current, &build);
  {
    FunctionBuilder function(*module, "discover." + stage.name, location(stage.item->slot.range));
    function.training = true;
    evaluator.functions.push_back(&function);
    for (const Clause &clause : stage.states) {
      auto &state = llvm::cast<dsl::StateItem>(*clause.item);
      if (std::optional<std::string> name = evaluator.slotName(state.slot, clause.scope))
        declareState(state, clause.scope, stage.name + "." + *name, "stage:" + stage.name);
    }
    std::function<void(const dsl::Item &, const ScopePtr &)> visit = [&](const dsl::Item &item, const ScopePtr &scope) {
      if (auto *minimize = llvm::dyn_cast<dsl::MinimizeItem>(&item))
        evaluator.evaluate(*minimize->value, scope);
      else if (auto *run = llvm::dyn_cast<dsl::RunItem>(&item))
        evaluator.evaluate(*run->value, scope);
      else if (auto *hold = llvm::dyn_cast<dsl::HoldItem>(&item))
        build.holds[hold->name.text] = evaluator.evaluate(*hold->value, scope);
      else if (auto *apply = llvm::dyn_cast<dsl::ApplyItem>(&item))
        evaluator.evaluate(*apply->value, scope);
      else if (auto *update = llvm::dyn_cast<dsl::UpdateItem>(&item))
        assign(update->slot, scope, evaluator.evaluate(*update->value, scope), update->value->range);
      else if (auto *repeat = llvm::dyn_cast<dsl::RepeatItem>(&item))
        eachItem(repeat->body->items, scope, visit);
    };
    for (const Clause &clause : stage.acts)
      visit(*clause.item, clause.scope);
    // Behind the clauses, as a definition may read what they hold; those that no clause reads are looked at too.
    build.onlyLooks = true;
    for (const std::string &name : stage.definitionOrder)
      evaluateDefinition(name, stage.definitions.at(name), stage.definitions.at(name).value->range);
    build.onlyLooks = false;
    for (const Clause &clause : stage.watches)
      if (auto &watch = llvm::cast<dsl::WatchItem>(*clause.item); watch.over.empty())
        evaluator.evaluate(*watch.value, clause.scope);
    evaluator.functions.pop_back();
    function.erase();
  }
  buildTimedUpdates(stage);
  buildFigures(stage);
  discoverWeights(stage.sources);
}

//===--- building -----------------------------------------------------------------------------------------------===//

Attribute Pipeline::lengthOf(const Clause &clause) {
  const dsl::Expr &expression = *llvm::cast<dsl::SettingItem>(*clause.item).value;
  if (auto *name = llvm::dyn_cast<dsl::NameExpr>(&expression))
    for (const Option &option : optionList)
      if (option.name == name->name) {
        if (option.kind == "int")
          return pipeline::OptionRefAttr::get(&context, option.name);
        error(expression.range, "wrong-type",
              "a number of epochs or steps is an int; '" + option.name + "' is a " + option.kind);
        return nullptr;
      }
  Value value = evaluator.evaluate(expression, clause.scope);
  std::optional<int64_t> count = value.asInteger();
  if (count && *count >= 1 && llvm::isInt<32>(*count))
    return builder.getI64IntegerAttr(*count);
  if (!value.isPoison())
    error(expression.range, "wrong-type",
          "a number of epochs or steps is an int from 1 to 2^31 - 1, or a 'param' that is one");
  return nullptr;
}

std::map<std::string, FreezeLimit> Pipeline::freezeLimits(const StageInfo &stage) {
  std::map<std::string, FreezeLimit> limits;
  for (const std::string &path : modelFrozen)
    limits[path].always = true;
  for (const Clause &clause : stage.freezes) {
    auto &freeze = llvm::cast<dsl::FreezeItem>(*clause.item);
    std::set<std::string> frozen;
    std::optional<std::vector<Leaf *>> leaves = select(evaluator, freeze.selectors, clause.scope, &frozen);
    int64_t until = 0;
    if (freeze.until) {
      std::optional<int64_t> number = evaluator.evaluateInt(*freeze.until, clause.scope, 0, INT32_MAX, "wrong-type",
                                                            "'until' wants an int from 0 to 2^31 - 1");
      if (!number)
        continue;
      until = *number;
    }
    for (Leaf *leaf : leaves.value_or(std::vector<Leaf *>()))
      frozen.insert(leaf->path);
    for (const std::string &path : frozen) {
      FreezeLimit &limit = limits[path];
      limit.always |= !freeze.until;
      int64_t &bound = freeze.unit == dsl::FreezeItem::Unit::Step ? limit.step : limit.epoch;
      bound = std::max(bound, until);
    }
  }
  return limits;
}

std::set<std::string> Pipeline::finallyFrozen(const StageInfo &stage) {
  std::set<std::string> frozen;
  for (auto &[path, limit] : freezeLimits(stage))
    if (limit.always)
      frozen.insert(path);
  return frozen;
}

/// Watches see the step as the batch found it, and propose nothing: the loss that is shown is the one that was
/// minimized. Losses that were computed are watched too.
void Pipeline::buildWatches(StageInfo &stage) {
  FunctionBuilder &function = evaluator.function();
  for (const Clause &clause : stage.watches) {
    auto &watch = llvm::cast<dsl::WatchItem>(*clause.item);
    if (!watch.over.empty())
      continue;
    Evaluator::Frame frame;
    frame.name = stage.key + ":watch." + watch.name.text;
    evaluator.frames.push_back(std::move(frame));
    evaluator.proposesNothing = true;
    function.readsFound = true;
    std::optional<Tensor> value =
        evaluator.toTensor(evaluator.evaluate(*watch.value, clause.scope), watch.value->range, builder.getF32Type());
    function.readsFound = false;
    evaluator.proposesNothing = false;
    evaluator.frames.pop_back();
    if (value && value->rank() == 0)
      function.result(pipeline::BindKind::Watch, watch.name.text, value->value);
    else if (value)
      error(watch.value->range, "loss-not-scalar",
            "'watch' shows a scalar, found " + Value(*value).describe() + "; take its 'mean'");
  }
  for (const std::string &loss : stage.losses)
    if (auto value = current->firstLosses.find(loss); value != current->firstLosses.end()) {
      function.result(pipeline::BindKind::Watch, loss, value->second);
      stage.watched.insert(loss);
    }
}

func::FuncOp Pipeline::buildStep(StageInfo &stage, const std::string &name, const std::set<std::string> &frozen,
                                 bool lastPhase) {
  BuildContext build;
  build.stage = &stage;
  build.sources = stage.sources;
  build.counters = true;
  build.broken = stage.broken;
  build.frozen = frozen;
  build.thawGroups = stage.thawGroups;
  build.checksPaths = lastPhase;
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, name, location(stage.item->slot.range));
  function.training = true;
  evaluator.functions.push_back(&function);
  for (const Clause &clause : stage.acts)
    act(*clause.item, clause.scope);
  if (lastPhase)
    stage.roles = std::move(build.roles);
  buildWatches(stage);
  evaluator.functions.pop_back();
  func::FuncOp built = function.finish();
  for (unsigned i = 0; built && i < built.getNumArguments(); ++i)
    if (auto bind = pipeline::getArgumentBind(built, i); bind.getKind() == pipeline::BindKind::Batch)
      stage.readSources.insert(pipeline::getSourceName(bind).str());
  return built;
}

/// One step function for each span of epochs and steps in which the same leaves are frozen. The first phase whose
/// bounds hold is run, so they are ordered by epoch, then by step.
std::vector<Attribute> Pipeline::buildPhases(StageInfo &stage) {
  std::map<std::string, FreezeLimit> limits = freezeLimits(stage);
  std::set<int64_t> epochEnds, stepEnds;
  stage.thawGroups.clear();
  for (auto &[path, limit] : limits) {
    if (limit.always)
      continue;
    std::string group;
    if (limit.epoch > 0) {
      epochEnds.insert(limit.epoch);
      group = "from_epoch_" + std::to_string(limit.epoch);
    }
    if (limit.step > 0) {
      stepEnds.insert(limit.step);
      group += (group.empty() ? "from_step_" : "_and_step_") + std::to_string(limit.step);
    }
    if (!group.empty())
      stage.thawGroups[path] = group;
  }
  std::vector<int64_t> epochs(epochEnds.begin(), epochEnds.end()), steps(stepEnds.begin(), stepEnds.end());
  constexpr size_t maxPhases = 64;
  if ((epochs.size() + 1) * (steps.size() + 1) > maxPhases) {
    error(stage.item->slot.range, "too-many-phases",
          "the 'until' clauses of '" + stage.name + "' make more than " + Twine(maxPhases) +
              " phases, each with code of its own; let some thaw together");
    return {};
  }
  epochs.push_back(-1);
  steps.push_back(-1);
  std::vector<Attribute> phases;
  for (auto [i, epochEnd] : llvm::enumerate(epochs))
    for (auto [j, stepEnd] : llvm::enumerate(steps)) {
      int64_t fromEpoch = i == 0 ? 0 : epochs[i - 1], fromStep = j == 0 ? 0 : steps[j - 1];
      std::set<std::string> frozen;
      for (auto &[path, limit] : limits)
        if (limit.always || limit.epoch > fromEpoch || limit.step > fromStep)
          frozen.insert(path);
      bool last = epochEnd == -1 && stepEnd == -1;
      func::FuncOp step = buildStep(stage, stage.name + ".step" + std::to_string(phases.size()), frozen, last);
      if (!step) {
        if (!diagnostics.hasErrors())
          error(stage.item->slot.range, "stage-does-nothing",
                "a step of the stage '" + stage.name +
                    "' changes and shows nothing; give it a 'minimize', 'apply', 'run', "
                    "'update' or 'watch'");
        return {};
      }
      phases.push_back(
          pipeline::PhaseAttr::get(&context, FlatSymbolRefAttr::get(step), epochEnd, stepEnd, ArrayAttr()));
    }
  return phases;
}

/// `keep`, `stop when` and `watch .. over`.
StageFigures Pipeline::buildFigures(StageInfo &stage) {
  StageFigures figures;
  auto figure = [&](const dsl::Expr &value, const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope,
                    const std::string &name, FigureUse use) -> pipeline::FigureAttr {
    std::optional<std::string> pass = buildFigure(stage, value, over, scope, name, use);
    return pass ? pipeline::FigureAttr::get(&context, *pass, "value") : nullptr;
  };
  if (stage.keep) {
    auto &keep = llvm::cast<dsl::KeepItem>(*stage.keep->item);
    if (keep.value)
      if (auto by = figure(*keep.value, keep.over, stage.keep->scope, stage.name + ".keep",
                           keep.oracle ? FigureUse::KeepOracle : FigureUse::Keep))
        figures.keep = pipeline::KeepAttr::get(&context, keep.mode == dsl::KeepItem::Mode::Best ? "best" : "least", by,
                                               keep.oracle.has_value());
  }
  if (stage.stop) {
    auto &item = llvm::cast<dsl::StopItem>(*stage.stop->item);
    figures.stop = figure(*item.condition, item.over, stage.stop->scope, stage.name + ".stop", FigureUse::Stop);
  }
  for (const std::string &loss : stage.losses)
    if (stage.watched.count(loss))
      figures.watch.push_back(text(loss));
  for (const Clause &clause : stage.watches) {
    auto &item = llvm::cast<dsl::WatchItem>(*clause.item);
    if (item.over.empty())
      figures.watch.push_back(text(item.name.text));
    else if (auto by = figure(*item.value, item.over, clause.scope, stage.name + ".watch." + item.name.text,
                              FigureUse::Watch))
      figures.watchOver.push_back(pipeline::WatchAttr::get(&context, item.name.text, by));
  }
  return figures;
}

void Pipeline::buildStage(StageInfo &stage) {
  std::vector<Attribute> phases = buildPhases(stage);
  Attribute epochs, steps;
  if (stage.epochs)
    epochs = lengthOf(*stage.epochs);
  if (stage.steps)
    steps = lengthOf(*stage.steps);
  if (!stage.epochs == !stage.steps)
    error(stage.item->slot.range, "missing-length",
          "the stage '" + stage.name + "' wants either 'epochs' or 'steps', such as 'epochs 10'");
  auto named = [&](llvm::StringRef name) {
    return llvm::any_of(stage.sources, [&](const SourceInfo &source) { return source.name == name; });
  };
  if (!stage.epochBy.empty() && !named(stage.epochBy))
    error(stage.epochByRange, "unknown-source",
          "'" + stage.epochBy + "' is no source of the stage '" + stage.name + "'");
  if (stage.item->from)
    findStage(*stage.item->from, stage.scope);
  SmallVector<Attribute> init;
  std::string owner = "stage:" + stage.name;
  if (buildInit(stage.name + ".start", owner, &stage))
    init.push_back(text(stage.name + ".start"));
  TimedPasses timed = buildTimedUpdates(stage);
  StageFigures figures = buildFigures(stage);
  IntegerAttr memory;
  if (stage.memory) {
    const dsl::Expr &limit = *llvm::cast<dsl::SettingItem>(*stage.memory->item).value;
    Value bytes = evaluator.evaluate(limit, stage.memory->scope);
    if (auto number = bytes.asInteger(); number && *number > 0)
      memory = builder.getI64IntegerAttr(*number);
    else if (!bytes.isPoison())
      error(limit.range, "wrong-type", "'memory' wants a size such as 512MiB, found " + bytes.describe());
  }
  if (phases.empty() || (!epochs && !steps))
    return;
  // Behind the stage's own place stands that of what limits it.
  Location where = location(stage.item->slot.range);
  if (memory)
    where = FusedLoc::get(&context, {where, location(stage.memory->item->range)});
  auto op = pipeline::StageOp::create(
      builder, where, text(stage.name), sourceAttributes(stage.sources), builder.getArrayAttr(phases), epochs, steps,
      stage.epochBy.empty() ? StringAttr() : text(stage.epochBy), builder.getArrayAttr(init),
      builder.getArrayAttr(timed.before), builder.getArrayAttr(timed.after), builder.getArrayAttr(timed.periodic),
      figures.keep, figures.stop, builder.getArrayAttr(figures.watch), builder.getArrayAttr(figures.watchOver),
      text(stage.key), stage.from.empty() ? StringAttr() : text(stage.from), memory);
  auto say = [&](llvm::StringRef attribute, const std::vector<std::string> &lines) {
    if (!lines.empty())
      op->setAttr(attribute, builder.getStrArrayAttr(llvm::SmallVector<llvm::StringRef>(lines.begin(), lines.end())));
  };
  std::vector<std::string> computed, clauses;
  for (const std::string &loss : stage.losses)
    if (stage.watched.count(loss))
      computed.push_back(loss);
  for (const ClauseRole &role : stage.roles) {
    clauses.push_back(role.text);
    for (const std::string &line : role.by)
      clauses.push_back("  moves " + line);
  }
  say(pipeline::kLossesAttr, describeLosses(computed, stage.roles));
  say(pipeline::kClausesAttr, clauses);
  say(pipeline::kFormulasAttr, formulasOf(stage, sources, [&](llvm::StringRef name) {
        const Value *own = programScope->find(name);
        return own ? std::optional<Value>(*own) : library(name);
      }));
}

} // namespace xfer
