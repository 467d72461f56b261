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

namespace {
/// What an argument may be given to.
struct Parameter {
  llvm::StringRef name;
  bool byPlace = true; ///< what is `given` is passed by its name alone
};

/// The arguments of a call by what they are given to.
struct Matched {
  std::vector<const Arguments::One *> chosen; ///< one a parameter; null where none is given
  std::vector<const Arguments::One *> rest;   ///< behind the last, where a callee takes any number
  bool ok = true;
  bool named = true; ///< false: one has the name of no parameter, so that others may lack theirs
};
} // namespace

/// Nothing after an error behind which the others say nothing more.
static std::optional<Matched> matchArguments(Evaluator &evaluator, llvm::StringRef callee,
                                             llvm::ArrayRef<Parameter> parameters, const Arguments &arguments,
                                             bool takesRest = false) {
  Matched matched;
  matched.chosen.resize(parameters.size(), nullptr);
  auto fail = [&](const Arguments::One &one, llvm::StringRef code, const Twine &message) {
    evaluator.error(one.range, code, message);
    matched.ok = false;
  };
  llvm::SmallVector<llvm::StringRef> names;
  for (const Parameter &parameter : parameters)
    if (parameter.byPlace)
      names.push_back(parameter.name);
  size_t position = 0;
  for (const Arguments::One &one : arguments.all) {
    size_t target = 0;
    if (one.name.empty()) {
      while (position < parameters.size() && (!parameters[position].byPlace || matched.chosen[position]))
        ++position;
      target = position;
      if (target == parameters.size() && takesRest) {
        matched.rest.push_back(&one);
        continue;
      }
      if (target == parameters.size()) {
        fail(one, "too-many-arguments",
             "'" + callee + "' takes " + Twine(names.size()) + (names.size() == 1 ? " argument" : " arguments") +
                 (names.empty() ? "" : ": " + llvm::join(names, ", ")));
        return std::nullopt;
      }
    } else {
      auto known = llvm::find_if(parameters, [&](const Parameter &parameter) { return parameter.name == one.name; });
      target = known - parameters.begin();
      if (target == parameters.size()) {
        fail(one, "unknown-argument",
             "'" + callee + "' has no argument '" + one.name + "'" +
                 dsl::suggest(one.name, names, names.empty() ? "" : "; it has " + llvm::join(names, ", ")));
        matched.named = false;
        continue;
      }
    }
    if (matched.chosen[target]) {
      fail(one, "argument-twice",
           "the argument '" + parameters[target].name + "' is given twice: once by its place, once by its name?");
      continue;
    }
    matched.chosen[target] = &one;
  }
  return matched;
}

bool Evaluator::bindFormals(llvm::StringRef callee, llvm::ArrayRef<dsl::Formal> formals, const Arguments &arguments,
                            const ScopePtr &scope, dsl::SourceRange range) {
  auto parameters = llvm::map_to_vector(
      formals, [](const dsl::Formal &formal) { return Parameter{formal.name.text, !formal.given}; });
  std::optional<Matched> matched = matchArguments(*this, callee, parameters, arguments);
  if (!matched)
    return false;
  bool ok = matched->ok;
  // Arguments before defaults: a default may read a dimension that an argument binds.
  bool fits = true;
  for (auto [formal, one] : llvm::zip_equal(formals, matched->chosen)) {
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
  for (auto [formal, one] : llvm::zip_equal(formals, matched->chosen)) {
    if (one)
      continue;
    std::optional<Value> value;
    if (formal.given)
      value = given(formal.name.text, range);
    if (!value && formal.defaultValue)
      value = evaluate(*formal.defaultValue, scope);
    bool isOfNoKind = formal.given && !llvm::is_contained(dsl::getGivenNames(), formal.name.text);
    if (!value && (!matched->named || isOfNoKind)) { // under another name, probably; each was reported
      value = Value();
    } else if (!value) {
      error(range, "missing-argument",
            formal.given
                ? "'" + callee + "' needs '" + formal.name.text + "', which " +
                      (formal.name.text == "stale" ? "a stage knows that says what to 'keep'" : "is not known here")
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
  bool takesRest = !builtin.formals.empty() && llvm::StringRef(builtin.formals.back()).ends_with("..");
  llvm::ArrayRef<std::string> formals = llvm::ArrayRef(builtin.formals).drop_back(takesRest);
  auto parameters = llvm::map_to_vector(formals, [](llvm::StringRef formal) { return Parameter{formal.rtrim('?')}; });
  std::optional<Matched> matched = matchArguments(evaluator, builtin.name, parameters, arguments, takesRest);
  if (!matched || !matched->ok)
    return Value();
  std::vector<Value> given;
  for (auto [formal, one] : llvm::zip_equal(formals, matched->chosen)) {
    if (!one && !llvm::StringRef(formal).ends_with("?"))
      return evaluator.error(range, "missing-argument",
                             "'" + Twine(builtin.name) + "' needs the argument '" + formal + "'");
    given.push_back(one ? one->value : Value::none());
  }
  if (takesRest) {
    std::vector<Value> rest;
    for (const Arguments::One *one : matched->rest)
      rest.push_back(one->value);
    given.push_back(Value::list(std::move(rest)));
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
                   "this function takes " + Twine(wanted) + (wanted == 1 ? " argument" : " arguments") + ", found " +
                       Twine(arguments.all.size()));
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
  // A function that was handed to a part (`projection(d, query_of)`) was bound when the part was placed; what it reads
  // is what the whole is now, whose values and mode the part at hand has.
  std::optional<Module> self;
  if (function.self) {
    self = *function.self;
    auto around = llvm::find_if(llvm::reverse(frames), [](const Frame &one) { return one.module != nullptr; });
    if (around != frames.rend() && around->module->instance != self->instance &&
        isAtOrBelow(around->module->instance->path, self->instance->path)) {
      self->overrides = around->module->overrides;
      self->mode = around->module->mode;
    }
    enter(*self, frame);
  }
  auto trace = std::make_shared<CallTrace>();
  trace->name = definition.name.text;
  frame.trace = trace;
  // Defaults and annotations are read inside the call: their places are places of the callee.
  frames.push_back(std::move(frame));
  Value result;
  AxisNames names(*this);
  if (bindFormals(definition.name.text, definition.formals, arguments, scope, range) &&
      (!self || defineMembers(*self, scope))) {
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
