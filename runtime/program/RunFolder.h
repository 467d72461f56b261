// Where a run keeps what it writes.
//
//   run.json              what was run: program, compiler, options, seed, data, weight files; and how it ended
//   metrics.jsonl         one object an epoch and an evaluation
//   results.json          the figures of the evaluations
//   weights.safetensors   parameters and states of modules, by the names and layouts of PyTorch
//   predictions-*.csv     what evaluations predict, a row a sample
//   report.html           the run as a page, if it was asked for
//   checkpoint.xfer       the last checkpoint; beside it the one before, checkpoint.xfer.previous
#ifndef XFER_RUNTIME_PROGRAM_RUNFOLDER_H
#define XFER_RUNTIME_PROGRAM_RUNFOLDER_H

#include "runtime/program/PredictionTable.h"

namespace xfer::rt {

class RunFolder {
public:
  static constexpr std::string_view elsewhere = "choose another one with --out";
  // Makes the folder and finds out whether it can be written. `advice`: what to do where it cannot; `made`: see
  // makeFolder().
  static Expected<RunFolder> open(const std::string &path, std::string_view advice = elsewhere,
                                  std::vector<std::string> *made = nullptr);
  // A folder that is only read from.
  static RunFolder at(const std::string &path) { return RunFolder(path); }
  // Keeps other processes from training in the folder as long as this object or a copy of it lives.
  Status claim();

  const std::string &path() const { return root; }
  std::string metrics() const { return root + "/metrics.jsonl"; }
  std::string facts() const { return root + "/run.json"; }
  std::string results() const { return root + "/results.json"; }
  std::string weights() const { return root + "/weights.safetensors"; }
  std::string page() const { return root + "/report.html"; }
  std::string checkpoint() const { return root + "/checkpoint.xfer"; }

  bool hasCheckpoint() const;
  // Finds out whether every file of a run can be written where it is.
  Status check() const;
  // Removes what a run before has written, its predictions too, so that nothing of it stands beside what a new one
  // writes. The log stays.
  Status clear() const;
  Status writeRows(const std::string &evaluation, const std::string &report, const PredictionTable &table) const;

private:
  explicit RunFolder(std::string root) : root(std::move(root)) {}
  std::string root;
  std::shared_ptr<const void> lock;
};

} // namespace xfer::rt

#endif
