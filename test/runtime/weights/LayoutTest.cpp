#include "runtime/weights/Layout.h"
#include "runtime/core/Half.h"
#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

using namespace xfer::rt;
using testing::HasSubstr;

static WeightTensor tensorOf(StoredType type, std::vector<int64_t> shape, const void *data) {
  WeightTensor tensor{"w", type, std::move(shape), {}};
  tensor.bytes.data = static_cast<const uint8_t *>(data);
  tensor.bytes.size = *bytesOf(tensor.type, tensor.shape);
  return tensor;
}

// [2, 3, 4, 5] = [kh, kw, in, out] is [5, 4, 2, 3] in a file: element by element, and back.
TEST(Layout, Filter) {
  std::vector<int64_t> shape = {2, 3, 4, 5};
  EXPECT_EQ(interchangeShape(WeightLayout::Filter, shape), (std::vector<int64_t>{5, 4, 2, 3}));
  std::vector<float> program(120), file(120), back(120);
  std::iota(program.begin(), program.end(), 0.0f);
  toInterchange(WeightLayout::Filter, shape, 4, program.data(), file.data());
  for (int h = 0; h < 2; ++h)
    for (int w = 0; w < 3; ++w)
      for (int i = 0; i < 4; ++i)
        for (int o = 0; o < 5; ++o)
          ASSERT_EQ(file[((o * 4 + i) * 2 + h) * 3 + w], program[((h * 3 + w) * 4 + i) * 5 + o]);
  fromInterchange(WeightLayout::Filter, shape, 4, file.data(), back.data());
  EXPECT_EQ(back, program);
}

// [in, out] is [out, in] in a file.
TEST(Layout, Matrix) {
  std::vector<uint16_t> program = {1, 2, 3, 4, 5, 6}, file(6);
  toInterchange(WeightLayout::Matrix, {2, 3}, 2, program.data(), file.data());
  EXPECT_EQ(file, (std::vector<uint16_t>{1, 4, 2, 5, 3, 6}));
}

// Plain weights, and vectors of any layout, stay as they are.
TEST(Layout, Plain) {
  float bias[3] = {1, 2, 3};
  for (WeightLayout layout : {WeightLayout::Plain, WeightLayout::Filter, WeightLayout::Matrix}) {
    WeightTensor tensor = toTensor("b", ElementType::F32, layout, {3}, bias);
    EXPECT_EQ(tensor.bytes.data, reinterpret_cast<uint8_t *>(bias));
    EXPECT_EQ(tensor.shape, std::vector<int64_t>{3});
  }
}

// A weight becomes a tensor and the tensor the weight again.
TEST(Layout, RoundTrip) {
  std::vector<float> weight(24), back(24);
  std::iota(weight.begin(), weight.end(), -3.5f);
  WeightTensor tensor = toTensor("w", ElementType::F32, WeightLayout::Matrix, {4, 6}, weight.data());
  EXPECT_EQ(tensor.shape, (std::vector<int64_t>{6, 4}));
  ASSERT_TRUE(readTensor(tensor, ElementType::F32, WeightLayout::Matrix, {4, 6}, back.data()).ok());
  EXPECT_EQ(back, weight);
}

// Narrow floats widen exactly, wide ones round; integers must fit.
TEST(Layout, Conversions) {
  uint16_t half[4] = {0x3c00, 0xc000, 0x0001, 0x7bff}, bfloat[2] = {0x3f80, 0xc2f7};
  float wide[4];
  ASSERT_TRUE(readTensor(tensorOf(StoredType::F16, {4}, half), ElementType::F32, WeightLayout::Plain, {4}, wide).ok());
  EXPECT_EQ(std::vector<float>(wide, wide + 4), (std::vector<float>{1, -2, 0x1p-24f, 65504}));
  ASSERT_TRUE(
      readTensor(tensorOf(StoredType::BF16, {2}, bfloat), ElementType::F32, WeightLayout::Plain, {2}, wide).ok());
  EXPECT_EQ(std::vector<float>(wide, wide + 2), (std::vector<float>{1, -123.5}));
  double precise[2] = {0.1, -1e-3};
  ASSERT_TRUE(
      readTensor(tensorOf(StoredType::F64, {2}, precise), ElementType::F32, WeightLayout::Plain, {2}, wide).ok());
  EXPECT_EQ(wide[0], 0.1f);
  int64_t numbers[2] = {7, -8};
  int32_t narrow[2];
  ASSERT_TRUE(
      readTensor(tensorOf(StoredType::I64, {2}, numbers), ElementType::I32, WeightLayout::Plain, {2}, narrow).ok());
  EXPECT_EQ(narrow[1], -8);
  numbers[0] = int64_t(1) << 40;
  EXPECT_THAT(
      readTensor(tensorOf(StoredType::I64, {2}, numbers), ElementType::I32, WeightLayout::Plain, {2}, narrow).message(),
      HasSubstr("the value 1099511627776, which does not fit the type i32"));
}

// Numbers of every width become integers of ours where these hold them: what PyTorch counts in 64 bits, masks in bytes.
template <typename From, typename To>
static void expectInteger(StoredType stored, ElementType type, From good, From bad) {
  To value;
  EXPECT_TRUE(readTensor(tensorOf(stored, {1}, &good), type, WeightLayout::Plain, {1}, &value).ok());
  EXPECT_EQ(static_cast<int64_t>(value), static_cast<int64_t>(good));
  EXPECT_THAT(readTensor(tensorOf(stored, {1}, &bad), type, WeightLayout::Plain, {1}, &value).message(),
              HasSubstr("which does not fit the type"));
}

TEST(Layout, Integers) {
  expectInteger<int8_t, uint8_t>(StoredType::I8, ElementType::U8, 127, -1);
  expectInteger<uint16_t, uint8_t>(StoredType::U16, ElementType::U8, 255, 256);
  expectInteger<int16_t, uint8_t>(StoredType::I16, ElementType::U8, 0, -3);
  expectInteger<uint32_t, int32_t>(StoredType::U32, ElementType::I32, 2147483647u, 2147483648u);
  expectInteger<int32_t, uint8_t>(StoredType::I32, ElementType::U8, 200, 1 << 20);
  expectInteger<uint64_t, int64_t>(StoredType::U64, ElementType::I64, 1, uint64_t(1) << 63);
  expectInteger<uint8_t, uint8_t>(StoredType::U8, ElementType::Bool, 1, 2);
}

// Floats are stored as wide as they are computed with.
TEST(Layout, Floats) {
  float single = 1.5f;
  double wide;
  uint16_t narrow;
  ASSERT_TRUE(
      readTensor(tensorOf(StoredType::F32, {1}, &single), ElementType::F64, WeightLayout::Plain, {1}, &wide).ok());
  EXPECT_EQ(wide, 1.5);
  ASSERT_TRUE(
      readTensor(tensorOf(StoredType::F32, {1}, &single), ElementType::BF16, WeightLayout::Plain, {1}, &narrow).ok());
  EXPECT_EQ(floatOfBfloat(narrow), 1.5f);
}

// Shapes and kinds of type that do not belong together are refused with both sides.
TEST(Layout, Mismatches) {
  float values[6] = {}, destination[6];
  EXPECT_THAT(
      readTensor(tensorOf(StoredType::F32, {2, 3}, values), ElementType::F32, WeightLayout::Matrix, {2, 3}, destination)
          .message(),
      HasSubstr("shape [2, 3], expected is [3, 2]"));
  EXPECT_THAT(
      readTensor(tensorOf(StoredType::I32, {6}, values), ElementType::F32, WeightLayout::Plain, {6}, destination)
          .message(),
      HasSubstr("type i32, expected is f32"));
}

// bfloat16 rounds to nearest even and keeps what is not a number.
TEST(Layout, Bfloat) {
  EXPECT_EQ(bfloatOfFloat(1.0f), 0x3f80);
  EXPECT_EQ(bfloatOfFloat(floatOfBits(0x3f808000)), 0x3f80);
  EXPECT_EQ(bfloatOfFloat(floatOfBits(0x3f818000)), 0x3f82);
  EXPECT_EQ(bfloatOfFloat(floatOfBits(0x3f808001)), 0x3f81);
  EXPECT_TRUE(std::isnan(floatOfBfloat(bfloatOfFloat(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(floatOfBfloat(bfloatOfFloat(floatOfBits(0x7f800001)))));
  EXPECT_TRUE(std::isinf(floatOfHalf(0x7c00)) && std::isnan(floatOfHalf(0x7e00)));
}
