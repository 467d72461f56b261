#include "runtime/core/Half.h"
#include "runtime/program/Call.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace xfer::rt;

static double through(ElementType type, double number) {
  char memory[8];
  storeNumber(memory, type, number);
  return loadNumber(memory, type);
}

// What a type can hold comes back as it is.
TEST(Numbers, AreKept) {
  for (ElementType type : {ElementType::F32, ElementType::F64, ElementType::BF16, ElementType::I32, ElementType::I64})
    for (double number : {0.0, 1.0, -96.0, 128.0})
      EXPECT_EQ(through(type, number), number);
  EXPECT_EQ(through(ElementType::U8, 255), 255);
  EXPECT_EQ(through(ElementType::Bool, 1), 1);
}

// bfloat16 rounds as data and weight files do: ties to even, and what is not a number stays so, whatever its bits.
TEST(Numbers, RoundToBfloat) {
  EXPECT_EQ(through(ElementType::BF16, 1 + 0x1p-8), 1);
  EXPECT_EQ(through(ElementType::BF16, 1 + 3 * 0x1p-8), 1 + 0x1p-6);
  EXPECT_TRUE(std::isnan(through(ElementType::BF16, floatOfBits(0x7fffffff))));
  EXPECT_TRUE(std::isinf(through(ElementType::BF16, INFINITY)));
}
