#include "runtime/weights/WeightFile.h"
#include "test/runtime/data/Files.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::HasSubstr;

static Bytes own(std::string text) {
  auto owner = std::make_shared<std::string>(std::move(text));
  return {reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner};
}

// What numpy.savez and savez_compressed write (test/golden/checkpoints.py): also of the other byte order, and column by
// column.
TEST(NpzWeights, AsNumpyLoads) {
  TemporaryFolder folder;
  std::string corpus = XFER_WEIGHT_FILES;
  Expected<WeightFile> wanted = WeightFile::open(corpus + "/arrays.safetensors");
  ASSERT_TRUE(wanted) << wanted.message();
  for (const char *name : {"/arrays.npz", "/arrays-deflated.npz"}) {
    Expected<WeightFile> file = WeightFile::open(corpus + name);
    ASSERT_TRUE(file) << file.message();
    EXPECT_EQ(file->format(), WeightFormat::Npz);
    EXPECT_EQ(file->tensors().size(), wanted->tensors().size());
    for (const WeightTensor &tensor : file->tensors()) {
      const WeightTensor *other = wanted->find(tensor.name);
      ASSERT_NE(other, nullptr) << tensor.name;
      EXPECT_EQ(tensor.type, other->type) << tensor.name;
      EXPECT_EQ(tensor.shape, other->shape) << tensor.name;
      EXPECT_EQ(tensor.bytes.text(), other->bytes.text()) << tensor.name;
    }
  }
}

TEST(NpzWeights, BadFiles) {
  TemporaryFolder folder;
  auto refusal = [](const std::string &bytes) {
    Expected<WeightFile> file = WeightFile::parse(own(bytes), "w.npz");
    return file ? "" : file.message();
  };
  std::string good = npyFile("<f4", "(2,)", std::string(8, 'x'));
  EXPECT_EQ(refusal(zipFile({{"w.npy", good}}, false)), "");
  EXPECT_THAT(refusal(zipFile({{"w.npy", good.substr(0, good.size() - 1)}}, false)), HasSubstr("is 135 bytes long"));
  EXPECT_THAT(refusal(zipFile({{"w.npy", npyFile("|O", "(2,)", "xy")}}, false)), HasSubstr("values of type '|O'"));
  EXPECT_THAT(refusal(zipFile({{"w.npy", good}, {"x.txt", "x"}}, false)), HasSubstr("neither a checkpoint of PyTorch"));
  EXPECT_THAT(refusal(zipFile({}, false)), HasSubstr("neither a checkpoint of PyTorch"));
  EXPECT_THAT(refusal(zipFile({{".npy", good}}, false)), HasSubstr("which no weight can have"));
  EXPECT_THAT(refusal(good), HasSubstr("is an array without a name"));
  EXPECT_THAT(refusal(zipFile({{"w.npy", npyFile("|u1", "(33554432,)", std::string(32 << 20, '\0'))}}, true)),
              HasSubstr("more bytes than are plausible for its size"));
  EXPECT_THAT(refusal("\x89HDF\r\n\x1a\n" + std::string(100, '\0')),
              HasSubstr("is an HDF5 file, which programs do not read; rewrite it: xferc convert"));
}

// A directory may give the same bytes many names, each of which would be looked at.
TEST(NpzWeights, OverlappingMembers) {
  const std::string one = zipFile({{"0.npy", npyFile("<f4", "(2,)", std::string(8, 'x'))}}, false);
  const size_t directory = one.find("PK\1\2"), end = one.find("PK\5\6");
  auto named = [&](int members) {
    std::string file = one.substr(0, directory);
    for (int i = 0; i < members; ++i) {
      std::string entry = one.substr(directory, end - directory);
      entry.replace(entry.find("0.npy"), 1, std::to_string(i));
      file += entry;
    }
    std::string count = littleEndian<uint16_t>(members);
    return file + one.substr(end, 8) + count + count + littleEndian<uint32_t>(members * (end - directory)) +
           one.substr(end + 16);
  };
  Expected<WeightFile> file = WeightFile::parse(own(named(1)), "w.npz");
  ASSERT_TRUE(file) << file.message();
  EXPECT_THAT(WeightFile::parse(own(named(9)), "w.npz").message(), HasSubstr("its members overlap"));
}
