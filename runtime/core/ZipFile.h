// A zip archive (PKWARE APPNOTE 6.3.9) as far as npz files and checkpoints need it: stored and deflated members, zip64,
// no encryption. The central directory counts; every offset and size in it is checked against the file.
#ifndef XFER_RUNTIME_CORE_ZIPFILE_H
#define XFER_RUNTIME_CORE_ZIPFILE_H

#include "runtime/core/Bytes.h"
#include "xfer/rt/Status.h"
#include <string>
#include <vector>

namespace xfer::rt {

struct ZipMember {
  std::string name;
  uint16_t method = 0; // 0: stored, 8: deflated
  uint32_t checksum = 0;
  uint64_t size = 0; // unpacked, as the directory says
  Bytes packed;
};

class ZipFile {
public:
  // `name` is for messages.
  static Expected<ZipFile> open(Bytes file, const std::string &name);

  const std::vector<ZipMember> &members() const { return list; }
  const ZipMember *find(std::string_view name) const;

  // Up to `size` bytes from the beginning of a member.
  Expected<std::string> beginning(const ZipMember &member, uint64_t size) const;
  // The whole member, from the cache if it is deflated; its checksum must be right (members over 1 GiB are believed).
  Expected<Bytes> content(const ZipMember &member) const;
  // The same without the cache: of small members, of which there are many.
  Expected<Bytes> inMemory(const ZipMember &member) const;

private:
  Status check(const ZipMember &member, const Bytes &bytes) const;
  std::string name;
  std::vector<ZipMember> list;
};

} // namespace xfer::rt

#endif
