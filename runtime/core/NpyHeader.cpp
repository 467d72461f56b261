#include "runtime/core/NpyHeader.h"
#include <cctype>

namespace xfer::rt {

namespace {

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

static Status parseType(HeaderText &text, const std::string &name, NpyHeader &header) {
  std::optional<std::string> description = text.find("descr") ? text.quoted() : std::nullopt;
  if (!description)
    return failure("'{}' holds records of several types; save each field as an array of its own", name);
  std::optional<StoredType> type = description->size() == 3 ? typeOfDescription(description->substr(1)) : std::nullopt;
  if (!type || std::string_view("<>|=").find((*description)[0]) == std::string_view::npos)
    return failure("'{}' holds values of type '{}', which cannot be read; save it as a numeric array "
                   "(array.astype('float32'))",
                   name, *description);
  header.type = *type;
  header.bigEndian = (*description)[0] == '>';
  return Status::success();
}

Expected<NpyHeader> parseNpyHeader(std::string_view start, const std::string &name) {
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
  if (Status status = parseType(text, name, header); status.failed())
    return status;
  bool fortran = text.find("fortran_order") && text.word("True");
  bool shaped = text.find("shape") && text.take('(');
  while (shaped && !text.take(')')) {
    std::optional<int64_t> extent = text.number();
    shaped = extent && header.shape.size() < 32;
    if (shaped)
      header.shape.push_back(*extent);
    text.take(',');
  }
  if (!shaped || !bytesOf(header.type, header.shape))
    return failure("'{}' has a header without a possible shape; copy the file again", name);
  header.columns = fortran && header.shape.size() > 1;
  return header;
}

} // namespace xfer::rt
