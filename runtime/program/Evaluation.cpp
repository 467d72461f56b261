#include "runtime/program/Evaluation.h"
#include "runtime/program/Outcome.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

// Values of the model and of baselines become gains over the report's baseline, or over each of them.
static void makeGains(const Manifest &manifest, const ReportSpec &report, Figure &figure) {
  auto isOther = [&](const std::pair<std::string, Tensor> &entry) {
    return report.baseline != none && entry.first != manifest.baselines[report.baseline].name;
  };
  auto &baselines = figure.baselines;
  for (size_t i = baselines.size(); i-- > 0;)
    if (isOther(baselines[i])) {
      baselines.erase(baselines.begin() + static_cast<ptrdiff_t>(i));
      if (!figure.intervals.empty())
        figure.intervals.erase(figure.intervals.begin() + static_cast<ptrdiff_t>(i));
    }
  double &value = figure.value.values.at(0);
  for (auto &[name, tensor] : baselines)
    tensor.values.at(0) = value - tensor.values.at(0);
  value = baselines.empty() ? std::nan("") : baselines[0].second.values[0];
}

void writeGains(JsonWriter &json, const EvaluationResult &result) {
  auto isGain = [](const Figure &figure) { return figure.kind == ReportSpec::Gain; };
  if (std::none_of(result.figures.begin(), result.figures.end(), isGain))
    return;
  json.key("gains").beginObject();
  for (const Figure &figure : result.figures) {
    if (!isGain(figure))
      continue;
    json.key(figure.name).beginObject();
    for (const auto &[baseline, gain] : figure.baselines)
      json.key(baseline).value(gain.values[0]);
    json.endObject();
  }
  json.endObject().key("intervals").beginObject();
  for (const Figure &figure : result.figures) {
    if (!isGain(figure) || figure.intervals.empty())
      continue;
    json.key(figure.name).beginObject();
    for (size_t i = 0; i < figure.intervals.size(); ++i) {
      json.key(figure.baselines[i].first).beginList();
      json.value(figure.intervals[i].low).value(figure.intervals[i].high).endList();
    }
    json.endObject();
  }
  json.endObject();
}

// What each gain's figure would be on other draws of the samples, under the model as it is.
static Status drawGains(PassRunner &runner, const EvaluationSpec &spec, const Moment &moment,
                        std::vector<std::vector<double>> &values) {
  values.assign(spec.reports.size(), {});
  for (size_t k = 0; k < spec.reports.size(); ++k) {
    if (spec.reports[k].kind != ReportSpec::Gain)
      continue;
    Expected<std::vector<double>> drawn = runner.bootstrap(spec.reports[k].output, moment);
    if (!drawn)
      return drawn.status();
    values[k] = std::move(*drawn);
  }
  return Status::success();
}

static Interval intervalOfDifference(std::vector<double> model, const std::vector<double> &baseline) {
  for (size_t i = 0; i < model.size(); ++i)
    model[i] -= baseline[i];
  return percentileInterval(std::move(model));
}

static PredictionTable tableOf(const Session &session, const PassCache &passes, const EvaluationSpec &spec,
                               const ReportSpec &report, const PassRunner &runner) {
  return describeRows(session, passes.opened(), spec, report, runner.rows(report.output),
                      report.truth.empty() ? Tensor() : runner.rows(report.truth));
}

Expected<EvaluationResult> evaluate(Session &session, PassCache &passes, const EvaluationSpec &spec,
                                    const Moment &moment, const std::vector<Snapshot> &baselines,
                                    const RowsSink &sink) {
  EvaluationResult result;
  result.name = spec.name;
  Expected<PassRunner *> runner = passes.run(spec.pass, moment);
  if (!runner)
    return runner.status();
  for (const ReportSpec &report : spec.reports) {
    Figure figure;
    figure.name = report.name;
    figure.kind = report.kind;
    if (report.kind != ReportSpec::Rows)
      figure.value = (*runner)->output(report.output);
    else if (Status status = sink(report, tableOf(session, passes, spec, report, **runner)); status.failed())
      return status;
    result.figures.push_back(std::move(figure));
  }

  std::vector<std::vector<double>> ownDraws, draws;
  bool compares = std::any_of(baselines.begin(), baselines.end(), [](const Snapshot &one) { return !one.empty(); });
  if (compares)
    if (Status status = drawGains(**runner, spec, moment, ownDraws); status.failed())
      return status;
  Snapshot model = current(session, baselines);
  for (size_t i = 0; i < baselines.size(); ++i) {
    if (baselines[i].empty())
      continue;
    session.restore(baselines[i]);
    runner = passes.run(spec.pass, moment);
    Status status = runner.status();
    if (status.ok()) {
      for (size_t k = 0; k < result.figures.size(); ++k)
        if (spec.reports[k].kind != ReportSpec::Rows)
          result.figures[k].baselines.emplace_back(session.manifest.baselines[i].name,
                                                   (*runner)->output(spec.reports[k].output));
      status = drawGains(**runner, spec, moment, draws);
    }
    session.restore(model);
    if (status.failed())
      return status.within("baseline '" + session.manifest.baselines[i].name + "'");
    for (size_t k = 0; k < result.figures.size(); ++k)
      if (!ownDraws[k].empty())
        result.figures[k].intervals.push_back(intervalOfDifference(ownDraws[k], draws[k]));
  }
  for (size_t k = 0; k < result.figures.size(); ++k)
    if (spec.reports[k].kind == ReportSpec::Gain)
      makeGains(session.manifest, spec.reports[k], result.figures[k]);
  return result;
}

static Status collectRows(const Session &session, PassCache &passes, const EvaluationSpec &spec,
                          const std::string &baseline, std::vector<NamedRows> &found) {
  Expected<PassRunner *> runner = passes.run(spec.pass, {});
  if (!runner)
    return runner.status();
  for (const ReportSpec &report : spec.reports)
    if (report.kind == ReportSpec::Rows)
      found.push_back({&report, baseline, tableOf(session, passes, spec, report, **runner)});
  return Status::success();
}

// `collect` with the name of whose model the session has: first the model (""), then the first baseline there is.
template <typename Collect>
static Status underBoth(Session &session, const std::vector<Snapshot> &baselines, Collect collect) {
  if (Status status = collect(std::string()); status.failed())
    return status;
  auto first = std::find_if(baselines.begin(), baselines.end(), [](const Snapshot &one) { return !one.empty(); });
  if (first == baselines.end())
    return Status::success();
  Snapshot model = current(session, baselines);
  session.restore(*first);
  Status status = collect(session.manifest.baselines[first - baselines.begin()].name);
  session.restore(model);
  return status;
}

Expected<std::vector<NamedRows>> evaluateRows(Session &session, PassCache &passes, const EvaluationSpec &spec,
                                              const std::vector<Snapshot> &baselines) {
  std::vector<NamedRows> found;
  if (std::none_of(spec.reports.begin(), spec.reports.end(),
                   [](const ReportSpec &report) { return report.kind == ReportSpec::Rows; }))
    return found;
  Status status = underBoth(session, baselines, [&](const std::string &baseline) {
    return collectRows(session, passes, spec, baseline, found);
  });
  if (status.failed())
    return status;
  return found;
}

Expected<std::vector<FeatureRows>> evaluateFeatures(Session &session, const OpenedData &data,
                                                    const EvaluationSpec &spec, const std::vector<Snapshot> &baselines,
                                                    int64_t atMost) {
  std::vector<FeatureRows> found;
  for (const PassOutput &feature : spec.features) {
    Expected<PassRunner> runner = PassRunner::bind(session, data, feature.pass, atMost);
    if (!runner)
      return runner.status();
    Status status = underBoth(session, baselines, [&](const std::string &baseline) {
      Status ran = runner->run({});
      if (ran.ok())
        found.push_back(
            {&session.manifest.passes[feature.pass].sources.front(), baseline, runner->rows(feature.output)});
      return ran;
    });
    if (status.failed())
      return status;
  }
  return found;
}

} // namespace xfer::rt
