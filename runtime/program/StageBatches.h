// Which samples a training step sees: a pure function of the seed, the stage, its run and the step, so that a resumed
// run needs nothing but the number of its step.
//
// The source with most batches sets the epoch (or the one that `epoch by` names): each epoch is a permutation of it
// whose last partial batch is dropped. The others are endless: one permutation after the other, batches cross the seam.
//   Example: sources of 10 and 4 samples, batch 3: an epoch has 3 steps, and in step 1 the second source gives the last
//   sample of its pass 0 and the first two of its pass 1.
#ifndef XFER_RUNTIME_PROGRAM_STAGEBATCHES_H
#define XFER_RUNTIME_PROGRAM_STAGEBATCHES_H

#include "runtime/program/BatchInput.h"

namespace xfer::rt {

class StageBatches {
public:
  static Expected<StageBatches> plan(const StageSpec &stage, const OpenedData &data, uint64_t seed, uint32_t run);

  int64_t stepsPerEpoch() const { return epochSteps; }
  // Samples of draw `draw` in step `step` for the source at this position. Steps are asked for in rising order.
  void pick(size_t source, int64_t step, int draw, std::vector<SampleRef> &samples);
  const SampleKeys &keys(size_t source) const { return streams[source].keys; }

private:
  struct Stream {
    const std::vector<int32_t> *numbers;
    SampleKeys keys;
    uint64_t batch, draws;
    bool setsEpoch = false;
    int64_t pass = -1; // of which `order` is the permutation
    std::vector<int32_t> order;
  };
  SampleRef at(Stream &stream, uint64_t pass, uint64_t position);

  std::vector<Stream> streams;
  int64_t epochSteps = 0;
};

} // namespace xfer::rt

#endif
