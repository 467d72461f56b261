// The samplers that draw from a Grouping; Samplers.h says what each draws, and makes them.
#ifndef XFER_RUNTIME_DATA_GROUPEDSAMPLERS_H
#define XFER_RUNTIME_DATA_GROUPEDSAMPLERS_H

#include "runtime/data/SamplerStreams.h"
#include "runtime/data/Samplers.h"

namespace xfer::rt {

class BalancedSampler : public Sampler {
public:
  BalancedSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping);
  void fill(int64_t number, Batch &batch) override;

private:
  std::shared_ptr<const Grouping> grouping;
  int64_t batchSize;
  SamplerStreams streams;
  GroupOrders orders;
  std::vector<int32_t> turns; // the classes in the order in which they get what is left over
};

class GroupSampler : public Sampler {
public:
  GroupSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping);
  void fill(int64_t number, Batch &batch) override;

private:
  std::shared_ptr<const Grouping> grouping;
  int64_t size;
  GroupOrders orders;
  std::vector<int32_t> numbers; // of the groups
  PermutationSampler groups;
};

class PairSampler : public Sampler {
public:
  PairSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping);
  // Are there two classes, each with two samples?
  static Status check(const SamplerSpec &spec, const Grouping &grouping);
  void fill(int64_t number, Batch &batch) override;

private:
  int64_t partner(int64_t rank, bool same, PhiloxStream random) const;
  std::shared_ptr<const Grouping> grouping;
  int64_t batchSize;
  SamplerStreams streams;
  std::vector<int32_t> ranks;
  PermutationSampler first;
};

class EpisodeSampler : public Sampler {
public:
  EpisodeSampler(const SamplerRequest &request, std::shared_ptr<const Grouping> grouping);
  // Are there enough classes with enough samples?
  static Status check(const SamplerSpec &spec, const Grouping &grouping);
  void fill(int64_t number, Batch &batch) override;

private:
  void pick(int64_t count, int64_t of, PhiloxStream &random, std::vector<int32_t> &picked);
  std::shared_ptr<const Grouping> grouping;
  SamplerSpec spec;
  int64_t batchSize;
  SamplerStreams streams;
  std::vector<int32_t> classes; // groups with enough samples
  std::vector<int32_t> scratch; // 0, 1, ..
};

} // namespace xfer::rt

#endif
