#include "test/runtime/data/ReaderTest.h"
#include <cmath>
#include <limits>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using NpyTest = ReaderTest;
using NpzTest = ReaderTest;

// All types that NumPy writes for numbers, both byte orders, all header versions.
TEST_F(NpyTest, ElementTypes) {
  auto values = [&](const std::string &type, const std::string &data, int version = 1) {
    folder.write("x.npy", npyFile(type, "(2,)", data, false, version));
    auto reader = make("npy", {{"x", "x.npy"}}, {floats({})});
    EXPECT_TRUE(reader) << reader.message();
    return all<float>(**reader, 0);
  };
  EXPECT_THAT(values("|u1", "\x02\xff"), ElementsAre(2, 255));
  EXPECT_THAT(values("|i1", "\x02\xff"), ElementsAre(2, -1));
  EXPECT_THAT(values("|b1", std::string("\x01\x00", 2)), ElementsAre(1, 0));
  EXPECT_THAT(values("<u2", littleEndian<uint16_t>({65535, 1})), ElementsAre(65535, 1));
  EXPECT_THAT(values(">i2", bigEndian<int16_t>({-2, 1})), ElementsAre(-2, 1));
  EXPECT_THAT(values("<i4", littleEndian<int32_t>({-2, 1 << 24})), ElementsAre(-2, 1 << 24));
  EXPECT_THAT(values("<i8", littleEndian<int64_t>({-2, 1 << 24})), ElementsAre(-2, 1 << 24));
  EXPECT_THAT(values("<u8", littleEndian<uint64_t>({2, 3})), ElementsAre(2, 3));
  EXPECT_THAT(values("<f2", littleEndian<uint16_t>({0x3c00, 0xc000})), ElementsAre(1, -2));
  EXPECT_THAT(values("<f4", littleEndian<float>({1.5, -2}), 2), ElementsAre(1.5, -2));
  EXPECT_THAT(values(">f8", bigEndian<double>({0.1, -2}), 3), ElementsAre(0.1f, -2));
}

// Numbers become what the field wants as long as they stay the same number.
TEST_F(NpyTest, LosslessConversions) {
  auto read = [&](const std::string &type, const std::string &data, ElementType wanted, int64_t classes = 0) {
    folder.write("x.npy", npyFile(type, "(2,)", data));
    return refusal("npy", {{"x", "x.npy"}}, {{"x", wanted, {}, classes}});
  };
  double nan = std::numeric_limits<double>::quiet_NaN(), infinite = std::numeric_limits<double>::infinity();
  EXPECT_THAT(read("<i8", littleEndian<int64_t>({3, -4}), ElementType::I32), IsEmpty());
  EXPECT_THAT(read("<i8", littleEndian<int64_t>({3, 1ll << 31}), ElementType::I32), HasSubstr("value 2147483648"));
  EXPECT_THAT(read("<u4", littleEndian<uint32_t>({3, 1u << 31}), ElementType::I32), HasSubstr("value 2147483648"));
  EXPECT_THAT(read("<i4", littleEndian<int32_t>({3, (1 << 24) + 1}), ElementType::F32), HasSubstr("value 16777217"));
  EXPECT_THAT(read("<u8", littleEndian<uint64_t>({3, ~0ull}), ElementType::F32), HasSubstr("sample 1"));
  EXPECT_THAT(read("<u8", littleEndian<uint64_t>({3, ~0ull}), ElementType::I64), HasSubstr("sample 1"));
  EXPECT_THAT(read("<i2", littleEndian<int16_t>({255, 0}), ElementType::U8), IsEmpty());
  EXPECT_THAT(read("<i2", littleEndian<int16_t>({256, 0}), ElementType::U8), HasSubstr("sample 0 has the value 256"));
  EXPECT_THAT(read("<f4", littleEndian<float>({3, 4}), ElementType::I32, 5), IsEmpty());
  EXPECT_THAT(read("<f4", littleEndian<float>({3, 4.5}), ElementType::I32, 5), HasSubstr("has the value 4.5"));
  EXPECT_THAT(read("<f8", littleEndian<double>({nan, 4}), ElementType::I32, 5),
              HasSubstr("sample 0 has the value nan"));
  EXPECT_THAT(read("<f8", littleEndian<double>({0, nan}), ElementType::F32), HasSubstr("sample 1 has the value nan"));
  EXPECT_THAT(read("<f4", littleEndian<float>({0, float(nan)}), ElementType::F32), HasSubstr("remove the sample"));
  EXPECT_THAT(read("<f8", littleEndian<double>({0, 1e300}), ElementType::F32), HasSubstr("value 1e+300"));
  EXPECT_THAT(read("<f8", littleEndian<double>({0, infinite}), ElementType::F32), IsEmpty());
  EXPECT_THAT(read("<f8", littleEndian<double>({0, 1e300}), ElementType::I64), HasSubstr("sample 1"));
  EXPECT_THAT(read("|u1", std::string("\1\0", 2), ElementType::Bool), IsEmpty());
  EXPECT_THAT(read("|u1", std::string("\1\2", 2), ElementType::Bool), HasSubstr("value 2"));
}

// What cannot be read says why and what to save instead.
TEST_F(NpyTest, BadFiles) {
  auto refused = [&](std::string_view content, std::vector<int64_t> shape = {2}) {
    folder.write("x.npy", content);
    return refusal("npy", {{"x", "x.npy"}}, {floats(shape)});
  };
  std::string data = littleEndian<float>({1, 2, 3, 4, 5, 6}), good = npyFile("<f4", "(3, 2)", data);
  EXPECT_THAT(refused(good), IsEmpty());
  EXPECT_THAT(refused(npyFile("<f4", "(3L, 2L)", data)), IsEmpty());
  EXPECT_THAT(refused("no npy file at all"), HasSubstr("is not an npy file; write it with numpy.save"));
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_THAT(refused(good.substr(0, size)), HasSubstr("x.npy'")) << size;
  EXPECT_THAT(refused(good + "x"), HasSubstr("but 25 bytes follow"));
  EXPECT_THAT(refused(npyFile("<f4", "(3, 2)", data, true)), HasSubstr("numpy.ascontiguousarray"));
  EXPECT_THAT(refused(npyFile("<f4", "(6,)", data, true), {}), IsEmpty());
  EXPECT_THAT(refused(npyFile("|O", "(3, 2)", data)), HasSubstr("type '|O'"));
  EXPECT_THAT(refused(npyFile("<c8", "(3, 1)", data)), HasSubstr("type '<c8'"));
  EXPECT_THAT(refused(npyFile("<U4", "(3, 1)", data)), HasSubstr("type '<U4'"));
  EXPECT_THAT(refused(npyFile("<f4", "()", data.substr(0, 4))), HasSubstr("holds a single value"));
  EXPECT_THAT(refused(npyFile("<f4", "(999999999999999999, 999999999999999999)", data)), HasSubstr("possible shape"));
  EXPECT_THAT(refused(npyFile("<f4", "(3, x)", data)), HasSubstr("possible shape"));
  EXPECT_THAT(refused(npyFile("<f4", "(3, -2)", data)), HasSubstr("possible shape"));
  EXPECT_THAT(refused(npyFile("<f4", "(3, 2)", data, false, 9)), HasSubstr("has version 9.0 of the npy format"));
  std::string records = npyFile("<f4", "(3, 2)", data);
  records.replace(records.find("'<f4'"), 5, "[('a'");
  EXPECT_THAT(refused(records), HasSubstr("records of several types"));
}

static std::vector<std::pair<std::string, std::string>> members() {
  return {{"fts.npy", npyFile("<f4", "(3, 2)", littleEndian<float>({1, 2, 3, 4, 5, 6}))},
          {"label.npy", npyFile("<i8", "(3, 1)", littleEndian<int64_t>({0, 2, 1}))}};
}

// Stored, deflated and zip64 archives; a field has its own name in the file unless another one is given.
TEST_F(NpzTest, Archives) {
  for (bool deflate : {false, true})
    for (bool zip64 : {false, true}) {
      folder.write("x.npz", zipFile(members(), deflate, zip64));
      auto reader = make("npz", {{"", "x.npz"}, {"x", "fts"}}, {floats({2}), label(3)});
      ASSERT_TRUE(reader) << reader.message();
      EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2, 3, 4, 5, 6));
      EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(0, 2, 1));
    }
}

// A comment after the directory, and bytes before the archive, do not hide what it holds.
TEST_F(NpzTest, Comment) {
  std::string file = zipFile(members(), false);
  file.replace(file.size() - 2, 2, littleEndian<uint16_t>(5));
  folder.write("x.npz", file + "hello");
  EXPECT_THAT(refusal("npz", {{"", "x.npz"}, {"x", "fts"}}, {floats({2})}), IsEmpty());
}

// Every cut and every flipped bit gives the right values or a refusal, never a crash.
TEST_F(NpzTest, Damage) {
  for (bool deflate : {false, true}) {
    std::string good = zipFile(members(), deflate, true);
    for (size_t size = 0; size < good.size(); size += 7) {
      folder.write("x.npz", good.substr(0, size));
      EXPECT_THAT(refusal("npz", {{"", "x.npz"}, {"x", "fts"}}, {floats({2}), label(3)}), HasSubstr("x.npz")) << size;
    }
    for (size_t byte = 0; byte < good.size(); byte += 3) {
      std::string damaged = good;
      damaged[byte] ^= 0x21;
      folder.write("x.npz", damaged);
      auto reader = make("npz", {{"", "x.npz"}, {"x", "fts"}}, {floats({2}), label(3)});
      if (reader)
        EXPECT_THAT(all<float>(**reader, 0), ElementsAre(1, 2, 3, 4, 5, 6)) << byte;
    }
  }
}

// What is missing is named together with what is there; archives that lie or hide something are refused.
TEST_F(NpzTest, Refusals) {
  auto refused = [&](const std::string &content) {
    folder.write("x.npz", content);
    return refusal("npz", {{"", "x.npz"}}, {floats({2})});
  };
  EXPECT_THAT(refused(zipFile(members(), false)), HasSubstr("there is no array 'x' in"));
  EXPECT_THAT(refused(zipFile(members(), false)), HasSubstr("it has 'fts', 'label'"));
  EXPECT_THAT(refused(zipFile({}, false)), HasSubstr("it has none"));
  EXPECT_THAT(refused("not a zip file, but long enough to be one"), HasSubstr("has no directory at its end"));
  EXPECT_THAT(refused(""), HasSubstr("has no directory at its end"));
  std::string array = npyFile("<f4", "(3, 2)", littleEndian<float>({1, 2, 3, 4, 5, 6}));
  EXPECT_THAT(refused(zipFile({{"x.npy", array}, {"x.npy", array}}, false)), HasSubstr("two members 'x.npy'"));
  EXPECT_THAT(refused(zipFile({{"x.npy", array + std::string(1 << 20, '\0')}}, true)),
              HasSubstr("announces [3, 2] values of type f32, but is"));
  EXPECT_THAT(refusal("npz", {}, {floats({2})}), HasSubstr("needs the name of its file as first argument"));
}
