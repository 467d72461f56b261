#include "runtime/core/SpillBuffer.h"
#include "runtime/core/Half.h"
#include "runtime/core/StoredType.h"
#include "test/runtime/support/FileSizeLimit.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::IsEmpty;

// What was appended comes out in order, below the limit from memory, beyond it from a file that has no name.
TEST(SpillBuffer, KeepsOrder) {
  test::TemporaryFolder folder;
  for (uint64_t limit : {uint64_t(1) << 20, uint64_t(1000), uint64_t(0)}) {
    SpillBuffer buffer(limit);
    std::string expected;
    for (int i = 0; i < 1000; ++i) {
      std::string piece(i % 17, static_cast<char>('a' + i % 26));
      expected += piece;
      ASSERT_TRUE(buffer.append(piece.data(), piece.size()).ok());
    }
    Expected<Bytes> bytes = buffer.finish();
    ASSERT_TRUE(bytes) << bytes.message();
    EXPECT_EQ(bytes->text(), expected);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bytes->data) % 16, 0u);
    EXPECT_THAT(folder.list("cache"), IsEmpty());
  }
}

// Without a folder to spill into, small amounts still work and large ones fail with what to do.
TEST(SpillBuffer, WithoutCache) {
  test::TemporaryFolder folder;
  setenv("XFER_CACHE", folder.write("file", "").c_str(), 1);
  SpillBuffer buffer(10);
  EXPECT_TRUE(buffer.append("12345", 5).ok());
  EXPECT_THAT(buffer.append("1234567890", 10).message(), HasSubstr("set XFER_CACHE"));
}

// A cache that has no room (a limit on file size stands for it) is named as what to change.
TEST(SpillBuffer, FullCache) {
  test::TemporaryFolder folder;
  SpillBuffer buffer(10);
  std::string much(5000, 'x');
  Status status = [&] {
    test::FileSizeLimit limit(1000);
    return buffer.append(much.data(), much.size());
  }();
  EXPECT_THAT(status.message(), HasSubstr("cannot write in the cache: the file would be larger than is allowed"));
  EXPECT_THAT(status.message(), HasSubstr("; set XFER_CACHE to a folder with more room"));
  EXPECT_THAT(folder.list("cache"), IsEmpty());
}

// Sizes of arrays are exact or nothing, however large the extents are.
TEST(StoredType, Bytes) {
  EXPECT_EQ(bytesOf(StoredType::F32, {60000, 28, 28}), 188160000u);
  EXPECT_EQ(bytesOf(StoredType::F64, {}), 8u);
  EXPECT_EQ(bytesOf(StoredType::U8, {0, int64_t(1) << 40}), 0u);
  EXPECT_EQ(bytesOf(StoredType::U8, {int64_t(1) << 61}), uint64_t(1) << 61);
  EXPECT_EQ(bytesOf(StoredType::U8, {int64_t(1) << 62}), std::nullopt);
  EXPECT_EQ(bytesOf(StoredType::F32, {int64_t(1) << 32, int64_t(1) << 32, int64_t(1) << 32}), std::nullopt);
  EXPECT_EQ(bytesOf(StoredType::F32, {-1}), std::nullopt);
}

// Names and types go both ways.
TEST(StoredType, Names) {
  for (const char *name : {"u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "bf16", "f32", "f64", "bool"}) {
    ASSERT_TRUE(storedTypeOf(name));
    EXPECT_EQ(nameOf(*storedTypeOf(name)), name);
  }
  EXPECT_FALSE(storedTypeOf("f31"));
  EXPECT_EQ(storedTypeOf(ElementType::BF16), StoredType::BF16);
  EXPECT_EQ(storedTypeOf(ElementType::Bool), StoredType::Bool);
}

// Every 16-bit pattern of bfloat16 survives the way to f32 and back; every finite binary16 is finite, in order.
TEST(Half, AllPatterns) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    float value = floatOfBfloat(static_cast<uint16_t>(bits));
    if (value == value) {
      ASSERT_EQ(bfloatOfFloat(value), bits);
    }
  }
  for (uint32_t bits = 1; bits < 0x7c00; ++bits) {
    ASSERT_LT(floatOfHalf(static_cast<uint16_t>(bits - 1)), floatOfHalf(static_cast<uint16_t>(bits)));
    ASSERT_EQ(floatOfHalf(static_cast<uint16_t>(bits | 0x8000)), -floatOfHalf(static_cast<uint16_t>(bits)));
  }
  EXPECT_EQ(floatOfHalf(0x3555), 0.333251953125f);
}
