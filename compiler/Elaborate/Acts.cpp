//===- Acts.cpp - what a step does, in text order -----------------------------------------------------------------===//
//
// Each clause reads the parameters that the one before left. `minimize` finds the parameters that a gradient path
// reaches, takes the gradient, and hands both, as trees, to the optimizer.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Formulas.h"
#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Training reads a value that is hidden.
static void reportHidden(Evaluator &evaluator, mlir::Value value, dsl::SourceRange range) {
  evaluator.error(range, "hidden-value",
                  "training reads " + evaluator.function().describeHidden(value) +
                      " ('hide' in its domain); what is hidden may reach 'watch', 'report' and 'evaluate' only");
}

/// All values from which a derivative can flow to `loss`; what parameters were made from before is not looked at.
static llvm::DenseSet<mlir::Value> gradientSources(mlir::Value loss, const llvm::DenseSet<mlir::Value> &parameters) {
  llvm::DenseSet<mlir::Value> reached;
  SmallVector<mlir::Value> work{loss};
  while (!work.empty()) {
    mlir::Value value = work.pop_back_val();
    if (!reached.insert(value).second || parameters.contains(value))
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
  // Draws belong to the clause: by its kind and its place among those of its kind.
  std::vector<Evaluator::Frame> outside;
  std::swap(outside, evaluator.frames);
  Evaluator::Frame frame;
  frame.name =
      current->stage->key + ":" + dsl::getSpelling(item.kind).str() + std::to_string(current->actNumbers[item.kind]++);
  if (current->iteration)
    frame.iteration = "#" + std::to_string(current->iteration);
  evaluator.frames.push_back(std::move(frame));
  if (auto *repeat = llvm::dyn_cast<dsl::RepeatItem>(&item))
    repeatActs(*repeat, scope);
  else
    actOnce(item, scope);
  std::swap(outside, evaluator.frames);
}

void Pipeline::actOnce(const dsl::Item &item, const ScopePtr &scope) {
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::MinimizeItem>([&](auto *item) { minimize(*item, scope); })
      .Case<dsl::ApplyItem>([&](auto *item) { applyGradient(*item, scope); })
      .Case<dsl::RunItem>([&](auto *run) { evaluator.evaluate(*run->value, scope); })
      .Case<dsl::HoldItem>([&](auto *hold) {
        // What is held is a constant below, and so are the parameters that it was made from.
        Value held = evaluator.evaluate(*hold->value, scope);
        current->holds[hold->name.text] = runBuiltin(evaluator, "stop_gradient", {held}, hold->value->range);
      })
      .Case<dsl::UpdateItem>([&](auto *update) {
        assign(update->slot, scope, evaluator.evaluate(*update->value, scope), update->value->range);
      })
      .Default([&](auto *other) {
        error(other->keyword, "misplaced-item", "'" + dsl::getSpelling(other->kind) + "' cannot stand in a 'repeat'");
      });
}

/// The clauses again and again, on the batch at hand, or with `fresh` each time on another one.
void Pipeline::repeatActs(const dsl::RepeatItem &repeat, const ScopePtr &scope) {
  constexpr int64_t maxTimes = 1000;
  std::optional<int64_t> times = evaluator.evaluateInt(*repeat.count, scope, 0, maxTimes, "wrong-type",
                                                       "'repeat' wants an int up to " + Twine(maxTimes));
  if (!times)
    return;
  uint64_t iterationBefore = current->iteration;
  int64_t drawBefore = current->draw;
  unsigned updatersBefore = current->updaters;
  auto actsBefore = current->actNumbers;
  for (int64_t i = 0; i < *times; ++i) {
    // Another iteration, another draw; but the same clauses, with the same optimizers.
    current->iteration = iterationBefore * (maxTimes + 9) + i + 1;
    current->updaters = updatersBefore;
    current->actNumbers = actsBefore;
    if (repeat.fresh)
      current->draw = ++current->draws;
    eachItem(repeat.body->items, scope,
             [&](const dsl::Item &inner, const ScopePtr &innerScope) { act(inner, innerScope); });
  }
  current->iteration = iterationBefore;
  current->draw = drawBefore;
}

/// What a step does between the gradients of a clause and its update: it joins those of all replicas, and stops where
/// one is not finite, before that reaches a parameter.
Tree Pipeline::readyGradients(llvm::ArrayRef<Leaf *> leaves, llvm::ArrayRef<Tensor> gradients, dsl::SourceRange range) {
  SmallVector<mlir::Value> values;
  for (const Tensor &gradient : gradients)
    values.push_back(gradient.value);
  auto reduced = nn::AllReduceOp::create(evaluator.builder(), location(range), ValueRange(values).getTypes(), values);
  Tree tree;
  for (auto [leaf, gradient, value] : llvm::zip(leaves, gradients, reduced.getReduced())) {
    // A sum is finite if and only if all of its terms are, but for sums beyond the largest float.
    auto axes = llvm::to_vector(llvm::seq<int64_t>(0, gradient.rank()));
    mlir::Value sum =
        axes.empty()
            ? mlir::Value(value)
            : nn::ReduceOp::create(evaluator.builder(), location(range), nn::ReduceKind::Sum, value, axes).getResult();
    int64_t site = siteOf(range, "the gradient of '" + leaf->path + "' is not finite");
    evaluator.function().result(pipeline::BindKind::Check, std::to_string(site), sum);
    tree.leaves[leaf->path] = Value(Tensor{value, gradient.axes});
  }
  return tree;
}

/// Keeps who is moved by what in the clause, for `explain`: once for a clause that is repeated.
void Pipeline::noteRole(const dsl::Item &clause, llvm::ArrayRef<Leaf *> leaves,
                        llvm::ArrayRef<mlir::Value> objectives) {
  if (!current->checksPaths)
    return;
  std::vector<std::pair<std::string, mlir::Value>> losses;
  for (const std::string &name : current->stage->losses)
    if (auto known = current->lossValues.find(name); known != current->lossValues.end())
      losses.push_back({name, known->second});
  std::vector<MovedLeaf> moved;
  for (auto [leaf, objective] : llvm::zip_equal(leaves, objectives))
    moved.push_back({leaf->path, evaluator.function().read(*leaf).value, objective});
  ClauseRole role = roleOf(oneLine(sources.getText(clause.range)), losses, moved);
  bool isKnown = llvm::any_of(current->roles, [&](const ClauseRole &known) {
    return known.text == role.text && known.by == role.by && known.losses == role.losses;
  });
  if (!isKnown)
    current->roles.push_back(std::move(role));
}

/// Every loss that is minimized reaches a parameter of its own that is not frozen.
void Pipeline::checkLosses(const llvm::DenseSet<mlir::Value> &sources, const llvm::DenseSet<mlir::Value> &parameters) {
  llvm::SmallVector<mlir::Value> trainable;
  for (Leaf *leaf : evaluator.leafOrder)
    if (leaf->kind == Leaf::Parameter && !current->frozen.count(leaf->path))
      trainable.push_back(evaluator.function().read(*leaf).value);
  for (const std::string &name : current->stage->losses) {
    auto known = current->lossValues.find(name);
    if (known == current->lossValues.end() || !sources.contains(known->second))
      continue;
    llvm::DenseSet<mlir::Value> own = gradientSources(known->second, parameters);
    if (llvm::none_of(trainable, [&](mlir::Value parameter) { return own.contains(parameter); }))
      error(current->stage->definitions.at(name).value->range, "no-gradient-path",
            "the loss '" + name +
                "' has no gradient path to any parameter that trains: what it reads is frozen, constant, detached "
                "('stop_gradient', 'hold', argmax, comparisons) or a state");
  }
}

void Pipeline::minimize(const dsl::MinimizeItem &item, const ScopePtr &scope) {
  std::string path = updaterPath(item.updater);
  Value value = evaluator.evaluate(*item.value, scope);
  std::optional<Tensor> loss = evaluator.toTensor(value, item.value->range, builder.getF32Type());
  if (!loss)
    return;
  if (loss->rank() != 0) {
    error(item.value->range, "loss-not-scalar",
          "'minimize' wants a scalar, found " + value.describe() + "; take its 'mean'");
    return;
  }
  if (meaningOf(loss->value).hidden) {
    reportHidden(evaluator, loss->value, item.value->range);
    return;
  }
  std::optional<std::vector<Leaf *>> over;
  if (item.over) {
    over = select(evaluator, *item.over, scope);
    if (!over)
      return;
  }
  llvm::DenseSet<mlir::Value> parameters;
  for (Leaf *leaf : evaluator.leafOrder)
    if (leaf->kind == Leaf::Parameter)
      parameters.insert(evaluator.function().read(*leaf).value);
  llvm::DenseSet<mlir::Value> sources = gradientSources(loss->value, parameters);
  std::vector<Leaf *> trained;
  for (Leaf *leaf : evaluator.leafOrder) {
    if (leaf->kind != Leaf::Parameter || current->frozen.count(leaf->path) ||
        (over && !llvm::is_contained(*over, leaf)))
      continue;
    if (sources.contains(evaluator.function().read(*leaf).value))
      trained.push_back(leaf);
  }
  if (trained.empty()) {
    if (current->checksPaths)
      error(item.value->range, "no-gradient-path",
            "no trainable parameter changes this loss: what it reads is frozen, detached ('stop_gradient', 'hold', "
            "argmax, comparisons), a state, or not covered by 'over'");
    return;
  }
  if (current->checksPaths)
    checkLosses(sources, parameters);
  noteRole(item, trained, SmallVector<mlir::Value>(trained.size(), loss->value));
  SmallVector<mlir::Value> values;
  for (Leaf *leaf : trained)
    values.push_back(evaluator.function().read(*leaf).value);
  auto gradient = nn::GradientOp::create(evaluator.builder(), location(item.range), loss->value, values);
  evaluator.function().result(pipeline::BindKind::Check,
                              std::to_string(siteOf(item.value->range, "the loss is not finite")), loss->value);
  std::vector<Tensor> gradients;
  for (auto [leaf, value] : llvm::zip(trained, gradient.getGradients()))
    gradients.push_back({value, llvm::SmallVector<AxisId>(leaf->type.getRank(), 0)});
  move(trained, gradients, item.value->range, item.updater, path, scope, item.range, item.value.get());
}

/// The gradient of the objective where some parameters are others and the rest is what the clause found: a second look
/// at the same samples, with the same draws. It writes no state of a module and is no loss that anyone is shown.
Value Pipeline::gradientElsewhere(const dsl::Expr &objective, const ScopePtr &scope,
                                  const FunctionBuilder::Point &found, const std::vector<Evaluator::Frame> &frames,
                                  const Tree &at, dsl::SourceRange range) {
  FunctionBuilder &function = evaluator.function();
  FunctionBuilder::Point here = function.point();
  auto losses = current->lossValues;
  std::vector<Evaluator::Frame> outside = std::exchange(evaluator.frames, frames);
  const Evaluator::Acting *acting = std::exchange(evaluator.acting, nullptr);
  bool proposesNothing = std::exchange(evaluator.proposesNothing, true);
  function.moveTo(found);
  std::vector<Leaf *> leaves;
  SmallVector<mlir::Value> values;
  bool ok = true;
  for (auto &[path, value] : at.leaves) {
    Leaf *leaf = evaluator.leaves.at(path).get();
    std::optional<Tensor> tensor = evaluator.conformToLeaf(*leaf, value, range);
    if (!(ok = tensor.has_value()))
      break;
    values.push_back(nn::StopGradientOp::create(evaluator.builder(), location(range), tensor->value));
    leaves.push_back(leaf);
    function.place(*leaf, values.back());
  }
  Value result;
  std::optional<Tensor> loss;
  if (ok)
    loss = evaluator.toTensor(evaluator.evaluate(objective, scope), objective.range, builder.getF32Type());
  if (loss) {
    auto gradient = nn::GradientOp::create(evaluator.builder(), location(range), loss->value, values);
    std::vector<Tensor> gradients;
    for (auto [leaf, value] : llvm::zip(leaves, gradient.getGradients()))
      gradients.push_back({value, llvm::SmallVector<AxisId>(leaf->type.getRank(), 0)});
    result = Value(std::make_shared<const Tree>(readyGradients(leaves, gradients, objective.range)));
  }
  function.moveTo(std::move(here));
  current->lossValues = std::move(losses);
  evaluator.frames = std::move(outside);
  evaluator.acting = acting;
  evaluator.proposesNothing = proposesNothing;
  return result;
}

/// One call an optimizer, with the leaves that it covers.
void Pipeline::move(llvm::ArrayRef<Leaf *> leaves, llvm::ArrayRef<Tensor> gradients, dsl::SourceRange gradientRange,
                    const std::optional<dsl::Updater> &updater, const std::string &path, const ScopePtr &scope,
                    dsl::SourceRange range, const dsl::Expr *objective) {
  GradientAt gradient;
  if (objective)
    gradient = [this, objective, scope, found = evaluator.function().point(),
                frames = evaluator.frames](const Tree &at, dsl::SourceRange from) {
      return gradientElsewhere(*objective, scope, found, frames, at, from);
    };
  Tree ready = readyGradients(leaves, gradients, gradientRange);
  struct Group {
    Chosen chosen;
    Tree parameters, gradients;
  };
  std::map<std::string, Group> groups;
  for (Leaf *leaf : leaves) {
    std::optional<Chosen> chosen = optimizerFor(*leaf, updater, path, scope, range);
    if (!chosen)
      return;
    Group &group = groups.try_emplace(chosen->path, Group{*chosen, {}, {}}).first->second;
    group.parameters.leaves[leaf->path] = Value(evaluator.function().read(*leaf));
    group.gradients.leaves[leaf->path] = ready.leaves[leaf->path];
  }
  for (auto &[name, group] : groups)
    runOptimizer(group.chosen, group.parameters, group.gradients, range, gradient);
}

/// `apply G to P`: the optimizer with a gradient that is given.
void Pipeline::applyGradient(const dsl::ApplyItem &item, const ScopePtr &scope) {
  std::string path = updaterPath(item.updater);
  Value value = evaluator.evaluate(*item.value, scope);
  std::optional<std::vector<Leaf *>> to = select(evaluator, item.to, scope);
  if (value.isPoison() || !to)
    return;
  const Tree *tree = value.tree();
  if (!tree) {
    error(item.value->range, "wrong-type", "'apply' wants a tree of gradients, found " + value.describe());
    return;
  }
  std::vector<Leaf *> moved;
  std::vector<Tensor> gradients;
  for (Leaf *leaf : *to) {
    if (leaf->kind != Leaf::Parameter || current->frozen.count(leaf->path))
      continue;
    // The tree's paths are relative to the module that it is like.
    const Value *found = nullptr;
    for (auto &[component, part] : tree->leaves)
      if (leaf->path == component || llvm::StringRef(leaf->path).ends_with("." + component))
        found = &part;
    if (!found) {
      if (!tree->partial)
        error(item.value->range, "trees-differ", "the gradient has no leaf for '" + leaf->path + "'");
      return;
    }
    if (found->tensor() && meaningOf(found->tensor()->value).hidden) {
      reportHidden(evaluator, found->tensor()->value, item.value->range);
      return;
    }
    std::optional<Tensor> gradient = evaluator.toTensor(*found, item.value->range);
    if (!gradient)
      return;
    moved.push_back(leaf);
    gradients.push_back(*gradient);
  }
  if (moved.empty() && current->checksPaths)
    error(item.to.range, "no-gradient-path", "'apply' moves nothing: all of this is frozen, or no parameter");
  if (moved.empty())
    return;
  noteRole(item, moved, llvm::map_to_vector(gradients, [](const Tensor &gradient) { return gradient.value; }));
  move(moved, gradients, item.value->range, item.updater, path, scope, item.range);
}

} // namespace xfer
