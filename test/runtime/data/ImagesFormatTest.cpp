#include "runtime/data/ImageRows.h"
#include "test/runtime/data/ReaderTest.h"
#include <array>
#include <filesystem>
#include <thread>

using namespace xfer::rt;
using namespace xfer::rt::test;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct ImagesTest : ReaderTest {
  // A file below the folder; folders above it are made.
  void put(const std::string &name, const std::string &content) {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    folder.write(name, content);
  }
  // One pixel.
  static std::string grey(int value) { return pngFile(1, 1, 1, std::string(1, static_cast<char>(value))); }
  std::vector<uint8_t> pixels(const Reader &reader, size_t field = 0) { return all<uint8_t>(reader, field); }
};

const Field pixel = image({1, 1, 1});

Field mask(int64_t classes) { return {"mask", ElementType::U8, {1, 2}, classes}; }

// A class for each folder, in the order of the names; files below it at any depth, hidden and other files not.
TEST_F(ImagesTest, FoldersAreClasses) {
  put("d/dog/1.PNG", grey(1));
  put("d/dog/more/2.png", grey(2));
  put("d/cat/3.png", grey(3));
  put("d/cat/.4.png", grey(4));
  put("d/ant/5.png", grey(5));
  put("d/ant/Thumbs.db", "no image");
  auto reader = make("images", {{"", "d"}}, {pixel, label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(pixels(**reader), ElementsAre(5, 3, 1, 2));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(0, 1, 2, 2));
  EXPECT_THAT((*reader)->classNames(1), ElementsAre("ant", "cat", "dog"));
  EXPECT_THAT((*reader)->sampleNames(), ElementsAre("d/ant/5.png", "d/cat/3.png", "d/dog/1.PNG", "d/dog/more/2.png"));
  EXPECT_THAT((*reader)->notes(), ElementsAre(HasSubstr("1 files in")));
  ASSERT_EQ((*reader)->files().size(), 4u);
  EXPECT_EQ((*reader)->files()[0].hash(), hashBytes(grey(5).data(), grey(5).size()));
  // Names that are numbers are in the order of numbers.
  for (const char *name : {"n/10/x.png", "n/9/x.png", "n/1/x.png"})
    put(name, grey(name[2] + name[3]));
  reader = make("images", {{"", "n"}}, {pixel, label(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT((*reader)->classNames(1), ElementsAre("1", "9", "10"));
}

TEST_F(ImagesTest, FoldersThatAreNoClasses) {
  put("d/dog/1.png", grey(1));
  put("d/cat/2.png", grey(2));
  EXPECT_THAT(refusal("images", {{"", "d"}}, {pixel, label(3)}),
              HasSubstr("is class(3), but '" + folder.path("d") + "' has 2 names for it: cat, dog"));
  std::filesystem::create_directory(folder.path("d/emu"));
  put("d/eel/readme.txt", "nothing");
  EXPECT_THAT(refusal("images", {{"", "d"}}, {pixel, label(4)}), HasSubstr("there is no image in 'eel', 'emu'"));
  // Without classes every image counts.
  EXPECT_THAT(refusal("images", {{"", "d"}}, {pixel}), IsEmpty());
  std::filesystem::create_directory(folder.path("none"));
  EXPECT_THAT(refusal("images", {{"", "none"}}, {pixel}), HasSubstr("holds no images"));
  EXPECT_THAT(refusal("images", {{"", "gone"}}, {pixel}), HasSubstr("cannot read the folder"));
  EXPECT_THAT(refusal("images", {{"", "d"}}, {label(2)}), HasSubstr("has no picture to read"));
  EXPECT_THAT(refusal("images", {{"", "d"}, {"colour", "x"}}, {pixel}), HasSubstr("has no argument 'colour'"));
}

// Patterns find the samples and what is known of each; numbers stay numbers, and the order of names can be given.
TEST_F(ImagesTest, Patterns) {
  put("d/cat.07.png", grey(1));
  put("d/dog.3.png", grey(2));
  put("d/fox.txt", "");
  Field number = floats({});
  auto reader =
      make("images", {{"", "d"}, {"image", "{label}.{x}.png"}, {"label_names", "dog, cat"}}, {pixel, label(2), number});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(1, 0));
  EXPECT_THAT(all<float>(**reader, 2), ElementsAre(7, 3));
  EXPECT_THAT(
      refusal("images", {{"", "d"}, {"image", "{label}.*.png"}, {"label_names", "dog, fox"}}, {pixel, label(2)}),
      HasSubstr("'cat' is none of the 'label_names' dog, fox"));
  EXPECT_THAT(refusal("images", {{"", "d"}, {"image", "{x}.*.png"}}, {pixel, number}),
              HasSubstr("expected is a number"));
  EXPECT_THAT(refusal("images", {{"", "d"}, {"image", "*.gif"}}, {pixel}), HasSubstr("no file in"));
}

// A mask beside each picture: numbers of classes, from palettes too.
TEST_F(ImagesTest, Masks) {
  put("d/images/a.png", pngFile(1, 2, 1, "xy"));
  put("d/images/b.png", pngFile(1, 2, 1, "zz"));
  put("d/masks/a.png", pngFile(1, 2, 1, std::string("\2\0", 2)));
  std::vector<ReaderOption> options = {{"", "d/images"}, {"image", "*.png"}, {"mask", "../masks/*.png"}};
  EXPECT_THAT(refusal("images", options, {image({1, 2}), mask(3)}),
              HasSubstr("1 files that are not there:\n  " + folder.path("d/masks/b.png")));
  put("d/masks/b.png", pngFile(1, 2, 1, std::string("\1\1", 2)));
  auto reader = make("images", options, {image({1, 2}), mask(3)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(pixels(**reader, 1), ElementsAre(2, 0, 1, 1));
  EXPECT_THAT(refusal("images", options, {image({1, 2}), mask(2)}), HasSubstr("has the value 2 in field 'mask'"));
  EXPECT_THAT(refusal("images", {{"", "d/images"}}, {image({1, 2}), mask(3)}),
              HasSubstr("has a second picture 'mask'"));
}

// A table names the files, which lie beside it; all that are missing are told.
TEST_F(ImagesTest, Tables) {
  put("d/x/a.png", grey(1));
  put("d/b.png", grey(2));
  put("d/list.csv", "file,what\nx/a.png,cat\nb.png,ant\n");
  auto reader = make("images", {{"", "d/list.csv"}, {"image", "file"}, {"label", "what"}}, {pixel, label(2)});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(pixels(**reader), ElementsAre(1, 2));
  EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(1, 0));
  put("d/list.tsv", "image\nq.png\nx/a.png\np.png\n");
  EXPECT_THAT(
      refusal("images", {{"", "d/list.tsv"}}, {pixel}),
      HasSubstr("names 2 files that are not there:\n  " + folder.path("d/p.png") + "\n  " + folder.path("d/q.png")));
  EXPECT_THAT(refusal("images", {{"", "d/list.csv"}}, {pixel}), HasSubstr("there is no column 'image' in"));
  put("d/empty.csv", "image\n");
  EXPECT_THAT(refusal("images", {{"", "d/empty.csv"}}, {pixel}), HasSubstr("has a first line and no files"));
  put("d/gap.csv", "image,label\n,x\n");
  EXPECT_THAT(refusal("images", {{"", "d/gap.csv"}}, {pixel, label(1)}),
              HasSubstr("line 2: field 'image' has no value"));
}

// Archives are read in place, stored or packed, with a folder around everything or without.
TEST_F(ImagesTest, Archives) {
  for (bool packed : {false, true}) {
    folder.write("x.zip", zipFile({{"all/dog/", ""},
                                   {"all/dog/1.png", grey(1)},
                                   {"all/cat/2.png", grey(2)},
                                   {"__MACOSX/all/cat/._2.png", ""}},
                                  packed));
    auto reader = make("images", {{"", "x.zip"}}, {pixel, label(2)});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_THAT(pixels(**reader), ElementsAre(2, 1));
    EXPECT_THAT((*reader)->classNames(1), ElementsAre("cat", "dog"));
    reader = make("images", {{"", "x.zip"}, {"image", "{label}/*.png"}}, {pixel, label(2)});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_THAT(pixels(**reader), ElementsAre(2, 1));
  }
}

TEST_F(ImagesTest, ArchivesThatAreNotToBeTrusted) {
  for (const char *name : {"../evil.png", "/evil.png", "a/../../evil.png", "..\\evil.png"}) {
    folder.write("x.zip", zipFile({{"cat/1.png", grey(1)}, {name, grey(2)}}, false));
    EXPECT_THAT(refusal("images", {{"", "x.zip"}}, {pixel}), HasSubstr("which would lie outside of it")) << name;
  }
  // A packed member whose size is a lie, either way.
  std::string good = zipFile({{"1.png", grey(1)}}, true), size = littleEndian(static_cast<uint32_t>(grey(1).size()));
  for (uint32_t claimed : {5u, 1000u, 200000000u, 2000000000u}) {
    std::string bad = good;
    for (size_t at = bad.find(size); at != std::string::npos; at = bad.find(size, at + 4))
      bad.replace(at, 4, littleEndian(claimed));
    folder.write("x.zip", bad);
    EXPECT_THAT(refusal("images", {{"", "x.zip"}}, {pixel}), HasSubstr("x.zip")) << claimed;
  }
}

// Other sizes are an error, unless the reader was asked to bring them to size.
TEST_F(ImagesTest, Sizes) {
  put("d/a.png", pngFile(2, 2, 1, std::string("\0\xff\xff\xff", 4)));
  EXPECT_THAT(refusal("images", {{"", "d"}}, {pixel}),
              HasSubstr("has 2 x 2 pixels, field 'image' is declared [1, 1, 1]; `resize: true`"));
  auto reader = make("images", {{"", "d"}, {"resize", true}}, {pixel});
  ASSERT_TRUE(reader) << reader.message();
  EXPECT_THAT(pixels(**reader), ElementsAre(192)); // rounded along the rows first
  for (const char *option : {"resize", "image_resize"})
    for (const char *method : {"bilinear", "bicubic", "cubic"})
      EXPECT_THAT(refusal("images", {{"", "d"}, {option, method}}, {pixel}),
                  std::string(method) == "cubic" ? HasSubstr("is true, \"bilinear\" or \"bicubic\", not \"cubic\"")
                                                 : HasSubstr(""));
  EXPECT_THAT(refusal("images", {{"", "d"}, {"resize", true}}, {Field{"image", ElementType::F32, {1, 1, 1}, 0}}),
              HasSubstr("are not resized"));
  EXPECT_THAT(refusal("images", {{"", "d"}}, {image({2, 2, 5})}), HasSubstr("is no picture"));
}

// As many threads decode ahead as the program may have.
TEST_F(ImagesTest, ThreadsAreThoseOfTheProgram) {
  put("d/a.png", grey(1));
  auto count = [] {
    auto all = std::filesystem::directory_iterator("/proc/self/task");
    return std::distance(begin(all), end(all));
  };
  const auto before = count();
  for (unsigned threads : {1u, 3u}) {
    auto reader = makeReader("images", {{"", "d"}, {"cache", 0.0}}, {pixel}, folder.folder(), threads);
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_EQ(count() - before, threads);
  }
}

// What cannot be read fails with its name, or is left out and counted.
TEST_F(ImagesTest, DamagedFiles) {
  put("d/cat/1.png", grey(1));
  put("d/cat/2.png", grey(2).substr(0, 40));
  put("d/dog/3.png", "");
  put("d/dog/4.png", grey(4));
  EXPECT_THAT(refusal("images", {{"", "d"}}, {pixel, label(2)}),
              HasSubstr("'" + folder.path("d/cat/2.png") +
                        "' is truncated: it ends too early; copy the file again (so are 1 more); on_error: \"skip\""));
  for (double cache : {0.0, 100.0}) {
    auto reader = make("images", {{"", "d"}, {"on_error", "skip"}, {"cache", cache}}, {pixel, label(2)});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_EQ((*reader)->count(), 2);
    EXPECT_EQ((*reader)->skipped(), 2);
    EXPECT_THAT(pixels(**reader), ElementsAre(1, 4));
    EXPECT_THAT(all<int32_t>(**reader, 1), ElementsAre(0, 1));
    EXPECT_THAT((*reader)->notes(), ElementsAre(HasSubstr("2 of 4 images in")));
  }
  EXPECT_THAT(refusal("images", {{"", "d"}, {"on_error", "hide"}}, {pixel, label(2)}),
              HasSubstr("is \"fail\" or \"skip\", not \"hide\""));
  put("d/cat/1.png", "x");
  put("d/dog/4.png", "x");
  EXPECT_THAT(refusal("images", {{"", "d"}, {"on_error", "skip"}}, {pixel, label(2)}),
              HasSubstr("none of the 4 images in"));
}

// A sample is known by the name that the program has for its file, wherever the data lie and whatever lists it.
TEST_F(ImagesTest, SampleNames) {
  put("a/b/1.png", grey(1));
  put("t.csv", "image\na/b/1.png\n");
  put("a/t.csv", "image\n./b/1.png\n");
  put("c/t.csv", "image\n../a/b/1.png\n");
  put("abs.csv", "image\n" + folder.path("a/b/1.png") + "\n");
  const std::pair<std::string, std::string> cases[] = {
      {"a", "a/b/1.png"},         {"./a/", "a/b/1.png"},     {"a/b", "a/b/1.png"},
      {"a/b/1.png", "a/b/1.png"}, {"a/b/../b", "a/b/1.png"}, {"t.csv", "a/b/1.png"},
      {"a/t.csv", "a/b/1.png"},   {"c/t.csv", "a/b/1.png"},  {"abs.csv", folder.path("a/b/1.png")}};
  for (const auto &[given, name] : cases) {
    auto reader = make("images", {{"", given}}, {pixel});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_THAT((*reader)->sampleNames(), ElementsAre(name)) << given;
  }
  // From where the files lie themselves, and beside it.
  const std::array<std::string, 3> inside[] = {
      {"a", "b", "b/1.png"}, {"a/b", ".", "1.png"}, {"a/b", "1.png", "1.png"}, {"c", "../a", "../a/b/1.png"}};
  for (const auto &[place, given, name] : inside) {
    auto reader = makeReader("images", {{"", given}}, {pixel}, folder.path(place));
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_THAT((*reader)->sampleNames(), ElementsAre(name)) << given;
  }
}

// What has no room in memory is decoded when it is used, to the same values, whoever asks and in which order.
TEST_F(ImagesTest, WithoutRoomTheyAreDecodedAgain) {
  std::vector<uint8_t> expected;
  for (int i = 0; i < 200; ++i) {
    put("d/" + std::to_string(1000 + i) + ".png", grey(i));
    expected.push_back(static_cast<uint8_t>(i));
  }
  for (double cache : {0.0, 50.0 / (1 << 20), 1.0}) {
    auto reader = make("images", {{"", "d"}, {"cache", cache}}, {pixel});
    ASSERT_TRUE(reader) << reader.message();
    EXPECT_EQ((*reader)->readsAhead(), cache < 1);
    EXPECT_EQ(pixels(**reader), expected);
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&, thread] {
        for (int32_t i = 0; i < 200; ++i) {
          int32_t sample = (i * 7 + thread * 50) % 200, next = (sample + 7) % 200;
          uint8_t value = 0;
          (*reader)->expect(0, &next, 1);
          EXPECT_TRUE((*reader)->read(0, &sample, 1, &value).ok());
          EXPECT_EQ(value, sample);
        }
      });
    for (std::thread &thread : threads)
      thread.join();
  }
  // One that is damaged is found when it is used.
  put("d/1003.png", "x");
  EXPECT_THAT(refusal("images", {{"", "d"}, {"cache", 0.0}}, {pixel}),
              HasSubstr("1003.png' is neither a JPEG nor a PNG file"));
}

// Rows that do not stay are made again when enough others have come after them; what is expected is made once.
TEST(ImageRows, KeepsTheFirstAndTheLast) {
  std::atomic<int> made{0};
  ImageRows rows(
      [&](size_t sample, uint8_t *row) {
        ++made;
        *row = static_cast<uint8_t>(sample);
        return sample == 99 ? failure("no such picture") : Status::success();
      },
      1, 2, 4, 2);
  auto value = [&](int32_t sample) {
    auto row = rows.row(sample);
    return row ? int(**row) : -1;
  };
  for (int32_t sample : {0, 1, 2, 3, 4, 5, 0, 1, 5})
    EXPECT_EQ(value(sample), sample);
  EXPECT_EQ(made, 6);
  for (int32_t sample : {6, 2, 0})
    EXPECT_EQ(value(sample), sample);
  EXPECT_EQ(made, 8); // 2 had gone, 0 stays
  EXPECT_EQ(value(99), -1);
  const int32_t next[] = {20, 21, 20};
  rows.expect(next, 3);
  EXPECT_EQ(value(21), 21);
  EXPECT_EQ(value(20), 20);
  EXPECT_EQ(made, 11);
}

} // namespace
