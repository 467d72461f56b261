#include "runtime/weights/WeightContent.h"
#include "runtime/weights/WeightHeader.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

static std::string lowered(std::string text) {
  for (char &letter : text)
    letter = letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
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

Expected<WeightContent> readSafetensors(const Bytes &file, const std::string &name) {
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
  WeightContent result;
  result.metadata = std::move(header->metadata);
  for (const WeightEntry &entry : header->entries) {
    Expected<WeightTensor> tensor = readEntry(entry, data);
    if (!tensor)
      return refuse(tensor.status());
    result.tensors.push_back(std::move(*tensor));
  }
  if (Status status = checkCoverage(result.tensors, data); status.failed())
    return refuse(status);
  return result;
}

} // namespace xfer::rt
