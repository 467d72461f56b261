// One run of a stage: its steps, what stands before, between and after them, and the choice of `keep`.
//
// All that changes while it runs is in the variables of the session and in StageState; both are in every checkpoint.
// A checkpoint may be written between two steps; what the manifest says is done "before step s" is done after it.
#ifndef XFER_RUNTIME_PROGRAM_STAGERUNNER_H
#define XFER_RUNTIME_PROGRAM_STAGERUNNER_H

#include "runtime/metrics/JsonText.h"
#include "runtime/metrics/Progress.h"
#include "runtime/program/PassCache.h"
#include "runtime/program/SourceSampler.h"

namespace xfer::rt {

struct StageState {
  bool begun = false;   // `init` and `before` have run
  bool stopped = false; // `stop when` has spoken
  int64_t step = 0;     // steps done
  int64_t stale = 0;    // epochs since `keep` improved
  int64_t bestEpoch = none;
  double best = 0;
  int64_t summed = 0;       // steps of this epoch in `sums`
  std::vector<double> sums; // of the watched values
  Snapshot bestValues;      // what `keep` restores
};

// What the computation of a step took, without reading its batch.
struct StepTime {
  double seconds = 0;
  double processorSeconds = 0; // of all threads together
};

// What the surroundings of a stage do for it.
class StageObserver {
public:
  virtual ~StageObserver() = default;
  virtual Status log(std::string_view object) = 0;
  virtual Status stepDone(std::string_view stage, int64_t step, const StepTime &time) = 0;
  virtual bool traces() const = 0; // whether trace() wants an object for every step
  virtual Status trace(std::string_view object) = 0;
  virtual Status checkpoint() = 0;
  virtual bool interrupted() = 0;
  virtual Progress &progress() = 0;
};

class StageRunner {
public:
  StageRunner(Session &session, const OpenedData &data, PassCache &passes, const StageSpec &stage, int run,
              StageState &state, StageObserver &observer)
      : session(session), data(data), passes(passes), stage(stage), run(run), state(state), observer(observer) {}

  // Finds out whether the data and the options allow the stage, as far as nothing has to be computed for it.
  Status check();

  // Runs until the stage is over (true) or was interrupted (false).
  Expected<bool> execute();

private:
  struct Step { // a phase's function with its inputs
    std::unique_ptr<Call> call;
    std::vector<BatchInput> inputs;
    std::vector<size_t> watched; // results, as stage.watch
  };
  Status plan(bool ahead);
  Status planBatches(bool ahead);
  Status checkMemory() const;
  Status begin();
  Status enterPhase(size_t phase);
  Status doStep();
  Status loadSamples(JsonWriter *line);
  void expectSamples();
  Status traceStep(JsonWriter &line);
  Status endEpoch();
  Status keepBest(const Moment &now, NamedValues &values);
  Status finish();
  size_t phaseAt(int64_t step) const;
  Moment moment() const;
  int64_t epochOf(int64_t step) const { return step / stepsPerEpoch; }
  NamedValues means() const;
  Status within(const Status &status) const;

  Session &session;
  const OpenedData &data;
  PassCache &passes;
  const StageSpec &stage;
  int run;
  StageState &state;
  StageObserver &observer;

  std::vector<std::unique_ptr<Sampler>> samplers; // as stage.sources
  std::vector<SampleKeys> keys;
  int64_t steps = 0, epochs = 0, stepsPerEpoch = 1;
  struct Until {
    int64_t epoch, step;
  };
  std::vector<Until> ends;                                  // as stage.phases
  std::vector<std::pair<int64_t, const EverySpec *>> every; // period in steps or epochs
  std::optional<size_t> phase;
  Step current;
  Batch batch;
};

} // namespace xfer::rt

#endif
