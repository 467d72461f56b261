// The figures of an `evaluate` item: under the model as it is, and under the model of every baseline there is.
#ifndef XFER_RUNTIME_PROGRAM_EVALUATION_H
#define XFER_RUNTIME_PROGRAM_EVALUATION_H

#include "runtime/program/Bootstrap.h"
#include "runtime/program/PredictionTable.h"
#include "runtime/program/StageRunner.h"
#include <functional>

namespace xfer::rt {

struct Figure {
  std::string name;
  ReportSpec::Kind kind = ReportSpec::Value;
  Tensor value; // of a gain: over the first of `baselines`, not a number if there is none; empty for rows
  // By the name of a baseline, in text order: its value; of a gain: that of the model less that of the baseline.
  std::vector<std::pair<std::string, Tensor>> baselines;
  // Of a gain: how far each is known from these samples, in the order of `baselines`; empty without samples.
  std::vector<Interval> intervals;
};

struct EvaluationResult {
  std::string name;
  std::vector<Figure> figures;
};

// The gains of an evaluation over every baseline under the key "gains", as they stand in the log and in results.json:
// {"transfer_gain": {"source_only": 0.1, ...}}, and under "intervals" alike with [low, high] of each. Nothing if it
// reports none.
void writeGains(JsonWriter &json, const EvaluationResult &result);

// Called for every `rows` report.
using RowsSink = std::function<Status(const ReportSpec &report, const PredictionTable &table)>;

// `baselines`: models as in the manifest's list, empty where one has not run. Leaves the model as it found it.
Expected<EvaluationResult> evaluate(Session &session, PassCache &passes, const EvaluationSpec &spec,
                                    const Moment &moment, const std::vector<Snapshot> &baselines, const RowsSink &sink);

// What `rows` reports give under the model, and under the first baseline there is, after which they are named.
struct NamedRows {
  const ReportSpec *report;
  std::string baseline; // empty: the model
  PredictionTable table;
};
// Of one evaluation. Leaves the model as it found it.
Expected<std::vector<NamedRows>> evaluateRows(Session &session, PassCache &passes, const EvaluationSpec &spec,
                                              const std::vector<Snapshot> &baselines);

// The features of an evaluation, of at most so many samples a domain, under the model and under that baseline.
struct FeatureRows {
  const SourceSpec *source;
  std::string baseline; // empty: the model
  Tensor rows;
};
Expected<std::vector<FeatureRows>> evaluateFeatures(Session &session, const OpenedData &data,
                                                    const EvaluationSpec &spec, const std::vector<Snapshot> &baselines,
                                                    int64_t atMost);

} // namespace xfer::rt

#endif
