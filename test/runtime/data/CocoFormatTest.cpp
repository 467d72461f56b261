#include "test/runtime/data/ReaderTest.h"
#include <filesystem>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const Field pixel = image({1, 1, 1});

Field boxes(int64_t most) { return {"boxes", ElementType::F32, {most, 4}, 0}; }
Field kinds(int64_t most, int64_t classes) { return {"kinds", ElementType::I32, {most}, classes}; }
Field lengthOf(int64_t most) {
  Field field{"k", ElementType::I32, {}, most + 1};
  field.isLength = true;
  return field;
}

const std::string twoImages =
    R"("images": [{"id": 7, "file_name": "a.png", "height": 1, "width": 1, "license": {"id": 1}},
                                            {"file_name": "x/b.png", "id": 3, "date": null}])";
const std::string twoKinds = R"("categories": [{"id": 9, "name": "dog"}, {"id": 2, "name": "eel"}])";

struct CocoTest : ReaderTest {
  void SetUp() override {
    put("a.png", pngFile(1, 1, 1, "\1"));
    put("x/b.png", pngFile(1, 1, 1, "\2"));
  }
  void put(const std::string &name, const std::string &content) {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    folder.write(name, content);
  }
  void describe(const std::string &annotations, const std::string &images = twoImages,
                const std::string &categories = twoKinds) {
    put("d.json",
        "{\"info\": [[{\"id\": 1}]], " + images + ", \"annotations\": [" + annotations + "], " + categories + "}");
  }
  // Why the file cannot be read.
  std::string refused(const std::string &content) {
    put("d.json", content);
    return refusal("coco", {{"", "d.json"}}, {pixel});
  }
  std::string refusedAnnotation(const std::string &annotation) {
    describe(annotation);
    return refusal("coco", {{"", "d.json"}}, {pixel, boxes(2), kinds(2, 2), lengthOf(2)});
  }
};

// Boxes are corners, kinds have the order of their ids, and each picture has as many as it has.
TEST_F(CocoTest, PicturesBoxesAndKinds) {
  describe(
      R"({"id": 1, "image_id": 7, "category_id": 9, "bbox": [1, 2.5, 3, 4], "segmentation": [[1, 2, [3]]], "area": 5},
              {"image_id": 7, "category_id": 2, "bbox": [0, 0, 1, 1e0], "iscrowd": 0},
              {"image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1, "segmentation": {"counts": [1, 2]}})");
  auto reader = make("coco", {{"", "d.json"}, {"image", "images"}, {"boxes", "bbox"}, {"kinds", "category"}},
                     {pixel, boxes(3), kinds(3, 2), lengthOf(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<uint8_t>(**reader, 0), ElementsAre(1, 2));
  EXPECT_THAT(all<float>(**reader, 1), ElementsAre(1, 2.5, 4, 6.5, 0, 0, 1, 1, 0, 0, 0, 0, //
                                                   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(all<int32_t>(**reader, 2), ElementsAre(1, 0, 0, 0, 0, 0));
  EXPECT_THAT(all<int32_t>(**reader, 3), ElementsAre(2, 0));
  EXPECT_THAT((*reader)->classNames(2), ElementsAre("eel", "dog"));
  EXPECT_THAT((*reader)->notes(), ElementsAre(HasSubstr("1 annotations of crowds")));
  EXPECT_EQ((*reader)->files().size(), 3u); // the description and the pictures
  reader = make("coco", {{"", "d.json"}, {"kinds_names", "dog, eel"}}, {pixel, kinds(2, 2)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(0, 1, 0, 0));
}

// What is left out leaves the boxes of the others where they belong.
TEST_F(CocoTest, DamagedPictures) {
  describe(R"({"image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]})");
  put("a.png", "no picture");
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel}), HasSubstr("on_error: \"skip\" leaves out"));
  auto reader = make("coco", {{"", "d.json"}, {"on_error", "skip"}}, {pixel, boxes(1), lengthOf(1), kinds(1, 2)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_EQ((*reader)->skipped(), 1);
  EXPECT_THAT(all<uint8_t>(**reader, 0), ElementsAre(2));
  EXPECT_THAT(all<float>(**reader, 1), ElementsAre(1, 2, 4, 6));
  EXPECT_THAT(all<int32_t>(**reader, 2), ElementsAre(1));
  EXPECT_THAT(all<int32_t>(**reader, 3), ElementsAre(1));
}

TEST_F(CocoTest, FilesThatAreNotThere) {
  describe(
      "",
      R"("images": [{"id": 1, "file_name": "c.png"}, {"id": 2, "file_name": "a.png"}, {"id": 3, "file_name": "b.png"}])");
  EXPECT_THAT(
      refusal("coco", {{"", "d.json"}}, {pixel}),
      HasSubstr("names 2 files that are not there:\n  " + folder.path("b.png") + "\n  " + folder.path("c.png")));
  put("pictures/b.png", pngFile(1, 1, 1, "\3"));
  put("pictures/c.png", pngFile(1, 1, 1, "\4"));
  put("pictures/a.png", pngFile(1, 1, 1, "\5"));
  auto reader = make("coco", {{"", "d.json"}, {"files", "pictures"}}, {pixel});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<uint8_t>(**reader, 0), ElementsAre(4, 5, 3));
  EXPECT_THAT(refusal("coco", {{"", "gone.json"}}, {pixel}), HasSubstr("gone.json"));
}

// A description of another picture than the one that lies there: its boxes would be wrong.
TEST_F(CocoTest, SizesThatDoNotFit) {
  describe("", R"("images": [{"id": 1, "file_name": "a.png", "height": 1, "width": 2}])");
  for (double cache : {0.0, 1.0})
    EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"on_error", "skip"}, {"cache", cache}}, {pixel}),
                HasSubstr("a.png' has 1 x 1 pixels, '" + folder.path("d.json") + "' says 1 x 2"));
}

// Every mistake is told with its place.
TEST_F(CocoTest, BadDescriptions) {
  EXPECT_THAT(refused("{\"images\": [1, }"), HasSubstr("d.json': images[0] is a single value"));
  EXPECT_THAT(refused("{\"images\": [{]"), HasSubstr("it is not JSON at byte 14"));
  EXPECT_THAT(refused(""), HasSubstr("d.json"));
  EXPECT_THAT(refused("[]"), HasSubstr("it is a list, expected is an object"));
  EXPECT_THAT(refused("5"), HasSubstr("it is a single value"));
  EXPECT_THAT(refused("{\"images\": [], \"categories\": []}"), HasSubstr("there is no 'annotations'"));
  EXPECT_THAT(refused("{\"images\": [], \"images\": []}"), HasSubstr("'images' occurs twice"));
  EXPECT_THAT(refused("{\"images\": {}}"), HasSubstr("'images' is an object, expected is a list"));
  EXPECT_THAT(refused("{\"images\": 5}"), HasSubstr("'images' is a single value"));
  EXPECT_THAT(refused("{\"images\": [[]]}"), HasSubstr("images[0] is a list, expected is an object"));
  EXPECT_THAT(refused(R"({"images": [{"id": 1, "file_name": "a"}, {"id": 2}]})"),
              HasSubstr("images[1] has no 'file_name'"));
  EXPECT_THAT(refused(R"({"images": [{"id": "1"}]})"), HasSubstr("images[0].id is a text, expected is a number"));
  EXPECT_THAT(refused(R"({"images": [{"id": 1.5}]})"), HasSubstr("images[0].id is no whole number"));
  EXPECT_THAT(refused(R"({"images": [{"id": 1, "id": 2}]})"), HasSubstr("images[0].id occurs twice"));
  EXPECT_THAT(refused(R"({"images": [{"file_name": 2}]})"),
              HasSubstr("images[0].file_name is a number, expected is a text"));
  describe("", "\"images\": []");
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel}), HasSubstr("d.json' lists no images"));
  describe("", R"("images": [{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}])");
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel}), HasSubstr("the id 1 occurs twice among 'images'"));
  // A hundred thousand brackets, which a parser that calls itself would not survive.
  EXPECT_THAT(refused("{\"info\": " + std::string(100000, '[')), HasSubstr("it is not JSON at byte"));
}

TEST_F(CocoTest, BadAnnotations) {
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 8, "category_id": 9, "bbox": [1, 2, 3, 4]})"),
              HasSubstr("annotations[0] belongs to image 8, which 'images' does not list"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "category_id": 1, "bbox": [1, 2, 3, 4]})"),
              HasSubstr("annotations[0] of 'a.png' has the category 1, which 'categories' does not list"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "category_id": 9, "bbox": [1, 2, -3, 4]})"),
              HasSubstr("annotations[0] of 'a.png' has a box of -3 x 4 pixels at (1, 2)"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "category_id": 9, "bbox": [1, 2, 3]})"),
              HasSubstr("annotations[0].bbox has 3 numbers"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "category_id": 9, "bbox": ["1"]})"),
              HasSubstr("annotations[0].bbox holds something else than numbers"));
  for (const char *nested : {"[[1, 2, 3, 4]]", "[1, 2, {\"x\": 3}, 4]", "[1, 2, null, 4]"})
    EXPECT_THAT(refusedAnnotation(std::string(R"({"image_id": 7, "category_id": 9, "bbox": )") + nested + "}"),
                HasSubstr("annotations[0].bbox holds something else than numbers"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "category_id": 9, "bbox": 1})"),
              HasSubstr("annotations[0].bbox is a number"));
  EXPECT_THAT(refusedAnnotation(R"({"image_id": 7, "bbox": [1, 2, 3, 4]})"),
              HasSubstr("annotations[0] has no 'category_id'"));
  const std::string box = R"({"image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]})";
  EXPECT_THAT(refusedAnnotation(box + "," + box + "," + box),
              HasSubstr("'x/b.png' has 3 boxes, the most of all; field 'boxes' has room for 2: declare [.. <= 3]"));
}

// Fields that it has nothing for, and classes of another number or name.
TEST_F(CocoTest, Fields) {
  describe("");
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel, kinds(2, 3)}),
              HasSubstr("is class(3), but '" + folder.path("d.json") + "' has 2 categories: eel, dog"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"kinds_names", "dog, cat"}}, {pixel, kinds(2, 2)}),
              HasSubstr("'eel' is none of the 'kinds_names' dog, cat"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"boxes", "area"}}, {pixel, boxes(2)}),
              HasSubstr("cannot fill field 'boxes' of shape [2, 4] from 'area'"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel, label(2)}), HasSubstr("cannot fill field 'label' of shape []"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {boxes(2)}), HasSubstr("has no picture to read"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"colour", "x"}}, {pixel}), HasSubstr("has no argument 'colour'"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel, boxes(1)}), IsEmpty());
}

// What all readers of pictures share speaks of the one that was asked.
TEST_F(CocoTest, Choices) {
  describe("");
  EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"on_error", "hide"}}, {pixel}),
              HasSubstr("argument 'on_error' of reader 'coco' is \"fail\" or \"skip\", not \"hide\""));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}, {"cache", -1.0}}, {pixel}),
              HasSubstr("argument 'cache' of reader 'coco' is a number of MiB, not -1"));
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {image({2, 1, 1})}),
              HasSubstr("`resize: true` in the arguments of 'coco' brings pictures to that size"));
}

// In the proportions of the file, in the middle of zeros; the frame says where.
TEST_F(CocoTest, Letterbox) {
  describe("");
  put("a.png", pngFile(1, 1, 1, "\7"));
  put("x/b.png", pngFile(2, 4, 1, std::string(8, '\x9')));
  const Field frame{"image:frame", ElementType::I32, {4}, 0};
  for (double cache : {0.0, 1.0}) {
    auto reader =
        make("coco", {{"", "d.json"}, {"image_resize", "letterbox"}, {"cache", cache}}, {frame, image({3, 4, 1})});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_THAT(all<uint8_t>(**reader, 1), ElementsAre(7, 7, 7, 0, 7, 7, 7, 0, 7, 7, 7, 0, //
                                                       9, 9, 9, 9, 9, 9, 9, 9, 0, 0, 0, 0));
    EXPECT_THAT(all<int32_t>(**reader, 0), ElementsAre(1, 1, 3, 3, 2, 4, 2, 4));
  }
  EXPECT_THAT(refusal("coco", {{"", "d.json"}}, {pixel, {"mask:frame", ElementType::I32, {4}, 0}}),
              HasSubstr("is the frame of no picture"));
}

} // namespace
