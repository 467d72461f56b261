#include "runtime/program/Sweep.h"

namespace xfer::rt {

std::string pointText(const Manifest &manifest, int sweep, int64_t point) {
  const SweepSpec &spec = manifest.sweeps[sweep];
  std::string text;
  for (size_t i = 0; i < spec.options.size(); ++i)
    text += format("{}{} {}", i ? ", " : "", manifest.options[spec.options[i]].name, spec.points[point][i]);
  return text;
}

void writePoint(JsonWriter &json, const Manifest &manifest, int sweep, int64_t point) {
  const SweepSpec &spec = manifest.sweeps[sweep];
  json.key("options").beginObject();
  for (size_t i = 0; i < spec.options.size(); ++i)
    json.key(manifest.options[spec.options[i]].name).value(spec.points[point][i]);
  json.endObject();
}

void writeSweeps(JsonWriter &json, const Manifest &manifest, const std::vector<SweepResult> &results) {
  json.key("sweeps").beginList();
  for (const SweepResult &result : results) {
    json.beginObject().key("mode").value(manifest.sweeps[result.sweep].keep.mode == KeepSpec::Best ? "best" : "least");
    json.key("points").beginList();
    for (size_t i = 0; i < result.values.size(); ++i) {
      json.beginObject();
      writePoint(json, manifest, result.sweep, static_cast<int64_t>(i));
      json.key("value").value(result.values[i]).endObject();
    }
    json.endList();
    if (result.chosen != none)
      json.key("chosen").value(result.chosen);
    json.endObject();
  }
  json.endList();
}

static void writeOptions(JsonWriter &json, const char *key, const std::map<int, double> &options) {
  json.key(key).beginList();
  for (const auto &[option, value] : options)
    json.beginObject().key("option").value(option).key("value").value(bitsText(value)).endObject();
  json.endList();
}

static std::map<int, double> readOptions(JsonObject &object, const char *key, const Manifest &manifest) {
  std::map<int, double> options;
  object.each(key, true, [&](const Json &item, const std::string &at) {
    JsonObject fields(item, at, object.problems());
    int64_t last = static_cast<int64_t>(manifest.options.size()) - 1;
    int option = static_cast<int>(fields.integer("option", 0, last));
    options[option] = numberOfBits(fields.text("value"));
  });
  return options;
}

void writeSwept(JsonWriter &json, const Session &session) { writeOptions(json, "swept", session.swept); }

std::map<int, double> readSwept(JsonObject &object, const Manifest &manifest) {
  return readOptions(object, "swept", manifest);
}

void writeSweepStates(JsonWriter &json, const std::vector<SweepState> &states,
                      const std::vector<SweepResult> &results) {
  json.key("sweep_results").beginList();
  for (const SweepResult &result : results) {
    json.beginObject().key("sweep").value(result.sweep).key("chosen").value(result.chosen).key("values").beginList();
    for (double value : result.values)
      json.value(bitsText(value));
    json.endList().endObject();
  }
  json.endList().key("sweep_states").beginList();
  for (const SweepState &state : states) {
    json.beginObject().key("sweep").value(state.sweep).key("point").value(state.point).key("lost").value(state.lost);
    json.key("best").value(state.best).key("result").value(static_cast<int64_t>(state.result));
    writeOptions(json, "before", state.optionsBefore);
    writeOptions(json, "of_best", state.optionsOfBest);
    json.endObject();
  }
  json.endList();
}

void readSweepStates(JsonObject &object, const Manifest &manifest, std::vector<SweepState> &states,
                     std::vector<SweepResult> &results) {
  JsonProblem &problem = object.problems();
  int64_t last = static_cast<int64_t>(manifest.sweeps.size()) - 1;
  object.each("sweep_results", true, [&](const Json &item, const std::string &at) {
    JsonObject fields(item, at, problem);
    SweepResult result;
    result.sweep = static_cast<int>(fields.integer("sweep", 0, last));
    if (problem.found())
      return;
    int64_t points = static_cast<int64_t>(manifest.sweeps[result.sweep].points.size());
    result.chosen = fields.integer("chosen", none, points - 1);
    for (const std::string &value : fields.texts("values"))
      result.values.push_back(numberOfBits(value));
    if (static_cast<int64_t>(result.values.size()) > points)
      problem.report(at, "there are more values than points");
    results.push_back(std::move(result));
  });
  object.each("sweep_states", true, [&](const Json &item, const std::string &at) {
    JsonObject fields(item, at, problem);
    SweepState state;
    state.sweep = static_cast<int>(fields.integer("sweep", 0, last));
    if (problem.found())
      return;
    int64_t points = static_cast<int64_t>(manifest.sweeps[state.sweep].points.size());
    state.point = fields.integer("point", 0, points - 1);
    state.lost = fields.boolean("lost", false);
    state.best = fields.integer("best", none, points - 1);
    state.result = static_cast<size_t>(fields.integer("result", 0, static_cast<int64_t>(results.size()) - 1));
    state.optionsBefore = readOptions(fields, "before", manifest);
    state.optionsOfBest = readOptions(fields, "of_best", manifest);
    states.push_back(std::move(state));
  });
}

} // namespace xfer::rt
