// IDX, the format of MNIST (LeCun): 0, 0, element type, rank; one big-endian u32 an extent; values, big-endian.
// Gzipped files are unpacked into the cache; how long the result must be is known from the header.
#include "runtime/core/File.h"
#include "runtime/core/Gzip.h"
#include "runtime/data/Format.h"

namespace xfer::rt {

static std::optional<StoredType> typeOfCode(uint8_t code) {
  switch (code) {
  case 0x08:
    return StoredType::U8;
  case 0x09:
    return StoredType::I8;
  case 0x0B:
    return StoredType::I16;
  case 0x0C:
    return StoredType::I32;
  case 0x0D:
    return StoredType::F32;
  case 0x0E:
    return StoredType::F64;
  default:
    return std::nullopt;
  }
}

static Status truncated(const std::string &path) {
  return failure("'{}' is truncated: it ends inside its header; copy the file again", path);
}

// `header` is the beginning of the file, as much of it as there is up to the longest header.
static Expected<Array> parseHeader(const std::string &path, const uint8_t *header, uint64_t size) {
  if (size < 4)
    return truncated(path);
  std::optional<StoredType> type = typeOfCode(header[2]);
  if (header[0] != 0 || header[1] != 0 || !type || header[3] == 0)
    return failure("'{}' is not an idx file: it begins with {:02x} {:02x} {:02x} {:02x}, expected is 00 00, a type "
                   "from 08 to 0e and the number of extents",
                   path, header[0], header[1], header[2], header[3]);
  unsigned rank = header[3];
  if (size < 4 + 4 * rank)
    return truncated(path);
  Array array;
  array.name = path;
  array.type = *type;
  array.bigEndian = true;
  for (unsigned i = 0; i < rank; ++i) {
    const uint8_t *at = header + 4 + 4 * i;
    array.shape.push_back(int64_t(at[0]) << 24 | at[1] << 16 | at[2] << 8 | at[3]);
  }
  if (!bytesOf(array.type, array.shape))
    return failure("'{}' announces the impossible shape {}; copy the file again", path, shapeText(array.shape));
  return array;
}

static Expected<Array> openIdx(const std::string &path, std::vector<DataFile> &files) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return file.status();
  files.push_back({path, *file});
  constexpr uint64_t longest = 4 + 4 * 255;
  bool packed = isGzip(*file);
  uint8_t start[longest];
  uint64_t startSize = std::min(longest, file->size);
  const uint8_t *header = file->data;
  if (packed) {
    InflateStream stream(*file, Compression::Gzip, path);
    Expected<uint64_t> got = stream.read(start, longest);
    if (!got)
      return got.status();
    startSize = *got;
    header = start;
  }
  Expected<Array> array = parseHeader(path, header, startSize);
  if (!array)
    return array;
  uint64_t headerSize = 4 + 4 * array->shape.size(), dataSize = *bytesOf(array->type, array->shape);
  Bytes content = *file;
  if (packed) {
    Expected<Bytes> unpacked =
        unpackIntoCache(*file, Compression::Gzip, UnpackedSize::exactly(headerSize + dataSize), path);
    if (!unpacked)
      return unpacked.status();
    content = *unpacked;
  }
  if (content.size != headerSize + dataSize)
    return failure(
        "'{}' announces {} values of type {} ({} bytes), but {} bytes follow its header; copy the file again", path,
        shapeText(array->shape), nameOf(array->type), dataSize, content.size - headerSize);
  array->bytes = content.slice(headerSize, dataSize);
  return array;
}

Expected<FormatResult> readIdx(FormatRequest &request) {
  FormatResult result;
  for (const Field &field : request.fields()) {
    Expected<std::string> path = request.fileOf(field);
    if (!path)
      return path.status();
    Expected<Array> array = openIdx(*path, result.files);
    if (!array)
      return array.status();
    result.arrays.push_back(std::move(*array));
  }
  return result;
}

} // namespace xfer::rt
