//===- BuiltinsModule.cpp - modules as points, trees as vectors ---------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static const Module *moduleArgument(Evaluator &evaluator, const Value &value, dsl::SourceRange range) {
  if (const Module *module = value.module())
    return module;
  if (!value.isPoison())
    evaluator.error(range, "not-a-module", "expected a module in its place, found " + value.describe());
  return nullptr;
}

/// What `change` makes of a module, or of each of several.
static Value ofEachModule(Evaluator &evaluator, const Value &modules, dsl::SourceRange range,
                          llvm::function_ref<Value(const Module &)> change) {
  if (modules.tree()) { // whose leaves are no modules
    moduleArgument(evaluator, modules, range);
    return Value();
  }
  return mapLeaves(modules, [&](const Value &one) {
    const Module *module = moduleArgument(evaluator, one, range);
    return module ? change(*module) : Value();
  });
}

/// One tree of a module, or of several parts, whose leaves then begin with the place or the name of theirs.
static Value params(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (Evaluator::isTree(given[0]))
    return Value(evaluator.treeOf(given[0], range));
  moduleArgument(evaluator, given[0], range);
  return Value();
}

/// `with_parameter(m, "weight", w)`: m with another value for one of its parameters, which `w` is made of.
static Value withParameter(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  const Module *module = moduleArgument(evaluator, given[0], range);
  const std::string *name = given[1].text();
  if (!module || given[1].isPoison() || given[2].isPoison())
    return Value();
  if (!name)
    return evaluator.error(range, "wrong-type",
                           "'name' is the name of a parameter, such as \"weight\", found " + given[1].describe());
  auto found = evaluator.leaves.find(module->instance->path + "." + *name);
  if (found == evaluator.leaves.end() || found->second->kind != Leaf::Parameter) {
    evaluator.readUnapplied |= !module->instance->applied;
    return evaluator.error(range, "unknown-part",
                           "'" + module->instance->path + "' has no parameter '" + *name + "'" +
                               (module->instance->applied ? "" : ": it is applied nowhere"));
  }
  std::optional<Tensor> value = evaluator.toTensor(given[2], range, found->second->type.getElementType());
  if (!value)
    return Value();
  if (nn::extentsOf(value->value.getType()) != nn::extentsOf(found->second->type))
    return evaluator.error(range, "shapes-differ",
                           "'" + found->first + "' is " + describeShape(found->second->type) + ", found " +
                               given[2].describe());
  Tree tree;
  tree.leaves[*name] = Value(*value);
  return evaluator.withParameters(*module, tree);
}

static Value states(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  const Module *module = moduleArgument(evaluator, given[0], range);
  if (!module)
    return Value();
  auto tree = std::make_shared<Tree>();
  tree->partial = !module->instance->applied;
  const std::string &path = module->instance->path;
  for (Leaf *leaf : evaluator.leavesBelow(path))
    if (leaf->kind == Leaf::State)
      tree->leaves[leaf->path.substr(path.size() + 1)] = Value(evaluator.readLeaf(*leaf, module));
  return Value(std::shared_ptr<const Tree>(tree));
}

/// A copy whose tensors stay what they are here.
static Value snapshot(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return ofEachModule(evaluator, given[0], range, [&](const Module &module) {
    auto overrides = std::make_shared<std::map<std::string, Tensor>>();
    for (Leaf *leaf : evaluator.leavesBelow(module.instance->path)) {
      Tensor tensor = evaluator.readLeaf(*leaf, &module);
      if (llvm::isa<FloatType>(tensor.type().getElementType()))
        tensor.value = nn::StopGradientOp::create(evaluator.builder(), evaluator.location(range), tensor.value);
      (*overrides)[leaf->path] = tensor;
    }
    Module copy = module;
    copy.overrides = overrides;
    copy.mode = ModeOverride::Evaluation;
    return Value(copy);
  });
}

template <ModeOverride Mode>
static Value withMode(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return ofEachModule(evaluator, given[0], range, [](const Module &module) {
    Module changed = module;
    changed.mode = Mode;
    return Value(changed);
  });
}

/// Sum over all leaves of what `part` makes of each.
static Value overall(Evaluator &evaluator, llvm::ArrayRef<Value> operands, dsl::SourceRange range,
                     llvm::function_ref<Value(llvm::ArrayRef<Value>)> part) {
  for (const Value &operand : operands)
    if (operand.tree() && operand.tree()->stacked)
      return evaluator.error(range, "wrong-type",
                             "this is a tree for each element of an 'each'; take its 'mean' or 'sum' first, or stay "
                             "inside the 'each'");
  Value sums = evaluator.overLeaves(
      operands, range, [&](llvm::ArrayRef<Value> parts) { return runBuiltin(evaluator, "sum", {part(parts)}, range); });
  if (!sums.tree())
    return sums;
  Value total(0.0);
  for (auto &[path, value] : sums.tree()->leaves)
    total = evaluator.binary(dsl::BinaryOp::Add, total, value, range);
  return total;
}

static Value total(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison())
    return Value();
  if (!Evaluator::isTree(given[0]))
    return evaluator.error(range, "wrong-type", "'total' adds up a tree, found " + given[0].describe());
  return overall(evaluator, {given[0]}, range, [](llvm::ArrayRef<Value> parts) { return parts[0]; });
}

static Value dot(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  auto product = [&](llvm::ArrayRef<Value> parts) {
    return evaluator.binary(dsl::BinaryOp::Multiply, parts[0], parts[1], range);
  };
  if (Evaluator::isTree(given[0]) || Evaluator::isTree(given[1]))
    return overall(evaluator, {given[0], given[1]}, range, product);
  return runBuiltin(evaluator, "sum", {product({given[0], given[1]})}, range);
}

/// The square root, whose derivative at 0 is 0: a norm has no slope there, and infinity times 0 would be not a number.
static Value rootOrZero(Evaluator &evaluator, const Value &x, dsl::SourceRange range) {
  Value isZero = evaluator.binary(dsl::BinaryOp::Equal, x, Value(0.0), range);
  Value above = runBuiltin(evaluator, "where", {isZero, Value(1.0), x}, range);
  Value root = runBuiltin(evaluator, "sqrt", {above}, range);
  return runBuiltin(evaluator, "where", {isZero, Value(0.0), root}, range);
}

/// Euclidean norm: of a tree over all leaves, of a tensor along `axis`.
static Value norm(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  Value squares;
  if (Evaluator::isTree(given[0])) {
    squares = runBuiltin(evaluator, "dot", {given[0], given[0]}, range);
  } else {
    Value square = evaluator.binary(dsl::BinaryOp::Multiply, given[0], given[0], range);
    squares = runBuiltin(evaluator, "sum", {square, given[1], given[2]}, range);
  }
  if (squares.isPoison())
    return squares;
  return squares.isNumber() ? runBuiltin(evaluator, "sqrt", {squares}, range) : rootOrZero(evaluator, squares, range);
}

/// `mix(a, b, r)`: r of a, 1 - r of b; states come from b.
static Value mix(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  using dsl::BinaryOp;
  auto blend = [&](const Value &a, const Value &b) {
    Value difference = evaluator.binary(BinaryOp::Subtract, a, b, range);
    return evaluator.binary(BinaryOp::Add, b, evaluator.binary(BinaryOp::Multiply, given[2], difference, range), range);
  };
  if (!Evaluator::isTree(given[0]) && !Evaluator::isTree(given[1]))
    return blend(given[0], given[1]);
  Value tree = evaluator.overLeaves({given[0], given[1]}, range,
                                    [&](llvm::ArrayRef<Value> parts) { return blend(parts[0], parts[1]); });
  return given[1].module() && tree.tree() ? evaluator.withParameters(*given[1].module(), *tree.tree()) : tree;
}

/// `tree_map(f, p, g)`: what f makes of the leaves of one path, for each leaf. Draws of f differ from leaf to leaf.
static Value treeMap(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  const std::vector<Value> &trees = given[1].list()->elements;
  if (llvm::any_of(trees, [](const Value &tree) { return tree.isPoison(); }))
    return Value();
  if (llvm::none_of(trees, Evaluator::isTree))
    return evaluator.error(range, "wrong-type", "'tree_map' wants a function and at least one tree or module");
  unsigned leaf = 0;
  return evaluator.overLeaves(trees, range, [&](llvm::ArrayRef<Value> parts) {
    Evaluator::Frame frame;
    frame.call = range;
    frame.name = "leaf" + std::to_string(leaf++);
    evaluator.frames.push_back(std::move(frame));
    Arguments arguments;
    for (const Value &part : parts)
      arguments.all.push_back({"", part, range});
    Value value = evaluator.call(given[0], arguments, range);
    evaluator.frames.pop_back();
    return value;
  });
}

const Builtins &moduleBuiltins() {
  static const Builtins all = {
      {"params", {"m"}, params},
      {"states", {"m"}, states},
      {"with_parameter", {"m", "name", "value"}, withParameter},
      {"snapshot", {"m"}, snapshot},
      {"train", {"m"}, withMode<ModeOverride::Training>},
      {"eval", {"m"}, withMode<ModeOverride::Evaluation>},
      {"total", {"t"}, total},
      {"dot", {"a", "b"}, dot},
      {"norm", {"x", "axis?", "keep?"}, norm},
      {"mix", {"a", "b", "r"}, mix},
      {"tree_map", {"f", "trees.."}, treeMap},
  };
  return all;
}

} // namespace xfer
