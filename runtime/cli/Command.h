// What the verbs of a compiled program share, and the verbs. Each returns the exit code of the process, or why it
// failed (which is exit code 1).
#ifndef XFER_RUNTIME_CLI_COMMAND_H
#define XFER_RUNTIME_CLI_COMMAND_H

#include "runtime/cli/Arguments.h"
#include "runtime/cli/Embedded.h"
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/program/Data.h"
#include "runtime/program/RunFolder.h"
#include "runtime/program/TrainState.h"
#include <atomic>

namespace xfer::rt {

constexpr int exitOk = 0, exitFailure = 1, exitInterrupted = 130;

struct Command {
  const xfer_program_t &program;
  const Manifest &manifest;
  Arguments arguments;
  const Executable &executable;
  ThreadTeam &team;
  const std::atomic<bool> &interrupt;

  // The run folder: --out, or runs/PROGRAM.
  std::string folder() const;
  // Fails if one is beyond what the program says of it.
  Status checkBounds(const std::vector<OptionValue> &options) const;
  // A session with the options of the command line, and of `earlier` (a checkpoint) where none was given; its seed too,
  // unless there are several. The `launch` passes have been run.
  Expected<std::unique_ptr<Session>> openSession(uint64_t seed, const Checkpoint *earlier = nullptr) const;
};

// A trained model in a session: from the executable itself, a weight file, or the last checkpoint of the run folder.
struct TrainedModel {
  std::unique_ptr<Session> session;
  OpenedData data; // empty if not asked for
  std::vector<Snapshot> baselines;
};
Expected<TrainedModel> openModel(const Command &command, bool withData);

// The last checkpoint of a run that is whole.
Expected<Checkpoint> openRun(const RunFolder &folder, const Manifest &manifest);

// Parameters and states of modules as a safetensors file, and back (every one of them must be there).
Status writeModelWeights(const Session &session, const std::string &path);
Status readModelWeights(Session &session, const std::string &path);

Expected<int> train(const Command &command);
Expected<int> evaluateModel(const Command &command);
Expected<int> predict(const Command &command);
Expected<int> exportModel(const Command &command);

} // namespace xfer::rt

#endif
