// Bytes that grow while a file is read: in memory at first, beyond a limit in a nameless file of the cache, which the
// system may keep in memory or not as it sees fit.
#ifndef XFER_RUNTIME_CORE_SPILLBUFFER_H
#define XFER_RUNTIME_CORE_SPILLBUFFER_H

#include "runtime/core/Bytes.h"
#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

class SpillBuffer {
public:
  explicit SpillBuffer(uint64_t memoryLimit = uint64_t(64) << 20) : limit(memoryLimit) {}
  SpillBuffer(SpillBuffer &&other) noexcept
      : limit(other.limit), memory(std::move(other.memory)), spilled(other.spilled), file(other.file) {
    other.file = -1;
  }
  ~SpillBuffer();

  Status append(const void *data, uint64_t size);
  // All that was appended, aligned for any type. Nothing may be appended afterwards.
  Expected<Bytes> finish();

private:
  Status spill();
  uint64_t limit;
  std::vector<uint8_t> memory;
  uint64_t spilled = 0; // bytes in the file
  int file = -1;
};

} // namespace xfer::rt

#endif
