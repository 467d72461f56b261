// The draws and the percentiles behind the interval of a gain.
#include "runtime/program/Bootstrap.h"
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

using namespace xfer::rt;

// A round of a source is drawn anew in every round and for every source, and alike each time; every sample comes
// equally often.
TEST(Bootstrap, Draws) {
  EXPECT_EQ(bootstrapDraw("usps", 3, 50), bootstrapDraw("usps", 3, 50));
  EXPECT_NE(bootstrapDraw("usps", 3, 50), bootstrapDraw("usps", 4, 50));
  EXPECT_NE(bootstrapDraw("usps", 3, 50), bootstrapDraw("mnist", 3, 50));
  std::vector<unsigned> counts(50);
  for (unsigned round = 0; round < 400; ++round)
    for (uint32_t place : bootstrapDraw("usps", round, 50))
      ++counts.at(place);
  // 400 +- 20, of 50 samples: five deviations.
  auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  EXPECT_GT(*least, 300u);
  EXPECT_LT(*most, 500u);
  EXPECT_TRUE(bootstrapDraw("usps", 0, 0).empty());
}

TEST(Bootstrap, Percentiles) {
  std::vector<double> values(1001);
  std::iota(values.begin(), values.end(), 0.0);
  std::reverse(values.begin(), values.end());
  Interval interval = percentileInterval(values);
  EXPECT_EQ(interval.low, 25);
  EXPECT_EQ(interval.high, 975);
  // Between neighbours in proportion; of a single one, itself.
  EXPECT_DOUBLE_EQ(percentileInterval({1, 3}).low, 1.05);
  EXPECT_DOUBLE_EQ(percentileInterval({2}).high, 2);
}

// Draws without the figure (no positive sample, say) are left out, unless they are the most.
TEST(Bootstrap, NotNumbers) {
  double none = std::nan("");
  EXPECT_EQ(percentileInterval({none, 5, 5, 5}).low, 5);
  EXPECT_TRUE(std::isnan(percentileInterval({none, none, none, 5}).low));
  EXPECT_TRUE(std::isnan(percentileInterval({}).high));
}

TEST(Bootstrap, RoundsByWork) {
  EXPECT_EQ(bootstrapRounds(0), 1000u);
  EXPECT_EQ(bootstrapRounds(1 << 20), 1000u);
  EXPECT_EQ(bootstrapRounds(uint64_t(4) << 20), 256u);
  EXPECT_EQ(bootstrapRounds(uint64_t(1) << 40), 100u);
}
