#include "runtime/program/Buffer.h"
#include <cstring>

namespace xfer::rt {

std::optional<uint64_t> bytesOfAll(uint64_t count, uint64_t bytes) {
  constexpr uint64_t most = uint64_t(1) << 50;
  if (count != 0 && bytes > most / count)
    return std::nullopt;
  return count * bytes;
}

Expected<Buffer> Buffer::allocate(uint64_t bytes, std::string_view what, bool zeroed) {
  // An empty tensor still has an address, and a whole line is always there to be read.
  uint64_t padded = (bytes + XFER_ALIGNMENT - 1) / XFER_ALIGNMENT * XFER_ALIGNMENT;
  if (padded < bytes || padded > (uint64_t(1) << 62))
    return failure("{} needs {} bytes, more than a machine has", what, bytes);
  if (padded == 0)
    padded = XFER_ALIGNMENT;
  Buffer buffer;
  buffer.memory.reset(std::aligned_alloc(XFER_ALIGNMENT, padded));
  if (!buffer.memory)
    return failure("{} needs {} bytes, which this machine does not have free", what, bytes);
  if (zeroed)
    std::memset(buffer.memory.get(), 0, padded);
  buffer.bytes = bytes;
  return buffer;
}

} // namespace xfer::rt
