#include "runtime/core/Hash.h"
#include <cstring>

namespace xfer::rt {

static constexpr uint64_t prime1 = 0x9E3779B185EBCA87u, prime2 = 0xC2B2AE3D27D4EB4Fu, prime3 = 0x165667B19E3779F9u,
                          prime4 = 0x85EBCA77C2B2AE63u, prime5 = 0x27D4EB2F165667C5u;

static uint64_t rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

template <typename T> static T load(const uint8_t *at) { // little-endian machines only, as the whole runtime
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

static uint64_t absorb(uint64_t lane, uint64_t input) { return rotate(lane + input * prime2, 31) * prime1; }

uint64_t hashBytes(const void *data, uint64_t size, uint64_t seed) {
  auto *at = static_cast<const uint8_t *>(data), *end = at + size;
  uint64_t hash = seed + prime5;
  if (size >= 32) {
    uint64_t lanes[4] = {seed + prime1 + prime2, seed + prime2, seed, seed - prime1};
    for (; end - at >= 32; at += 32)
      for (int i = 0; i < 4; ++i)
        lanes[i] = absorb(lanes[i], load<uint64_t>(at + 8 * i));
    hash = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    for (uint64_t lane : lanes)
      hash = (hash ^ absorb(0, lane)) * prime1 + prime4;
  }
  hash += size;
  for (; end - at >= 8; at += 8)
    hash = rotate(hash ^ absorb(0, load<uint64_t>(at)), 27) * prime1 + prime4;
  if (end - at >= 4) {
    hash = rotate(hash ^ (load<uint32_t>(at) * prime1), 23) * prime2 + prime3;
    at += 4;
  }
  for (; at != end; ++at)
    hash = rotate(hash ^ (*at * prime5), 11) * prime1;
  hash = (hash ^ (hash >> 33)) * prime2;
  hash = (hash ^ (hash >> 29)) * prime3;
  return hash ^ (hash >> 32);
}

std::string hexOf(uint64_t hash) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, hash >>= 4)
    text[i] = "0123456789abcdef"[hash & 15];
  return text;
}

} // namespace xfer::rt
