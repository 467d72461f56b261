#include "test/runtime/data/ReaderTest.h"
#include "runtime/weights/WeightFile.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;

// Tensors of a safetensors file as samples.
TEST_F(ReaderTest, Safetensors) {
  float values[4] = {1, 2, 3, 4};
  std::vector<WeightTensor> tensors = {
      {"embedding", StoredType::F32, {2, 2}, {reinterpret_cast<uint8_t *>(values), 16, nullptr}}};
  ASSERT_TRUE(writeWeights(folder.path("x.safetensors"), tensors).ok());
  auto reader = make("safetensors", {{"", "x.safetensors"}, {"x", "embedding"}}, {floats({2})});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(refusal("safetensors", {{"", "x.safetensors"}}, {floats({2})}), HasSubstr("there is no tensor 'x' in"));
}

// Samples in memory are what was put there; labels and NaN are checked once they are.
TEST_F(ReaderTest, Memory) {
  auto reader = MemoryReader::make({floats({2}), label(2)}, 3);
  ASSERT_TRUE(reader);
  auto *x = static_cast<float *>((*reader)->data(0));
  auto *y = static_cast<int32_t *>((*reader)->data(1));
  std::iota(x, x + 6, 0.0f);
  y[0] = 0, y[1] = 1, y[2] = 1;
  EXPECT_TRUE((*reader)->check("moons").ok());
  int32_t order[] = {2, 0};
  float read[4];
  ASSERT_TRUE((*reader)->read(0, order, 2, read).ok());
  EXPECT_THAT(read, ElementsAre(4, 5, 0, 1));
  y[2] = 2;
  EXPECT_THAT((*reader)->check("moons").message(), HasSubstr("moons: sample 2 has a label outside of 0 to 1"));
  x[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT((*reader)->check("moons").message(), HasSubstr("moons: sample 1 has a NaN in field 'x'"));
  EXPECT_THAT(MemoryReader::make({label(2)}, 0).message(), HasSubstr("0 samples cannot be generated"));
  // 2^64 bytes, which must not wrap round to none.
  EXPECT_THAT(MemoryReader::make({floats({1 << 20, 1 << 20})}, 1 << 22).message(), HasSubstr("not enough memory for"));
}

// Several reads of a domain are one reader.
TEST_F(ReaderTest, Concatenation) {
  std::vector<std::unique_ptr<Reader>> parts;
  for (int64_t count : {1500, 1, 2500}) {
    auto part = MemoryReader::make({{"n", ElementType::I32, {}, 0}}, count);
    auto *values = static_cast<int32_t *>((*part)->data(0));
    std::iota(values, values + count, static_cast<int32_t>(count) * 10000);
    parts.push_back(std::move(*part));
  }
  auto reader = ConcatReader::make(std::move(parts));
  ASSERT_TRUE(reader);
  ASSERT_EQ((*reader)->count(), 4001);
  std::vector<int32_t> values = all<int32_t>(**reader, 0);
  EXPECT_EQ(values[0], 15000000);
  EXPECT_EQ(values[1499], 15001499);
  EXPECT_EQ(values[1500], 10000);
  EXPECT_EQ(values[1501], 25000000);
  EXPECT_EQ(values[4000], 25002499);
}

// Files that give different names to the same class numbers are not mixed.
TEST_F(ReaderTest, ConcatenationOfNames) {
  folder.write("a.csv", "label\ncat\ndog\n");
  folder.write("b.csv", "label\nape\ndog\n");
  std::vector<std::unique_ptr<Reader>> parts;
  parts.push_back(std::move(*make("csv", {{"", "a.csv"}}, {label(2)})));
  parts.push_back(std::move(*make("csv", {{"", "b.csv"}}, {label(2)})));
  EXPECT_THAT(ConcatReader::make(std::move(parts)).message(), HasSubstr("give 'label_names' to fix their order"));
}
