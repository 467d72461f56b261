#include "runtime/weights/WeightFile.h"
#include "runtime/core/File.h"
#include "runtime/weights/WeightHeader.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

static std::string lowered(std::string text) {
  for (char &letter : text)
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  return text;
}

static std::string dtypeOf(StoredType type) {
  std::string text(nameOf(type));
  for (char &letter : text)
    letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  return text;
}

static Expected<WeightTensor> readEntry(const WeightEntry &entry, const Bytes &data) {
  std::optional<StoredType> type = storedTypeOf(lowered(entry.type));
  if (!type)
    return failure("tensor '{}' has the type '{}', which this runtime does not know", entry.name, entry.type);
  std::optional<uint64_t> bytes = bytesOf(*type, entry.shape);
  if (entry.offsets.size() != 2 || entry.offsets[0] > entry.offsets[1] ||
      static_cast<uint64_t>(entry.offsets[1]) > data.size)
    return failure("tensor '{}' lies outside of the file ({} bytes of values)", entry.name, data.size);
  uint64_t begin = entry.offsets[0], length = entry.offsets[1] - begin;
  if (!bytes || *bytes != length)
    return failure("tensor '{}' of type {} and shape {} cannot lie in {} bytes", entry.name, entry.type,
                   shapeText(entry.shape), length);
  return WeightTensor{entry.name, *type, entry.shape, data.slice(begin, length)};
}

// The values must fill the data without gap or overlap, as the format demands.
static Status checkCoverage(const std::vector<WeightTensor> &tensors, const Bytes &data) {
  std::vector<const WeightTensor *> order;
  for (const WeightTensor &tensor : tensors)
    order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const WeightTensor *a, const WeightTensor *b) {
    return std::make_pair(a->bytes.data, a->bytes.size) < std::make_pair(b->bytes.data, b->bytes.size);
  });
  const uint8_t *at = data.data;
  const WeightTensor *before = nullptr;
  for (const WeightTensor *tensor : order) {
    if (tensor->bytes.data < at)
      return failure("the tensors '{}' and '{}' overlap", before->name, tensor->name);
    if (tensor->bytes.data > at)
      return failure("nothing is said of the {} bytes before tensor '{}'", tensor->bytes.data - at, tensor->name);
    at += tensor->bytes.size;
    before = tensor;
  }
  if (at != data.data + data.size)
    return failure("nothing is said of its last {} bytes", data.data + data.size - at);
  return Status::success();
}

Expected<WeightFile> WeightFile::parse(Bytes file, const std::string &name) {
  auto refuse = [&](const Status &status) {
    return failure("'{}' is not a good safetensors file: {}; get or write it again", name, status.message());
  };
  uint64_t length = 0;
  if (file.size < 8)
    return refuse(failure("it has only {} bytes", file.size));
  std::memcpy(&length, file.data, 8);
  constexpr uint64_t longest = 100000000; // what the format allows
  if (length > file.size - 8 || length > longest)
    return refuse(failure("its header announces {} bytes, {} follow", length, file.size - 8));
  Expected<WeightHeader> header = parseWeightHeader(file.slice(8, length).text());
  if (!header)
    return refuse(header.status());
  Bytes data = file.slice(8 + length, file.size - 8 - length);
  WeightFile result;
  result.path = name;
  result.whole = file;
  result.notes = std::move(header->metadata);
  for (const WeightEntry &entry : header->entries) {
    Expected<WeightTensor> tensor = readEntry(entry, data);
    if (!tensor)
      return refuse(tensor.status());
    result.list.push_back(std::move(*tensor));
  }
  if (Status status = checkCoverage(result.list, data); status.failed())
    return refuse(status);
  return result;
}

Expected<WeightFile> WeightFile::open(const std::string &path) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return file.status();
  return parse(*file, path);
}

const WeightTensor *WeightFile::find(std::string_view name) const {
  auto found = std::find_if(list.begin(), list.end(), [&](const WeightTensor &t) { return t.name == name; });
  return found == list.end() ? nullptr : &*found;
}

// Wide types first, and a header padded to 64 bytes: every tensor is aligned for its type. `order` is that of the file.
static std::string makeStart(const std::vector<WeightTensor> &tensors, const Metadata &metadata,
                             std::vector<const WeightTensor *> &order) {
  for (uint64_t size : {8, 4, 2, 1})
    for (const WeightTensor &tensor : tensors) {
      assert(bytesOf(tensor.type, tensor.shape) == tensor.bytes.size && "a tensor without its bytes");
      if (sizeOf(tensor.type) == size)
        order.push_back(&tensor);
    }
  WeightHeader header;
  header.metadata = metadata;
  int64_t offset = 0;
  for (const WeightTensor *tensor : order) {
    int64_t end = offset + static_cast<int64_t>(tensor->bytes.size);
    header.entries.push_back({tensor->name, dtypeOf(tensor->type), tensor->shape, {offset, end}});
    offset = end;
  }
  std::string text = printWeightHeader(header);
  text.append((64 - (8 + text.size()) % 64) % 64, ' ');
  uint64_t length = text.size();
  return std::string(reinterpret_cast<const char *>(&length), 8) + text;
}

Status writeWeights(const std::string &path, const std::vector<WeightTensor> &tensors, const Metadata &metadata) {
  std::vector<const WeightTensor *> order;
  std::string start = makeStart(tensors, metadata, order);
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.status();
  if (Status status = file->write(start); status.failed())
    return status;
  for (const WeightTensor *tensor : order)
    if (Status status = file->write(tensor->bytes.data, tensor->bytes.size); status.failed())
      return status;
  return file->commit();
}

std::string encodeWeights(const std::vector<WeightTensor> &tensors, const Metadata &metadata) {
  std::vector<const WeightTensor *> order;
  std::string result = makeStart(tensors, metadata, order);
  for (const WeightTensor *tensor : order)
    result += tensor->bytes.text();
  return result;
}

} // namespace xfer::rt
