// NPY and NPZ, the formats of NumPy (format specification 1.0 to 3.0): a magic text, a version, a header that is a
// Python dictionary with the keys descr, fortran_order and shape, then the values. An npz file is a zip file of them.
#include "runtime/core/File.h"
#include "runtime/data/Format.h"
#include "runtime/data/ZipFile.h"
#include <cctype>

namespace xfer::rt {

namespace {

struct NpyHeader {
  Array array; // without its bytes
  uint64_t size = 0;
};

// The dictionary, as repr() writes it.
class HeaderText {
public:
  explicit HeaderText(std::string_view text) : text(text) {}

  // Moves to the value of a key; false if there is no such key.
  bool find(std::string_view key) {
    at = text.find("'" + std::string(key) + "'");
    if (at == std::string_view::npos)
      return false;
    at += key.size() + 2;
    return take(':');
  }
  bool take(char wanted) {
    skipSpace();
    if (at >= text.size() || text[at] != wanted)
      return false;
    ++at;
    return true;
  }
  bool word(std::string_view wanted) {
    skipSpace();
    if (text.substr(at, wanted.size()) != wanted)
      return false;
    at += wanted.size();
    return true;
  }
  std::optional<std::string> quoted() {
    if (!take('\''))
      return std::nullopt;
    size_t end = text.find('\'', at);
    if (end == std::string_view::npos)
      return std::nullopt;
    std::string result(text.substr(at, end - at));
    at = end + 1;
    return result;
  }
  std::optional<int64_t> number() {
    skipSpace();
    size_t first = at;
    int64_t value = 0;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) && at - first < 18; ++at)
      value = value * 10 + (text[at] - '0');
    take('L'); // Python 2
    return at == first ? std::nullopt : std::optional<int64_t>(value);
  }

private:
  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  std::string_view text;
  size_t at = 0;
};

} // namespace

static std::optional<StoredType> typeOfDescription(std::string_view kind) {
  constexpr std::pair<std::string_view, StoredType> known[] = {
      {"u1", StoredType::U8},  {"i1", StoredType::I8},  {"b1", StoredType::Bool}, {"u2", StoredType::U16},
      {"i2", StoredType::I16}, {"u4", StoredType::U32}, {"i4", StoredType::I32},  {"u8", StoredType::U64},
      {"i8", StoredType::I64}, {"f2", StoredType::F16}, {"f4", StoredType::F32},  {"f8", StoredType::F64}};
  for (auto &[name, type] : known)
    if (name == kind)
      return type;
  return std::nullopt;
}

static Status parseType(HeaderText &text, const std::string &name, Array &array) {
  std::optional<std::string> description = text.find("descr") ? text.quoted() : std::nullopt;
  if (!description)
    return failure("'{}' holds records of several types; save each field as an array of its own", name);
  std::optional<StoredType> type = description->size() == 3 ? typeOfDescription(description->substr(1)) : std::nullopt;
  if (!type || std::string_view("<>|=").find((*description)[0]) == std::string_view::npos)
    return failure("'{}' holds values of type '{}', which cannot be read; save it as a numeric array "
                   "(array.astype('float32'))",
                   name, *description);
  array.type = *type;
  array.bigEndian = (*description)[0] == '>';
  return Status::success();
}

// `start` is the beginning of the file, as much of it as there is up to 64 KiB and a little.
static Expected<NpyHeader> parseHeader(std::string_view start, const std::string &name) {
  constexpr std::string_view magic = "\x93NUMPY";
  if (start.size() < 12 || start.substr(0, magic.size()) != magic)
    return failure("'{}' is not an npy file; write it with numpy.save", name);
  auto byte = [&](size_t i) { return uint64_t(static_cast<uint8_t>(start[i])); };
  unsigned version = byte(6);
  if (version < 1 || version > 3)
    return failure("'{}' has version {}.{} of the npy format, which this runtime does not know; save it with an older "
                   "version",
                   name, version, byte(7));
  size_t prefix = version == 1 ? 10 : 12;
  uint64_t length = byte(8) | byte(9) << 8 | (version == 1 ? 0 : byte(10) << 16 | byte(11) << 24);
  if (length > start.size() - prefix)
    return failure("'{}' is truncated: its header announces {} bytes; copy the file again", name, length);
  HeaderText text(start.substr(prefix, length));
  NpyHeader header;
  header.size = prefix + length;
  header.array.name = name;
  if (Status status = parseType(text, name, header.array); status.failed())
    return status;
  bool fortran = text.find("fortran_order") && text.word("True");
  bool shaped = text.find("shape") && text.take('(');
  while (shaped && !text.take(')')) {
    std::optional<int64_t> extent = text.number();
    shaped = extent && header.array.shape.size() < 32;
    if (shaped)
      header.array.shape.push_back(*extent);
    text.take(',');
  }
  if (!shaped || !bytesOf(header.array.type, header.array.shape))
    return failure("'{}' has a header without a possible shape; copy the file again", name);
  if (fortran && header.array.shape.size() > 1)
    return failure("'{}' is stored column by column (Fortran order); save numpy.ascontiguousarray(x) instead", name);
  return header;
}

static Expected<Array> arrayOf(Expected<NpyHeader> header, const Bytes &file) {
  if (!header)
    return header.status();
  Array &array = header->array;
  uint64_t bytes = *bytesOf(array.type, array.shape);
  if (file.size < header->size || file.size - header->size != bytes)
    return failure(
        "'{}' announces {} values of type {} ({} bytes), but {} bytes follow its header; copy the file again",
        array.name, shapeText(array.shape), nameOf(array.type), bytes, file.size - std::min(file.size, header->size));
  array.bytes = file.slice(header->size, bytes);
  return array;
}

static constexpr uint64_t longestHeader = 12 + 65536;

Expected<FormatResult> readNpy(FormatRequest &request) {
  FormatResult result;
  for (const Field &field : request.fields()) {
    Expected<std::string> path = request.fileOf(field);
    if (!path)
      return path.status();
    Expected<Bytes> file = mapFile(*path);
    if (!file)
      return file.status();
    std::string_view start = file->text().substr(0, longestHeader);
    Expected<Array> array = arrayOf(parseHeader(start, *path), *file);
    if (!array)
      return array.status();
    result.arrays.push_back(std::move(*array));
    result.files.push_back({*path, *file});
  }
  return result;
}

static Expected<Array> readMember(const ZipFile &zip, const std::string &path, const std::string &name) {
  const ZipMember *member = zip.find(name + ".npy");
  if (!member)
    member = zip.find(name);
  if (!member) {
    std::string known;
    for (const ZipMember &m : zip.members())
      known += (known.empty() ? "'" : ", '") + m.name.substr(0, m.name.rfind(".npy")) + "'";
    return failure("there is no array '{}' in '{}'; it has {}", name, path, known.empty() ? "none" : known);
  }
  std::string place = path + ":" + name;
  // The header is looked at before anything is unpacked: it must agree with the size that the directory announces.
  Expected<std::string> start = zip.beginning(*member, longestHeader);
  if (!start)
    return start.status();
  Expected<NpyHeader> header = parseHeader(*start, place);
  if (!header)
    return header.status();
  if (header->size + *bytesOf(header->array.type, header->array.shape) != member->size)
    return failure("'{}' announces {} values of type {}, but is {} bytes long; copy the file again", place,
                   shapeText(header->array.shape), nameOf(header->array.type), member->size);
  Expected<Bytes> content = zip.content(*member);
  if (!content)
    return content.status();
  return arrayOf(std::move(header), *content);
}

Expected<FormatResult> readNpz(FormatRequest &request) {
  Expected<std::string> path = request.file();
  if (!path)
    return path.status();
  Expected<Bytes> file = mapFile(*path);
  if (!file)
    return file.status();
  Expected<ZipFile> zip = ZipFile::open(*file, *path);
  if (!zip)
    return zip.status();
  FormatResult result;
  result.files.push_back({*path, *file});
  for (const Field &field : request.fields()) {
    Expected<std::string> member = request.text(field.name, field.name);
    if (!member)
      return member.status();
    Expected<Array> array = readMember(*zip, *path, *member);
    if (!array)
      return array.status();
    result.arrays.push_back(std::move(*array));
  }
  return result;
}

} // namespace xfer::rt
