#include "runtime/weights/Layout.h"
#include "runtime/weights/StoredValue.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace xfer::rt {

std::optional<WeightLayout> weightLayoutOf(std::string_view name) {
  if (name == "plain")
    return WeightLayout::Plain;
  if (name == "filter")
    return WeightLayout::Filter;
  return name == "matrix" ? std::optional(WeightLayout::Matrix) : std::nullopt;
}

std::vector<int64_t> interchangeShape(WeightLayout layout, const std::vector<int64_t> &shape) {
  size_t rank = shape.size();
  if (layout == WeightLayout::Plain || rank < 2)
    return shape;
  std::vector<int64_t> result = {shape[rank - 1], shape[rank - 2]};
  result.insert(result.end(), shape.begin(), shape.end() - 2);
  return result;
}

// Both layouts are [window, in, out] <-> [out, in, window] with the window's extents taken together.
static void transpose(const std::vector<int64_t> &shape, uint64_t size, const uint8_t *from, uint8_t *to, bool toFile) {
  size_t rank = shape.size();
  int64_t out = shape[rank - 1], in = shape[rank - 2], window = 1;
  for (size_t i = 0; i + 2 < rank; ++i)
    window *= shape[i];
  for (int64_t w = 0; w < window; ++w)
    for (int64_t i = 0; i < in; ++i)
      for (int64_t o = 0; o < out; ++o) {
        int64_t program = (w * in + i) * out + o, file = (o * in + i) * window + w;
        std::memcpy(to + (toFile ? file : program) * size, from + (toFile ? program : file) * size, size);
      }
}

static void copy(WeightLayout layout, const std::vector<int64_t> &shape, uint64_t size, const void *from, void *to,
                 bool toFile) {
  if (layout != WeightLayout::Plain && shape.size() >= 2)
    return transpose(shape, size, static_cast<const uint8_t *>(from), static_cast<uint8_t *>(to), toFile);
  uint64_t bytes = size;
  for (int64_t extent : shape)
    bytes *= extent;
  std::memcpy(to, from, bytes);
}

void toInterchange(WeightLayout layout, const std::vector<int64_t> &shape, uint64_t elementSize, const void *program,
                   void *file) {
  copy(layout, shape, elementSize, program, file, /*toFile=*/true);
}

void fromInterchange(WeightLayout layout, const std::vector<int64_t> &shape, uint64_t elementSize, const void *file,
                     void *program) {
  copy(layout, shape, elementSize, file, program, /*toFile=*/false);
}

WeightTensor toTensor(std::string name, ElementType type, WeightLayout layout, const std::vector<int64_t> &shape,
                      const void *values) {
  WeightTensor tensor{std::move(name), storedTypeOf(type), interchangeShape(layout, shape), {}};
  tensor.bytes.size = *bytesOf(tensor.type, shape);
  tensor.bytes.data = static_cast<const uint8_t *>(values);
  if (layout == WeightLayout::Plain || shape.size() < 2)
    return tensor;
  auto memory = std::make_shared<std::vector<uint8_t>>(tensor.bytes.size);
  toInterchange(layout, shape, sizeOf(type), values, memory->data());
  tensor.bytes.data = memory->data();
  tensor.bytes.owner = std::move(memory);
  return tensor;
}

template <typename T> static void store(uint8_t *at, T value) { std::memcpy(at, &value, sizeof(T)); }

static void storeFloat(ElementType type, uint8_t *at, double value) {
  if (type == ElementType::F64)
    store(at, value);
  else if (type == ElementType::F32)
    store(at, static_cast<float>(value));
  else
    store(at, bfloatOfFloat(static_cast<float>(value)));
}

static bool storeInteger(ElementType type, uint8_t *at, int64_t value) {
  switch (type) {
  case ElementType::I64:
    store(at, value);
    return true;
  case ElementType::I32:
    store(at, static_cast<int32_t>(value));
    return value == static_cast<int32_t>(value);
  case ElementType::U8:
    store(at, static_cast<uint8_t>(value));
    return value == static_cast<uint8_t>(value);
  default: // bool
    store(at, static_cast<uint8_t>(value != 0));
    return value == 0 || value == 1;
  }
}

Status checkTensor(const WeightTensor &tensor, ElementType type, WeightLayout layout,
                   const std::vector<int64_t> &shape) {
  std::vector<int64_t> wanted = interchangeShape(layout, shape);
  if (tensor.shape != wanted)
    return failure("tensor '{}' has the shape {}, expected is {}", tensor.name, shapeText(tensor.shape),
                   shapeText(wanted));
  StoredType target = storedTypeOf(type);
  if (isFloat(tensor.type) != isFloat(target))
    return failure("tensor '{}' has the type {}, expected is {}", tensor.name, nameOf(tensor.type), nameOf(type));
  if (tensor.type == target || isFloat(target))
    return Status::success();
  uint64_t step = sizeOf(tensor.type), count = tensor.bytes.size / step;
  uint8_t stored[8];
  for (uint64_t i = 0; i < count; ++i) {
    int64_t value = integerAt(tensor.type, tensor.bytes.data + i * step);
    if (!storeInteger(type, stored, value) || (tensor.type == StoredType::U64 && value < 0))
      return failure("tensor '{}' has the value {}, which does not fit the type {}", tensor.name, value, nameOf(type));
  }
  return Status::success();
}

Status readTensor(const WeightTensor &tensor, ElementType type, WeightLayout layout, const std::vector<int64_t> &shape,
                  void *values) {
  if (Status status = checkTensor(tensor, type, layout, shape); status.failed())
    return status;
  StoredType target = storedTypeOf(type);
  if (tensor.type == target) {
    fromInterchange(layout, shape, sizeOf(type), tensor.bytes.data, values);
    return Status::success();
  }
  uint64_t step = sizeOf(tensor.type), width = sizeOf(type), count = tensor.bytes.size / step;
  std::vector<uint8_t> converted(count * width);
  for (uint64_t i = 0; i < count; ++i) {
    const uint8_t *from = tensor.bytes.data + i * step;
    uint8_t *to = converted.data() + i * width;
    if (isFloat(target))
      storeFloat(type, to, floatAt(tensor.type, from));
    else
      storeInteger(type, to, integerAt(tensor.type, from));
  }
  fromInterchange(layout, shape, width, converted.data(), values);
  return Status::success();
}

} // namespace xfer::rt
