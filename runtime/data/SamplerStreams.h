// The random sequences of one source's sampler, each with a key of its own.
#ifndef XFER_RUNTIME_DATA_SAMPLERSTREAMS_H
#define XFER_RUNTIME_DATA_SAMPLERSTREAMS_H

#include "runtime/data/Sampler.h"

namespace xfer::rt {

class SamplerStreams {
public:
  explicit SamplerStreams(const SourceKey &key) : keys(key.seed, key.stage, key.run, key.source) {}

  // They stand where no sample's number can: those have 31 bits.
  PhiloxStream ofGroup(int64_t group, int64_t pass) const { return at(1, static_cast<uint64_t>(group), pass); }
  PhiloxStream ofDraw(int64_t number) const { return at(2, static_cast<uint64_t>(number) >> 32, number); }
  PhiloxStream ofAll() const { return at(3, 0, 0); }

private:
  PhiloxStream at(uint64_t purpose, uint64_t number, int64_t pass) const {
    return PhiloxStream(keys(static_cast<uint32_t>(pass), purpose << 40 | number));
  }
  SampleKeys keys;
};

// The members of groups in fresh permutations of each: member number `turn` of a group, for turns that mostly rise.
class GroupOrders {
public:
  GroupOrders(const SamplerStreams &streams, size_t groups) : streams(streams), orders(groups), passes(groups, -1) {}

  int64_t place(int64_t group, int64_t size, int64_t turn) {
    if (int64_t pass = turn / size; passes[group] != pass) {
      orders[group] = permutation(size, streams.ofGroup(group, pass));
      passes[group] = pass;
    }
    return orders[group][turn % size];
  }

private:
  SamplerStreams streams;
  std::vector<std::vector<int32_t>> orders;
  std::vector<int64_t> passes;
};

} // namespace xfer::rt

#endif
