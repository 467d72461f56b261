#include "runtime/core/StoredType.h"
#include <algorithm>

namespace xfer::rt {

namespace {
struct StoredTypeInfo {
  std::string_view name;
  uint64_t size;
};
} // namespace

static constexpr StoredTypeInfo storedTypes[] = {{"u8", 1},  {"i8", 1},  {"u16", 2}, {"i16", 2}, {"u32", 4},
                                                 {"i32", 4}, {"u64", 8}, {"i64", 8}, {"f16", 2}, {"bf16", 2},
                                                 {"f32", 4}, {"f64", 8}, {"bool", 1}};

uint64_t sizeOf(StoredType type) { return storedTypes[static_cast<unsigned>(type)].size; }
std::string_view nameOf(StoredType type) { return storedTypes[static_cast<unsigned>(type)].name; }

std::optional<StoredType> storedTypeOf(std::string_view name) {
  auto *found = std::find_if(std::begin(storedTypes), std::end(storedTypes), [&](auto &t) { return t.name == name; });
  if (found == std::end(storedTypes))
    return std::nullopt;
  return static_cast<StoredType>(found - storedTypes);
}

StoredType storedTypeOf(ElementType type) { return *storedTypeOf(nameOf(type)); }

std::string shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::optional<uint64_t> bytesOf(StoredType type, const std::vector<int64_t> &shape) {
  unsigned __int128 bytes = sizeOf(type);
  bool empty = false;
  for (int64_t extent : shape) {
    if (extent < 0)
      return std::nullopt;
    empty |= extent == 0;
    bytes *= static_cast<uint64_t>(std::max<int64_t>(extent, 1));
    if (bytes >> 62)
      return std::nullopt;
  }
  return empty ? 0 : static_cast<uint64_t>(bytes);
}

} // namespace xfer::rt
