// Checkpoints of PyTorch. What torch.save writes and torch.load reads comes from test/golden/checkpoints.py.
#include "runtime/weights/WeightFile.h"
#include "test/runtime/data/Files.h"
#include "test/runtime/support/SharedData.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

static Bytes own(std::string text) {
  auto owner = std::make_shared<std::string>(std::move(text));
  return {reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner};
}

static std::string corpus(const std::string &name) { return std::string(XFER_WEIGHT_FILES) + "/" + name; }

static std::string content(const std::string &name) {
  return std::string(WeightFile::open(corpus(name))->content().text());
}

// Every tensor of `read` is that of `wanted`, and none is missing.
static void expectSame(const WeightFile &read, const WeightFile &wanted, size_t missing = 0) {
  EXPECT_EQ(read.tensors().size() + missing, wanted.tensors().size());
  for (const WeightTensor &tensor : read.tensors()) {
    std::string name = tensor.name.substr(tensor.name.rfind("module.", 0) == 0 ? 7 : 0);
    const WeightTensor *other = wanted.find(name);
    ASSERT_NE(other, nullptr) << tensor.name;
    EXPECT_EQ(tensor.type, other->type) << name;
    EXPECT_EQ(tensor.shape, other->shape) << name;
    EXPECT_EQ(tensor.bytes.text(), other->bytes.text()) << name;
  }
}

struct TorchFileTest : testing::Test {
  TemporaryFolder folder;

  std::string refusal(const std::string &bytes) {
    Expected<WeightFile> file = WeightFile::parse(own(bytes), "w.pt");
    return file ? "" : file.message();
  }
  // A checkpoint with this pickle and a storage '0' of four floats.
  std::string checkpoint(const std::string &pickle, std::string storage = std::string(16, '\0')) {
    return zipFile({{"a/data.pkl", pickle}, {"a/byteorder", "little"}, {"a/data/0", storage}}, false);
  }
  // {"w": a tensor of the storage '0'}; `arguments` are the opcodes of offset, sizes and strides.
  std::string tensor(const std::string &arguments, const std::string &count = "K\4") {
    return "\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0000X\3\0\0\0cpu"s +
           count + "tQ" + arguments + "\x89}tRs.";
  }
};

TEST_F(TorchFileTest, AsTorchLoads) {
  Expected<WeightFile> wanted = WeightFile::open(corpus("checkpoint.safetensors"));
  ASSERT_TRUE(wanted) << wanted.message();
  for (const char *name : {"zip.pt", "zip-protocol-4.pt", "wrapped.pt", "legacy.pt"}) {
    Expected<WeightFile> file = WeightFile::open(corpus(name));
    ASSERT_TRUE(file) << file.message();
    expectSame(*file, *wanted, name == "legacy.pt"s);
    EXPECT_EQ(file->format(), name == "legacy.pt"s ? WeightFormat::TorchLegacy : WeightFormat::Torch);
    // A tensor that lies as it is needed stays in the file, also where two share a storage.
    EXPECT_EQ(file->tensors()[0].bytes.data, file->tensors()[2].bytes.data);
  }
  EXPECT_THAT(WeightFile::open(corpus("wrapped.pt"))->others(),
              ElementsAre("epoch", "best_prec1", "arch", "optimizer"));
}

TEST_F(TorchFileTest, CutOff) {
  for (const char *name : {"zip.pt", "legacy.pt"}) {
    std::string good = content(name);
    for (size_t size = 0; size < good.size(); size += 1 + size / 100)
      EXPECT_NE(refusal(good.substr(0, size)), "") << name << " " << size;
  }
  EXPECT_THAT(refusal(content("legacy.pt") + "x"), HasSubstr("nothing is said of its last 1 bytes"));
}

TEST_F(TorchFileTest, Tensors) {
  auto refused = [&](const std::string &arguments) { return refusal(checkpoint(tensor(arguments))); };
  EXPECT_EQ(refused("K\0K\2K\2\x86K\2K\1\x86"s), "");
  EXPECT_EQ(refused("K\0K\2\x85K\3\x85"s), ""); // the last of four
  EXPECT_EQ(refused("K\4K\0\x85K\1\x85"s), ""); // nothing, at the end
  EXPECT_EQ(refused("K\3))"), "");              // a number
  EXPECT_EQ(refused("K\0ctorch\nSize\nK\4\x85\x85RK\1\x85"s), "");
  for (const std::string &outside : {"K\1K\2K\2\x86K\2K\1\x86"s, "K\0K\5\x85K\1\x85"s, "K\4))"s, "K\0K\2\x85K\4\x85"s})
    EXPECT_THAT(refused(outside), HasSubstr("lies outside of its storage of 4 values")) << outside;
  // Offsets, sizes and strides beyond all numbers; 2^62 elements with a stride of 0 lie in the storage.
  const std::string huge = "\x8a\x08\0\0\0\0\0\0\0\x40"s, negative = "J\xff\xff\xff\xff";
  EXPECT_THAT(refused(huge + "K\1\x85K\1\x85"), HasSubstr("outside of its storage"));
  EXPECT_THAT(refused("K\0K\2K\2\x86"s + huge + huge + "\x86"), HasSubstr("outside of its storage"));
  EXPECT_THAT(refused("K\0"s + huge + "\x85K\0\x85"s), HasSubstr("cannot have the shape"));
  EXPECT_THAT(refused("K\0"s + huge + huge + "\x86K\0K\0\x86"s), HasSubstr("cannot have the shape"));
  EXPECT_THAT(refused("K\0J\0\0\0\x7f\x85K\0\x85"s), HasSubstr("out of all proportion to the file"));
  EXPECT_THAT(refused(negative + "K\1\x85K\1\x85"), HasSubstr("is not made of a storage"));
  EXPECT_THAT(refused("K\0"s + negative + "\x85K\1\x85"), HasSubstr("no possible shape"));
  EXPECT_THAT(refused("K\0K\1\x85K\1K\1\x86"s), HasSubstr("no possible shape"));
}

TEST_F(TorchFileTest, Storages) {
  const std::string all = "K\0K\4\x85K\1\x85"s;
  EXPECT_EQ(refusal(checkpoint(tensor(all))), "");
  EXPECT_THAT(refusal(checkpoint(tensor(all), "1234")), HasSubstr("storage '0' should have 16 bytes, it has 4"));
  EXPECT_THAT(refusal(zipFile({{"a/data.pkl", tensor(all)}}, false)), HasSubstr("it is not there"));
  EXPECT_THAT(refusal(checkpoint(tensor(all, "\x8a\x08\0\0\0\0\0\0\0\x40"s))), HasSubstr("cannot have"));
  EXPECT_THAT(refusal(zipFile({{"a/data.pkl", tensor(all)}, {"a/byteorder", "big"}}, false)),
              HasSubstr("little-endian"));
  EXPECT_THAT(refusal(zipFile({{"a/data.pkl", tensor(all)}, {"a/constants.pkl", "x"}}, false)),
              HasSubstr("TorchScript"));
  std::string changed = checkpoint(tensor(all), std::string(15, 'a') + "b");
  changed[changed.rfind("ab")] = 'x';
  EXPECT_THAT(refusal(changed), HasSubstr("the checksum of member 'a/data/0' is wrong"));
  std::string complex = tensor(all);
  complex.replace(complex.find("FloatStorage"), 12, "ComplexFloatStorage");
  EXPECT_THAT(refusal(checkpoint(complex)), HasSubstr("of type 'torch.ComplexFloatStorage'"));
  // 32 MiB of zeros in 32 KiB.
  EXPECT_THAT(
      refusal(zipFile({{"a/data.pkl", tensor(all, "J\0\0\x80\0"s)}, {"a/data/0", std::string(32 << 20, '\0')}}, true)),
      HasSubstr("more bytes than are plausible for its size"));
}

TEST_F(TorchFileTest, Objects) {
  EXPECT_THAT(
      refusal(checkpoint("\x80\2cposix\nsystem\nX\4\0\0\0date\x85R."s)),
      HasSubstr("'w.pt' is not a checkpoint that can be read: its pickle cannot be read at byte 16: it wants to call "
                "'posix.system'"));
  EXPECT_THAT(refusal(checkpoint("\x80\2}."s)), HasSubstr("it holds no tensor"));
  EXPECT_THAT(refusal(checkpoint("\x80\2K\1."s)), HasSubstr("it holds no tensor"));
  EXPECT_THAT(refusal(checkpoint("\x80\2}q\0X\1\0\0\0ah\0s."s)), HasSubstr("its parts hold each other"));
  // 2^40 paths through forty dictionaries.
  std::string shared = "\x80\2}q\0"s;
  for (char i = 1; i <= 40; ++i)
    shared += "}q"s + i + "(X\1\0\0\0ah"s + char(i - 1) + "X\1\0\0\0bh"s + char(i - 1) + "u";
  EXPECT_THAT(refusal(checkpoint(shared + ".")), HasSubstr("its parts hold each other, or are far more"));
  // The same name twice, along two ways.
  const std::string one = tensor("K\0K\4\x85K\1\x85"s), call = one.substr(9, one.size() - 11);
  const std::string text = "X\1\0\0\0"s;
  EXPECT_THAT(refusal(checkpoint("\x80\2}(X\3\0\0\0a.b"s + call + text + "a}" + text + "b" + call + "su.")),
              HasSubstr("tensor 'a.b' occurs twice"));
  EXPECT_THAT(refusal(checkpoint("\x80\2}X\1\0\0\0\xff"s + call + "s.")), HasSubstr("not UTF-8"));
  EXPECT_THAT(refusal(checkpoint("\x80\2"s + call + ".")), HasSubstr("a tensor without a name"));
  EXPECT_THAT(refusal("\x80\4\x95\0\0\0\0\0\0\0\0}."s), HasSubstr("is a Python pickle, which could run anything"));
}

// The weights of ResNet-20 as they are published, and as a safetensors file.
TEST_F(TorchFileTest, ResNet20) {
  XFER_NEED_SHARED_DATA(data);
  Expected<WeightFile> file = WeightFile::open(data + "/cifar-resnet/resnet20-12fca82f.th");
  Expected<WeightFile> wanted = WeightFile::open(data + "/weights/resnet20-cifar10.safetensors");
  ASSERT_TRUE(file) << file.message();
  ASSERT_TRUE(wanted) << wanted.message();
  expectSame(*file, *wanted);
  EXPECT_THAT(file->others(), ElementsAre("best_prec1"));
}
