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
#include <utility>

using namespace mlir;
using llvm::Twine;

namespace xfer {

// A part that was given a function of its module holds the module, which holds it.
Evaluator::~Evaluator() {
  for (auto &instance : instances)
    instance->parts.clear();
}

//===--- placing ------------------------------------------------------------------------------------------------===//

/// What stands at `path` after the rules around it, the outermost last, and whether one of them puts another kind of
/// module there; null after an error.
std::shared_ptr<const Constructor> Evaluator::rewritten(std::shared_ptr<const Constructor> constructor,
                                                        const std::string &path, const std::vector<Rewrite> &rewrites,
                                                        bool &added) {
  for (const Rewrite &rewrite : llvm::reverse(rewrites)) {
    if (llvm::is_contained(constructor->applied, rewrite.rule) ||
        !matchesExactly(*this, rewrite.rule->selector, rewrite.scope, rewrite.root, path,
                        constructor->definition->name.text))
      continue;
    ++*rewrite.matches;
    auto it = std::make_shared<Constructor>(*constructor);
    it->keepsPath = path;
    it->applied.push_back(rewrite.rule);
    ScopePtr scope = Scope::inside(rewrite.scope);
    scope->define("it", Value(std::shared_ptr<const Constructor>(it)));
    Value replaced = evaluate(*rewrite.rule->replacement, scope);
    if (!replaced.constructor()) {
      if (!replaced.isPoison())
        error(rewrite.rule->replacement->range, "not-a-module",
              "the replacement is a module, found " + replaced.describe());
      return nullptr;
    }
    added |= replaced.constructor()->definition != constructor->definition;
    constructor = replaced.constructor();
  }
  return constructor;
}

/// A function that outlives the call in which it was made may read none of that call's values. A further function of a
/// module holds none: it finds the members of its module when it is called.
static Value keptFunction(const Value &value) {
  auto function = value.function();
  if (!function || !function->closure || function->self)
    return value;
  auto kept = std::make_shared<Function>(*function);
  kept->closure = function->closure->withoutTensors(/*inPart=*/true);
  return Value(std::shared_ptr<const Function>(kept));
}

/// A module that is handed over as an argument has its place under the name of the formal.
void Evaluator::placeArguments(ModuleInstance &instance, dsl::SourceRange range) {
  for (const dsl::Formal &formal : instance.constructor->definition->arguments) {
    const Value *argument = instance.scope->findHere(formal.name.text);
    if (argument && argument->function() && !acting)
      instance.scope->define(formal.name.text, keptFunction(*argument));
    auto isModule = [](const Value &one) { return one.constructor() != nullptr; };
    bool holdsModules =
        argument && (isModule(*argument) || (argument->list() && llvm::any_of(argument->list()->elements, isModule)));
    if (!holdsModules)
      continue;
    std::string inner = argument->constructor() && !argument->constructor()->keepsPath.empty()
                            ? argument->constructor()->keepsPath
                            : instance.path + "." + formal.name.text;
    Value placed = place(*argument, inner, instance.rewrites, range);
    instance.scope->define(formal.name.text, placed);
    addPart(instance, formal.name.text, placed);
  }
}

/// A list or record may mix modules and functions: sequential([linear(64), relu]). What stands in it is kept for all
/// calls, so that no function in it may read the values of the call that made it.
Value Evaluator::placeElement(const Value &element, const std::string &path, const std::vector<Rewrite> &rewrites,
                              dsl::SourceRange range) {
  if (element.function())
    return keptFunction(element);
  bool isKnown = !element.constructor() && !element.list() && !element.record() && !element.isPoison();
  return isKnown && !element.holdsTensor() ? element : place(element, path, rewrites, range);
}

Value Evaluator::place(const Value &value, const std::string &path, const std::vector<Rewrite> &rewrites,
                       dsl::SourceRange range) {
  if (value.isPoison())
    brokenParts.insert(path);
  if (value.isPoison() || value.module())
    return value;
  if (auto *list = value.list()) {
    std::vector<Value> placed;
    for (auto [i, element] : llvm::enumerate(list->elements))
      placed.push_back(placeElement(element, path + "[" + std::to_string(i) + "]", rewrites, range));
    return Value::list(std::move(placed), list->tuple);
  }
  if (auto *record = value.record()) { // parts with names of their own: net.block.first
    std::vector<std::pair<std::string, Value>> placed;
    for (auto &[name, element] : record->fields)
      placed.push_back({name, placeElement(element, path + "." + name, rewrites, range)});
    return Value::record(std::move(placed));
  }
  if (!value.constructor())
    return error(range, "not-a-module",
                 "a part is a module, such as linear(10), found " + value.describe() +
                     "; a value is named with 'const' or 'let'");
  bool added = false;
  std::shared_ptr<const Constructor> constructor = rewritten(value.constructor(), path, rewrites, added);
  if (!constructor)
    return Value();
  auto instance = std::make_shared<ModuleInstance>();
  instance->path = path;
  instance->kind = constructor->definition->name.text;
  instance->constructor = constructor;
  instance->added = added;
  instance->rewrites = rewrites;
  for (Rewrite own : constructor->rewrites) {
    own.root = path;
    instance->rewrites.push_back(own);
  }
  instance->scope = Scope::inside(constructor->closure);
  instance->scope->barrier = true;
  if (!acting) // the arguments of an optimizer may be run-time values: it lives for one clause
    for (const Arguments::One &one : constructor->arguments->all)
      if (one.value.holdsTensor()) {
        suggestConst(report(one.range, "argument-not-known",
                            "an argument of a module must be known at compile time, found " + one.value.describe()),
                     one.value);
        return Value();
      }
  Frame frame;
  frame.call = constructor->range;
  frame.name = instance->kind;
  frames.push_back(std::move(frame));
  bool ok = bindFormals(instance->kind, constructor->definition->arguments, *constructor->arguments, instance->scope,
                        constructor->range);
  frames.pop_back();
  if (!ok)
    return Value();
  placeArguments(*instance, range);
  if (!acting)
    instances.push_back(instance);
  return Value(Module{instance, nullptr, ModeOverride::FromContext});
}

void Evaluator::addPart(ModuleInstance &instance, llvm::StringRef name, const Value &part) {
  if (!instance.parts.count(name.str()))
    instance.order.push_back(name.str());
  instance.parts[name.str()] = part;
}

/// Are these equal, as far as both are known at compile time?
static bool sameArgument(const Value &a, const Value &b) {
  if (a.asNumber() && b.asNumber())
    return *a.asNumber() == *b.asNumber();
  if (a.text() && b.text())
    return *a.text() == *b.text();
  if (a.list() && b.list())
    return a.list()->elements.size() == b.list()->elements.size() &&
           std::equal(a.list()->elements.begin(), a.list()->elements.end(), b.list()->elements.begin(), sameArgument);
  return true;
}

/// A dimension that a part's argument mentions belongs to the instance: a later application must give it the same
/// extent.
bool Evaluator::agrees(const dsl::PartItem &part, const Value &placed, const ScopePtr &scope) {
  const Module *before = placed.module();
  if (!before || !llvm::isa<dsl::CallExpr>(part.value.get()))
    return true;
  auto now = evaluate(*part.value, scope).constructor();
  auto first = before->instance->constructor;
  // What a rule has rewritten has the rule's arguments, of which those that are written here say nothing.
  if (!now || now->definition != first->definition || !first->applied.empty() ||
      now->arguments->all.size() != first->arguments->all.size())
    return true;
  for (auto [one, other] : llvm::zip(now->arguments->all, first->arguments->all))
    if (!sameArgument(one.value, other.value)) {
      error(one.range, "part-differs",
            "'" + before->instance->path + "' was made with " + other.value.describe() +
                " at the first application of '" + frames.back().name + "'; here it would be " + one.value.describe());
      return false;
    }
  return true;
}

bool Evaluator::runPart(const dsl::PartItem &part, const ScopePtr &scope) {
  const Module &module = *frames.back().module;
  ModuleInstance &instance = *module.instance;
  auto known = instance.parts.find(part.name.text);
  if (known == instance.parts.end()) {
    Value value = evaluate(*part.value, scope);
    auto constructor = value.constructor();
    std::string path =
        constructor && !constructor->keepsPath.empty() ? constructor->keepsPath : instance.path + "." + part.name.text;
    Value placed = place(value, path, instance.rewrites, part.value->range);
    if (placed.isPoison()) {
      scope->bodyScope().define(part.name.text, placed);
      return false;
    }
    if (const Module *inner = placed.module(); inner && instance.added)
      inner->instance->added |= !constructor || constructor->keepsPath.empty();
    addPart(instance, part.name.text, placed);
    known = instance.parts.find(part.name.text);
  } else if (!agrees(part, known->second, scope)) {
    scope->bodyScope().define(part.name.text, Value());
    return false;
  }
  scope->bodyScope().define(part.name.text, through(known->second, module));
  return true;
}

/// A part of a module that is not applied yet, where the module's arguments alone decide what it is: how long
/// `for b in net.block` is does not hang on what the net is applied to. Nothing where it takes more.
std::optional<Value> Evaluator::partAhead(const Module &module, llvm::StringRef name) {
  ModuleInstance &instance = *module.instance;
  if (instance.applied || !instance.constructor)
    return std::nullopt;
  for (const dsl::ItemPtr &item : instance.constructor->definition->body->items) {
    auto *part = llvm::dyn_cast<dsl::PartItem>(item.get());
    if (!part || part->name.text != name)
      continue;
    ScopePtr scope = Scope::inside(instance.scope);
    scope->barrier = true;
    Frame frame;
    frame.name = instance.path;
    enter(module, frame);
    frames.push_back(std::move(frame));
    dsl::Diagnostics forgotten; // the application says what is wrong
    dsl::Diagnostics *before = std::exchange(diagnostics, &forgotten);
    Value ahead = evaluate(*part->value, scope);
    bool ok = !ahead.isPoison() && !forgotten.hasErrors() && runPart(*part, scope);
    diagnostics = before;
    frames.pop_back();
    if (ok)
      return through(instance.parts.at(name.str()), module);
  }
  return std::nullopt;
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

//===--- application --------------------------------------------------------------------------------------------===//

void Evaluator::enter(const Module &module, Frame &frame) {
  frame.module = &module;
  if (module.mode != ModeOverride::FromContext)
    frame.training = module.mode == ModeOverride::Training;
  else if (pipeline.isFrozen(*module.instance))
    frame.training = false;
}

Value Evaluator::method(const Module &module, const dsl::FnItem &definition) {
  auto function = std::make_shared<Function>();
  function->name = definition.name.text;
  function->definition = &definition;
  function->closure = module.instance->scope;
  function->self = std::make_shared<const Module>(module);
  return Value(std::shared_ptr<const Function>(function));
}

void Evaluator::defineMethods(const Module &module, Scope &scope) {
  for (const dsl::ItemPtr &item : module.instance->constructor->definition->body->items)
    if (auto *definition = llvm::dyn_cast<dsl::FnItem>(item.get()))
      if (!scope.findHere(definition->name.text))
        scope.define(definition->name.text, method(module, *definition));
}

/// Makes the parts, parameters and states of a module visible to one of its further functions. Where that function is
/// called before the module itself, they come into being here: dimensions are those of the function's signature.
bool Evaluator::defineMembers(const Module &module, const ScopePtr &scope) {
  ModuleInstance &instance = *module.instance;
  for (const std::string &name : instance.order) {
    std::string base = name.substr(0, name.find('['));
    if (!scope->findHere(base))
      scope->define(base, moduleMember(module, base, instance.constructor->range));
  }
  defineMethods(module, *scope);
  bool ok = true;
  for (const dsl::ItemPtr &item : instance.constructor->definition->body->items) {
    const dsl::Name *name = nullptr;
    if (auto *part = llvm::dyn_cast<dsl::PartItem>(item.get()))
      name = &part->name;
    else if (auto *param = llvm::dyn_cast<dsl::ParamItem>(item.get()))
      name = &param->slot.base;
    else if (auto *state = llvm::dyn_cast<dsl::StateItem>(item.get()))
      name = &state->slot.base;
    if (name && !scope->findHere(name->text))
      ok &= runItem(*item, scope);
  }
  instance.applied |= ok;
  return ok;
}

/// Warns where one net is given normalised images of one domain and unnormalised ones of another.
void Evaluator::checkImageRange(ModuleInstance &instance, const Arguments &arguments, dsl::SourceRange range) {
  if (arguments.all.empty() || !arguments.all.front().value.tensor())
    return;
  nn::Meaning meaning = meaningOf(arguments.all.front().value.tensor()->value);
  std::string found = meaning.normalised ? "normalised" : meaning.tag == nn::Tag::Unit ? "from 0 to 1" : "";
  if (found.empty() || meaning.domains.size() != 1)
    return;
  if (instance.imageRange.empty()) {
    instance.imageRange = found;
    instance.imageDomain = meaning.domains.front();
    instance.imageCall = range;
  } else if (instance.imageRange != found && instance.imageDomain != meaning.domains.front()) {
    report(range, "ranges-differ",
           "'" + instance.path + "' is given values of '" + meaning.domains.front() + "' that are " + found +
               ", and of '" + instance.imageDomain + "' that are " + instance.imageRange + "; 'map' both in one way",
           dsl::Severity::Warning)
        .note(instance.imageCall, "those of '" + instance.imageDomain + "' here");
  }
}

Value Evaluator::apply(const Module &module, const Arguments &arguments, dsl::SourceRange range) {
  ModuleInstance &instance = *module.instance;
  if (llvm::none_of(frames, [](const Frame &frame) { return frame.module != nullptr; }))
    checkImageRange(instance, arguments, range);
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
  enter(module, frame);
  auto trace = std::make_shared<CallTrace>();
  trace->name = instance.path;
  frame.trace = trace;
  frames.push_back(std::move(frame));
  AxisNames names(*this);
  // Modules among the arguments were placed once; here they have the values and the mode that this one is called with.
  for (const dsl::Formal &formal : definition.arguments)
    if (auto part = instance.parts.find(formal.name.text); part != instance.parts.end())
      scope->define(formal.name.text, through(part->second, module));
  Value result;
  if (bindFormals(instance.kind, definition.inputs, arguments, scope, range)) {
    defineMethods(module, *scope);
    result = runBody(*definition.body, scope);
    if (!result.isPoison() && result.isNone())
      result = error(definition.name.range, "no-return", "'" + instance.kind + "' ends without 'return'");
    if (definition.result && !result.isPoison())
      result = conform(result, *definition.result, scope, "the result of '" + instance.kind + "'",
                       definition.result->range, /*isResult=*/true);
    result = traced(names.restore(result), trace, names);
  }
  instance.applied = true;
  frames.pop_back();
  if (!result.isPoison())
    recordPart(instance, result);
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
