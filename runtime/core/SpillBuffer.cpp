#include "runtime/core/SpillBuffer.h"
#include "runtime/core/File.h"
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace xfer::rt {

SpillBuffer::~SpillBuffer() {
  if (file >= 0)
    close(file);
}

Status SpillBuffer::append(const void *data, uint64_t size) {
  auto *from = static_cast<const uint8_t *>(data);
  memory.insert(memory.end(), from, from + size);
  return memory.size() > limit ? spill() : Status::success();
}

Status SpillBuffer::spill() {
  if (file < 0) {
    Expected<std::string> cache = cacheFolder();
    if (!cache)
      return cache.status();
    file = open(cache->c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0) { // not every file system has files that never had a name
      std::string pattern = joinPath(*cache, "spill-XXXXXX");
      file = mkostemp(pattern.data(), O_CLOEXEC);
      if (file < 0)
        return failure("cannot write in the cache '{}': {}; set XFER_CACHE to a folder that can be written", *cache,
                       systemReason(errno));
      unlink(pattern.c_str());
    }
  }
  for (uint64_t done = 0; done < memory.size();) {
    ssize_t count = write(file, memory.data() + done, memory.size() - done);
    if (count < 0 && errno != EINTR)
      return failure("cannot write in the cache: {}; set XFER_CACHE to a folder with more room", systemReason(errno));
    done += count < 0 ? 0 : count;
  }
  spilled += memory.size();
  memory.clear();
  return Status::success();
}

Expected<Bytes> SpillBuffer::finish() {
  if (file < 0) {
    auto owner = std::make_shared<std::vector<uint8_t>>(std::move(memory));
    return Bytes{owner->data(), owner->size(), owner};
  }
  if (Status status = spill(); status.failed())
    return status;
  void *address = mmap(nullptr, spilled, PROT_READ, MAP_SHARED, file, 0);
  if (address == MAP_FAILED)
    return failure("cannot map a file of the cache: {}", systemReason(errno));
  uint64_t size = spilled;
  std::shared_ptr<const void> owner(address, [size](void *start) { munmap(start, size); });
  return Bytes{static_cast<const uint8_t *>(address), size, std::move(owner)};
}

} // namespace xfer::rt
