// A checkpoint: everything a run needs to go on to the same bits, as named blocks of bytes in one file.
//
//   "XFERCKPT", u32 version, u32 0, u64 size of the index, u64 hash of the index
//   index: program (hash of the program that wrote it), header (text, JSON by custom), blocks: name, offset, size, hash
//   blocks, each at a multiple of 64
//
// Texts of the index are u64 length and bytes, numbers little-endian, hashes XXH64. A file is written beside the old
// one and renamed over it; the one before, if it is good, stays as PATH.previous, so that damage never costs more than
// the last interval.
#ifndef XFER_RUNTIME_WEIGHTS_CHECKPOINT_H
#define XFER_RUNTIME_WEIGHTS_CHECKPOINT_H

#include "runtime/core/File.h"
#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

struct CheckpointBlock {
  std::string name;
  Bytes bytes; // aligned to 64 when read
};

class Checkpoint {
public:
  static constexpr uint32_t version = 1;

  std::string program, header;
  std::vector<CheckpointBlock> blocks;

  const Bytes *find(std::string_view name) const;
  // Adds bytes that stay where they are until write().
  void add(std::string name, const void *data, uint64_t size);

  // Replaces `path`, or leaves everything as it was. `last` is what the caller wrote there before, and becomes what it
  // wrote now.
  Status write(const std::string &path, std::optional<FileStamp> &last) const;
  // The same bytes at the end of a file whose size is a multiple of 64.
  Status appendTo(AtomicFile &file) const;

  // Reads and verifies. What is not a checkpoint, damaged, of another program or of a newer version is refused.
  static Expected<Checkpoint> read(const std::string &path, std::string_view program);
  // The same for bytes in memory; `name` is for messages.
  static Expected<Checkpoint> parse(const Bytes &file, const std::string &name, std::string_view program);

  // The newest good one: PATH, or PATH.previous where PATH is missing or damaged; then `notice` says so.
  static Expected<Checkpoint> readLatest(const std::string &path, std::string_view program, std::string &notice);
};

} // namespace xfer::rt

#endif
