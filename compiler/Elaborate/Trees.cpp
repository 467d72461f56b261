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
  std::vector<std::shared_ptr<const Tree>> owned(operands.size());
  std::vector<const Tree *> trees(operands.size(), nullptr);
  const Tree *first = nullptr;
  auto result = std::make_shared<Tree>();
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (operand.module())
      owned[i] = parameters(*operand.module(), range);
    trees[i] = owned[i] ? owned[i].get() : operand.tree();
    if (!trees[i])
      continue;
    result->stacked |= trees[i]->stacked;
    result->partial |= trees[i]->partial;
    if (first && first->leaves.size() != trees[i]->leaves.size())
      return result->partial ? Value()
                             : error(range, "trees-differ",
                                     "two trees of different modules cannot be combined leaf by leaf; use two modules "
                                     "of one constructor");
    if (!first)
      first = trees[i];
  }
  for (auto &[path, unused] : first->leaves) {
    std::vector<Value> parts;
    for (auto [operand, tree] : llvm::zip_equal(operands, trees)) {
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
