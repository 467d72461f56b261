// A file of named sections, each with its hash: what checkpoints are written in.
//
//   "XFERCONT"  u32 version  u32 sections  u64 table size  table  u64 hash of all before  padding  section bytes
//   table: for each section  u32 name length, name, u64 offset, u64 size, u64 hash
// Numbers are little-endian, offsets count from the start of the file and are multiples of 64.
#ifndef XFER_RUNTIME_PROGRAM_CONTAINER_H
#define XFER_RUNTIME_PROGRAM_CONTAINER_H

#include "runtime/core/File.h"
#include "xfer/rt/Status.h"
#include <map>
#include <vector>

namespace xfer::rt {

struct Section {
  std::string name;
  std::string_view bytes;
};

// Written as a whole or not at all.
Status writeContainer(const std::string &path, const std::vector<Section> &sections);
// Writes it at the end of a file whose size is a multiple of 64; offsets count from there.
Status appendContainer(AtomicFile &file, const std::vector<Section> &sections);

class Container {
public:
  // Checks everything: sizes, offsets, hashes.
  static Expected<Container> open(const std::string &path);
  static Expected<Container> read(Bytes bytes, const std::string &name);
  // The section's bytes, which live as long as the container.
  std::optional<std::string_view> find(const std::string &name) const;

private:
  Bytes content;
  std::map<std::string, std::string_view> sections;
};

} // namespace xfer::rt

#endif
