#include "runtime/data/Array.h"
#include "runtime/core/Half.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace xfer::rt {

namespace {

// How a stored type is read: its bits, and the value that they stand for.
template <typename T> struct Plain {
  using Bits = T;
  static T valueOf(T bits) { return bits; }
};
struct Half {
  using Bits = uint16_t;
  static float valueOf(uint16_t bits) { return floatOfHalf(bits); }
};
struct Bfloat {
  using Bits = uint16_t;
  static float valueOf(uint16_t bits) { return floatOfBfloat(bits); }
};

template <typename Stored> auto load(const uint8_t *at, bool swapped) {
  uint8_t bytes[sizeof(typename Stored::Bits)];
  std::memcpy(bytes, at, sizeof(bytes));
  if (swapped)
    std::reverse(bytes, bytes + sizeof(bytes));
  typename Stored::Bits bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return Stored::valueOf(bits);
}

struct Boolean {}; // one byte, 0 or 1

// The value in the field's type; false if it cannot be held (see the head of Array.h).
template <typename To, typename From> bool convertValue(From value, void *at) {
  if constexpr (std::is_same_v<To, Boolean>) {
    uint8_t bit = value == From(1);
    std::memcpy(at, &bit, 1);
    return value == From(0) || value == From(1);
  } else {
    To result{};
    bool exact;
    if constexpr (std::is_floating_point_v<To> && std::is_floating_point_v<From>) {
      exact = !std::isnan(value) && (std::isinf(value) || std::abs(value) <= From(std::numeric_limits<To>::max()) ||
                                     sizeof(To) >= sizeof(From));
      result = exact ? static_cast<To>(value) : To(0);
    } else if constexpr (std::is_floating_point_v<To>) {
      result = static_cast<To>(value);
      // 2^63 and 2^64 are no integers of 64 bits any more.
      exact = result < static_cast<To>(0x1p63) ? static_cast<int64_t>(result) == static_cast<int64_t>(value) &&
                                                     (std::is_signed_v<From> || value <= From(INT64_MAX))
                                               : false;
    } else if constexpr (std::is_floating_point_v<From>) {
      constexpr double low = static_cast<double>(std::numeric_limits<To>::min()),
                       high = sizeof(To) == 8 ? 0x1p62 : static_cast<double>(std::numeric_limits<To>::max());
      exact = value == std::trunc(value) && value >= low && value <= high; // false for NaN
      result = exact ? static_cast<To>(value) : To(0);
    } else {
      result = static_cast<To>(value);
      exact = static_cast<From>(result) == value && (result < To(0)) == (value < From(0));
    }
    std::memcpy(at, &result, sizeof(result));
    return exact;
  }
}

// The number of elements that were converted: less than `count` if one could not be.
template <typename Stored, typename To>
int64_t convertRow(const uint8_t *source, bool swapped, int64_t count, void *destination) {
  auto *at = static_cast<uint8_t *>(destination);
  constexpr size_t step = std::is_same_v<To, Boolean> ? 1 : sizeof(To);
  for (int64_t i = 0; i < count; ++i)
    if (!convertValue<To>(load<Stored>(source + i * sizeof(typename Stored::Bits), swapped), at + i * step))
      return i;
  return count;
}

using ConvertRow = int64_t (*)(const uint8_t *, bool, int64_t, void *);

template <typename Stored> ConvertRow conversionFrom(ElementType to) {
  switch (to) {
  case ElementType::F32:
    return convertRow<Stored, float>;
  case ElementType::F64:
    return convertRow<Stored, double>;
  case ElementType::I32:
    return convertRow<Stored, int32_t>;
  case ElementType::I64:
    return convertRow<Stored, int64_t>;
  case ElementType::U8:
    return convertRow<Stored, uint8_t>;
  case ElementType::Bool:
    return convertRow<Stored, Boolean>;
  case ElementType::BF16:
    return nullptr;
  }
  return nullptr;
}

} // namespace

Column::Convert Column::findConversion(StoredType from, ElementType to) {
  switch (from) {
  case StoredType::U8:
  case StoredType::Bool:
    return conversionFrom<Plain<uint8_t>>(to);
  case StoredType::I8:
    return conversionFrom<Plain<int8_t>>(to);
  case StoredType::U16:
    return conversionFrom<Plain<uint16_t>>(to);
  case StoredType::I16:
    return conversionFrom<Plain<int16_t>>(to);
  case StoredType::U32:
    return conversionFrom<Plain<uint32_t>>(to);
  case StoredType::I32:
    return conversionFrom<Plain<int32_t>>(to);
  case StoredType::U64:
    return conversionFrom<Plain<uint64_t>>(to);
  case StoredType::I64:
    return conversionFrom<Plain<int64_t>>(to);
  case StoredType::F16:
    return conversionFrom<Half>(to);
  case StoredType::BF16:
    return conversionFrom<Bfloat>(to);
  case StoredType::F32:
    return conversionFrom<Plain<float>>(to);
  case StoredType::F64:
    return conversionFrom<Plain<double>>(to);
  }
  return nullptr;
}

// What can be copied as it is. Floats are not among it: a NaN must be found.
static bool sameBits(StoredType from, ElementType to) {
  return (from == StoredType::U8 && to == ElementType::U8) || (from == StoredType::I32 && to == ElementType::I32) ||
         (from == StoredType::I64 && to == ElementType::I64);
}

// Extents of 1 carry no meaning between a file and a field: 28x28 is 28x28x1.
static std::vector<int64_t> withoutOnes(const std::vector<int64_t> &shape, size_t first) {
  std::vector<int64_t> result;
  std::copy_if(shape.begin() + first, shape.end(), std::back_inserter(result), [](int64_t n) { return n != 1; });
  return result;
}

Column::Column(Array stored, const Field &field)
    : array(std::move(stored)), field(field), elements(field.elements()), rowBytes(elements * sizeOf(array.type)),
      step(array.step ? array.step : rowBytes), convert(findConversion(array.type, field.type)),
      copies(sameBits(array.type, field.type) && (!array.bigEndian || sizeOf(array.type) == 1)) {}

Expected<Column> Column::make(Array array, const Field &field) {
  if (array.shape.empty())
    return failure("'{}' holds a single value; field '{}' needs one row a sample", array.name, field.name);
  if (array.shape[0] == 0)
    return failure("'{}' holds no samples", array.name);
  if (array.shape[0] > std::numeric_limits<int32_t>::max())
    return failure("'{}' holds {} samples; at most {} are supported", array.name, array.shape[0],
                   std::numeric_limits<int32_t>::max());
  std::vector<int64_t> stored = withoutOnes(array.shape, 1), wanted = withoutOnes(field.shape, 0);
  bool flat = stored.size() <= 1 && (stored.empty() ? 1 : stored[0]) == field.elements();
  if (stored != wanted && !flat)
    return failure("'{}' holds samples of shape {}, field '{}' is declared {}; correct the declaration or the file",
                   array.name, shapeText({array.shape.begin() + 1, array.shape.end()}), field.name,
                   shapeText(field.shape));
  assert((array.rows || array.step != 0 || bytesOf(array.type, array.shape) == array.bytes.size) &&
         "a format must check the size of its data");
  if (!findConversion(array.type, field.type))
    return failure("field '{}' has type {}, which cannot be read from files; declare it f32", field.name,
                   nameOf(field.type));
  Column column(std::move(array), field);
  constexpr int64_t huge = int64_t(1) << 26; // a mask image a sample: checked when it is read
  // Tokens are right by the way they were made.
  if (field.classes == 0 || field.tokenizer || column.array.rows || column.count() * column.elements > huge)
    return column;
  std::vector<uint8_t> row(field.bytes());
  for (int64_t sample = 0; sample < column.count(); ++sample) {
    int32_t index = static_cast<int32_t>(sample);
    if (Status status = column.read(&index, 1, row.data()); status.failed())
      return status;
  }
  return column;
}

template <typename T> static int64_t firstOutside(const void *values, int64_t count, int64_t classes) {
  auto *at = static_cast<const T *>(values);
  return std::find_if(at, at + count, [=](T x) { return !(x >= 0 && int64_t(x) < classes); }) - at;
}

Status Column::checkClasses(const void *values, int32_t sample, const uint8_t *row) const {
  int64_t bad = field.type == ElementType::I32   ? firstOutside<int32_t>(values, elements, field.classes)
                : field.type == ElementType::I64 ? firstOutside<int64_t>(values, elements, field.classes)
                : field.type == ElementType::U8  ? firstOutside<uint8_t>(values, elements, field.classes)
                                                 : elements;
  return bad == elements ? Status() : refuse(sample, bad, row);
}

Status Column::refuse(int32_t sample, int64_t element, const uint8_t *row) const {
  const uint8_t *at = row + element * sizeOf(array.type);
  double value = 0;
  // Goes through f64; what that cannot hold is shown rounded, what is not a number as such.
  bool number = findConversion(array.type, ElementType::F64)(at, array.bigEndian, 1, &value) == 1 || value != 0;
  std::string shown = number ? format("{}", value) : "nan";
  std::string remedy;
  if (field.isLength)
    remedy =
        format("a bounded dimension of {} entries has from 0 to {} real ones", field.classes - 1, field.classes - 1);
  else if (field.classes > 0)
    remedy = format("labels of class({}) are whole numbers from 0 to {}", field.classes, field.classes - 1);
  else if (!number)
    remedy = "remove the sample or give it a value";
  else
    remedy = format("a field of type {} cannot hold it", nameOf(field.type));
  return failure("'{}': sample {} has the value {} in field '{}'; {}", array.name, sample, shown, field.name, remedy);
}

Status Column::readRow(const uint8_t *row, int32_t sample, uint8_t *to) const {
  if (copies)
    std::memcpy(to, row, rowBytes);
  else if (int64_t done = convert(row, array.bigEndian, elements, to); done != elements)
    return refuse(sample, done, row);
  return field.classes > 0 ? checkClasses(to, sample, row) : Status::success();
}

Status Column::read(const int32_t *samples, size_t count, void *destination) const {
  auto *to = static_cast<uint8_t *>(destination);
  uint64_t size = field.bytes();
  expect(samples, count);
  for (size_t i = 0; i < count; ++i, to += size) {
    assert(samples[i] >= 0 && samples[i] < this->count() && "no such sample");
    if (array.rows) {
      Expected<std::shared_ptr<const uint8_t>> row = array.rows->row(samples[i]);
      Status status = row ? readRow(row->get(), samples[i], to) : row.status();
      if (status.failed())
        return status;
    } else if (Status status = readRow(array.bytes.data + samples[i] * step, samples[i], to); status.failed()) {
      return status;
    }
  }
  return Status::success();
}

} // namespace xfer::rt
