// The element types that cross the boundary between a compiled program and the runtime.
#ifndef XFER_RUNTIME_CORE_ELEMENTTYPE_H
#define XFER_RUNTIME_CORE_ELEMENTTYPE_H

#include <cstdint>
#include <optional>
#include <string_view>

namespace xfer::rt {

enum class ElementType : uint8_t { F32, F64, BF16, I32, I64, U8, Bool };

// Bytes of one element; a boolean takes one byte.
constexpr uint64_t sizeOf(ElementType type) {
  switch (type) {
  case ElementType::F64:
  case ElementType::I64:
    return 8;
  case ElementType::F32:
  case ElementType::I32:
    return 4;
  case ElementType::BF16:
    return 2;
  case ElementType::U8:
  case ElementType::Bool:
    return 1;
  }
  return 0;
}

// The name in the manifest: f32 f64 bf16 i32 i64 u8 bool.
std::string_view nameOf(ElementType type);
std::optional<ElementType> elementTypeOf(std::string_view name);

} // namespace xfer::rt

#endif
