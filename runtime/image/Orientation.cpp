// EXIF 2.32: the orientation (tag 0x0112) is one of the entries of the first directory of a TIFF block.
#include "runtime/image/Image.h"
#include <cstring>

namespace xfer::rt {

int exifOrientation(const uint8_t *block, uint64_t size) {
  if (size < 8)
    return 1;
  const bool big = block[0] == 'M' && block[1] == 'M';
  if (!big && !(block[0] == 'I' && block[1] == 'I'))
    return 1;
  auto number = [&](uint64_t at, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; ++i)
      value |= static_cast<uint32_t>(block[at + static_cast<uint64_t>(i)]) << 8 * (big ? bytes - 1 - i : i);
    return value;
  };
  if (number(2, 2) != 42)
    return 1;
  const uint64_t directory = number(4, 4);
  if (directory > size - 2)
    return 1;
  for (uint64_t i = 0, count = number(directory, 2); i < count; ++i) {
    const uint64_t entry = directory + 2 + 12 * i;
    if (entry + 12 > size)
      return 1;
    if (number(entry, 2) != 0x0112)
      continue;
    const uint32_t value = number(entry + 8, 2);
    return number(entry + 2, 2) == 3 && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Where the pixel (y, x) of the turned picture comes from.
static void sourceOf(int orientation, int64_t height, int64_t width, int64_t &y, int64_t &x) {
  if (orientation >= 5) // rows become columns
    std::swap(y, x);
  // Of the stored picture: which sides are seen from their end.
  const bool flipsRows = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool flipsColumns = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  y = flipsRows ? height - 1 - y : y;
  x = flipsColumns ? width - 1 - x : x;
}

Image turned(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8)
    return image;
  Image result{image.height, image.width, image.channels, image.depth, {}};
  if (orientation >= 5)
    std::swap(result.height, result.width);
  result.pixels.resize(image.pixels.size());
  const size_t pixel = static_cast<size_t>(image.channels * image.depth);
  uint8_t *to = result.pixels.data();
  for (int64_t row = 0; row < result.height; ++row)
    for (int64_t column = 0; column < result.width; ++column, to += pixel) {
      int64_t y = row, x = column;
      sourceOf(orientation, image.height, image.width, y, x);
      std::memcpy(to, image.pixels.data() + static_cast<size_t>(y * image.width + x) * pixel, pixel);
    }
  return result;
}

} // namespace xfer::rt
