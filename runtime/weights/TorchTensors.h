// The tensors in a pickle of torch.save. A storage is a persistent id ('storage', torch.FloatStorage, key, place,
// count); a tensor is a call of one of PyTorch's rebuilders with a storage, an offset, sizes and strides, and may share
// its storage with others. Dictionaries and lists in each other give keys with points: {"net": {"w": t}} is net.w. Of a
// dictionary with a part `state_dict` or `model_state_dict` only this part counts: optimizers, epochs and the like
// stand beside it.
#ifndef XFER_RUNTIME_WEIGHTS_TORCHTENSORS_H
#define XFER_RUNTIME_WEIGHTS_TORCHTENSORS_H

#include "runtime/weights/Pickle.h"
#include "runtime/weights/WeightContent.h"
#include <map>

namespace xfer::rt {

struct TorchStorage {
  std::string_view key;
  StoredType type = StoredType::U8;
  bool isTyped = false; // else the tensors say what the bytes are
  uint64_t count = 0;   // elements, bytes if it is not typed
  Bytes bytes;          // for whoever reads the file to fill in
  uint64_t byteCount() const { return count * sizeOf(type); }
};

// What may be called in such a pickle: tensors, storages, element types and ordered dictionaries, nothing else.
std::string_view allowInCheckpoint(std::string_view module, std::string_view name);

// All storages that the pickle refers to, without their bytes. Messages of these functions do not name the file.
Expected<std::vector<TorchStorage>> collectStorages(const Pickle &pickle);

// The tensors; `fileSize` bounds how much may be copied of them.
Expected<WeightContent> collectTensors(const Pickle &pickle, const std::vector<TorchStorage> &storages,
                                       uint64_t fileSize);

} // namespace xfer::rt

#endif
