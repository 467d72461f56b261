//===- Trees.cpp - the leaves of trees and modules, one by one ----------------------------------------------------===//
//
// A tree has a value for each leaf of a module, or of what a clause moves. What is done to trees is done leaf by leaf;
// leaves are found by their path, so that trees of two modules of one architecture meet.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

std::shared_ptr<Tree> Evaluator::parameters(const Module &module, dsl::SourceRange range) {
  auto tree = std::make_shared<Tree>();
  tree->partial = !module.instance->applied;
  const std::string &path = module.instance->path;
  for (Leaf *leaf : leavesBelow(path))
    if (leaf->kind == Leaf::Parameter)
      tree->leaves[leaf->path.substr(path.size() + 1)] = readLeaf(*leaf, &module);
  return tree;
}

bool Evaluator::isTree(const Value &value) {
  if (auto *list = value.list())
    return !list->elements.empty() && llvm::all_of(list->elements, isTree);
  if (auto *record = value.record())
    return !record->fields.empty() && llvm::all_of(record->fields, [](auto &field) { return isTree(field.second); });
  return value.tree() || value.module();
}

std::shared_ptr<const Tree> Evaluator::treeOf(const Value &value, dsl::SourceRange range) {
  assert(isTree(value) && "neither a tree nor parts of one");
  if (auto *module = value.module())
    return parameters(*module, range);
  if (auto *tree = value.get<std::shared_ptr<const Tree>>())
    return *tree;
  auto joined = std::make_shared<Tree>();
  auto add = [&](const std::string &name, const Value &part) {
    std::shared_ptr<const Tree> tree = treeOf(part, range);
    joined->partial |= tree->partial;
    joined->stacked |= tree->stacked;
    for (auto &[path, leaf] : tree->leaves)
      joined->leaves[name + "." + path] = leaf;
  };
  if (auto *list = value.list())
    for (auto [i, part] : llvm::enumerate(list->elements))
      add(std::to_string(i), part);
  else
    for (auto &[name, part] : value.record()->fields)
      add(name, part);
  return joined;
}

Value Evaluator::partOf(const Value &value, const std::string &component) {
  if (auto *tree = value.tree()) {
    auto found = tree->leaves.find(component);
    return found == tree->leaves.end() ? Value() : found->second;
  }
  const Module &module = *value.module();
  auto found = leaves.find(module.instance->path + "." + component);
  return found == leaves.end() ? Value() : Value(readLeaf(*found->second, &module));
}

Value Evaluator::overLeaves(llvm::ArrayRef<Value> operands, dsl::SourceRange range,
                            llvm::function_ref<Value(llvm::ArrayRef<Value>)> operation) {
  std::vector<std::shared_ptr<const Tree>> trees(operands.size());
  const Tree *first = nullptr;
  auto result = std::make_shared<Tree>();
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (!isTree(operand))
      continue;
    trees[i] = treeOf(operand, range);
    result->stacked |= trees[i]->stacked;
    result->partial |= trees[i]->partial;
    if (first && first->leaves.size() != trees[i]->leaves.size())
      return result->partial ? Value()
                             : error(range, "trees-differ",
                                     "two trees of different modules cannot be combined leaf by leaf; use two modules "
                                     "of one constructor");
    if (!first)
      first = trees[i].get();
  }
  for (auto &[path, unused] : first->leaves) {
    std::vector<Value> parts;
    for (auto &&[operand, tree] : llvm::zip_equal(operands, trees)) {
      if (!tree) {
        parts.push_back(operand);
        continue;
      }
      auto found = tree->leaves.find(path);
      if (found == tree->leaves.end())
        return result->partial ? Value()
                               : error(range, "trees-differ", "the tree on one side has no leaf '" + path + "'");
      parts.push_back(found->second);
    }
    Value value = operation(parts);
    if (value.isPoison())
      return value;
    result->leaves[path] = value;
  }
  return Value(std::shared_ptr<const Tree>(result));
}

} // namespace xfer
