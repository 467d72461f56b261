#include "runtime/program/Evaluation.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

// The value that a gain is measured against: of the report's baseline, else of the last one that has run.
static std::optional<double> referenceOf(const Manifest &manifest, const ReportSpec &report, const Figure &figure) {
  for (size_t i = figure.baselines.size(); i-- > 0;)
    if (report.baseline == none || figure.baselines[i].first == manifest.baselines[report.baseline].name)
      return figure.baselines[i].second.values.at(0);
  return std::nullopt;
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

  Snapshot model; // only where a baseline takes its place
  if (std::any_of(baselines.begin(), baselines.end(), [](const Snapshot &baseline) { return !baseline.empty(); }))
    model = session.snapshot(Session::Model | Session::ProgramStates);
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
  for (size_t k = 0; k < result.figures.size(); ++k) {
    if (spec.reports[k].kind != ReportSpec::Gain)
      continue;
    std::optional<double> reference = referenceOf(session.manifest, spec.reports[k], result.figures[k]);
    double &value = result.figures[k].value.values.at(0);
    value = reference ? value - *reference : std::nan("");
  }
  return result;
}

} // namespace xfer::rt
