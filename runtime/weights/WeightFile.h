// Weight files: safetensors, npz, ONNX and the checkpoints of PyTorch are read, safetensors is written. What a file is,
// its content tells, not its name; WeightContent.h has the formats. Reading maps the file, and tensors stay in it where
// the program could have them as they are stored; everything that a file says of itself is checked against it.
#ifndef XFER_RUNTIME_WEIGHTS_WEIGHTFILE_H
#define XFER_RUNTIME_WEIGHTS_WEIGHTFILE_H

#include "runtime/core/Bytes.h"
#include "runtime/core/StoredType.h"
#include "xfer/rt/Status.h"

namespace xfer::rt {

struct WeightTensor {
  std::string name;
  StoredType type = StoredType::F32;
  std::vector<int64_t> shape;
  Bytes bytes; // row-major; not aligned when it comes from a file
};

using Metadata = std::vector<std::pair<std::string, std::string>>;

enum class WeightFormat : uint8_t { Safetensors, Npz, Torch, TorchLegacy, Onnx };

class WeightFile {
public:
  static Expected<WeightFile> open(const std::string &path);
  // The same for bytes in memory; `name` is for messages.
  static Expected<WeightFile> parse(Bytes file, const std::string &name);

  const std::string &name() const { return path; }
  const Bytes &content() const { return whole; }                    // of the file
  const std::vector<WeightTensor> &tensors() const { return list; } // in the order of the file
  const Metadata &metadata() const { return notes; }
  // Whose layout it says that its weights have: "keras" (by `layout`: `keras`, or `HWIO`, in its metadata: filters
  // [*window, in, out], matrices [in, out], as they lie in a program), "PyTorch" (its checkpoints, and by `format`:
  // `pt`), "ONNX", what else stands there, or "".
  std::string statedLayout() const;
  WeightFormat format() const { return kind; }
  const std::vector<std::string> &others() const { return rest; } // what it holds beside tensors
  const WeightTensor *find(std::string_view name) const;

private:
  std::string path;
  Bytes whole;
  std::vector<WeightTensor> list;
  Metadata notes;
  WeightFormat kind = WeightFormat::Safetensors;
  std::vector<std::string> rest;
};

// HDF5 is read by `xferc convert` alone.
bool isHdf5(const Bytes &file);

// Writes a safetensors file as a whole or not at all. Names must differ.
Status writeWeights(const std::string &path, const std::vector<WeightTensor> &tensors, const Metadata &metadata = {});

// The same into memory, to be embedded.
std::string encodeWeights(const std::vector<WeightTensor> &tensors, const Metadata &metadata = {});

} // namespace xfer::rt

#endif
