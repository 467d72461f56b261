#include "runtime/program/Buffer.h"
#include <cstring>
#include <sys/mman.h>

namespace xfer::rt {

std::optional<uint64_t> bytesOfAll(uint64_t count, uint64_t bytes) {
  constexpr uint64_t most = uint64_t(1) << 50;
  if (count != 0 && bytes > most / count)
    return std::nullopt;
  return count * bytes;
}

static uint64_t roundedUp(uint64_t bytes, uint64_t unit) { return (bytes + unit - 1) / unit * unit; }

Expected<Buffer> Buffer::allocate(uint64_t bytes, std::string_view what, bool zeroed) {
  // An empty tensor still has an address, and a whole line is always there to be read.
  uint64_t padded = roundedUp(bytes, XFER_ALIGNMENT);
  if (padded < bytes || padded > (uint64_t(1) << 62))
    return failure("{} needs {} bytes, more than a machine has", what, bytes);
  if (padded == 0)
    padded = XFER_ALIGNMENT;
  // The scratch memory of a wide net is read and written whole in every step; in pages of 4 KiB it has more of them
  // than a CPU remembers. A buffer of few huge pages would leave much of its last one unused.
  constexpr uint64_t hugePage = 2 << 20;
  bool huge = padded >= 4 * hugePage;
  uint64_t alignment = huge ? hugePage : XFER_ALIGNMENT; // of which the size has to be a multiple
  Buffer buffer;
  buffer.memory.reset(std::aligned_alloc(alignment, roundedUp(padded, alignment)));
  if (!buffer.memory)
    return failure("{} needs {} bytes, which this machine does not have free", what, bytes);
#ifdef MADV_HUGEPAGE
  // A kernel without them is slower, not wrong.
  if (huge)
    (void)madvise(buffer.memory.get(), padded, MADV_HUGEPAGE);
#endif
  if (zeroed)
    std::memset(buffer.memory.get(), 0, padded);
  buffer.bytes = bytes;
  return buffer;
}

} // namespace xfer::rt
