// The element types that data and weight files hold; the runtime computes with fewer (ElementType.h).
#ifndef XFER_RUNTIME_CORE_STOREDTYPE_H
#define XFER_RUNTIME_CORE_STOREDTYPE_H

#include "runtime/core/ElementType.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

enum class StoredType : uint8_t { U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64, Bool };

uint64_t sizeOf(StoredType type);
std::string_view nameOf(StoredType type); // "u8", "f32", ...
std::optional<StoredType> storedTypeOf(std::string_view name);
StoredType storedTypeOf(ElementType type);

// The number of bytes of an array, or nothing if it is out of all proportion (over 2^62) or an extent is negative.
std::optional<uint64_t> bytesOf(StoredType type, const std::vector<int64_t> &shape);

// "[28, 28, 1]", for messages.
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace xfer::rt

#endif
