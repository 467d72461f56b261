// A column of data as a file stores it: rows of one element type, one row a sample. Every format delivers arrays; a
// Column turns rows of an array into what a field wants.
//
// Conversion never changes a value: an integer that a float cannot hold, a fraction in a label, a NaN are failures that
// name the sample. The one exception is f64 -> f32, which rounds: files hold f64 by habit, not for its digits.
#ifndef XFER_RUNTIME_DATA_ARRAY_H
#define XFER_RUNTIME_DATA_ARRAY_H

#include "runtime/core/Bytes.h"
#include "runtime/core/StoredType.h"
#include "runtime/data/Field.h"
#include "xfer/rt/Status.h"

namespace xfer::rt {

// Rows that are made when they are asked for. Called from several threads at once.
class RowSource {
public:
  virtual ~RowSource() = default;
  virtual Expected<std::shared_ptr<const uint8_t>> row(int32_t sample) const = 0;
  // These rows will be asked for soon.
  virtual void expect(const int32_t *samples, size_t count) const = 0;
};

struct Array {
  std::string name; // for messages: the file, and the place in it
  Bytes bytes;      // exactly the product of the shape, unless there is a step
  StoredType type = StoredType::U8;
  bool bigEndian = false;
  std::vector<int64_t> shape;                      // the first extent counts the samples
  uint64_t step = 0;                               // bytes from one sample to the next; 0: one behind the other
  std::shared_ptr<const RowSource> rows = nullptr; // instead of the bytes
};

// The rows of an array as the values of a field.
class Column {
public:
  // Checks that shapes agree (extents of 1 do not count, and flat rows may have any shape), that the types can be
  // converted, and the whole column if it is a label that is not huge.
  static Expected<Column> make(Array array, const Field &field);

  int64_t count() const { return array.shape[0]; }
  const std::string &name() const { return array.name; }

  // Row after row into `destination`; samples are in range.
  Status read(const int32_t *samples, size_t count, void *destination) const;
  bool readsAhead() const { return array.rows != nullptr; }
  // These samples will be read soon.
  void expect(const int32_t *samples, size_t count) const {
    if (array.rows)
      array.rows->expect(samples, count);
  }

private:
  Column(Array array, const Field &field);
  using Convert = int64_t (*)(const uint8_t *source, bool swapped, int64_t count, void *destination);
  static Convert findConversion(StoredType from, ElementType to);
  Status checkClasses(const void *values, int32_t sample, const uint8_t *row) const;
  Status refuse(int32_t sample, int64_t element, const uint8_t *row) const;
  Status readRow(const uint8_t *row, int32_t sample, uint8_t *to) const;

  Array array;
  Field field;
  int64_t elements;
  uint64_t rowBytes, step;
  Convert convert;
  bool copies; // stored as the field wants it
};

} // namespace xfer::rt

#endif
