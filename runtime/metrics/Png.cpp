#include "runtime/metrics/Png.h"
#include <cassert>
#include <zlib.h>

namespace xfer::rt {

static std::string bigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

static std::string chunk(const std::string &kind, const std::string &data) {
  std::string body = kind + data;
  auto sum = crc32(0, reinterpret_cast<const Bytef *>(body.data()), static_cast<uInt>(body.size()));
  return bigEndian(static_cast<uint32_t>(data.size())) + body + bigEndian(static_cast<uint32_t>(sum));
}

std::string pngFile(const std::vector<uint8_t> &pixels, uint32_t width, uint32_t height, int channels) {
  assert((channels == 1 || channels == 3) && pixels.size() == size_t(width) * height * channels && "no picture");
  std::string lines; // each begins with how it is filtered: not at all
  size_t row = size_t(width) * channels;
  for (uint32_t y = 0; y < height; ++y) {
    lines += '\0';
    lines.append(reinterpret_cast<const char *>(pixels.data()) + y * row, row);
  }
  uLongf size = compressBound(static_cast<uLong>(lines.size()));
  std::string packed(size, '\0');
  [[maybe_unused]] int code = compress(reinterpret_cast<Bytef *>(packed.data()), &size,
                                       reinterpret_cast<const Bytef *>(lines.data()), static_cast<uLong>(lines.size()));
  assert(code == Z_OK && "the buffer is as large as zlib asks for");
  packed.resize(size);
  std::string header = bigEndian(width) + bigEndian(height) + '\x08' + (channels == 1 ? '\0' : '\x02');
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header + std::string(3, '\0')) + chunk("IDAT", packed) + chunk("IEND", "");
}

std::string base64(std::string_view bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : digits[word >> (18 - 6 * k) & 63];
  }
  return text;
}

} // namespace xfer::rt
