// Which tensors of a weight file become which variables of a model, for one `load` (MANIFEST.md, Loads). It is asked
// when a program is built and when it starts.
#ifndef XFER_RUNTIME_WEIGHTS_LOADPLAN_H
#define XFER_RUNTIME_WEIGHTS_LOADPLAN_H

#include "runtime/weights/KeyMap.h"
#include "runtime/weights/Layout.h"

namespace xfer::rt {

// A variable that a file may fill: a parameter, or a state of a module.
struct LoadTarget {
  std::string path;
  ElementType type = ElementType::F32;
  WeightLayout layout = WeightLayout::Plain;
  std::vector<int64_t> shape; // in the program
  bool isParameter = true;
};

// A `load`: what becomes of the keys of the file. `added` are paths below `into` that the file may lack.
struct LoadRequest {
  std::string into;
  bool keras = false; // the file is in Keras' layout, though it does not say so
  std::vector<KeyRule> rules;
  std::vector<std::string> added;
};

struct PlannedTensor {
  WeightTensor tensor; // which readTensor will take for the target
  size_t target;
  WeightLayout layout; // to read it with
};

// Fails with everything that does not fit. Targets that are not below `into` stay as they are.
Expected<std::vector<PlannedTensor>> planLoad(const WeightFile &file, const LoadRequest &request,
                                              const std::vector<LoadTarget> &targets);

} // namespace xfer::rt

#endif
