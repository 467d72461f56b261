// The header of a checkpoint is JSON, its blocks are the bytes of one variable each: "values/PATH" for the session,
// "best/PATH", "mainline/PATH", "found:STAGE/PATH", "left:STAGE/PATH", "baseline:NAME/PATH" for the snapshots, those of
// a sweep behind "sweep0:start:" and "sweep0:winner:". Doubles stand in the JSON as the hexadecimal digits of their
// bits, so that what is read back is what was written.
#include "runtime/program/TrainState.h"
#include "runtime/core/Hash.h"
#include "runtime/metrics/JsonText.h"
#include "runtime/program/JsonReader.h"
#include "runtime/program/Outcome.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

static void writeTensor(JsonWriter &json, const Tensor &tensor) {
  json.beginObject().key("shape").beginList();
  for (int64_t extent : tensor.shape)
    json.value(extent);
  json.endList().key("values").beginList();
  for (double value : tensor.values)
    json.value(bitsText(value));
  json.endList().endObject();
}

static Tensor readTensor(const Json &json, const std::string &place, JsonProblem &problem) {
  JsonObject object(json, place, problem);
  Tensor tensor;
  uint64_t count = 1;
  for (int extent : object.integers("shape", 0, 1 << 24)) {
    tensor.shape.push_back(extent);
    count = std::min<uint64_t>(count * static_cast<uint64_t>(extent), uint64_t(1) << 40);
  }
  for (const std::string &value : object.texts("values"))
    tensor.values.push_back(numberOfBits(value));
  if (tensor.values.size() != count && !tensor.values.empty())
    problem.report(place, "the values do not fill the shape");
  return tensor;
}

static void writeResults(JsonWriter &json, const std::vector<EvaluationResult> &results) {
  json.key("results").beginList();
  for (const EvaluationResult &result : results) {
    json.beginObject().key("name").value(result.name).key("figures").beginList();
    for (const Figure &figure : result.figures) {
      json.beginObject().key("name").value(figure.name).key("kind").value(static_cast<int>(figure.kind));
      json.key("value");
      writeTensor(json, figure.value);
      json.key("baselines").beginList();
      for (const auto &[name, value] : figure.baselines) {
        json.beginObject().key("name").value(name).key("value");
        writeTensor(json, value);
        json.endObject();
      }
      json.endList().key("intervals").beginList();
      for (const Interval &interval : figure.intervals)
        for (double end : {interval.low, interval.high})
          json.value(bitsText(end));
      json.endList().endObject();
    }
    json.endList().endObject();
  }
  json.endList();
}

static void readResults(JsonObject &object, std::vector<EvaluationResult> &results) {
  JsonProblem &problem = object.problems();
  object.each("results", false, [&](const Json &item, const std::string &at) {
    JsonObject fields(item, at, problem);
    EvaluationResult result;
    result.name = fields.text("name");
    fields.each("figures", false, [&](const Json &item, const std::string &at) {
      JsonObject fields(item, at, problem);
      Figure figure;
      figure.name = fields.text("name");
      figure.kind = static_cast<ReportSpec::Kind>(fields.integer("kind", 0, 2));
      if (const Json *value = fields.find("value"))
        figure.value = readTensor(*value, at, problem);
      fields.each("baselines", false, [&](const Json &item, const std::string &at) {
        JsonObject fields(item, at, problem);
        std::string name = fields.text("name");
        if (const Json *value = fields.find("value"))
          figure.baselines.emplace_back(name, readTensor(*value, at, problem));
      });
      std::vector<std::string> ends = fields.texts("intervals", /*optional=*/true);
      for (size_t i = 0; i + 1 < ends.size(); i += 2)
        figure.intervals.push_back({numberOfBits(ends[i]), numberOfBits(ends[i + 1])});
      if (!figure.intervals.empty() && 2 * figure.baselines.size() != ends.size())
        problem.report(at, "there is not one interval for each baseline");
      result.figures.push_back(std::move(figure));
    });
    results.push_back(std::move(result));
  });
}

// Options whose value decides nothing but the length of stages that do not know their length: they may differ when a
// run is resumed.
static std::vector<bool> freeOptions(const Manifest &manifest) {
  std::vector<bool> isFree(manifest.options.size());
  for (const FunctionSpec &function : manifest.functions)
    for (const Binding &argument : function.arguments)
      if (argument.kind == BindKind::Counter &&
          (argument.counter == Counter::Progress || argument.counter == Counter::Steps ||
           argument.counter == Counter::Epochs))
        return isFree;
  for (const StageSpec &stage : manifest.stages)
    for (const Quantity *length : {&stage.epochs, &stage.steps})
      if (length->kind == Quantity::Option)
        isFree[length->option] = true;
  auto fix = [&](const Quantity &quantity) {
    if (quantity.kind == Quantity::Option)
      isFree[quantity.option] = false;
  };
  for (const FunctionSpec &function : manifest.functions)
    for (const Binding &argument : function.arguments)
      if (argument.kind == BindKind::Option)
        isFree[argument.target] = false;
  for (const StageSpec &stage : manifest.stages) {
    for (const PhaseSpec &phase : stage.phases)
      fix(phase.untilEpoch), fix(phase.untilStep);
    for (const EverySpec &every : stage.every)
      fix(every.count);
  }
  for (const DomainSpec &domain : manifest.domains)
    for (const ReadSpec &read : domain.reads) {
      fix(read.count);
      for (const ReaderArgument &argument : read.arguments)
        if (argument.option != none)
          isFree[argument.option] = false;
    }
  return isFree;
}

static std::string valueOf(const Session &session, size_t option) {
  return session.manifest.options[option].type == OptionSpec::String ? session.options[option].text
                                                                     : bitsText(session.options[option].number);
}

static void writeIdentity(JsonWriter &json, const Session &session) {
  json.key("seed").value(std::to_string(session.seed));
  json.key("options").beginObject();
  for (size_t i = 0; i < session.options.size(); ++i)
    json.key(session.manifest.options[i].name).value(valueOf(session, i));
  json.endObject().key("extents").beginObject();
  for (const auto &[symbol, size] : session.extents)
    json.key(symbol).value(size);
  json.endObject().key("classes").value(classesText(session));
  json.key("data").beginObject();
  for (const auto &[domain, hash] : session.dataHashes)
    json.key(domain).value(hash);
  json.endObject();
}

std::string classesText(const Session &session) {
  JsonWriter json;
  json.beginObject();
  for (const auto &[field, names] : session.classNames) {
    json.key(field).beginList();
    for (const std::string &name : names)
      json.value(name);
    json.endList();
  }
  return json.endObject().text();
}

void adoptClasses(const std::string &text, Session &session) {
  Json classes = Json::parse(text, nullptr, false);
  if (!classes.is_object())
    return;
  JsonProblem ignored;
  JsonObject fields(classes, "", ignored);
  for (auto item = classes.begin(); item != classes.end(); ++item)
    session.classNames.insert(
        {item.key(), fields.texts(item.key().c_str())}); // data that were opened say it themselves
}

static Status checkIdentity(JsonObject &object, const Session &session, CheckpointUse use) {
  const Manifest &manifest = session.manifest;
  std::string seed = object.text("seed");
  const Json *options = object.find("options"), *extents = object.find("extents");
  if (object.problems().found())
    return failure("{}", object.problems().text());
  if (use == CheckpointUse::Evaluate)
    return Status::success();
  if (seed != std::to_string(session.seed))
    return failure("the run was begun with --seed {}; resume it with the same seed", seed);
  std::vector<bool> isFree = freeOptions(manifest);
  for (size_t i = 0; i < manifest.options.size(); ++i) {
    const OptionSpec &option = manifest.options[i];
    auto found = options->find(option.name);
    std::string before = found != options->end() && found->is_string() ? found->get<std::string>() : "";
    if (before == valueOf(session, i) || isFree[i])
      continue;
    std::string shown = option.type == OptionSpec::String ? before : format("{}", numberOfBits(before));
    return failure("the run was begun with {} {}; resume it with the same value", option.flag(), shown);
  }
  for (const auto &[symbol, size] : session.extents) {
    auto found = extents->find(symbol);
    if (found == extents->end() || *found != size)
      return failure("the data have changed: '{}' has {} samples, it had {}", symbol, size,
                     found == extents->end() ? "none" : found->dump());
  }
  return Status::success();
}

static std::optional<std::string> textAt(const Json &object, const std::string &key) {
  if (!object.is_object() || !object.count(key) || !object[key].is_string())
    return std::nullopt;
  return object[key].get<std::string>();
}

void adoptSeed(const Checkpoint &checkpoint, Session &session) {
  if (std::optional<std::string> seed = textAt(Json::parse(checkpoint.header, nullptr, false), "seed"))
    session.seed = std::strtoull(seed->c_str(), nullptr, 10);
}

void adoptOptions(const Checkpoint &checkpoint, Session &session, const std::vector<bool> &given) {
  Json json = Json::parse(checkpoint.header, nullptr, false);
  Json options = json.is_object() ? json.value("options", Json()) : Json();
  for (size_t i = 0; i < session.options.size(); ++i)
    if (std::optional<std::string> value = textAt(options, session.manifest.options[i].name); value && !given[i]) {
      if (session.manifest.options[i].type == OptionSpec::String)
        session.options[i].text = *value;
      else
        session.options[i].number = numberOfBits(*value);
    }
}

void writeLoaded(JsonWriter &json, const std::vector<LoadedFile> &files) {
  json.key("weights").beginList();
  for (const LoadedFile &file : files) {
    json.beginObject().key("path").value(file.path).key("into").value(file.into);
    json.key("bytes").value(file.bytes).key("hash").value(file.hash).key("embedded").value(file.taken).endObject();
  }
  json.endList();
}

static std::string stateText(const Session &session, const TrainState &state) {
  const StageState &stage = state.stage;
  JsonWriter json;
  json.beginObject().key("version").value(1);
  writeIdentity(json, session);
  json.key("item").value(state.item).key("in_stage").value(state.inStage);
  json.key("log_length").value(state.logLength).key("seconds").value(bitsText(state.seconds));
  json.key("stage").beginObject().key("begun").value(stage.begun).key("stopped").value(stage.stopped);
  json.key("step").value(stage.step).key("stale").value(stage.stale).key("best_epoch").value(stage.bestEpoch);
  json.key("best").value(bitsText(stage.best)).key("summed").value(stage.summed).key("sums").beginList();
  for (double sum : stage.sums)
    json.value(bitsText(sum));
  json.endList().endObject();
  writeResults(json, state.results);
  writeSwept(json, session);
  writeSweepStates(json, state.sweeps, state.sweepResults);
  writeLoaded(json, state.loaded);
  return json.endObject().text();
}

static void readState(JsonObject &object, const Manifest &manifest, TrainState &state) {
  constexpr int64_t large = int64_t(1) << 60;
  JsonProblem &problem = object.problems();
  state.item = object.integer("item", 0, large);
  state.inStage = object.boolean("in_stage", false);
  state.logLength = static_cast<uint64_t>(object.integer("log_length", 0, large));
  state.seconds = numberOfBits(object.text("seconds"));
  if (const Json *found = object.find("stage")) {
    JsonObject fields(*found, "/stage", problem);
    StageState &stage = state.stage;
    stage.begun = fields.boolean("begun", false);
    stage.stopped = fields.boolean("stopped", false);
    stage.step = fields.integer("step", 0, large);
    stage.stale = fields.integer("stale", 0, large);
    stage.bestEpoch = fields.integer("best_epoch", none, large);
    stage.best = numberOfBits(fields.text("best"));
    stage.summed = fields.integer("summed", 0, large);
    for (const std::string &sum : fields.texts("sums"))
      stage.sums.push_back(numberOfBits(sum));
  }
  readResults(object, state.results);
  readSweepStates(object, manifest, state.sweeps, state.sweepResults);
  object.each("weights", true, [&](const Json &item, const std::string &at) {
    JsonObject fields(item, at, problem);
    LoadedFile file;
    file.path = fields.text("path");
    file.into = fields.text("into");
    file.bytes = static_cast<uint64_t>(fields.integer("bytes", 0, large));
    file.hash = fields.text("hash");
    file.taken = fields.boolean("embedded", false);
    state.loaded.push_back(std::move(file));
  });
}

namespace {
// The snapshots of a state by the prefix of their sections.
struct Part {
  std::string prefix;
  Snapshot *values;
};
} // namespace

static void addOutcomes(const Manifest &manifest, const std::string &prefix, std::map<int, Snapshot> &found,
                        std::map<int, Snapshot> &left, std::vector<Snapshot> &baselines, std::vector<Part> &parts) {
  for (auto &[stage, values] : found)
    parts.push_back({prefix + "found:" + manifest.stages[stage].name + "/", &values});
  for (auto &[stage, values] : left)
    parts.push_back({prefix + "left:" + manifest.stages[stage].name + "/", &values});
  for (size_t i = 0; i < baselines.size(); ++i)
    parts.push_back({prefix + "baseline:" + manifest.baselines[i].name + "/", &baselines[i]});
}

static std::vector<Part> partsOf(const Session &session, TrainState &state) {
  std::vector<Part> parts = {{"best/", &state.stage.bestValues}, {"mainline/", &state.mainline}};
  addOutcomes(session.manifest, "", state.found, state.left, state.baselines, parts);
  for (size_t i = 0; i < state.sweeps.size(); ++i)
    for (bool isStart : {true, false}) {
      Standing &standing = isStart ? state.sweeps[i].start : state.sweeps[i].winner;
      std::string prefix = format("sweep{}:{}:", i, isStart ? "start" : "winner");
      parts.push_back({prefix + "values/", &standing.values});
      addOutcomes(session.manifest, prefix, standing.found, standing.left, standing.baselines, parts);
    }
  return parts;
}

// Room for every snapshot that a checkpoint may hold, and back to those that it does.
static void makeRoom(const Manifest &manifest, std::map<int, Snapshot> &found, std::map<int, Snapshot> &left,
                     std::vector<Snapshot> &baselines) {
  baselines.resize(manifest.baselines.size());
  for (size_t i = 0; i < manifest.stages.size(); ++i)
    found[static_cast<int>(i)], left[static_cast<int>(i)];
}

static void dropEmpty(std::map<int, Snapshot> &found, std::map<int, Snapshot> &left) {
  for (auto *map : {&found, &left})
    for (auto entry = map->begin(); entry != map->end();)
      entry = entry->second.empty() ? map->erase(entry) : std::next(entry);
}

Checkpoint makeCheckpoint(const Session &session, const TrainState &state) {
  Checkpoint checkpoint;
  checkpoint.program = session.manifest.hash;
  checkpoint.header = stateText(session, state);
  const std::vector<Variable> &variables = session.manifest.variables;
  for (size_t i = 0; i < variables.size(); ++i)
    checkpoint.add("values/" + variables[i].path, session.variables[i].data(), session.variables[i].size());
  for (const Part &part : partsOf(session, const_cast<TrainState &>(state)))
    for (size_t i = 0; i < part.values->size(); ++i)
      if (const std::string &value = (*part.values)[i]; !value.empty())
        checkpoint.add(part.prefix + variables[i].path, value.data(), value.size());
  return checkpoint;
}

Checkpoint makeModel(const Session &session) {
  Checkpoint checkpoint;
  checkpoint.program = session.manifest.hash;
  checkpoint.header = stateText(session, {});
  std::vector<bool> read = readBehindStages(session.manifest);
  for (size_t i = 0; i < session.variables.size(); ++i)
    if (read[i] || session.manifest.variables[i].owner != Variable::StageState)
      checkpoint.add("values/" + session.manifest.variables[i].path, session.variables[i].data(),
                     session.variables[i].size());
  return checkpoint;
}

Expected<TrainState> restoreCheckpoint(const Checkpoint &checkpoint, Session &session, CheckpointUse use) {
  auto damaged = [](std::string_view what) { return failure("the checkpoint is damaged ({}); start anew", what); };
  Json json = Json::parse(checkpoint.header, nullptr, false);
  if (!json.is_object())
    return damaged("its state cannot be read");
  const Manifest &manifest = session.manifest;
  JsonProblem problem;
  TrainState state;
  std::map<int, double> swept;
  {
    JsonObject object(json, "", problem);
    int64_t version = object.integer("version", 0, 1 << 30);
    if (version > 1)
      return failure("the checkpoint has version {}, this program knows 1; use the executable that wrote it", version);
    if (Status status = checkIdentity(object, session, use); status.failed())
      return status;
    readState(object, manifest, state);
    swept = readSwept(object, manifest);
    adoptClasses(object.text("classes", /*optional=*/true), session);
    // A run that goes on has compared its data already, and has them.
    if (const Json *data = object.find("data", /*optional=*/true);
        data && data->is_object() && use == CheckpointUse::Evaluate)
      for (auto item = data->begin(); item != data->end(); ++item)
        if (item.value().is_string())
          session.dataHashes[item.key()] = item.value().get<std::string>();
  }
  if (problem.found())
    return damaged(problem.text());
  int64_t items = static_cast<int64_t>(manifest.order.size());
  if (state.item > items ||
      (state.inStage && (state.item == items || manifest.order[state.item].kind != OrderItem::Stage)))
    return damaged("the program has no such place to go on from");

  std::vector<const Bytes *> values(manifest.variables.size());
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = checkpoint.find("values/" + manifest.variables[i].path);
    if (!values[i] && use == CheckpointUse::Evaluate && manifest.variables[i].owner == Variable::StageState)
      continue;
    // Rows are those of the samples of the training; where others are evaluated, or none are there, nothing has them.
    if (const Variable &variable = manifest.variables[i]; !variable.rows.empty() && use == CheckpointUse::Evaluate &&
                                                          values[i] && values[i]->size != session.variables[i].size()) {
      if (session.variables[i].size() > 0 && statesRead(manifest)[i])
        return failure("the data have changed: '{}' has {} samples, and '{}', which this program reads, has a row for "
                       "each of {}",
                       variable.rows, session.extents.at(variable.rows), variable.path,
                       values[i]->size / std::max<uint64_t>(1, variable.bytes));
      values[i] = nullptr;
      continue;
    }
    if (!values[i] || values[i]->size != session.variables[i].size())
      return damaged("'" + manifest.variables[i].path + "' is missing or has another size");
  }
  // A snapshot is there if one of its blocks is.
  makeRoom(manifest, state.found, state.left, state.baselines);
  for (SweepState &sweep : state.sweeps)
    for (Standing *standing : {&sweep.start, &sweep.winner})
      makeRoom(manifest, standing->found, standing->left, standing->baselines);
  for (const Part &part : partsOf(session, state))
    for (size_t i = 0; i < manifest.variables.size(); ++i) {
      const Bytes *found = checkpoint.find(part.prefix + manifest.variables[i].path);
      if (!found)
        continue;
      if (!manifest.variables[i].rows.empty() && use == CheckpointUse::Evaluate &&
          found->size != session.variables[i].size())
        continue;
      if (found->size != session.variables[i].size())
        return damaged("'" + part.prefix + manifest.variables[i].path + "' has another size");
      part.values->resize(manifest.variables.size());
      (*part.values)[i].assign(found->text());
    }
  dropEmpty(state.found, state.left);
  for (SweepState &sweep : state.sweeps)
    for (Standing *standing : {&sweep.start, &sweep.winner})
      dropEmpty(standing->found, standing->left);
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i] && values[i]->size > 0)
      std::memcpy(session.variables[i].data(), values[i]->data, values[i]->size);
  session.swept = std::move(swept);
  return state;
}

} // namespace xfer::rt
