// How weights lie in the memory of a program and in files shared with other frameworks (PyTorch's order):
//   filter  [*window, in, out]  <->  [out, in, *window]      convolution
//   matrix  [in, out]           <->  [out, in]               linear map
//   plain   the same
#ifndef XFER_RUNTIME_WEIGHTS_LAYOUT_H
#define XFER_RUNTIME_WEIGHTS_LAYOUT_H

#include "runtime/weights/WeightFile.h"

namespace xfer::rt {

enum class WeightLayout : uint8_t { Plain, Filter, Matrix };

std::optional<WeightLayout> weightLayoutOf(std::string_view name); // as in the manifest

// Shape in files of a weight that has `shape` in the program.
std::vector<int64_t> interchangeShape(WeightLayout layout, const std::vector<int64_t> &shape);

// Copies values of `elementSize` bytes; `shape` is the one in the program. The ranges do not overlap.
void toInterchange(WeightLayout layout, const std::vector<int64_t> &shape, uint64_t elementSize, const void *program,
                   void *file);
void fromInterchange(WeightLayout layout, const std::vector<int64_t> &shape, uint64_t elementSize, const void *file,
                     void *program);

// A weight of a program as a tensor of a file, with memory of its own unless it can stay as it is.
WeightTensor toTensor(std::string name, ElementType type, WeightLayout layout, const std::vector<int64_t> &shape,
                      const void *values);

// Whether a tensor can become a weight. The shape must be the weight's, in the order of files; the types must be equal,
// or both floating-point (f16 and bf16 widen, f64 rounds), or both integers and every value must fit.
Status checkTensor(const WeightTensor &tensor, ElementType type, WeightLayout layout,
                   const std::vector<int64_t> &shape);

// Reads a tensor into a weight, if it passes that check.
Status readTensor(const WeightTensor &tensor, ElementType type, WeightLayout layout, const std::vector<int64_t> &shape,
                  void *values);

} // namespace xfer::rt

#endif
