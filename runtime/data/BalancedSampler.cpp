#include "runtime/data/GroupedSamplers.h"

namespace xfer::rt {

BalancedSampler::BalancedSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping)
    : grouping(std::move(grouping)), batchSize(request.batch), streams(request.key),
      orders(streams, static_cast<size_t>(this->grouping->groupCount())),
      turns(permutation(this->grouping->groupCount(), streams.ofAll())) {}

// How many of the first `drawn` places of an endless round of `classes` fall to the one at `place`.
static int64_t shareOf(int64_t drawn, int64_t place, int64_t classes) {
  return drawn > place ? (drawn - place - 1) / classes + 1 : 0;
}

void BalancedSampler::fill(int64_t number, Batch &batch) {
  int64_t classes = grouping->groupCount(), each = batchSize / classes, left = batchSize % classes;
  std::vector<std::pair<int32_t, uint32_t>> drawn; // sample and pass
  for (int64_t place = 0; place < classes; ++place) {
    int64_t group = turns[place], size = grouping->sizeOf(group);
    int64_t before = shareOf(number * left, place, classes), after = shareOf((number + 1) * left, place, classes);
    for (int64_t turn = number * each + before; turn < (number + 1) * each + after; ++turn)
      drawn.emplace_back(grouping->sample(group, orders.place(group, size, turn)), static_cast<uint32_t>(turn / size));
  }
  batch.samples.resize(batchSize);
  batch.passes.resize(batchSize);
  std::vector<int32_t> order = permutation(batchSize, streams.ofDraw(number));
  for (int64_t i = 0; i < batchSize; ++i)
    std::tie(batch.samples[i], batch.passes[i]) = drawn[order[i]];
}

} // namespace xfer::rt
