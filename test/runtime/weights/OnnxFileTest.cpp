// The initialisers of ONNX models, made by hand field by field (onnx.proto3), and what is no such model.
#include "runtime/weights/WeightFile.h"
#include "xfer/rt/Protobuf.h"
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace xfer::rt;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

template <typename T> std::string raw(std::vector<T> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T)};
}

// A tensor of this type (TensorProto.DataType); `packed`: its extents are one field.
ProtoMessage tensor(const char *name, int64_t type, std::vector<int64_t> shape, bool packed = false) {
  ProtoMessage message;
  std::string extents;
  for (int64_t extent : shape) {
    extents += ProtoMessage::varint(static_cast<uint64_t>(extent));
    if (!packed)
      message.number(1, extent);
  }
  if (packed)
    message.text(1, extents);
  message.number(2, type);
  message.text(8, name);
  return message;
}

std::string model(const std::vector<ProtoMessage> &tensors, bool inParts = false) {
  ProtoMessage whole, graph, node;
  whole.number(1, 8);
  whole.text(2, "by hand");
  node.text(4, "Relu");
  graph.message(1, node);
  for (const ProtoMessage &tensor : tensors) {
    graph.message(5, tensor);
    if (inParts) { // parts of one message, which are joined
      whole.message(7, graph);
      graph = {};
    }
  }
  whole.message(7, graph);
  return whole.bytes;
}

Expected<WeightFile> parse(const std::string &bytes) {
  auto owner = std::make_shared<std::string>(bytes);
  return WeightFile::parse({reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner}, "m.onnx");
}

template <typename T> std::vector<T> values(const WeightFile &file, const char *name) {
  const WeightTensor *found = file.find(name);
  std::vector<T> result(found ? found->bytes.size / sizeof(T) : 0);
  if (found)
    std::memcpy(result.data(), found->bytes.data, found->bytes.size);
  return result;
}

} // namespace

// Raw values, values in a field of their type, packed or one by one, narrow integers and halves in int32.
TEST(OnnxFile, Values) {
  ProtoMessage weight = tensor("w", 1, {2, 2}), typed = tensor("typed", 1, {3}, true), half = tensor("half", 10, {2}),
               bytes = tensor("bytes", 3, {2}), large = tensor("large", 7, {2}), wide = tensor("wide", 11, {1}),
               flag = tensor("flag", 9, {2}), single = tensor("single", 6, {});
  weight.text(9, raw<float>({1, 2, 3, 4}));
  typed.text(4, raw<float>({5, 6}));
  typed.real(4, 7);
  half.text(5, ProtoMessage::varint(0x3c00) + ProtoMessage::varint(0xc000)); // 1, -2
  bytes.number(5, -3);
  bytes.number(5, 4);
  large.text(7, ProtoMessage::varint(static_cast<uint64_t>(-1)) + ProtoMessage::varint(1ull << 40));
  wide.text(10, raw<double>({0.5}));
  flag.text(5, ProtoMessage::varint(256) + ProtoMessage::varint(0));
  single.number(5, 9);
  for (bool inParts : {false, true}) {
    auto file = parse(model({weight, typed, half, bytes, large, wide, flag, single}, inParts));
    ASSERT_TRUE(file) << file.message();
    EXPECT_EQ(file->format(), WeightFormat::Onnx);
    EXPECT_EQ(file->statedLayout(), "ONNX");
    EXPECT_THAT(file->find("w")->shape, ElementsAre(2, 2));
    EXPECT_THAT(values<float>(*file, "w"), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(values<float>(*file, "typed"), ElementsAre(5, 6, 7));
    EXPECT_THAT(values<uint16_t>(*file, "half"), ElementsAre(0x3c00, 0xc000));
    EXPECT_THAT(values<int8_t>(*file, "bytes"), ElementsAre(-3, 4));
    EXPECT_THAT(values<int64_t>(*file, "large"), ElementsAre(-1, int64_t(1) << 40));
    EXPECT_THAT(values<double>(*file, "wide"), ElementsAre(0.5));
    EXPECT_THAT(values<int32_t>(*file, "single"), ElementsAre(9));
    EXPECT_EQ(file->find("flag")->type, StoredType::Bool);
  }
}

// A tensor of texts is no weight: it is listed beside them.
TEST(OnnxFile, Others) {
  ProtoMessage words = tensor("words", 8, {1});
  words.text(6, "yes");
  auto file = parse(model({words}));
  ASSERT_TRUE(file) << file.message();
  EXPECT_TRUE(file->tensors().empty());
  EXPECT_THAT(file->others(), ElementsAre("words"));
}

TEST(OnnxFile, Refused) {
  auto message = [](const ProtoMessage &one) { return parse(model({one})).message(); };
  ProtoMessage external = tensor("far", 1, {1}), location, few = tensor("few", 1, {3}), many = tensor("many", 6, {1}),
               mixed = tensor("mixed", 1, {1}), huge = tensor("huge", 1, {int64_t(1) << 40, int64_t(1) << 40}),
               negative = tensor("negative", 1, {-1}), unnamed = tensor("", 1, {0}), once = tensor("once", 1, {1});
  location.text(1, "location");
  location.text(2, "../../etc/passwd");
  external.message(13, location);
  external.number(14, 1);
  EXPECT_EQ(message(external),
            "'m.onnx' is not an ONNX file to load from: the values of 'far' lie in a file beside it; save it "
            "in one file: onnx.save(onnx.load(f), g)");
  few.text(9, raw<float>({1, 2}));
  EXPECT_THAT(message(few), HasSubstr("'few' of type f32 and shape [3] cannot lie in 8 bytes"));
  many.text(5, "\x01\x02");
  EXPECT_THAT(message(many), HasSubstr("'many' of type i32 and shape [1] cannot lie in 8 bytes"));
  mixed.number(7, 1);
  EXPECT_THAT(message(mixed), HasSubstr("'mixed' has values of another type than f32"));
  EXPECT_THAT(message(huge), HasSubstr("'huge' of type f32"));
  EXPECT_THAT(message(negative), HasSubstr("damaged shape"));
  EXPECT_THAT(message(unnamed), HasSubstr("no weight can have"));
  once.text(9, raw<float>({1}));
  EXPECT_THAT(parse(model({once, once})).message(), HasSubstr("'once' occurs twice"));
  ProtoMessage sparse, graph;
  graph.text(15, "");
  sparse.number(1, 8);
  sparse.message(7, graph);
  EXPECT_THAT(parse(sparse.bytes).message(), HasSubstr("sparse"));
}

// Cut anywhere it is an error with a message, and never a crash.
TEST(OnnxFile, Cut) {
  ProtoMessage weight = tensor("w", 1, {2, 2});
  weight.text(9, raw<float>({1, 2, 3, 4}));
  std::string whole = model({weight});
  for (size_t size = 0; size < whole.size(); ++size)
    if (size != 2 && size != 11) // between two fields: a model without a graph
      EXPECT_FALSE(parse(whole.substr(0, size))) << size;
  EXPECT_TRUE(parse(whole));
}
