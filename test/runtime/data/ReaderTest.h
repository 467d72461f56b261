// What the tests of all readers have in common.
#ifndef XFER_TEST_RUNTIME_DATA_READERTEST_H
#define XFER_TEST_RUNTIME_DATA_READERTEST_H

#include "runtime/data/Reader.h"
#include "test/runtime/data/Files.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

namespace xfer::rt::test {

struct ReaderTest : testing::Test {
  TemporaryFolder folder;

  Expected<std::unique_ptr<Reader>> make(std::string_view name, const std::vector<ReaderOption> &options,
                                         const std::vector<Field> &fields) {
    return makeReader(name, options, fields, folder.folder());
  }
  static Status readAll(const Reader &reader, size_t field, void *destination) {
    std::vector<int32_t> indices(static_cast<size_t>(reader.count()));
    std::iota(indices.begin(), indices.end(), 0);
    return reader.read(field, indices.data(), indices.size(), destination);
  }
  // Why it cannot be made, or why its samples cannot be read.
  std::string refusal(std::string_view name, const std::vector<ReaderOption> &options,
                      const std::vector<Field> &fields) {
    Expected<std::unique_ptr<Reader>> reader = make(name, options, fields);
    if (!reader)
      return reader.message();
    for (size_t field = 0; field < fields.size(); ++field) {
      std::vector<uint8_t> values(fields[field].bytes() * (*reader)->count());
      if (Status status = readAll(**reader, field, values.data()); status.failed())
        return status.message();
    }
    return "";
  }
  template <typename T> std::vector<T> all(const Reader &reader, size_t field) {
    std::vector<T> values(reader.count() * reader.fields()[field].elements());
    Status status = readAll(reader, field, values.data());
    EXPECT_TRUE(status.ok()) << status.message();
    return values;
  }
};

inline Field label(int64_t classes) { return {"label", ElementType::I32, {}, classes}; }
inline Field image(std::vector<int64_t> shape) { return {"image", ElementType::U8, std::move(shape), 0}; }
inline Field floats(std::vector<int64_t> shape) { return {"x", ElementType::F32, std::move(shape), 0}; }

} // namespace xfer::rt::test

#endif
