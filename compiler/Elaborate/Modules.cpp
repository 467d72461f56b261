//===- Modules.cpp - modules in their places, and their application -----------------------------------------------===//
//
// A constructor is an architecture; placing it gives it a path. Its parameters, states and parts come into being at its
// first application, where the extents that they mention are known; every later application must agree. The program is
// elaborated twice: once to discover all of this, once to build the functions (Pipeline.h).
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include "compiler/Elaborate/Selection.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

//===--- placing ------------------------------------------------------------------------------------------------===//

Value Evaluator::place(const Value &value, const std::string &path, const std::vector<Rewrite> &rewrites,
                       dsl::SourceRange range) {
  if (value.isPoison() || value.module())
    return value;
  if (auto *list = value.list()) {
    std::vector<Value> placed;
    // A list may mix modules and functions: sequential([linear(64), relu]).
    for (auto [i, element] : llvm::enumerate(list->elements))
      placed.push_back(element.constructor() || element.list() || element.isPoison()
                           ? place(element, path + "[" + std::to_string(i) + "]", rewrites, range)
                           : element);
    return Value::list(std::move(placed), list->tuple);
  }
  auto constructor = value.constructor();
  if (!constructor)
    return error(range, "not-a-module", "a part is a module, found " + value.describe());
  // Rules around this place rewrite what stands here, the outermost last.
  for (const Rewrite &rewrite : llvm::reverse(rewrites)) {
    if (!matchesExactly(*this, rewrite.rule->selector, rewrite.scope, rewrite.root, path,
                        constructor->definition->name.text))
      continue;
    ++*rewrite.matches;
    auto it = std::make_shared<Constructor>(*constructor);
    it->keepsPath = path;
    ScopePtr scope = Scope::inside(rewrite.scope);
    scope->define("it", Value(std::shared_ptr<const Constructor>(it)));
    Value replaced = evaluate(*rewrite.rule->replacement, scope);
    if (replaced.isPoison())
      return replaced;
    if (!replaced.constructor())
      return error(rewrite.rule->replacement->range, "not-a-module",
                   "the replacement is a module, found " + replaced.describe());
    constructor = replaced.constructor();
  }
  auto instance = std::make_shared<ModuleInstance>();
  instance->path = path;
  instance->kind = constructor->definition->name.text;
  instance->constructor = constructor;
  instance->rewrites = rewrites;
  for (Rewrite own : constructor->rewrites) {
    own.root = path;
    instance->rewrites.push_back(own);
  }
  instance->scope = Scope::inside(constructor->closure);
  instance->scope->barrier = true;
  if (!acting) // the arguments of an optimizer may be run-time values: it lives for one clause
    for (const Arguments::One &one : constructor->arguments->all)
      if (one.value.tensor() || one.value.tree())
        return error(one.range, "argument-not-known",
                     "an argument of a module must be known at compile time; make a 'param' that stands here a 'const'");
  Frame frame;
  frame.call = constructor->range;
  frame.name = instance->kind;
  frames.push_back(std::move(frame));
  bool ok = bindFormals(instance->kind, constructor->definition->arguments, *constructor->arguments, instance->scope,
                        constructor->range);
  frames.pop_back();
  if (!ok)
    return Value();
  // A module that is handed over as an argument has its place under the name of the formal.
  for (const dsl::Formal &formal : constructor->definition->arguments) {
    const Value *argument = instance->scope->findHere(formal.name.text);
    bool holdsModules = argument && (argument->constructor() ||
                                     (argument->list() && llvm::any_of(argument->list()->elements, [](const Value &one) {
                                        return one.constructor() != nullptr;
                                      })));
    if (!holdsModules)
      continue;
    std::string inner = argument->constructor() && !argument->constructor()->keepsPath.empty()
                            ? argument->constructor()->keepsPath
                            : path + "." + formal.name.text;
    Value placed = place(*argument, inner, instance->rewrites, range);
    instance->scope->define(formal.name.text, placed);
    addPart(*instance, formal.name.text, placed);
  }
  if (!acting)
    instances.push_back(instance);
  return Value(Module{instance, nullptr, ModeOverride::FromContext});
}

void Evaluator::addPart(ModuleInstance &instance, llvm::StringRef name, const Value &part) {
  if (!instance.parts.count(name.str()))
    instance.order.push_back(name.str());
  instance.parts[name.str()] = part;
}

bool Evaluator::runPart(const dsl::PartItem &part, const ScopePtr &scope) {
  const Module &module = *frames.back().module;
  ModuleInstance &instance = *module.instance;
  auto known = instance.parts.find(part.name.text);
  if (known == instance.parts.end()) {
    Value value = evaluate(*part.value, scope);
    auto constructor = value.constructor();
    std::string path = constructor && !constructor->keepsPath.empty() ? constructor->keepsPath
                                                                      : instance.path + "." + part.name.text;
    Value placed = place(value, path, instance.rewrites, part.value->range);
    if (placed.isPoison()) {
      scope->bodyScope().define(part.name.text, placed);
      return false;
    }
    addPart(instance, part.name.text, placed);
    known = instance.parts.find(part.name.text);
  }
  scope->bodyScope().define(part.name.text, through(known->second, module));
  return true;
}

Value Evaluator::withRewrites(const Value &value, const dsl::Rewrites &rewrites, const ScopePtr &scope,
                              dsl::SourceRange range) {
  if (value.isPoison())
    return value;
  auto constructor = value.constructor();
  if (!constructor)
    return error(range, "not-a-module", "'with' rewrites a module that has no place yet, found " + value.describe());
  auto changed = std::make_shared<Constructor>(*constructor);
  for (const dsl::Rewrite &rule : rewrites.rules)
    changed->rewrites.push_back(Rewrite{&rule, scope, rewriteCounter(rule), ""});
  return Value(std::shared_ptr<const Constructor>(changed));
}

std::shared_ptr<unsigned> Evaluator::rewriteCounter(const dsl::Rewrite &rule) {
  auto &counter = rewriteMatches[&rule];
  if (!counter)
    counter = std::make_shared<unsigned>(0);
  return counter;
}

//===--- parameters and states ----------------------------------------------------------------------------------===//

Leaf *Evaluator::declareLeaf(const std::string &path, Leaf::Kind kind, RankedTensorType type,
                             const dsl::Expr *initial, llvm::StringRef merge, const ScopePtr &scope,
                             dsl::SourceRange range) {
  std::unique_ptr<Leaf> &leaf = leaves[path];
  if (leaf) {
    if (nn::compatible(leaf->type, type))
      return leaf.get();
    error(range, "leaf-differs",
          "'" + path + "' has the shape " + describeShape(leaf->type) + " since its first application; here it would be " +
              describeShape(type));
    return nullptr;
  }
  leaf = std::make_unique<Leaf>();
  leaf->kind = kind;
  leaf->path = path;
  leaf->type = nn::withoutMeaning(type);
  leaf->meaning = nn::Meaning::of(type);
  leaf->initial = initial;
  leaf->scope = scope;
  leaf->merge = merge.str();
  leaf->owner = surroundings.owner.empty() ? "module" : surroundings.owner;
  leaf->describeInitial = initial ? sources.getText(initial->range).str() : "zeros()";
  leaf->range = range;
  leafOrder.push_back(leaf.get());
  return leaf.get();
}

/// How PyTorch lays out the filter of a convolution and the matrix of a linear map, by the names that they have there.
static llvm::StringRef interchangeLayout(const ModuleInstance &instance, llvm::StringRef name, RankedTensorType type) {
  if (name != "weight" || instance.kind == "embedding")
    return "plain";
  if (type.getRank() == 2)
    return "matrix";
  return type.getRank() >= 3 && type.getRank() <= 5 ? "filter" : "plain";
}

bool Evaluator::runLeaf(Leaf::Kind kind, const dsl::Slot &slot, const dsl::Type *type, const dsl::Expr *initial,
                        llvm::StringRef merge, const dsl::Expr *when, const ScopePtr &scope, dsl::SourceRange range) {
  const Module &module = *frames.back().module;
  ModuleInstance &instance = *module.instance;
  if (when) {
    std::optional<bool> exists = condition(*when, scope);
    if (!exists)
      return false;
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
  std::optional<std::pair<RankedTensorType, std::vector<Dim>>> shaped;
  if (type) {
    shaped = tensorType(*type, scope, range);
  } else {
    error(range, "type-missing", "'" + *name + "' needs a type, such as ': [n]'");
  }
  if (!shaped)
    return false;
  for (const Dim &dim : shaped->second)
    if (dim.extent.isDynamic()) {
      error(range, "bad-extent", "'" + *name + "' would have an extent that is known only when the data is opened");
      return false;
    }
  Leaf *leaf = declareLeaf(instance.path + "." + *name, kind, shaped->first, initial, merge, scope, range);
  if (!leaf)
    return false;
  if (kind == Leaf::Parameter)
    leaf->layout = interchangeLayout(instance, *name, leaf->type).str();
  if (!instance.leaves.count(*name))
    instance.order.push_back(*name);
  instance.leaves[*name] = leaf;
  leaf->axes = axesOf(shaped->second);
  defineSlot(slot, *name, Value(readLeaf(*leaf, &module)), *scope);
  return true;
}

Tensor Evaluator::readLeaf(const Leaf &leaf, const Module *through) {
  if (through && through->overrides) {
    auto found = through->overrides->find(leaf.path);
    if (found != through->overrides->end())
      return Tensor{found->second.value, leaf.axes};
  }
  Tensor value = function().read(leaf);
  if (!leaf.meaning.isEmpty())
    value.value = annotate(builder(), location(leaf.range), value.value, leaf.meaning);
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
  Value value = evaluate(*leaf.initial, leaf.scope);
  surroundings = before;
  frames.pop_back();
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
  auto found = module.instance->leaves.find(*name);
  if (found == module.instance->leaves.end() || found->second->kind != Leaf::State) {
    error(update.slot.range, "not-a-state", "'" + *name + "' is not a state of '" + module.instance->path + "'");
    return false;
  }
  const Leaf &leaf = *found->second;
  Value value = evaluate(*update.value, scope);
  std::optional<Tensor> tensor = toTensor(value, update.value->range, leaf.type.getElementType());
  if (!tensor)
    return false;
  std::vector<Dim> dims;
  for (const Extent &extent : nn::extentsOf(leaf.type))
    dims.push_back({extent, 0});
  tensor = broadcast(*tensor, dims, update.value->range);
  if (!tensor)
    return false;
  // Evaluation, a frozen module, other weights than its own, and `watch` write nothing.
  if (!isTraining() || module.overrides || proposesNothing)
    return true;
  if (function().propose(leaf, siteText(update.range), tensor->value))
    return true;
  error(update.range, "state-written-twice",
        "'" + leaf.path + "' is written by two calls in one step and has no 'merge'");
  return false;
}

//===--- application --------------------------------------------------------------------------------------------===//

Value Evaluator::apply(const Module &module, const Arguments &arguments, dsl::SourceRange range) {
  ModuleInstance &instance = *module.instance;
  if (!instance.constructor)
    return error(range, "not-callable",
                 "'" + instance.path + "' is a namespace; call one of its parts, or give it as 'model " +
                     instance.path + " = constructor'");
  const dsl::ModuleItem &definition = *instance.constructor->definition;
  ScopePtr scope = Scope::inside(instance.scope);
  scope->barrier = true;
  Frame frame;
  frame.call = range;
  frame.name = instance.path;
  frame.module = &module;
  if (module.mode != ModeOverride::FromContext)
    frame.training = module.mode == ModeOverride::Training;
  else if (pipeline.isFrozen(instance))
    frame.training = false;
  frames.push_back(std::move(frame));
  AxisNames names(*this);
  Value result;
  if (bindFormals(instance.kind, definition.inputs, arguments, scope, range)) {
    result = runBody(*definition.body, scope);
    if (!result.isPoison() && result.isNone())
      result = error(definition.name.range, "no-return", "'" + instance.kind + "' ends without 'return'");
    if (definition.result && !result.isPoison())
      result = conform(result, *definition.result, scope, "the result of '" + instance.kind + "'",
                       definition.result->range, /*isResult=*/true);
    result = names.restore(result);
  }
  if (!instance.applied) {
    instance.applied = true;
    instance.appliedAt = range;
  }
  frames.pop_back();
  return result;
}

Value Evaluator::withParameters(const Module &module, const Tree &tree) {
  auto overrides = module.overrides ? std::make_shared<std::map<std::string, Tensor>>(*module.overrides)
                                    : std::make_shared<std::map<std::string, Tensor>>();
  for (auto &[path, value] : tree.leaves)
    if (value.tensor())
      (*overrides)[module.instance->path + "." + path] = *value.tensor();
  Module changed = module;
  changed.overrides = overrides;
  return Value(changed);
}

} // namespace xfer
