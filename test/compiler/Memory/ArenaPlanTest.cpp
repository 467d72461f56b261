//===- ArenaPlanTest.cpp - temporaries that live at the same time do not overlap ----------------------------------===//

#include "compiler/Memory/ArenaPlan.h"
#include "gtest/gtest.h"
#include <random>

using namespace xfer;

namespace {

Allocation fixed(int64_t bytes, int64_t first, int64_t last) { return {bytes, {}, first, last}; }

// The example of the header: c takes the place of a, which is dead by then.
TEST(ArenaPlan, ReusesDeadBuffers) {
  ArenaPlan plan = planArena({fixed(256, 0, 1), fixed(128, 1, 2), fixed(256, 2, 3)});
  EXPECT_EQ(plan.placements[0].offset, 0);
  EXPECT_EQ(plan.placements[1].offset, 256);
  EXPECT_EQ(plan.placements[2].offset, 0);
  EXPECT_EQ(plan.fixedBytes, 384);
  EXPECT_EQ(plan.lowerBound, 384);
}

// Sizes are rounded up so that every buffer is aligned.
TEST(ArenaPlan, Aligns) {
  ArenaPlan plan = planArena({fixed(4, 0, 1), fixed(65, 0, 1)});
  EXPECT_EQ(plan.placements[1].offset, 0);
  EXPECT_EQ(plan.placements[0].offset, 128);
  EXPECT_EQ(plan.fixedBytes, 192);
}

// Of two gaps that fit, the smaller one is taken.
TEST(ArenaPlan, BestFit) {
  ArenaPlan plan =
      planArena({fixed(640, 0, 0), fixed(576, 0, 9), fixed(320, 0, 0), fixed(256, 0, 9), fixed(192, 1, 9)});
  EXPECT_EQ(plan.placements[4].offset, 1216); // the gap of 320 that the third leaves, not that of 640
}

// Slots of equal extents are shared, of different extents never, and never at the same time.
TEST(ArenaPlan, DynamicSlots) {
  ArenaPlan plan = planArena({{40, {0}, 0, 1}, {8, {0}, 2, 3}, {8, {1}, 2, 3}, {4, {0}, 1, 1}, {4, {0, 0}, 2, 2}});
  EXPECT_EQ(plan.fixedBytes, 0);
  ASSERT_EQ(plan.slots.size(), 4u);
  EXPECT_EQ(plan.placements[0].slot, plan.placements[1].slot);
  EXPECT_NE(plan.placements[0].slot, plan.placements[2].slot);
  EXPECT_NE(plan.placements[0].slot, plan.placements[3].slot);
  EXPECT_EQ(plan.slots[plan.placements[0].slot].bytes, 40);
}

// Two hundred random allocations: no overlap, and a quarter above the lower bound at most.
TEST(ArenaPlan, RandomAllocationsDoNotOverlap) {
  std::mt19937 random(7);
  llvm::SmallVector<Allocation> allocations;
  for (int i = 0; i < 200; ++i) {
    int64_t first = random() % 100;
    allocations.push_back(fixed(1 + random() % 5000, first, first + random() % 10));
  }
  ArenaPlan plan = planArena(allocations);
  for (size_t a = 0; a < allocations.size(); ++a)
    for (size_t b = 0; b < a; ++b) {
      int64_t lowA = plan.placements[a].offset, lowB = plan.placements[b].offset;
      bool apart = lowA + allocations[a].bytes <= lowB || lowB + allocations[b].bytes <= lowA;
      EXPECT_TRUE(apart || !allocations[a].meets(allocations[b])) << a << " and " << b;
    }
  EXPECT_LE(plan.fixedBytes, plan.lowerBound * 5 / 4);
}

TEST(ArenaPlan, Empty) { EXPECT_EQ(planArena({}).fixedBytes, 0); }

} // namespace
