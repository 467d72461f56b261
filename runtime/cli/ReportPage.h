// `--report`: a run as one page that needs nothing beside it.
#ifndef XFER_RUNTIME_CLI_REPORTPAGE_H
#define XFER_RUNTIME_CLI_REPORTPAGE_H

#include "runtime/cli/Results.h"
#include "runtime/program/Data.h"
#include "runtime/program/RunFolder.h"

namespace xfer::rt {

// report.html: the figures beside those of the baselines; confusion matrices with a table of their classes; curves of
// what the log of the folder has; of what evaluations `predict`, row by row, classes as pictures of the samples (if
// they have any) and other numbers as points of a plane, before (the first baseline) and after, evaluations beside each
// other. The model of the session is the trained one.
Status writeReportPage(Session &session, const OpenedData &data, const std::vector<Snapshot> &baselines,
                       const RunResults &results, const RunFolder &folder);

// Head of a table of figures: the baselines that they have, and the model.
std::vector<std::string> figureColumns(const EvaluationResult &evaluation);

// Of several runs, whose pages lie in folders of their own: means and deviations, and the figures of each.
Status writeRunsPage(const Manifest &manifest, const std::vector<RunResults> &runs, const RunFolder &root);

} // namespace xfer::rt

#endif
