#include "runtime/program/Bootstrap.h"
#include "runtime/core/Hash.h"
#include "runtime/core/Philox.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

unsigned bootstrapRounds(uint64_t bytes) {
  constexpr uint64_t copied = uint64_t(1) << 30;
  return static_cast<unsigned>(std::clamp<uint64_t>(copied / std::max<uint64_t>(bytes, 1), 100, 1000));
}

std::vector<uint32_t> bootstrapDraw(std::string_view source, unsigned round, uint32_t count) {
  uint64_t name = hashName(source);
  PhiloxStream stream({static_cast<uint32_t>(name), static_cast<uint32_t>(name >> 32), round, count});
  std::vector<uint32_t> places(count);
  for (uint32_t &place : places)
    place = stream.below(count);
  return places;
}

Interval percentileInterval(std::vector<double> values) {
  size_t drawn = values.size();
  values.erase(std::remove_if(values.begin(), values.end(), [](double value) { return std::isnan(value); }),
               values.end());
  if (values.empty() || 2 * values.size() < drawn)
    return {std::nan(""), std::nan("")};
  std::sort(values.begin(), values.end());
  auto at = [&](double share) {
    double place = share * static_cast<double>(values.size() - 1);
    size_t low = static_cast<size_t>(place), high = std::min(low + 1, values.size() - 1);
    return values[low] + (place - static_cast<double>(low)) * (values[high] - values[low]);
  };
  return {at(0.025), at(0.975)};
}

} // namespace xfer::rt
