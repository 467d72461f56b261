#include "runtime/program/Container.h"
#include "runtime/core/Hash.h"
#include <cstring>

namespace xfer::rt {

static constexpr std::string_view magic = "XFERCONT";
static constexpr uint32_t version = 1;
static constexpr uint64_t alignment = 64;

template <typename T> static void append(std::string &text, T number) {
  for (size_t i = 0; i < sizeof(T); ++i)
    text += static_cast<char>(number >> (8 * i));
}

static uint64_t aligned(uint64_t offset) { return (offset + alignment - 1) / alignment * alignment; }

Status appendContainer(AtomicFile &file, const std::vector<Section> &sections) {
  assert(file.size() % alignment == 0 && "sections are aligned in the file");
  uint64_t tableSize = 0;
  for (const Section &section : sections)
    tableSize += 4 + section.name.size() + 24;
  std::string head(magic);
  append(head, version);
  append(head, static_cast<uint32_t>(sections.size()));
  append(head, tableSize);
  uint64_t offset = aligned(head.size() + tableSize + 8);
  for (const Section &section : sections) {
    append(head, static_cast<uint32_t>(section.name.size()));
    head += section.name;
    append(head, offset);
    append(head, static_cast<uint64_t>(section.bytes.size()));
    append(head, hashBytes(section.bytes.data(), section.bytes.size()));
    offset = aligned(offset + section.bytes.size());
  }
  append(head, hashBytes(head.data(), head.size()));
  if (Status status = file.write(head); status.failed())
    return status;
  static const char zeros[alignment] = {};
  for (const Section &section : sections) {
    if (Status status = file.write(zeros, aligned(file.size()) - file.size()); status.failed())
      return status;
    if (Status status = file.write(section.bytes); status.failed())
      return status;
  }
  return Status::success();
}

Status writeContainer(const std::string &path, const std::vector<Section> &sections) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.status();
  if (Status status = appendContainer(*file, sections); status.failed())
    return status;
  return file->commit();
}

namespace {
// Takes numbers from the front of a text; remembers whether the text was ever too short.
class Scanner {
public:
  explicit Scanner(std::string_view text) : rest(text) {}
  template <typename T> T number() {
    T value = 0;
    std::string_view bytes = take(sizeof(T));
    for (size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<T>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return value;
  }
  std::string_view take(uint64_t size) {
    if (size > rest.size()) {
      whole = false;
      return {};
    }
    std::string_view front = rest.substr(0, size);
    rest.remove_prefix(size);
    return front;
  }
  bool whole = true;
  std::string_view rest;
};
} // namespace

Expected<Container> Container::open(const std::string &path) {
  Expected<Bytes> mapped = mapFile(path);
  if (!mapped)
    return mapped.status();
  return read(std::move(*mapped), path);
}

Expected<Container> Container::read(Bytes bytes, const std::string &path) {
  Container container;
  container.content = std::move(bytes);
  std::string_view text = container.content.text();
  Scanner scanner(text);
  if (scanner.take(magic.size()) != magic)
    return failure("'{}' is not a checkpoint", path);
  if (uint32_t found = scanner.number<uint32_t>(); found > version)
    return failure("'{}' has version {}, this program knows {}; use the executable that wrote it", path, found,
                   version);
  uint32_t count = scanner.number<uint32_t>();
  uint64_t tableSize = scanner.number<uint64_t>();
  Scanner table(scanner.take(tableSize));
  uint64_t headSize = text.size() - scanner.rest.size();
  if (!scanner.whole || scanner.number<uint64_t>() != hashBytes(text.data(), headSize))
    return failure("'{}' is damaged: its head is not what was written", path);
  for (uint32_t i = 0; i < count; ++i) {
    std::string name(table.take(table.number<uint32_t>()));
    uint64_t offset = table.number<uint64_t>(), size = table.number<uint64_t>(), hash = table.number<uint64_t>();
    if (!table.whole || offset > text.size() || size > text.size() - offset)
      return failure("'{}' is damaged: it ends too early", path);
    std::string_view bytes = text.substr(offset, size);
    if (hashBytes(bytes.data(), bytes.size()) != hash)
      return failure("'{}' is damaged: the bytes of '{}' are not what was written", path, name);
    container.sections[name] = bytes;
  }
  return container;
}

std::optional<std::string_view> Container::find(const std::string &name) const {
  auto found = sections.find(name);
  if (found == sections.end())
    return std::nullopt;
  return found->second;
}

} // namespace xfer::rt
