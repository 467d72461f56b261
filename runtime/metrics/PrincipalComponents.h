// Rows of many columns as points of a plane: principal component analysis (Pearson 1901), the two directions in which
// the rows vary most.
#ifndef XFER_RUNTIME_METRICS_PRINCIPALCOMPONENTS_H
#define XFER_RUNTIME_METRICS_PRINCIPALCOMPONENTS_H

#include <array>
#include <cstddef>
#include <vector>

namespace xfer::rt {

struct PlanePoints {
  std::vector<std::array<double, 2>> points; // a row each
  std::array<double, 2> share{};             // of the whole variance, along each direction
};

// `values`: rows of `width` numbers, one behind the other. By 60 rounds of subspace iteration from fixed directions, so
// that equal rows give equal points; a direction's largest part is positive.
PlanePoints principalPlane(std::vector<double> values, size_t width);

} // namespace xfer::rt

#endif
