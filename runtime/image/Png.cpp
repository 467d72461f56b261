// PNG by libpng: every colour type and depth, interlaced or not.
//
// The library leaves by longjmp: what it fills lives in `PngDecoder`, and the functions between setjmp and the library
// hold nothing that has a destructor.
#include "runtime/image/Image.h"
#include <algorithm>
#include <csetjmp>
#include <cstring>

#include <png.h>

namespace xfer::rt {

namespace {

struct PngDecoder {
  png_structp png = nullptr;
  png_infop info = nullptr;
  const uint8_t *at = nullptr, *end = nullptr;
  char message[128] = {};
  bool isTruncated = false;
  ImageForm form;
  Image image;
  std::vector<png_bytep> rows;
  int passes = 1, orientation = 1;
};

} // namespace

[[noreturn]] static void leave(png_structp png, png_const_charp message) {
  auto &decoder = *static_cast<PngDecoder *>(png_get_error_ptr(png));
  std::strncpy(decoder.message, message, sizeof(decoder.message) - 1);
  png_longjmp(png, 1);
}

static void ignoreWarning(png_structp, png_const_charp) {}

static void takeBytes(png_structp png, png_bytep to, png_size_t size) {
  auto &decoder = *static_cast<PngDecoder *>(png_get_io_ptr(png));
  if (size > static_cast<size_t>(decoder.end - decoder.at)) {
    decoder.isTruncated = true;
    leave(png, "it ends too early");
  }
  std::memcpy(to, decoder.at, size);
  decoder.at += size;
}

// What is to become of the values, for the colour type and depth that the file has.
static void chooseTransforms(PngDecoder &decoder) {
  png_structp png = decoder.png;
  const int type = png_get_color_type(png, decoder.info), depth = png_get_bit_depth(png, decoder.info);
  const bool isPalette = type == PNG_COLOR_TYPE_PALETTE;
  if (decoder.form.indices) {
    png_set_packing(png);
  } else {
    if (isPalette)
      png_set_palette_to_rgb(png);
    if (!isPalette && depth < 8)
      png_set_expand_gray_1_2_4_to_8(png);
    if (decoder.form.channels % 2 == 0 && png_get_valid(png, decoder.info, PNG_INFO_tRNS))
      png_set_tRNS_to_alpha(png);
    else if (decoder.form.channels % 2 == 1)
      png_set_strip_alpha(png);
  }
  if (depth == 16 && decoder.form.wide)
    png_set_swap(png);
  else if (depth == 16)
    png_set_scale_16(png);
  decoder.passes = png_set_interlace_handling(png);
  png_read_update_info(png, decoder.info);
}

static bool readHeader(PngDecoder &decoder, const ImageLimits &limits) {
  if (setjmp(png_jmpbuf(decoder.png)))
    return false;
  png_set_read_fn(decoder.png, &decoder, takeBytes);
  // Of one side; the product is looked at by checkPixels().
  const auto side = static_cast<png_uint_32>(std::min<uint64_t>(limits.pixels, 0x7FFFFFFF));
  png_set_user_limits(decoder.png, side, side);
  png_set_chunk_cache_max(decoder.png, 256);
  png_set_chunk_malloc_max(decoder.png, 8u << 20);
  png_read_info(decoder.png, decoder.info);
  return true;
}

static bool prepareRows(PngDecoder &decoder) {
  if (setjmp(png_jmpbuf(decoder.png)))
    return false;
  chooseTransforms(decoder);
  return true;
}

static bool readRows(PngDecoder &decoder) {
  if (setjmp(png_jmpbuf(decoder.png)))
    return false;
  png_read_image(decoder.png, decoder.rows.data());
  png_read_end(decoder.png, decoder.info);
  png_bytep block = nullptr;
  png_uint_32 size = 0;
  if (png_get_eXIf_1(decoder.png, decoder.info, &size, &block))
    decoder.orientation = exifOrientation(block, size);
  return true;
}

static Status decode(PngDecoder &decoder, const Bytes &file, const std::string &name, const ImageLimits &limits) {
  auto fail = [&] {
    return failure("'{}' is {}: {}; copy the file again", name, decoder.isTruncated ? "truncated" : "damaged",
                   decoder.message);
  };
  if (!readHeader(decoder, limits))
    return fail();
  Image &image = decoder.image;
  image.height = png_get_image_height(decoder.png, decoder.info);
  image.width = png_get_image_width(decoder.png, decoder.info);
  // Deflate packs at most 1032 bytes into one.
  const uint64_t bits =
      static_cast<uint64_t>(png_get_bit_depth(decoder.png, decoder.info)) * png_get_channels(decoder.png, decoder.info);
  if (Status status = checkPixels(image.height, image.width, file, 1040 * 8 / bits, name, limits); status.failed())
    return status;
  if (!prepareRows(decoder))
    return fail();
  image.channels = png_get_channels(decoder.png, decoder.info);
  image.depth = png_get_bit_depth(decoder.png, decoder.info) == 16 ? 2 : 1;
  image.pixels.resize(image.rowBytes() * static_cast<uint64_t>(image.height));
  for (int64_t row = 0; row < image.height; ++row)
    decoder.rows.push_back(image.pixels.data() + static_cast<uint64_t>(row) * image.rowBytes());
  return readRows(decoder) ? Status::success() : fail();
}

Expected<Image> decodePng(const Bytes &file, const std::string &name, const ImageForm &form,
                          const ImageLimits &limits) {
  PngDecoder decoder;
  decoder.form = form;
  decoder.at = file.data;
  decoder.end = file.data + file.size;
  decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, leave, ignoreWarning);
  decoder.info = decoder.png ? png_create_info_struct(decoder.png) : nullptr;
  Status status = decoder.info ? decode(decoder, file, name, limits) : failure("there is no memory to read '{}'", name);
  png_destroy_read_struct(&decoder.png, &decoder.info, nullptr);
  if (status.failed())
    return status;
  return turned(std::move(decoder.image), decoder.orientation);
}

} // namespace xfer::rt
