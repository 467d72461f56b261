//===- Leaves.cpp - parameters and states of modules -------------------------------------------------------------===//
//
// A leaf comes into being at the first application of its module, where the extents that it mentions are known; every
// later application must agree. Its first value is read in the scope of its text, but without the values of the
// function in which it was found: there are no samples yet.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Of one parameter or state: 64 GiB of f32.
static constexpr uint64_t maxLeafElements = uint64_t(1) << 34;

Leaf *Evaluator::declareLeaf(const std::string &path, Leaf::Kind kind, RankedTensorType type, const dsl::Expr *initial,
                             llvm::StringRef merge, const ScopePtr &scope, dsl::SourceRange range) {
  if (countElements(type, maxLeafElements) > maxLeafElements) {
    error(range, "tensor-too-large",
          "'" + path + "' would be " + describeShape(type) + ": more than " + Twine(maxLeafElements) + " elements");
    return nullptr;
  }
  std::unique_ptr<Leaf> &leaf = leaves[path];
  if (leaf) {
    if (nn::compatible(leaf->type, type))
      return leaf.get();
    error(range, "leaf-differs",
          "'" + path + "' has the shape " + describeShape(leaf->type) +
              " since its first application; here it would be " + describeShape(type) +
              "; all calls of a module want inputs of one width");
    return nullptr;
  }
  leaf = std::make_unique<Leaf>();
  leaf->kind = kind;
  leaf->path = path;
  leaf->type = nn::withoutMeaning(type);
  leaf->meaning = nn::Meaning::of(type);
  leaf->initial = initial;
  leaf->scope = scope->withoutTensors();
  leaf->merge = merge.str();
  leaf->owner = surroundings.owner.empty() ? "module" : surroundings.owner;
  leaf->describeInitial = initial ? describeInitial(*initial, scope) : "zeros()";
  leaf->range = range;
  leafOrder.push_back(leaf.get());
  return leaf.get();
}

std::optional<Tensor> Evaluator::conformToLeaf(const Leaf &leaf, const Value &value, dsl::SourceRange range) {
  std::optional<Tensor> tensor = toTensor(value, range, leaf.type.getElementType());
  if (!tensor)
    return std::nullopt;
  std::vector<Dim> dims;
  for (const Extent &extent : nn::extentsOf(leaf.type))
    dims.push_back({extent, 0});
  for (int64_t i = 0; i < tensor->rank(); ++i)
    if (isRagged(*tensor, i) && !wantsDense(*tensor, i, leaf.path, range))
      return std::nullopt;
  return broadcast(*tensor, dims, range);
}

/// A first value for readers: `initial(fan: fan)` is `kaiming_uniform(fan: 25)`.
std::string Evaluator::describeInitial(const dsl::Expr &initial, const ScopePtr &scope) {
  auto *call = llvm::dyn_cast<dsl::CallExpr>(&initial);
  auto *callee = call ? llvm::dyn_cast<dsl::NameExpr>(call->callee.get()) : nullptr;
  if (!callee)
    return sources.getText(initial.range).str();
  const Value *function = scope->find(callee->name);
  std::string text = (function && function->function() ? function->function()->name : callee->name) + "(";
  for (auto [i, argument] : llvm::enumerate(call->arguments)) {
    auto *name = llvm::dyn_cast<dsl::NameExpr>(argument.value.get());
    const Value *known = name ? scope->find(name->name) : nullptr;
    if (i)
      text += ", ";
    if (argument.name)
      text += argument.name->text + ": ";
    if (std::optional<int64_t> number = known ? known->asInteger() : std::nullopt)
      text += std::to_string(*number);
    else
      text += sources.getText(argument.value->range);
  }
  return text + ")";
}

/// How PyTorch lays out the filter of a convolution and the matrix of a linear map, by the names that they have there:
/// `weight`, `weight_ih_l0`, `in_proj_weight`. Tables of vectors are called `weight` too and lie as they are.
static llvm::StringRef interchangeLayout(const ModuleInstance &instance, llvm::StringRef name, RankedTensorType type) {
  bool isTable = instance.kind == "embedding" || instance.kind == "learned_positions";
  if (isTable || !(name == "weight" || name.starts_with("weight_") || name.ends_with("_weight")))
    return "plain";
  if (type.getRank() == 2)
    return "matrix";
  return type.getRank() >= 3 && type.getRank() <= 5 ? "filter" : "plain";
}

bool Evaluator::runLeaf(Leaf::Kind kind, const dsl::Slot &slot, const dsl::Type *type, const dsl::Expr *initial,
                        llvm::StringRef merge, const dsl::Expr *when, const ScopePtr &scope, dsl::SourceRange range) {
  const Module &module = *frames.back().module;
  ModuleInstance &instance = *module.instance;
  auto failed = [&] { // one mistake is enough: what reads it stays silent
    scope->bodyScope().define(slot.base.text, Value());
    return false;
  };
  if (when) {
    std::optional<bool> exists = condition(*when, scope);
    if (!exists)
      return failed();
    if (!*exists) {
      scope->bodyScope().define(slot.base.text, Value::none());
      return true;
    }
  }
  std::optional<std::string> name = slotName(slot, scope);
  if (!name)
    return false;
  if (acting && kind == Leaf::State)
    return runOptimizerState(slot, *name, type, initial, scope, range);
  if (instance.isBroken)
    return failed();
  std::optional<std::pair<RankedTensorType, std::vector<Dim>>> shaped;
  if (type) {
    shaped = tensorType(*type, scope, range);
  } else {
    error(range, "type-missing", "'" + *name + "' needs a type, such as ': [n]'");
  }
  if (!shaped)
    return failed();
  for (const Dim &dim : shaped->second)
    if (dim.extent.isDynamic()) {
      error(range, "bad-extent", "'" + *name + "' would have an extent that is known only when the data is opened");
      return failed();
    }
  if (kind == Leaf::Parameter && llvm::is_contained(shaped->first.getShape(), 0)) {
    error(range, "bad-extent",
          "'" + *name + "' would be " + describeDims(shaped->second) + ", which holds nothing; no width may be 0");
    instance.isBroken = true; // so does what stands beside it
    return failed();
  }
  if (!merge.empty() && shaped->first.getElementType().isInteger(32) && merge == "average") {
    error(range, "wrong-merge", "an int state is merged by 'max' or 'sum'; an average of ints is no int");
    return failed();
  }
  Leaf *leaf = declareLeaf(instance.path + "." + *name, kind, shaped->first, initial, merge, scope, range);
  if (!leaf)
    return failed();
  leaf->added = instance.added;
  if (kind == Leaf::Parameter)
    leaf->layout = interchangeLayout(instance, *name, leaf->type).str();
  if (!instance.leaves.count(*name))
    instance.order.push_back(*name);
  instance.leaves[*name] = leaf;
  leaf->axes = axesOf(shaped->second);
  // A parameter has all its entries, and outlives the lengths of the batch.
  for (AxisId &axis : leaf->axes)
    if (boundOf(axis))
      axis = 0;
  defineSlot(slot, *name, Value(readLeaf(*leaf, &module)), *scope);
  return true;
}

std::vector<Leaf *> Evaluator::leavesBelow(llvm::StringRef path) {
  std::vector<Leaf *> below;
  for (Leaf *leaf : leafOrder)
    if (isAtOrBelow(leaf->path, path))
      below.push_back(leaf);
  for (auto &instance : instances)
    readUnapplied |= !instance->applied && isAtOrBelow(instance->path, path);
  return below;
}

Tensor Evaluator::readLeaf(const Leaf &leaf, const Module *through) {
  if (through && through->overrides) {
    auto found = through->overrides->find(leaf.path);
    if (found != through->overrides->end())
      return Tensor{found->second.value, leaf.axes};
  }
  Tensor value = function().read(leaf);
  nn::Meaning meaning = leaf.meaning;
  meaning.hidden |= leaf.hidden;
  if (!meaning.isEmpty())
    value.value = annotate(builder(), location(leaf.range), value.value, meaning);
  return value;
}

std::optional<Tensor> Evaluator::initialValue(const Leaf &leaf) {
  std::vector<Dim> dims;
  for (const Extent &extent : nn::extentsOf(leaf.type))
    dims.push_back({extent, 0});
  if (!leaf.initial)
    return constant(0, leaf.type.getElementType(), dims, leaf.range);
  Frame frame;
  frame.name = leaf.path;
  frames.push_back(std::move(frame));
  Given before = surroundings;
  surroundings.shape = &dims;
  // A state that is a module or tree has one first value for all of its leaves.
  llvm::StringRef whole = llvm::StringRef(leaf.path).drop_back(leaf.component.size());
  auto [known, isNew] = firstValues.try_emplace({leaf.initial, whole.str()});
  if (isNew || leaf.component.empty() || known->second.tensor())
    known->second = evaluate(*leaf.initial, leaf.scope);
  if (isTree(known->second) && !known->second.module()) // of several parts, too
    known->second = Value(treeOf(known->second, leaf.range));
  Value value = known->second;
  surroundings = before;
  frames.pop_back();
  // One leaf of a state that is a module or a tree.
  if (value.module() || value.tree())
    value = partOf(value, leaf.component);
  if (value.isPoison())
    return std::nullopt;
  std::optional<Tensor> tensor = toTensor(value, leaf.initial->range, leaf.type.getElementType());
  if (!tensor)
    return std::nullopt;
  return broadcast(*tensor, dims, leaf.initial->range);
}

bool Evaluator::runUpdate(const dsl::UpdateItem &update, const ScopePtr &scope) {
  std::optional<std::string> name = slotName(update.slot, scope);
  if (!name)
    return false;
  const Module &module = *frames.back().module;
  if (acting)
    return runOptimizerUpdate(*name, update, scope);
  if (const Value *known = scope->bodyScope().findHere(update.slot.base.text); known && known->isPoison())
    return false;
  auto found = module.instance->leaves.find(*name);
  if (found == module.instance->leaves.end() || found->second->kind != Leaf::State) {
    error(update.slot.range, "not-a-state",
          "'" + *name + "' is not a state of '" + module.instance->kind + "'; declare it, such as 'state " + *name +
              ": [] = zeros()'");
    return false;
  }
  const Leaf &leaf = *found->second;
  Value value = evaluate(*update.value, scope);
  std::optional<Tensor> tensor = conformToLeaf(leaf, value, update.value->range);
  if (!tensor)
    return false;
  if (meaningOf(tensor->value).hidden)
    found->second->hidden = true;
  // Evaluation, a frozen module, other weights than its own, and `watch` write nothing.
  if (!isTraining() || !function().training || module.overrides || proposesNothing)
    return true;
  return propose(leaf, siteText(update.range), tensor->value, 1, update.range);
}

} // namespace xfer
