// The header of a safetensors file.
#ifndef XFER_RUNTIME_WEIGHTS_WEIGHTHEADER_H
#define XFER_RUNTIME_WEIGHTS_WEIGHTHEADER_H

#include "runtime/weights/WeightFile.h"

namespace xfer::rt {

struct WeightEntry {
  std::string name, type; // "F32"
  std::vector<int64_t> shape;
  std::vector<int64_t> offsets; // begin and end
};

struct WeightHeader {
  std::vector<WeightEntry> entries;
  Metadata metadata;
};

// Checks the form: kinds of values, keys that are known, present and not repeated. Messages do not name the file.
Expected<WeightHeader> parseWeightHeader(std::string_view text);

std::string printWeightHeader(const WeightHeader &header);

} // namespace xfer::rt

#endif
