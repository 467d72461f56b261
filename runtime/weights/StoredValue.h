// Single values of stored tensors, which need not be aligned.
#ifndef XFER_RUNTIME_WEIGHTS_STOREDVALUE_H
#define XFER_RUNTIME_WEIGHTS_STOREDVALUE_H

#include "runtime/core/Half.h"
#include "runtime/core/StoredType.h"
#include <cstring>

namespace xfer::rt {

template <typename T> T loadUnaligned(const uint8_t *at) {
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

inline bool isFloat(StoredType type) { return type >= StoredType::F16 && type <= StoredType::F64; }

// Of a floating-point type, exactly.
inline double floatAt(StoredType type, const uint8_t *at) {
  switch (type) {
  case StoredType::F16:
    return floatOfHalf(loadUnaligned<uint16_t>(at));
  case StoredType::BF16:
    return floatOfBfloat(loadUnaligned<uint16_t>(at));
  case StoredType::F32:
    return loadUnaligned<float>(at);
  default:
    return loadUnaligned<double>(at);
  }
}

// Of an integer type. u64 values beyond the signed range come out negative and are told apart by the caller.
inline int64_t integerAt(StoredType type, const uint8_t *at) {
  switch (type) {
  case StoredType::U8:
  case StoredType::Bool:
    return *at;
  case StoredType::I8:
    return static_cast<int8_t>(*at);
  case StoredType::U16:
    return loadUnaligned<uint16_t>(at);
  case StoredType::I16:
    return loadUnaligned<int16_t>(at);
  case StoredType::U32:
    return loadUnaligned<uint32_t>(at);
  case StoredType::I32:
    return loadUnaligned<int32_t>(at);
  default:
    return loadUnaligned<int64_t>(at);
  }
}

} // namespace xfer::rt

#endif
