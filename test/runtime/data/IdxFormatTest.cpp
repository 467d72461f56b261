#include "test/runtime/data/ReaderTest.h"
#include "test/runtime/support/SharedData.h"

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using IdxTest = ReaderTest;

static const std::string pixels = "abcdefghijkl"; // three images of 2x2

// Images and labels, packed and plain, in any order of samples; a trailing extent of 1 does not matter.
TEST_F(IdxTest, ImagesAndLabels) {
  folder.write("images", idxFile(8, {3, 2, 2}, pixels));
  folder.write("labels.gz", gzipped(idxFile(8, {3}, std::string("\2\0\1", 3))));
  auto reader = make("idx", {{"image", "images"}, {"label", "labels.gz"}}, {image({2, 2, 1}), label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_EQ((*reader)->count(), 3);
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(2, 0, 1));
  int32_t order[] = {2, 0, 2};
  std::string read(12, ' ');
  ASSERT_TRUE((*reader)->read(0, order, 3, read.data()).ok());
  EXPECT_EQ(read, "ijklabcdijkl");
  ASSERT_EQ((*reader)->files().size(), 2u);
  EXPECT_EQ((*reader)->files()[0].path, folder.path("images"));
}

// Every element type, big-endian, as numbers of a field.
TEST_F(IdxTest, ElementTypes) {
  auto values = [&](uint8_t type, const std::string &data) {
    folder.write("x", idxFile(type, {2}, data));
    auto reader = make("idx", {{"x", "x"}}, {floats({})});
    EXPECT_TRUE(reader) << reader.message();
    return all<float>(**reader, 0);
  };
  EXPECT_THAT(values(0x08, "\x01\xff"), ElementsAre(1, 255));
  EXPECT_THAT(values(0x09, "\x01\xff"), ElementsAre(1, -1));
  EXPECT_THAT(values(0x0B, bigEndian<int16_t>({-300, 5})), ElementsAre(-300, 5));
  EXPECT_THAT(values(0x0C, bigEndian<int32_t>({-70000, 5})), ElementsAre(-70000, 5));
  EXPECT_THAT(values(0x0D, bigEndian<float>({0.5, -1e30f})), ElementsAre(0.5, -1e30f));
  EXPECT_THAT(values(0x0E, bigEndian<double>({0.1, -2})), ElementsAre(0.1f, -2));
}

// Flat rows take the shape of the field.
TEST_F(IdxTest, FlatRows) {
  folder.write("images", idxFile(8, {3, 4}, pixels));
  EXPECT_THAT(refusal("idx", {{"image", "images"}}, {image({2, 2, 1})}), IsEmpty());
}

// Files that are no idx files, or lie about their size, are refused with the file and what to do.
TEST_F(IdxTest, BadFiles) {
  auto refused = [&](std::string_view content) {
    folder.write("images", content);
    return refusal("idx", {{"image", "images"}}, {image({2, 2})});
  };
  std::string good = idxFile(8, {3, 2, 2}, pixels);
  EXPECT_THAT(refused(good), IsEmpty());
  EXPECT_THAT(refused(""), HasSubstr("ends inside its header"));
  EXPECT_THAT(refused(good.substr(0, 9)), HasSubstr("ends inside its header"));
  EXPECT_THAT(refused("PNG, not idx"), HasSubstr("is not an idx file: it begins with 50 4e 47 2c"));
  EXPECT_THAT(refused(idxFile(7, {3, 2, 2}, pixels)), HasSubstr("is not an idx file"));
  EXPECT_THAT(refused(good.substr(0, good.size() - 1)), HasSubstr("(12 bytes), but 11 bytes follow"));
  EXPECT_THAT(refused(good + "x"), HasSubstr("but 13 bytes follow"));
  EXPECT_THAT(refused(idxFile(8, {~0u, ~0u, ~0u}, pixels)), HasSubstr("the impossible shape"));
  EXPECT_THAT(refused(idxFile(8, {0, 2, 2}, "")), HasSubstr("holds no samples"));
  EXPECT_THAT(refused(idxFile(8, {3, 4, 2}, pixels + pixels)),
              HasSubstr("holds samples of shape [4, 2], field 'image' is declared [2, 2]"));
  EXPECT_THAT(refusal("idx", {{"image", "none"}}, {image({2, 2})}), HasSubstr("there is no such file"));
}

// Packed files: cut off, damaged, or more inside than the header announces.
TEST_F(IdxTest, BadPackedFiles) {
  auto refused = [&](std::string_view content) {
    folder.write("images.gz", content);
    return refusal("idx", {{"image", "images.gz"}}, {image({2, 2})});
  };
  std::string good = idxFile(8, {3, 2, 2}, pixels);
  EXPECT_THAT(refused(gzipped(good)), IsEmpty());
  std::string packed = gzipped(good);
  EXPECT_THAT(refused(packed.substr(0, packed.size() - 3)), HasSubstr("is truncated"));
  packed[20] ^= 0x55;
  EXPECT_THAT(refused(packed), HasSubstr("images.gz'"));
  EXPECT_THAT(refused(gzipped(good + std::string(50 << 20, '\0'))), HasSubstr("more than the 28 bytes"));
  EXPECT_THAT(refused(gzipped(good.substr(0, 20))), HasSubstr("unpacks to 20 bytes, it announces 28"));
  EXPECT_THAT(refused(gzipped("")), HasSubstr("ends inside its header"));
}

// Labels out of range, fields that disagree and arguments that nobody reads.
TEST_F(IdxTest, BadLabelsAndArguments) {
  folder.write("images", idxFile(8, {3, 2, 2}, pixels));
  folder.write("labels", idxFile(8, {3}, std::string("\2\0\3", 3)));
  folder.write("two", idxFile(8, {2}, std::string("\0\1", 2)));
  folder.write("negative", idxFile(9, {2}, std::string("\1\xff", 2)));
  EXPECT_THAT(refusal("idx", {{"label", "labels"}}, {label(3)}),
              HasSubstr("labels': sample 2 has the value 3 in field 'label'; labels of class(3) are whole numbers from "
                        "0 to 2"));
  EXPECT_THAT(refusal("idx", {{"label", "negative"}}, {label(3)}), HasSubstr("sample 1 has the value -1"));
  EXPECT_THAT(refusal("idx", {{"image", "images"}, {"label", "two"}}, {image({2, 2}), label(3)}),
              HasSubstr("images' holds 3 samples, but '"));
  EXPECT_THAT(refusal("idx", {{"image", "images"}, {"lable", "labels"}}, {image({2, 2})}),
              HasSubstr("no argument 'lable'; its fields are 'image'"));
  EXPECT_THAT(refusal("idx", {}, {image({2, 2})}), HasSubstr("needs a file for field 'image': idx(image: \"...\")"));
  EXPECT_THAT(refusal("idx", {{"image", 3.0}}, {image({2, 2})}), HasSubstr("needs a file for field 'image'"));
  EXPECT_THAT(refusal("hdf5", {}, {label(2)}), HasSubstr("there is no reader 'hdf5'; this runtime has idx, npy"));
}

// The digits of the shared data, with their published class counts.
TEST_F(IdxTest, RealDigits) {
  XFER_NEED_SHARED_DATA(data);
  auto reader =
      makeReader("idx", {{"image", "usps-train-images-idx3-ubyte.gz"}, {"label", "usps-train-labels-idx1-ubyte.gz"}},
                 {image({16, 16, 1}), label(10)}, data + "/usps");
  ASSERT_TRUE(reader) << reader.message();
  std::vector<int> counts(10);
  for (int32_t digit : all<int32_t>(**reader, 1))
    ++counts[digit];
  EXPECT_THAT(counts, ElementsAre(1194, 1005, 731, 658, 652, 556, 664, 645, 542, 644));
}
