#include "runtime/data/GroupedSamplers.h"
#include <numeric>

namespace xfer::rt {

static std::vector<int32_t> numbersBelow(int64_t count) {
  std::vector<int32_t> numbers(static_cast<size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

GroupSampler::GroupSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping)
    : grouping(std::move(grouping)), size(request.spec.size),
      orders(SamplerStreams(request.key), static_cast<size_t>(this->grouping->groupCount())),
      numbers(numbersBelow(this->grouping->groupCount())),
      groups(numbers, request.batch, request.key, request.leads, request.batchesPerPass) {}

void GroupSampler::fill(int64_t number, Batch &batch) {
  Batch drawn;
  groups.fill(number, drawn);
  batch.samples.clear();
  batch.passes.clear();
  for (size_t i = 0; i < drawn.samples.size(); ++i) {
    int64_t group = drawn.samples[i], members = grouping->sizeOf(group);
    int64_t begin = static_cast<int64_t>(drawn.passes[i]) * size;
    for (int64_t turn = begin; turn < begin + size; ++turn) {
      batch.samples.push_back(grouping->sample(group, orders.place(group, members, turn)));
      batch.passes.push_back(static_cast<uint32_t>(turn / members));
    }
  }
}

PairSampler::PairSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping)
    : grouping(std::move(grouping)), batchSize(request.batch), streams(request.key),
      ranks(numbersBelow(this->grouping->sampleCount())),
      first(ranks, request.batch, request.key, request.leads, request.batchesPerPass) {}

Status PairSampler::check(const SamplerSpec &spec, const Grouping &grouping) {
  if (grouping.groupCount() < 2)
    return failure("all {} samples have the value {} of '{}', and every other pair is one of two values; draw from a "
                   "split with several",
                   grouping.sampleCount(), grouping.value(0), spec.field);
  for (int64_t group = 0; group < grouping.groupCount(); ++group)
    if (grouping.sizeOf(group) < 2)
      return failure("the value {} of '{}' has a single sample, which makes no pair; draw from a split where each has "
                     "two or more",
                     grouping.value(group), spec.field);
  return Status::success();
}

// The place among all samples of the other half of a pair.
int64_t PairSampler::partner(int64_t rank, bool same, PhiloxStream random) const {
  int64_t group = grouping->groupAt(rank), start = grouping->start(group), size = grouping->sizeOf(group);
  if (same) {
    int64_t other = start + random.below(static_cast<uint32_t>(size - 1));
    return other < rank ? other : other + 1;
  }
  int64_t other = random.below(static_cast<uint32_t>(grouping->sampleCount() - size));
  return other < start ? other : other + size;
}

void PairSampler::fill(int64_t number, Batch &batch) {
  first.fill(number, batch);
  batch.samples.resize(2 * batchSize);
  batch.passes.resize(2 * batchSize);
  batch.given.resize(batchSize);
  for (int64_t i = 0; i < batchSize; ++i) {
    int64_t pair = number * batchSize + i;
    bool same = pair % 2 == 0;
    int64_t rank = batch.samples[i];
    batch.samples[i] = grouping->all()[rank];
    batch.samples[batchSize + i] = grouping->all()[partner(rank, same, streams.ofDraw(pair))];
    batch.passes[i] = batch.passes[batchSize + i] = static_cast<uint32_t>(pair);
    batch.given[i] = same;
  }
}

} // namespace xfer::rt
