// Stages, baselines, evaluations, exports and the order in which they act.
#include "runtime/program/ManifestReader.h"
#include <algorithm>
#include <limits>

namespace xfer::rt {

static constexpr size_t maxOrder = 100000;

PassOutput ManifestReader::readPassOutput(const Json &json, const std::string &place, bool named) {
  JsonObject object(json, place, problem);
  PassOutput output;
  if (named)
    output.name = object.text("name");
  output.pass = static_cast<int>(object.integer("pass", 0, passes - 1));
  output.output = object.text("output");
  return output;
}

void ManifestReader::readStage(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  StageSpec stage;
  stage.name = object.text("name");
  stage.key = object.text("key", true);
  if (stage.key.empty())
    stage.key = stage.name;
  std::string from = object.text("from", true);
  if (!from.empty())
    stage.from = findStage(from, object.at("from"));
  object.each("sources", false, [&](const Json &item, const std::string &at) {
    SourceSpec source = readSource(item, at, false);
    for (const SourceSpec &other : stage.sources)
      if (other.name == source.name)
        problem.report(at, "two sources are called '" + source.name + "'");
    stage.sources.push_back(std::move(source));
  });
  stage.epochBy = object.text("epoch_by", true);
  if (!stage.epochBy.empty() && std::none_of(stage.sources.begin(), stage.sources.end(),
                                             [&](const SourceSpec &source) { return source.name == stage.epochBy; }))
    problem.report(object.at("epoch_by"), "there is no source '" + stage.epochBy + "'");
  stage.epochs = readQuantity(object, "epochs", true);
  stage.steps = readQuantity(object, "steps", true);
  if ((stage.epochs.kind == Quantity::Absent) == (stage.steps.kind == Quantity::Absent))
    problem.report(place, "either 'epochs' or 'steps' is expected");
  if (stage.sources.empty())
    problem.report(place, "a stage needs a source");
  readStageClauses(object, stage);
  manifest.stages.push_back(std::move(stage));
}

void ManifestReader::readStageClauses(JsonObject &object, StageSpec &stage) {
  stage.init = readPasses(object, "init");
  stage.before = readPasses(object, "before");
  stage.after = readPasses(object, "after");
  object.each("every", true, [&](const Json &item, const std::string &at) {
    JsonObject clause(item, at, problem);
    EverySpec every;
    every.epochs = clause.find("epochs", true) != nullptr;
    every.count = readQuantity(clause, every.epochs ? "epochs" : "steps", false);
    every.pass = static_cast<int>(clause.integer("pass", 0, passes - 1));
    stage.every.push_back(std::move(every));
  });
  object.each("phases", false, [&](const Json &item, const std::string &at) {
    JsonObject clause(item, at, problem);
    PhaseSpec phase;
    phase.untilEpoch = readQuantity(clause, "until_epoch", true);
    phase.untilStep = readQuantity(clause, "until_step", true);
    phase.hoist = readPasses(clause, "hoist");
    phase.function = static_cast<int>(clause.integer("function", 0, functions - 1));
    stage.phases.push_back(std::move(phase));
  });
  if (stage.phases.empty() || stage.phases.back().untilEpoch.kind != Quantity::Absent ||
      stage.phases.back().untilStep.kind != Quantity::Absent)
    problem.report(object.at("phases"), "the last phase must be there and have no end");
  stage.watch = object.texts("watch", true);
  object.each("watch_over", true, [&](const Json &item, const std::string &at) {
    stage.watchOver.push_back(readPassOutput(item, at, true));
  });
  if (const Json *keep = object.find("keep", true)) {
    JsonObject clause(*keep, object.at("keep"), problem);
    std::string mode = clause.text("mode");
    stage.keep.oracle = clause.boolean("oracle", false);
    stage.keep.mode = mode == "best" ? KeepSpec::Best : mode == "least" ? KeepSpec::Least : KeepSpec::Last;
    if (stage.keep.mode == KeepSpec::Last && mode != "last")
      problem.report(clause.at("mode"), "unknown mode '" + mode + "'");
    bool chooses = stage.keep.mode != KeepSpec::Last;
    stage.keep.value.output = clause.text("output", !chooses);
    if (clause.find("pass", !chooses))
      stage.keep.value.pass = static_cast<int>(clause.integer("pass", 0, passes - 1));
  }
  if (const Json *stop = object.find("stop", true))
    stage.stop = readPassOutput(*stop, object.at("stop"), false);
  if (const Json *memory = object.find("memory", true)) {
    JsonObject clause(*memory, object.at("memory"), problem);
    readMemory(clause, stage.memory);
  }
}

void ManifestReader::readMemory(JsonObject &clause, MemorySpec &memory) {
  constexpr int64_t most = int64_t(1) << 50;
  memory.limit = static_cast<uint64_t>(clause.integer("limit", 1, std::numeric_limits<int64_t>::max()));
  memory.site = static_cast<int>(clause.integer("site", 0, static_cast<int64_t>(manifest.sites.size()), true));
  clause.each("peaks", false, [&](const Json &item, const std::string &at) {
    JsonObject formula(item, at, problem);
    SizeSpec size;
    size.fixed = static_cast<uint64_t>(formula.integer("fixed", 0, most));
    formula.each("terms", true, [&](const Json &item, const std::string &at) {
      JsonObject description(item, at, problem);
      SizeSpec::Term term{static_cast<uint64_t>(description.integer("bytes", 0, most)), description.texts("extents")};
      for (const std::string &symbol : term.symbols)
        checkSymbol(symbol, at);
      size.terms.push_back(std::move(term));
    });
    memory.peaks.push_back(std::move(size));
  });
}

void ManifestReader::readBaseline(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  BaselineSpec baseline;
  baseline.name = object.text("name");
  baseline.of = findStage(object.text("of"), object.at("of"));
  if (object.boolean("runs", false)) {
    baseline.stage = findStage(baseline.name, place);
    if (baseline.stage != none && baseline.of != none) {
      StageSpec &stage = manifest.stages[baseline.stage];
      if (stage.baselineOf != none || baseline.stage == baseline.of)
        problem.report(place, "the stage of this baseline is one already");
      stage.baselineOf = baseline.of;
    }
  }
  for (const BaselineSpec &other : manifest.baselines)
    if (other.name == baseline.name)
      problem.report(place, "two baselines are called '" + baseline.name + "'");
  manifest.baselines.push_back(std::move(baseline));
}

void ManifestReader::readEvaluation(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  EvaluationSpec evaluation;
  evaluation.name = object.text("name");
  evaluation.pass = static_cast<int>(object.integer("pass", 0, passes - 1));
  object.each("reports", true, [&](const Json &item, const std::string &at) {
    JsonObject clause(item, at, problem);
    ReportSpec report;
    report.name = clause.text("name");
    std::string kind = clause.text("kind", true);
    report.kind = kind == "gain" ? ReportSpec::Gain : kind == "rows" ? ReportSpec::Rows : ReportSpec::Value;
    if (report.kind == ReportSpec::Value && !kind.empty() && kind != "value")
      problem.report(clause.at("kind"), "unknown kind '" + kind + "'");
    report.output = clause.text("output", true);
    if (report.output.empty())
      report.output = report.name;
    std::string baseline = clause.text("baseline", true);
    if (!baseline.empty()) {
      for (size_t i = 0; i < manifest.baselines.size(); ++i)
        if (manifest.baselines[i].name == baseline)
          report.baseline = static_cast<int>(i);
      if (report.baseline == none)
        problem.report(clause.at("baseline"), "there is no baseline '" + baseline + "'");
    }
    report.tag = clause.text("tag", true);
    report.truth = clause.text("truth", true);
    report.labels = clause.text("labels", true);
    evaluation.reports.push_back(std::move(report));
  });
  object.each("features", true, [&](const Json &item, const std::string &at) {
    evaluation.features.push_back(readPassOutput(item, at, /*named=*/false));
  });
  manifest.evaluations.push_back(std::move(evaluation));
}

void ManifestReader::readExport(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  ExportSpec item;
  item.name = object.text("name");
  item.function = static_cast<int>(object.integer("function", 0, functions - 1));
  item.batch = object.integer("batch", 1, int64_t(1) << 32);
  std::string domain = object.text("domain", true);
  if (!domain.empty())
    item.domain = findDomain(domain, object.at("domain"));
  object.each("inputs", true, [&](const Json &port, const std::string &at) { readPort(port, at, item.inputs); });
  object.each("outputs", false, [&](const Json &port, const std::string &at) { readPort(port, at, item.outputs); });
  manifest.exports.push_back(std::move(item));
}

void ManifestReader::readOrder(const Json &json, const std::string &place) {
  JsonObject object(json, place, problem);
  if (object.find("repeat", true)) {
    int64_t count = object.integer("repeat", 0, maxOrder);
    for (int64_t i = 0; i < count && !problem.found(); ++i)
      object.each("body", false, [&](const Json &item, const std::string &at) { readOrder(item, at); });
    object.find("body", true);
    return;
  }
  if (object.find("sweep", true))
    return readSweep(object);
  OrderItem item;
  if (object.find("run", true)) {
    item.index = static_cast<int>(object.integer("run", 0, passes - 1));
  } else if (object.find("stage", true)) {
    item.kind = OrderItem::Stage;
    item.index = findStage(object.text("stage"), place);
  } else {
    item.kind = OrderItem::Evaluate;
    item.index = static_cast<int>(object.integer("evaluate", 0, static_cast<int64_t>(manifest.evaluations.size()) - 1));
  }
  item.run = orderRuns[{item.kind, item.index}]++;
  addItem(item, place);
}

void ManifestReader::addItem(OrderItem item, const std::string &place) {
  if (manifest.order.size() >= maxOrder)
    return problem.report(place, "the order has more than 100000 items");
  manifest.order.push_back(item);
}

// Every point does the same with the same random keys: the runs of its items are counted from where the sweep began.
void ManifestReader::readSweep(JsonObject &object) {
  SweepSpec sweep;
  sweep.points.emplace_back();
  object.each("sweep", false, [&](const Json &item, const std::string &at) {
    JsonObject axis(item, at, problem);
    sweep.options.push_back(findOption(axis.text("option"), at, OptionUse::Number));
    std::vector<double> values;
    axis.each("values", false, [&](const Json &value, const std::string &place) {
      if (!value.is_number())
        return problem.report(place, "a number is expected");
      values.push_back(value.get<double>());
    });
    if (values.empty() || values.size() > maxOrder / sweep.points.size())
      return problem.report(at, "a sweep has points, at most 100000");
    std::vector<std::vector<double>> points;
    for (const std::vector<double> &point : sweep.points)
      for (double value : values) {
        points.push_back(point);
        points.back().push_back(value);
      }
    sweep.points = std::move(points);
  });
  sweep.keep.mode = object.text("mode") == "least" ? KeepSpec::Least : KeepSpec::Best;
  sweep.keep.value.pass = static_cast<int>(object.integer("pass", 0, passes - 1));
  sweep.keep.value.output = object.text("output");
  OrderItem item{OrderItem::SweepBegin, static_cast<int>(manifest.sweeps.size()), 0, 0};
  manifest.sweeps.push_back(sweep);
  addItem(item, object.at());
  std::map<std::pair<int, int>, int> runsBefore = orderRuns;
  for (size_t point = 0; point < sweep.points.size() && !problem.found(); ++point) {
    orderRuns = runsBefore;
    item.point = static_cast<int64_t>(point);
    item.kind = OrderItem::SweepPoint;
    addItem(item, object.at());
    object.each("body", false, [&](const Json &inner, const std::string &at) { readOrder(inner, at); });
    item.kind = OrderItem::SweepJudge;
    addItem(item, object.at());
  }
  object.find("body");
  item.kind = OrderItem::SweepEnd;
  addItem(item, object.at());
}

} // namespace xfer::rt
