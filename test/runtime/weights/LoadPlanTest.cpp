// What a compiler asks about the file of a `load`; the program asks the same (program/LoadWeightsTest.cpp).
#include "runtime/weights/LoadPlan.h"
#include "runtime/core/File.h"
#include "test/runtime/support/TemporaryFolder.h"
#include "xfer/rt/LoadCheck.h"
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class LoadCheckTest : public ::testing::Test {
protected:
  xfer::rt::test::TemporaryFolder folder;
  std::vector<LoadVariable> variables = {{"net.fc.weight", "f32", "matrix", {2, 3}, true},
                                         {"net.fc.bias", "f32", "plain", {3}, true},
                                         {"net.bn.count", "u8", "plain", {}, false},
                                         {"other.w", "f32", "plain", {7}, true}};
  LoadClause clause{"net", "", {{"head.*", std::nullopt}, {"module.*", "*"}}, {}};
  std::vector<float> numbers = std::vector<float>(16);

  WeightTensor floats(std::string name, std::vector<int64_t> shape) {
    uint64_t count = 1;
    for (int64_t extent : shape)
      count *= static_cast<uint64_t>(extent);
    return {std::move(name),
            StoredType::F32,
            std::move(shape),
            {reinterpret_cast<const uint8_t *>(numbers.data()), count * 4, nullptr}};
  }

  // The message about this file, or nothing.
  std::string check(std::vector<WeightTensor> tensors) {
    EXPECT_TRUE(writeWeights(folder.path("w"), tensors).ok());
    Expected<LoadContent> content = checkLoad(folder.path("w"), clause, variables);
    if (!content)
      return content.message();
    std::string bytes = folder.read("w");
    EXPECT_EQ(content->size, bytes.size());
    EXPECT_EQ(std::memcmp(content->data, bytes.data(), bytes.size()), 0);
    return "";
  }
};

} // namespace

// Layouts of files, rules, a state that may be absent, and other models.
TEST_F(LoadCheckTest, Fits) {
  EXPECT_EQ(check({floats("module.fc.weight", {3, 2}), floats("fc.bias", {3}), floats("head.w", {1})}), "");
  clause.added = {"fc.bias"};
  EXPECT_EQ(check({floats("fc.weight", {3, 2})}), "");
}

// A file that states Keras' layout has matrices and filters as they lie in a program, and filters of one input channel
// a group as [window, channels, outputs of each]; what it does not hold is not taken for it.
TEST_F(LoadCheckTest, Keras) {
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i);
  const std::vector<LoadTarget> targets{
      {"net.dense.weight", ElementType::F32, WeightLayout::Matrix, {2, 3}, true},
      {"net.deep.weight", ElementType::F32, WeightLayout::Filter, {1, 2, 1, 4}, true}};
  auto plan = [&](std::vector<int64_t> dense, std::vector<int64_t> deep, const char *layout, bool asKeras = false) {
    Metadata metadata;
    if (*layout)
      metadata.emplace_back(std::string(layout) == "pt" ? "format" : "layout", layout);
    std::string bytes =
        encodeWeights({floats("dense.weight", std::move(dense)), floats("deep.weight", std::move(deep))}, metadata);
    auto owner = std::make_shared<std::string>(std::move(bytes));
    auto file = WeightFile::parse({reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner}, "w");
    EXPECT_TRUE(file) << file.message();
    return planLoad(*file, {"net", asKeras, {}, {}}, targets);
  };
  for (const std::vector<int64_t> &deep : std::vector<std::vector<int64_t>>{{1, 2, 2, 2}, {1, 2, 4, 1}, {1, 2, 1, 4}}) {
    auto found = plan({2, 3}, deep, deep[3] == 1 ? "HWIO" : deep[3] == 2 ? "" : "keras", /*asKeras=*/deep[3] == 2);
    ASSERT_TRUE(found) << found.message();
    for (const PlannedTensor &planned : *found) {
      const LoadTarget &target = targets[planned.target];
      float values[8] = {};
      uint64_t count = planned.tensor.bytes.size / 4;
      ASSERT_TRUE(readTensor(planned.tensor, target.type, planned.layout, target.shape, values).ok());
      for (uint64_t i = 0; i < count; ++i)
        EXPECT_EQ(values[i], numbers[i]) << target.path;
    }
  }
  EXPECT_THAT(plan({3, 2}, {1, 2, 2, 2}, "keras").message(), HasSubstr("'dense.weight' is [3, 2] in the file, [2, 3]"));
  EXPECT_THAT(plan({2, 3}, {2, 1, 2, 2}, "keras").message(), HasSubstr("[2, 1, 2, 2] in the file, [1, 2, 1, 4]"));
  EXPECT_THAT(plan({2, 3}, {1, 2, 0, 4}, "keras").message(), HasSubstr("[1, 2, 0, 4] in the file"));
  EXPECT_THAT(plan({2, 3}, {1, 2, 2, 2}, "OIHW").message(), HasSubstr("'dense.weight' is [2, 3] in the file, [3, 2]"));
  // A file that says that it is something else is not taken for Keras'.
  EXPECT_EQ(plan({2, 3}, {1, 2, 2, 2}, "OIHW", /*asKeras=*/true).message(),
            "'w' says that its weights lie in it as OIHW has them, not as Keras does; load it without keras(..)");
  EXPECT_THAT(plan({2, 3}, {1, 2, 2, 2}, "pt", /*asKeras=*/true).message(), HasSubstr("as PyTorch has them"));
  EXPECT_TRUE(plan({2, 3}, {1, 2, 2, 2}, "keras", /*asKeras=*/true));
}

// Matrices that lie in a file the other way round than its layout says, and what is no such matrix.
TEST_F(LoadCheckTest, Transposed) {
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<float>(i);
  const std::vector<LoadTarget> targets{{"net.fc.weight", ElementType::F32, WeightLayout::Matrix, {2, 3}, true},
                                        {"net.table", ElementType::F32, WeightLayout::Plain, {3, 2}, true}};
  auto plan = [&](std::vector<int64_t> weight, std::vector<int64_t> table, bool asKeras) {
    auto owner = std::make_shared<std::string>(
        encodeWeights({floats("h.weight", std::move(weight)), floats("table", std::move(table))}));
    auto file = WeightFile::parse({reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner}, "w");
    EXPECT_TRUE(file) << file.message();
    return planLoad(*file, {"net", asKeras, {{"h.*", "fc.*", true}, {"t*", "t*", true}}, {}}, targets);
  };
  for (bool asKeras : {false, true}) {
    auto found = asKeras ? plan({3, 2}, {2, 3}, true) : plan({2, 3}, {2, 3}, false);
    ASSERT_TRUE(found) << found.message();
    ASSERT_EQ(found->size(), 2u);
    for (const PlannedTensor &planned : *found) {
      const LoadTarget &target = targets[planned.target];
      float values[6] = {};
      ASSERT_TRUE(readTensor(planned.tensor, target.type, planned.layout, target.shape, values).ok());
      bool asItIs = planned.target == 0 && !asKeras; // [in, out] in the file and in the program
      for (int64_t i = 0; i < target.shape[0]; ++i)
        for (int64_t j = 0; j < target.shape[1]; ++j)
          EXPECT_EQ(values[i * target.shape[1] + j], numbers[asItIs ? i * 3 + j : j * target.shape[0] + i]);
    }
  }
  EXPECT_THAT(plan({3, 2}, {2, 3}, false).message(),
              HasSubstr("'fc.weight' is [3, 2] in the file, [2, 3] transposed, [3, 2] in the model; it fits as it is"));
  EXPECT_THAT(plan({2, 3}, {6}, false).message(),
              HasSubstr("'table' is [6] in the file, no matrix that could be transposed, [3, 2] in the model"));
  clause.rules = {{"h.weight", "fc.weight"}};
  EXPECT_THAT(check({floats("h.weight", {2, 3}), floats("fc.bias", {3})}),
              HasSubstr("'fc.weight' is [2, 3] in the file, [3, 2] in the model; it fits transposed: -> transposed"));
  clause.rules = {{"h.*", "fc.*", true}};
  EXPECT_THAT(check({floats("h.weight", {2, 3}), floats("old.bias", {3})}), HasSubstr("\"h.*\" -> transposed(\"fc.*\")"));
}

TEST_F(LoadCheckTest, FirstLineSaysIt) {
  std::string said = check({floats("fc.weight", {2, 3}), floats("bias", {3})});
  EXPECT_EQ(said.substr(0, said.find('\n')), "'" + folder.path("w") + "' does not fit 'net'");
  EXPECT_THAT(said, HasSubstr("'fc.weight' is [2, 3] in the file, [3, 2] in the model"));
  EXPECT_THAT(said, HasSubstr("\"bias\" -> \"fc.bias\""));
}

// Types and values are looked at before the program is there to read them.
TEST_F(LoadCheckTest, Types) {
  std::vector<WeightTensor> tensors = {floats("fc.weight", {3, 2}), floats("fc.bias", {3}), floats("bn.count", {})};
  EXPECT_THAT(check(tensors), HasSubstr("'bn.count' has the type f32, expected is u8"));
  int64_t count = 255;
  tensors[2].type = StoredType::I64;
  tensors[2].bytes = {reinterpret_cast<const uint8_t *>(&count), 8, nullptr};
  EXPECT_EQ(check(tensors), "");
  count = 256;
  EXPECT_THAT(check(tensors), HasSubstr("'bn.count' has the value 256, which does not fit the type u8"));
  variables[0].layout = "sideways";
  EXPECT_THAT(check(tensors), HasSubstr("the layout 'sideways'"));
}

TEST_F(LoadCheckTest, BadFiles) {
  EXPECT_THAT(checkLoad(folder.path("nothing"), clause, variables).message(), StartsWith("cannot read '"));
  folder.write("w", "seven b");
  EXPECT_THAT(checkLoad(folder.path("w"), clause, variables).message(), HasSubstr("it has only 7 bytes"));
}
