// How much a gain would differ on other samples: the paired bootstrap (Efron 1979; for systems on one test set Koehn
// 2004).
//
// The samples of an evaluation are drawn with replacement, as many as there are, and its figures are made of their
// rows again; model and baseline see the same draws, so what both find hard cancels in the difference. The draws come
// from a key of the round and the source alone: neither --seed nor the model moves them.
#ifndef XFER_RUNTIME_PROGRAM_BOOTSTRAP_H
#define XFER_RUNTIME_PROGRAM_BOOTSTRAP_H

#include <cstdint>
#include <string_view>
#include <vector>

namespace xfer::rt {

// The middle 95 % of the differences.
struct Interval {
  double low = 0, high = 0;
};

// Rounds for rows of so many bytes altogether: 1000, fewer (at least 100) where copying them would take seconds.
unsigned bootstrapRounds(uint64_t bytes);

// Places of the samples of one source in a round, count of 0 .. count - 1.
std::vector<uint32_t> bootstrapDraw(std::string_view source, unsigned round, uint32_t count);

// Percentiles 2.5 and 97.5, between neighbours in proportion; of numbers alone, not numbers on both sides if most are
// none.
Interval percentileInterval(std::vector<double> values);

} // namespace xfer::rt

#endif
