#include "runtime/data/Sampler.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <set>

using namespace xfer::rt;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

static const SourceKey key = {42, hashName("adapt"), 0, hashName("mnist")};

static std::vector<int32_t> splitOf(int32_t count) {
  std::vector<int32_t> split(count);
  std::iota(split.begin(), split.end(), 100);
  return split;
}

// A pass is a permutation; another pass, seed or source is another one; the same is the same for ever.
TEST(Sampler, Permutations) {
  std::vector<int32_t> order = permutation(1000, key, 0), sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int32_t i = 0; i < 1000; ++i)
    EXPECT_EQ(sorted[i], i);
  EXPECT_EQ(order, permutation(1000, key, 0));
  EXPECT_NE(order, permutation(1000, key, 1));
  SourceKey other = key;
  other.seed = 43;
  EXPECT_NE(order, permutation(1000, other, 0));
  other = key;
  other.source = hashName("usps");
  EXPECT_NE(order, permutation(1000, other, 0));
  EXPECT_THAT(permutation(1, key, 0), ElementsAre(0));
  EXPECT_THAT(permutation(8, key, 0), ElementsAre(3, 7, 5, 1, 6, 4, 0, 2));
}

// The leading source starts anew with each epoch and drops the rest; no sample occurs twice in an epoch.
TEST(Sampler, LeaderDropsTheRest) {
  std::vector<int32_t> split = splitOf(10);
  PermutationSampler sampler(split, 3, key, /*leads=*/true, 3);
  Batch batch;
  for (uint32_t epoch = 0; epoch < 3; ++epoch) {
    std::set<int32_t> seen;
    for (int64_t step = 0; step < 3; ++step) {
      sampler.fill(epoch * 3 + step, batch);
      EXPECT_THAT(batch.passes, Each(epoch));
      seen.insert(batch.samples.begin(), batch.samples.end());
    }
    EXPECT_EQ(seen.size(), 9u);
    EXPECT_GE(*seen.begin(), 100);
  }
}

// The other sources use up every pass before the next one begins, in the middle of a batch if need be.
TEST(Sampler, FollowersCrossTheSeam) {
  std::vector<int32_t> split = splitOf(10);
  PermutationSampler sampler(split, 4, key, /*leads=*/false, 0);
  Batch batch;
  std::map<uint32_t, std::multiset<int32_t>> seen;
  for (int64_t step = 0; step < 15; ++step) { // 60 samples: 6 passes
    sampler.fill(step, batch);
    for (size_t i = 0; i < batch.samples.size(); ++i)
      seen[batch.passes[i]].insert(batch.samples[i]);
  }
  EXPECT_EQ(seen.size(), 6u);
  for (auto &[pass, samples] : seen)
    EXPECT_EQ(samples, std::multiset<int32_t>(split.begin(), split.end())) << pass;
  sampler.fill(2, batch);
  EXPECT_THAT(batch.passes, ElementsAre(0, 0, 1, 1));
}

// A split smaller than a batch goes round several times within it.
TEST(Sampler, TinyFollower) {
  std::vector<int32_t> split = splitOf(3);
  PermutationSampler sampler(split, 8, key, /*leads=*/false, 0);
  Batch batch;
  sampler.fill(0, batch);
  EXPECT_THAT(batch.passes, ElementsAre(0, 0, 0, 1, 1, 1, 2, 2));
}

// A batch depends on its number alone: any order of asking gives the same, so a resumed run goes on as if nothing had
// happened.
TEST(Sampler, Resumes) {
  std::vector<int32_t> split = splitOf(97);
  for (bool leads : {true, false}) {
    PermutationSampler whole(split, 10, key, leads, 9);
    std::vector<std::vector<int32_t>> batches;
    Batch batch;
    for (int64_t i = 0; i < 60; ++i) {
      whole.fill(i, batch);
      batches.push_back(batch.samples);
    }
    for (int64_t start : {59, 33, 9, 0}) {
      PermutationSampler resumed(split, 10, key, leads, 9);
      resumed.fill(start, batch);
      EXPECT_EQ(batch.samples, batches[start]);
    }
  }
}

// The source with most batches leads, the first of equals, or the one that is named.
TEST(BatchPlan, Leader) {
  auto plan = BatchPlan::make({{"usps", 7291, 64, 1}, {"mnist", 60000, 64, 1}}, "");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->leader, 1u);
  EXPECT_EQ(plan->stepsPerEpoch, 937);
  plan = BatchPlan::make({{"usps", 7291, 64, 1}, {"mnist", 60000, 64, 1}}, "usps");
  EXPECT_EQ(plan->leader, 0u);
  EXPECT_EQ(plan->stepsPerEpoch, 113);
  EXPECT_EQ(BatchPlan::make({{"a", 100, 10, 1}, {"b", 100, 10, 1}}, "")->leader, 0u);
  EXPECT_EQ(BatchPlan::make({{"a", 100, 10, 3}, {"b", 100, 20, 1}}, "")->leader, 1u);
  EXPECT_EQ(BatchPlan::make({{"a", 100, 10, 3}}, "")->stepsPerEpoch, 3);
}

// A leader without one full batch is refused; a small follower is not.
TEST(BatchPlan, TooSmall) {
  EXPECT_THAT(BatchPlan::make({{"a", 50, 64, 1}}, "").message(),
              HasSubstr("source 'a' has 50 samples, which do not fill the 64 of one step"));
  EXPECT_TRUE(BatchPlan::make({{"a", 50, 64, 1}, {"b", 64, 64, 1}}, ""));
}

// Evaluation goes through a split in order and pads the last batch with its last sample.
TEST(SequentialBatch, Pads) {
  std::vector<int32_t> split = {5, 7, 9, 11, 13}, samples;
  EXPECT_EQ(sequentialBatch(split, 0, 3, samples), 3);
  EXPECT_THAT(samples, ElementsAre(5, 7, 9));
  EXPECT_EQ(sequentialBatch(split, 3, 3, samples), 2);
  EXPECT_THAT(samples, ElementsAre(11, 13, 13));
}
