#include "runtime/core/Philox.h"

namespace xfer::rt {

SampleKeys::SampleKeys(uint64_t seed, uint64_t stage, uint32_t run, uint64_t source)
    : seed0(uint32_t(seed)), seed1(uint32_t(seed >> 32)) {
  start = philox({uint32_t(stage), uint32_t(stage >> 32), uint32_t(source), uint32_t(source >> 32)}, seed0, seed1);
  start[0] ^= run;
}

PhiloxKey SampleKeys::operator()(uint32_t epoch, uint64_t sample) const {
  return philox({start[0], start[1] ^ epoch, start[2] ^ uint32_t(sample), start[3] ^ uint32_t(sample >> 32)}, seed0,
                seed1);
}

PhiloxKey makeStepKey(uint64_t seed, uint64_t stage, uint32_t run, uint64_t step) {
  return SampleKeys(seed, stage, run, /*source=*/0)(/*epoch=*/0, step);
}

} // namespace xfer::rt
