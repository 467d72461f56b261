// A whole run of a program: its items in text order, with checkpoints between them and inside of stages.
#ifndef XFER_RUNTIME_PROGRAM_TRAINER_H
#define XFER_RUNTIME_PROGRAM_TRAINER_H

#include "runtime/metrics/MetricsLog.h"
#include "runtime/program/RunFolder.h"
#include "runtime/program/TrainState.h"
#include <atomic>
#include <chrono>

namespace xfer::rt {

class Trainer : private StageObserver {
public:
  // `interrupt` is set from outside (a signal) when the run shall stop after the step at hand.
  Trainer(Session &session, const OpenedData &data, const RunFolder &folder, Progress &progress,
          const std::atomic<bool> &interrupt)
      : session(session), data(data), folder(folder), shown(progress), interrupt(interrupt), passes(session, data) {}

  // Before the run begins: writes a JSON line for every step, which samples it took, and its watched values; and what
  // each step takes.
  Status traceTo(const std::string &path);
  Status recordSteps(const std::string &path);

  // Initial parameters and states, in an empty folder; or those of a checkpoint of this run. Until all files of the run
  // can be written, those of the run before stay.
  Status start();
  Status resume(const Checkpoint &checkpoint);

  // Runs to the end (true) or until an interrupt (false), which leaves a checkpoint.
  Expected<bool> run();

  const TrainState &state() const { return train; }
  // Epoch and step of the last checkpoint, for messages; empty if there is none.
  const std::string &lastCheckpoint() const { return saved; }

private:
  Status log(std::string_view object) override;
  Status stepDone(std::string_view stage, int64_t step, const StepTime &time) override;
  bool traces() const override { return tracing.has_value(); }
  Status trace(std::string_view object) override { return tracing->write(object); }
  Status checkpoint() override; // may skip one if the last is younger than a moment
  bool interrupted() override { return interrupt.load(std::memory_order_relaxed); }
  Progress &progress() override { return shown; }

  Status checkStages();
  Status beginLogs();
  Status checkParameters();
  Status save();
  void rememberCheckpoint();
  Expected<bool> runStage(const OrderItem &item);
  Status enterStage(int index);
  void leaveStage(int index);
  Status runEvaluation(const OrderItem &item);
  bool isBranchedFrom(int stage) const;
  Expected<bool> runItem(const OrderItem &item);

  // TrainerSweeps.cpp
  Standing standing() const;
  void restore(const Standing &standing);
  Status setSwept(const std::map<int, double> &options);
  Status runSweepItem(const OrderItem &item);
  Status enterPoint(const OrderItem &item);
  Status judgePoint(const OrderItem &item);
  Status leaveSweep(const OrderItem &item);
  bool losesPoint(const Status &status);
  std::string atPoint(const std::string &name) const;
  std::string pointsText() const;

  Session &session;
  const OpenedData &data;
  const RunFolder &folder;
  Progress &shown;
  const std::atomic<bool> &interrupt;
  PassCache passes;
  TrainState train;
  std::optional<MetricsLog> metrics, stepTimes, tracing;
  std::string saved;
  bool diverged = false; // the last failure was a parameter that is not finite
  std::chrono::steady_clock::time_point began, lastSave;
  std::chrono::steady_clock::duration saveInterval = {}; // to the next checkpoint
  std::optional<FileStamp> written;                      // the last checkpoint, if by this process
  double secondsBefore = 0;
};

} // namespace xfer::rt

#endif
