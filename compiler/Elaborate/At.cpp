//===- At.cpp - `call at path`: what a part or a `let` produced inside a call -------------------------------------===//
//
// Every call of a module or a function leaves a trace: its `let`s, and the calls of its module's parts with theirs. The
// call's value carries it, so that `at` is a reference into the graph and computes nothing.
//
// Input: the trace and a path such as `layer2[0].conv1`. A path is looked up exactly; a list of parts that are applied
// one after another stands for the last of them; `path[i]` is the i-th of several evaluations.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Evaluator.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

using Entry = CallTrace::Entry;

/// The evaluations of `path` inside a call.
static void collect(const CallTrace &trace, llvm::StringRef path, std::vector<const Entry *> &found) {
  for (const Entry &entry : trace.entries) {
    llvm::StringRef rest = path;
    if (path == entry.name)
      found.push_back(&entry);
    else if (entry.inside && rest.consume_front(entry.name) && rest.consume_front("."))
      collect(*entry.inside, rest, found);
  }
}

/// The evaluations of the elements of the list of parts called `path`.
static void collectElements(const CallTrace &trace, llvm::StringRef path, std::vector<const Entry *> &found) {
  for (const Entry &entry : trace.entries) {
    llvm::StringRef name = entry.name, rest = path;
    if (name.consume_front(path) && name.consume_front("[") && name.find(']') + 1 == name.size())
      found.push_back(&entry);
    else if (entry.inside && rest.consume_front(entry.name) && rest.consume_front("."))
      collectElements(*entry.inside, rest, found);
  }
}

/// Is each computed from the one before?
static bool isChain(llvm::ArrayRef<const Entry *> entries) {
  for (size_t i = 1; i < entries.size(); ++i) {
    const Tensor *from = entries[i - 1]->value.tensor(), *to = entries[i]->value.tensor();
    if (!from || !to || entries[i - 1]->name == entries[i]->name || !valuesBehind(to->value).contains(from->value))
      return false;
  }
  return true;
}

Value Evaluator::at(const dsl::AtExpr &expression, const ScopePtr &scope) {
  Value object = evaluate(*expression.object, scope);
  std::optional<std::string> path = slotName(expression.slot, scope);
  if (object.isPoison() || !path)
    return Value();
  dsl::SourceRange range = expression.slot.range;
  if (!object.trace)
    return error(expression.object->range, "at-without-call",
                 "'at' looks inside a call of a module or a function, written before it or named by 'let'; this is " +
                     object.describe());
  const CallTrace &trace = *object.trace;
  std::vector<const Entry *> found;
  collect(trace, *path, found);
  std::string several = *path;
  if (found.empty()) {
    collectElements(trace, *path, found);
    if (isChain(found) && !found.empty())
      found = {found.back()};
  }
  if (found.empty() && llvm::StringRef(*path).ends_with("]")) {
    // The i-th of several evaluations.
    auto [base, index] = llvm::StringRef(*path).rsplit('[');
    int64_t number;
    if (!index.drop_back().getAsInteger(10, number)) {
      collect(trace, base, found);
      several = base.str();
      int64_t count = found.size();
      if (number < 0)
        number += count;
      if (count && (number < 0 || number >= count))
        return error(range, "bad-index",
                     "the call of '" + trace.name + "' evaluates '" + base + "' " + Twine(count) +
                         " times; there is no number " + index.drop_back());
      if (count)
        found = {found[number]};
    }
  }
  if (found.empty()) {
    std::vector<llvm::StringRef> candidates;
    for (const Entry &entry : trace.entries) // a list of parts goes by its own name
      candidates.push_back(llvm::StringRef(entry.name).split('[').first);
    return error(range, "never-evaluated",
                 "the call of '" + trace.name + "' evaluates no part and no 'let' called '" + several + "'" +
                     dsl::suggest(several, candidates));
  }
  if (found.size() > 1)
    return error(range, "evaluated-several-times",
                 "the call of '" + trace.name + "' evaluates '" + several + "' " + Twine(found.size()) +
                     " times; say which, such as 'at " + several + "[0]'");
  const Entry &entry = *found.front();
  bool visible = !entry.loop || llvm::any_of(iterations, [&](Iteration *loop) { return loop->number == entry.loop; });
  if (!visible)
    return error(range, "evaluated-several-times",
                 "'" + several + "' is evaluated by each iteration of a loop inside the call of '" + trace.name +
                     "'; let the loop yield it");
  return entry.value;
}

/// Inside the call at hand: the value of a `let`.
void Evaluator::recordLet(const dsl::Pattern &pattern, const Scope &scope) {
  if (frames.empty() || !frames.back().trace)
    return;
  for (const dsl::Name &name : pattern.names)
    if (const Value *value = scope.find(name.text); value && value->holdsTensor())
      frames.back().trace->entries.push_back(
          {name.text, *value, value->trace, iterations.empty() ? 0 : iterations.back()->number});
}

/// A part's call belongs to the call of the module that it is a part of, whatever functions are in between.
void Evaluator::recordPart(const ModuleInstance &instance, const Value &value) {
  for (const Frame &frame : llvm::reverse(frames)) {
    if (!frame.trace || !frame.module)
      continue;
    llvm::StringRef name = instance.path;
    if (!name.consume_front(frame.module->instance->path) || !name.consume_front("."))
      continue;
    frame.trace->entries.push_back(
        {name.str(), value, value.trace, iterations.empty() ? 0 : iterations.back()->number});
    return;
  }
}

/// What comes out of a call is that call's value, and its parts are nobody's.
static Value withoutTraces(const Value &value) {
  if (const List *list = value.list()) {
    std::vector<Value> all;
    for (const Value &one : list->elements)
      all.push_back(withoutTraces(one));
    return Value::list(std::move(all), list->tuple);
  }
  if (const Record *record = value.record()) {
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &[name, one] : record->fields)
      fields.push_back({name, withoutTraces(one)});
    return Value::record(std::move(fields));
  }
  Value plain = value;
  plain.trace = nullptr;
  return plain;
}

Value Evaluator::traced(const Value &value, std::shared_ptr<CallTrace> trace, const AxisNames &names) {
  Value result = withoutTraces(value);
  if (!result.holdsTensor())
    return result;
  for (Entry &entry : trace->entries) {
    auto inside = entry.value.trace;
    entry.value = names.restore(entry.value);
    entry.value.trace = inside;
  }
  result.trace = std::move(trace);
  return result;
}

} // namespace xfer
