// `train`: one run, or several with different seeds.
#include "runtime/cli/Command.h"
#include "runtime/cli/DataFacts.h"
#include "runtime/cli/ReportPage.h"
#include "runtime/cli/Results.h"
#include "runtime/core/File.h"
#include "runtime/program/Trainer.h"
#include <unistd.h>

namespace xfer::rt {

static Status writeFacts(const Command &command, const Session &session, const OpenedData &data, const Trainer &trainer,
                         const RunFolder &folder, std::string_view status) {
  const Manifest &manifest = session.manifest;
  JsonWriter json;
  json.beginObject().key("version").value(1).key("program").value(manifest.program).key("hash").value(manifest.hash);
  json.key("compiler").value(manifest.compiler).key("build").beginObject();
  for (const auto &[name, value] : manifest.build)
    json.key(name).value(value);
  json.endObject().key("status").value(status).key("seed").value(session.seed);
  json.key("threads").value(static_cast<int>(command.team.size())).key("options").beginObject();
  for (size_t i = 0; i < session.options.size(); ++i) {
    json.key(manifest.options[i].name);
    if (manifest.options[i].type == OptionSpec::String)
      json.value(session.options[i].text);
    else if (manifest.options[i].type == OptionSpec::Bool)
      json.value(session.options[i].number != 0);
    else
      json.value(session.options[i].number);
  }
  json.endObject();
  writeDataFacts(json, manifest, data);
  writeLoaded(json, trainer.state().loaded);
  if (!trainer.state().sweepResults.empty())
    writeSweeps(json, manifest, trainer.state().sweepResults);
  json.endObject();
  return replaceFile(folder.facts(), json.text() + "\n");
}

// What a run folder may hold when a run starts anew.
static Status checkFolder(const Command &command, const RunFolder &folder) {
  if (!folder.hasCheckpoint() || command.arguments.overwrite || command.arguments.resume)
    return Status::success();
  if (Expected<Bytes> facts = mapFile(folder.facts());
      facts && facts->text().find("\"status\": \"finished\"") != std::string_view::npos)
    return Status::success();
  return failure(
      "'{}' holds a run that was interrupted: --resume goes on with it, --overwrite starts anew, --out names "
      "another folder",
      folder.path());
}

namespace {
struct RunOutcome {
  bool finished = false;
  RunResults results;
};
} // namespace

// Of several runs each has a folder of its own.
static std::string folderOf(const Command &command, int64_t run) {
  return command.arguments.runs == 1
             ? command.folder()
             : format("{}/seed-{}", command.folder(), command.arguments.seed + static_cast<uint64_t>(run));
}

// What the runs behind the first one have left before: resumed, they must not be taken for runs of this call.
static Status clearLater(const Command &command) {
  if (command.arguments.runs == 1)
    return Status::success();
  for (int64_t run = 1; run < command.arguments.runs; ++run) {
    RunFolder later = RunFolder::at(folderOf(command, run));
    Status status = later.claim(); // not those of somebody who trains there alone
    if (status.ok())
      status = later.clear();
    if (status.failed())
      return status;
  }
  std::remove(RunFolder::at(command.folder()).results().c_str());
  std::remove(RunFolder::at(command.folder()).page().c_str());
  return Status::success();
}

static Expected<RunOutcome> runTrainer(const Command &command, Session &session, const OpenedData &data,
                                       const RunFolder &folder, const Checkpoint *earlier, Progress &progress) {
  Trainer trainer(session, data, folder, progress, command.interrupt);
  if (const std::string &path = command.arguments.stepTimes; !path.empty())
    if (Status status = trainer.recordSteps(path); status.failed())
      return status;
  if (!command.arguments.trace.empty())
    if (Status status = trainer.traceTo(command.arguments.trace); status.failed())
      return status;
  if (earlier)
    if (Status status = compareDataFacts(folder.facts(), session.manifest, data); status.failed())
      return status;
  Status ready = earlier ? trainer.resume(*earlier) : trainer.start();
  if (ready.failed())
    return ready;
  if (!earlier && session.seed == command.arguments.seed)
    if (Status status = clearLater(command); status.failed())
      return status;
  if (Status status = writeFacts(command, session, data, trainer, folder, "running"); status.failed())
    return status;
  auto fail = [&](const Status &status) {
    if (trainer.lastCheckpoint().empty() || !folder.hasCheckpoint())
      return status;
    return failure("{}; the checkpoint of {} is kept in '{}', --resume goes on from it", status.message(),
                   trainer.lastCheckpoint(), folder.path());
  };
  Expected<bool> finished = trainer.run();
  if (!finished) {
    (void)writeFacts(command, session, data, trainer, folder, "failed").ok();
    return fail(finished.status());
  }
  if (!*finished) {
    progress.note("interrupted: the checkpoint of " + trainer.lastCheckpoint() + " is in '" + folder.path() +
                  "'; --resume goes on");
    if (Status status = writeFacts(command, session, data, trainer, folder, "interrupted"); status.failed())
      return status;
    return RunOutcome();
  }
  RunOutcome outcome{true,
                     {session.seed, trainer.state().results, trainer.state().sweepResults, trainer.state().seconds}};
  if (Status status = writeModelWeights(session, folder.weights()); status.failed())
    return fail(status);
  std::string results = resultsJson(session.manifest, {outcome.results}, folder.path());
  if (Status status = replaceFile(folder.results(), results + "\n"); status.failed())
    return fail(status);
  if (command.arguments.report)
    if (Status status = writeReportPage(session, data, trainer.state().baselines, outcome.results, folder);
        status.failed())
      return fail(status);
  if (Status status = writeFacts(command, session, data, trainer, folder, "finished"); status.failed())
    return fail(status);
  return outcome;
}

static void printResults(const Command &command, const std::vector<RunResults> &runs, const OpenedData &data,
                         Progress &progress) {
  for (const std::string &warning : resultWarnings(command.manifest, runs))
    progress.note("warning: " + warning);
  if (command.arguments.json) {
    std::printf("%s\n", resultsJson(command.manifest, runs, command.folder()).c_str());
    return;
  }
  double seconds = 0;
  for (const RunResults &run : runs)
    seconds += run.seconds;
  std::string summary =
      format("{}time {}, peak memory {}, everything in '{}'\n", runs.size() > 1 ? format("{} runs, ", runs.size()) : "",
             clockText(seconds), sizeText(peakMemory()), command.folder());
  std::printf("%s%s%s%s", sweepsTable(command.manifest, runs).c_str(),
              resultsTable(command.manifest, data, runs).c_str(), skippedText(command.manifest, data).c_str(),
              summary.c_str());
}

namespace {
// Run folders of which nothing came, since what the run reads or its options are wrong, go again.
class MadeFolders {
public:
  ~MadeFolders() {
    for (auto folder = made.rbegin(); folder != made.rend(); ++folder)
      rmdir(folder->c_str()); // fails where something is in it
  }
  Expected<RunFolder> open(const std::string &path) { return RunFolder::open(path, RunFolder::elsewhere, &made); }

private:
  std::vector<std::string> made;
};
} // namespace

Expected<int> train(const Command &command) {
  const Arguments &arguments = command.arguments;
  // Before a folder is made for the run; those that a checkpoint stands for are looked at when it is open.
  if (Status status = command.checkBounds(arguments.options); status.failed())
    return status;
  Progress progress(stderr, Progress::styleOf(stderr));
  MadeFolders folders;
  Expected<RunFolder> root = folders.open(command.folder());
  if (!root)
    return root.status();
  if (arguments.runs > 1)
    for (const std::string &path : {root->results(), root->page()})
      if (Status status = checkTarget(path); status.failed())
        return status;
  std::vector<RunResults> runs;
  std::optional<OpenedData> data;
  std::optional<Checkpoint> first; // of several runs that are resumed: where those that had not begun take options from
  for (int64_t run = 0; run < arguments.runs; ++run) {
    uint64_t seed = arguments.seed + static_cast<uint64_t>(run);
    bool several = arguments.runs > 1;
    Expected<RunFolder> folder = several ? folders.open(folderOf(command, run)) : *root;
    if (!folder)
      return folder.status();
    if (Status status = folder->claim(); status.failed())
      return status;
    // The folders of all runs are looked at before the first one, not an hour later.
    for (int64_t other = run; other < (run == 0 ? arguments.runs : run + 1); ++other) {
      Expected<RunFolder> looked = folders.open(folderOf(command, other));
      Status status = looked ? looked->check() : looked.status();
      if (status.ok())
        status = checkFolder(command, *looked);
      if (status.failed())
        return status;
    }
    std::optional<Checkpoint> earlier;
    if (arguments.resume && folder->hasCheckpoint()) {
      Expected<Checkpoint> latest = openRun(*folder, command.manifest);
      if (!latest)
        return latest.status();
      earlier = std::move(*latest);
      if (!first)
        first = *earlier;
    } else if (arguments.resume && !first) {
      return failure("there is nothing to resume in '{}': it holds no checkpoint", folder->path());
    }
    Expected<std::unique_ptr<Session>> session = command.openSession(seed, first ? &*first : nullptr);
    if (!session)
      return session.status();
    if (!data) {
      Expected<OpenedData> opened = openData(**session, arguments.data);
      if (!opened)
        return opened.status();
      data = std::move(*opened);
      for (const OpenedDomain &domain : data->domains)
        for (const std::string &note : domain.reader->notes())
          progress.note("warning: " + note);
    } else if (Status status = setExtents(**session, *data); status.failed()) {
      return status;
    }
    (*session)->dataHashes = dataHashes(command.manifest, *data);
    if (several)
      progress.note(format("run {} of {}, seed {}", run + 1, arguments.runs, seed));
    Expected<RunOutcome> outcome =
        runTrainer(command, **session, *data, *folder, earlier ? &*earlier : nullptr, progress);
    if (!outcome)
      return outcome.status();
    if (!outcome->finished)
      return exitInterrupted;
    runs.push_back(std::move(outcome->results));
  }
  if (arguments.runs > 1) {
    std::string results = resultsJson(command.manifest, runs, root->path());
    if (Status status = replaceFile(root->results(), results + "\n"); status.failed())
      return status;
    if (arguments.report)
      if (Status status = writeRunsPage(command.manifest, runs, *root); status.failed())
        return status;
  }
  printResults(command, runs, *data, progress);
  return exitOk;
}

} // namespace xfer::rt
