// The one hash of the runtime: XXH64 (Collet, xxHash specification 0.1.1). It is part of every file format and of every
// random key, so it never changes. Not cryptographic: it finds damage, not forgery.
#ifndef XFER_RUNTIME_CORE_HASH_H
#define XFER_RUNTIME_CORE_HASH_H

#include <cstdint>
#include <string>
#include <string_view>

namespace xfer::rt {

uint64_t hashBytes(const void *data, uint64_t size, uint64_t seed = 0);

// Names of stages, sources, splits in random keys.
inline uint64_t hashName(std::string_view name) { return hashBytes(name.data(), name.size()); }

// 16 lower-case hexadecimal digits.
std::string hexOf(uint64_t hash);

// Finaliser of splitmix64: a bijection that spreads neighbouring numbers over all 64 bits.
inline uint64_t mixBits(uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

} // namespace xfer::rt

#endif
