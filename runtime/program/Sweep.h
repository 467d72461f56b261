// The points of a sweep, and what a run remembers of it: each starts from the model as it was before the sweep, and
// the best one's model goes on.
#ifndef XFER_RUNTIME_PROGRAM_SWEEP_H
#define XFER_RUNTIME_PROGRAM_SWEEP_H

#include "runtime/metrics/JsonText.h"
#include "runtime/program/JsonReader.h"
#include "runtime/program/Session.h"

namespace xfer::rt {

// All that stages leave: every variable, the models before and after stages, the outcomes of baselines.
struct Standing {
  Snapshot values;
  std::map<int, Snapshot> found, left; // by stage
  std::vector<Snapshot> baselines;
};

// A sweep that is under way.
struct SweepState {
  int sweep = none;                                   // in the manifest
  int64_t point = 0;                                  // the one at hand
  bool lost = false;                                  // it diverged: it has no value
  int64_t best = none;                                // the best point so far
  size_t result = 0;                                  // in TrainState::sweepResults
  Standing start, winner;                             // `winner` is what the best point left
  std::map<int, double> optionsBefore, optionsOfBest; // Session::swept
};

// The values that judged the points so far; not a number: the point diverged.
struct SweepResult {
  int sweep = none;
  std::vector<double> values;
  int64_t chosen = none; // once it is over
};

// "lr 0.01, trade 1"
std::string pointText(const Manifest &manifest, int sweep, int64_t point);
// {"lr": 0.01, "trade": 1} under the key "options".
void writePoint(JsonWriter &json, const Manifest &manifest, int sweep, int64_t point);
// Under the key "sweeps": [{"mode", "points": [{"options", "value"}], "chosen": 3}].
void writeSweeps(JsonWriter &json, const Manifest &manifest, const std::vector<SweepResult> &results);

// As they stand in a checkpoint, without the snapshots.
void writeSweepStates(JsonWriter &json, const std::vector<SweepState> &states, const std::vector<SweepResult> &results);
void readSweepStates(JsonObject &object, const Manifest &manifest, std::vector<SweepState> &states,
                     std::vector<SweepResult> &results);
void writeSwept(JsonWriter &json, const Session &session);
std::map<int, double> readSwept(JsonObject &object, const Manifest &manifest);

} // namespace xfer::rt

#endif
