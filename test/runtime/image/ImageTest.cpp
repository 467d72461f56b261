// Pictures against what PIL makes of them (images.py), to the bit; and what is no good picture.
#include "runtime/image/Image.h"
#include "runtime/core/File.h"
#include "runtime/image/Resize.h"
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <zlib.h>

using namespace xfer::rt;
using testing::HasSubstr;

namespace {

const std::string folder = XFER_IMAGES "/";

struct Expectation {
  std::string file, mode;
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;
};

std::vector<Expectation> expectations() {
  std::vector<Expectation> all;
  std::ifstream text(folder + "expected.txt");
  Expectation one;
  std::string digits;
  while (text >> one.file >> one.mode >> one.height >> one.width >> digits) {
    one.pixels.clear();
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
      one.pixels.push_back(static_cast<uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    all.push_back(one);
  }
  return all;
}

ImageForm formOf(const std::string &mode) {
  ImageForm form;
  form.channels = mode == "RGB" ? 3 : mode == "RGBA" ? 4 : 1;
  form.indices = form.wide = mode == "raw";
  return form;
}

Bytes bytesOf(const std::string &text) {
  auto memory = std::make_shared<std::string>(text);
  return {reinterpret_cast<const uint8_t *>(memory->data()), memory->size(), memory};
}

std::string contentOf(const std::string &file) {
  Expected<Bytes> bytes = mapFile(folder + file);
  EXPECT_TRUE(bool(bytes)) << file;
  return bytes ? std::string(bytes->text()) : "";
}

std::string refusal(const std::string &content, const ImageForm &form = {}, const ImageLimits &limits = {}) {
  Expected<Image> image = decodeImage(bytesOf(content), "x.img", form, limits);
  return image ? "" : image.message();
}

// The beginning of a picture of 8 bits, as it would be sent by somebody who wants much memory to be asked for.
std::string pngHead(uint32_t height, uint32_t width) {
  std::string head = "IHDR";
  for (uint32_t number : {width, height})
    for (int shift = 24; shift >= 0; shift -= 8)
      head += static_cast<char>(number >> shift);
  head += std::string("\x08\0\0\0\0", 5);
  auto sum =
      static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef *>(head.data()), static_cast<uInt>(head.size())));
  std::string file = std::string("\x89PNG\r\n\x1a\n\0\0\0\x0d", 12) + head;
  for (int shift = 24; shift >= 0; shift -= 8)
    file += static_cast<char>(sum >> shift);
  return file + std::string("\0\0\0\x05IDAT", 8);
}

bool resizes(const Expectation &expected) {
  return expected.file == "resize" || expected.file == "bicubic" || expected.file == "nearest";
}

Image ramp(int64_t height, int64_t width) {
  Image image{height, width, 3, 1, {}};
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x)
      for (int64_t c = 0; c < 3; ++c)
        image.pixels.push_back(static_cast<uint8_t>(x * 37 + y * 101 + c * 59 + x * y));
  return image;
}

// Every colour type, depth, orientation and way of storing, with the channels that are wanted.
TEST(Image, IsWhatPilMakesOfIt) {
  size_t compared = 0;
  for (const Expectation &expected : expectations()) {
    if (resizes(expected))
      continue;
    SCOPED_TRACE(expected.file + " " + expected.mode);
    ImageForm form = formOf(expected.mode);
    if (expected.file == "palette.png")
      form.wide = false;
    Expected<Image> image = decodeImage(bytesOf(contentOf(expected.file)), expected.file, form);
    ASSERT_TRUE(bool(image)) << image.message();
    EXPECT_EQ(image->height, expected.height);
    EXPECT_EQ(image->width, expected.width);
    EXPECT_EQ(image->pixels, expected.pixels);
    ++compared;
  }
  EXPECT_GT(compared, 45u);
}

// Larger, smaller, one side alone, down to a pixel: the integers of PIL.
TEST(Image, IsResizedAsPilDoes) {
  size_t compared = 0;
  for (const Expectation &expected : expectations()) {
    if (!resizes(expected))
      continue;
    SCOPED_TRACE(expected.file + " to " + std::to_string(expected.height) + " x " + std::to_string(expected.width));
    const ResizeFilter filter = expected.file == "bicubic" ? ResizeFilter::Bicubic : ResizeFilter::Bilinear;
    Image image = expected.file == "nearest" ? resizeNearest(ramp(17, 23), expected.height, expected.width)
                                             : resizeFiltered(ramp(17, 23), expected.height, expected.width, filter);
    EXPECT_EQ(image.pixels, expected.pixels);
    ++compared;
  }
  EXPECT_EQ(compared, 18u);
}

// A picture that was cut off anywhere, and one with any byte changed: refused or read, never more.
TEST(Image, TruncatedAndDamagedFilesAreRefused) {
  for (const char *file :
       {"colour.jpg", "progressive.jpg", "cmyk.jpg", "laced.png", "palette-clear.png", "turned.png"}) {
    const std::string whole = contentOf(file);
    for (size_t size = 0; size + 2 < whole.size(); size += size < 40 ? 1 : 7)
      EXPECT_THAT(refusal(whole.substr(0, size)), HasSubstr("'x.img'")) << file << " " << size;
    for (size_t at = 0; at < whole.size(); at += 3) {
      std::string other = whole;
      other[at] = static_cast<char>(other[at] ^ 0x55);
      refusal(other);
    }
  }
  EXPECT_THAT(refusal(contentOf("colour.jpg").substr(0, 500)), HasSubstr("is damaged or truncated"));
  EXPECT_THAT(refusal(contentOf("colour.png").substr(0, 60)), HasSubstr("is truncated"));
  EXPECT_THAT(refusal(""), HasSubstr("is empty"));
  EXPECT_THAT(refusal("GIF89a"), HasSubstr("is neither a JPEG nor a PNG file"));
}

// What claims to be large is refused by what it claims, with the limit.
TEST(Image, BombsAreRefused) {
  ImageLimits small;
  small.pixels = 62;
  EXPECT_EQ(refusal(contentOf("colour.png"), {}, small), "'x.img' claims to have 7 x 9 pixels; at most 62 are read");
  EXPECT_EQ(refusal(contentOf("colour.jpg"), {}, small), "'x.img' claims to have 7 x 9 pixels; at most 62 are read");
  std::string wide = contentOf("colour.jpg");
  size_t frame = wide.find("\xFF\xC0");
  wide.replace(frame + 5, 4, "\x20\x10\x20\x10");
  EXPECT_THAT(refusal(wide), HasSubstr("claims to have 8208 x 8208 pixels, but has"));
  EXPECT_THAT(refusal(pngHead(10000, 10000)), HasSubstr("claims to have 10000 x 10000 pixels, but has"));
  small = {};
  small.bytes = 10;
  EXPECT_THAT(refusal(contentOf("colour.png"), {}, small), HasSubstr("pictures of at most 10 are read"));
}

// A mask of colours has no numbers of classes.
TEST(Image, MasksHaveOneChannel) {
  ImageForm mask;
  mask.channels = 1;
  mask.indices = true;
  EXPECT_THAT(refusal(contentOf("colour.png"), mask), HasSubstr("a mask of classes has one"));
  EXPECT_EQ(refusal(contentOf("bits.png"), mask), "");
}

// Directories of EXIF that lead nowhere turn nothing.
TEST(Image, DamagedOrientationsTurnNothing) {
  const uint8_t good[] = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0};
  EXPECT_EQ(exifOrientation(good, sizeof(good)), 6);
  for (size_t size = 0; size < sizeof(good); ++size)
    EXPECT_EQ(exifOrientation(good, size), 1) << size;
  uint8_t far[sizeof(good)];
  std::memcpy(far, good, sizeof(good));
  far[4] = 0xFF;
  EXPECT_EQ(exifOrientation(far, sizeof(far)), 1);
  far[4] = 0, far[19] = 9;
  EXPECT_EQ(exifOrientation(far, sizeof(far)), 1);
}

} // namespace
