// Immutable bytes that keep their owner alive: a mapped file, a part of one, or memory.
#ifndef XFER_RUNTIME_CORE_BYTES_H
#define XFER_RUNTIME_CORE_BYTES_H

#include <cassert>
#include <cstdint>
#include <memory>
#include <string_view>

namespace xfer::rt {

struct Bytes {
  const uint8_t *data = nullptr;
  uint64_t size = 0;
  std::shared_ptr<const void> owner;

  Bytes slice(uint64_t offset, uint64_t length) const {
    assert(offset <= size && length <= size - offset && "slice outside of the bytes");
    return {data + offset, length, owner};
  }
  std::string_view text() const { return {reinterpret_cast<const char *>(data), size}; }
};

} // namespace xfer::rt

#endif
