// Which samples the batches of a training stage hold. A pure function of the step: a run that is resumed at a step goes
// on with the same batches. Samplers.h has those that a program asks for by name; without one, permutations are drawn:
//
// Every source is an endless sequence of passes, each a fresh permutation of its split. One source leads: it sets the
// epoch and drops what does not fill its last batch, so that its batches start anew with each epoch. The batches of the
// others follow each other without a gap, across the seams of their passes. Example with 5 samples, batches of 2:
//   leads:    | a c | e b | (d)  | b e | a d | (c)        2 steps an epoch, d and c are dropped
//   follows:  | a c | e b | d | b | e a | d c |           the third batch crosses from pass 0 to pass 1
#ifndef XFER_RUNTIME_DATA_SAMPLER_H
#define XFER_RUNTIME_DATA_SAMPLER_H

#include "runtime/core/Philox.h"
#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

// What decides the random order of a source: see Philox.h.
struct SourceKey {
  uint64_t seed = 0, stage = 0; // stage: hashName of its key
  uint32_t run = 0;
  uint64_t source = 0; // hashName of its name
};

// A random order of 0 .. count - 1 (Fisher and Yates).
std::vector<int32_t> permutation(int64_t count, PhiloxStream random);
// The order of one pass.
std::vector<int32_t> permutation(int64_t count, const SourceKey &key, uint32_t pass);

// The samples of one batch, and what compiled code needs to know of each. Where an element of the batch is made of
// several samples, those of one part (Samplers.h) lie together: all of the first part, then all of the second.
struct Batch {
  std::vector<int32_t> samples;
  std::vector<uint32_t> passes; // of the source, one a sample: the epoch of its random keys
  std::vector<int32_t> given;   // what the sampler says: of each sample its class in an episode, of each pair 'same'
};

class Sampler {
public:
  virtual ~Sampler() = default;
  // Batch number `number` of the stage.
  virtual void fill(int64_t number, Batch &batch) = 0;
};

class PermutationSampler : public Sampler {
public:
  // `split` must outlive the sampler. A leading source has a gap after every `batchesPerPass` batches.
  PermutationSampler(const std::vector<int32_t> &split, int64_t batch, const SourceKey &key, bool leads,
                     int64_t batchesPerPass);
  void fill(int64_t number, Batch &batch) override;

private:
  const std::vector<int32_t> &orderOf(uint32_t pass);
  const std::vector<int32_t> &split;
  int64_t batchSize;
  SourceKey key;
  bool leads;
  int64_t batchesPerPass;
  std::vector<int32_t> orders[2]; // of the last two passes asked for
  int64_t orderPasses[2] = {-1, -1};
  int oldest = 0;
};

struct PlannedSource {
  std::string name;
  int64_t count = 0, batch = 0; // samples, or what else its batches are made of
  int64_t draws = 1;            // batches a step
  std::string elements = "samples";
};

// Who leads, and how many steps an epoch has.
struct BatchPlan {
  size_t leader = 0;
  int64_t stepsPerEpoch = 0;

  // The source with most steps leads, the first of equals, unless `epochBy` names one. A leading source that cannot
  // fill the batches of one step is refused.
  static Expected<BatchPlan> make(const std::vector<PlannedSource> &sources, const std::string &epochBy);
};

// For evaluation: the samples first .. first + batch - 1 of a split, the last one repeated beyond the end. Gives the
// number of real ones.
int64_t sequentialBatch(const std::vector<int32_t> &split, int64_t first, int64_t batch, std::vector<int32_t> &samples);

} // namespace xfer::rt

#endif
