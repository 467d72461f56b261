// The order in which a run does things. Functions of these programs compute next to nothing: they write down that they
// were called, and with what.
#include "runtime/program/Trainer.h"
#include "runtime/cpu/ThreadTeam.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace xfer::rt;
using nlohmann::json;

namespace {

std::vector<std::string> trace;
int infiniteAt = -1; // the step that makes the weight infinite
bool gains = false;  // the samples are also drawn anew, for the interval of a gain

float &scalar(const xfer_buffer_t *buffers, int i) { return *static_cast<float *>(buffers[i].data); }
int32_t &whole(const xfer_buffer_t *buffers, int i) { return *static_cast<int32_t *>(buffers[i].data); }

// index [4] -> x [4]: the number of the sample
xfer_status_t samples(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *, const int64_t *) {
  for (int i = 0; i < 4; ++i)
    static_cast<int32_t *>(b[1].data)[i] = static_cast<int32_t *>(b[0].data)[i];
  return XFER_OK;
}

// -> weight: 1
xfer_status_t initial(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *, const int64_t *) {
  trace.push_back("init");
  scalar(b, 0) = 1;
  return XFER_OK;
}

// step, epoch -> (nothing but the trace)
template <char name>
xfer_status_t mark(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *, const int64_t *) {
  trace.push_back(std::string(1, name) + " " + std::to_string(whole(b, 0)) + " " + std::to_string(whole(b, 1)));
  return XFER_OK;
}

// weight, step, epoch, x [2], (second draw [2]) -> weight + 1 in a buffer of its own
template <char name, bool twoDraws>
xfer_status_t step(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *, const int64_t *) {
  std::string text = std::string(1, name) + " " + std::to_string(whole(b, 1)) + " " + std::to_string(whole(b, 2)) +
                     " w" + std::to_string(static_cast<int>(scalar(b, 0)));
  trace.push_back(text);
  EXPECT_NE(b[0].data, b[twoDraws ? 5 : 4].data) << "a result that is not in place must not overwrite its argument";
  scalar(b, twoDraws ? 5 : 4) = whole(b, 1) == infiniteAt ? INFINITY : scalar(b, 0) + 1;
  return XFER_OK;
}

// weight, stale, size of the split -> value: the weight; enough: stale is 2
xfer_status_t judge(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *,
                    const int64_t *extents) {
  EXPECT_EQ(whole(b, 2), 5);
  EXPECT_EQ(extents[0], 5);
  for (int i = 0; i < 5; ++i)
    if (int32_t sample = static_cast<int32_t *>(b[3].data)[i]; gains)
      EXPECT_TRUE(sample >= 0 && sample < 5) << "a drawn sample is one of the column";
    else
      EXPECT_EQ(sample, i) << "a column is in sample order";
  float weight = scalar(b, 0);
  scalar(b, 4) = weight < 6 ? weight : 6 - weight; // grows, then falls
  scalar(b, 5) = whole(b, 1) >= 2;
  return XFER_OK;
}

// weight -> weights [2] of samples: the weight each
xfer_status_t weigh(xfer_context *, xfer_queue_t, const xfer_buffer_t *b, const xfer_buffer_t *, const int64_t *) {
  trace.push_back("weigh w" + std::to_string(static_cast<int>(scalar(b, 0))));
  for (int i = 0; i < 2; ++i)
    static_cast<float *>(b[1].data)[i] = scalar(b, 0);
  return XFER_OK;
}

const xfer_function_t functions[] = {samples,          initial,         mark<'b'>, mark<'e'>,
                                     mark<'h'>,        mark<'a'>,       mark<'r'>, step<'s', false>,
                                     step<'t', false>, step<'d', true>, judge,     weigh};

json parameter(json extra = json::object()) {
  json binding = {{"bind", "param"}, {"name", "w"}, {"type", "f32"}, {"shape", json::array()}};
  binding.update(extra);
  return binding;
}
json scalarBinding(const char *kind, const char *name, const char *type) {
  return {{"bind", kind}, {"name", name}, {"type", type}, {"shape", json::array()}};
}
json counters() { return {scalarBinding("counter", "step", "i32"), scalarBinding("counter", "epoch", "i32")}; }

json stepFunction(const char *name, int index, bool twoDraws) {
  json arguments = {parameter(), scalarBinding("counter", "step", "i32"), scalarBinding("counter", "epoch", "i32")};
  for (int draw = 0; draw <= (twoDraws ? 1 : 0); ++draw)
    arguments.push_back({{"bind", "batch"}, {"name", "d.x"}, {"type", "i32"}, {"shape", {2}}, {"draw", draw}});
  return {{"name", name}, {"index", index}, {"arguments", arguments}, {"results", {parameter()}}};
}

// One domain of 5 samples; passes 0..6: init, before, every, hoist, after, run, judge; functions 7..9 are steps.
json baseProgram() {
  json result = json::parse(R"({"version": 1, "program": "trace", "hash": "1", "compiler": "by hand",
    "target": {"triple": "any"}, "parameters": [{"path": "w", "type": "f32", "shape": []}],
    "domains": [{"name": "d", "fields": [{"name": "x", "type": "i32", "shape": []}],
                 "reads": [{"generate": {"count": 5, "function": 0, "batch": 4}}]}],
    "passes": [{"function": 1}, {"function": 2}, {"function": 3}, {"function": 4}, {"function": 5}, {"function": 6},
               {"sources": [{"name": "d", "domain": "d", "split": "all", "batch": 2}], "function": 10}],
    "init": [0]})");
  json all = json::array();
  all.push_back({{"name", "samples"},
                 {"index", 0},
                 {"arguments", {{{"bind", "index"}, {"type", "i32"}, {"shape", {4}}}}},
                 {"results", {{{"bind", "field"}, {"name", "x"}, {"type", "i32"}, {"shape", {4}}}}}});
  all.push_back({{"name", "init"}, {"index", 1}, {"results", {parameter()}}});
  for (int i = 2; i <= 6; ++i)
    all.push_back({{"name", "mark"}, {"index", i}, {"arguments", counters()}});
  all.push_back(stepFunction("s", 7, false));
  all.push_back(stepFunction("t", 8, false));
  all.push_back(stepFunction("d", 9, true));
  all.push_back({{"name", "judge"},
                 {"index", 10},
                 {"extents", {"d.all"}},
                 {"arguments",
                  {parameter(),
                   scalarBinding("counter", "stale", "i32"),
                   scalarBinding("extent", "d.all", "i32"),
                   {{"bind", "column"}, {"name", "d.x"}, {"type", "i32"}, {"shape", {"d.all"}}}}},
                 {"results", {scalarBinding("output", "value", "f32"), scalarBinding("output", "enough", "f32")}}});
  result["functions"] = all;
  return result;
}

json simpleStage(const char *name, int epochs, json phases) {
  return {{"name", name},
          {"sources", {{{"name", "d"}, {"domain", "d"}, {"split", "all"}, {"batch", 2}}}},
          {"epochs", epochs},
          {"phases", phases}};
}

struct Outcome {
  Status status;
  float weight = 0;
  TrainState state = {};
};

Expected<std::unique_ptr<Session>> openProgram(const json &description) {
  // The session points to both.
  static std::string text;
  text = description.dump();
  static xfer_program_t program;
  program = {
      XFER_ABI_VERSION, sizeof(functions) / sizeof(functions[0]), functions, text.data(), text.size(), nullptr, 0};
  Expected<Manifest> manifest = Session::describe(program);
  if (!manifest)
    return manifest.status();
  return Session::open(program, std::move(*manifest));
}

Outcome runProgram(const json &description) {
  trace.clear();
  xfer::rt::test::TemporaryFolder place;
  Expected<std::unique_ptr<Session>> session = openProgram(description);
  if (!session)
    return {session.status()};
  ThreadTeam team(1);
  (*session)->context.team = &team;
  Expected<OpenedData> data = openData(**session, ".");
  if (!data)
    return {data.status()};
  Expected<RunFolder> folder = RunFolder::open(place.path("run"));
  if (!folder)
    return {folder.status()};
  Progress progress(stderr, Progress::Silent);
  std::atomic<bool> interrupt{false};
  Trainer trainer(**session, *data, *folder, progress, interrupt);
  if (Status status = trainer.start(); status.failed())
    return {status};
  Expected<bool> finished = trainer.run();
  return {finished.status(), *(*session)->variables[0].as<float>(), trainer.state()};
}

using Trace = std::vector<std::string>;

} // namespace

// init, before, (every, hoist where a phase begins, step)*, after; a phase lasts until its epoch. 5 samples in batches
// of 2 give 2 steps an epoch.
TEST(Trainer, OrderInsideAStage) {
  json program = baseProgram();
  json stage =
      simpleStage("s", 2, {{{"until_epoch", 1}, {"hoist", {3}}, {"function", 7}}, {{"hoist", {3}}, {"function", 8}}});
  stage["before"] = {1};
  stage["after"] = {4};
  stage["every"] = {{{"steps", 3}, {"pass", 2}}, {{"epochs", 2}, {"pass", 2}}};
  program["stages"] = {stage};
  program["order"] = {{{"stage", "s"}}, {{"run", 5}}};
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(trace, (Trace{"init", "b 0 0", "e 0 0", "e 0 0", "h 0 0", "s 0 0 w1", "s 1 0 w2", "h 2 1", "t 2 1 w3",
                          "e 3 1", "t 3 1 w4", "a 4 2", "r 0 0"}));
  EXPECT_EQ(outcome.weight, 5);
}

// Weights of samples that the model gives are those of the model as it is when the stage begins, not before it is
// there: a weight of 0 would be refused. Three batches of 2 have the 5 samples.
TEST(Trainer, WeightsOfTheModel) {
  json program = baseProgram();
  program["functions"].push_back({{"name", "weigh"},
                                  {"index", 11},
                                  {"arguments", {parameter()}},
                                  {"results", {{{"bind", "whole"}, {"name", "v"}, {"type", "f32"}, {"shape", {2}}}}}});
  program["passes"].push_back(
      {{"sources", {{{"name", "d"}, {"domain", "d"}, {"split", "all"}, {"batch", 2}, {"function", 11}}}}});
  json stage = simpleStage("s", 1, {{{"function", 7}}});
  stage["sources"][0]["sampler"] = {{"kind", "weighted"}, {"weights", {{"pass", 7}, {"rows", "v"}}}};
  program["stages"] = {stage};
  program["order"] = {{{"stage", "s"}}};
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(trace, (Trace{"init", "weigh w1", "weigh w1", "weigh w1", "s 0 0 w1", "s 1 0 w2"}));
}

// A step that draws twice consumes two batches, so that an epoch has half the steps.
TEST(Trainer, FreshDraws) {
  json program = baseProgram();
  program["stages"] = {simpleStage("s", 3, {{{"function", 9}}})};
  program["order"] = {{{"stage", "s"}}};
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(trace, (Trace{"init", "d 0 0 w1", "d 1 1 w2", "d 2 2 w3"}));
}

// `steps` ends a stage in the middle of an epoch.
TEST(Trainer, StepsInsteadOfEpochs) {
  json program = baseProgram();
  json stage = simpleStage("s", 1, {{{"until_step", 1}, {"function", 7}}, {{"function", 8}}});
  stage.erase("epochs");
  stage["steps"] = 3;
  program["stages"] = {stage};
  program["order"] = {{{"stage", "s"}}};
  ASSERT_TRUE(runProgram(program).status.ok());
  EXPECT_EQ(trace, (Trace{"init", "s 0 0 w1", "t 1 0 w2", "t 2 1 w3"}));
}

// `keep best` restores the model of the best epoch, and `stop when` ends the stage once it is stale. The weight is 3,
// 5, 7, 9, ... after the epochs: 5 is the best.
TEST(Trainer, KeepAndStop) {
  json program = baseProgram();
  json stage = simpleStage("s", 50, {{{"function", 7}}});
  stage["keep"] = {{"mode", "best"}, {"pass", 6}, {"output", "value"}};
  stage["stop"] = {{"pass", 6}, {"output", "enough"}};
  program["stages"] = {stage};
  program["order"] = {{{"stage", "s"}}};
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(outcome.weight, 5);
  EXPECT_EQ(trace.size(), 1u + 2 * 4); // stale counts 1 after the third epoch, 2 after the fourth
  stage["keep"]["mode"] = "least";
  stage.erase("stop");
  stage["epochs"] = 4;
  program["stages"] = {stage};
  EXPECT_EQ(runProgram(program).weight, 9);
}

// Stages go on with the model of the one before; `from` branches; a baseline starts where its stage started and leaves
// no trace; a repeated stage is run anew each time.
TEST(Trainer, ModelsBetweenStages) {
  json program = baseProgram();
  json first = simpleStage("first", 1, {{{"function", 7}}});   // + 2
  json second = simpleStage("second", 2, {{{"function", 7}}}); // + 4
  json other = simpleStage("other", 1, {{{"function", 8}}});
  json branch = simpleStage("branch", 1, {{{"function", 8}}});
  branch["from"] = "first";
  program["stages"] = {first, second, other, branch};
  program["baselines"] = {{{"name", "other"}, {"of", "second"}, {"runs", true}}, {{"name", "plain"}, {"of", "first"}}};
  program["evaluations"] = {{{"name", "e"},
                             {"pass", 6},
                             {"reports",
                              {{{"name", "value"}},
                               {{"name", "gain"}, {"kind", "gain"}, {"output", "value"}, {"baseline", "plain"}},
                               {{"name", "gains"}, {"kind", "gain"}, {"output", "value"}}}}}};
  program["order"] = {{{"stage", "first"}}, {{"stage", "second"}}, {{"stage", "other"}},
                      {{"evaluate", 0}},    {{"stage", "branch"}}, {{"repeat", 2}, {"body", {{{"stage", "first"}}}}}};
  gains = true;
  Outcome outcome = runProgram(program);
  gains = false;
  ASSERT_TRUE(outcome.status.ok()) << outcome.status.message();
  EXPECT_EQ(trace, (Trace{"init", "s 0 0 w1", "s 1 0 w2",                    // first: 1 -> 3
                          "s 0 0 w3", "s 1 0 w4", "s 2 1 w5", "s 3 1 w6",    // second: 3 -> 7
                          "t 0 0 w3", "t 1 0 w4",                            // other: from 3 again
                          "t 0 0 w3", "t 1 0 w4",                            // branch: as first left it
                          "s 0 0 w5", "s 1 0 w6", "s 0 0 w7", "s 1 0 w8"})); // first, twice
  ASSERT_EQ(outcome.state.results.size(), 1u);
  const std::vector<Figure> &figures = outcome.state.results[0].figures;
  EXPECT_EQ(figures[0].value.values[0], 6 - 7); // of the model
  EXPECT_EQ(figures[0].baselines[0].second.values[0], 5);
  EXPECT_EQ(figures[0].baselines[1].second.values[0], 3);
  EXPECT_EQ(figures[1].value.values[0], -1 - 3);
  ASSERT_EQ(figures[1].baselines.size(), 1u); // the named one only
  EXPECT_EQ(figures[1].baselines[0].first, "plain");
  // Over all, the first in the text being the one that stands for all.
  ASSERT_EQ(figures[2].baselines.size(), 2u);
  EXPECT_EQ(figures[2].baselines[0].first, "other");
  EXPECT_EQ(figures[2].baselines[0].second.values[0], -1 - 5);
  EXPECT_EQ(figures[2].baselines[1].second.values[0], -1 - 3);
  EXPECT_EQ(figures[2].value.values[0], -1 - 5);
  // The figure is the model's alone, so that other draws of the samples give the same gain.
  for (size_t f : {size_t(1), size_t(2)}) {
    ASSERT_EQ(figures[f].intervals.size(), figures[f].baselines.size());
    for (size_t i = 0; i < figures[f].intervals.size(); ++i) {
      EXPECT_EQ(figures[f].intervals[i].low, figures[f].baselines[i].second.values[0]);
      EXPECT_EQ(figures[f].intervals[i].high, figures[f].baselines[i].second.values[0]);
    }
  }
  EXPECT_TRUE(figures[0].intervals.empty());
}

// An update that leaves a parameter infinite after a loss that was good never becomes a checkpoint.
TEST(Trainer, KeepsInfiniteParametersOutOfCheckpoints) {
  json program = baseProgram();
  program["stages"] = {simpleStage("first", 2, {{{"function", 7}}})}; // two steps an epoch
  program["order"] = {{{"stage", "first"}}};
  infiniteAt = 3;
  Outcome outcome = runProgram(program);
  infiniteAt = -1;
  ASSERT_TRUE(outcome.status.failed());
  EXPECT_NE(outcome.status.message().find("parameter 'w' is not finite any more: element 0 is inf"), std::string::npos)
      << outcome.status.message();
  EXPECT_TRUE(runProgram(program).status.ok());
}

// What cannot be planned is said before anything is computed.
TEST(Trainer, RefusesWhatCannotRun) {
  json program = baseProgram();
  json stage = simpleStage("s", 0, {{{"function", 7}}});
  program["stages"] = {stage};
  program["order"] = {{{"stage", "s"}}};
  EXPECT_NE(runProgram(program).status.message().find("whole number of at least 1"), std::string::npos);
  program["domains"][0]["reads"][0]["generate"]["count"] = 1;
  program["stages"][0]["epochs"] = 1;
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.failed());
  EXPECT_NE(outcome.status.message().find("stage 's'"), std::string::npos) << outcome.status.message();
  EXPECT_EQ(trace, Trace());
}

// A mistake in the last stage is found before the first one has run.
TEST(Trainer, PlansEveryStageFirst) {
  json program = baseProgram();
  json late = simpleStage("late", 1, {{{"function", 7}}});
  late["sources"][0]["batch"] = 2;
  late["every"] = {{{"steps", 0}, {"pass", 2}}};
  program["stages"] = {simpleStage("s", 1, {{{"function", 7}}}), late};
  program["order"] = {{{"stage", "s"}}, {{"stage", "late"}}};
  Outcome outcome = runProgram(program);
  ASSERT_TRUE(outcome.status.failed());
  EXPECT_NE(outcome.status.message().find("stage 'late': 'every'"), std::string::npos) << outcome.status.message();
  EXPECT_EQ(trace, Trace());
}

// A checkpoint whose place the program has not is damaged, though its hash is right.
TEST(Trainer, ResumesAtPlacesThatAreThere) {
  json program = baseProgram();
  program["stages"] = {simpleStage("s", 1, {{{"function", 7}}})};
  program["order"] = {{{"stage", "s"}}, {{"run", 5}}};
  Expected<std::unique_ptr<Session>> session = openProgram(program);
  ASSERT_TRUE(static_cast<bool>(session));
  auto restore = [&](int64_t item, bool inStage) {
    TrainState state;
    state.item = item;
    state.inStage = inStage;
    return restoreCheckpoint(makeCheckpoint(**session, state), **session, CheckpointUse::Resume).status();
  };
  for (auto [item, inStage] : {std::pair<int64_t, bool>{0, true}, {0, false}, {1, false}, {2, false}})
    EXPECT_TRUE(restore(item, inStage).ok()) << item;
  for (auto [item, inStage] : {std::pair<int64_t, bool>{3, false}, {2, true}, {1, true}})
    EXPECT_EQ(restore(item, inStage).message(),
              "the checkpoint is damaged (the program has no such place to go on from); start anew");
}
