#include "runtime/program/ManifestReader.h"
#include "xfer/rt/abi.h"
#include <algorithm>
#include <charconv>
#include <cmath>

namespace xfer::rt {

// What the command line offers by itself; an option of a program may not hide it.
static const char *const reservedOptions[] = {
#define XFER_OPTION(NAME) #NAME,
#include "xfer/rt/options.def"
};

static constexpr int64_t maxExtent = int64_t(1) << 40;
static constexpr uint64_t maxBytes = uint64_t(1) << 48;

void ManifestReader::read(const Json &json) {
  JsonObject object(json, "", problem);
  int64_t version = object.integer("version", 0, std::numeric_limits<int32_t>::max());
  if (!problem.found() && version != manifestVersion) {
    problem.report("/version", "version " + std::to_string(version) + " is newer than this runtime, which knows " +
                                   std::to_string(manifestVersion));
    return;
  }
  manifest.program = object.text("program");
  manifest.hash = object.text("hash");
  manifest.compiler = object.text("compiler");
  if (const Json *build = object.find("build", true)) {
    JsonObject facts(*build, "/build", problem);
    if (build->is_object())
      for (auto item = build->begin(); item != build->end(); ++item)
        manifest.build.emplace_back(item.key(), facts.text(item.key().c_str()));
  }
  if (const Json *target = object.find("target")) {
    JsonObject facts(*target, "/target", problem);
    manifest.triple = facts.text("triple");
    manifest.features = facts.texts("features", true);
  }
  std::string weights = object.text("weights", true);
  manifest.weightsBeside = weights == "beside";
  if (!manifest.weightsBeside && !weights.empty() && weights != "embed")
    problem.report("/weights", "unknown place '" + weights + "'");
  // Sections refer to functions and passes by position, before those are read.
  auto countOf = [&](const char *key) {
    const Json *list = object.find(key, true);
    return list && list->is_array() ? static_cast<int64_t>(list->size()) : 0;
  };
  functions = countOf("functions");
  passes = countOf("passes");
  findDrawnSymbols(json);

  object.each("options", true, [&](const Json &item, const std::string &at) { readOption(item, at); });
  object.each("sites", true, [&](const Json &item, const std::string &at) { readSite(item, at); });
  object.each("parameters", true, [&](const Json &item, const std::string &at) { readVariable(item, at, true); });
  object.each("states", true, [&](const Json &item, const std::string &at) { readVariable(item, at, false); });
  object.each("loads", true, [&](const Json &item, const std::string &at) { readLoad(item, at); });
  object.each("tokenizers", true, [&](const Json &item, const std::string &at) { readTokenizer(item, at); });
  object.each("domains", true, [&](const Json &item, const std::string &at) { readDomain(item, at); });
  object.each("functions", true, [&](const Json &item, const std::string &at) { readFunction(item, at); });
  object.each("passes", true, [&](const Json &item, const std::string &at) { readPass(item, at); });
  manifest.launch = readPasses(object, "launch");
  manifest.init = readPasses(object, "init");
  manifest.load = readPasses(object, "load");
  // Stages refer to each other by name.
  object.each("stages", true, [&](const Json &item, const std::string &at) {
    std::string name = item.is_object() && item.count("name") && item["name"].is_string() ? item["name"] : Json("");
    if (!stageByName.emplace(name, static_cast<int>(stageByName.size())).second)
      problem.report(at, "two stages are called '" + name + "'");
  });
  if (!problem.found()) {
    object.each("stages", true, [&](const Json &item, const std::string &at) { readStage(item, at); });
    object.each("baselines", true, [&](const Json &item, const std::string &at) { readBaseline(item, at); });
    object.each("evaluations", true, [&](const Json &item, const std::string &at) { readEvaluation(item, at); });
    object.each("exports", true, [&](const Json &item, const std::string &at) { readExport(item, at); });
    object.each("order", false, [&](const Json &item, const std::string &at) { readOrder(item, at); });
    if (!problem.found())
      check();
  }
  for (const char *key : {"stages", "baselines", "evaluations", "exports", "order"})
    object.find(key, true);
}

std::string OptionSpec::flag() const {
  std::string flag = "--" + name;
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

void ManifestReader::readOption(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  OptionSpec option;
  option.name = object.text("name");
  option.help = object.text("help", true);
  object.each("bounds", true, [&](const Json &item, const std::string &at) {
    JsonObject clause(item, at, problem);
    BoundSpec bound;
    bound.rule = clause.text("rule");
    for (auto [key, limit] :
         {std::pair("least", &bound.least), {"most", &bound.most}, {"above", &bound.above}, {"below", &bound.below}})
      if (clause.find(key, /*optional=*/true))
        *limit = clause.number(key);
    option.bounds.push_back(std::move(bound));
  });
  std::string type = object.text("type");
  const Json *value = object.find("default");
  if (!value || problem.found())
    return;
  if (type == "float" || type == "int") {
    option.type = type == "int" ? OptionSpec::Int : OptionSpec::Float;
    option.number = object.number("default");
    if (option.type == OptionSpec::Int && option.number != std::floor(option.number))
      problem.report(place, "the default of an int option is not an integer");
  } else if (type == "string") {
    option.type = OptionSpec::String;
    option.text = object.text("default");
  } else if (type == "bool") {
    option.type = OptionSpec::Bool;
    option.number = object.boolean("default", false);
  } else {
    problem.report(place + "/type", "unknown type '" + type + "'");
  }
  if (std::find(std::begin(reservedOptions), std::end(reservedOptions), option.name) != std::end(reservedOptions))
    problem.report(place, "the name '" + option.name + "' belongs to the runtime");
  if (option.name.empty() || option.name[0] == '-' ||
      !optionByName.emplace(option.name, static_cast<int>(manifest.options.size())).second)
    problem.report(place, "option '" + option.name + "' has no name of its own");
  manifest.options.push_back(std::move(option));
}

void ManifestReader::readSite(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  Site site;
  site.file = object.text("file");
  site.text = object.text("text", true);
  site.line = object.integer("line", 0, maxExtent);
  site.column = object.integer("column", 0, maxExtent, true);
  manifest.sites.push_back(std::move(site));
}

void ManifestReader::readVariable(const Json &json, const std::string &place, bool isParameter) {
  JsonObject object(json, place, problem);
  Variable variable;
  variable.isParameter = isParameter;
  variable.path = object.text("path");
  variable.type = readType(object);
  Shape shape = readShape(object);
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i].symbol.empty())
      variable.shape.push_back(shape[i].size);
    else if (i > 0 || isParameter)
      problem.report(place + "/shape", "only a state has a row for each sample, and rows have a fixed shape");
    else
      variable.rows = shape[i].symbol;
  }
  variable.bytes = bytesOf(variable.type, variable.shape, place);
  variable.initial = object.text("initial", true);
  if (isParameter) {
    std::string layout = object.text("layout", true);
    size_t rank = variable.shape.size();
    if (std::optional<WeightLayout> known = weightLayoutOf(layout.empty() ? "plain" : layout))
      variable.layout = *known;
    else
      problem.report(place + "/layout", "unknown layout '" + layout + "'");
    if ((variable.layout == WeightLayout::Filter && rank < 3) || (variable.layout == WeightLayout::Matrix && rank != 2))
      problem.report(place + "/layout", "the layout does not fit the rank");
  } else {
    std::string owner = object.text("owner");
    if (owner.compare(0, 6, "stage:") == 0) {
      variable.owner = Variable::StageState;
      variable.stage = owner.substr(6);
    } else if (owner == "program") {
      variable.owner = Variable::ProgramState;
    } else if (owner != "module") {
      problem.report(place + "/owner", "unknown owner '" + owner + "'");
    }
    if (variable.owner == Variable::Module && !variable.rows.empty())
      problem.report(place + "/owner", "the state of a module has no row for each sample");
  }
  if (const Json *constant = object.find("constant", true)) {
    JsonObject where(*constant, place + "/constant", problem);
    variable.constant = where.integer("offset", 0, static_cast<int64_t>(maxBytes));
    uint64_t offset = static_cast<uint64_t>(variable.constant);
    if (!variable.rows.empty() || offset % XFER_ALIGNMENT != 0 || offset > constantsSize ||
        variable.bytes > constantsSize - offset)
      problem.report(place + "/constant", "the value is not inside the program's constants");
  }
  if (variable.path.empty() ||
      !variableByPath.emplace(variable.path, static_cast<int>(manifest.variables.size())).second)
    problem.report(place, "'" + variable.path + "' stands twice among the parameters and states");
  manifest.variables.push_back(std::move(variable));
}

void ManifestReader::readTokenizer(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  TokenizerSpec spec;
  std::string rule = object.text("rule");
  if (rule == "pieces")
    spec.rule = TokenizerSpec::Pieces;
  else if (rule == "characters")
    spec.rule = TokenizerSpec::Characters;
  else if (rule != "words")
    problem.report(place + "/rule", "unknown rule '" + rule + "'");
  spec.atMost = object.integer("at_most", 1, 1 << 20);
  spec.exact = object.boolean("exact", false);
  spec.lower = object.boolean("lower", false);
  spec.vocabulary = object.texts("vocabulary");
  if (spec.vocabulary.empty())
    return problem.report(place + "/vocabulary", "the vocabulary has no token");
  int64_t last = static_cast<int64_t>(spec.vocabulary.size()) - 1;
  if (object.find("first", true))
    spec.first = static_cast<int32_t>(object.integer("first", 0, last));
  if (object.find("last", true))
    spec.last = static_cast<int32_t>(object.integer("last", 0, last));
  manifest.tokenizers.push_back(std::make_shared<const Tokenizer>(std::move(spec)));
}

TextSpec ManifestReader::readText(JsonObject &object) {
  TextSpec text;
  text.field = object.text("text", true);
  if (object.find("tokens", true))
    text.tokenizer =
        static_cast<int>(object.integer("tokens", 0, static_cast<int64_t>(manifest.tokenizers.size()) - 1));
  return text;
}

void ManifestReader::readDomain(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  DomainSpec domain;
  domain.name = object.text("name");
  for (const DomainSpec &other : manifest.domains)
    if (other.name == domain.name)
      problem.report(place, "two domains are called '" + domain.name + "'");
  object.each("fields", false, [&](const Json &item, const std::string &at) {
    JsonObject description(item, at, problem);
    FieldSpec field;
    field.name = description.text("name");
    field.type = readType(description);
    field.shape = readFixedShape(description);
    field.classes = description.integer("classes", 0, maxExtent, true);
    field.bound = description.integer("bound", 0, maxExtent, true);
    field.text = readText(description);
    field.bytes = bytesOf(field.type, field.shape, at);
    domain.fields.push_back(std::move(field));
  });
  object.each("reads", false, [&](const Json &item, const std::string &at) { readRead(item, at, domain); });
  readSplits(object, domain);
  object.each("hidden", true, [&](const Json &item, const std::string &at) {
    JsonObject hidden(item, at, problem);
    std::string field = hidden.text("field");
    domain.hidden.emplace_back(field, hidden.text("split", true));
  });
  manifest.domains.push_back(std::move(domain));
}

ReaderArgument ManifestReader::readArgument(const Json &value, const std::string &place, const std::string &name) {
  ReaderArgument argument;
  argument.name = name;
  if (value.is_string()) {
    argument.text = value.get<std::string>();
  } else if (value.is_number()) {
    argument.kind = ReaderArgument::Number;
    argument.number = value.get<double>();
  } else if (value.is_boolean()) {
    argument.kind = ReaderArgument::Boolean;
    argument.number = value.get<bool>();
  } else {
    JsonObject option(value, place, problem);
    argument.kind = ReaderArgument::Option;
    argument.option = findOption(option.text("option"), place, OptionUse::Any);
  }
  return argument;
}

void ManifestReader::readRead(const Json &json, const std::string &place, DomainSpec &domain) {
  JsonObject object(json, place, problem);
  ReadSpec read;
  read.split = object.text("split", true);
  if (const Json *generate = object.find("generate", true)) {
    JsonObject how(*generate, place + "/generate", problem);
    read.count = readQuantity(how, "count", false);
    read.function = static_cast<int>(how.integer("function", 0, functions - 1));
    read.batch = how.integer("batch", 1, maxExtent);
    domain.reads.push_back(std::move(read));
    return;
  }
  read.reader = object.text("reader");
  if (const Json *arguments = object.find("arguments", true)) {
    JsonObject values(*arguments, place + "/arguments", problem);
    if (arguments->is_object())
      for (auto item = arguments->begin(); item != arguments->end(); ++item)
        if (const Json *value = values.find(item.key().c_str()))
          read.arguments.push_back(readArgument(*value, values.at(item.key().c_str()), item.key()));
  }
  domain.reads.push_back(std::move(read));
}

void ManifestReader::readSplits(JsonObject &object, DomainSpec &domain) {
  object.each("splits", true, [&](const Json &item, const std::string &at) {
    JsonObject description(item, at, problem);
    SplitRule split;
    split.name = description.text("name");
    split.of = description.text("of");
    split.by = description.text("by", true);
    split.within = description.text("within", true);
    split.counts = description.boolean("counts", false);
    split.low = description.number("low");
    split.high = description.number("high");
    if (split.counts &&
        (split.within.empty() || !(split.low >= 0 && split.low <= split.high && split.high <= INT32_MAX)))
      problem.report(at, "a split counts samples of the values of a field, low before high");
    if (!split.by.empty() && !split.within.empty())
      problem.report(at, "a split goes by groups or within classes");
    if (!split.counts && !(split.low >= 0 && split.low <= split.high && split.high <= 1))
      problem.report(at, "the shares of a split lie between 0 and 1, low before high");
    if (!hasSplit(domain, split.of))
      problem.report(at, "there is no split '" + split.of + "' before this one");
    if (split.name.empty() || hasSplit(domain, split.name))
      problem.report(at, "split '" + split.name + "' has no name of its own");
    domain.splits.push_back(std::move(split));
  });
}

void ManifestReader::readPort(const Json &json, const std::string &place, std::vector<PortSpec> &ports) {
  JsonObject object(json, place, problem);
  PortSpec port;
  port.name = object.text("name");
  port.tag = object.text("tag", true);
  port.type = readType(object);
  port.shape = readFixedShape(object);
  port.bound = object.integer("bound", 0, maxExtent, true);
  port.text = readText(object);
  port.bytes = bytesOf(port.type, port.shape, place);
  ports.push_back(std::move(port));
}

Quantity ManifestReader::readQuantity(JsonObject &object, const char *key, bool optional) {
  Quantity quantity;
  const Json *value = object.find(key, optional);
  if (!value)
    return quantity;
  if (value->is_number()) {
    quantity.kind = Quantity::Number;
    quantity.number = value->get<double>();
    return quantity;
  }
  JsonObject source(*value, object.at(key), problem);
  if (source.find("option", true)) {
    quantity.kind = Quantity::Option;
    quantity.option = findOption(source.text("option"), source.at(), OptionUse::Number);
    return quantity;
  }
  quantity.kind = Quantity::Output;
  quantity.pass = static_cast<int>(source.integer("pass", 0, passes - 1));
  quantity.output = source.text("output");
  return quantity;
}

ElementType ManifestReader::readType(JsonObject &object, const char *key) {
  std::string name = object.text(key);
  if (std::optional<ElementType> type = elementTypeOf(name))
    return *type;
  problem.report(object.at(key), "unknown element type '" + name + "'");
  return ElementType::F32;
}

Shape ManifestReader::readShape(JsonObject &object) {
  Shape shape;
  object.each("shape", false, [&](const Json &item, const std::string &at) {
    Extent extent;
    if (item.is_string())
      extent.symbol = item.get<std::string>();
    else
      extent.size = readInteger(item, at, 0, maxExtent, problem);
    shape.push_back(std::move(extent));
  });
  return shape;
}

std::vector<int64_t> ManifestReader::readFixedShape(JsonObject &object) {
  std::vector<int64_t> shape;
  object.each("shape", false, [&](const Json &item, const std::string &at) {
    shape.push_back(readInteger(item, at, 0, maxExtent, problem));
  });
  return shape;
}

uint64_t ManifestReader::bytesOf(ElementType type, const std::vector<int64_t> &shape, const std::string &place) {
  uint64_t bytes = sizeOf(type);
  for (int64_t extent : shape) {
    if (extent != 0 && bytes > maxBytes / static_cast<uint64_t>(extent)) {
      problem.report(place + "/shape", "the tensor is too large");
      return 0;
    }
    bytes *= static_cast<uint64_t>(extent);
  }
  return bytes;
}

std::vector<int> ManifestReader::readPasses(JsonObject &object, const char *key, bool optional) {
  return object.integers(key, 0, passes - 1, optional);
}

int ManifestReader::findOption(const std::string &name, const std::string &place, OptionUse use) {
  auto found = optionByName.find(name);
  bool isText = found != optionByName.end() && manifest.options[found->second].type == OptionSpec::String;
  if (found != optionByName.end() && (use == OptionUse::Any || (use == OptionUse::Text) == isText))
    return found->second;
  problem.report(place, "'" + name + "' is not an option" +
                            (use == OptionUse::Any    ? ""
                             : use == OptionUse::Text ? " with a text"
                                                      : " with a number"));
  return none;
}

int ManifestReader::findStage(const std::string &name, const std::string &place) {
  auto found = stageByName.find(name);
  if (found != stageByName.end())
    return found->second;
  problem.report(place, "there is no stage '" + name + "'");
  return none;
}

int ManifestReader::findDomain(const std::string &name, const std::string &place) {
  for (size_t i = 0; i < manifest.domains.size(); ++i)
    if (manifest.domains[i].name == name)
      return static_cast<int>(i);
  problem.report(place, "there is no domain '" + name + "'");
  return none;
}

bool ManifestReader::hasSplit(const DomainSpec &domain, const std::string &split) const {
  if (split == "all")
    return true;
  for (const ReadSpec &read : domain.reads)
    if (!read.split.empty() && read.split == split)
      return true;
  for (const SplitRule &other : domain.splits)
    if (other.name == split)
      return true;
  return false;
}

static constexpr std::string_view separator = " + "; // between the terms of a sum of extents

// "a.train + b.train + 3"
void ManifestReader::readSum(const std::string &symbol, const std::string &place) {
  ExtentSum sum;
  for (size_t start = 0; start <= symbol.size();) {
    size_t end = std::min(symbol.find(separator, start), symbol.size());
    std::string term = symbol.substr(start, end - start);
    start = end + separator.size();
    int64_t number = 0;
    auto [read, error] = std::from_chars(term.data(), term.data() + term.size(), number);
    if (error != std::errc() || read != term.data() + term.size() || number < 0 || number > maxExtent) {
      checkSymbol(term, place);
      sum.terms.push_back(std::move(term));
    } else {
      sum.fixed += number;
    }
  }
  manifest.sums[symbol] = std::move(sum);
}

void ManifestReader::checkSymbol(const std::string &symbol, const std::string &place) {
  if (drawnSymbols.count(symbol) || manifest.sums.count(symbol))
    return;
  if (symbol.find(separator) != std::string::npos)
    return readSum(symbol, place);
  size_t point = symbol.rfind('.');
  int domain = point == std::string::npos ? none : findDomain(symbol.substr(0, point), place);
  if (domain == none || !hasSplit(manifest.domains[domain], symbol.substr(point + 1)))
    problem.report(place, "'" + symbol + "' is not a split of a domain");
}

} // namespace xfer::rt
