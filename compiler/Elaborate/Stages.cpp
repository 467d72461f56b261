//===- Stages.cpp - from the clauses of a stage to its step functions ---------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

//===--- clauses ------------------------------------------------------------------------------------------------===//

void Pipeline::gatherSources(std::vector<SourceInfo> &into, const std::vector<dsl::SourceUse> &uses,
                             const ScopePtr &scope, bool wantsBatch) {
  size_t first = into.size();
  for (const dsl::SourceUse &use : uses) {
    for (const dsl::ExprPtr *unsupported : {&use.sampler, &use.micro, &use.count})
      if (*unsupported)
        error((*unsupported)->range, "not-supported-yet", "samplers, 'micro' and 'count' are not supported yet");
    Value value = evaluator.evaluate(*use.split, scope);
    std::vector<Value> all{value};
    if (value.list())
      all = value.list()->elements;
    for (const Value &one : all) {
      if (one.isPoison())
        continue;
      const Place *place = one.place();
      if (!place || place->kind != Place::Split) {
        error(use.range, "not-a-split",
              place ? "name a split: '" + place->name + ".all', or one that the domain makes"
                    : "a source is a split of a domain, found " + one.describe());
        continue;
      }
      SourceInfo source;
      source.domain = place->name;
      source.split = place->split;
      source.name = use.alias ? use.alias->text : place->name;
      source.range = use.range;
      source.batch = 0;
      if (llvm::any_of(into, [&](const SourceInfo &known) { return known.name == source.name; })) {
        error(use.range, "duplicate-source",
              "'" + source.name + "' is a source already; another name is given with 'as'");
        continue;
      }
      into.push_back(source);
    }
    if (!use.batch)
      continue;
    Value batch = evaluator.evaluate(*use.batch, scope);
    std::optional<int64_t> size = batch.asInteger();
    if (!size || *size < 1 || *size > (1 << 20)) {
      if (!batch.isPoison())
        error(use.batch->range, "bad-extent", "a batch is a positive int known at compile time");
      size = 1;
    }
    for (SourceInfo &source : into)
      if (!source.batch)
        source.batch = *size;
  }
  for (SourceInfo &source : llvm::drop_begin(into, first))
    if (!source.batch) {
      if (wantsBatch)
        error(source.range, "missing-batch", "the source '" + source.name + "' has no 'batch'");
      source.batch = 256;
    }
}

void Pipeline::gatherClause(StageInfo &stage, const dsl::Item &item, const ScopePtr &scope) {
  auto define = [&](llvm::StringRef name, Definition definition, dsl::SourceRange range) {
    if (!stage.definitions.emplace(name.str(), definition).second)
      error(range, "duplicate-name", "'" + name + "' is defined twice in this stage");
  };
  auto single = [&](std::optional<StageInfo::Clause> &slot) {
    if (slot)
      error(item.keyword, "duplicate-clause",
            "'" + dsl::getSpelling(item.kind) + "' stands twice in this stage");
    slot = StageInfo::Clause{&item, scope};
  };
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::OnItem>([&](auto *on) { gatherSources(stage.sources, on->sources, scope, true); })
      .Case<dsl::LetItem>([&](auto *let) {
        for (auto [i, name] : llvm::enumerate(let->pattern.names))
          define(name.text, {let, let->value.get(), &let->pattern, static_cast<unsigned>(i), scope, false}, name.range);
      })
      .Case<dsl::LossItem>([&](auto *loss) {
        define(loss->name.text, {loss, loss->value.get(), nullptr, 0, scope, true}, loss->name.range);
        stage.losses.push_back(loss->name.text);
      })
      .Case<dsl::MinimizeItem, dsl::ApplyItem, dsl::RunItem, dsl::HoldItem, dsl::RepeatItem>(
          [&](auto *) { stage.acts.push_back({&item, scope}); })
      .Case<dsl::UpdateItem>([&](auto *update) {
        if (update->timing)
          error(update->timing->range, "not-supported-yet", "an 'update' at a stated time is not supported yet");
        stage.acts.push_back({&item, scope});
      })
      .Case<dsl::FreezeItem>([&](auto *freeze) {
        if (freeze->unit == dsl::FreezeItem::Unit::Step && freeze->until)
          error(freeze->range, "not-supported-yet", "'until step' is not supported yet; 'until epoch' is");
        stage.freezes.push_back({&item, scope});
      })
      .Case<dsl::OptimizerItem>([&](auto *) { stage.optimizers.push_back({&item, scope}); })
      .Case<dsl::AugmentItem>([&](auto *) { stage.augments.push_back({&item, scope}); })
      .Case<dsl::WatchItem>([&](auto *) { stage.watches.push_back({&item, scope}); })
      .Case<dsl::StateItem>([&](auto *) { stage.states.push_back({&item, scope}); })
      .Case<dsl::ScheduleItem>([&](auto *) { single(stage.schedule); })
      .Case<dsl::EpochsItem>([&](auto *) { single(stage.epochs); })
      .Case<dsl::StepsItem>([&](auto *) { single(stage.steps); })
      .Case<dsl::MemoryItem>([&](auto *) { single(stage.memory); })
      .Case<dsl::KeepItem>([&](auto *) { single(stage.keep); })
      .Case<dsl::StopItem>([&](auto *) { single(stage.stop); })
      .Case<dsl::EpochByItem>([&](auto *by) { stage.epochBy = by->source.text; })
      .Default([&](auto *) {
        error(item.keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item.kind) + "' in a stage is not supported yet");
      });
}

void Pipeline::gatherStage(StageInfo &stage, const std::vector<dsl::ItemPtr> &items) {
  eachItem(items, stage.scope, [&](const dsl::Item &item, const ScopePtr &scope) { gatherClause(stage, item, scope); });
}

/// `baseline NAME of STAGE { ... }`: the stage again, with the block's clauses in place of what it does in a step.
void Pipeline::makeBaseline(const Node<dsl::BaselineItem> &node) {
  std::optional<std::string> of = evaluator.slotName(node.item->stage, node.scope);
  if (!of)
    return;
  auto found = stages.find(*of);
  if (found == stages.end() || !found->second.baselineOf.empty()) {
    error(node.item->stage.range, "unknown-stage", "there is no stage '" + *of + "'");
    return;
  }
  if (stages.count(node.name)) {
    error(node.item->name.range, "duplicate-name", "'" + node.name + "' is a stage already");
    return;
  }
  if (!node.item->body)
    return;
  StageInfo baseline = found->second;
  baseline.name = node.name;
  baseline.key = found->second.key;
  baseline.baselineOf = *of;
  baseline.acts.clear();
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
  }
  gatherStage(baseline, node.item->body->items);
  stages.emplace(node.name, std::move(baseline));
}

//===--- definitions --------------------------------------------------------------------------------------------===//

Value Pipeline::evaluateDefinition(llvm::StringRef name, const Definition &definition, dsl::SourceRange range) {
  auto known = current->memo.find(definition.item);
  Value value;
  if (known != current->memo.end() && known->second.version == evaluator.function().version) {
    value = known->second.value;
  } else {
    if (!current->evaluating.insert(definition.item).second)
      return error(range, "cyclic-definition", "'" + name + "' is defined by itself");
    // Draws belong to the text of the definition, whoever reads it.
    std::vector<Evaluator::Frame> outside;
    std::swap(outside, evaluator.frames);
    Evaluator::Frame frame;
    frame.name = (current->stage ? current->stage->key : std::string()) + ":" + name.str();
    if (current->iteration)
      frame.iteration = "#" + std::to_string(current->iteration);
    evaluator.frames.push_back(std::move(frame));
    value = evaluator.evaluate(*definition.value, definition.scope);
    std::swap(outside, evaluator.frames);
    current->evaluating.erase(definition.item);
    if (definition.isLoss && !value.isPoison()) {
      std::optional<Tensor> scalar = evaluator.toTensor(value, definition.value->range, builder.getF32Type());
      if (scalar && scalar->rank() != 0)
        value = error(definition.value->range, "loss-not-scalar",
                      "the loss '" + name + "' is a scalar, found " + value.describe());
      else if (scalar)
        current->lossValues.emplace(name.str(), scalar->value);
    }
    current->memo[definition.item] = {evaluator.function().version, value};
  }
  if (!definition.pattern || definition.pattern->names.size() == 1)
    return value;
  if (value.isPoison())
    return value;
  std::optional<std::vector<Value>> all = evaluator.elements(value, definition.value->range);
  if (!all)
    return Value();
  if (all->size() != definition.pattern->names.size())
    return error(definition.pattern->range, "wrong-count",
                 Twine(definition.pattern->names.size()) + " names for " + Twine(all->size()) + " values");
  return (*all)[definition.position];
}

std::optional<Value> Pipeline::counter(llvm::StringRef name, dsl::SourceRange range) {
  static constexpr llvm::StringRef integers[] = {"step", "epoch", "steps", "epochs", "stale"};
  bool integer = llvm::is_contained(integers, name);
  if (!integer && name != "progress")
    return std::nullopt;
  if (!current || !current->counters)
    return std::nullopt;
  Type element = integer ? Type(builder.getI32Type()) : Type(builder.getF32Type());
  return Value(Tensor{
      evaluator.function().argument(pipeline::BindKind::Counter, name, RankedTensorType::get({}, element)), {}});
}

std::string Pipeline::thawGroup(llvm::StringRef leafPath) const {
  auto found = current->thawGroups.find(leafPath.str());
  return found == current->thawGroups.end() ? "" : found->second;
}

bool Pipeline::isFrozen(const ModuleInstance &instance) const {
  if (!current || current->frozen.empty())
    return false;
  // Frozen if everything below it is selected, and there is something.
  bool any = false;
  const std::string prefix = instance.path + ".";
  for (const Leaf *leaf : evaluator.leafOrder) {
    if (!llvm::StringRef(leaf->path).starts_with(prefix))
      continue;
    if (!current->frozen.count(leaf->path))
      return false;
    any = true;
  }
  return any;
}

//===--- building -----------------------------------------------------------------------------------------------===//

/// Elaborates everything that a stage says, to find modules, parameters and mistakes; nothing is kept.
void Pipeline::discoverStage(StageInfo &stage) {
  BuildContext build;
  build.stage = &stage;
  build.sources = stage.sources;
  build.counters = true;
  ContextGuard guard(current, &build);
  {
    FunctionBuilder function(*module, "discover." + stage.name, location(stage.item->slot.range));
    function.training = true;
    evaluator.functions.push_back(&function);
    for (const StageInfo::Clause &clause : stage.states) {
      auto &state = llvm::cast<dsl::StateItem>(*clause.item);
      evaluator.declareStageState(stage.name, state, clause.scope);
    }
    for (auto &[name, definition] : stage.definitions)
      evaluateDefinition(name, definition, definition.value->range);
    std::function<void(const dsl::Item &, const ScopePtr &)> visit = [&](const dsl::Item &item, const ScopePtr &scope) {
      if (auto *minimize = llvm::dyn_cast<dsl::MinimizeItem>(&item))
        evaluator.evaluate(*minimize->value, scope);
      else if (auto *run = llvm::dyn_cast<dsl::RunItem>(&item))
        evaluator.evaluate(*run->value, scope);
      else if (auto *hold = llvm::dyn_cast<dsl::HoldItem>(&item))
        build.holds[hold->name.text] = evaluator.evaluate(*hold->value, scope);
      else if (auto *apply = llvm::dyn_cast<dsl::ApplyItem>(&item))
        evaluator.evaluate(*apply->value, scope);
      else if (auto *repeat = llvm::dyn_cast<dsl::RepeatItem>(&item))
        eachItem(repeat->body->items, scope, visit);
    };
    for (const StageInfo::Clause &clause : stage.acts)
      visit(*clause.item, clause.scope);
    for (const StageInfo::Clause &clause : stage.watches)
      if (auto &watch = llvm::cast<dsl::WatchItem>(*clause.item); watch.over.empty())
        evaluator.evaluate(*watch.value, clause.scope);
    evaluator.functions.pop_back();
    function.erase();
  }
  auto keep = stage.keep ? llvm::cast<dsl::KeepItem>(stage.keep->item) : nullptr;
  if (keep && keep->value)
    buildFigure(stage, *keep->value, keep->over, stage.keep->scope, stage.name + ".keep", keep->value->range,
                keep->oracle.has_value());
}

Attribute Pipeline::lengthOf(const StageInfo::Clause &clause) {
  const dsl::Expr &expression = *llvm::cast<dsl::SettingItem>(*clause.item).value;
  if (auto *name = llvm::dyn_cast<dsl::NameExpr>(&expression))
    for (const Option &option : optionList)
      if (option.name == name->name) {
        if (option.kind == "int")
          return pipeline::OptionRefAttr::get(&context, option.name);
        error(expression.range, "wrong-type", "a number of epochs or steps is an int; '" + option.name + "' is a " + option.kind);
        return nullptr;
      }
  Value value = evaluator.evaluate(expression, clause.scope);
  std::optional<int64_t> count = value.asInteger();
  if (count && *count >= 1)
    return builder.getI64IntegerAttr(*count);
  if (!value.isPoison())
    error(expression.range, "wrong-type", "a number of epochs or steps is a positive int, or a 'param' that is one");
  return nullptr;
}

func::FuncOp Pipeline::buildStep(StageInfo &stage, const std::string &name, const std::set<std::string> &frozen,
                                 bool lastPhase) {
  BuildContext build;
  build.stage = &stage;
  build.sources = stage.sources;
  build.counters = true;
  build.frozen = frozen;
  build.thawGroups = stage.thawGroups;
  build.checksPaths = lastPhase;
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, name, location(stage.item->slot.range));
  function.training = true;
  evaluator.functions.push_back(&function);
  for (const StageInfo::Clause &clause : stage.acts)
    act(*clause.item, clause.scope);
  for (const StageInfo::Clause &clause : stage.watches) {
    auto &watch = llvm::cast<dsl::WatchItem>(*clause.item);
    if (!watch.over.empty())
      continue;
    evaluator.proposesNothing = true;
    std::optional<Tensor> value = evaluator.toTensor(evaluator.evaluate(*watch.value, clause.scope), watch.value->range,
                                                     builder.getF32Type());
    evaluator.proposesNothing = false;
    if (value && value->rank() == 0)
      function.result(pipeline::BindKind::Watch, watch.name.text, value->value);
    else if (value)
      error(watch.value->range, "loss-not-scalar", "'watch' shows a scalar, found " + Value(*value).describe());
  }
  for (const std::string &loss : stage.losses)
    if (auto value = build.lossValues.find(loss); value != build.lossValues.end()) {
      function.result(pipeline::BindKind::Watch, loss, value->second);
      stage.watched.insert(loss);
    }
  evaluator.functions.pop_back();
  return function.finish();
}

void Pipeline::buildStage(StageInfo &stage) {
  // Which leaves are frozen until which epoch; for ever: -1.
  std::map<std::string, int64_t> until;
  for (const std::string &path : modelFrozen)
    until[path] = -1;
  for (const StageInfo::Clause &clause : stage.freezes) {
    auto &freeze = llvm::cast<dsl::FreezeItem>(*clause.item);
    std::optional<std::vector<Leaf *>> leaves = select(evaluator, freeze.selectors, clause.scope);
    int64_t epoch = -1;
    if (freeze.until) {
      Value value = evaluator.evaluate(*freeze.until, clause.scope);
      std::optional<int64_t> number = value.asInteger();
      if (!number || *number < 0) {
        if (!value.isPoison())
          error(freeze.until->range, "wrong-type", "'until epoch' wants an int known at compile time");
        continue;
      }
      epoch = *number;
    }
    for (Leaf *leaf : leaves.value_or(std::vector<Leaf *>())) {
      auto known = until.find(leaf->path);
      bool longer = known == until.end() || epoch == -1 || (known->second != -1 && epoch > known->second);
      if (longer)
        until[leaf->path] = epoch;
    }
  }
  std::set<int64_t> ends;
  for (auto &[path, epoch] : until)
    if (epoch > 0)
      ends.insert(epoch);
  stage.thawGroups.clear();
  for (auto &[path, epoch] : until)
    if (epoch > 0)
      stage.thawGroups[path] = "from_epoch_" + std::to_string(epoch);
  std::vector<int64_t> phases(ends.begin(), ends.end());
  phases.push_back(-1);
  SmallVector<Attribute> phaseAttributes;
  for (auto [i, end] : llvm::enumerate(phases)) {
    std::set<std::string> frozen;
    int64_t begin = i == 0 ? 0 : phases[i - 1];
    for (auto &[path, epoch] : until)
      if (epoch == -1 || epoch > begin)
        frozen.insert(path);
    func::FuncOp step = buildStep(stage, stage.name + ".step" + std::to_string(i), frozen, end == -1);
    if (!step) {
      if (!diagnostics.hasErrors())
        error(stage.item->slot.range, "stage-does-nothing", "a step of the stage '" + stage.name + "' changes nothing");
      return;
    }
    phaseAttributes.push_back(pipeline::PhaseAttr::get(&context, FlatSymbolRefAttr::get(step), end, -1, ArrayAttr()));
  }
  Attribute epochs, steps;
  if (stage.epochs)
    epochs = lengthOf(*stage.epochs);
  if (stage.steps)
    steps = lengthOf(*stage.steps);
  if (!stage.epochs == !stage.steps) {
    error(stage.item->slot.range, "missing-length",
          "the stage '" + stage.name + "' wants either 'epochs' or 'steps'");
    return;
  }
  std::string owner = "stage:" + stage.name;
  SmallVector<Attribute> init, watch, watchOver;
  if (llvm::any_of(evaluator.leafOrder, [&](const Leaf *leaf) { return leaf->owner == owner; })) {
    buildInit(stage.name + ".start", owner);
    init.push_back(builder.getStringAttr(stage.name + ".start"));
  }
  auto figure = [&](const dsl::Expr &value, const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope,
                    const std::string &name, bool allowHidden) -> pipeline::FigureAttr {
    std::optional<std::string> pass = buildFigure(stage, value, over, scope, name, value.range, allowHidden);
    return pass ? pipeline::FigureAttr::get(&context, *pass, "value") : nullptr;
  };
  pipeline::KeepAttr keepAttribute;
  if (stage.keep) {
    auto &keep = llvm::cast<dsl::KeepItem>(*stage.keep->item);
    if (keep.value)
      if (auto by = figure(*keep.value, keep.over, stage.keep->scope, stage.name + ".keep", keep.oracle.has_value()))
        keepAttribute = pipeline::KeepAttr::get(
            &context, keep.mode == dsl::KeepItem::Mode::Best ? "best" : "least", by, keep.oracle.has_value());
  }
  pipeline::FigureAttr stop;
  if (stage.stop) {
    auto &item = llvm::cast<dsl::StopItem>(*stage.stop->item);
    stop = figure(*item.condition, item.over, stage.stop->scope, stage.name + ".stop", false);
  }
  for (const std::string &loss : stage.losses)
    if (stage.watched.count(loss))
      watch.push_back(builder.getStringAttr(loss));
  for (const StageInfo::Clause &clause : stage.watches) {
    auto &item = llvm::cast<dsl::WatchItem>(*clause.item);
    if (item.over.empty()) {
      watch.push_back(builder.getStringAttr(item.name.text));
    } else if (auto by = figure(*item.value, item.over, clause.scope, stage.name + ".watch." + item.name.text, true)) {
      watchOver.push_back(pipeline::WatchAttr::get(&context, item.name.text, by));
    }
  }
  IntegerAttr memory;
  if (stage.memory) {
    Value bytes = evaluator.evaluate(*llvm::cast<dsl::SettingItem>(*stage.memory->item).value, stage.memory->scope);
    if (auto number = bytes.asInteger())
      memory = builder.getI64IntegerAttr(*number);
  }
  auto empty = builder.getArrayAttr({});
  pipeline::StageOp::create(
      builder, location(stage.item->slot.range), builder.getStringAttr(stage.name), sourceAttributes(stage.sources),
      builder.getArrayAttr(phaseAttributes), epochs, steps,
      stage.epochBy.empty() ? StringAttr() : builder.getStringAttr(stage.epochBy), builder.getArrayAttr(init), empty,
      empty, empty, keepAttribute, stop, builder.getArrayAttr(watch), builder.getArrayAttr(watchOver),
      builder.getStringAttr(stage.key), StringAttr(), memory);
}

} // namespace xfer
