//===- Calls.cpp - functions and their arguments ----------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static constexpr size_t maxCallDepth = 200;

Value Evaluator::call(const Value &callee, const Arguments &arguments, dsl::SourceRange range) {
  if (callee.isPoison())
    return callee;
  if (frames.size() > maxCallDepth)
    return error(range, "calls-too-deep",
                 "calls are nested more than " + Twine(maxCallDepth) + " deep; does a function call itself?");
  if (auto *function = callee.function())
    return callFunction(*function, arguments, range);
  if (auto *module = callee.module())
    return apply(*module, arguments, range);
  if (auto constructor = callee.constructor()) {
    // `it(arg: v)`: the same module with other arguments; anything else would apply a module that has no place.
    bool named = llvm::all_of(arguments.all, [](const Arguments::One &one) { return !one.name.empty(); });
    if (arguments.all.empty() && !constructor->keepsPath.empty())
      return callee; // `it()`: nothing else
    if (!named || arguments.all.empty())
      return error(range, "module-without-place",
                   "'" + constructor->definition->name.text +
                       "' is a module that has no place: give it a name in a model, then call that name");
    auto changed = std::make_shared<Constructor>(*constructor);
    auto merged = std::make_shared<Arguments>(*constructor->arguments);
    for (auto [i, one] : llvm::enumerate(merged->all))
      if (one.name.empty() && i < constructor->definition->arguments.size())
        one.name = constructor->definition->arguments[i].name.text;
    for (const Arguments::One &one : arguments.all) {
      llvm::erase_if(merged->all, [&](const Arguments::One &old) { return old.name == one.name; });
      merged->all.push_back(one);
    }
    changed->arguments = merged;
    return Value(std::shared_ptr<const Constructor>(changed));
  }
  return error(range, "not-callable",
               callee.describe() + " cannot be called; an index stands in '[ ]', and a product wants its '*'");
}

/// What a call may give, in order.
static llvm::SmallVector<llvm::StringRef> writtenNames(llvm::ArrayRef<dsl::Formal> formals) {
  llvm::SmallVector<llvm::StringRef> names;
  for (const dsl::Formal &formal : formals)
    if (!formal.given)
      names.push_back(formal.name.text);
  return names;
}

bool Evaluator::bindFormals(llvm::StringRef callee, llvm::ArrayRef<dsl::Formal> formals, const Arguments &arguments,
                            const ScopePtr &scope, dsl::SourceRange range) {
  std::vector<const Arguments::One *> chosen(formals.size(), nullptr);
  size_t position = 0;
  bool ok = true, isNamed = true;
  for (const Arguments::One &one : arguments.all) {
    size_t target = formals.size();
    if (one.name.empty()) {
      while (position < formals.size() && (formals[position].given || chosen[position]))
        ++position;
      target = position;
      if (target == formals.size()) {
        llvm::SmallVector<llvm::StringRef> names = writtenNames(formals);
        error(one.range, "too-many-arguments",
              "'" + callee + "' takes " + Twine(names.size()) + (names.size() == 1 ? " argument" : " arguments") +
                  (names.empty() ? "" : ": " + llvm::join(names, ", ")));
        return false;
      }
    } else {
      for (auto [i, formal] : llvm::enumerate(formals))
        if (formal.name.text == one.name)
          target = i;
      if (target == formals.size()) {
        llvm::SmallVector<llvm::StringRef> names = writtenNames(formals);
        error(one.range, "unknown-argument",
              "'" + callee + "' has no argument '" + one.name + "'" +
                  dsl::suggest(one.name, names, names.empty() ? "" : "; it has " + llvm::join(names, ", ")));
        ok = false;
        isNamed = false;
        continue;
      }
    }
    if (chosen[target]) {
      error(one.range, "argument-twice",
            "the argument '" + formals[target].name.text + "' is given twice: once by its place, once by its name?");
      ok = false;
      continue;
    }
    chosen[target] = &one;
  }
  // Arguments before defaults: a default may read a dimension that an argument binds.
  bool fits = true;
  for (auto [formal, one] : llvm::zip_equal(formals, chosen)) {
    if (!one)
      continue;
    Value value = one->value;
    // Behind one that does not fit others may be in its place.
    bool isSound = !value.isPoison();
    if (formal.type && fits)
      value = conform(value, *formal.type, scope, formal.name.text, one->range);
    if (value.isPoison())
      ok = false;
    fits &= !isSound || !value.isPoison();
    scope->define(formal.name.text, fits ? value : Value());
  }
  ok &= fits;
  for (auto [formal, one] : llvm::zip_equal(formals, chosen)) {
    if (one)
      continue;
    std::optional<Value> value;
    if (formal.given)
      value = given(formal.name.text, range);
    if (!value && formal.defaultValue)
      value = evaluate(*formal.defaultValue, scope);
    static constexpr llvm::StringRef givens[] = {"training", "progress", "step",  "epoch",   "steps",
                                                 "epochs",   "stale",    "shape", "gradient"};
    bool isOfNoKind = formal.given && !llvm::is_contained(givens, formal.name.text);
    if (!value && (!isNamed || isOfNoKind)) { // under another name, probably; each was reported
      value = Value();
    } else if (!value) {
      error(range, "missing-argument",
            formal.given ? "'" + callee + "' needs '" + formal.name.text + "', which is not known here"
                         : "'" + callee + "' needs the argument '" + formal.name.text + "'");
      ok = false;
      value = Value();
    } else if (formal.type && !value->isPoison()) {
      value = conform(*value, *formal.type, scope, formal.name.text, formal.range);
    }
    if (value->isPoison())
      ok = false;
    scope->define(formal.name.text, *value);
  }
  return ok;
}

std::optional<Value> Evaluator::given(llvm::StringRef name, dsl::SourceRange range) {
  if (name == "training")
    return Value(isTraining());
  if (name == "shape") {
    if (!surroundings.shape)
      return std::nullopt;
    std::vector<Value> dims;
    for (const Dim &dim : *surroundings.shape)
      dims.push_back(Value(dim));
    return Value::list(std::move(dims));
  }
  if (name == "gradient" && acting && acting->gradient) {
    Function function;
    function.name = "gradient";
    function.builtin = findBuiltin("gradient_at");
    return Value(std::make_shared<const Function>(function));
  }
  return pipeline.counter(name, range);
}

/// A primitive, whose formals stand in its row: `name?` may be left out, `name..` takes the rest.
static Value callBuiltin(Evaluator &evaluator, const Builtin &builtin, const Arguments &arguments,
                         dsl::SourceRange range) {
  std::vector<Value> given(builtin.formals.size());
  std::vector<Value> rest;
  bool takesRest = !builtin.formals.empty() && llvm::StringRef(builtin.formals.back()).ends_with("..");
  size_t position = 0;
  std::vector<bool> filled(builtin.formals.size(), false);
  for (const Arguments::One &one : arguments.all) {
    size_t target = builtin.formals.size();
    if (!one.name.empty()) {
      for (auto [i, formal] : llvm::enumerate(builtin.formals))
        if (llvm::StringRef(formal).rtrim("?.") == one.name)
          target = i;
      if (target == builtin.formals.size())
        return evaluator.error(one.range, "unknown-argument",
                               "'" + Twine(builtin.name) + "' has no argument '" + one.name + "'");
    } else {
      while (position < filled.size() && filled[position])
        ++position;
      if (takesRest && position + 1 >= builtin.formals.size()) {
        rest.push_back(one.value);
        continue;
      }
      target = position;
      if (target == builtin.formals.size())
        return evaluator.error(one.range, "too-many-arguments",
                               "'" + Twine(builtin.name) + "' takes " + Twine(builtin.formals.size()) + " arguments");
    }
    if (filled[target])
      return evaluator.error(one.range, "argument-twice", "this argument is given twice");
    filled[target] = true;
    given[target] = one.value;
  }
  if (takesRest) {
    given.back() = Value::list(std::move(rest));
    filled.back() = true;
  }
  for (auto [i, formal] : llvm::enumerate(builtin.formals)) {
    if (filled[i])
      continue;
    if (!llvm::StringRef(formal).ends_with("?"))
      return evaluator.error(range, "missing-argument",
                             "'" + Twine(builtin.name) + "' needs the argument '" + formal + "'");
    given[i] = Value::none();
  }
  return builtin.run(evaluator, given, range);
}

Value Evaluator::callFunction(const Function &function, const Arguments &arguments, dsl::SourceRange range) {
  if (function.builtin)
    return callBuiltin(*this, *function.builtin, arguments, range);
  if (function.module) {
    auto constructor = std::make_shared<Constructor>();
    constructor->definition = function.module;
    constructor->closure = function.closure;
    constructor->arguments = std::make_shared<Arguments>(arguments);
    constructor->range = range;
    return Value(std::shared_ptr<const Constructor>(constructor));
  }
  ScopePtr scope = Scope::inside(function.closure);
  Frame frame;
  frame.call = range;
  if (function.lambda) {
    const dsl::Pattern &formals = function.lambda->formals;
    size_t wanted = formals.names.size();
    if (wanted == 1 && formals.names[0].text.empty())
      wanted = 0;
    if (arguments.all.size() != wanted)
      return error(range, "wrong-count",
                   "this function takes " + Twine(wanted) + " arguments, found " + Twine(arguments.all.size()));
    for (auto [name, one] : llvm::zip(formals.names, arguments.all))
      scope->define(name.text, one.value);
    frame.name = "fn";
    frames.push_back(std::move(frame));
    Value value = evaluate(*function.lambda->body, scope);
    value.trace = nullptr;
    frames.pop_back();
    return value;
  }
  scope->barrier = true;
  const dsl::FnItem &definition = *function.definition;
  frame.name = definition.name.text;
  if (function.self)
    enter(*function.self, frame);
  auto trace = std::make_shared<CallTrace>();
  trace->name = definition.name.text;
  frame.trace = trace;
  // Defaults and annotations are read inside the call: their places are places of the callee.
  frames.push_back(std::move(frame));
  Value result;
  AxisNames names(*this);
  if (bindFormals(definition.name.text, definition.formals, arguments, scope, range) &&
      (!function.self || defineMembers(*function.self, scope))) {
    result = definition.body.value ? evaluate(*definition.body.value, scope) : runBody(*definition.body.block, scope);
    if (!result.isPoison() && result.isNone() && definition.body.block)
      result = error(definition.name.range, "no-return", "'" + definition.name.text + "' ends without 'return'");
    if (definition.result && !result.isPoison())
      result = conform(result, *definition.result, scope, "the result of '" + definition.name.text + "'",
                       definition.result->range, /*isResult=*/true);
    result = traced(names.restore(result), trace, names);
  }
  frames.pop_back();
  return result;
}

} // namespace xfer
