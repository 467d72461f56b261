// Any bytes as the pickle of a checkpoint, without the container, whose checksums would keep most changes out. What is
// accepted has tensors that lie in their storages.
#include "runtime/weights/TorchTensors.h"
#include "test/fuzz/Fuzz.h"

using namespace xfer::rt;
using xfer::fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Expected<Pickle> pickle = Pickle::parse({reinterpret_cast<const char *>(data), size}, allowInCheckpoint);
  if (!pickle)
    return 0;
  require(pickle->length() <= size, "a pickle is longer than its bytes");
  Expected<std::vector<TorchStorage>> storages = collectStorages(*pickle);
  if (!storages)
    return 0;
  for (TorchStorage &storage : *storages) {
    constexpr uint64_t most = 1 << 16;
    if (storage.byteCount() > most)
      return 0;
    auto memory = std::make_shared<std::vector<uint8_t>>(storage.byteCount());
    storage.bytes = {memory->data(), memory->size(), memory};
  }
  Expected<WeightContent> content = collectTensors(*pickle, *storages, size);
  if (!content)
    return 0;
  unsigned sum = 0;
  for (const WeightTensor &tensor : content->tensors) {
    require(bytesOf(tensor.type, tensor.shape) == tensor.bytes.size, "a tensor has other bytes than its shape");
    for (uint64_t i = 0; i < tensor.bytes.size; ++i)
      sum += tensor.bytes.data[i];
  }
  require(sum == 0, "a tensor has values of no storage");
  return 0;
}
