#include "runtime/core/Gzip.h"
#include "runtime/core/File.h"
#include "test/runtime/support/Pack.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::HasSubstr;
using testing::IsEmpty;

struct GzipTest : testing::Test {
  test::TemporaryFolder folder;
  std::string plain;
  GzipTest() {
    for (unsigned i = 0; i < 100000; ++i)
      plain += static_cast<char>((i * i) >> 7);
  }
  Expected<Bytes> unpack(std::string_view packed, UnpackedSize size, Compression compression = Compression::Gzip) {
    Expected<Bytes> file = mapFile(folder.write("x.gz", packed));
    return unpackIntoCache(*file, compression, size, "x.gz");
  }
};

// A stream gives the same bytes whatever the pieces are in which it is asked for.
TEST_F(GzipTest, StreamInPieces) {
  std::string packed = test::gzipped(plain), result;
  InflateStream stream({reinterpret_cast<const uint8_t *>(packed.data()), packed.size(), nullptr}, Compression::Gzip,
                       "x");
  for (uint64_t piece = 1;; piece = piece * 3 + 1) {
    std::string block(piece, '\0');
    Expected<uint64_t> got = stream.read(block.data(), piece);
    ASSERT_TRUE(got);
    result.append(block, 0, *got);
    if (*got < piece)
      break;
  }
  EXPECT_EQ(result, plain);
}

// The second use maps what the first one wrote.
TEST_F(GzipTest, UnpacksOnce) {
  std::string packed = test::gzipped(plain);
  ASSERT_EQ(unpack(packed, UnpackedSize::exactly(plain.size()))->text(), plain);
  std::vector<std::string> cached = folder.list("cache/data");
  ASSERT_EQ(cached.size(), 1u);
  auto time = std::filesystem::last_write_time(folder.path("cache/data/" + cached[0]));
  ASSERT_EQ(unpack(packed, UnpackedSize::exactly(plain.size()))->text(), plain);
  EXPECT_EQ(std::filesystem::last_write_time(folder.path("cache/data/" + cached[0])), time);
}

// A cached file of another size is not believed.
TEST_F(GzipTest, ReplacesDamagedCache) {
  std::string packed = test::gzipped(plain);
  ASSERT_TRUE(unpack(packed, UnpackedSize::exactly(plain.size())));
  folder.write("cache/data/" + folder.list("cache/data")[0], "short");
  EXPECT_EQ(unpack(packed, UnpackedSize::exactly(plain.size()))->text(), plain);
}

// Members that follow each other are one file; deflate without a frame works as well.
TEST_F(GzipTest, MembersAndDeflate) {
  EXPECT_EQ(unpack(test::gzipped("one ") + test::gzipped("two"), UnpackedSize::atMost(100))->text(), "one two");
  EXPECT_EQ(unpack(test::deflated(plain, -15), UnpackedSize::exactly(plain.size()), Compression::Deflate)->text(),
            plain);
}

// More or less than announced is refused, and nothing stays in the cache.
TEST_F(GzipTest, LyingSizes) {
  std::string bomb = test::gzipped(std::string(10 << 20, '\0'));
  EXPECT_THAT(unpack(bomb, UnpackedSize::exactly(1000)).message(), HasSubstr("more than the 1000 bytes"));
  EXPECT_THAT(unpack(bomb, UnpackedSize::exactly(20 << 20)).message(), HasSubstr("it announces 20971520"));
  EXPECT_THAT(unpack(bomb, UnpackedSize::atMost(5000)).message(), HasSubstr("not plausible"));
  EXPECT_THAT(folder.list("cache/data"), IsEmpty());
}

// Truncation at any place, damage and foreign bytes are failures that name the file.
TEST_F(GzipTest, DamagedInput) {
  std::string packed = test::gzipped(plain);
  for (size_t length : {size_t(0), size_t(1), size_t(9), size_t(10), packed.size() / 2, packed.size() - 1})
    EXPECT_THAT(unpack(packed.substr(0, length), UnpackedSize::atMost(1 << 20)).message(),
                HasSubstr("'x.gz' is truncated"))
        << length;
  std::string damaged = packed;
  damaged[packed.size() / 2] ^= 0x40;
  EXPECT_FALSE(unpack(damaged, UnpackedSize::atMost(1 << 20)));
  EXPECT_THAT(unpack("this is no gzip file", UnpackedSize::atMost(1 << 20)).message(), HasSubstr("is damaged"));
  EXPECT_THAT(unpack(packed + "trailing rubbish", UnpackedSize::atMost(1 << 20)).message(), HasSubstr("is damaged"));
}
