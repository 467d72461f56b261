#include "runtime/data/Sampler.h"
#include <algorithm>
#include <cassert>
#include <numeric>

namespace xfer::rt {

// The order of a pass has the key of a sample number that no sample has.
static constexpr uint64_t orderNumber = ~uint64_t(0);

std::vector<int32_t> permutation(int64_t count, PhiloxStream random) {
  std::vector<int32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  for (int64_t last = count - 1; last > 0; --last)
    std::swap(order[last], order[random.below(static_cast<uint32_t>(last + 1))]);
  return order;
}

std::vector<int32_t> permutation(int64_t count, const SourceKey &key, uint32_t pass) {
  return permutation(count, PhiloxStream(SampleKeys(key.seed, key.stage, key.run, key.source)(pass, orderNumber)));
}

PermutationSampler::PermutationSampler(const std::vector<int32_t> &split, int64_t batch, const SourceKey &key,
                                       bool leads, int64_t batchesPerPass)
    : split(split), batchSize(batch), key(key), leads(leads), batchesPerPass(batchesPerPass) {
  assert(!split.empty() && batch > 0 && "nothing to sample");
  assert((!leads || (batchesPerPass > 0 && batchesPerPass * batch <= int64_t(split.size()))) && "too many batches");
}

const std::vector<int32_t> &PermutationSampler::orderOf(uint32_t pass) {
  for (int i : {0, 1})
    if (orderPasses[i] == pass)
      return orders[i];
  int place = oldest;
  oldest = 1 - oldest;
  orders[place] = permutation(split.size(), key, pass);
  orderPasses[place] = pass;
  return orders[place];
}

void PermutationSampler::fill(int64_t number, Batch &batch) {
  int64_t count = split.size();
  batch.samples.resize(batchSize);
  batch.passes.resize(batchSize);
  int64_t pass = leads ? number / batchesPerPass : number * batchSize / count;
  int64_t place = leads ? number % batchesPerPass * batchSize : number * batchSize % count;
  for (int64_t done = 0; done < batchSize; ++pass, place = 0) {
    const std::vector<int32_t> &order = orderOf(static_cast<uint32_t>(pass));
    for (; done < batchSize && place < count; ++done, ++place) {
      batch.samples[done] = split[order[place]];
      batch.passes[done] = static_cast<uint32_t>(pass);
    }
  }
}

Expected<BatchPlan> BatchPlan::make(const std::vector<PlannedSource> &sources, const std::string &epochBy) {
  assert(!sources.empty() && "a stage needs a source");
  auto stepsOf = [](const PlannedSource &source) { return source.count / (source.batch * source.draws); };
  BatchPlan plan;
  for (size_t i = 0; i < sources.size(); ++i)
    if (epochBy.empty() ? stepsOf(sources[i]) > stepsOf(sources[plan.leader]) : sources[i].name == epochBy)
      plan.leader = i;
  const PlannedSource &leader = sources[plan.leader];
  plan.stepsPerEpoch = stepsOf(leader);
  if (plan.stepsPerEpoch == 0)
    return failure("source '{}' has {} {}, which do not fill the {} of one step; take a smaller batch", leader.name,
                   leader.count, leader.elements, leader.batch * leader.draws);
  return plan;
}

int64_t sequentialBatch(const std::vector<int32_t> &split, int64_t first, int64_t batch,
                        std::vector<int32_t> &samples) {
  int64_t real = std::min<int64_t>(batch, split.size() - first);
  assert(real > 0 && "a batch beyond the end");
  samples.assign(split.begin() + first, split.begin() + first + real);
  samples.resize(batch, samples.back());
  return real;
}

} // namespace xfer::rt
