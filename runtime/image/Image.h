// Pictures of files: JPEG and PNG, told apart by their first bytes.
//
// What comes out is what PIL's `ImageOps.exif_transpose(Image.open(f)).convert(MODE)` gives, bit for bit where both sit
// on the same libraries: turned as the EXIF orientation says, CMYK by PIL's formula, grey from colours by that of
// ITU-R 601-2, an alpha channel that nobody wants dropped and not mixed with a background.
#ifndef XFER_RUNTIME_IMAGE_IMAGE_H
#define XFER_RUNTIME_IMAGE_IMAGE_H

#include "runtime/core/Bytes.h"
#include "xfer/rt/Status.h"
#include <string>
#include <vector>

namespace xfer::rt {

struct Image {
  int64_t height = 0, width = 0;
  int channels = 0;            // 1: grey, 2: grey and alpha, 3: RGB, 4: RGB and alpha
  int depth = 1;               // bytes of a value; two are in the machine's order
  std::vector<uint8_t> pixels; // rows, then columns, then channels
  uint64_t rowBytes() const { return static_cast<uint64_t>(width) * channels * depth; }
};

// How a field wants its pictures.
struct ImageForm {
  int channels = 3;
  bool wide = false;    // values of 16 bits, as they stand in the file; else 16 bits are scaled to 8
  bool indices = false; // the numbers of a palette instead of its colours, few bits not scaled to 8: masks of classes
};

// What a file may claim to be; more is refused before memory is asked for.
struct ImageLimits {
  uint64_t pixels = uint64_t(1) << 27;
  uint64_t bytes = uint64_t(1) << 28; // of the file
};

// `name` is for messages.
Expected<Image> decodeImage(const Bytes &file, const std::string &name, const ImageForm &form,
                            const ImageLimits &limits = {});

// The two formats, as they are stored: turned, but with the channels that they have.
Expected<Image> decodeJpeg(const Bytes &file, const std::string &name, const ImageLimits &limits);
Expected<Image> decodePng(const Bytes &file, const std::string &name, const ImageForm &form, const ImageLimits &limits);

// Refuses a size beyond the limits, and one that so few bytes cannot hold: `pixelsPerByte` is the most that the format
// packs into one.
Status checkPixels(int64_t height, int64_t width, const Bytes &file, uint64_t pixelsPerByte, const std::string &name,
                   const ImageLimits &limits);

// The orientation, 1 to 8, of the block that begins with a TIFF header; 1 where it has none or is damaged.
int exifOrientation(const uint8_t *block, uint64_t size);
// Turned so that orientation 1 would show it alike.
Image turned(Image image, int orientation);

} // namespace xfer::rt

#endif
