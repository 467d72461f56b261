#include "runtime/core/Gzip.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <vector>
#include <zlib.h>

namespace xfer::rt {

bool isGzip(const Bytes &file) { return file.size >= 2 && file.data[0] == 0x1f && file.data[1] == 0x8b; }

struct InflateStream::State {
  z_stream zlib{};
  Bytes packed;
  std::string name;
  bool gzip = false, ready = false, ended = false;
};

InflateStream::InflateStream(Bytes packed, Compression compression, std::string name)
    : state(std::make_unique<State>()) {
  state->packed = std::move(packed);
  state->name = std::move(name);
  state->gzip = compression == Compression::Gzip;
  state->ready = inflateInit2(&state->zlib, state->gzip ? 15 + 16 : -15) == Z_OK;
  state->zlib.next_in = const_cast<uint8_t *>(state->packed.data);
}

InflateStream::~InflateStream() {
  if (state->ready)
    inflateEnd(&state->zlib);
}

Expected<uint64_t> InflateStream::read(void *destination, uint64_t size) {
  z_stream &zlib = state->zlib;
  if (!state->ready)
    return failure("cannot unpack '{}': not enough memory", state->name);
  constexpr uint64_t most = 1u << 30; // zlib counts with 32 bits
  auto *at = static_cast<uint8_t *>(destination);
  const uint8_t *inputEnd = state->packed.data + state->packed.size;
  uint64_t done = 0;
  while (done < size && !state->ended) {
    zlib.avail_in = std::min<uint64_t>(inputEnd - zlib.next_in, most);
    zlib.next_out = at + done;
    zlib.avail_out = std::min(size - done, most);
    uint64_t room = zlib.avail_out;
    int result = inflate(&zlib, Z_NO_FLUSH);
    done += room - zlib.avail_out;
    if (result == Z_STREAM_END) {
      // A gzip file may consist of several members; what follows the last one must begin like one.
      state->ended = !state->gzip || zlib.next_in == inputEnd;
      if (!state->ended && inflateReset(&zlib) != Z_OK)
        return failure("cannot unpack '{}': not enough memory", state->name);
    } else if (result == Z_BUF_ERROR || (result == Z_OK && zlib.next_in == inputEnd && zlib.avail_out > 0)) {
      return failure("'{}' is truncated: the compressed data ends too early; copy the file again", state->name);
    } else if (result != Z_OK) {
      return failure("'{}' is damaged: {}; copy the file again", state->name,
                     zlib.msg ? zlib.msg : "it is not compressed data");
    }
  }
  return done;
}

static Status noRoom(const Status &status) {
  return failure("{}; set XFER_CACHE to a folder that can be written and has room", status.message());
}

static Status unpack(const Bytes &packed, Compression compression, UnpackedSize size, const std::string &name,
                     AtomicFile &file) {
  InflateStream stream(packed, compression, name);
  std::vector<uint8_t> block(1 << 18);
  while (true) {
    Expected<uint64_t> got = stream.read(block.data(), block.size());
    if (!got)
      return got.status();
    if (*got > size.limit - file.size())
      return size.exact ? failure("'{}' unpacks to more than the {} bytes that it announces", name, size.limit)
                        : failure("'{}' unpacks to more than {} bytes, which is not plausible for {} packed bytes; "
                                  "unpack it by hand if it is good",
                                  name, size.limit, packed.size);
    if (Status status = file.write(block.data(), *got); status.failed())
      return noRoom(status);
    if (*got < block.size())
      break;
  }
  if (size.exact && file.size() != size.limit)
    return failure("'{}' unpacks to {} bytes, it announces {}", name, file.size(), size.limit);
  return Status::success();
}

Expected<Bytes> unpackIntoCache(const Bytes &packed, Compression compression, UnpackedSize size,
                                const std::string &name) {
  Expected<std::string> cache = cacheFolder();
  if (!cache)
    return cache.status().within(format("cannot unpack '{}'", name));
  std::string folder = joinPath(*cache, "data");
  if (Status status = makeFolder(folder); status.failed())
    return noRoom(status);
  std::string path = joinPath(folder, format("{}-{}", hexOf(hashBytes(packed.data, packed.size)), packed.size));
  if (fileExists(path)) {
    Expected<Bytes> known = mapFile(path);
    if (known && (size.exact ? known->size == size.limit : known->size <= size.limit))
      return known;
  }
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return noRoom(file.status());
  if (Status status = unpack(packed, compression, size, name, *file); status.failed())
    return status;
  if (Status status = file->commit(); status.failed())
    return noRoom(status);
  return mapFile(path);
}

} // namespace xfer::rt
