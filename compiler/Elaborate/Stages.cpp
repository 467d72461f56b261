//===- Stages.cpp - the clauses of a stage, and what its text defines ---------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

//===--- clauses ------------------------------------------------------------------------------------------------===//

void Pipeline::gatherClause(StageInfo &stage, const dsl::Item &item, const ScopePtr &scope) {
  auto define = [&](llvm::StringRef name, Definition definition, dsl::SourceRange range) {
    if (programScope->find(name) && diagnostics.hasErrors()) // a clash, which was reported: what it means is no matter
      stage.scope->define(name, Value());
    auto [known, isNew] = stage.definitions.try_emplace(name.str(), definition);
    if (isNew)
      stage.definitionOrder.push_back(name.str());
    else if (!stage.baselineOf.empty()) // a baseline replaces what its stage defines
      known->second = definition;
    else
      error(range, "duplicate-name", "'" + name + "' is defined twice in this stage");
  };
  auto single = [&](std::optional<Clause> &slot) {
    if (slot)
      error(item.keyword, "duplicate-clause", "'" + dsl::getSpelling(item.kind) + "' stands twice in this stage");
    slot = Clause{&item, scope};
  };
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::OnItem>([&](auto *on) {
        if (!gatherSources(stage.sources, on->sources, scope, true))
          stage.broken = true;
      })
      .Case<dsl::LetItem>([&](auto *let) {
        for (auto [i, name] : llvm::enumerate(let->pattern.names))
          define(name.text, {let, let->value.get(), &let->pattern, static_cast<unsigned>(i), scope, false}, name.range);
      })
      .Case<dsl::LossItem>([&](auto *loss) {
        define(loss->name.text, {loss, loss->value.get(), nullptr, 0, scope, true}, loss->name.range);
        if (!llvm::is_contained(stage.losses, loss->name.text))
          stage.losses.push_back(loss->name.text);
      })
      .Case<dsl::PartItem>([&](auto *part) {
        // `x = e` lacks its `let`, which was reported.
        define(part->name.text, {part, part->value.get(), nullptr, 0, scope, false}, part->name.range);
      })
      .Case<dsl::MinimizeItem, dsl::ApplyItem, dsl::RunItem, dsl::HoldItem, dsl::RepeatItem>(
          [&](auto *) { stage.acts.push_back({&item, scope}); })
      .Case<dsl::UpdateItem>([&](auto *update) {
        bool stands = !update->timing || update->timing->kind == dsl::Timing::Kind::EveryStep;
        (stands ? stage.acts : stage.timed).push_back({&item, scope});
      })
      .Case<dsl::FreezeItem>([&](auto *) { stage.freezes.push_back({&item, scope}); })
      .Case<dsl::SetItem>([&](auto *) { stage.sets.push_back({&item, scope}); })
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
      .Case<dsl::EpochByItem>([&](auto *by) {
        stage.epochBy = by->source.text;
        stage.epochByRange = by->source.range;
      })
      .Default([&](auto *) {
        error(item.keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item.kind) + "' in a stage is not supported yet");
      });
}

void Pipeline::gatherStage(StageInfo &stage, const std::vector<dsl::ItemPtr> &items) {
  eachItem(items, stage.scope, [&](const dsl::Item &item, const ScopePtr &scope) { gatherClause(stage, item, scope); });
  // A stage without 'on' was reported; what it reads is another matter.
  stage.broken |= stage.sources.empty() && diagnostics.hasErrors();
}

//===--- definitions --------------------------------------------------------------------------------------------===//

Value Pipeline::evaluateDefinition(llvm::StringRef name, const Definition &definition, dsl::SourceRange range) {
  std::pair<const dsl::Item *, int64_t> key{definition.item, current->draw};
  bool watches = evaluator.function().readsFound;
  unsigned version = watches ? 0 : evaluator.function().version;
  auto &memo = watches ? current->found : current->memo;
  auto known = memo.find(key);
  Value value;
  if (known != memo.end() && known->second.version == version) {
    value = known->second.value;
    // The batch of this draw again, behind a `repeat fresh`.
    if (definition.isLoss && !watches && value.tensor() && value.tensor()->rank() == 0)
      current->lossValues[name.str()] = value.tensor()->value;
  } else {
    if (!current->evaluating.insert(definition.item).second)
      return error(range, "cyclic-definition",
                   "'" + name + "' is defined by itself; what goes on from step to step is a 'state'");
    Evaluator::OutsideLoops outsideLoops(evaluator);
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
                      "the loss '" + name + "' is a scalar, found " + value.describe() + "; take its 'mean'");
      else if (scalar)
        current->lossValues[name.str()] = scalar->value;
      if (scalar && !value.isPoison())
        current->firstLosses.emplace(name.str(), scalar->value);
    }
    memo[key] = {version, value};
    if (!watches && version == 0)
      current->found[key] = {version, value};
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

/// `stage.x`: a state, or a definition as the stage leaves it, with its last `freeze` and its `set`.
Value Pipeline::stageMember(StageInfo &stage, llvm::StringRef member, dsl::SourceRange range) {
  if (std::optional<Value> state = findState(stage.name + "." + member.str(), range))
    return *state;
  auto definition = stage.definitions.find(member.str());
  if (definition == stage.definitions.end()) {
    std::vector<llvm::StringRef> candidates(stage.definitionOrder.begin(), stage.definitionOrder.end());
    for (const Clause &clause : stage.states)
      candidates.push_back(llvm::cast<dsl::StateItem>(clause.item)->slot.base.text);
    return error(range, "unknown-definition",
                 "the stage '" + stage.name + "' has no definition and no state '" + member + "'" +
                     dsl::suggest(member, candidates));
  }
  if (!current)
    return error(range, "source-not-read", "'" + stage.name + "." + member + "' needs samples, and none are read here");
  std::set<std::string> frozen = discovering ? std::set<std::string>() : finallyFrozen(stage);
  const StageInfo *before = std::exchange(current->stage, &stage);
  std::swap(current->frozen, frozen);
  Value value = evaluateDefinition(member, definition->second, range);
  std::swap(current->frozen, frozen);
  current->stage = before;
  if (!discovering)
    warnOfOldDefinition(stage, member, value, range);
  return value;
}

/// The parameters that the steps of a stage write.
std::set<std::string> Pipeline::trainedBy(const StageInfo &stage) {
  std::set<std::string> trained;
  for (unsigned phase = 0;; ++phase) {
    auto step = module->lookupSymbol<func::FuncOp>(stage.name + ".step" + std::to_string(phase));
    if (!step)
      return trained;
    for (unsigned i = 0; i < step.getNumResults(); ++i)
      if (auto bind = pipeline::getResultBind(step, i); bind && bind.getKind() == pipeline::BindKind::Param)
        trained.insert(bind.getName().str());
  }
}

/// A definition is an expression: read behind a later stage it has that stage's parameters, not those of its own.
void Pipeline::warnOfOldDefinition(const StageInfo &stage, llvm::StringRef member, const Value &value,
                                   dsl::SourceRange range) {
  auto own = std::find_if(ran.rbegin(), ran.rend(), [&](auto &one) { return one.first == stage.name; });
  if (own == ran.rend() || own == ran.rbegin() || !value.tensor())
    return;
  llvm::DenseSet<mlir::Value> behind = valuesBehind(value.tensor()->value);
  for (auto later = own.base(); later != ran.end(); ++later)
    for (const std::string &path : later->second)
      if (behind.contains(evaluator.function().read(*evaluator.leaves[path]).value)) {
        diagnostics.warning("old-definition", range,
                            "'" + stage.name + "." + member + "' is read with the parameters as they are here: '" +
                                later->first + "' has moved '" + path + "' since '" + stage.name +
                                "' ended; keep a 'state' in '" + stage.name + "' for what it had");
        return;
      }
}

std::string Pipeline::thawGroup(llvm::StringRef leafPath) const {
  auto found = current->thawGroups.find(leafPath.str());
  return found == current->thawGroups.end() ? "" : found->second;
}

bool Pipeline::isFrozen(const ModuleInstance &instance) const {
  if (!current || current->frozen.empty())
    return false;
  if (current->frozen.count(instance.path)) // a module without leaves
    return true;
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

} // namespace xfer
