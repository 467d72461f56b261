// NPY and NPZ, the formats of NumPy (core/NpyHeader.h).
#include "runtime/core/File.h"
#include "runtime/core/NpyHeader.h"
#include "runtime/core/ZipFile.h"
#include "runtime/data/Format.h"

namespace xfer::rt {

static Expected<NpyHeader> parseHeader(std::string_view start, const std::string &name) {
  Expected<NpyHeader> header = parseNpyHeader(start, name);
  if (header && header->columns)
    return failure("'{}' is stored column by column (Fortran order); save numpy.ascontiguousarray(x) instead", name);
  return header;
}

static Expected<Array> arrayOf(Expected<NpyHeader> header, const Bytes &file, const std::string &name) {
  if (!header)
    return header.status();
  uint64_t bytes = header->valueBytes();
  if (file.size < header->size || file.size - header->size != bytes)
    return failure(
        "'{}' announces {} values of type {} ({} bytes), but {} bytes follow its header; copy the file again", name,
        shapeText(header->shape), nameOf(header->type), bytes, file.size - std::min(file.size, header->size));
  return Array{name, file.slice(header->size, bytes), header->type, header->bigEndian, std::move(header->shape)};
}

Expected<FormatResult> readNpy(FormatRequest &request) {
  FormatResult result;
  for (const Field &field : request.fields()) {
    Expected<std::string> path = request.fileOf(field);
    if (!path)
      return path.status();
    Expected<Bytes> file = mapFile(*path);
    if (!file)
      return file.status();
    std::string_view start = file->text().substr(0, NpyHeader::longest);
    Expected<Array> array = arrayOf(parseHeader(start, *path), *file, *path);
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
  Expected<std::string> start = zip.beginning(*member, NpyHeader::longest);
  if (!start)
    return start.status();
  Expected<NpyHeader> header = parseHeader(*start, place);
  if (!header)
    return header.status();
  if (header->size + header->valueBytes() != member->size)
    return failure("'{}' announces {} values of type {}, but is {} bytes long; copy the file again", place,
                   shapeText(header->shape), nameOf(header->type), member->size);
  Expected<Bytes> content = zip.content(*member);
  if (!content)
    return content.status();
  return arrayOf(std::move(header), *content, place);
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
