// Everything that a run consists of between two steps, beside the variables of the session: what a checkpoint holds.
#ifndef XFER_RUNTIME_PROGRAM_TRAINSTATE_H
#define XFER_RUNTIME_PROGRAM_TRAINSTATE_H

#include "runtime/program/Container.h"
#include "runtime/program/Evaluation.h"

namespace xfer::rt {

struct TrainState {
  int64_t item = 0;                      // next item of the manifest's order; its length when all is done
  bool inStage = false;                  // `stage` belongs to that item
  StageState stage;                      //
  Snapshot mainline;                     // while a baseline runs: the model that goes on afterwards
  std::map<int, Snapshot> found, left;   // by stage: the model before and after its last run, where somebody needs it
  std::vector<Snapshot> baselines;       // outcomes, empty where there is none yet
  std::vector<EvaluationResult> results; // so far
  uint64_t logLength = 0;                // of the metrics
  double seconds = 0;                    // spent so far
};

enum class CheckpointUse {
  Resume,  // everything must fit: the program, its options, the seed, the data
  Evaluate // the program must fit; states of stages need not be there
};

// Writes `state` and the variables of the session as one file, all or nothing.
Status saveCheckpoint(const std::string &path, const Session &session, const TrainState &state);

// Reads it back into the session and gives the state. A file that is damaged or does not fit changes nothing.
Expected<TrainState> loadCheckpoint(const std::string &path, Session &session, CheckpointUse use);
Expected<TrainState> readCheckpoint(const Container &container, const std::string &name, Session &session,
                                    CheckpointUse use);

// Writes the model alone (parameters, states of modules and of the program) at the end of a file.
Status appendModel(AtomicFile &file, const Session &session);

} // namespace xfer::rt

#endif
