// The samples of a split by the value of a field: what samplers that know of classes or groups draw from.
#ifndef XFER_RUNTIME_DATA_GROUPING_H
#define XFER_RUNTIME_DATA_GROUPING_H

#include "runtime/data/Reader.h"

namespace xfer::rt {

class Grouping {
public:
  // Groups by a scalar field of integers. Groups stand in the order of their values, samples of a group in the order of
  // the split.
  static Expected<Grouping> make(const Reader &reader, const std::vector<int32_t> &split, const std::string &field);

  int64_t groupCount() const { return static_cast<int64_t>(starts.size()) - 1; }
  int64_t sampleCount() const { return static_cast<int64_t>(samples.size()); }
  int64_t sizeOf(int64_t group) const { return starts[group + 1] - starts[group]; }
  int32_t value(int64_t group) const { return values[group]; }
  int64_t start(int64_t group) const { return starts[group]; }
  // Sample number `place` of a group.
  int32_t sample(int64_t group, int64_t place) const { return samples[starts[group] + place]; }
  // All samples, those of one group together, and the group of the one at `rank` there.
  const std::vector<int32_t> &all() const { return samples; }
  int64_t groupAt(int64_t rank) const;

private:
  std::vector<int32_t> samples, values;
  std::vector<int64_t> starts;
};

} // namespace xfer::rt

#endif
