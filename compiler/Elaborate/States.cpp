//===- States.cpp - states of stages and of the program, and what updates write -----------------------------------===//
//
// A state is a tensor, a tree or a module; the latter are leaves `state.part.weight`, one for each leaf of what they
// are like. A module held in a state is frozen: it is read as the module that it is like, with these leaves for its
// own. A state with a row for each sample is a tensor (SampleStates.cpp).
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

//===--- declaration --------------------------------------------------------------------------------------------===//

bool Pipeline::addStateLeaf(HeldState &held, const std::string &component, RankedTensorType type) {
  std::string before = evaluator.surroundings.owner;
  evaluator.surroundings.owner = held.owner;
  std::string path = component.empty() ? held.path : held.path + "." + component;
  Leaf *leaf =
      evaluator.declareLeaf(path, Leaf::State, type, held.item->initial.get(), "", held.scope, held.item->range);
  evaluator.surroundings.owner = before;
  if (!leaf)
    return false;
  leaf->component = component;
  leaf->axes.assign(type.getRank(), 0);
  if (!llvm::is_contained(held.components, component))
    held.components.push_back(component);
  return true;
}

void Pipeline::declareState(const dsl::StateItem &item, const ScopePtr &scope, const std::string &path,
                            const std::string &owner) {
  HeldState held;
  held.path = path;
  held.owner = owner;
  held.item = &item;
  held.scope = scope;
  // Until it is there, its name is a mistake that was reported.
  brokenStates.insert(path);
  // A first value is of whole splits: a function of its own, as a step reads the same fields batch by batch.
  BuildContext build;
  build.whole = true;
  if (current) {
    build.stage = current->stage;
    build.sources = current->sources;
    build.broken = current->broken;
  }
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, "discover." + path, location(item.range));
  evaluator.functions.push_back(&function);
  if (!item.per || placeRows(held))
    declareForm(held);
  evaluator.functions.pop_back();
  function.erase();
  if (states.count(path))
    brokenStates.erase(path);
}

static bool isOfRows(const HeldState &held, RankedTensorType type) {
  return pipeline::isPerSample(type) && nn::extentsOf(type).front().symbol == held.domain + "." + held.split;
}

void Pipeline::declareForm(HeldState &held) {
  const dsl::StateItem &item = *held.item;
  const ScopePtr &scope = held.scope;
  const std::string &path = held.path;
  if (item.type) {
    if (auto *like = llvm::dyn_cast<dsl::LikeType>(item.type.get())) {
      std::optional<std::string> name = evaluator.slotName(like->slot, scope);
      if (!name)
        return;
      if (held.isPerSample()) {
        error(like->range, "wrong-type", "a state with a row for each sample is a tensor; give the type of a row");
        return;
      }
      auto found = llvm::find_if(evaluator.instances, [&](auto &instance) { return instance->path == *name; });
      if (found == evaluator.instances.end()) {
        error(like->range, "unknown-part", "'like' names a model or one of its parts; '" + *name + "' is none");
        return;
      }
      held.form = HeldState::OfTree;
      for (Leaf *leaf : evaluator.leavesBelow(*name))
        if (leaf->kind == Leaf::Parameter)
          addStateLeaf(held, leaf->path.substr(name->size() + 1), leaf->type);
      states[path] = held;
      return;
    }
    auto shaped = evaluator.tensorType(*item.type, scope, item.range);
    if (!shaped || !addStateLeaf(held, "", held.isPerSample() ? held.withRows(shaped->first) : shaped->first))
      return;
    states[path] = held;
    // Its first value may be hidden, and wrong.
    if (Leaf &leaf = *evaluator.leaves[path]; leaf.initial)
      if (std::optional<Tensor> first = evaluator.initialValue(leaf))
        leaf.hidden |= meaningOf(first->value).hidden;
    return;
  }
  if (!item.initial) {
    error(item.range, "type-missing", "the state '" + path + "' needs a type or a first value");
    return;
  }
  Value value = evaluator.evaluate(*item.initial, scope);
  if (value.isPoison())
    return;
  if (held.isPerSample() && !value.tensor()) {
    error(item.initial->range, "type-missing",
          "'" + path +
              "' has a row for each sample: give the type of a row, such as ': f32', or a first value with a "
              "row for each; found " +
              value.describe());
    return;
  }
  if (auto *module = value.module()) {
    held.form = HeldState::OfModule;
    held.like = module->instance;
    for (Leaf *leaf : evaluator.leavesBelow(held.like->path))
      addStateLeaf(held, leaf->path.substr(held.like->path.size() + 1), leaf->type);
  } else if (Evaluator::isTree(value)) {
    held.form = HeldState::OfTree;
    std::shared_ptr<const Tree> tree = evaluator.treeOf(value, item.initial->range);
    for (auto &[component, part] : tree->leaves)
      if (std::optional<Tensor> tensor = evaluator.toTensor(part, item.initial->range))
        addStateLeaf(held, component, nn::withoutMeaning(tensor->type()));
  } else if (std::optional<Tensor> tensor = evaluator.toTensor(value, item.initial->range)) {
    RankedTensorType type = nn::withoutMeaning(tensor->type());
    if (held.isPerSample() && !isOfRows(held, type)) {
      error(item.initial->range, "shapes-differ",
            "'" + path + "' has a row for each sample of '" + held.domain + "." + held.split + "', found " +
                value.describe());
      return;
    }
    if (!addStateLeaf(held, "", type))
      return;
    evaluator.leaves[path]->hidden |= meaningOf(tensor->value).hidden;
  } else {
    return;
  }
  states[path] = held;
}

//===--- reading ------------------------------------------------------------------------------------------------===//

Value Pipeline::readState(const HeldState &state, dsl::SourceRange range) {
  if (state.isPerSample())
    return readRows(state, range);
  auto leafAt = [&](const std::string &component) {
    return Value(evaluator.readLeaf(*evaluator.leaves[state.path + "." + component], nullptr));
  };
  if (state.form == HeldState::Single)
    return Value(evaluator.readLeaf(*evaluator.leaves[state.path], nullptr));
  if (state.form == HeldState::OfTree) {
    auto tree = std::make_shared<Tree>();
    for (const std::string &component : state.components)
      tree->leaves[component] = leafAt(component);
    return Value(std::shared_ptr<const Tree>(tree));
  }
  auto overrides = std::make_shared<std::map<std::string, Tensor>>();
  for (const std::string &component : state.components)
    (*overrides)[state.like->path + "." + component] = *leafAt(component).tensor();
  return Value(Module{state.like, overrides, ModeOverride::Evaluation});
}

//===--- writing ------------------------------------------------------------------------------------------------===//

bool Pipeline::assignTo(Leaf &leaf, const Value &value, dsl::SourceRange range) {
  std::optional<Tensor> tensor = evaluator.conformToLeaf(leaf, value, range);
  if (!tensor)
    return false;
  bool hidden = meaningOf(tensor->value).hidden;
  leaf.hidden |= hidden && leaf.kind == Leaf::State;
  if (hidden && leaf.kind == Leaf::Parameter) {
    error(range, "hidden-value", "a parameter would be made from a value that is hidden here");
    return false;
  }
  evaluator.function().write(leaf, tensor->value);
  return true;
}

/// A module that nothing has applied yet has no leaves to give; if nothing ever does, that is reported by itself.
bool Pipeline::isUnapplied(const Value &value) {
  if (value.tree() && value.tree()->partial)
    return true;
  const Module *module = value.module();
  evaluator.readUnapplied |= module && !module->instance->applied;
  return module && !module->instance->applied;
}

/// Writes the leaves below `path` of a tree or a module; the new value may be either, and lack what `mayLack` allows.
bool Pipeline::assignParts(const std::string &path, llvm::ArrayRef<Leaf *> parts, const Value &value,
                           dsl::SourceRange range, llvm::function_ref<bool(const Leaf &)> mayLack) {
  if (!Evaluator::isTree(value)) {
    error(range, "wrong-type", "the new value of '" + path + "' is a module or a tree, found " + value.describe());
    return false;
  }
  if (!value.tree() && !value.module()) // several parts
    return assignParts(path, parts, Value(evaluator.treeOf(value, range)), range, mayLack);
  if (isUnapplied(value))
    return false;
  // All values first: one may read what another replaces.
  std::vector<std::pair<Leaf *, Value>> writes;
  for (Leaf *leaf : parts) {
    std::string component = leaf->path.substr(path.size() + 1);
    Value part = evaluator.partOf(value, component);
    if (!part.isPoison()) {
      writes.push_back({leaf, part});
    } else if (!mayLack(*leaf)) {
      error(range, "trees-differ", "the new value of '" + path + "' has no leaf '" + component + "'");
      return false;
    }
  }
  return llvm::all_of(writes, [&](auto &write) { return assignTo(*write.first, write.second, range); });
}

/// `update score[t, j] = e`: the tensor with that element, row or plane replaced.
bool Pipeline::assignElement(const HeldState &held, const dsl::Slot &slot, const ScopePtr &scope, const Value &value,
                             dsl::SourceRange range) {
  Leaf &leaf = *evaluator.leaves[held.path];
  SmallVector<int64_t> at;
  ArrayRef<int64_t> shape = leaf.type.getShape();
  for (const dsl::SlotStep &step : slot.steps)
    for (const dsl::ExprPtr &index : step.indices) {
      Value one = evaluator.evaluate(*index, scope);
      std::optional<int64_t> number = one.asInteger();
      if (!number || at.size() == shape.size() || *number < -shape[at.size()] || *number >= shape[at.size()]) {
        if (!one.isPoison())
          error(index->range, "bad-index",
                "no index into '" + held.path + "', which is " + describeShape(leaf.type) +
                    ", known at compile time: " + one.describe());
        return false;
      }
      at.push_back(*number < 0 ? *number + shape[at.size()] : *number);
    }
  std::optional<Tensor> part = evaluator.toTensor(value, range, leaf.type.getElementType());
  if (!part)
    return false;
  leaf.hidden |= meaningOf(part->value).hidden;
  std::vector<Dim> rest, all;
  for (auto [i, extent] : llvm::enumerate(shape)) {
    all.push_back({Extent(extent), 0});
    if (i >= at.size())
      rest.push_back({Extent(extent), 0});
  }
  part = evaluator.broadcast(*part, rest, range);
  if (!part)
    return false;
  // Where the leading indices are these, the new values; elsewhere the old.
  Location where = location(range);
  OpBuilder &inner = evaluator.builder();
  Tensor wide = broadcastTo(inner, where, *part, all);
  mlir::Value chosen;
  for (auto [axis, position] : llvm::enumerate(at)) {
    mlir::Value index = nn::IotaOp::create(inner, where, nnExtents(all), static_cast<int64_t>(axis));
    Tensor number = evaluator.constant(static_cast<double>(position), inner.getI32Type(), all, range);
    mlir::Value equal = nn::CompareOp::create(inner, where, nn::Predicate::eq, index, number.value);
    chosen = chosen ? nn::AndOp::create(inner, where, chosen, equal).getResult() : equal;
  }
  mlir::Value old = evaluator.function().read(leaf).value;
  evaluator.function().write(leaf, nn::SelectOp::create(inner, where, chosen, wide.value, old));
  return true;
}

bool Pipeline::assign(const dsl::Slot &slot, const ScopePtr &scope, const Value &value, dsl::SourceRange range) {
  std::optional<std::string> name = evaluator.slotName(slot, scope);
  if (!name || value.isPoison())
    return false;
  std::vector<std::string> prefixes{""};
  if (current->stage)
    prefixes.insert(prefixes.begin(), current->stage->name + ".");
  for (const std::string &prefix : prefixes) {
    if (brokenStates.count(prefix + *name))
      return false;
    if (auto found = states.find(prefix + *name); found != states.end()) {
      const HeldState &held = found->second;
      if (held.isPerSample())
        return assignRows(held, value, range);
      if (held.form == HeldState::Single)
        return assignTo(*evaluator.leaves[held.path], value, range);
      std::vector<Leaf *> parts;
      for (const std::string &component : held.components)
        parts.push_back(evaluator.leaves[held.path + "." + component].get());
      // A tree has parameters alone: what it does not replace of a module stays.
      bool keeps = held.form == HeldState::OfModule && value.tree();
      return assignParts(held.path, parts, value, range, [&](const Leaf &) { return keeps; });
    }
    auto whole = states.find(prefix + slot.base.text);
    bool indexed = llvm::all_of(slot.steps, [](const dsl::SlotStep &step) { return !step.member; });
    if (whole != states.end() && whole->second.isPerSample()) {
      error(slot.range, "not-a-state",
            "'" + slot.base.text + "' has a row for each sample; those of the batch are updated together: 'update " +
                slot.base.text + " = where(.., .., " + slot.base.text + ")'");
      return false;
    }
    if (whole != states.end() && whole->second.form == HeldState::Single && indexed)
      return assignElement(whole->second, slot, scope, value, range);
  }
  for (auto &instance : evaluator.instances)
    if (instance->path == *name)
      return assignParts(*name, evaluator.leavesBelow(*name), value, range,
                         [](const Leaf &leaf) { return leaf.kind == Leaf::State; });
  std::vector<std::string> names;
  for (auto &entry : states)
    for (const std::string &prefix : prefixes)
      if (llvm::StringRef known = entry.first; known.consume_front(prefix))
        names.push_back(known.str());
  error(slot.range, "not-a-state",
        "'" + *name + "' is neither a state that is visible here nor a model" + dsl::suggest(*name, names));
  return false;
}

//===--- updates at a stated time -------------------------------------------------------------------------------===//

TimedPasses Pipeline::buildTimedUpdates(StageInfo &stage) {
  using Kind = dsl::Timing::Kind;
  TimedPasses passes;
  for (auto [i, clause] : llvm::enumerate(stage.timed)) {
    auto &update = llvm::cast<dsl::UpdateItem>(*clause.item);
    const ScopePtr &scope = clause.scope;
    PassRequest request;
    request.name = stage.name + ".update" + std::to_string(i);
    request.range = update.range;
    request.stage = &stage;
    request.sources = stage.sources;
    request.frozen = discovering ? std::set<std::string>() : finallyFrozen(stage);
    request.counters = update.timing->kind != Kind::BeforeStage && update.timing->kind != Kind::AfterStage;
    bool built = buildPass(request, [&](BuildContext &) {
      return assign(update.slot, scope, evaluator.evaluate(*update.value, scope), update.value->range);
    });
    if (!built)
      continue;
    if (update.timing->kind == Kind::BeforeStage || update.timing->kind == Kind::AfterStage) {
      (update.timing->kind == Kind::BeforeStage ? passes.before : passes.after).push_back(text(request.name));
      continue;
    }
    int64_t every = 1;
    if (update.timing->count) {
      std::optional<int64_t> number = evaluator.evaluateInt(*update.timing->count, scope, 1, INT32_MAX, "wrong-type",
                                                            "'every' wants an int from 1 to 2^31 - 1");
      if (!number)
        continue;
      every = *number;
    }
    passes.periodic.push_back(pipeline::PeriodicAttr::get(
        &context, request.name, every, update.timing->kind == Kind::EverySteps ? "steps" : "epochs"));
  }
  return passes;
}

} // namespace xfer
