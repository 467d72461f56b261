//===- BuiltinsCompileTime.cpp - functions of what is known at compile time ---------------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include "llvm/Support/Format.h"
#include <cmath>

using namespace mlir;
using llvm::Twine;

namespace xfer {

static constexpr int64_t maxRange = 1 << 20;

static Value rangeOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<int64_t> first = intArgument(evaluator, given[0], std::nullopt, "a", range);
  std::optional<int64_t> second = first ? intArgument(evaluator, given[1], INT64_MIN, "b", range) : std::nullopt;
  std::optional<int64_t> step = second ? intArgument(evaluator, given[2], 1, "step", range) : std::nullopt;
  if (!step)
    return Value();
  int64_t from = given[1].isNone() ? 0 : *first, to = given[1].isNone() ? *first : *second;
  // In double precision: the difference of two ints may overflow.
  double count = *step == 0 ? 0 : (static_cast<double>(to) - static_cast<double>(from)) / static_cast<double>(*step);
  if (*step == 0 || count > maxRange)
    return evaluator.error(range, "range-too-long",
                           *step == 0 ? Twine("the step of a range is not 0")
                                      : "a range has at most " + Twine(maxRange) + " numbers; this one, from " +
                                            Twine(from) + " to " + Twine(to) + ", has more");
  std::vector<Value> all;
  int64_t numbers = count <= 0 ? 0 : static_cast<int64_t>(std::ceil(count));
  for (int64_t i = 0; i < numbers; ++i)
    all.push_back(Value(from + i * *step));
  return Value::list(std::move(all));
}

static Value length(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (const std::string *text = given[0].text())
    return Value(static_cast<int64_t>(text->size()));
  std::optional<std::vector<Value>> all = evaluator.elements(given[0], range);
  return all ? Value(static_cast<int64_t>(all->size())) : Value();
}

static Value enumerateOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Value>> all = evaluator.elements(given[0], range);
  if (!all)
    return Value();
  std::vector<Value> pairs;
  for (auto [i, value] : llvm::enumerate(*all))
    pairs.push_back(Value::list({Value(static_cast<int64_t>(i)), value}, true));
  return Value::list(std::move(pairs));
}

static Value zipOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::vector<std::vector<Value>> lists;
  for (const Value &one : given[0].list()->elements) {
    std::optional<std::vector<Value>> all = evaluator.elements(one, range);
    if (!all)
      return Value();
    lists.push_back(std::move(*all));
    if (lists.back().size() != lists.front().size())
      return evaluator.error(range, "wrong-count",
                             "'zip' wants lists of one length, found " + Twine(lists.front().size()) + " and " +
                                 Twine(lists.back().size()));
  }
  std::vector<Value> rows;
  for (size_t i = 0; !lists.empty() && i < lists.front().size(); ++i) {
    std::vector<Value> row;
    for (auto &list : lists)
      row.push_back(list[i]);
    rows.push_back(Value::list(std::move(row), true));
  }
  return Value::list(std::move(rows));
}

/// `record(names, values)`: names that are computed, such as those of the layers in a block.
static Value recordOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Value>> names = evaluator.elements(given[0], range);
  std::optional<std::vector<Value>> values = names ? evaluator.elements(given[1], range) : std::nullopt;
  if (!values)
    return Value();
  if (names->size() != values->size())
    return evaluator.error(range, "wrong-count",
                           Twine(names->size()) + " names for " + Twine(values->size()) + " values");
  std::vector<std::pair<std::string, Value>> fields;
  for (auto [name, value] : llvm::zip(*names, *values)) {
    const std::string *text = name.text();
    auto isLetter = [](char c) { return llvm::isAlnum(c) || c == '_'; };
    if (!text || text->empty() || llvm::isDigit(text->front()) || !llvm::all_of(*text, isLetter))
      return evaluator.error(range, "wrong-type",
                             "the name of a field is a string of letters, digits and '_' that begins with no digit, "
                             "found " +
                                 name.describe());
    if (llvm::any_of(fields, [&](auto &field) { return field.first == *text; }))
      return evaluator.error(range, "wrong-type", "the record has two fields '" + *text + "'");
    fields.push_back({*text, value});
  }
  return Value::record(std::move(fields));
}

static std::string textOf(const Value &value) {
  if (const std::string *text = value.text())
    return *text;
  if (auto *flag = value.get<bool>())
    return *flag ? "true" : "false";
  if (auto number = value.asInteger())
    return std::to_string(*number);
  if (auto number = value.asNumber()) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%g", *number);
    return text;
  }
  if (const List *list = value.list()) {
    std::string text;
    for (const Value &element : list->elements)
      text += (text.empty() ? "" : ", ") + textOf(element);
    return "[" + text + "]";
  }
  return value.describe();
}

static Value str(Evaluator &, std::vector<Value> &given, dsl::SourceRange) {
  return given[0].isPoison() ? given[0] : Value(textOf(given[0]));
}

static Value errorOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison())
    return given[0];
  return evaluator.error(range, given[1].isNone() ? "library-error" : textOf(given[1]), textOf(given[0]));
}

/// `warning(x, message)`: x as it is.
static Value warningOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (!given[1].isPoison())
    evaluator.report(range, given[2].isNone() ? "library-warning" : textOf(given[2]), textOf(given[1]),
                     dsl::Severity::Warning);
  return given[0];
}

/// `samples(count, fn(i) => record)`: what a `generate` clause makes; read by the domain, never elsewhere.
static Value samples(Evaluator &, std::vector<Value> &given, dsl::SourceRange) {
  return Value::record({{"count", given[0]}, {"function", given[1]}});
}

/// `whole(e)`: where a time is stated, batches stand for whole splits already.
static Value whole(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (evaluator.pipeline.isWhole())
    return given[0];
  if (evaluator.pipeline.onlyLooks())
    return Value();
  return evaluator.error(range, "whole-without-time",
                         "'whole' stands only where a time is stated: in 'evaluate', 'keep', 'stop', or after 'over'");
}

/// `known(x)`: whether a value is known at compile time, so that `if` may ask what it is. An extent may be known only
/// when the data is opened.
static Value known(Evaluator &, std::vector<Value> &given, dsl::SourceRange) {
  const Value &x = given[0];
  return x.isPoison() ? x : Value(!x.holdsTensor() && (!x.get<Dim>() || x.asNumber().has_value()));
}

/// `delayed(schedule, steps)`: a function or module without inputs, called where the run began `steps` steps later.
static Value delayedOf(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<int64_t> steps = intArgument(evaluator, given[1], std::nullopt, "steps", range);
  if (!steps || given[0].isPoison())
    return Value();
  if (*steps < 0)
    return evaluator.error(range, "bad-range", "a run cannot begin " + Twine(*steps) + " steps later");
  if (!given[0].function() && !given[0].module())
    return evaluator.error(range, "wrong-type",
                           "what is delayed is a function without arguments, such as cosine or fn() => cosine(floor: "
                           "0.1), found " +
                               given[0].describe());
  return evaluator.pipeline.delayed(*steps, [&] { return evaluator.call(given[0], {}, range); });
}

/// `checked_at_start(y, x, rule, ..)`: y; where x is an option, the program refuses a value beyond the limits that are
/// given before it opens its data. A limit that is not known at compile time is none.
static Value checkedAtStart(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange) {
  const Tensor *tensor = given[1].tensor();
  if (!tensor || given[2].isPoison())
    return given[0];
  llvm::StringRef option = evaluator.function().optionOf(tensor->value);
  if (option.empty())
    return given[0];
  mlir::Builder &builder = evaluator.builder();
  llvm::SmallVector<mlir::NamedAttribute> limits;
  const char *const names[] = {"least", "most", "above", "below"};
  for (auto [i, name] : llvm::enumerate(names))
    if (std::optional<double> limit = given[3 + i].asNumber())
      limits.push_back(builder.getNamedAttr(name, builder.getF64FloatAttr(*limit)));
  if (!limits.empty())
    evaluator.pipeline.boundOption(
        option, pipeline::BoundAttr::get(builder.getContext(), textOf(given[2]), builder.getDictionaryAttr(limits)));
  return given[0];
}

const Builtins &compileTimeBuiltins() {
  static const Builtins all = {
      {"range", {"a", "b?", "step?"}, rangeOf},
      {"len", {"x"}, length},
      {"enumerate", {"x"}, enumerateOf},
      {"zip", {"xs.."}, zipOf},
      {"record", {"names", "values"}, recordOf},
      {"str", {"x"}, str},
      {"error", {"message", "code?"}, errorOf},
      {"warning", {"x", "message", "code?"}, warningOf},
      {"known", {"x"}, known},
      {"checked_at_start", {"y", "x", "rule", "least?", "most?", "above?", "below?"}, checkedAtStart},
      {"delayed", {"schedule", "steps"}, delayedOf},
      {"samples", {"count", "function"}, samples},
      {"whole", {"e"}, whole},
  };
  return all;
}

} // namespace xfer
