//===- Optimizers.cpp - states of an optimizer: one value a leaf --------------------------------------------------===//
//
// An optimizer is a module (p, g) -> p on trees. `state m: like p` is a leaf of the clause for every leaf of p; a
// scalar state has one value a leaf too, but leaves that thaw together share its storage, since their values are equal.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static std::string statePath(const Evaluator &evaluator, const Module &module, llvm::StringRef name,
                             llvm::StringRef leaf, bool shared) {
  std::string path = module.instance->path + "." + name.str();
  if (!shared)
    return path + "." + leaf.str();
  std::string group = evaluator.pipeline.thawGroup(leaf);
  return group.empty() ? path : path + "." + group;
}

bool Evaluator::runOptimizerState(const dsl::Slot &slot, const std::string &name, const dsl::Type *type,
                                  const dsl::Expr *initial, const ScopePtr &scope, dsl::SourceRange range) {
  const Module &module = *frames.back().module;
  bool like = type && llvm::isa<dsl::LikeType>(type);
  std::optional<std::pair<RankedTensorType, std::vector<Dim>>> own;
  if (!like) {
    if (type)
      own = tensorType(*type, scope, range);
    if (!own) {
      if (!type)
        error(range, "type-missing", "'" + name + "' needs a type, such as ': like p'");
      return false;
    }
  }
  auto tree = std::make_shared<Tree>();
  std::string before = surroundings.owner;
  surroundings.owner = acting->owner;
  bool ok = true;
  for (auto &[path, value] : acting->parameters->leaves) {
    RankedTensorType leafType = like ? nn::withoutMeaning(value.tensor()->value.getType()) : own->first;
    Leaf *leaf =
        declareLeaf(statePath(*this, module, name, path, !like), Leaf::State, leafType, initial, "", scope, range);
    if (!leaf) {
      ok = false;
      break;
    }
    leaf->axes.assign(leafType.getRank(), 0);
    tree->leaves[path] = Value(function().read(*leaf));
  }
  surroundings.owner = before;
  scope->bodyScope().define(slot.base.text, Value(std::shared_ptr<const Tree>(tree)));
  return ok;
}

bool Evaluator::runOptimizerUpdate(const std::string &name, const dsl::UpdateItem &update, const ScopePtr &scope) {
  const Module &module = *frames.back().module;
  Value value = evaluate(*update.value, scope);
  if (value.isPoison())
    return false;
  for (auto &[path, unused] : acting->parameters->leaves) {
    auto known = leaves.find(statePath(*this, module, name, path, false));
    if (known == leaves.end())
      known = leaves.find(statePath(*this, module, name, path, true));
    if (known == leaves.end()) {
      error(update.slot.range, "not-a-state",
            "'" + name + "' is not a state of '" + module.instance->kind +
                "'; declare it, or look at the 'when' that leaves it out");
      return false;
    }
    Value part = value;
    if (const Tree *tree = value.tree()) {
      auto found = tree->leaves.find(path);
      if (found == tree->leaves.end()) {
        error(update.value->range, "trees-differ", "the tree has no leaf '" + path + "'");
        return false;
      }
      part = found->second;
    }
    const Leaf &leaf = *known->second;
    std::optional<Tensor> tensor = conformToLeaf(leaf, part, update.value->range);
    if (!tensor)
      return false;
    function().write(leaf, tensor->value);
  }
  return true;
}

} // namespace xfer
