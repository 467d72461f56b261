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
  baselines.erase(std::remove_if(baselines.begin(), baselines.end(), isOther), baselines.end());
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
  json.endObject();
}

Expected<EvaluationResult> evaluate(Session &session, PassCache &passes, const EvaluationSpec &spec,
                                    const Moment &moment, const std::vector<Snapshot> &baselines, RowsSink sink,
                                    void *sinkContext) {
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
    else if (Status status = sink(sinkContext, spec.name, report.name, (*runner)->rows(report.output)); status.failed())
      return status;
    result.figures.push_back(std::move(figure));
  }

  Snapshot model = current(session, baselines);
  for (size_t i = 0; i < baselines.size(); ++i) {
    if (baselines[i].empty())
      continue;
    session.restore(baselines[i]);
    runner = passes.run(spec.pass, moment);
    session.restore(model);
    if (!runner)
      return runner.status().within("baseline '" + session.manifest.baselines[i].name + "'");
    for (size_t k = 0; k < result.figures.size(); ++k)
      if (spec.reports[k].kind != ReportSpec::Rows)
        result.figures[k].baselines.emplace_back(session.manifest.baselines[i].name,
                                                 (*runner)->output(spec.reports[k].output));
  }
  for (size_t k = 0; k < result.figures.size(); ++k)
    if (spec.reports[k].kind == ReportSpec::Gain)
      makeGains(session.manifest, spec.reports[k], result.figures[k]);
  return result;
}

} // namespace xfer::rt
