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

struct PlannedTensor {
  WeightTensor tensor; // which readTensor will take for the target
  size_t target;
  WeightLayout layout; // to read it with
};

// Fails with everything that does not fit. `added` are paths below `into` that the file may lack; targets that are not
// below `into` stay as they are.
Expected<std::vector<PlannedTensor>> planLoad(const WeightFile &file, const std::string &into,
                                              const std::vector<KeyRule> &rules, const std::vector<std::string> &added,
                                              const std::vector<LoadTarget> &targets);

} // namespace xfer::rt

#endif
