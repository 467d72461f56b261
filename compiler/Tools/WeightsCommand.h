//===- WeightsCommand.h - `xferc weights` and `xferc convert` -----------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_WEIGHTSCOMMAND_H
#define XFER_COMPILER_TOOLS_WEIGHTSCOMMAND_H

#include <string>

namespace xfer {

// HDF5 is read by xfer-hdf5, a program beside `executable`, so that its library can break nothing here.

/// Prints what a weight file of any format holds: a line a tensor, or JSON. The exit status.
int printWeights(const std::string &path, bool json, const std::string &executable);

/// Writes the tensors of `from` as the safetensors file `to`. The exit status.
int convertWeightFile(const std::string &from, const std::string &to, const std::string &executable);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_WEIGHTSCOMMAND_H
