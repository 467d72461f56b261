// JPEG by libjpeg-turbo: baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK.
//
// The library leaves by longjmp. So everything that it is called with lives in `JpegDecoder`, and the functions between
// setjmp and the library hold nothing that has a destructor.
#include "runtime/image/Image.h"
#include <csetjmp>
#include <cstdio> // jpeglib.h wants it
#include <cstring>

#include <jpeglib.h>
// behind it
#include <jerror.h>

namespace xfer::rt {

namespace {

struct JpegDecoder {
  jpeg_decompress_struct info;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
  bool tooManyScans;
  Image image;
  int orientation;
};

// A progressive picture of many empty scans costs a pass over all its pixels for each: no encoder writes so many.
constexpr int mostScans = 100;
// A Huffman code spends a bit at least on each block of 64 pixels; an arithmetic one far less on blocks that are alike.
constexpr uint64_t mostOfHuffman = 512, mostOfArithmetic = 1 << 16;

} // namespace

static JpegDecoder &decoderOf(j_common_ptr info) { return *static_cast<JpegDecoder *>(info->client_data); }

[[noreturn]] static void leave(j_common_ptr info) {
  JpegDecoder &decoder = decoderOf(info);
  info->err->format_message(info, decoder.message);
  std::longjmp(decoder.escape, 1);
}

// What the library would repair by guessing is damage, but for what is harmless and often written.
static void judge(j_common_ptr info, int level) {
  if (level >= 0)
    return;
  switch (info->err->msg_code) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_ADOBE_XFORM:
  case JWRN_BOGUS_PROGRESSION:
  case JWRN_JFIF_MAJOR:
  case JWRN_TOO_MUCH_DATA:
    return;
  default:
    leave(info);
  }
}

static void ignoreMessage(j_common_ptr) {}

static void watchScans(j_common_ptr info) {
  JpegDecoder &decoder = decoderOf(info);
  if (decoder.info.input_scan_number <= mostScans)
    return;
  decoder.tooManyScans = true;
  std::longjmp(decoder.escape, 1);
}

static void readOrientation(JpegDecoder &decoder) {
  static constexpr uint8_t mark[] = {'E', 'x', 'i', 'f', 0, 0};
  for (jpeg_saved_marker_ptr marker = decoder.info.marker_list; marker; marker = marker->next)
    if (marker->marker == JPEG_APP0 + 1 && marker->data_length > sizeof(mark) &&
        std::memcmp(marker->data, mark, sizeof(mark)) == 0) {
      decoder.orientation = exifOrientation(marker->data + sizeof(mark), marker->data_length - sizeof(mark));
      return;
    }
}

static bool readHeader(JpegDecoder &decoder, const Bytes &file) {
  if (setjmp(decoder.escape))
    return false;
  jpeg_create_decompress(&decoder.info);
  decoder.info.client_data = &decoder;
  decoder.progress.progress_monitor = watchScans;
  decoder.info.progress = &decoder.progress;
  jpeg_mem_src(&decoder.info, file.data, file.size);
  jpeg_save_markers(&decoder.info, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&decoder.info, TRUE);
  readOrientation(decoder);
  // Four components are CMYK or YCCK; of those the library makes CMYK.
  decoder.info.out_color_space = decoder.info.num_components == 1   ? JCS_GRAYSCALE
                                 : decoder.info.num_components == 4 ? JCS_CMYK
                                                                    : JCS_RGB;
  return true;
}

static bool readRows(JpegDecoder &decoder) {
  if (setjmp(decoder.escape))
    return false;
  jpeg_start_decompress(&decoder.info);
  while (decoder.info.output_scanline < decoder.info.output_height) {
    JSAMPROW row = decoder.image.pixels.data() + decoder.info.output_scanline * decoder.image.rowBytes();
    jpeg_read_scanlines(&decoder.info, &row, 1);
  }
  jpeg_finish_decompress(&decoder.info);
  return true;
}

// As PIL does: the inks are stored inverted (Adobe's convention), and each colour loses its share of what black leaves.
static void mixInks(Image &image) {
  const uint8_t *in = image.pixels.data();
  uint8_t *out = image.pixels.data();
  for (int64_t i = 0, count = image.height * image.width; i < count; ++i, in += 4, out += 3) {
    const int light = in[3];
    int colours[3];
    for (int c = 0; c < 3; ++c) {
      const int product = (255 - in[c]) * light + 128;
      colours[c] = light - (((product >> 8) + product) >> 8);
    }
    for (int c = 0; c < 3; ++c)
      out[c] = static_cast<uint8_t>(colours[c] < 0 ? 0 : colours[c]);
  }
  image.channels = 3;
  image.pixels.resize(image.rowBytes() * static_cast<uint64_t>(image.height));
}

Expected<Image> decodeJpeg(const Bytes &file, const std::string &name, const ImageLimits &limits) {
  JpegDecoder decoder{};
  decoder.info.err = jpeg_std_error(&decoder.errors);
  decoder.errors.error_exit = leave;
  decoder.errors.emit_message = judge;
  decoder.errors.output_message = ignoreMessage;
  decoder.info.client_data = &decoder;
  decoder.orientation = 1;
  auto fail = [&]() -> Status {
    if (decoder.tooManyScans)
      return failure("'{}' is a JPEG file with more than {} scans, which no program writes", name, mostScans);
    return failure("'{}' is damaged or truncated: {}; copy the file again", name, decoder.message);
  };
  Status status;
  if (!readHeader(decoder, file)) {
    status = fail();
  } else if (Status small = checkPixels(decoder.info.image_height, decoder.info.image_width, file,
                                        decoder.info.arith_code ? mostOfArithmetic : mostOfHuffman, name, limits);
             small.failed()) {
    status = small;
  } else {
    const int components = decoder.info.num_components;
    decoder.image = Image{decoder.info.image_height,
                          decoder.info.image_width,
                          components == 1   ? 1
                          : components == 4 ? 4
                                            : 3,
                          1,
                          {}};
    decoder.image.pixels.resize(decoder.image.rowBytes() * static_cast<uint64_t>(decoder.image.height));
    if (!readRows(decoder))
      status = fail();
  }
  jpeg_destroy_decompress(&decoder.info);
  if (status.failed())
    return status;
  if (decoder.image.channels == 4)
    mixInks(decoder.image);
  return turned(std::move(decoder.image), decoder.orientation);
}

} // namespace xfer::rt
