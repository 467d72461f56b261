// `evaluate`: every evaluation of the program on a trained model, and `export`.
#include "runtime/cli/Command.h"
#include "runtime/cli/Results.h"
#include "runtime/program/PassCache.h"
#include "runtime/program/RunFolder.h"

namespace xfer::rt {

Expected<int> evaluateModel(const Command &command) {
  Expected<TrainedModel> model = openModel(command, /*withData=*/true);
  if (!model)
    return model.status();
  if (command.manifest.evaluations.empty())
    return failure("this program has no evaluation");
  PassCache passes(*model->session, model->data);
  std::string folder = command.folder();
  auto sink = [](void *context, const std::string &evaluation, const std::string &report, const Tensor &rows) {
    Expected<RunFolder> folder = RunFolder::open(*static_cast<std::string *>(context));
    return folder ? folder->writeRows(evaluation, report, rows) : folder.status();
  };
  RunResults results;
  results.seed = model->session->seed;
  for (const EvaluationSpec &spec : command.manifest.evaluations) {
    Expected<EvaluationResult> result = evaluate(*model->session, passes, spec, {}, model->baselines, sink, &folder);
    if (!result)
      return result.status().within("evaluation '" + spec.name + "'");
    results.evaluations.push_back(std::move(*result));
    passes.clear();
  }
  if (command.arguments.json)
    std::printf("%s\n", resultsJson(command.manifest, {results}, folder).c_str());
  else
    std::printf("%s", resultsTable({results}).c_str());
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
