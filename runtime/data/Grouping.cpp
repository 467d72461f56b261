#include "runtime/data/Grouping.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

static constexpr int64_t readAtOnce = 4096; // samples, so that memory stays bounded

static Expected<size_t> findField(const Reader &reader, const std::string &name) {
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const Field &field = reader.fields()[i];
    if (field.name != name)
      continue;
    bool isInteger = field.type == ElementType::I32 || field.type == ElementType::U8 || field.type == ElementType::Bool;
    if (!isInteger || field.elements() != 1)
      return failure("samples are grouped by a class or an int each, and field '{}' is neither", name);
    return i;
  }
  return failure("samples are grouped by field '{}', which is not there", name);
}

Expected<Grouping> Grouping::make(const Reader &reader, const std::vector<int32_t> &split, const std::string &field) {
  Expected<size_t> number = findField(reader, field);
  if (!number)
    return number.status();
  uint64_t bytes = reader.fields()[*number].bytes();
  std::vector<uint8_t> read(readAtOnce * bytes);
  std::vector<std::pair<int32_t, int32_t>> sorted; // value and place in the split
  sorted.reserve(split.size());
  for (size_t first = 0; first < split.size(); first += readAtOnce) {
    size_t count = std::min<size_t>(readAtOnce, split.size() - first);
    if (Status status = reader.read(*number, split.data() + first, count, read.data()); status.failed())
      return status;
    for (size_t i = 0; i < count; ++i) {
      int32_t value = read[i * bytes];
      if (bytes == sizeof(value))
        std::memcpy(&value, &read[i * bytes], sizeof(value));
      sorted.emplace_back(value, static_cast<int32_t>(first + i));
    }
  }
  std::sort(sorted.begin(), sorted.end());
  Grouping grouping;
  grouping.samples.reserve(sorted.size());
  for (const auto &[value, place] : sorted) {
    if (grouping.values.empty() || grouping.values.back() != value) {
      grouping.starts.push_back(static_cast<int64_t>(grouping.samples.size()));
      grouping.values.push_back(value);
    }
    grouping.samples.push_back(split[place]);
  }
  grouping.starts.push_back(static_cast<int64_t>(grouping.samples.size()));
  return grouping;
}

int64_t Grouping::groupAt(int64_t rank) const {
  return std::upper_bound(starts.begin(), starts.end(), rank) - starts.begin() - 1;
}

} // namespace xfer::rt
