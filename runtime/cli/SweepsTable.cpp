#include "runtime/cli/Results.h"
#include "runtime/metrics/Table.h"
#include <cmath>

namespace xfer::rt {

// A point's value over the runs in which it is a number.
static std::string valueText(const std::vector<RunResults> &runs, size_t sweep, size_t point) {
  std::vector<double> values;
  for (const RunResults &run : runs)
    if (double value = run.sweeps[sweep].values[point]; std::isfinite(value))
      values.push_back(value);
  if (values.empty())
    return "nan";
  Moments moments = momentsOf(values);
  if (runs.size() == 1)
    return format("{:.4f}", moments.mean);
  return format("{:.4f} ± {:.4f}", moments.mean, moments.deviation);
}

std::string sweepsTable(const Manifest &manifest, const std::vector<RunResults> &runs) {
  std::string text;
  const std::vector<SweepResult> &sweeps = runs.back().sweeps;
  for (size_t s = 0; s < sweeps.size(); ++s) {
    const SweepSpec &spec = manifest.sweeps[sweeps[s].sweep];
    Table table;
    table.row({"sweep", spec.keep.mode == KeepSpec::Best ? "value (best is kept)" : "value (least is kept)", "chosen"});
    for (size_t point = 0; point < sweeps[s].values.size(); ++point) {
      int64_t chosen = 0;
      for (const RunResults &run : runs)
        chosen += run.sweeps[s].chosen == static_cast<int64_t>(point);
      std::string mark = chosen == 0 ? "" : runs.size() == 1 ? "*" : format("{} of {}", chosen, runs.size());
      table.row(
          {"  " + pointText(manifest, sweeps[s].sweep, static_cast<int64_t>(point)), valueText(runs, s, point), mark});
    }
    text += table.text();
  }
  return text;
}

} // namespace xfer::rt
