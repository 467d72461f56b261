// Weight files that a program starts from: where they are looked up, what they fill, and what is refused.
#include "runtime/program/LoadWeights.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

using namespace xfer::rt;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

xfer_status_t nothing(xfer_context *, xfer_queue_t, const xfer_buffer_t *, const xfer_buffer_t *, const int64_t *) {
  return XFER_OK;
}
const xfer_function_t functions[] = {nothing};

// A list `net.fc` of one linear layer, a norm with a count a domain, and a parameter of another model.
json baseProgram() {
  json parameters = json::parse(R"([{"path": "net.fc[0].weight", "type": "f32", "shape": [2, 3], "layout": "matrix"},
    {"path": "net.fc[0].bias", "type": "f32", "shape": [3]}, {"path": "network.w", "type": "f32", "shape": []}])");
  json states = json::parse(R"([{"path": "net.bn.count[a]", "type": "i32", "shape": [], "owner": "module"},
    {"path": "net.bn.count[b]", "type": "i32", "shape": [], "owner": "module"}])");
  json results = json::array();
  auto give = [&](const char *kind, const json &variables) {
    for (const json &v : variables)
      results.push_back({{"bind", kind}, {"name", v["path"]}, {"type", v["type"]}, {"shape", v["shape"]}});
  };
  give("param", parameters);
  give("state", states);
  return {{"version", 1},
          {"program", "load"},
          {"hash", "1"},
          {"compiler", "by hand"},
          {"target", {{"triple", "any"}}},
          {"options", {{{"name", "start"}, {"type", "string"}, {"default", ""}}}},
          {"sites", {{{"file", "a.xfer"}, {"line", 7}, {"column", 3}, {"text", "load"}}}},
          {"parameters", parameters},
          {"states", states},
          {"functions", {{{"name", "initial"}, {"index", 0}, {"results", results}}}},
          {"passes", {{{"function", 0}}}},
          {"init", {0}},
          {"order", json::array()}};
}

class LoadWeightsTest : public ::testing::Test {
protected:
  xfer::rt::test::TemporaryFolder folder;
  std::string text, start;
  std::unique_ptr<Session> session;
  std::vector<LoadedFile> loaded;
  TakenFiles files;

  // Runs these loads; the message, or nothing.
  std::string load(const json &loads) {
    json program = baseProgram();
    program["loads"] = loads;
    text = program.dump();
    static xfer_program_t compiled;
    compiled = {XFER_ABI_VERSION, 1, functions, text.data(), text.size(), nullptr, 0};
    Expected<Manifest> manifest = Session::describe(compiled);
    if (!manifest)
      return manifest.message();
    session = std::move(*Session::open(compiled, std::move(*manifest)));
    session->options[0].text = start;
    session->files = files;
    Expected<std::vector<LoadedFile>> files = loadWeights(*session, folder.folder());
    loaded = files ? *files : std::vector<LoadedFile>();
    return files ? "" : files.message();
  }

  template <typename T> std::vector<T> values(size_t variable) const {
    const Buffer &buffer = session->variables[variable];
    return {buffer.as<T>(), buffer.as<T>() + buffer.size() / sizeof(T)};
  }

  template <typename T>
  WeightTensor tensor(std::string name, StoredType type, std::vector<int64_t> shape, std::vector<T> values) {
    auto memory = std::make_shared<std::vector<T>>(std::move(values));
    return {std::move(name),
            type,
            std::move(shape),
            {reinterpret_cast<const uint8_t *>(memory->data()), memory->size() * sizeof(T), memory}};
  }

  std::vector<WeightTensor> linear() {
    return {tensor<float>("fc.0.weight", StoredType::F32, {3, 2}, {1, 2, 3, 4, 5, 6}),
            tensor<float>("fc.0.bias", StoredType::F32, {3}, {7, 8, 9})};
  }
};

} // namespace

// Layouts are those of other frameworks, a state that the file lacks stays, and other models are not touched.
TEST_F(LoadWeightsTest, Fills) {
  ASSERT_TRUE(writeWeights(folder.path("w"), linear()).ok());
  EXPECT_EQ(load({{{"file", "w"}, {"into", "net"}}}), "");
  EXPECT_THAT(values<float>(0), ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(values<float>(1), ElementsAre(7, 8, 9));
  EXPECT_THAT(values<float>(2), ElementsAre(0));
  EXPECT_THAT(values<int32_t>(3), ElementsAre(0));
}

// What the program says of a file's layout, and of matrices in it that lie the other way round.
TEST_F(LoadWeightsTest, Layouts) {
  std::vector<WeightTensor> tensors = {tensor<float>("fc.0.weight", StoredType::F32, {2, 3}, {1, 2, 3, 4, 5, 6}),
                                       tensor<float>("fc.0.bias", StoredType::F32, {3}, {7, 8, 9})};
  ASSERT_TRUE(writeWeights(folder.path("w"), tensors).ok());
  json rules = {{{"key", "*.weight"}, {"to", "*.weight"}, {"transposed", true}}};
  for (const json &clause : {json{{"layout", "keras"}}, json{{"rules", rules}}}) {
    json item = {{"file", "w"}, {"into", "net"}};
    item.update(clause);
    EXPECT_EQ(load(json::array({item})), "");
    EXPECT_THAT(values<float>(0), ElementsAre(1, 2, 3, 4, 5, 6));
  }
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}}}), HasSubstr("'fc.0.weight' is [2, 3] in the file, [3, 2]"));
  ASSERT_TRUE(writeWeights(folder.path("w"), tensors, {{"format", "pt"}}).ok());
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"layout", "keras"}}}), HasSubstr("as PyTorch has them"));
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"layout", "tf"}}}), HasSubstr("layout 'tf' is not known"));
  rules[0]["to"] = nullptr;
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"rules", rules}}}),
              HasSubstr("dropped and cannot be transposed"));
}

// A path that ends in a list; one key for the states of all domains, from the int64 that other frameworks count in.
TEST_F(LoadWeightsTest, ListsAndFamilies) {
  ASSERT_TRUE(writeWeights(folder.path("w"), {tensor<float>("0.weight", StoredType::F32, {3, 2}, {1, 2, 3, 4, 5, 6}),
                                              tensor<float>("0.bias", StoredType::F32, {3}, {7, 8, 9})})
                  .ok());
  ASSERT_TRUE(writeWeights(folder.path("v"), {tensor<int64_t>("count", StoredType::I64, {1}, {12})}).ok());
  EXPECT_EQ(load({{{"file", "w"}, {"into", "net.fc"}},
                  {{"file", "v"}, {"into", "net.bn"}, {"rules", {{{"key", "*"}, {"to", "*[*]"}}}}}}),
            "");
  EXPECT_THAT(values<float>(1), ElementsAre(7, 8, 9));
  EXPECT_THAT(values<int32_t>(3), ElementsAre(12));
  EXPECT_THAT(values<int32_t>(4), ElementsAre(12));
}

// An option names the file; relative names are looked up in the data folder first; a later load may fill again.
TEST_F(LoadWeightsTest, Lookup) {
  ASSERT_TRUE(writeWeights(folder.path("w"), linear()).ok());
  std::vector<WeightTensor> bias = {tensor<float>("bias", StoredType::F32, {3}, {1, 1, 1}),
                                    tensor<float>("weight", StoredType::F32, {3, 2}, {0, 0, 0, 0, 0, 0})};
  ASSERT_TRUE(writeWeights(folder.path("again"), bias).ok());
  start = folder.path("again");
  EXPECT_EQ(load({{{"file", "w"}, {"into", "net"}}, {{"file", {{"option", "start"}}}, {"into", "net.fc[0]"}}}), "");
  EXPECT_THAT(values<float>(1), ElementsAre(1, 1, 1));
  ASSERT_EQ(loaded.size(), 2u);
  EXPECT_EQ(loaded[0].path, "w");
  EXPECT_EQ(loaded[0].into, "net");
  EXPECT_EQ(loaded[1].path, start);
  Expected<Bytes> content = mapFile(start);
  ASSERT_TRUE(content);
  EXPECT_EQ(loaded[1].bytes, content->size);
  EXPECT_EQ(loaded[1].hash, hexOf(hashBytes(content->data, content->size)));
  start = "";
  EXPECT_THAT(load({{{"file", {{"option", "start"}}}, {"into", "net"}}}),
              HasSubstr("no weight file is named; give --start"));
  EXPECT_THAT(load({{{"file", "nowhere"}, {"into", "net"}, {"site", 1}}}),
              testing::AllOf(HasSubstr("a.xfer:7:3: load: cannot read '"), HasSubstr("there is no such file")));
}

// Parts that a rewriting added may be absent, all others must be there.
TEST_F(LoadWeightsTest, Missing) {
  ASSERT_TRUE(writeWeights(folder.path("w"), {linear()[0]}).ok());
  json entry = {{"file", "w"}, {"into", "net"}};
  EXPECT_THAT(load(json::array({entry})),
              HasSubstr("does not fit 'net'\n  in the model, not in the file: 'fc.0.bias' [3]"));
  entry["added"] = {"fc[0].bias"};
  EXPECT_EQ(load(json::array({entry})), "");
}

// Types that cannot be converted, values that do not fit, damaged files.
TEST_F(LoadWeightsTest, BadFiles) {
  json count = {{"file", "w"}, {"into", "net.bn"}, {"rules", {{{"key", "*"}, {"to", "*[*]"}}}}};
  ASSERT_TRUE(writeWeights(folder.path("w"), {tensor<int64_t>("count", StoredType::I64, {}, {int64_t(1) << 40})}).ok());
  EXPECT_THAT(load(json::array({count})), HasSubstr("which does not fit the type i32"));
  ASSERT_TRUE(writeWeights(folder.path("w"), {tensor<float>("count", StoredType::F32, {}, {1})}).ok());
  EXPECT_THAT(load(json::array({count})), HasSubstr("has the type f32, expected is i32"));
  ASSERT_TRUE(writeWeights(folder.path("w"), linear()).ok());
  std::string bytes = folder.read("w");
  folder.write("w", bytes.substr(0, bytes.size() - 1));
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}}}), HasSubstr("is not a good safetensors file"));
  folder.write("w", "");
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}}}), HasSubstr("it has only 0 bytes"));
}

// Files that the program has: found by place, known by hash, and preferred to nothing else because nothing is looked
// up.
TEST_F(LoadWeightsTest, TakenAlong) {
  std::string file = encodeWeights(linear());
  std::string block = std::string(64, 'x') + file;
  files = {{reinterpret_cast<const uint8_t *>(block.data()), block.size(), nullptr}, "'p.weights'"};
  json content = {{"offset", 64}, {"bytes", file.size()}, {"hash", hexOf(hashBytes(file.data(), file.size()))}};
  json entry = {{"file", "w"}, {"into", "net"}, {"content", content}};
  folder.write("w", "not looked at");
  EXPECT_EQ(load(json::array({entry})), "");
  EXPECT_THAT(values<float>(1), ElementsAre(7, 8, 9));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_TRUE(loaded[0].taken);
  EXPECT_EQ(loaded[0].path, "w");
  EXPECT_EQ(loaded[0].bytes, file.size());
  EXPECT_EQ(loaded[0].hash, content["hash"]);
  block.back() ^= 1;
  EXPECT_THAT(load(json::array({entry})), HasSubstr("'w' in 'p.weights' is damaged: its hash is wrong"));
  files.block.size -= 1;
  EXPECT_THAT(load(json::array({entry})), HasSubstr("'w' is no longer in 'p.weights'"));
}

// What a manifest may not say.
TEST_F(LoadWeightsTest, BadManifests) {
  auto rules = [](const char *key, const char *to) {
    return json{{{"file", "w"}, {"into", "net"}, {"rules", {{{"key", key}, {"to", to}}}}}};
  };
  EXPECT_THAT(load(rules("{a", "b")), HasSubstr("/loads/0/rules/0: the braces of '{a' do not pair"));
  EXPECT_THAT(load(rules("a", "*")), HasSubstr("'*' has other wildcards than 'a'"));
  EXPECT_THAT(load({{{"file", {{"option", "x"}}}, {"into", "net"}}}), HasSubstr("'x' is not an option with a text"));
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"site", 2}}}), HasSubstr("/loads/0/site"));
  EXPECT_THAT(load({{{"file", "w"}}}), HasSubstr("into"));
  json content = {{"offset", 64}, {"bytes", 8}, {"hash", "0"}};
  EXPECT_THAT(load({{{"file", {{"option", "start"}}}, {"into", "net"}, {"content", content}}}),
              HasSubstr("/loads/0/content: a file that an option names"));
  for (const char *key : {"offset", "bytes"}) {
    content[key] = -64;
    EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"content", content}}}),
                HasSubstr(std::string("/loads/0/content/") + key));
    content[key] = 32;
  }
  EXPECT_THAT(load({{{"file", "w"}, {"into", "net"}, {"content", content}}}),
              HasSubstr("a multiple of 64 is expected"));
}
