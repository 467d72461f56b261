#include "runtime/program/Trainer.h"
#include "runtime/metrics/JsonText.h"
#include "runtime/program/Call.h"
#include "runtime/program/LoadWeights.h"
#include "runtime/program/Outcome.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

using Clock = std::chrono::steady_clock;

// Epochs may be shorter than it takes to write a file safely; what is lost then is less than this.
// Writing takes a tenth of the time or less, however large the net and slow the disk: between two checkpoints lies ten
// times what the last one took.
static constexpr auto leastSaveInterval = std::chrono::milliseconds(500);
static constexpr int savesShare = 10;

static Status openLog(std::optional<MetricsLog> &log, const std::string &path, uint64_t length = 0) {
  Expected<MetricsLog> opened = MetricsLog::open(path, length);
  if (!opened)
    return opened.status();
  log.emplace(std::move(*opened));
  return Status::success();
}

Status Trainer::traceTo(const std::string &path) { return openLog(tracing, path); }

Status Trainer::recordSteps(const std::string &path) { return openLog(stepTimes, path); }

Status Trainer::beginLogs() {
  for (std::optional<MetricsLog> *log : {&metrics, &tracing, &stepTimes})
    if (*log)
      if (Status status = (*log)->begin(); status.failed())
        return status;
  began = Clock::now();
  secondsBefore = train.seconds;
  return Status::success();
}

Status Trainer::checkStages() {
  std::vector<bool> checked(session.manifest.stages.size());
  for (const OrderItem &item : session.manifest.order) {
    if (item.kind != OrderItem::Stage || checked[item.index])
      continue;
    checked[item.index] = true;
    StageState state;
    StageRunner runner(session, data, passes, session.manifest.stages[item.index], item.run, state, *this);
    if (Status status = runner.check(); status.failed())
      return status;
  }
  return Status::success();
}

Status Trainer::start() {
  if (Status status = checkStages(); status.failed())
    return status;
  session.setConstants();
  if (Status status = passes.runAll(session.manifest.init, {}); status.failed())
    return status;
  Expected<std::vector<LoadedFile>> loaded = loadWeights(session, data.folder);
  if (!loaded)
    return loaded.status();
  if (Status status = passes.runAll(session.manifest.load, {}); status.failed())
    return status;
  train = TrainState();
  train.loaded = std::move(*loaded);
  train.baselines.resize(session.manifest.baselines.size());
  if (Status status = openLog(metrics, folder.metrics(), train.logLength); status.failed())
    return status;
  if (Status status = folder.clear(); status.failed()) // the run of before is kept until this one can begin
    return status;
  return beginLogs();
}

Status Trainer::resume(const Checkpoint &checkpoint) {
  if (Status status = checkStages(); status.failed())
    return status;
  Expected<TrainState> state = restoreCheckpoint(checkpoint, session, CheckpointUse::Resume);
  if (!state)
    return state.status();
  train = std::move(*state);
  if (Status status = openLog(metrics, folder.metrics(), train.logLength); status.failed())
    return status;
  if (Status status = beginLogs(); status.failed())
    return status;
  rememberCheckpoint();
  if (!session.swept.empty())
    return setSwept(std::map<int, double>(session.swept));
  return passes.runAll(session.manifest.load, {});
}

// Inside of a sweep an object begins with the point that it belongs to.
Status Trainer::log(std::string_view object) {
  if (train.sweeps.empty())
    return metrics->write(object);
  JsonWriter point;
  point.beginObject().key("at").value(pointsText()).endObject();
  std::string begin = point.text();
  return metrics->write(begin.substr(0, begin.size() - 1) + ", " + std::string(object.substr(1)));
}

Status Trainer::stepDone(std::string_view stage, int64_t step, const StepTime &time) {
  if (!stepTimes)
    return Status::success();
  JsonWriter line;
  line.beginObject().key("stage").value(stage).key("step").value(step).key("seconds").value(time.seconds);
  return stepTimes->write(line.key("processor_seconds").value(time.processorSeconds).endObject().text());
}

// Of the elements the first that is not finite, or `none`.
static int64_t findNotFinite(const Buffer &values, ElementType type) {
  uint64_t bytes = sizeOf(type), count = values.size() / bytes;
  if (type == ElementType::F32) { // all exponent bits set; without a branch, as this is done after each epoch
    const uint32_t *bits = values.as<uint32_t>();
    uint32_t found = 0;
    for (uint64_t i = 0; i < count; ++i)
      found |= (bits[i] & 0x7f800000u) == 0x7f800000u;
    if (!found)
      return none;
  }
  for (uint64_t i = 0; i < count; ++i)
    if (!std::isfinite(loadNumber(values.as<char>() + i * bytes, type)))
      return static_cast<int64_t>(i);
  return none;
}

// A loss is looked at before the parameters are updated, so the update may be what went wrong: then the next loss would
// tell, but a checkpoint in between would take the place of a good one.
Status Trainer::checkParameters() {
  const Manifest &manifest = session.manifest;
  for (const StageSpec &stage : manifest.stages)
    for (const PhaseSpec &phase : stage.phases)
      for (const Binding &result : manifest.functions[phase.function].results) {
        bool isFloat =
            result.type == ElementType::F32 || result.type == ElementType::F64 || result.type == ElementType::BF16;
        if (result.kind != BindKind::Param || !isFloat)
          continue;
        const Buffer &values = session.variables[result.target];
        int64_t at = findNotFinite(values, result.type);
        if (diverged = at != none; diverged)
          return failure("parameter '{}' is not finite any more: element {} is {}; lower the rate or clip the "
                         "gradients",
                         result.name, at,
                         loadNumber(values.as<char>() + static_cast<uint64_t>(at) * sizeOf(result.type), result.type));
      }
  return Status::success();
}

// What the checkpoint that is there now holds, for messages.
void Trainer::rememberCheckpoint() {
  saved = train.inStage ? format("step {} of stage '{}'", train.stage.step,
                                 session.manifest.stages[session.manifest.order[train.item].index].name)
                        : format("item {} of {}", train.item, session.manifest.order.size());
}

Status Trainer::save() {
  // A checkpoint that knows of lines that a power cut took could not be resumed.
  if (Status status = metrics->sync(); status.failed())
    return status;
  train.logLength = metrics->length();
  train.seconds = secondsBefore + std::chrono::duration<double>(Clock::now() - began).count();
  Clock::time_point start = Clock::now();
  if (Status status = makeCheckpoint(session, train).write(folder.checkpoint(), written); status.failed())
    return status;
  lastSave = Clock::now();
  saveInterval = std::max<Clock::duration>(leastSaveInterval, savesShare * (lastSave - start));
  rememberCheckpoint();
  return Status::success();
}

// Parameters are looked at whether there is a checkpoint or not: where a run ends, or a point of a sweep is lost, must
// not depend on the clock.
Status Trainer::checkpoint() {
  if (Status status = checkParameters(); status.failed())
    return status;
  bool young = !saved.empty() && Clock::now() - lastSave < saveInterval;
  return young && !interrupted() ? Status::success() : save();
}

Expected<bool> Trainer::runItem(const OrderItem &item) {
  switch (item.kind) {
  case OrderItem::Stage:
    return runStage(item);
  case OrderItem::Evaluate: {
    Status status = runEvaluation(item);
    return status.ok() ? Expected<bool>(true) : status;
  }
  case OrderItem::Run: {
    Moment moment;
    moment.run = static_cast<uint32_t>(item.run);
    Status status = passes.runAll({item.index}, moment);
    return status.ok() ? Expected<bool>(true) : status;
  }
  default:
    Status status = runSweepItem(item);
    return status.ok() ? Expected<bool>(true) : status;
  }
}

Expected<bool> Trainer::run() {
  const std::vector<OrderItem> &order = session.manifest.order;
  while (train.item < static_cast<int64_t>(order.size())) {
    Expected<bool> over = runItem(order[train.item]);
    if (!over && losesPoint(over.status()))
      continue;
    if (!over || !*over)
      return over;
    if (Status status = checkParameters(); status.failed()) {
      if (losesPoint(status))
        continue;
      return status;
    }
    ++train.item;
    bool last = train.item == static_cast<int64_t>(order.size());
    if (last || interrupted() || Clock::now() - lastSave >= saveInterval)
      if (Status status = save(); status.failed())
        return status;
    if (interrupted() && !last)
      return false;
  }
  return true;
}

// Whether somebody needs the model as this stage left it.
bool Trainer::isBranchedFrom(int stage) const {
  for (const StageSpec &other : session.manifest.stages)
    if (other.from == stage)
      return true;
  return false;
}

Status Trainer::enterStage(int index) {
  const Manifest &manifest = session.manifest;
  const StageSpec &stage = manifest.stages[index];
  constexpr unsigned model = Session::Model | Session::ProgramStates;
  if (stage.baselineOf != none) {
    auto found = train.found.find(stage.baselineOf);
    if (found == train.found.end())
      return failure("baseline '{}' stands before stage '{}', which it is compared with", stage.name,
                     manifest.stages[stage.baselineOf].name);
    train.mainline = session.snapshot(model);
    session.restore(found->second);
  } else if (stage.from != none) {
    auto left = train.left.find(stage.from);
    if (left == train.left.end())
      return failure("stage '{}' starts from stage '{}', which has not run before it", stage.name,
                     manifest.stages[stage.from].name);
    session.restore(left->second);
  }
  for (const StageSpec &other : manifest.stages)
    if (other.baselineOf == index)
      train.found[index] = session.snapshot(model);
  train.stage = StageState();
  train.inStage = true;
  return Status::success();
}

void Trainer::leaveStage(int index) {
  const Manifest &manifest = session.manifest;
  if (isBranchedFrom(index))
    train.left[index] = session.snapshot(Session::Model);
  for (size_t i = 0; i < manifest.baselines.size(); ++i) {
    const BaselineSpec &baseline = manifest.baselines[i];
    if (baseline.stage == none ? baseline.of == index : baseline.stage == index)
      train.baselines[i] = outcome(session, baseline.of, baseline.stage);
  }
  if (manifest.stages[index].baselineOf != none) {
    session.restore(train.mainline);
    train.mainline.clear();
  }
  train.stage = StageState();
  train.inStage = false;
  passes.clear();
}

Expected<bool> Trainer::runStage(const OrderItem &item) {
  if (!train.inStage)
    if (Status status = enterStage(item.index); status.failed())
      return status;
  StageRunner runner(session, data, passes, session.manifest.stages[item.index], item.run, train.stage, *this);
  Expected<bool> over = runner.execute();
  if (over && *over)
    leaveStage(item.index);
  return over;
}

Status Trainer::runEvaluation(const OrderItem &item) {
  const EvaluationSpec &spec = session.manifest.evaluations[item.index];
  Moment moment;
  moment.run = static_cast<uint32_t>(item.run);
  auto sink = [&](const ReportSpec &report, const PredictionTable &table) {
    return folder.writeRows(spec.name, report.name, table);
  };
  Expected<EvaluationResult> result = evaluate(session, passes, spec, moment, train.baselines, sink);
  if (!result)
    return result.status().within("evaluation '" + spec.name + "'");
  JsonWriter line;
  result->name = atPoint(spec.name);
  line.beginObject().key("evaluation").value(spec.name);
  for (const Figure &figure : result->figures)
    if (figure.kind != ReportSpec::Rows)
      line.key(figure.name).tensor(figure.value.shape, figure.value.values.data());
  writeGains(line, *result);
  train.results.push_back(std::move(*result));
  return log(line.endObject().text());
}

} // namespace xfer::rt
