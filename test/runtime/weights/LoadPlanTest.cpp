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
  LoadClause clause{"net", {{"head.*", std::nullopt}, {"module.*", "*"}}, {}};
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
  auto plan = [&](std::vector<int64_t> dense, std::vector<int64_t> deep, const char *layout) {
    std::string bytes = encodeWeights(
        {floats("dense.weight", std::move(dense)), floats("deep.weight", std::move(deep))}, {{"layout", layout}});
    auto owner = std::make_shared<std::string>(std::move(bytes));
    auto file = WeightFile::parse({reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner}, "w");
    EXPECT_TRUE(file) << file.message();
    return planLoad(*file, "net", {}, {}, targets);
  };
  for (const std::vector<int64_t> &deep : std::vector<std::vector<int64_t>>{{1, 2, 2, 2}, {1, 2, 4, 1}, {1, 2, 1, 4}}) {
    auto found = plan({2, 3}, deep, deep[3] == 1 ? "HWIO" : "keras");
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
