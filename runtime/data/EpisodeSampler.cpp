#include "runtime/data/GroupedSamplers.h"
#include <algorithm>
#include <numeric>

namespace xfer::rt {

static bool hasEnough(const SamplerSpec &spec, const Grouping &grouping, int64_t group) {
  return grouping.sizeOf(group) >= spec.shots + spec.queries;
}

EpisodeSampler::EpisodeSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping)
    : grouping(std::move(grouping)), spec(request.spec), batchSize(request.batch), streams(request.key) {
  int64_t most = 0;
  for (int64_t group = 0; group < this->grouping->groupCount(); ++group)
    if (hasEnough(spec, *this->grouping, group)) {
      classes.push_back(static_cast<int32_t>(group));
      most = std::max(most, this->grouping->sizeOf(group));
    }
  scratch.resize(std::max<size_t>(classes.size(), static_cast<size_t>(most)));
  std::iota(scratch.begin(), scratch.end(), 0);
}

Status EpisodeSampler::check(const SamplerSpec &spec, const Grouping &grouping) {
  int64_t enough = 0, most = 0;
  for (int64_t group = 0; group < grouping.groupCount(); ++group) {
    enough += hasEnough(spec, grouping, group);
    most = std::max(most, grouping.sizeOf(group));
  }
  if (enough >= spec.ways)
    return Status::success();
  return failure("an episode has {} classes of {} samples ({} shots and {} queries), and {} of the {} classes of '{}' "
                 "have so many (the largest has {}); take fewer ways, shots or queries, or a larger split",
                 spec.ways, spec.shots + spec.queries, spec.shots, spec.queries, enough, grouping.groupCount(),
                 spec.field, most);
}

// The first `count` of a random order of 0 .. of - 1; only they are drawn.
void EpisodeSampler::pick(int64_t count, int64_t of, PhiloxStream &random, std::vector<int32_t> &picked) {
  std::vector<int64_t> swapped(static_cast<size_t>(count));
  picked.resize(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    swapped[i] = i + random.below(static_cast<uint32_t>(of - i));
    std::swap(scratch[i], scratch[swapped[i]]);
    picked[i] = scratch[i];
  }
  for (int64_t i = count - 1; i >= 0; --i)
    std::swap(scratch[i], scratch[swapped[i]]);
}

void EpisodeSampler::fill(int64_t number, Batch &batch) {
  int64_t support = spec.ways * spec.shots, query = spec.ways * spec.queries;
  int64_t total = batchSize * (support + query);
  batch.samples.resize(total);
  batch.passes.resize(total);
  batch.given.resize(total);
  std::vector<int32_t> ways, members;
  for (int64_t i = 0; i < batchSize; ++i) {
    int64_t episode = number * batchSize + i;
    PhiloxStream random = streams.ofDraw(episode);
    pick(spec.ways, static_cast<int64_t>(classes.size()), random, ways);
    int64_t nextSupport = i * support, nextQuery = batchSize * support + i * query;
    for (int64_t way = 0; way < spec.ways; ++way) {
      int64_t group = classes[ways[way]];
      pick(spec.shots + spec.queries, grouping->sizeOf(group), random, members);
      for (int64_t k = 0; k < spec.shots + spec.queries; ++k) {
        int64_t place = k < spec.shots ? nextSupport++ : nextQuery++;
        batch.samples[place] = grouping->sample(group, members[k]);
        batch.passes[place] = static_cast<uint32_t>(episode);
        batch.given[place] = static_cast<int32_t>(way);
      }
    }
  }
}

} // namespace xfer::rt
