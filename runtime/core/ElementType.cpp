#include "runtime/core/ElementType.h"

namespace xfer::rt {

static constexpr std::string_view names[] = {"f32", "f64", "bf16", "i32", "i64", "u8", "bool"};

std::string_view nameOf(ElementType type) { return names[static_cast<unsigned>(type)]; }

std::optional<ElementType> elementTypeOf(std::string_view name) {
  for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
    if (names[i] == name)
      return static_cast<ElementType>(i);
  return std::nullopt;
}

} // namespace xfer::rt
