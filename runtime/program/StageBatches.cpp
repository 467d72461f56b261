#include "runtime/program/StageBatches.h"
#include "runtime/core/Hash.h"

namespace xfer::rt {

// The key of a permutation: no sample has this number.
static constexpr uint64_t orderNumber = ~uint64_t(0);

Expected<StageBatches> StageBatches::plan(const StageSpec &stage, const OpenedData &data, uint64_t seed, uint32_t run) {
  StageBatches batches;
  size_t longest = 0;
  int64_t most = -1;
  for (size_t i = 0; i < stage.sources.size(); ++i) {
    const SourceSpec &source = stage.sources[i];
    const std::vector<int32_t> &numbers = data.split(source);
    if (numbers.empty())
      return failure("stage '{}': split '{}' of domain '{}' has no samples", stage.name, source.split, source.domain);
    uint64_t perStep = static_cast<uint64_t>(source.batch) * static_cast<uint64_t>(source.draws);
    int64_t steps = static_cast<int64_t>(numbers.size() / perStep);
    if (stage.epochBy.empty() ? steps > most : stage.epochBy == source.name) {
      most = steps;
      longest = i;
    }
    batches.streams.push_back({&numbers,
                               SampleKeys(seed, hashName(stage.key), run, hashName(source.name)),
                               static_cast<uint64_t>(source.batch),
                               static_cast<uint64_t>(source.draws),
                               false,
                               -1,
                               {}});
  }
  if (most == 0)
    return failure("stage '{}': source '{}' has {} samples, fewer than one step takes ({})", stage.name,
                   stage.sources[longest].name, batches.streams[longest].numbers->size(),
                   batches.streams[longest].batch * batches.streams[longest].draws);
  batches.epochSteps = most;
  batches.streams[longest].setsEpoch = true;
  return batches;
}

SampleRef StageBatches::at(Stream &stream, uint64_t pass, uint64_t position) {
  if (stream.pass != static_cast<int64_t>(pass)) {
    stream.order = *stream.numbers;
    PhiloxStream random(stream.keys(static_cast<uint32_t>(pass), orderNumber));
    for (size_t i = stream.order.size(); i > 1; --i)
      std::swap(stream.order[i - 1], stream.order[random.below(static_cast<uint32_t>(i))]);
    stream.pass = static_cast<int64_t>(pass);
  }
  return {stream.order[position], static_cast<uint32_t>(pass)};
}

void StageBatches::pick(size_t source, int64_t step, int draw, std::vector<SampleRef> &samples) {
  Stream &stream = streams[source];
  samples.clear();
  uint64_t size = stream.numbers->size();
  for (uint64_t i = 0; i < stream.batch; ++i) {
    if (stream.setsEpoch) {
      uint64_t inEpoch = static_cast<uint64_t>(step % epochSteps);
      samples.push_back(at(stream, static_cast<uint64_t>(step / epochSteps),
                           (inEpoch * stream.draws + static_cast<uint64_t>(draw)) * stream.batch + i));
    } else {
      uint64_t place = (static_cast<uint64_t>(step) * stream.draws + static_cast<uint64_t>(draw)) * stream.batch + i;
      samples.push_back(at(stream, place / size, place % size));
    }
  }
}

} // namespace xfer::rt
