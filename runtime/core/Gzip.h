// Compressed files (zlib): read as a stream, or unpacked once into the cache and mapped from there. How much may come
// out is always known or bounded before it is written, so a file that lies about its content cannot fill the disk.
#ifndef XFER_RUNTIME_CORE_GZIP_H
#define XFER_RUNTIME_CORE_GZIP_H

#include "runtime/core/Bytes.h"
#include "xfer/rt/Status.h"
#include <string>

namespace xfer::rt {

enum class Compression { Gzip, Deflate }; // deflate without a frame, as in zip files

// True for the two bytes that a gzip file begins with.
bool isGzip(const Bytes &file);

class InflateStream {
public:
  // `name` is for messages.
  InflateStream(Bytes packed, Compression compression, std::string name);
  InflateStream(const InflateStream &) = delete;
  ~InflateStream();

  // Up to `size` bytes; fewer only at the end. Damaged or truncated input is a failure.
  Expected<uint64_t> read(void *destination, uint64_t size);

private:
  struct State;
  std::unique_ptr<State> state;
};

// What a packed stream may unpack to.
struct UnpackedSize {
  uint64_t limit = 0; // no more than this
  bool exact = false; // and no less
  static UnpackedSize exactly(uint64_t size) { return {size, true}; }
  static UnpackedSize atMost(uint64_t size) { return {size, false}; }
  // For text, whose size nothing tells: 200 times the packed size and 16 MiB.
  static UnpackedSize plausible(uint64_t packed) { return {packed * 200 + (16u << 20), false}; }
};

// The unpacked bytes, mapped from `CACHE/data/HASH-SIZE`, which is written if it is not there yet.
Expected<Bytes> unpackIntoCache(const Bytes &packed, Compression compression, UnpackedSize size,
                                const std::string &name);

} // namespace xfer::rt

#endif
