//===- Acts.cpp - what a step does, in text order --------------------------------------------------------------------------===//
//
// Each clause reads the parameters that the one before left. `minimize` finds the parameters that a gradient path reaches,
// takes the gradient, and hands both, as trees, to the optimizer.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// All values from which a derivative can flow to `loss`.
static llvm::DenseSet<mlir::Value> gradientSources(mlir::Value loss) {
  llvm::DenseSet<mlir::Value> reached;
  SmallVector<mlir::Value> work{loss};
  while (!work.empty()) {
    mlir::Value value = work.pop_back_val();
    if (!reached.insert(value).second)
      continue;
    Operation *op = value.getDefiningOp();
    auto rule = llvm::dyn_cast_or_null<nn::NNOpInterface>(op);
    if (!rule)
      continue;
    for (auto [i, operand] : llvm::enumerate(op->getOperands()))
      if (rule.getDerivativeKind(i) == nn::DerivativeKind::Some)
        work.push_back(operand);
  }
  return reached;
}

void Pipeline::act(const dsl::Item &item, const ScopePtr &scope) {
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::MinimizeItem>([&](auto *item) { minimize(*item, scope); })
      .Case<dsl::ApplyItem>([&](auto *item) { applyGradient(*item, scope); })
      .Case<dsl::RunItem>([&](auto *run) { evaluator.evaluate(*run->value, scope); })
      .Case<dsl::HoldItem>([&](auto *hold) {
        Value value = evaluator.evaluate(*hold->value, scope);
        if (auto *tensor = value.tensor(); tensor && llvm::isa<FloatType>(tensor->type().getElementType()))
          value = Value(Tensor{
              nn::StopGradientOp::create(evaluator.builder(), location(hold->range), tensor->value), tensor->axes});
        current->holds[hold->name.text] = value;
      })
      .Case<dsl::UpdateItem>([&](auto *update) { updateStageState(*update, scope); })
      .Case<dsl::RepeatItem>([&](auto *repeat) {
        Value count = evaluator.evaluate(*repeat->count, scope);
        std::optional<int64_t> times = count.asInteger();
        if (!times || *times < 0 || *times > 1000) {
          if (!count.isPoison())
            error(repeat->count->range, "wrong-type", "'repeat' wants an int known at compile time, at most 1000");
          return;
        }
        if (repeat->fresh) {
          error(repeat->keyword, "not-supported-yet", "'repeat .. fresh' is not supported yet");
          return;
        }
        for (int64_t i = 0; i < *times; ++i) {
          // Another iteration, another draw.
          current->iteration = current->iteration * 1009 + i + 1;
          eachItem(repeat->body->items, scope,
                   [&](const dsl::Item &inner, const ScopePtr &innerScope) { act(inner, innerScope); });
        }
      });
}

std::optional<Pipeline::Chosen> Pipeline::optimizerFor(const Leaf &leaf, const std::optional<dsl::Updater> &updater,
                                                       const ScopePtr &scope, dsl::SourceRange range) {
  if (updater)
    return Chosen{updater->optimizer.get(), &updater->rates, scope,
                  current->stage->name + ".optimizer" + std::to_string(range.begin)};
  // The last that matches holds.
  for (auto [i, clause] : llvm::enumerate(llvm::reverse(current->stage->optimizers))) {
    auto &item = llvm::cast<dsl::OptimizerItem>(*clause.item);
    bool matches = true;
    if (item.selectors) {
      std::optional<std::vector<Leaf *>> leaves = select(evaluator, *item.selectors, clause.scope);
      if (!leaves)
        return std::nullopt;
      matches = llvm::is_contained(*leaves, &leaf);
    }
    size_t number = current->stage->optimizers.size() - 1 - i;
    if (matches)
      return Chosen{item.value.get(), &item.rates, clause.scope,
                    current->stage->name + ".optimizer" + (number ? std::to_string(number) : "")};
  }
  error(range, "missing-optimizer", "no 'optimizer' of the stage covers '" + leaf.path + "'");
  return std::nullopt;
}

/// Multiplies the argument `rate` of an optimizer, and of those inside it, by the factors of the clause's `rate` items and
/// of the stage's schedule: one scalar a leaf.
Value Pipeline::withRate(const Value &optimizer, const Tree &parameters, const Chosen &chosen, dsl::SourceRange range) {
  auto constructor = optimizer.constructor();
  if (!constructor)
    return optimizer;
  std::map<std::string, Value> factors;
  for (const dsl::Rate &rate : *chosen.rates) {
    auto apply = [&](const ScopePtr &scope) {
      std::optional<std::vector<Leaf *>> leaves = select(evaluator, rate.selector, scope);
      Value factor = evaluator.evaluate(*rate.factor, scope);
      for (Leaf *leaf : leaves.value_or(std::vector<Leaf *>()))
        factors[leaf->path] = factor;
    };
    if (!rate.pattern) {
      apply(chosen.scope);
      continue;
    }
    auto all = evaluator.elements(evaluator.evaluate(*rate.iterable, chosen.scope), rate.iterable->range);
    for (const Value &element : all.value_or(std::vector<Value>())) {
      ScopePtr inner = Scope::inside(chosen.scope);
      if (evaluator.bindPattern(*rate.pattern, element, *inner, rate.iterable->range))
        apply(inner);
    }
  }
  Value schedule;
  bool scheduled = current->stage->schedule.has_value();
  if (scheduled) {
    schedule = evaluator.evaluate(*llvm::cast<dsl::SettingItem>(*current->stage->schedule->item).value,
                                  current->stage->schedule->scope);
    if (schedule.isPoison())
      return schedule;
  }
  if (!scheduled && factors.empty())
    return optimizer;
  auto changed = std::make_shared<Constructor>(*constructor);
  auto arguments = std::make_shared<Arguments>(*constructor->arguments);
  bool hasRate = false;
  for (auto [i, formal] : llvm::enumerate(constructor->definition->arguments)) {
    Arguments::One *given = nullptr;
    for (auto [j, one] : llvm::enumerate(arguments->all))
      if (one.name.empty() ? i == j : one.name == formal.name.text)
        given = &one;
    if (given && given->value.constructor()) {
      given->value = withRate(given->value, parameters, chosen, range);
      hasRate = true;
      continue;
    }
    if (formal.name.text != "rate")
      continue;
    hasRate = true;
    Value rate = given ? given->value
                       : formal.defaultValue ? evaluator.evaluate(*formal.defaultValue, constructor->closure) : Value();
    if (scheduled)
      rate = evaluator.binary(dsl::BinaryOp::Multiply, rate, schedule, range);
    if (!factors.empty()) {
      auto tree = std::make_shared<Tree>();
      for (auto &[path, unused] : parameters.leaves) {
        auto factor = factors.find(path);
        Value scaled = factor == factors.end()
                           ? rate
                           : evaluator.binary(dsl::BinaryOp::Multiply, rate, factor->second, range);
        std::optional<Tensor> scalar = evaluator.toTensor(scaled, range, builder.getF32Type());
        if (!scalar)
          return Value();
        tree->leaves[path] = Value(*scalar);
      }
      rate = Value(std::shared_ptr<const Tree>(tree));
    }
    if (given)
      given->value = rate;
    else
      arguments->all.push_back({"rate", rate, range});
  }
  if (!hasRate)
    return error(chosen.optimizer->range, "no-rate",
                 "'" + constructor->definition->name.text + "' has no argument 'rate' for 'rate' or 'schedule' to change");
  changed->arguments = arguments;
  return Value(std::shared_ptr<const Constructor>(changed));
}

bool Pipeline::runOptimizer(const Chosen &chosen, const Tree &parameters, const Tree &gradients,
                            dsl::SourceRange range) {
  Value optimizer = withRate(evaluator.evaluate(*chosen.optimizer, chosen.scope), parameters, chosen, range);
  if (optimizer.isPoison())
    return false;
  if (!optimizer.constructor()) {
    error(chosen.optimizer->range, "not-a-module",
          "an optimizer is a module (p, g) -> p, such as sgd(0.01), found " + optimizer.describe());
    return false;
  }
  Evaluator::Acting acting{&parameters, "stage:" + current->stage->name};
  evaluator.acting = &acting;
  Value placed = evaluator.place(optimizer, chosen.path, {}, chosen.optimizer->range);
  bool ok = false;
  if (const Module *instance = placed.module()) {
    Arguments arguments;
    arguments.all.push_back({"", Value(std::make_shared<const Tree>(parameters)), range});
    arguments.all.push_back({"", Value(std::make_shared<const Tree>(gradients)), range});
    Value result = evaluator.apply(*instance, arguments, chosen.optimizer->range);
    if (const Tree *next = result.tree()) {
      ok = true;
      for (auto &[path, value] : next->leaves) {
        const Leaf &leaf = *evaluator.leaves[path];
        std::optional<Tensor> tensor = evaluator.toTensor(value, range);
        if (tensor && tensor->type().getShape() == leaf.type.getShape())
          evaluator.function().write(leaf, tensor->value);
        else
          ok = false;
      }
    }
    if (!ok && !result.isPoison())
      error(chosen.optimizer->range, "wrong-type", "an optimizer returns the new parameters, like those it is given");
  }
  evaluator.acting = nullptr;
  return ok;
}

void Pipeline::minimize(const dsl::MinimizeItem &item, const ScopePtr &scope) {
  Value value = evaluator.evaluate(*item.value, scope);
  std::optional<Tensor> loss = evaluator.toTensor(value, item.value->range, builder.getF32Type());
  if (!loss)
    return;
  if (loss->rank() != 0) {
    error(item.value->range, "loss-not-scalar", "'minimize' wants a scalar, found " + value.describe());
    return;
  }
  if (meaningOf(loss->value).hidden) {
    error(item.value->range, "hidden-value",
          "training reads a value that is hidden here; what is hidden may reach 'watch', 'report' and 'evaluate' only");
    return;
  }
  std::optional<std::vector<Leaf *>> over;
  if (item.over) {
    over = select(evaluator, *item.over, scope);
    if (!over)
      return;
  }
  llvm::DenseSet<mlir::Value> sources = gradientSources(loss->value);
  std::vector<Leaf *> trained;
  for (Leaf *leaf : evaluator.leafOrder) {
    if (leaf->kind != Leaf::Parameter || current->frozen.count(leaf->path) || (over && !llvm::is_contained(*over, leaf)))
      continue;
    if (sources.contains(evaluator.function().read(*leaf).value))
      trained.push_back(leaf);
  }
  if (trained.empty()) {
    if (current->checksPaths)
      error(item.value->range, "no-gradient-path",
            "no trainable parameter changes this loss; frozen, detached, or constant everywhere?");
    return;
  }
  if (current->checksPaths)
    for (const std::string &name : current->stage->losses) {
      auto known = current->lossValues.find(name);
      if (known == current->lossValues.end() || !sources.contains(known->second))
        continue;
      llvm::DenseSet<mlir::Value> own = gradientSources(known->second);
      bool reaches = llvm::any_of(evaluator.leafOrder, [&](Leaf *leaf) {
        return leaf->kind == Leaf::Parameter && own.contains(evaluator.function().read(*leaf).value);
      });
      if (!reaches)
        error(current->stage->definitions.at(name).value->range, "no-gradient-path",
              "the loss '" + name + "' has no gradient path to any parameter");
    }
  SmallVector<mlir::Value> values;
  for (Leaf *leaf : trained)
    values.push_back(evaluator.function().read(*leaf).value);
  auto gradient = nn::GradientOp::create(evaluator.builder(), location(item.range), loss->value, values);
  evaluator.function().result(pipeline::BindKind::Check,
                              std::to_string(siteOf(item.value->range, "the loss is not finite")), loss->value);
  // One call an optimizer, with the leaves that it covers.
  std::map<std::string, std::pair<Chosen, std::pair<Tree, Tree>>> groups;
  for (auto [i, leaf] : llvm::enumerate(trained)) {
    std::optional<Chosen> chosen = optimizerFor(*leaf, item.updater, scope, item.range);
    if (!chosen)
      return;
    auto &group = groups.try_emplace(chosen->path, std::make_pair(*chosen, std::make_pair(Tree(), Tree()))).first->second;
    llvm::SmallVector<AxisId> axes(leaf->type.getRank(), 0);
    group.second.first.leaves[leaf->path] = Value(Tensor{values[i], axes});
    group.second.second.leaves[leaf->path] = Value(Tensor{gradient.getResult(i), axes});
  }
  for (auto &[path, group] : groups)
    runOptimizer(group.first, group.second.first, group.second.second, item.range);
}

/// `apply G to P`: the optimizer with a gradient that is given.
void Pipeline::applyGradient(const dsl::ApplyItem &item, const ScopePtr &scope) {
  Value value = evaluator.evaluate(*item.value, scope);
  std::optional<std::vector<Leaf *>> to = select(evaluator, item.to, scope);
  if (value.isPoison() || !to)
    return;
  const Tree *tree = value.tree();
  if (!tree) {
    error(item.value->range, "wrong-type", "'apply' wants a tree of gradients, found " + value.describe());
    return;
  }
  std::map<std::string, std::pair<Chosen, std::pair<Tree, Tree>>> groups;
  for (Leaf *leaf : *to) {
    if (leaf->kind != Leaf::Parameter || current->frozen.count(leaf->path))
      continue;
    // The tree's paths are relative to the module that it is like.
    const Value *found = nullptr;
    for (auto &[path, part] : tree->leaves)
      if (leaf->path == path || llvm::StringRef(leaf->path).ends_with("." + path))
        found = &part;
    if (!found) {
      error(item.value->range, "trees-differ", "the gradient has no leaf for '" + leaf->path + "'");
      return;
    }
    std::optional<Chosen> chosen = optimizerFor(*leaf, item.updater, scope, item.range);
    std::optional<Tensor> gradient = evaluator.toTensor(*found, item.value->range);
    if (!chosen || !gradient)
      return;
    auto &group = groups.try_emplace(chosen->path, std::make_pair(*chosen, std::make_pair(Tree(), Tree()))).first->second;
    group.second.first.leaves[leaf->path] = Value(evaluator.function().read(*leaf));
    group.second.second.leaves[leaf->path] = Value(*gradient);
  }
  for (auto &[path, group] : groups)
    runOptimizer(group.first, group.second.first, group.second.second, item.range);
}

void Pipeline::updateStageState(const dsl::UpdateItem &item, const ScopePtr &scope) {
  std::optional<std::string> name = evaluator.slotName(item.slot, scope);
  if (!name)
    return;
  auto leaf = evaluator.leaves.find(current->stage->name + "." + *name);
  if (leaf == evaluator.leaves.end()) {
    error(item.slot.range, "not-a-state", "'" + *name + "' is no state of the stage '" + current->stage->name + "'");
    return;
  }
  std::optional<Tensor> value = evaluator.toTensor(evaluator.evaluate(*item.value, scope), item.value->range,
                                                   leaf->second->type.getElementType());
  if (!value)
    return;
  std::vector<Dim> dims;
  for (const Extent &extent : nn::extentsOf(leaf->second->type))
    dims.push_back({extent, 0});
  value = evaluator.broadcast(*value, dims, item.value->range);
  if (value)
    evaluator.function().write(*leaf->second, value->value);
}

} // namespace xfer
