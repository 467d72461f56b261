// `evaluate`: every evaluation of the program on a trained model, and `export`.
#include "runtime/cli/Command.h"
#include "runtime/cli/DataFacts.h"
#include "runtime/cli/ReportPage.h"
#include "runtime/program/PassCache.h"
#include "runtime/program/RunFolder.h"

namespace xfer::rt {

// Predictions go into the run folder; what to do where they cannot. The model is looked for in what --out names, too.
static std::string_view whereToWrite(const Command &command) {
  if (!command.arguments.weights.empty() || command.manifest.variables.empty())
    return "choose another one with --out";
  if (command.executable.model && command.arguments.out.empty())
    return "predictions are written there; call the program where it can write";
  return "predictions are written there; name a copy of it with --out";
}

Expected<int> evaluateModel(const Command &command) {
  Expected<TrainedModel> model = openModel(command, /*withData=*/true);
  if (!model)
    return model.status();
  if (command.manifest.evaluations.empty())
    return failure("this program has no evaluation");
  PassCache passes(*model->session, model->data);
  std::string folder = command.folder();
  std::string changes =
      describeChanges(model->session->dataHashes, RunFolder::at(folder).facts(), command.manifest, model->data);
  if (!changes.empty())
    std::fprintf(stderr, "warning: %s\n", printableText(changes).c_str());
  RunResults results;
  results.seed = model->session->seed;
  for (const EvaluationSpec &spec : command.manifest.evaluations) {
    auto sink = [&](const ReportSpec &report, const PredictionTable &table) {
      Expected<RunFolder> opened = RunFolder::open(folder, whereToWrite(command));
      return opened ? opened->writeRows(spec.name, report.name, table) : opened.status();
    };
    Expected<EvaluationResult> result = evaluate(*model->session, passes, spec, {}, model->baselines, sink);
    if (!result)
      return result.status().within("evaluation '" + spec.name + "'");
    results.evaluations.push_back(std::move(*result));
    passes.clear();
  }
  if (command.arguments.report) {
    Expected<RunFolder> opened = RunFolder::open(folder, "report.html is written there; choose another one with --out");
    Status status =
        opened ? writeReportPage(*model->session, model->data, model->baselines, results, *opened) : opened.status();
    if (status.failed())
      return status;
  }
  if (command.arguments.json)
    std::printf("%s\n", resultsJson(command.manifest, {results}, folder).c_str());
  else
    std::printf("%s%s", resultsTable(command.manifest, model->data, {results}).c_str(),
                skippedText(command.manifest, model->data).c_str());
  return exitOk;
}

Expected<int> exportModel(const Command &command) {
  Expected<TrainedModel> model = openModel(command, /*withData=*/false);
  if (!model)
    return model.status();
  if (Status status = writeExecutable(command.executable, *model->session, command.arguments.output); status.failed())
    return status;
  return exitOk;
}

} // namespace xfer::rt
