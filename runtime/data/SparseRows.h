// Rows of which only the entries that are not 0 are kept, such as counts of words: for each its place and its value.
// A batch of them is dense; so is what the program computes with.
#ifndef XFER_RUNTIME_DATA_SPARSEROWS_H
#define XFER_RUNTIME_DATA_SPARSEROWS_H

#include "runtime/core/SpillBuffer.h"
#include "runtime/data/Array.h"

namespace xfer::rt {

class SparseRows {
public:
  // `name` is for messages. The field is no class, and its type can be read from files.
  SparseRows(std::string name, Field field);

  // An entry of the row that is being written, at a place of the field that the row does not have yet; `value` is of
  // the field's type.
  Status append(uint32_t place, const void *value);
  Status endRow();
  // Behind the last row; nothing is read before it.
  Status finish();
  // Would a dense array take no more memory?
  bool isDense() const;
  Expected<Array> toDense() const;

  int64_t count() const { return rows; }
  const std::string &name() const { return label; }
  const Field &field() const { return target; }
  // Row after row into `destination`; samples are in range.
  Status read(const int32_t *samples, size_t count, void *destination) const;

private:
  std::string label;
  Field target;
  uint64_t valueBytes;
  int64_t rows = 0;
  uint64_t entries = 0;
  SpillBuffer startBuffer, placeBuffer, valueBuffer;
  Bytes starts, places, values; // u64 for each row and the end; u32 and a value for each entry
};

} // namespace xfer::rt

#endif
