#include "runtime/program/Manifest.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace xfer::rt;
using nlohmann::json;

// A program with one parameter, one stage over one domain and one evaluation.
static json smallProgram() {
  return json::parse(R"({
    "version": 1, "program": "small", "hash": "h", "compiler": "xferc 0", "target": {"triple": "x86_64-linux-gnu"},
    "options": [{"name": "lr", "type": "float", "default": 0.5, "help": "rate"},
                {"name": "epochs", "type": "int", "default": 3}],
    "sites": [{"file": "small.xfer", "line": 3, "column": 2, "text": "minimize loss"}],
    "parameters": [{"path": "net.weight", "type": "f32", "shape": [4, 1], "layout": "matrix"}],
    "states": [{"path": "learn.m", "type": "f32", "shape": [4, 1], "owner": "stage:learn"}],
    "domains": [{"name": "toy", "fields": [{"name": "x", "type": "f32", "shape": [4]},
                                             {"name": "y", "type": "i32", "shape": [], "classes": 2}],
                 "reads": [{"generate": {"count": 100, "function": 0, "batch": 10}}],
                 "splits": [{"name": "train", "of": "all", "low": 0, "high": 0.8},
                            {"name": "test", "of": "all", "low": 0.8, "high": 1}]}],
    "functions": [
      {"name": "toy", "index": 0, "arguments": [{"bind": "index", "type": "i32", "shape": [10]}],
       "results": [{"bind": "field", "name": "x", "type": "f32", "shape": [10, 4]},
                   {"bind": "field", "name": "y", "type": "i32", "shape": [10]}]},
      {"name": "init", "index": 1, "arguments": [{"bind": "stepkey", "type": "i32", "shape": [4]}],
       "results": [{"bind": "param", "name": "net.weight", "type": "f32", "shape": [4, 1]}]},
      {"name": "begin", "index": 2, "results": [{"bind": "state", "name": "learn.m", "type": "f32", "shape": [4, 1]}]},
      {"name": "step", "index": 3, "arena": 256,
       "arguments": [{"bind": "param", "name": "net.weight", "type": "f32", "shape": [4, 1]},
                     {"bind": "batch", "name": "toy.x", "type": "f32", "shape": [8, 4]},
                     {"bind": "batch", "name": "toy.y", "type": "i32", "shape": [8], "draw": 1},
                     {"bind": "option", "name": "lr", "type": "f32", "shape": []}],
       "results": [{"bind": "param", "name": "net.weight", "type": "f32", "shape": [4, 1], "in_place": 0},
                   {"bind": "watch", "name": "loss", "type": "f32", "shape": []},
                   {"bind": "check", "site": 1, "type": "f32", "shape": []}]},
      {"name": "rows", "index": 4,
       "arguments": [{"bind": "batch", "name": "toy.x", "type": "f32", "shape": [16, 4]}],
       "results": [{"bind": "whole", "name": "c0", "type": "f32", "shape": [16, 2]}]},
      {"name": "score", "index": 5, "extents": ["toy.test"],
       "arena": {"fixed": 64, "terms": [{"bytes": 8, "extents": ["toy.test", "toy.test"]}]},
       "arguments": [{"bind": "whole", "name": "c0", "type": "f32", "shape": ["toy.test", 2]},
                     {"bind": "column", "name": "toy.y", "type": "i32", "shape": ["toy.test"]}],
       "results": [{"bind": "output", "name": "accuracy", "type": "f32", "shape": []}]}],
    "passes": [{"function": 1}, {"function": 2},
               {"sources": [{"name": "toy", "domain": "toy", "split": "test", "batch": 16, "function": 4}],
                "function": 5}],
    "init": [0],
    "order": [{"repeat": 2, "body": [{"stage": "learn"}]}, {"evaluate": 0}],
    "stages": [{"name": "learn", "sources": [{"name": "toy", "domain": "toy", "split": "train", "batch": 8}],
                "epochs": {"option": "epochs"}, "init": [1], "phases": [{"function": 3}], "watch": ["loss"],
                "keep": {"mode": "best", "pass": 2, "output": "accuracy"}}],
    "evaluations": [{"name": "toy.test", "pass": 2, "reports": [{"name": "accuracy"}]}]
  })");
}

static Expected<Manifest> readBack(const json &program) { return readManifest(program.dump(), 6, 64); }

static std::string problemOf(const json &program) {
  Expected<Manifest> manifest = readBack(program);
  return manifest ? "no problem" : manifest.message();
}

// A correct manifest gives resolved references: positions instead of names, repeats unrolled, draws counted.
TEST(Manifest, ReadsAndResolves) {
  Expected<Manifest> manifest = readBack(smallProgram());
  ASSERT_TRUE(manifest) << manifest.message();
  ASSERT_EQ(manifest->order.size(), 3u);
  EXPECT_EQ(manifest->order[0].kind, OrderItem::Stage);
  EXPECT_EQ(manifest->order[0].run, 0);
  EXPECT_EQ(manifest->order[1].run, 1);
  EXPECT_EQ(manifest->order[2].kind, OrderItem::Evaluate);
  const StageSpec &stage = manifest->stages[0];
  EXPECT_EQ(stage.key, "learn");
  EXPECT_EQ(stage.sources[0].draws, 2);
  EXPECT_EQ(stage.epochs.kind, Quantity::Option);
  EXPECT_EQ(stage.epochs.option, 1);
  EXPECT_EQ(manifest->functions[3].results[0].inPlace, 0);
  EXPECT_EQ(manifest->functions[3].arguments[2].field, "y");
  EXPECT_EQ(manifest->functions[5].arenaTerms[0].extents, (std::vector<int>{0, 0}));
  EXPECT_EQ(manifest->variables[1].stage, "learn");
  EXPECT_EQ(manifest->variables[0].bytes, 16u);
}

// Every rule of MANIFEST.md that is broken is named with its place.
TEST(Manifest, RefusesWhatBreaksARule) {
  struct Case {
    const char *pointer;
    json value;
    const char *text;
  };
  const Case cases[] = {
      {"/version", 2, "version 2 is newer than this runtime, which knows 1"},
      {"/surprise", 1, "unknown key 'surprise'"},
      {"/functions/0/index", 6, "/functions/0/index: an integer between 0 and 5"},
      {"/functions/3/arguments/0/bind", "parameter", "'parameter' is no kind of argument"},
      {"/functions/3/arguments/0/name", "net.bias", "'net.bias' is not a declared parameter or state"},
      {"/functions/3/arguments/0/shape", {4, 2}, "type or shape differ from the declaration of 'net.weight'"},
      {"/functions/3/arguments/1/shape", {9, 4}, "type or shape differ from field 'toy.x'"},
      {"/functions/3/arguments/1/name", "other.x", "there is no source 'other'"},
      {"/functions/3/arguments/3/name", "rate", "'rate' is not an option with a number"},
      {"/functions/3/results/0/in_place", 1, "a result cannot stand in the buffer of argument 1"},
      {"/functions/3/results/2/site", 2, "an integer between 0 and 1"},
      {"/functions/4/results/0/shape", {15, 2}, "is not one row a sample"},
      {"/functions/5/arguments/0/shape", {"toy.test", 3}, "type or shape differ from the rows of 'c0'"},
      {"/functions/5/arguments/0/bind", "sum", "'c0' is not computed by this pass"},
      {"/functions/4/results/0/bind", "sum", "'c0' is not computed by this pass"},
      {"/functions/5/arguments/0/shape", {"toy.train", 2}, "'toy.train' is not an extent of the function"},
      {"/functions/5/extents/0", "toy.valid", "'toy.valid' is not a split of a domain"},
      {"/parameters/0/constant", {{"offset", 64}}, "the value is not inside the program's constants"},
      {"/parameters/0/shape", {1000000000, 1000000000}, "the tensor is too large"},
      {"/parameters/0/layout", "filter", "the layout does not fit the rank"},
      {"/options/0/name", "export", "the name 'export' belongs to the runtime"},
      {"/domains/0/splits/1/of", "valid", "there is no split 'valid' before this one"},
      {"/domains/0/splits/1/low", 1.5, "the shares of a split lie between 0 and 1"},
      {"/domains/0/reads/0/generate/function", 9, "an integer between 0 and 5"},
      {"/passes/2/sources/0/split", "valid", "domain 'toy' has no split 'valid'"},
      {"/stages/0/steps", 5, "either 'epochs' or 'steps' is expected"},
      {"/stages/0/phases/0/until_epoch", 2, "the last phase must be there and have no end"},
      {"/stages/0/watch/0", "task", "there is no watch result 'task'"},
      {"/stages/0/keep/output", "auc", "the pass has no scalar output 'auc'"},
      {"/stages/0/from", "other", "there is no stage 'other'"},
      {"/stages/0/memory", {{"limit", 0}, {"peaks", json::array()}}, "/stages/0/memory/limit: an integer between 1"},
      {"/stages/0/memory",
       {{"limit", 1}, {"peaks", {{{"fixed", 1}, {"terms", {{{"bytes", 4}, {"extents", {"toy.valid"}}}}}}}}},
       "'toy.valid' is not a split of a domain"},
      {"/weights", "inside", "unknown place 'inside'"},
      {"/evaluations/0/reports/0/output", "auc", "the pass has no result 'auc' of a fitting shape"},
      {"/order/1/evaluate", 1, "an integer between 0 and 0"},
      {"/order/0/repeat", 90000000, "an integer between 0 and 100000"},
      {"/init", json::array(), "nothing gives 'net.weight' its first value"},
  };
  for (const Case &item : cases) {
    json program = smallProgram();
    program[json::json_pointer(item.pointer)] = item.value;
    EXPECT_NE(problemOf(program).find(item.text), std::string::npos)
        << item.pointer << " = " << item.value << " gave: " << problemOf(program);
  }
}

// A sum of numbers of samples is an extent whose terms are splits and numbers.
TEST(Manifest, SumsOfExtents) {
  json program = smallProgram();
  std::string sum = "toy.test + toy.test + toy.train + 3";
  program["functions"][5]["extents"].push_back(sum);
  Expected<Manifest> manifest = readBack(program);
  ASSERT_TRUE(manifest) << manifest.message();
  ASSERT_EQ(manifest->sums.size(), 1u);
  EXPECT_EQ(manifest->sums.at(sum).terms, (std::vector<std::string>{"toy.test", "toy.test", "toy.train"}));
  EXPECT_EQ(manifest->sums.at(sum).fixed, 3);
  for (const char *wrong :
       {"toy.test + toy.valid", "toy.test + ", " + toy.test", "toy.test + -1", "toy.test + 99999999999999999999"}) {
    program["functions"][5]["extents"][1] = wrong;
    EXPECT_NE(problemOf(program), "no problem") << wrong;
  }
}

// So is what stands twice, belongs to another place or is of another kind than its place wants.
TEST(Manifest, RefusesWhatDoesNotFit) {
  const json good = smallProgram();
  auto at = [&](const char *pointer) { return good[json::json_pointer(pointer)]; };
  auto binding = [](const char *kind, const char *name, const char *type, json shape) {
    return json{{"bind", kind}, {"name", name}, {"type", type}, {"shape", std::move(shape)}};
  };
  const json scalar = json::array(), word = {{"rule", "words"}, {"at_most", 4}, {"vocabulary", {"a"}}};
  json noRule = word, noWord = word;
  noRule["rule"] = "syllables";
  noWord["vocabulary"] = json::array();
  const json port = {{"name", "value"}, {"type", "f32"}, {"shape", {4}}};
  auto exported = [&](json outputs) {
    return json{{"name", "e"}, {"function", 4}, {"batch", 16}, {"outputs", outputs}};
  };
  auto sweep = [](json axis) {
    return json{
        {"sweep", json::array({axis})}, {"mode", "best"}, {"pass", 2}, {"output", "accuracy"}, {"body", json::array()}};
  };
  const std::tuple<const char *, json, const char *> cases[] = {
      {"/options/0", 3, "an object is expected"},
      {"/options/1/default", 0.5, "the default of an int option is not an integer"},
      {"/options/0/bounds", {{{"least", 0}}}, "/options/0/bounds/0: key 'rule' is missing"},
      {"/options/0/bounds", {{{"rule", "r"}, {"least", "0"}}}, "/options/0/bounds/0/least"},
      {"/evaluations/0/features", {{{"pass", 2}, {"output", "no"}}}, "no pass of one source has the rows 'no'"},
      {"/options/1/type", "complex", "unknown type 'complex'"},
      {"/options/1/name", "lr", "option 'lr' has no name of its own"},
      {"/parameters/0/layout", "round", "unknown layout 'round'"},
      {"/states/0/owner", "stage:other", "'learn.m' belongs to no stage"},
      {"/tokenizers", json::array({noRule}), "unknown rule 'syllables'"},
      {"/tokenizers", json::array({noWord}), "the vocabulary has no token"},
      {"/domains/1", at("/domains/0"), "two domains are called 'toy'"},
      {"/stages/1", at("/stages/0"), "two stages are called 'learn'"},
      {"/stages/0/sources/1", at("/stages/0/sources/0"), "two sources are called 'toy'"},
      {"/stages/0/sources", json::array(), "a stage needs a source"},
      {"/stages/0/epoch_by", "other", "there is no source 'other'"},
      {"/stages/0/sources/0/sampler", {{"kind", "odd"}}, "unknown sampler 'odd'"},
      {"/stages/0/sources/0/sampler",
       {{"kind", "balanced"}, {"field", "x"}},
       "there is no field 'x' of one integer a sample"},
      {"/baselines", json::array({{{"name", "b"}, {"of", "learn"}}, {{"name", "b"}, {"of", "learn"}}}),
       "two baselines are called 'b'"},
      {"/baselines", json::array({{{"name", "learn"}, {"of", "learn"}, {"runs", true}}}),
       "the stage of this baseline is one already"},
      {"/baselines", json::array({{{"name", "b"}, {"of", "learn"}, {"runs", 1}}}), "true or false is expected"},
      {"/evaluations/0/reports/0/kind", "table", "unknown kind 'table'"},
      {"/evaluations/0/reports/0/baseline", "b", "there is no baseline 'b'"},
      {"/order/2", sweep({{"option", "none"}, {"values", {1}}}), "'none' is not an option with a number"},
      {"/order/2", sweep({{"option", "lr"}, {"values", {"a"}}}), "a number is expected"},
      {"/order/2", sweep({{"option", "lr"}, {"values", json::array()}}), "a sweep has points, at most 100000"},
      {"/functions/0/arguments/0/type", "f32", "i32 [n] is expected"},
      {"/functions/0/arguments/0/shape", {9}, "is not 'batch'"},
      {"/functions/0/arguments/1", binding("batch", "toy.x", "f32", {10, 4}),
       "has no value while samples are generated"},
      {"/functions/0/results/0/bind", "whole", "result 'x' is not a batch of a field"},
      {"/functions/0/results", json::array({at("/functions/0/results/0")}), "not every field has a result"},
      {"/functions/1/arguments/0/shape", {3}, "i32 [4] is expected"},
      {"/functions/3/arguments/1/name", "x", "'source.field' is expected as the name"},
      {"/functions/3/arguments/1/name", "toy.z", "domain 'toy' has no field 'z'"},
      {"/functions/3/arguments/1/name", "toy.support.x", "source 'toy' has no part 'support'"},
      {"/functions/3/arguments/3", binding("counter", "lr", "f32", scalar), "unknown counter 'lr'"},
      {"/functions/3/arguments/3/type", "u8", "a scalar of type f32 or i32 is expected"},
      {"/functions/3/arguments/3", binding("key", "toy", "i32", {8, 3}), "i32 [n, 4] is expected"},
      {"/functions/3/arguments/3", binding("key", "toy", "i32", {9, 4}), "is not the batch of source 'toy'"},
      {"/functions/3/arguments/3", binding("whole", "c0", "f32", {8, 2}),
       "argument 'c0' has no value in a training step"},
      {"/functions/3/arguments/4", at("/functions/3/arguments/0"), "a parameter or state stands twice on one side"},
      {"/functions/3/results/1/type", "i32", "f32 [] is expected"},
      {"/functions/3/results/1", binding("output", "loss", "f32", scalar),
       "result 'loss' has no place in a training step"},
      {"/functions/4/arguments/0/draw", 1, "a pass reads one batch at a time"},
      {"/functions/4/arguments/1", binding("whole", "c1", "f32", {16, 2}),
       "argument 'c1' has no value in a batch of a pass"},
      {"/functions/4/results/1", at("/functions/4/results/0"), "'c0' is computed twice"},
      {"/functions/5/arguments/2", binding("batch", "toy.x", "f32", {16, 4}),
       "argument 'toy.x' has no value outside a batch"},
      {"/functions/5/results/0/shape", {"toy.test"}, "an output has a fixed shape"},
      {"/functions/5/results/1", binding("watch", "w", "f32", scalar), "result 'w' has no place in a pass"},
      {"/exports", json::array({exported(json::array({port}))}),
       "argument 'toy.x' is neither an input nor known to an export"},
  };
  for (const auto &[pointer, value, text] : cases) {
    json program = good;
    program[json::json_pointer(pointer)] = value;
    EXPECT_NE(problemOf(program).find(text), std::string::npos)
        << pointer << " = " << value << " gave: " << problemOf(program);
  }
}

// A sum has a row a sample where it is computed, and the shape of one row where it is read.
TEST(Manifest, SumsOverSamples) {
  json program = smallProgram();
  json &result = program["functions"][4]["results"][0], &argument = program["functions"][5]["arguments"][0];
  result["bind"] = argument["bind"] = "sum";
  EXPECT_NE(problemOf(program).find("type or shape differ from the rows of 'c0'"), std::string::npos);
  argument["shape"] = {2};
  EXPECT_EQ(problemOf(program), "no problem");
  result["type"] = argument["type"] = "u8";
  EXPECT_NE(problemOf(program).find("f32 or i32 is expected"), std::string::npos);
}

// A missing key and a text that is not JSON are problems too, never a crash.
TEST(Manifest, RefusesDamage) {
  std::string whole = smallProgram().dump();
  for (size_t size = 0; size < whole.size(); size += 97)
    EXPECT_FALSE(readManifest(std::string_view(whole).substr(0, size), 6, 64).ok());
  json flat = smallProgram().flatten();
  for (auto item = flat.begin(); item != flat.end(); ++item) {
    json program = smallProgram();
    program[json::json_pointer(item.key())] = json::object();
    (void)readBack(program).ok(); // any answer will do
  }
  for (const char *key : {"version", "program", "hash", "compiler", "target", "order"}) {
    json program = smallProgram();
    program.erase(key);
    EXPECT_NE(problemOf(program).find("is missing"), std::string::npos) << key << ": " << problemOf(program);
  }
}

// A state with a row for each sample: all rows for passes, those of the batch for a step.
TEST(Manifest, RowsOfSamples) {
  json program = smallProgram();
  program["states"].push_back(
      {{"path", "learn.r"}, {"type", "f32"}, {"shape", {"toy.train", 3}}, {"owner", "stage:learn"}});
  program["functions"][2]["extents"] = {"toy.train"};
  program["functions"][2]["results"].push_back(
      {{"bind", "state"}, {"name", "learn.r"}, {"type", "f32"}, {"shape", {"toy.train", 3}}});
  json rows = {{"bind", "rows"}, {"name", "learn.r"}, {"source", "toy"}, {"type", "f32"}, {"shape", {8, 3}}};
  size_t argument = program["functions"][3]["arguments"].size(), result = program["functions"][3]["results"].size();
  program["functions"][3]["arguments"].push_back(rows);
  program["functions"][3]["results"].push_back(rows);
  Expected<Manifest> manifest = readBack(program);
  ASSERT_TRUE(bool(manifest)) << manifest.message();
  EXPECT_EQ(manifest->variables.back().rows, "toy.train");
  EXPECT_EQ(manifest->variables.back().bytes, 12u);
  auto problem = [&](const std::string &at, const json &value) {
    json broken = program;
    broken[json::json_pointer(at)] = value;
    return problemOf(broken);
  };
  std::string place = "/functions/3/arguments/" + std::to_string(argument);
  const std::pair<std::string, std::pair<json, std::string>> cases[] = {
      {"/states/1/shape", {{"toy.train", "toy.test"}, "rows have a fixed shape"}},
      {"/stages/0/sources/0/split", {"test", "'learn.r' has no rows of the samples of source 'toy'"}},
      {"/states/1/owner", {"module", "the state of a module has no row for each sample"}},
      {place + "/source", {"other", "there is no source 'other'"}},
      {place + "/name", {"learn.m", "'learn.m' is no state with a row for each sample"}},
      {place + "/shape", {{8, 4}, "type or shape differ from the declaration of 'learn.r'"}},
      {"/functions/3/results/" + std::to_string(result) + "/shape",
       {{4, 3}, "the leading extent is not the batch of source 'toy'"}},
      {"/functions/4/results/0", {rows, "is not one row a sample"}},
  };
  for (const auto &[at, change] : cases)
    EXPECT_NE(problem(at, change.first).find(change.second), std::string::npos)
        << at << ": " << problem(at, change.first);
}
