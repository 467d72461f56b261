#include "xfer/rt/TextFile.h"
#include "runtime/core/File.h"
#include "runtime/core/Gzip.h"

namespace xfer::rt {

Expected<std::string> readTextFile(const std::string &path, uint64_t limit) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return file.status();
  std::string text;
  if (isGzip(*file)) {
    InflateStream stream(*file, Compression::Gzip, path);
    constexpr uint64_t block = 1 << 20;
    for (bool ended = false; !ended && text.size() <= limit;) {
      size_t size = text.size();
      text.resize(size + block);
      Expected<uint64_t> got = stream.read(text.data() + size, block);
      if (!got)
        return got.status();
      text.resize(size + *got);
      ended = *got < block;
    }
  } else if (file->size <= limit) {
    text.assign(file->text());
  }
  if (file->size > limit || text.size() > limit)
    return failure("'{}' holds more than {} bytes of text", path, limit);
  text.erase(0, text.size() - withoutByteOrderMark(text).size());
  return text;
}

std::string_view withoutByteOrderMark(std::string_view text) {
  return text.substr(0, 3) == "\xEF\xBB\xBF" ? text.substr(3) : text;
}

// RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
size_t characterAt(std::string_view text, bool &valid) {
  assert(!text.empty() && "no character");
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  auto isTail = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  uint8_t first = byte(0);
  valid = true;
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF && isTail(1))
    return 2;
  if (first >= 0xE0 && first <= 0xEF && isTail(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) &&
      isTail(2))
    return 3;
  if (first >= 0xF0 && first <= 0xF4 && isTail(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) &&
      isTail(2) && isTail(3))
    return 4;
  valid = false;
  return 1;
}

} // namespace xfer::rt
