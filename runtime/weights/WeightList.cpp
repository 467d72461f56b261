#include "xfer/rt/WeightList.h"
#include "runtime/core/File.h"
#include "runtime/weights/StoredValue.h"
#include "runtime/weights/WeightContent.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

static double valueAt(StoredType type, const uint8_t *at) {
  if (isFloat(type))
    return floatAt(type, at);
  int64_t value = integerAt(type, at);
  return type == StoredType::U64 ? static_cast<double>(static_cast<uint64_t>(value)) : static_cast<double>(value);
}

static ListedTensor list(const WeightTensor &tensor) {
  uint64_t step = sizeOf(tensor.type), count = tensor.bytes.size / step;
  ListedTensor listed;
  listed.key = tensor.name;
  listed.type = std::string(nameOf(tensor.type));
  listed.shape = tensor.shape;
  listed.values = count;
  for (uint64_t i = 0; i < count; ++i) {
    double value = valueAt(tensor.type, tensor.bytes.data + i * step);
    if (!std::isfinite(value)) {
      listed.nan += std::isnan(value);
      continue;
    }
    listed.least = listed.finite ? std::min(listed.least, value) : value;
    listed.greatest = listed.finite ? std::max(listed.greatest, value) : value;
    ++listed.finite;
  }
  return listed;
}

static const char *nameOf(WeightFormat format) {
  switch (format) {
  case WeightFormat::Safetensors:
    return "safetensors";
  case WeightFormat::Npz:
    return "npz";
  case WeightFormat::Torch:
    return "PyTorch";
  case WeightFormat::TorchLegacy:
    return "PyTorch before 1.6";
  case WeightFormat::Onnx:
    return "ONNX";
  }
  return "";
}

Expected<WeightListing> listWeights(const std::string &path) {
  Expected<WeightFile> file = WeightFile::open(path);
  if (!file)
    return file.status();
  WeightListing listing;
  listing.format = nameOf(file->format());
  listing.bytes = file->content().size;
  listing.metadata = file->metadata();
  listing.others = file->others();
  for (const WeightTensor &tensor : file->tensors())
    listing.tensors.push_back(list(tensor));
  return listing;
}

Status writeTensors(const std::string &path, std::vector<NewTensor> tensors,
                    const std::vector<std::pair<std::string, std::string>> &metadata) {
  TensorCollector collector(/*most=*/0);
  for (NewTensor &given : tensors) {
    std::optional<StoredType> type = storedTypeOf(given.type);
    if (!type || bytesOf(*type, given.shape) != given.bytes.size())
      return failure("tensor '{}' cannot be written with the type '{}' and the shape {}", given.key, given.type,
                     shapeText(given.shape));
    auto memory = std::make_shared<std::vector<uint8_t>>(std::move(given.bytes));
    Bytes bytes{memory->data(), memory->size(), memory};
    if (Status status = collector.add({given.key, *type, given.shape, std::move(bytes)}); status.failed())
      return status;
  }
  return writeWeights(path, collector.take(), metadata);
}

Status convertWeights(const std::string &from, const std::string &to) {
  Expected<WeightFile> file = WeightFile::open(from);
  if (!file)
    return file.status();
  // Libraries of PyTorch's world look for this.
  Metadata metadata = file->metadata();
  if (file->format() == WeightFormat::Torch || file->format() == WeightFormat::TorchLegacy)
    metadata.emplace_back("format", "pt");
  return writeWeights(to, file->tensors(), metadata);
}

Expected<bool> isHdf5File(const std::string &path) {
  Expected<Bytes> file = mapFile(path);
  return file ? Expected<bool>(isHdf5(*file)) : Expected<bool>(file.status());
}

} // namespace xfer::rt
