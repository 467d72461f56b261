// The values of a model in a weight file of a run, for a compiler that writes them elsewhere.
#ifndef XFER_RT_WEIGHTVALUES_H
#define XFER_RT_WEIGHTVALUES_H

#include "xfer/rt/LoadCheck.h"

namespace xfer::rt {

// A path as it is written in files: `layer1[0].conv1` is `layer1.0.conv1`; an index that is no number stays.
std::string keyOf(std::string_view path);

struct StoredValues {
  std::vector<int64_t> shape; // as in files, in the layout of the variable
  std::string bytes;          // row by row, of the variable's type
};

// Of each variable what the file has under its key. Fails where one is missing, or of another shape or type.
Expected<std::vector<StoredValues>> readValues(const std::string &path, const std::vector<LoadVariable> &variables);

} // namespace xfer::rt

#endif
