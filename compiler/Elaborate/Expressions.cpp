//===- Expressions.cpp - one case an expression of the language -------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Bounds of one elaboration: more than any program of reason needs, few enough to end within seconds and to fit the
/// stack and the memory of the compiler.
static constexpr uint64_t maxSteps = XFER_MAX_STEPS;
static constexpr unsigned maxDepth = 600;
static constexpr uint64_t maxElements = uint64_t(1) << 40;

dsl::Diagnostic &Evaluator::report(dsl::SourceRange range, llvm::StringRef code, const Twine &message,
                                   dsl::Severity severity) {
  // A mistake inside the library is reported where the program called it; the place inside is a note.
  dsl::SourceRange primary = range;
  bool inLibrary = range.isValid() && isLibrary(range.file);
  if (inLibrary)
    for (const Frame &frame : llvm::reverse(frames))
      if (frame.call.isValid() && !isLibrary(frame.call.file)) {
        primary = frame.call;
        break;
      }
  dsl::Diagnostic &diagnostic = severity == dsl::Severity::Error ? diagnostics->error(code, primary, message)
                                                                 : diagnostics->warning(code, primary, message);
  if (primary != range)
    diagnostic.note(range, "found here, in the library");
  else
    for (const Frame &frame : llvm::reverse(frames))
      if (frame.call.isValid() && !isLibrary(frame.call.file) && frame.call != range)
        diagnostic.note(frame.call, "called from here");
  return diagnostic;
}

Value Evaluator::error(dsl::SourceRange range, llvm::StringRef code, const Twine &message) {
  report(range, code, message);
  return Value();
}

void Evaluator::suggestConst(dsl::Diagnostic &diagnostic, const Value &value) {
  if (auto *list = value.list())
    for (const Value &element : list->elements)
      suggestConst(diagnostic, element);
  llvm::StringRef option = value.tensor() ? function().optionOf(value.tensor()->value) : "";
  if (option.empty())
    return;
  dsl::SourceRange keyword = pipeline.optionKeyword(option);
  diagnostic.note(keyword, "'" + option + "' is known when the program runs; a 'const' is known when it is compiled")
      .fixIt(keyword, "const");
}

std::optional<int64_t> Evaluator::evaluateInt(const dsl::Expr &expression, const ScopePtr &scope, int64_t least,
                                              int64_t most, llvm::StringRef code, const Twine &wanted) {
  Value value = evaluate(expression, scope);
  std::optional<int64_t> number = value.asInteger();
  if (number && *number >= least && *number <= most)
    return number;
  if (!value.isPoison())
    suggestConst(report(expression.range, code, wanted + " that is known at compile time, found " + value.describe()),
                 value);
  return std::nullopt;
}

Location Evaluator::location(dsl::SourceRange range) {
  auto single = [&](dsl::SourceRange where) -> Location {
    dsl::LineColumn place = sources.getLineColumn(where);
    return FileLineColLoc::get(&context, sources.getName(where.file), place.line, place.column);
  };
  Location result = single(range);
  for (const Frame &frame : llvm::reverse(frames))
    if (frame.call.isValid())
      result = CallSiteLoc::get(result, single(frame.call));
  return result;
}

bool Evaluator::isTraining() const {
  for (const Frame &frame : llvm::reverse(frames))
    if (frame.training)
      return *frame.training;
  return functions.back()->training;
}

//===--- names --------------------------------------------------------------------------------------------------===//

Value Evaluator::lookup(llvm::StringRef name, dsl::SourceRange range, const ScopePtr &scope) {
  if (const Value *value = scope->find(name)) {
    const auto *unavailable = value->get<Value::Unavailable>();
    if (!unavailable)
      return *value;
    if (unavailable->inPart)
      return error(range, "part-reads-call",
                   "'" + name +
                       "' belongs to one call, and a function among the parts of a module serves all calls; hand it "
                       "over as an argument");
    return error(range, "initial-reads-step",
                 "'" + name +
                     "' is a value of the step, and a first value is made before there are samples; it may "
                     "read arguments, dimensions and constants");
  }
  if (scope->seesProgram())
    if (std::optional<Value> value = pipeline.lookup(name, range, scope->seesStage()))
      return *value;
  if (std::optional<Value> value = pipeline.library(name))
    return *value;
  if (const Builtin *builtin = findBuiltin(name)) {
    auto function = std::make_shared<Function>();
    function->name = name.str();
    function->builtin = builtin;
    return Value(std::shared_ptr<const Function>(function));
  }
  if (scope->seesProgram() && !scope->seesStage() && pipeline.lookup(name, range, /*inStage=*/true))
    return error(range, "unknown-name",
                 "'" + name + "' is defined in a stage, which functions do not see; pass it as an argument");
  std::vector<std::string> names;
  auto collect = [&](llvm::StringRef known) { names.push_back(known.str()); };
  scope->eachName(collect);
  eachBuiltin(collect);
  pipeline.collectNames(collect);
  return error(range, "unknown-name", "unknown name '" + name + "'" + dsl::suggest(name, names));
}

Value Evaluator::member(const Value &object, llvm::StringRef name, dsl::SourceRange range) {
  if (object.isPoison())
    return object;
  if (auto *place = object.place())
    return pipeline.member(*place, name, range);
  if (auto *record = object.record()) {
    if (const Value *value = record->find(name))
      return *value;
    return error(range, "unknown-field",
                 "the record has no field '" + name + "'" + dsl::suggest(name, llvm::make_first_range(record->fields)));
  }
  if (auto *module = object.module())
    return moduleMember(*module, name, range);
  bool isFunction = findBuiltin(name) || pipeline.library(name);
  return error(range, "no-members",
               object.describe() + " has no member '" + name + "'" +
                   (isFunction ? "; it is a function: '" + name + "(..)'" : Twine()));
}

Value Evaluator::moduleMember(const Module &module, llvm::StringRef name, dsl::SourceRange range) {
  ModuleInstance &instance = *module.instance;
  if (auto part = instance.parts.find(name.str()); part != instance.parts.end())
    return through(part->second, module);
  if (auto leaf = instance.leaves.find(name.str()); leaf != instance.leaves.end())
    return Value(readLeaf(*leaf->second, &module));
  // A family of states or parameters: `net.norm.running_mean["photo"]`.
  std::vector<std::pair<std::string, Value>> family;
  for (auto &[known, leaf] : instance.leaves)
    if (llvm::StringRef index = known; index.consume_front(name) && index.starts_with("["))
      family.push_back({index.str(), Value(readLeaf(*leaf, &module))});
  if (!family.empty())
    return Value::record(std::move(family));
  if (instance.constructor)
    for (const dsl::ItemPtr &item : instance.constructor->definition->body->items)
      if (auto *definition = llvm::dyn_cast<dsl::FnItem>(item.get()); definition && definition->name.text == name)
        return method(module, *definition);
  if (std::optional<Value> part = partAhead(module, name))
    return *part;
  readUnapplied |= !instance.applied;
  if (!instance.applied)
    return error(range, "unknown-part",
                 "'" + instance.path + "' is applied nowhere, so that it has no part '" + name +
                     "': the parts of a module exist once it is called");
  return error(range, "unknown-part",
               "'" + name + "' is not in '" + instance.path + "'" + dsl::suggest(name, instance.order));
}

Value Evaluator::through(const Value &part, const Module &module) {
  if (auto *inner = part.module()) {
    Module same = *inner;
    same.overrides = module.overrides;
    if (module.mode != ModeOverride::FromContext)
      same.mode = module.mode;
    return Value(same);
  }
  if (auto *list = part.list()) {
    std::vector<Value> parts;
    for (const Value &element : list->elements)
      parts.push_back(through(element, module));
    return Value::list(std::move(parts), list->tuple);
  }
  if (auto *record = part.record()) {
    std::vector<std::pair<std::string, Value>> parts;
    for (auto &[name, element] : record->fields)
      parts.push_back({name, through(element, module)});
    return Value::record(std::move(parts));
  }
  return part;
}

//===--- helpers ------------------------------------------------------------------------------------------------===//

std::optional<bool> Evaluator::condition(const dsl::Expr &expression, const ScopePtr &scope) {
  Value value = evaluate(expression, scope);
  if (value.isPoison())
    return std::nullopt;
  if (auto *flag = value.get<bool>())
    return *flag;
  if (auto number = value.asInteger())
    return *number != 0;
  error(expression.range, "condition-not-known",
        "the condition must be known at compile time, found " + value.describe() +
            (value.tensor() ? "; a choice between tensors is 'where(condition, a, b)'" : ""));
  return std::nullopt;
}

std::optional<std::vector<Value>> Evaluator::elements(const Value &value, dsl::SourceRange range) {
  if (value.isPoison())
    return std::nullopt;
  if (auto *list = value.list())
    return list->elements;
  if (auto *record = value.record()) {
    std::vector<Value> all;
    for (auto &field : record->fields)
      all.push_back(field.second);
    return all;
  }
  if (auto *place = value.place())
    if (std::optional<std::vector<Value>> members = pipeline.familyMembers(*place))
      return members;
  error(range, "not-iterable",
        "expected a list, found " + value.describe() + "; 'range(k)' counts, 'each' goes over a tensor");
  return std::nullopt;
}

bool Evaluator::bindPattern(const dsl::Pattern &pattern, const Value &value, Scope &scope, dsl::SourceRange range,
                            bool rebind) {
  auto bind = [&](llvm::StringRef name, Value bound) {
    if (rebind)
      scope.rebind(name, std::move(bound));
    else
      scope.define(name, std::move(bound));
  };
  if (pattern.names.size() == 1) {
    bind(pattern.names[0].text, value);
    return true;
  }
  std::optional<std::vector<Value>> all = elements(value, range);
  if (all && all->size() != pattern.names.size()) {
    error(pattern.range, "wrong-count", Twine(pattern.names.size()) + " names for " + Twine(all->size()) + " values");
    all.reset();
  }
  for (auto [i, name] : llvm::enumerate(pattern.names))
    bind(name.text, all ? (*all)[i] : Value());
  return all.has_value();
}

//===--- expressions --------------------------------------------------------------------------------------------===//

/// What is too large is refused where it arises, before anything allocates it.
Value Evaluator::bounded(Value value, dsl::SourceRange range) {
  const Tensor *tensor = value.tensor();
  if (tensor && countElements(tensor->type(), maxElements) > maxElements)
    return error(range, "tensor-too-large",
                 value.describe() + " would have more than " + Twine(maxElements) + " elements");
  return value;
}

Value Evaluator::evaluate(const dsl::Expr &expression, const ScopePtr &scope) {
  if (++steps > maxSteps || function().isTooLarge()) {
    if (steps <= maxSteps)
      error(expression.range, "elaboration-too-long",
            "elaboration was stopped after " + Twine(FunctionBuilder::maxOperations) +
                " operations in one function; a 'scan' is one operation, however often it goes around");
    else if (steps == maxSteps + 1)
      error(expression.range, "elaboration-too-long",
            "elaboration was stopped after " + Twine(maxSteps) +
                " steps; is there a loop without end, or a model of far too many parts?");
    steps = std::max(steps, maxSteps + 1);
    return Value();
  }
  if (depth > maxDepth)
    return error(expression.range, "calls-too-deep",
                 "expressions and calls are nested more than " + Twine(maxDepth) +
                     " deep; does a function call itself?");
  ++depth;
  Value value = bounded(evaluateKind(expression, scope), expression.range);
  --depth;
  return value;
}

/// Names inside hide those outside. Where what is called by such a name is no function, or is a part that is given no
/// sample, the definition that it hides was meant: says so.
static bool reportHidden(Evaluator &evaluator, const dsl::CallExpr &call, const Value &callee,
                         const Arguments &arguments, const Scope &scope) {
  auto *name = llvm::dyn_cast<dsl::NameExpr>(call.callee.get());
  if (!name || callee.function() || callee.constructor())
    return false;
  const Module *part = callee.module();
  const dsl::ModuleItem *kind = part && part->instance->constructor ? part->instance->constructor->definition : nullptr;
  bool isGiven = llvm::any_of(arguments.all, [](const Arguments::One &one) { return one.value.holdsTensor(); });
  auto isWanted = [](const dsl::Formal &formal) { return !formal.given && !formal.defaultValue; };
  if (part && (!kind || isGiven || llvm::none_of(kind->inputs, isWanted)))
    return false;
  const Value *outer = scope.findHidden(name->name);
  std::optional<Value> hidden = outer ? std::optional(*outer) : evaluator.pipeline.library(name->name);
  const Function *definition = hidden ? hidden->function() : nullptr;
  bool isModule = definition && definition->module;
  if (part ? !isModule : !definition && !findBuiltin(name->name))
    return false;
  dsl::Diagnostic &diagnostic = evaluator.report(
      name->range, "hidden-name",
      "'" + name->name + "' is " + (part ? "the part '" + part->instance->path + "'" : callee.describe()) +
          " here and hides the " + (isModule ? "module" : "function") + " of that name; give " +
          (part ? "the part another name, such as '" + name->name + "1'" : std::string("it another name")));
  if (part)
    diagnostic.note(part->instance->constructor->range, "the part is made here");
  return true;
}

Value Evaluator::evaluateKind(const dsl::Expr &expression, const ScopePtr &scope) {
  return llvm::TypeSwitch<const dsl::Expr *, Value>(&expression)
      .Case<dsl::IntExpr>([](auto *e) { return Value(e->value); })
      .Case<dsl::FloatExpr>([](auto *e) { return Value(e->value); })
      .Case<dsl::SizeExpr>([](auto *e) { return Value(static_cast<int64_t>(e->bytes)); })
      .Case<dsl::StringExpr>([](auto *e) { return Value(e->value); })
      .Case<dsl::BoolExpr>([](auto *e) { return Value(e->value); })
      .Case<dsl::NoneExpr>([](auto *) { return Value::none(); })
      .Case<dsl::NameExpr>([&](auto *e) { return lookup(e->name, e->range, scope); })
      .Case<dsl::RecordExpr>([&](auto *e) {
        std::vector<std::pair<std::string, Value>> fields;
        for (auto &field : e->fields)
          fields.push_back({field.name.text, evaluate(*field.value, scope)});
        return Value::record(std::move(fields));
      })
      .Case<dsl::TupleExpr, dsl::ListExpr>([&](auto *e) {
        std::vector<Value> all;
        for (auto &element : e->elements)
          all.push_back(evaluate(*element, scope));
        return Value::list(std::move(all), llvm::isa<dsl::TupleExpr>(e));
      })
      .Case<dsl::ComprehensionExpr>([&](auto *e) { return comprehension(*e, scope); })
      .Case<dsl::UnaryExpr>([&](auto *e) { return unary(e->op, evaluate(*e->operand, scope), e->range); })
      .Case<dsl::BinaryExpr>([&](auto *e) {
        Value a = evaluate(*e->lhs, scope);
        // `and` and `or` stop early where the left side is known.
        if (auto *flag = a.template get<bool>())
          if ((e->op == dsl::BinaryOp::And && !*flag) || (e->op == dsl::BinaryOp::Or && *flag))
            return a;
        return binary(e->op, a, evaluate(*e->rhs, scope), e->range);
      })
      .Case<dsl::ConditionalExpr>([&](auto *e) {
        std::optional<bool> chosen = condition(*e->condition, scope);
        return chosen ? evaluate(*chosen ? *e->value : *e->otherwise, scope) : Value();
      })
      .Case<dsl::LambdaExpr>([&](auto *e) {
        auto function = std::make_shared<Function>();
        function->lambda = e;
        function->closure = scope;
        return Value(std::shared_ptr<const Function>(function));
      })
      .Case<dsl::MemberExpr>([&](auto *e) { return member(evaluate(*e->object, scope), e->member.text, e->range); })
      .Case<dsl::CallExpr>([&](auto *e) {
        Value callee = evaluate(*e->callee, scope);
        Arguments arguments;
        bool poisoned = callee.isPoison();
        for (auto &argument : e->arguments) {
          Value value = evaluate(*argument.value, scope);
          poisoned |= value.isPoison();
          arguments.all.push_back({argument.name ? argument.name->text : "", value, argument.value->range});
        }
        poisoned = poisoned || reportHidden(*this, *e, callee, arguments, *scope);
        return poisoned ? Value() : call(callee, arguments, e->range);
      })
      .Case<dsl::IndexExpr>([&](auto *e) { return index(evaluate(*e->object, scope), *e, scope); })
      .Case<dsl::ScanExpr>([&](auto *e) { return scan(*e, scope); })
      .Case<dsl::WithExpr>(
          [&](auto *e) { return withRewrites(evaluate(*e->object, scope), e->rewrites, scope, e->range); })
      .Case<dsl::EachExpr>([&](auto *e) { return map(*e, scope); })
      .Case<dsl::AtExpr>([&](auto *e) { return at(*e, scope); })
      .Default([](auto *) -> Value { llvm_unreachable("an expression without a case"); });
}

Value Evaluator::comprehension(const dsl::ComprehensionExpr &expression, const ScopePtr &scope) {
  std::optional<std::vector<Value>> all = elements(evaluate(*expression.iterable, scope), expression.iterable->range);
  if (!all)
    return Value();
  std::vector<Value> results;
  for (auto [i, element] : llvm::enumerate(*all)) {
    ScopePtr inner = Scope::inside(scope);
    if (!bindPattern(expression.pattern, element, *inner, expression.iterable->range))
      return Value();
    IterationGuard guard(*this, i);
    results.push_back(evaluate(*expression.element, inner));
  }
  return Value::list(std::move(results));
}

} // namespace xfer
