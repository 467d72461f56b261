//===- ConstantPool.cpp - the constants of a program, each once ---------------------------------------------------===//

#include "compiler/Memory/ConstantPool.h"
#include "compiler/Memory/ArenaPlan.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace xfer {

int64_t bytesOfElement(Type element) { return std::max<int64_t>(1, element.getIntOrFloatBitWidth() / 8); }

/// The elements in row-major order as they lie in memory.
static FailureOr<std::string> bytesOf(ElementsAttr value) {
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  std::string bytes;
  int64_t count = dense.getNumElements();
  if (dense.getElementType().isInteger(1)) {
    for (bool element : dense.getValues<bool>())
      bytes.push_back(element);
    return bytes;
  }
  ArrayRef<char> raw = dense.getRawData();
  if (!dense.isSplat())
    return std::string(raw.begin(), raw.end());
  bytes.reserve(raw.size() * count);
  for (int64_t i = 0; i != count; ++i)
    bytes.append(raw.begin(), raw.end());
  return bytes;
}

FailureOr<int64_t> ConstantPool::add(ElementsAttr value) {
  auto known = byAttribute.find(value);
  if (known != byAttribute.end())
    return known->second;
  FailureOr<std::string> bytes = bytesOf(value);
  if (failed(bytes))
    return failure();
  auto [entry, isNew] = byContent.try_emplace(*bytes, data.size());
  if (isNew) {
    data += *bytes;
    data.resize(alignBuffer(data.size()), 0);
  }
  byAttribute[value] = entry->second;
  return entry->second;
}

} // namespace xfer
