//===- Expressions.cpp - one case an expression of the language -------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Steps of one elaboration: more than any program of reason needs, few enough to end within seconds.
static constexpr uint64_t maxSteps = 20'000'000;

Value Evaluator::error(dsl::SourceRange range, llvm::StringRef code, const Twine &message) {
  if (quiet)
    return Value();
  // A mistake inside the library is reported where the program called it; the place inside is a note.
  dsl::SourceRange primary = range;
  bool inLibrary = range.isValid() && isLibrary(range.file);
  if (inLibrary)
    for (const Frame &frame : llvm::reverse(frames))
      if (frame.call.isValid() && !isLibrary(frame.call.file)) {
        primary = frame.call;
        break;
      }
  dsl::Diagnostic &diagnostic = diagnostics.error(code, primary, message);
  if (primary != range)
    diagnostic.note(range, "found here, in the library");
  else
    for (const Frame &frame : llvm::reverse(frames))
      if (frame.call.isValid() && !isLibrary(frame.call.file) && frame.call != range)
        diagnostic.note(frame.call, "called from here");
  return Value();
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

std::string Evaluator::siteText(dsl::SourceRange range) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (const Frame &frame : frames)
    stream << frame.name << frame.iteration << "@" << frame.call.begin << "/";
  stream << range.begin;
  return text;
}

int64_t Evaluator::siteNumber(llvm::StringRef text) { return static_cast<int64_t>(llvm::xxh3_64bits(text)); }

bool Evaluator::isTraining() const {
  for (const Frame &frame : llvm::reverse(frames))
    if (frame.training)
      return *frame.training;
  return functions.back()->training;
}

mlir::Value Evaluator::key() { return sampleKey ? sampleKey : function().stepKey(); }

//===--- names --------------------------------------------------------------------------------------------------===//

Value Evaluator::lookup(llvm::StringRef name, dsl::SourceRange range, const ScopePtr &scope) {
  if (const Value *value = scope->find(name))
    return *value;
  if (scope->seesProgram())
    if (std::optional<Value> value = pipeline.lookup(name, range))
      return *value;
  if (std::optional<Value> value = pipeline.library(name))
    return *value;
  if (const Builtin *builtin = findBuiltin(name)) {
    auto function = std::make_shared<Function>();
    function->name = name.str();
    function->builtin = builtin;
    return Value(std::shared_ptr<const Function>(function));
  }
  std::vector<std::string> names;
  auto collect = [&](llvm::StringRef known) { names.push_back(known.str()); };
  scope->eachName(collect);
  eachBuiltin(collect);
  pipeline.collectNames(collect);
  std::vector<llvm::StringRef> candidates(names.begin(), names.end());
  llvm::StringRef nearest = dsl::findNearest(name, candidates);
  return error(range, "unknown-name",
               "unknown name '" + name + "'" + (nearest.empty() ? Twine() : "; did you mean '" + nearest + "'?"));
}

Value Evaluator::member(const Value &object, llvm::StringRef name, dsl::SourceRange range) {
  if (object.isPoison())
    return object;
  if (auto *place = object.place())
    return pipeline.member(*place, name, range);
  if (auto *record = object.record()) {
    if (const Value *value = record->find(name))
      return *value;
    std::vector<llvm::StringRef> candidates;
    for (auto &field : record->fields)
      candidates.push_back(field.first);
    llvm::StringRef nearest = dsl::findNearest(name, candidates);
    return error(range, "unknown-field",
                 "the record has no field '" + name + "'" +
                     (nearest.empty() ? Twine() : "; did you mean '" + nearest + "'?"));
  }
  if (auto *module = object.module())
    return moduleMember(*module, name, range);
  return error(range, "no-members", object.describe() + " has no member '" + name + "'");
}

Value Evaluator::moduleMember(const Module &module, llvm::StringRef name, dsl::SourceRange range) {
  ModuleInstance &instance = *module.instance;
  if (auto part = instance.parts.find(name.str()); part != instance.parts.end())
    return through(part->second, module);
  // A part that is read before its module is applied gets its place now, where its text needs nothing of an application.
  if (instance.constructor && !instance.applied)
    for (const dsl::ItemPtr &item : instance.constructor->definition->body->items)
      if (auto *part = llvm::dyn_cast<dsl::PartItem>(item.get()); part && part->name.text == name) {
        Value placed = place(evaluate(*part->value, instance.scope), instance.path + "." + name.str(), instance.rewrites,
                             part->value->range);
        if (!placed.isPoison())
          addPart(instance, name, placed);
        return placed.isPoison() ? placed : through(placed, module);
      }
  if (auto leaf = instance.leaves.find(name.str()); leaf != instance.leaves.end())
    return Value(readLeaf(*leaf->second, &module));
  if (instance.constructor)
    for (const dsl::ItemPtr &item : instance.constructor->definition->body->items)
      if (auto *method = llvm::dyn_cast<dsl::FnItem>(item.get()); method && method->name.text == name) {
        auto function = std::make_shared<Function>();
        function->name = name.str();
        function->definition = method;
        function->closure = instance.scope;
        function->self = module.instance;
        return Value(std::shared_ptr<const Function>(function));
      }
  std::vector<llvm::StringRef> candidates(instance.order.begin(), instance.order.end());
  llvm::StringRef nearest = dsl::findNearest(name, candidates);
  return error(range, "unknown-part",
               "'" + name + "' is not in '" + instance.path + "'" +
                   (nearest.empty() ? Twine() : "; did you mean '" + nearest + "'?"));
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
  error(range, "not-iterable", "expected a list, found " + value.describe());
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
    error(pattern.range, "wrong-count",
          Twine(pattern.names.size()) + " names for " + Twine(all->size()) + " values");
    all.reset();
  }
  for (auto [i, name] : llvm::enumerate(pattern.names))
    bind(name.text, all ? (*all)[i] : Value());
  return all.has_value();
}

//===--- expressions --------------------------------------------------------------------------------------------===//

Value Evaluator::evaluate(const dsl::Expr &expression, const ScopePtr &scope) {
  if (++steps > maxSteps) {
    if (steps == maxSteps + 1)
      error(expression.range, "elaboration-too-long",
            "elaboration was stopped after " + Twine(maxSteps) + " steps; is there a loop without end?");
    return Value();
  }
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
        return poisoned ? Value() : call(callee, arguments, e->range);
      })
      .Case<dsl::IndexExpr>([&](auto *e) { return index(evaluate(*e->object, scope), *e, scope); })
      .Case<dsl::ScanExpr>([&](auto *e) { return scan(*e, scope); })
      .Case<dsl::WithExpr>([&](auto *e) { return withRewrites(evaluate(*e->object, scope), e->rewrites, scope, e->range); })
      .Default([&](auto *e) {
        return error(e->range, "not-supported-yet",
                     llvm::isa<dsl::EachExpr>(e) ? "'each' is not supported yet" : "'at' is not supported yet");
      });
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

Value Evaluator::index(const Value &object, const dsl::IndexExpr &expression, const ScopePtr &scope) {
  if (object.isPoison())
    return object;
  if (object.tensor())
    return slice(*object.tensor(), expression, scope);
  auto *list = object.list();
  if (auto *place = object.place(); place || object.module()) {
    // A family: `office["amazon"]`, `net.block[0]`.
    Value which = evaluate(*expression.items.front().low, scope);
    if (which.isPoison())
      return which;
    if (place)
      return pipeline.family(*place, which, expression.range);
  }
  if (auto *record = object.record(); record && expression.items.size() == 1 && expression.items.front().low) {
    // A state or parameter with an index, such as `running_mean["photo"]`; the index `none` is no index.
    Value which = evaluate(*expression.items.front().low, scope);
    std::optional<std::string> text = which.isNone() ? std::optional<std::string>("") : indexText(which);
    const Value *found = text ? record->find(text->empty() ? "" : "[" + *text + "]") : nullptr;
    if (found)
      return *found;
    if (which.isPoison())
      return which;
    return error(expression.range, "unknown-index", "there is nothing under the index " + which.describe());
  }
  if (!list || expression.items.size() != 1)
    return error(expression.range, "not-indexable", object.describe() + " cannot be indexed so");
  const dsl::IndexExpr::Item &item = expression.items.front();
  int64_t count = list->elements.size();
  auto position = [&](const dsl::Expr *at, int64_t otherwise) -> std::optional<int64_t> {
    if (!at)
      return otherwise;
    Value value = evaluate(*at, scope);
    std::optional<int64_t> number = value.asInteger();
    if (!number && !value.isPoison())
      error(at->range, "bad-index", "an index into a list is an int known at compile time, found " + value.describe());
    if (number && *number < 0)
      *number += count;
    return number;
  };
  if (item.isRange) {
    std::optional<int64_t> low = position(item.low.get(), 0), high = position(item.high.get(), count);
    if (!low || !high)
      return Value();
    int64_t from = std::clamp<int64_t>(*low, 0, count), to = std::clamp<int64_t>(*high, from, count);
    return Value::list({list->elements.begin() + from, list->elements.begin() + to}, list->tuple);
  }
  std::optional<int64_t> at = position(item.low.get(), 0);
  if (!at)
    return Value();
  if (*at < 0 || *at >= count)
    return error(item.range, "bad-index", "index is outside a list of " + Twine(count));
  return list->elements[*at];
}

Value Evaluator::slice(const Tensor &tensor, const dsl::IndexExpr &expression, const ScopePtr &scope) {
  std::vector<Dim> dims = shapeOf(tensor);
  size_t written = expression.items.size();
  // `..` alone stands for all axes that are not written.
  auto isRest = [](const dsl::IndexExpr::Item &item) { return item.isRange && !item.low && !item.high; };
  size_t rests = llvm::count_if(expression.items, isRest);
  if (written - rests > dims.size() || rests > 1)
    return error(expression.range, "bad-index",
                 Twine(written) + " indices for " + Value(tensor).describe());
  SmallVector<int64_t> offsets, sizes, strides(dims.size(), 1);
  std::vector<Dim> kept;
  auto whole = [&](const Dim &dim) {
    offsets.push_back(0);
    sizes.push_back(dim.extent.size);
    kept.push_back(dim);
  };
  bool changes = false;
  for (const dsl::IndexExpr::Item &item : expression.items) {
    const Dim &dim = dims[offsets.size() < dims.size() ? offsets.size() : dims.size() - 1];
    if (isRest(item)) {
      for (size_t skipped = dims.size() + rests - written; skipped > 0; --skipped)
        whole(dims[offsets.size()]);
      continue;
    }
    auto bound = [&](const dsl::Expr *at, int64_t otherwise) -> std::optional<int64_t> {
      if (!at)
        return otherwise;
      Value value = evaluate(*at, scope);
      std::optional<int64_t> number = value.asInteger();
      if (!number && !value.isPoison())
        error(at->range, "bad-index",
              value.tensor() ? Twine("an index into a tensor is known at compile time; by a tensor it is "
                                     "'gather(x, indices)'")
                             : "an index is an int, found " + value.describe());
      if (number && *number < 0 && !dim.extent.isDynamic())
        *number += dim.extent.size;
      return number;
    };
    if (dim.extent.isDynamic())
      return error(item.range, "bad-index", "an axis whose extent is known only when the data is opened is taken whole");
    std::optional<int64_t> low = bound(item.low.get(), 0);
    std::optional<int64_t> high = item.isRange ? bound(item.high.get(), dim.extent.size) : low;
    if (!low || !high)
      return Value();
    if (!item.isRange)
      *high = *low + 1;
    if (*low < 0 || *high > dim.extent.size || *low > *high)
      return error(item.range, "bad-index", "index is outside an axis of " + Twine(dim.extent.size));
    offsets.push_back(*low);
    sizes.push_back(*high - *low);
    changes = true;
    if (item.isRange)
      kept.push_back(*low == 0 && *high == dim.extent.size ? dim : Dim{Extent(*high - *low), 0});
  }
  while (offsets.size() < dims.size())
    whole(dims[offsets.size()]);
  if (!changes)
    return Value(tensor);
  Location where = location(expression.range);
  mlir::Value part = nn::SliceOp::create(builder(), where, tensor.value, offsets, sizes, strides);
  return Value(reshapeTo(builder(), where, Tensor{part, SmallVector<AxisId>(dims.size(), 0)}, kept));
}

} // namespace xfer
