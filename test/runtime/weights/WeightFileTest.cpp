#include "runtime/weights/WeightFile.h"
#include "test/runtime/support/SharedData.h"
#include "test/runtime/support/TemporaryFolder.h"
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

static WeightTensor tensorOf(std::string name, StoredType type, std::vector<int64_t> shape) {
  uint64_t size = *bytesOf(type, shape);
  auto memory = std::make_shared<std::vector<uint8_t>>(size);
  for (uint64_t i = 0; i < size; ++i)
    (*memory)[i] = static_cast<uint8_t>(i * 7 + name.size());
  return {std::move(name), type, std::move(shape), {memory->data(), size, memory}};
}

struct WeightFileTest : testing::Test {
  test::TemporaryFolder folder;

  // A file with this header and as many zero bytes.
  Expected<WeightFile> withHeader(std::string_view header, uint64_t dataSize) {
    uint64_t length = header.size();
    std::string text(reinterpret_cast<const char *>(&length), 8);
    return WeightFile::open(folder.write("w", text + std::string(header) + std::string(dataSize, '\0')));
  }
  std::string refusal(std::string_view header, uint64_t dataSize) {
    Expected<WeightFile> file = withHeader(header, dataSize);
    EXPECT_FALSE(file) << header;
    return file ? "" : file.message();
  }
};

// What is written comes back: every type, empty and scalar shapes, names that JSON must escape, and the notes.
TEST_F(WeightFileTest, RoundTrip) {
  std::vector<WeightTensor> tensors;
  for (const char *type : {"bool", "u8", "i8", "u16", "i16", "f16", "bf16", "u32", "i32", "f32", "u64", "i64", "f64"})
    tensors.push_back(tensorOf(std::string("net.") + type, *storedTypeOf(type), {3, 5}));
  tensors.push_back(tensorOf("scalar", StoredType::F32, {}));
  tensors.push_back(tensorOf("empty", StoredType::F32, {0, 4}));
  tensors.push_back(tensorOf("quote\"\\ \xc3\xa4\n", StoredType::F32, {2}));
  ASSERT_TRUE(writeWeights(folder.path("w"), tensors, {{"program", "digits"}, {"note", "a \"b\""}}).ok());
  Expected<WeightFile> file = WeightFile::open(folder.path("w"));
  ASSERT_TRUE(file) << file.message();
  EXPECT_EQ(file->tensors().size(), tensors.size());
  for (const WeightTensor &written : tensors) {
    const WeightTensor *read = file->find(written.name);
    ASSERT_NE(read, nullptr) << written.name;
    EXPECT_EQ(read->type, written.type);
    EXPECT_EQ(read->shape, written.shape);
    EXPECT_EQ(read->bytes.text(), written.bytes.text());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read->bytes.data) % sizeOf(read->type), 0u) << written.name;
  }
  EXPECT_THAT(file->metadata(), ElementsAre(Pair("program", "digits"), Pair("note", "a \"b\"")));
  EXPECT_EQ(file->find("net.f3"), nullptr);
  EXPECT_EQ(folder.read("w"), encodeWeights(tensors, file->metadata()));
}

// A file without tensors is a file.
TEST_F(WeightFileTest, Empty) {
  ASSERT_TRUE(writeWeights(folder.path("w"), {}).ok());
  EXPECT_TRUE(WeightFile::open(folder.path("w"))->tensors().empty());
  ASSERT_TRUE(writeWeights(folder.path("w"), {}, {{"a", "b"}}).ok());
  EXPECT_EQ(WeightFile::open(folder.path("w"))->metadata().size(), 1u);
}

// The header as other programs write it: any order of keys, spaces, values not aligned.
TEST_F(WeightFileTest, ForeignHeader) {
  Expected<WeightFile> file = withHeader(
      R"({ "b" : {"data_offsets":[1,9],"shape":[2],"dtype":"F32"}, "a":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]} }   )",
      9);
  ASSERT_TRUE(file) << file.message();
  EXPECT_EQ(file->find("b")->shape, std::vector<int64_t>{2});
}

// Every cut of a file is refused, none crashes.
TEST_F(WeightFileTest, Truncated) {
  std::string whole = encodeWeights({tensorOf("a", StoredType::F32, {4}), tensorOf("b", StoredType::I64, {2})});
  for (size_t size = 0; size < whole.size(); ++size) {
    std::string part = whole.substr(0, size);
    Bytes bytes{reinterpret_cast<const uint8_t *>(part.data()), size, nullptr};
    EXPECT_FALSE(WeightFile::parse(bytes, "w")) << size;
  }
}

// Every flipped bit of the header gives a good file or a refusal.
TEST_F(WeightFileTest, FlippedBits) {
  std::string whole = encodeWeights({tensorOf("a", StoredType::F32, {4}), tensorOf("b", StoredType::I64, {2})});
  for (size_t bit = 0; bit < (whole.size() - 32) * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] ^= static_cast<char>(1 << bit % 8);
    Bytes bytes{reinterpret_cast<const uint8_t *>(damaged.data()), damaged.size(), nullptr};
    Expected<WeightFile> file = WeightFile::parse(bytes, "w");
    if (!file) {
      EXPECT_THAT(file.message(), HasSubstr("'w' is not a good safetensors file"));
    }
  }
}

// Sizes and offsets that lie are found before anything is read.
TEST_F(WeightFileTest, LyingSizes) {
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}})", 8), HasSubstr("lies outside"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), HasSubstr("lies outside"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
              HasSubstr("shape [3] cannot lie in 8 bytes"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,8]}})", 8),
              HasSubstr("cannot lie in 8 bytes"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})", 8),
              HasSubstr("impossible number in shape"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                          "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                      12),
              HasSubstr("'a' and 'b' overlap"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12), HasSubstr("4 bytes before"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 12), HasSubstr("last 4 bytes"));
  std::string huge("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
  EXPECT_THAT(WeightFile::open(folder.write("w", huge)).message(), HasSubstr("its header announces"));
}

// Headers of another form are refused with what is wrong.
TEST_F(WeightFileTest, MalformedHeaders) {
  EXPECT_THAT(refusal("", 0), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[]", 0), HasSubstr("not an object"));
  EXPECT_THAT(refusal("{} x", 0), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(R"({"a":1})", 0), HasSubstr("'a' has a value of the wrong kind"));
  EXPECT_THAT(refusal(R"({"a":{}})", 0), HasSubstr("'a' needs dtype, shape and data_offsets"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}})", 4), HasSubstr("type 'F31'"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4), HasSubstr("wrong kind"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", 4), HasSubstr("wrong kind"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", 4), HasSubstr("wrong kind"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4), HasSubstr("lies outside"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4),
              HasSubstr("unknown key 'x'"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4),
              HasSubstr("key 'dtype' of 'a' occurs twice"));
  EXPECT_THAT(
      refusal(
          R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
          1),
      HasSubstr("tensor 'a' occurs twice"));
  EXPECT_THAT(refusal(R"({"__metadata__":{"a":1}})", 0), HasSubstr("wrong kind"));
  EXPECT_THAT(refusal("{\"\xff\":1}", 0), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(R"({"a":{"dtype":"F32","shape":[1e99999],"data_offsets":[0,4]}})", 4),
              HasSubstr("header cannot"));
  EXPECT_FALSE(withHeader(std::string(100000, '['), 0));
  std::string deep = R"({"a":{"shape":)" + std::string(100000, '[');
  EXPECT_THAT(refusal(deep, 0), HasSubstr("wrong kind"));
}

// Files of other programs.
TEST_F(WeightFileTest, RealFiles) {
  XFER_NEED_SHARED_DATA(data);
  Expected<WeightFile> file = WeightFile::open(data + "/weights/lenet-mnist.safetensors");
  ASSERT_TRUE(file) << file.message();
  EXPECT_EQ(file->tensors().size(), 8u);
}
