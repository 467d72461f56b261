// Everything that a run consists of between two steps, beside the variables of the session: what a checkpoint holds.
#ifndef XFER_RUNTIME_PROGRAM_TRAINSTATE_H
#define XFER_RUNTIME_PROGRAM_TRAINSTATE_H

#include "runtime/program/Evaluation.h"
#include "runtime/program/LoadWeights.h"
#include "runtime/program/Sweep.h"
#include "runtime/weights/Checkpoint.h"

namespace xfer::rt {

struct TrainState {
  int64_t item = 0;     // next item of the manifest's order; its length when all is done
  bool inStage = false; // `stage` belongs to that item
  StageState stage;
  Snapshot mainline;                     // while a baseline runs: the model that goes on afterwards
  std::map<int, Snapshot> found, left;   // by stage: the model before and after its last run, where somebody needs it
  std::vector<Snapshot> baselines;       // outcomes, empty where there is none yet
  std::vector<EvaluationResult> results; // so far
  std::vector<SweepState> sweeps;        // under way, the outer ones first
  std::vector<SweepResult> sweepResults; // of all that have begun
  std::vector<LoadedFile> loaded;        // weight files that the run started from
  uint64_t logLength = 0;                // of the metrics
  double seconds = 0;                    // spent so far
};

enum class CheckpointUse {
  Resume,  // everything must fit: the program, its options, the seed, the data
  Evaluate // the program must fit; states of stages need not be there
};

// `state` and the variables of the session, to be written before either changes.
Checkpoint makeCheckpoint(const Session &session, const TrainState &state);
// The model alone: parameters, states of modules and of the program.
Checkpoint makeModel(const Session &session);

// The list of weight files under the key "weights", as it stands in checkpoints and in run.json.
void writeLoaded(JsonWriter &json, const std::vector<LoadedFile> &files);

// What the session's data call their classes, as a JSON object of lists, and back; what is no such text is passed over.
std::string classesText(const Session &session);
void adoptClasses(const std::string &text, Session &session);

// Puts it back into the session and gives the state. What does not fit changes nothing.
Expected<TrainState> restoreCheckpoint(const Checkpoint &checkpoint, Session &session, CheckpointUse use);

// Gives the session the options of a checkpoint where they were not given otherwise.
void adoptOptions(const Checkpoint &checkpoint, Session &session, const std::vector<bool> &given);
// And its seed.
void adoptSeed(const Checkpoint &checkpoint, Session &session);

} // namespace xfer::rt

#endif
