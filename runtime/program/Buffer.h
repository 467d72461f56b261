// Memory that compiled code may be given: aligned, owned by one place.
#ifndef XFER_RUNTIME_PROGRAM_BUFFER_H
#define XFER_RUNTIME_PROGRAM_BUFFER_H

#include "xfer/rt/Status.h"
#include "xfer/rt/abi.h"
#include <cstdlib>
#include <memory>
#include <optional>

namespace xfer::rt {

// count * bytes, or nothing if that is more than a machine can have.
std::optional<uint64_t> bytesOfAll(uint64_t count, uint64_t bytes);

class Buffer {
public:
  Buffer() = default;
  // Fails if the machine has not that much memory; `what` is what the memory is for.
  static Expected<Buffer> allocate(uint64_t bytes, std::string_view what, bool zeroed = true);

  void *data() const { return memory.get(); }
  template <typename T> T *as() const { return static_cast<T *>(memory.get()); }
  uint64_t size() const { return bytes; }
  xfer_buffer_t descriptor() const {
    return {memory.get(), bytes, XFER_DEVICE_CPU, XFER_SPACE_HOST, XFER_QUEUE_DEFAULT};
  }

private:
  struct Release {
    void operator()(void *pointer) const { std::free(pointer); }
  };
  std::unique_ptr<void, Release> memory;
  uint64_t bytes = 0;
};

} // namespace xfer::rt

#endif
