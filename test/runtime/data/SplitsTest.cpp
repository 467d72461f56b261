#include "runtime/data/Splits.h"
#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;

// 10000 samples, of which always four in a row share a group.
static std::unique_ptr<MemoryReader> samples(int64_t count = 10000) {
  auto reader = MemoryReader::make({{"group", ElementType::I32, {}, 0}}, count);
  for (int64_t i = 0; i < count; ++i)
    static_cast<int32_t *>((*reader)->data(0))[i] = static_cast<int32_t>(i / 4);
  return std::move(*reader);
}

static std::set<int32_t> setOf(const Splits &splits, const std::string &name) {
  const std::vector<int32_t> *list = splits.find(name);
  EXPECT_NE(list, nullptr) << name;
  EXPECT_TRUE(std::is_sorted(list->begin(), list->end()));
  return {list->begin(), list->end()};
}

// The parts of one clause are disjoint, cover the whole, and have about the sizes asked for.
TEST(Splits, DisjointParts) {
  auto splits = Splits::make(
      *samples(), {}, {{"train", "all", "", 0, 0.7}, {"valid", "all", "", 0.7, 0.8}, {"test", "all", "", 0.8, 1}});
  ASSERT_TRUE(splits);
  std::set<int32_t> train = setOf(*splits, "train"), valid = setOf(*splits, "valid"), test = setOf(*splits, "test");
  EXPECT_EQ(train.size() + valid.size() + test.size(), 10000u);
  // Standard deviation sqrt(10000 * 0.7 * 0.3) = 46; four of them.
  EXPECT_NEAR(train.size(), 7000, 184);
  EXPECT_NEAR(valid.size(), 1000, 120);
  train.insert(valid.begin(), valid.end());
  train.insert(test.begin(), test.end());
  EXPECT_EQ(train.size(), 10000u);
  EXPECT_EQ(setOf(*splits, "all").size(), 10000u);
}

// These assignments are part of what makes results comparable: they may never change.
TEST(Splits, NeverChange) {
  EXPECT_DOUBLE_EQ(splitNumber("all", 0), splitNumber("all", 0));
  std::vector<int> first;
  for (int i = 0; i < 40; ++i)
    if (splitNumber("all", i) >= 0.9)
      first.push_back(i);
  EXPECT_THAT(first, ElementsAre(8, 15, 21, 26, 36));
}

// A split of a split has its share of it, whatever the share of the parent was: the numbers are drawn anew.
TEST(Splits, Nested) {
  auto splits = Splits::make(
      *samples(), {}, {{"train", "all", "", 0, 0.5}, {"few", "train", "", 0, 0.1}, {"rest", "train", "", 0.1, 1}});
  ASSERT_TRUE(splits);
  std::set<int32_t> train = setOf(*splits, "train"), few = setOf(*splits, "few"), rest = setOf(*splits, "rest");
  EXPECT_TRUE(std::includes(train.begin(), train.end(), few.begin(), few.end()));
  EXPECT_EQ(few.size() + rest.size(), train.size());
  EXPECT_NEAR(few.size(), 500, 85); // four standard deviations
}

// Groups of equal values stay together.
TEST(Splits, ByGroup) {
  auto splits = Splits::make(*samples(), {}, {{"train", "all", "group", 0, 0.6}, {"test", "all", "group", 0.6, 1}});
  ASSERT_TRUE(splits);
  std::set<int32_t> train = setOf(*splits, "train");
  EXPECT_EQ(train.size() + setOf(*splits, "test").size(), 10000u);
  for (int32_t i = 0; i < 10000; ++i)
    EXPECT_EQ(train.count(i), train.count(i / 4 * 4));
  EXPECT_NEAR(train.size(), 6000, 4 * 4 * 25); // 2500 groups
}

// The same share of each class, to the sample; or the same number of each, from the start of the same order.
TEST(Splits, Stratified) {
  auto reader = MemoryReader::make({{"kind", ElementType::I32, {}, 3}}, 100);
  auto kind = [&](int32_t i) { return static_cast<const int32_t *>((*reader)->data(0))[i]; };
  for (int i = 0; i < 100; ++i)
    static_cast<int32_t *>((*reader)->data(0))[i] = i < 10 ? 0 : i < 40 ? 1 : 2;
  auto made = Splits::make(**reader, {},
                           {{"train", "all", "", 0, 0.8, "kind"},
                            {"test", "all", "", 0.8, 1, "kind"},
                            {"few", "all", "", 0, 4, "kind", true},
                            {"more", "all", "", 4, 10, "kind", true}});
  ASSERT_TRUE(made) << made.message();
  auto counts = [&](const std::string &name) {
    std::vector<int> found(3);
    for (int32_t index : setOf(*made, name))
      ++found[kind(index)];
    return found;
  };
  EXPECT_THAT(counts("train"), ElementsAre(8, 24, 48));
  EXPECT_THAT(counts("test"), ElementsAre(2, 6, 12));
  EXPECT_THAT(counts("few"), ElementsAre(4, 4, 4));
  EXPECT_THAT(counts("more"), ElementsAre(6, 6, 6));
  std::set<int32_t> train = setOf(*made, "train"), few = setOf(*made, "few"), more = setOf(*made, "more");
  EXPECT_TRUE(std::includes(train.begin(), train.end(), few.begin(), few.end()));
  for (int32_t index : more)
    EXPECT_EQ(few.count(index), 0u);
  EXPECT_THAT(Splits::make(**reader, {}, {{"few", "all", "", 0, 11, "kind", true}}).message(),
              HasSubstr("split 'few' wants the samples 1 to 11 of each 'kind', and of 0 there are 10 in 'all'"));
  EXPECT_THAT(Splits::make(**reader, {}, {{"few", "all", "", 0, 0.02, "kind"}}).message(),
              HasSubstr("split 'few' gets none of the 10 samples of 'all' whose 'kind' is 0"));
}

// What was read under a name is a split of its own, and others can be made of it.
TEST(Splits, NamedReads) {
  auto splits = Splits::make(*samples(), {{"train", 6000}, {"", 1000}, {"test", 3000}}, {{"half", "test", "", 0, 0.5}});
  ASSERT_TRUE(splits);
  EXPECT_EQ(splits->find("train")->size(), 6000u);
  EXPECT_EQ(splits->find("test")->front(), 7000);
  EXPECT_GE(splits->find("half")->front(), 7000);
  EXPECT_EQ(splits->find("none"), nullptr);
}

// A split that gets nothing, and references to nothing, are refused by name.
TEST(Splits, Refusals) {
  auto few = samples(3);
  EXPECT_THAT(Splits::make(*few, {}, {{"tiny", "all", "", 0, 1e-9}}).message(),
              HasSubstr("split 'tiny' gets none of the 3 samples of 'all'"));
  EXPECT_THAT(Splits::make(*few, {}, {{"x", "y", "", 0, 1}}).message(), HasSubstr("made of 'y', which is not there"));
  EXPECT_THAT(Splits::make(*few, {}, {{"x", "all", "z", 0, 1}}).message(), HasSubstr("goes by field 'z'"));
}
