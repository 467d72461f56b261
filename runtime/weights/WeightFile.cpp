#include "runtime/weights/WeightFile.h"
#include "runtime/core/File.h"
#include "runtime/weights/WeightContent.h"
#include "runtime/weights/WeightHeader.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

bool isHdf5(const Bytes &file) {
  // At the beginning, or behind a block of the user's of 512 bytes, 1024, ..
  for (uint64_t at = 0; at < file.size && file.size - at >= 8; at = at == 0 ? 512 : 2 * at)
    if (std::memcmp(file.data + at, "\x89HDF\r\n\x1a\n", 8) == 0)
      return true;
  return false;
}

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

static Expected<WeightContent> readZip(const Bytes &file, const std::string &name) {
  Expected<ZipFile> zip = ZipFile::open(file, name);
  if (!zip)
    return zip.status();
  bool isNpz = !zip->members().empty();
  for (const ZipMember &member : zip->members()) {
    if (member.name == "data.pkl" || endsWith(member.name, "/data.pkl"))
      return readTorchZip(*zip, file, name);
    isNpz &= endsWith(member.name, ".npy");
  }
  if (isNpz)
    return readNpzWeights(*zip, file, name);
  return failure(
      "'{}' is a zip file, but neither a checkpoint of PyTorch nor an npz file of arrays; load what it holds", name);
}

// By what it begins with: names of weight files say little.
static Expected<WeightContent> readContent(const Bytes &file, const std::string &name) {
  std::string_view text = file.text();
  if (text.substr(0, 4) == "PK\3\4" || text.substr(0, 4) == "PK\5\6")
    return readZip(file, name);
  if (isTorchLegacy(file))
    return readTorchLegacy(file, name);
  if (isOnnx(file))
    return readOnnx(file, name);
  // The length of a safetensors header may look like the beginning of a pickle.
  if (text.size() > 8 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5 && text[8] != '{')
    return failure(
        "'{}' is a Python pickle, which could run anything, and no checkpoint of PyTorch; save the arrays with "
        "torch.save, numpy.savez or safetensors",
        name);
  if (text.substr(0, 6) == "\x93NUMPY")
    return failure("'{}' is an array without a name; save it with a name: numpy.savez(f, weight=w)", name);
  if (isHdf5(file))
    return failure("'{}' is an HDF5 file, which programs do not read; rewrite it: xferc convert {} weights.safetensors",
                   name, name);
  return readSafetensors(file, name);
}

Expected<WeightFile> WeightFile::parse(Bytes file, const std::string &name) {
  Expected<WeightContent> content = readContent(file, name);
  if (!content)
    return content.status();
  WeightFile result;
  result.path = name;
  result.whole = std::move(file);
  result.kind = content->format;
  result.list = std::move(content->tensors);
  result.notes = std::move(content->metadata);
  result.rest = std::move(content->others);
  return result;
}

Expected<WeightFile> WeightFile::open(const std::string &path) {
  Expected<Bytes> file = mapFile(path);
  if (!file)
    return file.status();
  return parse(*file, path);
}

std::string WeightFile::statedLayout() const {
  if (kind == WeightFormat::Torch || kind == WeightFormat::TorchLegacy)
    return "PyTorch";
  if (kind == WeightFormat::Onnx)
    return "ONNX";
  std::string stated;
  for (const auto &[key, text] : notes) {
    if (key == "layout")
      return text == "HWIO" ? "keras" : text;
    if (key == "format" && text == "pt")
      stated = "PyTorch";
  }
  return stated;
}

const WeightTensor *WeightFile::find(std::string_view name) const {
  auto found = std::find_if(list.begin(), list.end(), [&](const WeightTensor &t) { return t.name == name; });
  return found == list.end() ? nullptr : &*found;
}

static std::string dtypeOf(StoredType type) {
  std::string text(nameOf(type));
  for (char &letter : text)
    letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
  return text;
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
