// The figures of a run as a table for people and as JSON for programs.
#ifndef XFER_RUNTIME_CLI_RESULTS_H
#define XFER_RUNTIME_CLI_RESULTS_H

#include "runtime/metrics/JsonText.h"
#include "runtime/program/Evaluation.h"
#include "runtime/program/Sweep.h"

namespace xfer::rt {

struct RunResults {
  uint64_t seed = 0;
  std::vector<EvaluationResult> evaluations;
  std::vector<SweepResult> sweeps;
  double seconds = 0;
};

// Mean and deviation (of the sample) of one number over runs.
struct Moments {
  double mean = 0, deviation = 0;
};
Moments momentsOf(const std::vector<double> &values);

// Bytes of memory that the process needed at its peak.
uint64_t peakMemory();
// "143 MiB", "1.5 GiB".
std::string sizeText(uint64_t bytes);

// What an evaluation reads first: knows the names of the classes. Null where it reads nothing.
const Reader *readerOf(const Manifest &manifest, const OpenedData &data, const std::string &evaluation);

// One run: every evaluation with the baselines beside the model. Several: mean and deviation over them.
std::string resultsTable(const Manifest &manifest, const OpenedData &data, const std::vector<RunResults> &runs);
// The points of every sweep with the values that judged them; of several runs how often each was chosen.
std::string sweepsTable(const Manifest &manifest, const std::vector<RunResults> &runs);
// Sentences about transfer that did harm, and about models that were chosen by labels they should not have seen.
std::vector<std::string> resultWarnings(const Manifest &manifest, const std::vector<RunResults> &runs);
// {"version", "program", "hash", "folder", "peak_memory", "runs": [{"seed", "seconds", "evaluations", "sweeps"}],
// "summary": [{"name", FIGURE: {"mean", "deviation"}}], "warnings"}.
std::string resultsJson(const Manifest &manifest, const std::vector<RunResults> &runs, const std::string &folder);

} // namespace xfer::rt

#endif
