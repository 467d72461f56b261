// The samplers that a program asks for by name: `on mnist.train by balanced(label) batch 64`.
//
// An element of a batch is a sample (balanced, weighted) or is made of several: the samples of one group, the two of a
// pair, the support and the query of an episode. All are endless and functions of the number of the batch.
//   balanced   Every class that occurs has the same share of every batch: with C classes, batch / C samples each; what
//              is left over goes round the classes, so that C batches hold each equally often. The samples of a class
//              follow each other in fresh permutations.
//   weighted   Each element is drawn alone, with replacement, in proportion to its weight.
//   groups     An element is a value of the field with `size` of its samples. Groups are drawn as samples are without
//              a sampler; the samples of a group follow each other in permutations from one of its turns to the next,
//              so that a group of fewer than `size` repeats its own evenly.
//   pairs      The first samples are drawn as without a sampler. The second one is, in turn, another sample of the same
//              class and one of another class, each sample with the same chance.
//   episodes   `ways` classes, in random order, of those with at least shots + queries samples; of each, `shots`
//              samples for the support and `queries` others for the query, class by class. The classes are numbered
//              from 0 in the order in which they were drawn.
#ifndef XFER_RUNTIME_DATA_SAMPLERS_H
#define XFER_RUNTIME_DATA_SAMPLERS_H

#include "runtime/data/Grouping.h"
#include "runtime/data/Sampler.h"

namespace xfer::rt {

struct SamplerSpec {
  enum Kind { Plain, Balanced, Weighted, Groups, Pairs, Episodes } kind = Plain;
  std::string field;                        // a class or an int; not of `weighted`
  int64_t size = 0;                         // of `groups`
  int64_t ways = 0, shots = 0, queries = 0; // of `episodes`
  int64_t count = 0;                        // elements of a pass; 0: as many as the samples suffice for
};

// The samples of an element that have one name: its part "support". Nested: their fields have an axis of `samples`
// behind that of the batch.
struct SamplerPart {
  std::string name;
  int64_t samples = 1;
  bool nested = false;
};
std::vector<SamplerPart> partsOf(const SamplerSpec &spec);

// "samples", "groups", ..
std::string elementsName(const SamplerSpec &spec);

// How many elements a pass over the source has; `grouping` may be null where the sampler needs none.
int64_t elementsOf(const SamplerSpec &spec, int64_t samples, const Grouping *grouping);

struct SamplerRequest {
  SamplerSpec spec;
  int64_t batch = 1;
  SourceKey key;
  bool leads = false; // as of a PermutationSampler, for elements instead of samples
  int64_t batchesPerPass = 0;
};

// Fails where the data do not suffice, with numbers. The grouping is shared by all sources that use it.
Expected<std::unique_ptr<Sampler>> makeGroupedSampler(const SamplerRequest &request,
                                                      std::shared_ptr<const Grouping> grouping);
// One weight a sample of the split.
Expected<std::unique_ptr<Sampler>> makeWeightedSampler(const SamplerRequest &request, const std::vector<int32_t> &split,
                                                       const std::vector<double> &weights);

} // namespace xfer::rt

#endif
