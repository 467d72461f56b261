// Counter-based random numbers: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
//
// A key of four words stands for an endless sequence: word e of key (k0, k1, k2, k3) is word e % 4 of
// philox(counter = (e / 4 low, e / 4 high, k2, k3), key = (k0, k1)). Compiled code draws in the same way, with the site
// of the draw added to (k0, k1) by exclusive or; so nothing depends on the order in which anything is computed.
//
// Keys are made by makeStepKey and SampleKeys: a message authentication code (CBC) with Philox as the block cipher and
// the seed of the run as its key. The first block is (stage, source), the second (run, epoch, number):
//   step key:    source 0, epoch 0, number = step
//   sample key:  source = hash of its name, epoch = the source's own pass, number = the sample's index in its domain
// For one seed Philox is a bijection, so two samples, epochs or runs of a stage never share a key.
#ifndef XFER_RUNTIME_CORE_PHILOX_H
#define XFER_RUNTIME_CORE_PHILOX_H

#include <array>
#include <cstdint>

namespace xfer::rt {

using PhiloxKey = std::array<uint32_t, 4>; // what compiled code takes as i32[4]

inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, uint32_t key0, uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    uint64_t first = uint64_t(0xD2511F53u) * counter[0], second = uint64_t(0xCD9E8D57u) * counter[2];
    counter = {uint32_t(second >> 32) ^ counter[1] ^ key0, uint32_t(second), uint32_t(first >> 32) ^ counter[3] ^ key1,
               uint32_t(first)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

// The sequence of a key, in order.
class PhiloxStream {
public:
  explicit PhiloxStream(PhiloxKey key) : key(key) {}

  uint32_t next() {
    if (position % 4 == 0)
      words = philox({uint32_t(position / 4), uint32_t((position / 4) >> 32), key[2], key[3]}, key[0], key[1]);
    return words[position++ % 4];
  }

  // Uniform in 0 .. bound - 1 without bias (Lemire 2019); bound is at least 1.
  uint32_t below(uint32_t bound) {
    uint64_t product = uint64_t(next()) * bound;
    if (uint32_t(product) < bound)
      for (uint32_t reject = -bound % bound; uint32_t(product) < reject;)
        product = uint64_t(next()) * bound;
    return uint32_t(product >> 32);
  }

private:
  PhiloxKey key;
  std::array<uint32_t, 4> words{};
  uint64_t position = 0;
};

// The samples of one source in one run of a stage; `stage` and `source` are hashes of their names (Hash.h).
class SampleKeys {
public:
  SampleKeys(uint64_t seed, uint64_t stage, uint32_t run, uint64_t source);
  PhiloxKey operator()(uint32_t epoch, uint64_t sample) const;

private:
  uint32_t seed0, seed1;
  std::array<uint32_t, 4> start;
};

PhiloxKey makeStepKey(uint64_t seed, uint64_t stage, uint32_t run, uint64_t step);

} // namespace xfer::rt

#endif
