// How the batches of a source are drawn: by its sampler if it has one, else by permutations.
#ifndef XFER_RUNTIME_PROGRAM_SOURCESAMPLER_H
#define XFER_RUNTIME_PROGRAM_SOURCESAMPLER_H

#include "runtime/program/Data.h"

namespace xfer::rt {

// How many elements (samples, groups, episodes, ..) a pass over the source has.
Expected<int64_t> elementsOf(const OpenedData &data, const SourceSpec &source);

// `leads`, `batchesPerPass`: as of a PermutationSampler. Weights that are computed are computed now.
Expected<std::unique_ptr<Sampler>> makeSampler(Session &session, const OpenedData &data, const SourceSpec &source,
                                               const SourceKey &key, bool leads, int64_t batchesPerPass);

// The key by which passes draw: another one than any stage's, and always the same, so that figures of different epochs,
// points of a sweep and baselines are of the same elements.
SourceKey drawnKey(const Session &session, const SourceSpec &source);

} // namespace xfer::rt

#endif
