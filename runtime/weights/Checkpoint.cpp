#include "runtime/weights/Checkpoint.h"
#include "runtime/core/File.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <unistd.h>

namespace xfer::rt {

static constexpr char magic[8] = {'X', 'F', 'E', 'R', 'C', 'K', 'P', 'T'};
static constexpr uint64_t startSize = 32, alignment = 64;

static uint64_t aligned(uint64_t offset) { return (offset + alignment - 1) / alignment * alignment; }
static std::string previousOf(const std::string &path) { return path + ".previous"; }

namespace {

class IndexWriter {
public:
  std::string bytes;
  template <typename T> void number(T value) { bytes.append(reinterpret_cast<const char *>(&value), sizeof(value)); }
  void text(std::string_view value) {
    number<uint64_t>(value.size());
    bytes += value;
  }
};

class IndexReader {
public:
  explicit IndexReader(Bytes bytes) : bytes(std::move(bytes)) {}
  template <typename T> T number() {
    T value = 0;
    if (const uint8_t *from = take(sizeof(T)))
      std::memcpy(&value, from, sizeof(T));
    return value;
  }
  std::string text() {
    uint64_t size = number<uint64_t>();
    const uint8_t *from = take(size);
    return from ? std::string(reinterpret_cast<const char *>(from), size) : std::string();
  }
  bool good() const { return !overrun; }
  bool atEnd() const { return good() && at == bytes.size; }

private:
  const uint8_t *take(uint64_t size) {
    if (overrun || size > bytes.size - at) {
      overrun = true;
      return nullptr;
    }
    at += size;
    return bytes.data + at - size;
  }
  Bytes bytes;
  uint64_t at = 0;
  bool overrun = false;
};

// A checkpoint that cannot be used, and whether the one before may still serve.
struct ReadResult {
  Expected<Checkpoint> checkpoint;
  bool damaged = false;
};

} // namespace

const Bytes *Checkpoint::find(std::string_view name) const {
  auto found = std::find_if(blocks.begin(), blocks.end(), [&](const CheckpointBlock &b) { return b.name == name; });
  return found == blocks.end() ? nullptr : &found->bytes;
}

void Checkpoint::add(std::string name, const void *data, uint64_t size) {
  assert(!find(name) && "a block of that name is there already");
  blocks.push_back({std::move(name), {static_cast<const uint8_t *>(data), size, nullptr}});
}

// The index does not depend on its own size except through the offsets, which count from its aligned end.
static std::string makeStart(const Checkpoint &checkpoint) {
  IndexWriter index;
  index.text(checkpoint.program);
  index.text(checkpoint.header);
  index.number<uint64_t>(checkpoint.blocks.size());
  uint64_t offset = 0;
  for (const CheckpointBlock &block : checkpoint.blocks) {
    index.text(block.name);
    index.number<uint64_t>(offset);
    index.number<uint64_t>(block.bytes.size);
    index.number<uint64_t>(hashBytes(block.bytes.data, block.bytes.size));
    offset = aligned(offset + block.bytes.size);
  }
  IndexWriter start;
  start.bytes.append(magic, sizeof(magic));
  start.number<uint32_t>(Checkpoint::version);
  start.number<uint32_t>(0);
  start.number<uint64_t>(index.bytes.size());
  start.number<uint64_t>(hashBytes(index.bytes.data(), index.bytes.size()));
  start.bytes += index.bytes;
  return std::move(start.bytes);
}

static Expected<Checkpoint> readIndex(const std::string &path, const Bytes &file) {
  uint64_t indexSize = 0, indexHash = 0;
  std::memcpy(&indexSize, file.data + 16, 8);
  std::memcpy(&indexHash, file.data + 24, 8);
  if (indexSize > file.size - startSize)
    return failure("checkpoint '{}' is damaged: it is cut off", path);
  Bytes index = file.slice(startSize, indexSize);
  if (hashBytes(index.data, index.size) != indexHash)
    return failure("checkpoint '{}' is damaged: the hash of its index is wrong", path);
  IndexReader reader(index);
  Checkpoint result;
  result.program = reader.text();
  result.header = reader.text();
  uint64_t count = reader.number<uint64_t>(), base = aligned(startSize + indexSize), end = base;
  for (uint64_t i = 0; i < count && reader.good(); ++i) {
    std::string name = reader.text();
    uint64_t offset = reader.number<uint64_t>(), size = reader.number<uint64_t>(), hash = reader.number<uint64_t>();
    if (base > file.size || offset > file.size - base || size > file.size - base - offset)
      return failure("checkpoint '{}' is damaged: it is cut off in block '{}'", path, name);
    Bytes bytes = file.slice(base + offset, size);
    if (hashBytes(bytes.data, bytes.size) != hash)
      return failure("checkpoint '{}' is damaged: the hash of block '{}' is wrong", path, name);
    end = std::max(end, base + offset + size);
    result.blocks.push_back({std::move(name), std::move(bytes)});
  }
  if (!reader.atEnd() || end != file.size)
    return failure("checkpoint '{}' is damaged: its index does not fit the file", path);
  return result;
}

static ReadResult readBytes(const std::string &path, const Bytes &file, std::string_view program) {
  if (file.size < startSize)
    return {failure("checkpoint '{}' is damaged: it is cut off", path), true};
  if (std::memcmp(file.data, magic, sizeof(magic)) != 0)
    return {failure("'{}' is not a checkpoint of a compiled program", path), true};
  uint32_t version = 0;
  std::memcpy(&version, file.data + 8, 4);
  if (version > Checkpoint::version)
    return {failure("checkpoint '{}' has version {}, this program knows versions up to {}; build the program with a "
                    "newer xferc",
                    path, version, Checkpoint::version),
            false};
  if (version == 0 || file.data[12] || file.data[13] || file.data[14] || file.data[15])
    return {failure("checkpoint '{}' is damaged: its beginning is wrong", path), true};
  Expected<Checkpoint> checkpoint = readIndex(path, file);
  if (!checkpoint)
    return {std::move(checkpoint), true};
  if (checkpoint->program != program)
    return {failure("checkpoint '{}' was written by another program (hash {}, this one is {}); resume with the program "
                    "that wrote it, or begin a new run in another folder",
                    path, checkpoint->program, program),
            false};
  return {std::move(checkpoint), false};
}

static ReadResult readChecked(const std::string &path, std::string_view program) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return {file.status(), !fileExists(path)};
  return readBytes(path, *file, program);
}

Expected<Checkpoint> Checkpoint::read(const std::string &path, std::string_view program) {
  return readChecked(path, program).checkpoint;
}

Expected<Checkpoint> Checkpoint::parse(const Bytes &file, const std::string &name, std::string_view program) {
  return readBytes(name, file, program).checkpoint;
}

Expected<Checkpoint> Checkpoint::readLatest(const std::string &path, std::string_view program, std::string &notice) {
  ReadResult current = readChecked(path, program);
  if (current.checkpoint || !current.damaged)
    return std::move(current.checkpoint);
  ReadResult previous = readChecked(previousOf(path), program);
  if (!previous.checkpoint)
    return std::move(current.checkpoint);
  notice = format("{}; going on from the one before, '{}'", current.checkpoint.message(), previousOf(path));
  return std::move(previous.checkpoint);
}

Status Checkpoint::appendTo(AtomicFile &file) const {
  assert(file.size() % alignment == 0 && "blocks are aligned in the file");
  static constexpr char padding[alignment] = {};
  Status status = file.write(makeStart(*this));
  for (const CheckpointBlock &block : blocks) {
    if (status.ok())
      status = file.write(padding, aligned(file.size()) - file.size());
    if (status.ok())
      status = file.write(block.bytes.data, block.bytes.size);
  }
  if (status.ok() && blocks.empty())
    status = file.write(padding, aligned(file.size()) - file.size());
  return status;
}

Status Checkpoint::write(const std::string &path, std::optional<FileStamp> &last) const {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.status();
  if (Status status = appendTo(*file); status.failed())
    return status;
  // The file of before becomes the previous one only if it is good: a damaged one must not push out a good one. What
  // was written here and has not been touched since would be read from the system's own copy: nothing can be learnt.
  std::optional<FileStamp> present = stampOf(path);
  if (present && (present == last || readChecked(path, program).checkpoint)) {
    std::string previous = previousOf(path);
    unlink(previous.c_str());
    if (link(path.c_str(), previous.c_str()) < 0) // not every file system has links
      rename(path.c_str(), previous.c_str());
  }
  Status status = file->commit();
  last = status.ok() ? stampOf(path) : std::nullopt;
  return status;
}

} // namespace xfer::rt
