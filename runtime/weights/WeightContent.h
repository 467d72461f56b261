// What a weight file holds, whatever its format: each reader below makes it from the bytes of a whole file. All check
// everything that the file says; messages name the file.
#ifndef XFER_RUNTIME_WEIGHTS_WEIGHTCONTENT_H
#define XFER_RUNTIME_WEIGHTS_WEIGHTCONTENT_H

#include "runtime/core/ZipFile.h"
#include "runtime/weights/WeightFile.h"
#include <map>
#include <set>

namespace xfer::rt {

struct WeightContent {
  WeightFormat format = WeightFormat::Safetensors;
  std::vector<WeightTensor> tensors;
  Metadata metadata;
  std::vector<std::string> others; // what the file holds beside tensors
};

// safetensors: eight bytes that hold the length of the header, the header (JSON: name -> dtype, shape, data_offsets),
// the values, little-endian.
Expected<WeightContent> readSafetensors(const Bytes &file, const std::string &name);

// npz (NumPy): a tensor an npy file, called as it is without `.npy`. Values of the other byte order, and those that
// stand column by column, are copied.
Expected<WeightContent> readNpzWeights(const ZipFile &zip, const Bytes &file, const std::string &name);

// A checkpoint of torch.save: a zip file with a pickle and the storages that it refers to. See TorchTensors.h.
Expected<WeightContent> readTorchZip(const ZipFile &zip, const Bytes &file, const std::string &name);

// The same as PyTorch wrote it before 1.6 (`.th`, `.pth`): pickles one behind the other (a magic number, the version of
// the protocol, facts about the system, the object, the names of the storages), then the storages.
Expected<WeightContent> readTorchLegacy(const Bytes &file, const std::string &name);
bool isTorchLegacy(const Bytes &file);

// The initialisers of the graph of an ONNX model, whose nodes are passed over.
Expected<WeightContent> readOnnx(const Bytes &file, const std::string &name);
bool isOnnx(const Bytes &file);

// The tensors of a file whose format promises nothing about names: they must differ, and be names that a safetensors
// file can have. Messages do not name the file.
class TensorCollector {
public:
  // `most` bytes may be copied in all.
  explicit TensorCollector(uint64_t most) : room(most) {}

  Status add(WeightTensor tensor);
  // Memory for a tensor that cannot stay where it is.
  Expected<std::shared_ptr<std::vector<uint8_t>>> allocate(const std::string &tensor, uint64_t size);
  std::vector<WeightTensor> take() { return std::move(tensors); }

private:
  std::vector<WeightTensor> tensors;
  std::set<std::string> names;
  uint64_t room;
};

// The members of a zip file, which may name the same bytes many times: all that is stored must fit into the file, and
// all that is unpacked must be plausible for its size, before it is looked at.
class ZipContents {
public:
  ZipContents(const ZipFile &zip, const Bytes &file);

  const ZipMember *find(std::string_view name) const;
  Expected<Bytes> content(const ZipMember &member);

private:
  const ZipFile &zip;
  std::map<std::string_view, const ZipMember *> members;
  uint64_t stored, packed; // how much may still come
};

// Elements from `from` on with a stride each, one behind the other row by row; `shape` has no extent of zero. All of it
// lies in what `from` points into.
void gatherElements(const std::vector<int64_t> &shape, const std::vector<int64_t> &strides, uint64_t elementSize,
                    const uint8_t *from, uint8_t *to);

} // namespace xfer::rt

#endif
