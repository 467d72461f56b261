#include "runtime/weights/Pickle.h"
#include "runtime/weights/WeightContent.h"
#include "xfer/rt/TextFile.h"
#include <cstring>

namespace xfer::rt {

Status TensorCollector::add(WeightTensor tensor) {
  constexpr size_t longest = 1024; // as matchKeys has it
  if (tensor.name.empty() || tensor.name.size() > longest || tensor.name == "__metadata__")
    return failure("it has a tensor with the name '{}', which no weight can have", shownText(tensor.name));
  for (std::string_view rest = tensor.name; !rest.empty();) {
    bool valid;
    size_t length = characterAt(rest, valid);
    if (!valid)
      return failure("a tensor has a name that is not UTF-8");
    rest.remove_prefix(length);
  }
  if (!names.insert(tensor.name).second)
    return failure("tensor '{}' occurs twice", tensor.name);
  tensors.push_back(std::move(tensor));
  return Status::success();
}

Expected<std::shared_ptr<std::vector<uint8_t>>> TensorCollector::allocate(const std::string &tensor, uint64_t size) {
  if (size > room)
    return failure(
        "tensor '{}' repeats its values to {} bytes, which is out of all proportion to the file; save a copy "
        "of it (tensor.contiguous())",
        tensor, size);
  room -= size;
  return std::make_shared<std::vector<uint8_t>>(size);
}

void gatherElements(const std::vector<int64_t> &shape, const std::vector<int64_t> &strides, uint64_t elementSize,
                    const uint8_t *from, uint8_t *to) {
  std::vector<int64_t> index(shape.size(), 0);
  int64_t place = 0;
  for (;; to += elementSize) {
    std::memcpy(to, from + static_cast<uint64_t>(place) * elementSize, elementSize);
    size_t axis = shape.size();
    for (; axis > 0; --axis) {
      place += strides[axis - 1];
      if (++index[axis - 1] < shape[axis - 1])
        break;
      place -= strides[axis - 1] * shape[axis - 1];
      index[axis - 1] = 0;
    }
    if (axis == 0)
      return;
  }
}

} // namespace xfer::rt
