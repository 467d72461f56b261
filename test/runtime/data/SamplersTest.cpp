#include "runtime/data/Samplers.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <set>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;

static const SourceKey key = {42, hashName("learn"), 0, hashName("digits")};

// A domain of samples with these classes; its split leaves out the first sample.
static std::unique_ptr<MemoryReader> readerOf(const std::vector<int32_t> &labels) {
  auto reader =
      MemoryReader::make({{"label", ElementType::I32, {}, 10}, {"x", ElementType::F32, {}, 0}}, labels.size());
  EXPECT_TRUE(reader);
  std::copy(labels.begin(), labels.end(), static_cast<int32_t *>((*reader)->data(0)));
  return std::move(*reader);
}

namespace {
struct Data {
  explicit Data(std::vector<int32_t> classes) : labels(std::move(classes)), split(labels.size() - 1) {
    std::iota(split.begin(), split.end(), 1);
    auto made = Grouping::make(*readerOf(labels), split, "label");
    EXPECT_TRUE(made);
    grouping = std::make_shared<Grouping>(std::move(*made));
  }
  std::unique_ptr<Sampler> sampler(const SamplerRequest &request) const {
    auto made = makeGroupedSampler(request, grouping);
    EXPECT_TRUE(made) << made.message();
    return std::move(*made);
  }
  std::vector<int32_t> labels, split;
  std::shared_ptr<const Grouping> grouping;
};
} // namespace

static SamplerRequest request(SamplerSpec::Kind kind, int64_t batch) {
  SamplerRequest made;
  made.spec.kind = kind;
  made.spec.field = "label";
  made.batch = batch;
  made.key = key;
  return made;
}

static std::vector<int32_t> unevenLabels() { // 1 outside the split, then 30 of class 0, 6 of class 3, 4 of class 7
  std::vector<int32_t> labels(1, 9);
  labels.insert(labels.end(), 30, 0);
  labels.insert(labels.end(), 6, 3);
  labels.insert(labels.end(), 4, 7);
  return labels;
}

// Groups stand in the order of their values and hold the samples of the split alone.
TEST(Grouping, ByValue) {
  Data data({5, 2, 0, 2, 0, 0, 7});
  ASSERT_EQ(data.grouping->groupCount(), 3);
  EXPECT_EQ(data.grouping->value(0), 0);
  EXPECT_EQ(data.grouping->value(2), 7);
  EXPECT_THAT(data.grouping->all(), ElementsAre(2, 4, 5, 1, 3, 6));
  EXPECT_EQ(data.grouping->groupAt(2), 0);
  EXPECT_EQ(data.grouping->groupAt(3), 1);
  EXPECT_EQ(data.grouping->sample(1, 1), 3);
}

// What is no number of a class or group is refused by name.
TEST(Grouping, WantsAnInteger) {
  auto reader = readerOf({0, 1});
  EXPECT_THAT(Grouping::make(*reader, {0, 1}, "x").message(), HasSubstr("field 'x' is neither"));
  EXPECT_THAT(Grouping::make(*reader, {0, 1}, "y").message(), HasSubstr("field 'y', which is not there"));
}

// Every class has floor or ceiling of its share of a batch; classes times batches hold each equally often; a class goes
// round its own samples evenly.
TEST(BalancedSampler, SharesAreEven) {
  Data data(unevenLabels());
  auto sampler = data.sampler(request(SamplerSpec::Balanced, 8));
  std::map<int32_t, int> ofClass, ofSample;
  Batch batch;
  for (int64_t number = 0; number < 30; ++number) {
    sampler->fill(number, batch);
    ASSERT_EQ(batch.samples.size(), 8u);
    std::map<int32_t, int> here;
    for (int32_t sample : batch.samples) {
      ++here[data.labels[sample]];
      ++ofClass[data.labels[sample]];
      ++ofSample[sample];
    }
    for (int32_t label : {0, 3, 7}) {
      EXPECT_GE(here[label], 2);
      EXPECT_LE(here[label], 3);
    }
  }
  for (int32_t label : {0, 3, 7})
    EXPECT_EQ(ofClass[label], 80);
  EXPECT_EQ(ofSample.count(0), 0u);
  for (auto [sample, times] : ofSample) { // 80 draws of 30, 6 and 4 samples
    int size = data.labels[sample] == 0 ? 30 : data.labels[sample] == 3 ? 6 : 4;
    EXPECT_GE(times, 80 / size);
    EXPECT_LE(times, (80 + size - 1) / size);
  }
}

// A batch smaller than the number of classes holds as many classes, once each.
TEST(BalancedSampler, SmallerThanTheClasses) {
  Data data({0, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6});
  auto sampler = data.sampler(request(SamplerSpec::Balanced, 4));
  Batch batch;
  for (int64_t number = 0; number < 12; ++number) {
    sampler->fill(number, batch);
    std::set<int32_t> classes;
    for (int32_t sample : batch.samples)
      classes.insert(data.labels[sample]);
    EXPECT_EQ(classes.size(), 4u);
  }
}

// No two draws of a sample share a random key, whatever repeats it.
TEST(Samplers, KeysOfDrawsDiffer) {
  Data data(unevenLabels());
  for (auto kind : {SamplerSpec::Balanced, SamplerSpec::Groups, SamplerSpec::Pairs, SamplerSpec::Episodes}) {
    SamplerRequest wanted = request(kind, 3);
    wanted.spec.size = 7;
    wanted.spec.ways = 2;
    wanted.spec.shots = 1;
    wanted.spec.queries = 3;
    auto sampler = data.sampler(wanted);
    std::set<std::pair<int32_t, uint32_t>> seen;
    size_t draws = 0;
    Batch batch;
    for (int64_t number = 0; number < 40; ++number) {
      sampler->fill(number, batch);
      draws += batch.samples.size();
      for (size_t i = 0; i < batch.samples.size(); ++i)
        seen.insert({batch.samples[i], batch.passes[i]});
    }
    EXPECT_EQ(seen.size(), draws) << kind;
  }
}

// A batch is a function of its number: asked for in any order, by any object.
TEST(Samplers, Resume) {
  Data data(unevenLabels());
  std::vector<double> weights(data.split.size(), 1);
  for (auto kind :
       {SamplerSpec::Balanced, SamplerSpec::Weighted, SamplerSpec::Groups, SamplerSpec::Pairs, SamplerSpec::Episodes}) {
    SamplerRequest wanted = request(kind, 5);
    wanted.spec.size = 7;
    wanted.spec.ways = 2;
    wanted.spec.shots = 1;
    wanted.spec.queries = 3;
    auto make = [&] {
      return kind == SamplerSpec::Weighted ? std::move(*makeWeightedSampler(wanted, data.split, weights))
                                           : data.sampler(wanted);
    };
    std::vector<Batch> batches(30);
    auto whole = make();
    for (int64_t number = 0; number < 30; ++number)
      whole->fill(number, batches[number]);
    for (int64_t number : {29, 7, 8, 0}) {
      Batch again;
      make()->fill(number, again);
      EXPECT_EQ(again.samples, batches[number].samples) << kind;
      EXPECT_EQ(again.passes, batches[number].passes) << kind;
      EXPECT_EQ(again.given, batches[number].given) << kind;
    }
    wanted.key.seed = 43;
    Batch other;
    make()->fill(3, other);
    EXPECT_NE(other.samples, batches[3].samples) << kind;
  }
}

// Samples are drawn in proportion to their weights, those without weight never.
TEST(WeightedSampler, Proportions) {
  std::vector<int32_t> split = {10, 11, 12, 13, 14};
  auto sampler = makeWeightedSampler(request(SamplerSpec::Weighted, 100), split, {0, 1, 2, 0, 5});
  ASSERT_TRUE(sampler);
  std::map<int32_t, int> times;
  Batch batch;
  for (int64_t number = 0; number < 800; ++number) {
    (*sampler)->fill(number, batch);
    for (int32_t sample : batch.samples)
      ++times[sample];
  }
  EXPECT_EQ(times.count(10), 0u);
  EXPECT_EQ(times.count(13), 0u);
  // 80000 draws: a deviation of 4.5 standard deviations, sqrt(n p (1 - p)) <= 142.
  EXPECT_NEAR(times[11], 10000, 640);
  EXPECT_NEAR(times[12], 20000, 640);
  EXPECT_NEAR(times[14], 50000, 640);
}

TEST(WeightedSampler, RefusesWhatIsNoWeight) {
  std::vector<int32_t> split = {10, 11};
  SamplerRequest wanted = request(SamplerSpec::Weighted, 2);
  EXPECT_THAT(makeWeightedSampler(wanted, split, {1, -2}).message(), HasSubstr("the weight of sample 11 is -2"));
  EXPECT_THAT(makeWeightedSampler(wanted, split, {1, std::nan("")}).message(),
              HasSubstr("the weight of sample 11 is nan"));
  EXPECT_THAT(makeWeightedSampler(wanted, split, {0, 0}).message(), HasSubstr("the 2 weights add up to 0"));
}

// An element is one group; a pass has each once; a large group goes through its samples, a small one repeats them
// evenly.
TEST(GroupSampler, Groups) {
  Data data(unevenLabels());
  SamplerRequest wanted = request(SamplerSpec::Groups, 2);
  wanted.spec.size = 5;
  auto sampler = data.sampler(wanted);
  std::map<int32_t, int> turns, times;
  Batch batch;
  for (int64_t number = 0; number < 18; ++number) { // 36 groups: 12 passes
    sampler->fill(number, batch);
    ASSERT_EQ(batch.samples.size(), 10u);
    for (int element : {0, 1}) {
      int32_t label = data.labels[batch.samples[5 * element]];
      ++turns[label];
      std::set<int32_t> samples(&batch.samples[5 * element], &batch.samples[5 * element] + 5);
      for (int32_t sample : samples)
        EXPECT_EQ(data.labels[sample], label);
      EXPECT_GE(samples.size(), 3u); // a seam may stand in the middle
    }
    for (int32_t sample : batch.samples)
      ++times[sample];
  }
  for (int32_t label : {0, 3, 7})
    EXPECT_EQ(turns[label], 12);
  for (auto [sample, count] : times) // 60 draws of 30, 6 and 4 samples
    EXPECT_EQ(count, data.labels[sample] == 0 ? 2 : data.labels[sample] == 3 ? 10 : 15);
}

// Pairs are of one class and of two in turn, never of a sample with itself; the first of each goes round the split.
TEST(PairSampler, Alternates) {
  Data data(unevenLabels());
  auto sampler = data.sampler(request(SamplerSpec::Pairs, 5));
  std::map<int32_t, int> first;
  Batch batch;
  for (int64_t number = 0; number < 16; ++number) { // 80 pairs: two passes
    sampler->fill(number, batch);
    ASSERT_EQ(batch.samples.size(), 10u);
    for (int64_t i = 0; i < 5; ++i) {
      int32_t a = batch.samples[i], b = batch.samples[5 + i];
      ++first[a];
      EXPECT_NE(a, b);
      EXPECT_EQ(batch.given[i], (number * 5 + i) % 2 == 0);
      EXPECT_EQ(data.labels[a] == data.labels[b], batch.given[i] == 1);
    }
  }
  EXPECT_EQ(first.size(), 40u);
  for (auto [sample, times] : first)
    EXPECT_EQ(times, 2) << sample;
}

TEST(PairSampler, RefusesWhatMakesNoPair) {
  SamplerRequest wanted = request(SamplerSpec::Pairs, 2);
  EXPECT_THAT(makeGroupedSampler(wanted, Data({0, 4, 4, 4}).grouping).message(),
              HasSubstr("all 3 samples have the value 4 of 'label'"));
  EXPECT_THAT(makeGroupedSampler(wanted, Data({0, 4, 4, 5}).grouping).message(),
              HasSubstr("the value 5 of 'label' has a single sample"));
}

// An episode has `ways` classes in class order, numbered by their place; its samples are all different; over many
// episodes every class and sample that can occur does, about equally often.
TEST(EpisodeSampler, Episodes) {
  std::vector<int32_t> labels(1, 9);
  for (int32_t label = 0; label < 6; ++label)
    labels.insert(labels.end(), label == 5 ? 3 : 8, label); // class 5 is too small
  Data data(labels);
  SamplerRequest wanted = request(SamplerSpec::Episodes, 2);
  wanted.spec.ways = 3;
  wanted.spec.shots = 2;
  wanted.spec.queries = 4;
  auto sampler = data.sampler(wanted);
  std::map<int32_t, int> ofClass, ofSample;
  Batch batch;
  for (int64_t number = 0; number < 500; ++number) {
    sampler->fill(number, batch);
    ASSERT_EQ(batch.samples.size(), 36u);
    for (int64_t episode : {0, 1}) {
      std::set<int32_t> samples;
      std::map<int32_t, int32_t> classOf;
      for (bool isQuery : {false, true})
        for (int64_t i = 0, each = isQuery ? 4 : 2; i < 3 * each; ++i) {
          int64_t place = isQuery ? 12 + 12 * episode + i : 6 * episode + i;
          int32_t sample = batch.samples[place];
          EXPECT_EQ(batch.given[place], i / each);
          EXPECT_EQ(batch.passes[place], static_cast<uint32_t>(2 * number + episode));
          samples.insert(sample);
          ++ofSample[sample];
          auto [known, isNew] = classOf.emplace(batch.given[place], data.labels[sample]);
          EXPECT_EQ(known->second, data.labels[sample]);
        }
      EXPECT_EQ(samples.size(), 18u);
      std::set<int32_t> classes;
      for (auto [way, label] : classOf)
        classes.insert(label);
      EXPECT_EQ(classes.size(), 3u);
      for (int32_t label : classes)
        ++ofClass[label];
    }
  }
  EXPECT_EQ(ofClass.count(5), 0u);
  for (int32_t label = 0; label < 5; ++label)
    EXPECT_NEAR(ofClass[label], 600, 70); // of 1000 episodes 3/5: 4.5 times sqrt(1000 * 0.24)
  for (auto [sample, times] : ofSample)
    EXPECT_NEAR(times, 450, 95) << sample; // of 600 episodes 6/8 of its class
}

TEST(EpisodeSampler, RefusesTooSmallSplits) {
  SamplerRequest wanted = request(SamplerSpec::Episodes, 1);
  wanted.spec.ways = 2;
  wanted.spec.shots = 1;
  wanted.spec.queries = 2;
  EXPECT_THAT(makeGroupedSampler(wanted, Data({0, 4, 4, 4, 5, 5, 6}).grouping).message(),
              HasSubstr("an episode has 2 classes of 3 samples (1 shots and 2 queries), and 1 of the 3 classes of "
                        "'label' have so many (the largest has 3)"));
}

// How many elements a pass has, and what an element is made of.
TEST(Samplers, Elements) {
  Data data(unevenLabels());
  SamplerSpec spec;
  EXPECT_EQ(elementsOf(spec, 40, nullptr), 40);
  spec.kind = SamplerSpec::Groups;
  spec.size = 5;
  EXPECT_EQ(elementsOf(spec, 40, data.grouping.get()), 3);
  EXPECT_EQ(partsOf(spec).size(), 1u);
  spec.kind = SamplerSpec::Episodes;
  spec.ways = 2;
  spec.shots = 1;
  spec.queries = 5;
  EXPECT_EQ(elementsOf(spec, 40, nullptr), 3);
  EXPECT_EQ(elementsOf(spec, 4, nullptr), 1);
  EXPECT_EQ(partsOf(spec)[0].samples, 2);
  EXPECT_EQ(partsOf(spec)[1].samples, 10);
  spec.count = 600;
  EXPECT_EQ(elementsOf(spec, 40, nullptr), 600);
}
