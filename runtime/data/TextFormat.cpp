// `lines`: a sample a line. `windows`: parts of one long text, of `length` characters each, every `stride` characters.
#include "runtime/data/TextFormat.h"
#include "runtime/core/File.h"
#include "runtime/core/Gzip.h"
#include "xfer/rt/TextFile.h"
#include <cmath>
#include <deque>
#include <limits>

namespace xfer::rt {

Status TokenColumn::append(std::string_view text) {
  Expected<bool> more = tokenizer->encode(text, row);
  if (!more)
    return more.status();
  cut += *more;
  ++count;
  int32_t length = static_cast<int32_t>(row.size());
  row.resize(static_cast<size_t>(tokenizer->description().atMost), tokenizer->padding());
  if (Status status = lengthBuffer.append(&length, sizeof(length)); status.failed())
    return status;
  return tokenBuffer.append(row.data(), row.size() * sizeof(int32_t));
}

Status TokenColumn::finish(const std::string &path, const std::string &field, std::vector<std::string> &notes) {
  Expected<Bytes> tokenBytes = tokenBuffer.finish(), lengthBytes = lengthBuffer.finish();
  if (!tokenBytes || !lengthBytes)
    return tokenBytes ? lengthBytes.status() : tokenBytes.status();
  int64_t most = tokenizer->description().atMost;
  tokens = {path, *tokenBytes, StoredType::I32, false, {count, most}};
  lengths = {path, *lengthBytes, StoredType::I32, false, {count}};
  if (cut > 0)
    notes.push_back(format("'{}': {} of {} texts of field '{}' have more than {} tokens and were cut", path, cut, count,
                           field, most));
  return Status::success();
}

Expected<Bytes> openText(const std::string &path, FormatResult &result) {
  Expected<Bytes> content = mapFile(path);
  if (!content)
    return content.status();
  result.files.push_back({path, *content});
  if (isGzip(*content))
    content = unpackIntoCache(*content, Compression::Gzip, UnpackedSize::plausible(content->size), path);
  if (!content)
    return content.status();
  uint64_t size = withoutByteOrderMark(content->text()).size();
  return content->slice(content->size - size, size);
}

// The only field of text; a field of anything else is refused.
static Expected<std::string> textField(const FormatRequest &request) {
  std::string name;
  for (const Field &field : request.fields()) {
    if (!field.tokenizer)
      return failure("reader '{}' has only text; field '{}' is none", request.reader(), field.name);
    if (!name.empty() && name != field.text)
      return failure("reader '{}' has one text a sample; '{}' and '{}' are two", request.reader(), name, field.text);
    name = field.text;
  }
  return name;
}

Expected<FormatResult> readLines(FormatRequest &request) {
  FormatResult result;
  Expected<std::string> path = request.file();
  Expected<std::string> name = textField(request);
  for (const Status &status : {path.status(), name.status()})
    if (status.failed())
      return status;
  Expected<Bytes> content = openText(*path, result);
  if (!content)
    return content.status();
  std::deque<TokenColumn> columns;
  std::vector<TokenColumn *> columnOf;
  for (const Field &field : request.fields()) {
    TokenColumn *known = nullptr;
    for (TokenColumn &column : columns)
      if (column.isOf(field))
        known = &column;
    columnOf.push_back(known ? known : &columns.emplace_back(field.tokenizer));
  }
  std::string_view rest = content->text();
  for (int64_t number = 1; !rest.empty(); ++number) {
    size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.empty() && line.back() == '\r')
      line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos)
      continue; // a blank line is no sample
    for (TokenColumn &column : columns)
      if (Status status = column.append(line); status.failed())
        return status.within(format("'{}' line {}", *path, number));
  }
  for (TokenColumn &column : columns)
    if (Status status = column.finish(*path, *name, result.notes); status.failed())
      return status;
  for (size_t i = 0; i < request.fields().size(); ++i)
    result.arrays.push_back(columnOf[i]->arrayOf(request.fields()[i]));
  return result;
}

static Expected<Array> windowsOf(std::string_view text, const Field &field, int64_t length, int64_t stride,
                                 const std::string &path) {
  const TokenizerSpec &spec = field.tokenizer->description();
  if (spec.rule != TokenizerSpec::Characters || spec.first >= 0 || spec.last >= 0)
    return failure("reader 'windows' cuts a text between characters: use 'characters', without 'start' and 'end'");
  if (spec.atMost < length || (spec.exact && spec.atMost != length))
    return failure("a window of '{}' has {} characters, but 'characters' takes {}{}", path, length,
                   spec.exact ? "exactly " : "at most ", spec.atMost);
  std::vector<int32_t> block;
  SpillBuffer numbers;
  int64_t count = 0;
  // Piece by piece; a piece ends in front of the first byte of a character.
  constexpr size_t pieceSize = 1 << 16;
  for (std::string_view rest = text; !rest.empty();) {
    size_t size = std::min(pieceSize, rest.size());
    while (size < rest.size() && size > 1 && (rest[size] & 0xC0) == 0x80 && pieceSize - size < 4)
      --size;
    block.clear();
    if (Status status = field.tokenizer->split(rest.substr(0, size), block); status.failed())
      return status.within("'" + path + "'");
    count += static_cast<int64_t>(block.size());
    if (Status status = numbers.append(block.data(), block.size() * sizeof(int32_t)); status.failed())
      return status;
    rest.remove_prefix(size);
  }
  if (count < length)
    return failure("'{}' has {} characters, and a window {}", path, count, length);
  // A row may be longer than its window.
  block.assign(static_cast<size_t>(spec.atMost), field.tokenizer->padding());
  if (Status status = numbers.append(block.data(), block.size() * sizeof(int32_t)); status.failed())
    return status;
  Expected<Bytes> bytes = numbers.finish();
  if (!bytes)
    return bytes.status();
  int64_t samples = (count - length) / stride + 1;
  if (samples > std::numeric_limits<int32_t>::max())
    return failure("'{}' has {} windows; at most {} are supported", path, samples, std::numeric_limits<int32_t>::max());
  Array array{path, *bytes, StoredType::I32, false, {samples, spec.atMost}};
  array.step = static_cast<uint64_t>(stride) * sizeof(int32_t);
  return array;
}

Expected<FormatResult> readWindows(FormatRequest &request) {
  FormatResult result;
  Expected<std::string> path = request.file();
  Expected<std::string> name = textField(request);
  Expected<double> length = request.number("length", 0);
  Expected<double> stride = request.number("stride", length ? *length : 0);
  for (const Status &status : {path.status(), name.status(), length.status(), stride.status()})
    if (status.failed())
      return status;
  constexpr double most = 1 << 20;
  auto isCount = [](double number) { return number >= 1 && number <= most && number == std::floor(number); };
  if (!isCount(*length) || !isCount(*stride))
    return failure("reader 'windows' wants 'length' and 'stride' as whole numbers from 1 to {}, such as length: 129, "
                   "stride: 128",
                   static_cast<int64_t>(most));
  Expected<Bytes> content = openText(*path, result);
  if (!content)
    return content.status();
  std::string_view text = content->text();
  for (const Field &field : request.fields()) {
    Expected<Array> array = windowsOf(text, field, static_cast<int64_t>(*length), static_cast<int64_t>(*stride), *path);
    if (!array)
      return array.status();
    if (field.isLength) { // every window has the same
      int64_t samples = array->shape[0];
      std::vector<int32_t> one(1 << 12, static_cast<int32_t>(*length));
      SpillBuffer lengths;
      for (int64_t done = 0; done < samples; done += static_cast<int64_t>(one.size())) {
        auto part = std::min<int64_t>(samples - done, static_cast<int64_t>(one.size()));
        if (Status status = lengths.append(one.data(), static_cast<uint64_t>(part) * sizeof(int32_t)); status.failed())
          return status;
      }
      Expected<Bytes> bytes = lengths.finish();
      if (!bytes)
        return bytes.status();
      array = Array{*path, *bytes, StoredType::I32, false, {samples}};
    }
    result.arrays.push_back(std::move(*array));
  }
  return result;
}

} // namespace xfer::rt
