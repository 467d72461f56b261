// The 16-bit floating-point types of data and weight files, as the bits they are stored in.
#ifndef XFER_RUNTIME_CORE_HALF_H
#define XFER_RUNTIME_CORE_HALF_H

#include <cstdint>
#include <cstring>

namespace xfer::rt {

inline float floatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint32_t bitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// IEEE binary16, exactly.
inline float floatOfHalf(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31) // infinite or not a number
    return floatOfBits(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0)
    return floatOfBits(sign | (exponent + 112) << 23 | fraction << 13);
  float value = static_cast<float>(fraction) * 0x1p-24f; // zero or subnormal
  return sign ? -value : value;
}

// bfloat16, exactly.
inline float floatOfBfloat(uint16_t half) { return floatOfBits(uint32_t(half) << 16); }

// To the nearest bfloat16, ties to even.
inline uint16_t bfloatOfFloat(float value) {
  uint32_t bits = bitsOfFloat(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return uint16_t(bits >> 16 | 64); // stays not a number
  return uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

} // namespace xfer::rt

#endif
