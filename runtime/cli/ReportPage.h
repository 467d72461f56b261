// `--report`: a run as one page that needs nothing beside it.
#ifndef XFER_RUNTIME_CLI_REPORTPAGE_H
#define XFER_RUNTIME_CLI_REPORTPAGE_H

#include "runtime/cli/Results.h"
#include "runtime/program/Data.h"
#include "runtime/program/RunFolder.h"

namespace xfer::rt {

// report.html: the figures beside those of the baselines; confusion matrices with a table of their classes; curves of
// what the log of the folder has; of the classes that evaluations predict how far they are right, and pictures of the
// samples (if they have any); the features of the domains' samples as points of a plane, before (the first baseline)
// and after: those that evaluations `predict`, else those that the compiler chose. The model of the session is the
// trained one.
Status writeReportPage(Session &session, const OpenedData &data, const std::vector<Snapshot> &baselines,
                       const RunResults &results, const RunFolder &folder);

// A figure that is a number.
bool isNumber(const Figure &figure);
// The figures that are numbers: a row each, baselines beside the model; a gain over each baseline has a row of its own.
// `cell` says what stands there: of a figure, by its place, under a baseline or (none) the model.
using FigureCell = std::function<std::string(size_t figure, int baseline)>;
std::string figuresTable(const EvaluationResult &evaluation, const FigureCell &cell);

// Of several runs, whose pages lie in folders of their own: means and deviations, and the figures of each.
Status writeRunsPage(const Manifest &manifest, const std::vector<RunResults> &runs, const RunFolder &root);

} // namespace xfer::rt

#endif
