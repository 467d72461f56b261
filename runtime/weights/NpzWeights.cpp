#include "runtime/core/Gzip.h"
#include "runtime/core/NpyHeader.h"
#include "runtime/weights/WeightContent.h"
#include <algorithm>

namespace xfer::rt {

static constexpr std::string_view suffix = ".npy";

// Row by row and little-endian, with memory of its own.
static Status rearrange(const NpyHeader &header, WeightTensor &tensor, TensorCollector &tensors) {
  if (tensor.bytes.size == 0)
    return Status::success();
  Expected<std::shared_ptr<std::vector<uint8_t>>> memory = tensors.allocate(tensor.name, tensor.bytes.size);
  if (!memory)
    return memory.status();
  uint64_t step = sizeOf(tensor.type);
  std::vector<int64_t> strides(tensor.shape.size());
  int64_t stride = 1;
  for (size_t i = 0; i < strides.size(); ++i) {
    size_t axis = header.columns ? i : strides.size() - 1 - i;
    strides[axis] = stride;
    stride *= tensor.shape[axis];
  }
  std::vector<uint8_t> &values = **memory;
  gatherElements(tensor.shape, strides, step, tensor.bytes.data, values.data());
  if (header.bigEndian)
    for (uint64_t at = 0; at < values.size(); at += step)
      std::reverse(values.begin() + static_cast<ptrdiff_t>(at), values.begin() + static_cast<ptrdiff_t>(at + step));
  tensor.bytes = {values.data(), values.size(), *memory};
  return Status::success();
}

Expected<WeightContent> readNpzWeights(const ZipFile &zip, const Bytes &file, const std::string &name) {
  auto refuse = [&](const Status &status) {
    return failure("'{}' is not a good npz file: {}; get or write it again", name, status.message());
  };
  ZipContents contents(zip, file);
  TensorCollector tensors(UnpackedSize::plausible(file.size).limit);
  for (const ZipMember &member : zip.members()) {
    std::string place = name + ":" + member.name;
    Expected<std::string> start = zip.beginning(member, NpyHeader::longest);
    Expected<NpyHeader> header = start ? parseNpyHeader(*start, place) : Expected<NpyHeader>(start.status());
    if (!header)
      return header.status();
    if (header->size + header->valueBytes() != member.size)
      return refuse(failure("member '{}' announces {} values of type {}, but is {} bytes long", member.name,
                            shapeText(header->shape), nameOf(header->type), member.size));
    Expected<Bytes> content = contents.content(member);
    if (!content)
      return refuse(content.status());
    if (content->size != member.size)
      return refuse(failure("member '{}' has {} bytes, {} are announced", member.name, content->size, member.size));
    WeightTensor tensor{member.name.substr(0, member.name.size() - suffix.size()), header->type, header->shape,
                        content->slice(header->size, header->valueBytes())};
    if (header->columns || header->bigEndian)
      if (Status status = rearrange(*header, tensor, tensors); status.failed())
        return refuse(status);
    if (Status status = tensors.add(std::move(tensor)); status.failed())
      return refuse(status);
  }
  WeightContent result;
  result.format = WeightFormat::Npz;
  result.tensors = tensors.take();
  return result;
}

} // namespace xfer::rt
