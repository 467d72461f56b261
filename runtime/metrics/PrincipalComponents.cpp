#include "runtime/metrics/PrincipalComponents.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

using Direction = std::vector<double>;

static double dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += a[i] * b[i];
  return sum;
}

// To length 1, after its part along `other` is taken out; zero if nothing is left.
static void straighten(Direction &direction, const Direction *other) {
  if (other) {
    double along = dot(direction.data(), other->data(), direction.size());
    for (size_t k = 0; k < direction.size(); ++k)
      direction[k] -= along * (*other)[k];
  }
  double length = std::sqrt(dot(direction.data(), direction.data(), direction.size()));
  for (double &part : direction)
    part = length > 1e-12 ? part / length : 0;
}

PlanePoints principalPlane(std::vector<double> values, size_t width) {
  PlanePoints plane;
  size_t rows = width ? values.size() / width : 0;
  if (rows == 0)
    return plane;
  for (size_t k = 0; k < width; ++k) {
    double mean = 0;
    for (size_t i = 0; i < rows; ++i)
      mean += values[i * width + k] / static_cast<double>(rows);
    for (size_t i = 0; i < rows; ++i)
      values[i * width + k] -= mean;
  }
  std::array<Direction, 2> directions;
  for (size_t d = 0; d < 2; ++d) {
    for (size_t k = 0; k < width; ++k)
      directions[d].push_back(std::cos(static_cast<double>((k + 1) * (d + 1)))); // in no axis' favour
    straighten(directions[d], d ? &directions[0] : nullptr);
  }
  for (int round = 0; round < 60; ++round) {
    std::array<Direction, 2> next{Direction(width), Direction(width)};
    for (size_t i = 0; i < rows; ++i)
      for (size_t d = 0; d < 2; ++d) {
        const double *row = values.data() + i * width;
        double along = dot(row, directions[d].data(), width);
        for (size_t k = 0; k < width; ++k)
          next[d][k] += along * row[k];
      }
    straighten(next[0], nullptr);
    straighten(next[1], &next[0]);
    directions = std::move(next);
  }
  double whole = dot(values.data(), values.data(), values.size());
  for (Direction &direction : directions) {
    auto largest = std::max_element(direction.begin(), direction.end(),
                                    [](double a, double b) { return std::abs(a) < std::abs(b); });
    if (largest != direction.end() && *largest < 0)
      for (double &part : direction)
        part = -part;
  }
  plane.points.resize(rows);
  for (size_t i = 0; i < rows; ++i)
    for (size_t d = 0; d < 2; ++d) {
      plane.points[i][d] = dot(values.data() + i * width, directions[d].data(), width);
      plane.share[d] += whole > 0 ? plane.points[i][d] * plane.points[i][d] / whole : 0;
    }
  return plane;
}

} // namespace xfer::rt
