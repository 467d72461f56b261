// Functions and passes: bindings, in-place results, arenas.
#include "runtime/program/ManifestReader.h"
#include <algorithm>

namespace xfer::rt {

static constexpr int64_t maxCount = int64_t(1) << 40;

namespace {
enum Side : unsigned { Argument = 1, Result = 2 };
struct KindRow {
  const char *name;
  BindKind kind;
  unsigned sides;
};
} // namespace

static const KindRow kinds[] = {
    {"param", BindKind::Param, Argument | Result},
    {"state", BindKind::State, Argument | Result},
    {"batch", BindKind::Batch, Argument},
    {"key", BindKind::Key, Argument},
    {"index", BindKind::Index, Argument},
    {"stepkey", BindKind::StepKey, Argument},
    {"option", BindKind::Option, Argument},
    {"counter", BindKind::Counter, Argument},
    {"extent", BindKind::Extent, Argument},
    {"hoisted", BindKind::Hoisted, Argument | Result},
    {"whole", BindKind::Whole, Argument | Result},
    {"column", BindKind::Column, Argument},
    {"input", BindKind::Input, Argument},
    {"watch", BindKind::Watch, Result},
    {"check", BindKind::Check, Result},
    {"field", BindKind::Field, Result},
    {"output", BindKind::Output, Result},
    {"sum", BindKind::Sum, Argument | Result},
    {"rows", BindKind::Rows, Argument | Result},
};

static const char *const counters[] = {"step", "epoch", "steps", "epochs", "progress", "stale"};

void ManifestReader::readFunction(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  FunctionSpec function;
  function.name = object.text("name");
  function.index = static_cast<uint32_t>(object.integer("index", 0, static_cast<int64_t>(functionCount) - 1));
  function.extents = object.texts("extents", true);
  for (const std::string &symbol : function.extents)
    checkSymbol(symbol, object.at("extents"));
  readArena(object, function);
  object.each("arguments", true, [&](const Json &item, const std::string &at) {
    function.arguments.push_back(readBinding(item, at, function, false));
  });
  object.each("results", true, [&](const Json &item, const std::string &at) {
    function.results.push_back(readBinding(item, at, function, true));
  });
  checkInPlace(function, place);
  manifest.functions.push_back(std::move(function));
}

void ManifestReader::readArena(JsonObject &object, FunctionSpec &function) {
  const Json *arena = object.find("arena", true);
  if (!arena)
    return;
  if (!arena->is_object()) {
    function.arena = static_cast<uint64_t>(readInteger(*arena, object.at("arena"), 0, maxCount, problem));
    return;
  }
  JsonObject formula(*arena, object.at("arena"), problem);
  function.arena = static_cast<uint64_t>(formula.integer("fixed", 0, maxCount, true));
  formula.each("terms", true, [&](const Json &item, const std::string &at) {
    JsonObject description(item, at, problem);
    ArenaTerm term;
    term.bytes = static_cast<uint64_t>(description.integer("bytes", 0, maxCount));
    for (const std::string &symbol : description.texts("extents")) {
      auto found = std::find(function.extents.begin(), function.extents.end(), symbol);
      if (found == function.extents.end())
        problem.report(at, "'" + symbol + "' is not an extent of the function");
      term.extents.push_back(static_cast<int>(found - function.extents.begin()));
    }
    function.arenaTerms.push_back(std::move(term));
  });
}

Binding ManifestReader::readBinding(const Json &json, const std::string &place, FunctionSpec &function, bool isResult) {
  JsonObject object(json, place, problem);
  Binding binding;
  std::string kind = object.text("bind");
  auto row = std::find_if(std::begin(kinds), std::end(kinds), [&](const KindRow &row) { return kind == row.name; });
  if (row == std::end(kinds) || !(row->sides & (isResult ? Result : Argument))) {
    problem.report(place, "'" + kind + "' is no kind of " + (isResult ? "result" : "argument"));
    return binding;
  }
  binding.kind = row->kind;
  binding.name = object.text("name", true);
  binding.type = readType(object);
  binding.shape = readShape(object);
  for (const Extent &extent : binding.shape)
    if (!extent.symbol.empty() &&
        std::find(function.extents.begin(), function.extents.end(), extent.symbol) == function.extents.end())
      problem.report(place + "/shape", "'" + extent.symbol + "' is not an extent of the function");
  bool ofBatch = binding.kind == BindKind::Batch || binding.kind == BindKind::Key || binding.kind == BindKind::Index;
  if (ofBatch || (binding.kind == BindKind::Rows && !isResult))
    binding.draw = static_cast<int>(object.integer("draw", 0, 1 << 20, true));
  if (binding.kind == BindKind::Rows)
    binding.source = object.text("source");
  if (binding.kind == BindKind::Key)
    binding.views = static_cast<uint32_t>(object.integer("views", 0, 1 << 16, true));
  if (binding.kind == BindKind::Check)
    binding.site = static_cast<int>(object.integer("site", 0, static_cast<int64_t>(manifest.sites.size())));
  if (isResult)
    binding.inPlace = static_cast<int>(
        object.integer("in_place", 0, static_cast<int64_t>(function.arguments.size()) - 1, true, none));
  resolveBinding(binding, place);
  return binding;
}

static bool isScalar(const Binding &binding) { return binding.shape.empty(); }

static bool sameShape(const Shape &shape, const std::vector<int64_t> &fixed) {
  return std::equal(shape.begin(), shape.end(), fixed.begin(), fixed.end(),
                    [](const Extent &extent, int64_t size) { return extent.symbol.empty() && extent.size == size; });
}

static Shape shapeOf(const Variable &variable) {
  Shape shape;
  if (!variable.rows.empty())
    shape.push_back({0, variable.rows});
  for (int64_t size : variable.shape)
    shape.push_back({size, ""});
  return shape;
}

// "task.support" is a part of the elements of source "task"; a point inside an index, as in "office[a.b]", is none.
static void splitPart(Binding &binding) {
  size_t point = binding.name.rfind('.');
  if (point == std::string::npos || binding.name.find(']', point) != std::string::npos)
    return;
  binding.part = binding.name.substr(point + 1);
  binding.name.resize(point);
}

void ManifestReader::resolveHoisted(Binding &binding, const std::string &place) {
  auto [found, isNew] = hoistedByName.emplace(binding.name, static_cast<int>(manifest.hoisted.size()));
  binding.target = found->second;
  if (!isNew) {
    const HoistedSpec &known = manifest.hoisted[found->second];
    if (known.type != binding.type || !sameShape(binding.shape, known.shape))
      problem.report(place, "hoisted value '" + binding.name + "' has two types");
    return;
  }
  HoistedSpec hoisted;
  hoisted.name = binding.name;
  hoisted.type = binding.type;
  for (const Extent &extent : binding.shape) {
    if (!extent.symbol.empty())
      problem.report(place, "a hoisted value has a fixed shape");
    hoisted.shape.push_back(extent.size);
  }
  hoisted.bytes = bytesOf(hoisted.type, hoisted.shape, place);
  manifest.hoisted.push_back(std::move(hoisted));
}

void ManifestReader::resolveBinding(Binding &binding, const std::string &place) {
  auto scalarNumber = [&] {
    if (!isScalar(binding) || (binding.type != ElementType::F32 && binding.type != ElementType::I32))
      problem.report(place, "a scalar of type f32 or i32 is expected");
  };
  switch (binding.kind) {
  case BindKind::Param:
  case BindKind::State: {
    auto found = variableByPath.find(binding.name);
    if (found == variableByPath.end() ||
        manifest.variables[found->second].isParameter != (binding.kind == BindKind::Param))
      return problem.report(place, "'" + binding.name + "' is not a declared parameter or state");
    const Variable &variable = manifest.variables[found->second];
    if (variable.type != binding.type || !(binding.shape == shapeOf(variable)))
      problem.report(place, "type or shape differ from the declaration of '" + binding.name + "'");
    binding.target = found->second;
    return;
  }
  case BindKind::Rows: {
    auto found = variableByPath.find(binding.name);
    if (found == variableByPath.end() || manifest.variables[found->second].rows.empty())
      return problem.report(place, "'" + binding.name + "' is no state with a row for each sample");
    Shape shape = shapeOf(manifest.variables[found->second]);
    if (!binding.shape.empty())
      shape.front() = binding.shape.front();
    if (manifest.variables[found->second].type != binding.type || !(binding.shape == shape))
      problem.report(place, "type or shape differ from the declaration of '" + binding.name + "'");
    binding.target = found->second;
    return;
  }
  case BindKind::Option:
    binding.target = findOption(binding.name, place, OptionUse::Number);
    return scalarNumber();
  case BindKind::Counter: {
    auto found = std::find(std::begin(counters), std::end(counters), binding.name);
    if (found == std::end(counters))
      return problem.report(place, "unknown counter '" + binding.name + "'");
    binding.counter = static_cast<Counter>(found - std::begin(counters));
    return scalarNumber();
  }
  case BindKind::Extent:
    checkSymbol(binding.name, place);
    return scalarNumber();
  case BindKind::Hoisted:
    return resolveHoisted(binding, place);
  case BindKind::Batch:
  case BindKind::Column: {
    size_t point = binding.name.rfind('.');
    if (point == std::string::npos)
      return problem.report(place, "'source.field' is expected as the name");
    binding.field = binding.name.substr(point + 1);
    binding.name.resize(point);
    splitPart(binding);
    return;
  }
  case BindKind::Key:
    splitPart(binding);
    if (binding.type != ElementType::I32 || binding.shape.size() < 2 || binding.shape.back().size != 4)
      problem.report(place, "i32 [n, 4] is expected");
    return;
  case BindKind::Index:
    splitPart(binding);
    if (binding.type != ElementType::I32 || binding.shape.empty())
      problem.report(place, "i32 [n] is expected");
    return;
  case BindKind::StepKey:
    if (binding.type != ElementType::I32 || !sameShape(binding.shape, {4}))
      problem.report(place, "i32 [4] is expected");
    return;
  case BindKind::Watch:
  case BindKind::Check:
    if (binding.type != ElementType::F32 || !isScalar(binding))
      problem.report(place, "f32 [] is expected");
    return;
  case BindKind::Output:
    for (const Extent &extent : binding.shape)
      if (!extent.symbol.empty())
        problem.report(place, "an output has a fixed shape");
    return;
  case BindKind::Sum:
    if (binding.type != ElementType::F32 && binding.type != ElementType::I32)
      problem.report(place, "f32 or i32 is expected");
    return;
  case BindKind::Whole:
  case BindKind::Input:
  case BindKind::Field:
    return;
  }
}

void ManifestReader::checkInPlace(const FunctionSpec &function, const std::string &place) {
  auto once = [&](const std::vector<Binding> &bindings) {
    std::vector<int> seen;
    for (const Binding &binding : bindings)
      if (binding.kind == BindKind::Param || binding.kind == BindKind::State)
        seen.push_back(binding.target);
    std::sort(seen.begin(), seen.end());
    if (std::adjacent_find(seen.begin(), seen.end()) != seen.end())
      problem.report(place, "a parameter or state stands twice on one side");
  };
  once(function.arguments);
  once(function.results);
  std::vector<bool> taken(function.arguments.size());
  for (const Binding &result : function.results) {
    if (result.inPlace == none || static_cast<size_t>(result.inPlace) >= function.arguments.size())
      continue; // a place that there is not was reported where it was read
    const Binding &argument = function.arguments[result.inPlace];
    bool lasting = result.kind == BindKind::Param || result.kind == BindKind::State;
    if (taken[result.inPlace] || argument.type != result.type || !(argument.shape == result.shape) ||
        (lasting && (argument.kind != result.kind || argument.target != result.target)) ||
        (!lasting && (argument.kind == BindKind::Param || argument.kind == BindKind::State)))
      problem.report(place, "a result cannot stand in the buffer of argument " + std::to_string(result.inPlace));
    taken[result.inPlace] = true;
  }
}

void ManifestReader::readPass(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  PassSpec pass;
  object.each("sources", true,
              [&](const Json &item, const std::string &at) { pass.sources.push_back(readSource(item, at, true)); });
  if (object.find("function", true))
    pass.function = static_cast<int>(object.integer("function", 0, functions - 1));
  manifest.passes.push_back(std::move(pass));
}

SourceSpec ManifestReader::readSource(const Json &json, const std::string &place, bool withFunction) {
  JsonObject object(json, place, problem);
  SourceSpec source;
  source.name = object.text("name");
  source.domain = object.text("domain");
  source.split = object.text("split");
  source.batch = object.integer("batch", 1, maxCount);
  source.domainIndex = findDomain(source.domain, place);
  if (source.domainIndex != none && !hasSplit(manifest.domains[source.domainIndex], source.split))
    problem.report(place, "domain '" + source.domain + "' has no split '" + source.split + "'");
  if (const Json *sampler = object.find("sampler", true))
    readSampler(*sampler, object.at("sampler"), source);
  if (withFunction && object.find("function", true))
    source.function = static_cast<int>(object.integer("function", 0, functions - 1));
  return source;
}

} // namespace xfer::rt
