#include "runtime/cli/Command.h"
#include "runtime/program/LoadWeights.h"
#include "runtime/program/Outcome.h"
#include "runtime/program/PassCache.h"
#include "runtime/weights/KeyMap.h"
#include <algorithm>

namespace xfer::rt {

std::string Command::folder() const { return arguments.out.empty() ? "runs/" + manifest.program : arguments.out; }

Status Command::checkBounds(const std::vector<OptionValue> &options) const {
  for (size_t i = 0; i < manifest.options.size(); ++i)
    for (const BoundSpec &bound : manifest.options[i].bounds)
      if (double value = options[i].number; !bound.holds(value))
        return failure("{} {}: {}, not {}", manifest.options[i].flag(), jsonNumber(value), bound.rule,
                       jsonNumber(value));
  return Status::success();
}

Expected<std::unique_ptr<Session>> Command::openSession(uint64_t seed, const Checkpoint *earlier) const {
  Expected<std::unique_ptr<Session>> session = Session::open(program, manifest);
  if (!session)
    return session.status();
  (*session)->context.team = &team;
  (*session)->options = arguments.options;
  (*session)->seed = seed;
  (*session)->files = executable.files;
  if (earlier)
    adoptOptions(*earlier, **session, arguments.given);
  if (earlier && !arguments.seedGiven && arguments.runs == 1)
    adoptSeed(*earlier, **session);
  if (Status status = checkBounds((*session)->options); status.failed())
    return status;
  OpenedData noData;
  PassCache passes(**session, noData);
  if (Status status = passes.runAll((*session)->manifest.launch, {}); status.failed())
    return status;
  return session;
}

Status writeModelWeights(const Session &session, const std::string &path) {
  std::vector<WeightTensor> tensors;
  for (size_t i = 0; i < session.variables.size(); ++i) {
    const Variable &variable = session.manifest.variables[i];
    if (variable.owner == Variable::Module)
      tensors.push_back(
          toTensor(keyOf(variable.path), variable.type, variable.layout, variable.shape, session.variables[i].data()));
  }
  return writeWeights(path, tensors,
                      {{"format", "pt"}, {"program", session.manifest.program}, {"classes", classesText(session)}});
}

Status readModelWeights(Session &session, const std::string &path) {
  Expected<WeightFile> file = WeightFile::open(path);
  if (!file)
    return file.status();
  for (const auto &[key, text] : file->metadata())
    if (key == "classes")
      adoptClasses(text, session);
  std::string missing;
  size_t used = 0;
  for (size_t i = 0; i < session.variables.size(); ++i) {
    const Variable &variable = session.manifest.variables[i];
    if (variable.owner != Variable::Module)
      continue;
    const WeightTensor *tensor = file->find(keyOf(variable.path));
    if (!tensor) {
      missing += (missing.empty() ? "'" : ", '") + variable.path + "'";
      continue;
    }
    ++used;
    Status status = readTensor(*tensor, variable.type, variable.layout, variable.shape, session.variables[i].data());
    if (status.failed())
      return status.within("'" + path + "'");
  }
  if (!missing.empty())
    return failure("'{}' has no {}; take the weights of a run of this program", path, missing);
  if (used != file->tensors().size())
    for (const WeightTensor &tensor : file->tensors()) {
      bool known = false;
      for (const Variable &variable : session.manifest.variables)
        known |= variable.owner == Variable::Module && keyOf(variable.path) == tensor.name;
      if (!known)
        return failure("'{}' has '{}', which is no part of this program's model", path, tensor.name);
    }
  return Status::success();
}

Expected<Checkpoint> openRun(const RunFolder &folder, const Manifest &manifest) {
  if (!folder.hasCheckpoint())
    return failure("there is no trained model in '{}'; train one first, or name its folder with --out", folder.path());
  std::string notice;
  Expected<Checkpoint> checkpoint = Checkpoint::readLatest(folder.checkpoint(), manifest.hash, notice);
  if (!notice.empty())
    std::fprintf(stderr, "warning: %s\n", notice.c_str());
  return checkpoint;
}

Expected<TrainedModel> openModel(const Command &command, bool withData) {
  const Arguments &arguments = command.arguments;
  std::optional<Checkpoint> checkpoint;
  // What computes without a model needs no training.
  bool hasModel = !command.manifest.variables.empty();
  if (arguments.weights.empty() && hasModel) {
    bool inside = command.executable.model && arguments.out.empty();
    Expected<Checkpoint> found =
        inside ? Checkpoint::parse(*command.executable.model, "the model in this executable", command.manifest.hash)
               : openRun(RunFolder::at(command.folder()), command.manifest);
    if (!found)
      return found.status();
    checkpoint = std::move(*found);
  }
  TrainedModel model;
  Expected<std::unique_ptr<Session>> session = command.openSession(arguments.seed, checkpoint ? &*checkpoint : nullptr);
  if (!session)
    return session.status();
  model.session = std::move(*session);
  if (withData) {
    Expected<OpenedData> data = openData(*model.session, arguments.data);
    if (!data)
      return data.status();
    model.data = std::move(*data);
  }
  model.baselines.resize(command.manifest.baselines.size());
  if (checkpoint) {
    Expected<TrainState> state = restoreCheckpoint(*checkpoint, *model.session, CheckpointUse::Evaluate);
    if (!state)
      return state.status();
    model.baselines = std::move(state->baselines);
    // What was computed ahead from options knows nothing of those that a sweep chose.
    PassCache launched(*model.session, model.data);
    if (!model.session->swept.empty())
      if (Status status = launched.runAll(command.manifest.launch, {}); status.failed())
        return status;
  } else if (!hasModel && arguments.weights.empty()) {
    // nothing to read
  } else if (Status status = readModelWeights(*model.session, arguments.weights); status.failed()) {
    return status;
  } else {
    // Weight files hold the model alone.
    std::vector<bool> read = readBehindStages(command.manifest);
    if (auto found = std::find(read.begin(), read.end(), true); found != read.end())
      return failure(
          "'{}' has no '{}', which a stage left and this program reads; name the run folder with --out instead",
          arguments.weights, command.manifest.variables[found - read.begin()].path);
  }
  PassCache passes(*model.session, model.data);
  if (Status status = passes.runAll(command.manifest.load, {}); status.failed())
    return status;
  return model;
}

} // namespace xfer::rt
