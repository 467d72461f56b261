//===- Updaters.cpp - which optimizer moves which parameters, and at what rate ------------------------------------===//
//
// An optimizer is a module (p, g) -> p on trees. A clause calls it once with all leaves that it covers; the factors of
// its `rate` items and of the schedule multiply its argument `rate`, one scalar a leaf.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

std::string Pipeline::updaterPath(const std::optional<dsl::Updater> &updater) {
  if (!updater)
    return "";
  unsigned ordinal = current->updaters++;
  return current->stage->name + ".using" + (ordinal ? std::to_string(ordinal) : "");
}

/// Is the leaf one that the clause selects? Nothing after an error.
std::optional<bool> Pipeline::covers(const Clause &clause, const dsl::Selectors &selectors, const Leaf &leaf) {
  // Selected once for a step: for each of thousands of leaves it took most of the time.
  auto [covered, isNew] = current->covered.try_emplace(clause.item);
  if (isNew)
    if (std::optional<std::vector<Leaf *>> leaves = select(evaluator, selectors, clause.scope))
      covered->second.emplace(leaves->begin(), leaves->end());
  return covered->second ? std::optional<bool>(covered->second->count(&leaf) != 0) : std::nullopt;
}

std::optional<Pipeline::Chosen> Pipeline::optimizerFor(const Leaf &leaf, const std::optional<dsl::Updater> &updater,
                                                       const std::string &path, const ScopePtr &scope,
                                                       dsl::SourceRange range) {
  if (updater)
    return Chosen{updater->optimizer.get(), &updater->rates, scope, path};
  // The last that matches holds.
  for (auto [i, clause] : llvm::enumerate(llvm::reverse(current->stage->optimizers))) {
    auto &item = llvm::cast<dsl::OptimizerItem>(*clause.item);
    bool matches = true;
    if (item.selectors) {
      std::optional<bool> covered = covers(clause, *item.selectors, leaf);
      if (!covered)
        return std::nullopt;
      matches = *covered;
    }
    size_t number = current->stage->optimizers.size() - 1 - i;
    if (!matches)
      continue;
    usedOptimizers.insert(&item);
    return Chosen{item.value.get(), &item.rates, clause.scope,
                  current->stage->name + ".optimizer" + (number ? std::to_string(number) : "")};
  }
  // In a baseline the stage's own clause that moves the parameter has it.
  for (auto [i, clause] : llvm::enumerate(current->stage->replaced)) {
    auto *minimize = llvm::dyn_cast<dsl::MinimizeItem>(clause.item);
    auto *apply = llvm::dyn_cast<dsl::ApplyItem>(clause.item);
    const std::optional<dsl::Updater> &own = minimize ? minimize->updater : apply->updater;
    const dsl::Selectors *moves = apply ? &apply->to : minimize->over ? &*minimize->over : nullptr;
    if (!own)
      continue;
    std::optional<bool> covered = moves ? covers(clause, *moves, leaf) : true;
    if (!covered)
      return std::nullopt;
    if (*covered)
      return Chosen{own->optimizer.get(), &own->rates, clause.scope,
                    current->stage->name + ".replaced" + std::to_string(i)};
  }
  error(range, "missing-optimizer",
        "no 'optimizer' of the stage covers '" + leaf.path +
            "'; give the stage one, such as 'optimizer sgd(0.01)', or this clause 'using'");
  return std::nullopt;
}

/// The factors that the clause's `rate` items give the leaves; the last that matches a leaf holds.
std::map<std::string, Value> Pipeline::rateFactors(const Chosen &chosen) {
  std::map<std::string, Value> factors;
  for (const dsl::Rate &rate : *chosen.rates) {
    auto apply = [&](const ScopePtr &scope) {
      std::optional<std::vector<Leaf *>> leaves = select(evaluator, rate.selector, scope);
      Value factor = evaluator.evaluate(*rate.factor, scope);
      if (auto number = factor.asNumber(); number && *number < 0)
        error(rate.factor->range, "negative-rate",
              "a 'rate' multiplies the optimizer's rate; a negative one would climb");
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
  return factors;
}

/// Multiplies the argument `rate` of an optimizer, and of those inside it, by the factors of the clause's `rate` items
/// and of the stage's schedule: one scalar a leaf.
Value Pipeline::withRate(const Value &optimizer, const Tree &parameters, const Chosen &chosen, dsl::SourceRange range) {
  auto constructor = optimizer.constructor();
  if (!constructor)
    return optimizer;
  std::map<std::string, Value> factors = rateFactors(chosen);
  Value schedule;
  bool scheduled = current->stage->schedule.has_value();
  if (scheduled) {
    schedule = scheduleFactor();
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
    Value rate = given                 ? given->value
                 : formal.defaultValue ? evaluator.evaluate(*formal.defaultValue, constructor->closure)
                                       : Value();
    // The optimizer sees the product only, which may not be known before each step.
    if (auto number = rate.asNumber(); number && *number < 0)
      return error(range, "negative-rate", "the rate of an optimizer is 0 or more; a negative one would climb");
    if (llvm::StringRef option = rate.tensor() ? evaluator.function().optionOf(rate.tensor()->value) : "";
        !option.empty())
      boundOption(option,
                  pipeline::BoundAttr::get(
                      builder.getContext(), "the rate of " + constructor->definition->name.text + " is 0 or more",
                      builder.getDictionaryAttr(builder.getNamedAttr("least", builder.getF64FloatAttr(0)))));
    if (scheduled)
      rate = evaluator.binary(dsl::BinaryOp::Multiply, rate, schedule, range);
    if (!factors.empty()) {
      auto tree = std::make_shared<Tree>();
      for (auto &[path, unused] : parameters.leaves) {
        auto factor = factors.find(path);
        Value scaled =
            factor == factors.end() ? rate : evaluator.binary(dsl::BinaryOp::Multiply, rate, factor->second, range);
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
                 "'" + constructor->definition->name.text +
                     "' has no argument 'rate' for 'rate' or 'schedule' to change");
  changed->arguments = arguments;
  return Value(std::shared_ptr<const Constructor>(changed));
}

bool Pipeline::runOptimizer(const Chosen &chosen, const Tree &parameters, const Tree &gradients, dsl::SourceRange range,
                            GradientAt gradient) {
  Value optimizer = withRate(evaluator.evaluate(*chosen.optimizer, chosen.scope), parameters, chosen, range);
  if (optimizer.isPoison())
    return false;
  if (!optimizer.constructor()) {
    error(chosen.optimizer->range, "not-a-module",
          "an optimizer is a module (p, g) -> p, such as sgd(0.01), found " + optimizer.describe());
    return false;
  }
  Evaluator::Acting acting{&parameters, "stage:" + current->stage->name, std::move(gradient)};
  evaluator.acting = &acting;
  Value placed = evaluator.place(optimizer, chosen.path, {}, chosen.optimizer->range);
  bool ok = false;
  if (const Module *instance = placed.module()) {
    Arguments arguments;
    arguments.all.push_back({"", Value(std::make_shared<const Tree>(parameters)), range});
    arguments.all.push_back({"", Value(std::make_shared<const Tree>(gradients)), range});
    Value result = evaluator.apply(*instance, arguments, chosen.optimizer->range);
    if (const Tree *next = result.tree()) {
      ok = next->leaves.size() == parameters.leaves.size();
      for (auto &[path, unused] : parameters.leaves) {
        auto value = next->leaves.find(path);
        if (!(ok &= value != next->leaves.end()))
          break;
        const Leaf &leaf = *evaluator.leaves[path];
        std::optional<Tensor> tensor = evaluator.toTensor(value->second, range);
        ok = tensor && tensor->type().getShape() == leaf.type.getShape();
        if (!ok)
          break;
        evaluator.function().write(leaf, tensor->value);
      }
    }
    if (!ok && !result.isPoison())
      error(chosen.optimizer->range, "wrong-type", "an optimizer returns the new parameters, like those it is given");
  }
  evaluator.acting = nullptr;
  return ok;
}

} // namespace xfer
