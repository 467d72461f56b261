#include "runtime/core/Hash.h"
#include <gtest/gtest.h>

using namespace xfer::rt;

// Published values of XXH64, seeds and all lengths of tail included.
TEST(Hash, KnownAnswers) {
  EXPECT_EQ(hashName(""), 0xef46db3751d8e999u);
  EXPECT_EQ(hashName("a"), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(hashName("abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(hashName("Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1u);
  EXPECT_EQ(hashBytes("xxhash", 6, 20141025), 0xb559b98d844e0635u);
}

// A changed byte anywhere changes the hash.
TEST(Hash, SeesEveryByte) {
  std::string text(100, 'x');
  uint64_t whole = hashName(text);
  for (size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] ^= 1;
    EXPECT_NE(hashName(damaged), whole) << i;
  }
}

TEST(Hash, Hexadecimal) { EXPECT_EQ(hexOf(0x00ab00000000000fu), "00ab00000000000f"); }

// splitmix64 with state 0 gives these first two numbers (Vigna's reference).
TEST(Hash, MixBits) {
  EXPECT_EQ(mixBits(0), 0xe220a8397b1dcdafu);
  EXPECT_EQ(mixBits(0x9E3779B97F4A7C15u), 0x6e789e6aa1b965f4u);
}
