#include "runtime/core/ZipFile.h"
#include "runtime/core/Gzip.h"
#include <algorithm>
#include <cstring>
#include <set>
#include <zlib.h>

namespace xfer::rt {

// Little-endian numbers of a range; reading past its end gives zeros and is remembered.
class ZipCursor {
public:
  ZipCursor(const Bytes &bytes, uint64_t at) : bytes(bytes), at(at) {}

  template <typename T> T take() {
    T value = 0;
    if (const uint8_t *from = skip(sizeof(T)))
      std::memcpy(&value, from, sizeof(T));
    return value;
  }
  const uint8_t *skip(uint64_t count) {
    if (at > bytes.size || count > bytes.size - at) {
      overrun = true;
      return nullptr;
    }
    at += count;
    return bytes.data + at - count;
  }
  uint64_t position() const { return at; }
  bool failed() const { return overrun; }

private:
  const Bytes &bytes;
  uint64_t at;
  bool overrun = false;
};

namespace {
struct Directory {
  uint64_t entries = 0, offset = 0;
};
} // namespace

static Status damaged(const std::string &name, std::string_view what) {
  return failure("'{}' is not a good zip file: {}; copy the file again", name, what);
}

static Expected<Directory> findDirectory(const Bytes &file, const std::string &name) {
  constexpr uint64_t recordSize = 22, longestComment = 65535, locatorSize = 20;
  uint64_t lowest = file.size > recordSize + longestComment ? file.size - recordSize - longestComment : 0;
  for (uint64_t at = file.size < recordSize ? 0 : file.size - recordSize + 1; at-- > lowest;) {
    if (std::memcmp(file.data + at, "PK\5\6", 4) != 0)
      continue;
    ZipCursor end(file, at + 10);
    Directory directory;
    directory.entries = end.take<uint16_t>();
    end.skip(4);
    directory.offset = end.take<uint32_t>();
    if (directory.entries != 0xffff && directory.offset != 0xffffffff)
      return directory;
    if (at < locatorSize || std::memcmp(file.data + at - locatorSize, "PK\6\7", 4) != 0)
      return directory;
    uint64_t record = ZipCursor(file, at - locatorSize + 8).take<uint64_t>();
    ZipCursor wide(file, record);
    bool isRecord = wide.take<uint32_t>() == 0x06064b50;
    wide.skip(28);
    directory.entries = wide.take<uint64_t>();
    wide.skip(8);
    directory.offset = wide.take<uint64_t>();
    if (!isRecord || wide.failed())
      return damaged(name, "its zip64 end record is missing");
    return directory;
  }
  return damaged(name, "it has no directory at its end");
}

// The zip64 extra field holds, in this order, those of the three numbers that did not fit 32 bits.
static void widen(ZipCursor extra, uint64_t end, uint64_t &size, uint64_t &packedSize, uint64_t &offset) {
  while (extra.position() + 4 <= end && !extra.failed()) {
    uint16_t tag = extra.take<uint16_t>(), length = extra.take<uint16_t>();
    if (tag != 1) {
      extra.skip(length);
      continue;
    }
    for (uint64_t *number : {&size, &packedSize, &offset})
      if (*number == 0xffffffff)
        *number = extra.take<uint64_t>();
    return;
  }
}

static Expected<ZipMember> readEntry(const Bytes &file, ZipCursor &cursor, const std::string &name) {
  bool isEntry = cursor.take<uint32_t>() == 0x02014b50;
  cursor.skip(4);
  uint16_t flags = cursor.take<uint16_t>();
  ZipMember member;
  member.method = cursor.take<uint16_t>();
  cursor.skip(4);
  member.checksum = cursor.take<uint32_t>();
  uint64_t packedSize = cursor.take<uint32_t>();
  member.size = cursor.take<uint32_t>();
  uint16_t nameSize = cursor.take<uint16_t>(), extraSize = cursor.take<uint16_t>(),
           commentSize = cursor.take<uint16_t>();
  cursor.skip(8);
  uint64_t offset = cursor.take<uint32_t>();
  const uint8_t *text = cursor.skip(nameSize);
  widen(cursor, cursor.position() + extraSize, member.size, packedSize, offset);
  cursor.skip(extraSize);
  cursor.skip(commentSize);
  if (!isEntry || cursor.failed())
    return damaged(name, "its directory is damaged");
  member.name.assign(reinterpret_cast<const char *>(text), nameSize);
  if (flags & 1)
    return failure("'{}' is encrypted; write it again without a password", name);
  if (member.method != 0 && member.method != 8)
    return failure("member '{}' of '{}' uses compression method {}; stored and deflated members are read", member.name,
                   name, member.method);
  ZipCursor local(file, offset);
  bool isLocal = local.take<uint32_t>() == 0x04034b50;
  local.skip(22);
  uint16_t localName = local.take<uint16_t>(), localExtra = local.take<uint16_t>();
  local.skip(localName);
  local.skip(localExtra);
  uint64_t start = local.position();
  if (!isLocal || !local.skip(packedSize) || local.failed() || (member.method == 0 && packedSize != member.size))
    return damaged(name, format("member '{}' lies outside of it", member.name));
  member.packed = file.slice(start, packedSize);
  return member;
}

Expected<ZipFile> ZipFile::open(Bytes file, const std::string &name) {
  Expected<Directory> directory = findDirectory(file, name);
  if (!directory)
    return directory.status();
  ZipFile zip;
  zip.name = name;
  std::set<std::string> names;
  ZipCursor cursor(file, directory->offset);
  for (uint64_t i = 0; i < directory->entries; ++i) {
    Expected<ZipMember> member = readEntry(file, cursor, name);
    if (!member)
      return member.status();
    if (!names.insert(member->name).second)
      return damaged(name, format("it has two members '{}'", member->name));
    zip.list.push_back(std::move(*member));
  }
  return zip;
}

const ZipMember *ZipFile::find(std::string_view wanted) const {
  auto found = std::find_if(list.begin(), list.end(), [&](const ZipMember &m) { return m.name == wanted; });
  return found == list.end() ? nullptr : &*found;
}

Expected<std::string> ZipFile::beginning(const ZipMember &member, uint64_t size) const {
  if (member.method == 0)
    return std::string(member.packed.slice(0, std::min(size, member.packed.size)).text());
  std::string block(std::min(size, member.size), '\0');
  InflateStream stream(member.packed, Compression::Deflate, name + ":" + member.name);
  Expected<uint64_t> got = stream.read(block.data(), block.size());
  if (!got)
    return got.status();
  block.resize(*got);
  return block;
}

Expected<Bytes> ZipFile::content(const ZipMember &member) const {
  Bytes bytes = member.packed;
  if (member.method == 8) {
    Expected<Bytes> unpacked = unpackIntoCache(member.packed, Compression::Deflate, UnpackedSize::exactly(member.size),
                                               name + ":" + member.name);
    if (!unpacked)
      return unpacked;
    bytes = *unpacked;
  }
  Status status = check(member, bytes);
  return status.failed() ? Expected<Bytes>(status) : Expected<Bytes>(std::move(bytes));
}

Expected<Bytes> ZipFile::inMemory(const ZipMember &member) const {
  Bytes bytes = member.packed;
  if (member.method == 8) {
    // No packer makes more of it (deflate's limit is 1032 to 1), so a false size costs no memory.
    if (member.size / 1100 > member.packed.size)
      return damaged(name, format("member '{}' claims to be {} bytes, packed into {}", member.name, member.size,
                                  member.packed.size));
    auto memory = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(member.size) + 1);
    InflateStream stream(member.packed, Compression::Deflate, name + ":" + member.name);
    Expected<uint64_t> got = stream.read(memory->data(), memory->size());
    if (!got)
      return got.status();
    if (*got != member.size)
      return damaged(name, format("member '{}' has not the size that its directory says", member.name));
    bytes = {memory->data(), member.size, memory};
  }
  Status status = check(member, bytes);
  return status.failed() ? Expected<Bytes>(status) : Expected<Bytes>(std::move(bytes));
}

Status ZipFile::check(const ZipMember &member, const Bytes &bytes) const {
  constexpr uint64_t believed = uint64_t(1) << 30;
  if (bytes.size <= believed && crc32(0, bytes.data, static_cast<uInt>(bytes.size)) != member.checksum)
    return damaged(name, format("the checksum of member '{}' is wrong", member.name));
  return Status::success();
}

} // namespace xfer::rt
