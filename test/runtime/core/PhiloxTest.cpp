#include "runtime/core/Philox.h"
#include "runtime/core/Hash.h"
#include <gtest/gtest.h>
#include <set>

using namespace xfer::rt;
using Words = std::array<uint32_t, 4>;

// The three known answers that come with Random123 (kat_vectors, philox4x32 10).
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, ~0u, ~0u), (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

// A stream gives the four words of counter 0, then those of counter 1, with the key's upper words in the counter.
TEST(Philox, StreamFollowsTheCounter) {
  PhiloxStream stream({1, 2, 3, 4});
  for (uint32_t block = 0; block < 3; ++block)
    for (uint32_t word : philox({block, 0, 3, 4}, 1, 2))
      EXPECT_EQ(stream.next(), word);
}

// Bounded draws stay below the bound and reach every value about equally often.
TEST(Philox, BelowIsUniform) {
  PhiloxStream stream({5, 6, 7, 8});
  int counts[7] = {};
  for (int i = 0; i < 70000; ++i) {
    uint32_t value = stream.below(7);
    ASSERT_LT(value, 7u);
    ++counts[value];
  }
  for (int count : counts) // standard deviation sqrt(70000 * 1/7 * 6/7) = 93; five of them
    EXPECT_NEAR(count, 10000, 465);
  EXPECT_EQ(PhiloxStream({1, 1, 1, 1}).below(1), 0u);
}

// The keys are part of what makes a run reproducible: these values may never change.
TEST(Philox, KeysAreStable) {
  uint64_t stage = hashName("adapt"), source = hashName("mnist");
  Words step = philox({uint32_t(stage), uint32_t(stage >> 32), 0, 0}, 42, 0);
  step[0] ^= 1;
  step[2] ^= 1000;
  EXPECT_EQ(makeStepKey(42, stage, 1, 1000), philox(step, 42, 0));
  Words sample = philox({uint32_t(stage), uint32_t(stage >> 32), uint32_t(source), uint32_t(source >> 32)}, 42, 7);
  sample[1] ^= 3;
  sample[2] ^= 59999;
  EXPECT_EQ(SampleKeys(42 + (7ull << 32), stage, 0, source)(3, 59999), philox(sample, 42, 7));
}

// Runs, epochs, samples, steps and sources all lead to different keys.
TEST(Philox, KeysDiffer) {
  std::set<PhiloxKey> keys;
  size_t made = 0;
  for (uint32_t run : {0u, 1u})
    for (const char *source : {"mnist", "usps"})
      for (uint32_t epoch : {0u, 1u})
        for (uint64_t sample = 0; sample < 100; ++sample, ++made)
          keys.insert(SampleKeys(1, hashName("adapt"), run, hashName(source))(epoch, sample));
  for (uint64_t step = 0; step < 100; ++step, ++made)
    keys.insert(makeStepKey(1, hashName("adapt"), 0, step));
  EXPECT_EQ(keys.size(), made);
}
