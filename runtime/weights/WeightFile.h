// Weights as safetensors files: eight bytes that hold the length of the header, the header (JSON: name -> dtype, shape,
// data_offsets), the values, little-endian. Reading maps the file; everything the header says is checked against it.
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

class WeightFile {
public:
  static Expected<WeightFile> open(const std::string &path);
  // The same for bytes in memory; `name` is for messages.
  static Expected<WeightFile> parse(Bytes file, const std::string &name);

  const std::string &name() const { return path; }
  const Bytes &content() const { return whole; }                    // of the file
  const std::vector<WeightTensor> &tensors() const { return list; } // in the order of the header
  const Metadata &metadata() const { return notes; }
  const WeightTensor *find(std::string_view name) const;

private:
  std::string path;
  Bytes whole;
  std::vector<WeightTensor> list;
  Metadata notes;
};

// Writes the file as a whole or not at all. Names must differ.
Status writeWeights(const std::string &path, const std::vector<WeightTensor> &tensors, const Metadata &metadata = {});

// The same into memory, to be embedded.
std::string encodeWeights(const std::vector<WeightTensor> &tensors, const Metadata &metadata = {});

} // namespace xfer::rt

#endif
