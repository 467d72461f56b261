#include "runtime/data/SparseRows.h"
#include <cstring>

namespace xfer::rt {

SparseRows::SparseRows(std::string name, Field field)
    : label(std::move(name)), target(std::move(field)), valueBytes(sizeOf(target.type)) {}

Status SparseRows::append(uint32_t place, const void *value) {
  assert(place < target.elements() && "a place beyond the row");
  ++entries;
  if (Status status = placeBuffer.append(&place, sizeof(place)); status.failed())
    return status;
  return valueBuffer.append(value, valueBytes);
}

Status SparseRows::endRow() {
  // The start of the row behind it; the first begins at 0.
  ++rows;
  return startBuffer.append(&entries, sizeof(entries));
}

Status SparseRows::finish() {
  Expected<Bytes> ends = startBuffer.finish(), placed = placeBuffer.finish(), valued = valueBuffer.finish();
  for (const Status &status : {ends.status(), placed.status(), valued.status()})
    if (status.failed())
      return status;
  starts = *ends;
  places = *placed;
  values = *valued;
  return Status::success();
}

bool SparseRows::isDense() const {
  std::optional<uint64_t> dense = bytesOf(storedTypeOf(target.type), {rows, target.elements()});
  return dense && *dense <= starts.size + places.size + values.size;
}

Expected<Array> SparseRows::toDense() const {
  SpillBuffer dense;
  std::vector<uint8_t> row(target.bytes());
  for (int64_t i = 0; i < rows; ++i) {
    int32_t sample = static_cast<int32_t>(i);
    Status status = read(&sample, 1, row.data());
    if (status.ok())
      status = dense.append(row.data(), row.size());
    if (status.failed())
      return status;
  }
  Expected<Bytes> bytes = dense.finish();
  if (!bytes)
    return bytes.status();
  return Array{label, *bytes, storedTypeOf(target.type), false, {rows, target.elements()}};
}

Status SparseRows::read(const int32_t *samples, size_t count, void *destination) const {
  auto *to = static_cast<uint8_t *>(destination);
  const auto *ends = reinterpret_cast<const uint64_t *>(starts.data);
  const auto *place = reinterpret_cast<const uint32_t *>(places.data);
  uint64_t size = target.bytes();
  std::memset(to, 0, size * count);
  for (size_t i = 0; i < count; ++i, to += size) {
    assert(samples[i] >= 0 && samples[i] < rows && "no such sample");
    uint64_t entry = samples[i] == 0 ? 0 : ends[samples[i] - 1], end = ends[samples[i]];
    if (valueBytes == sizeof(float)) // nearly always, and a copy of a fixed size is a move
      for (; entry < end; ++entry)
        std::memcpy(to + place[entry] * sizeof(float), values.data + entry * sizeof(float), sizeof(float));
    for (; entry < end; ++entry)
      std::memcpy(to + place[entry] * valueBytes, values.data + entry * valueBytes, valueBytes);
  }
  return Status::success();
}

} // namespace xfer::rt
