#include "runtime/image/Image.h"
#include <cstring>

namespace xfer::rt {

Status checkPixels(int64_t height, int64_t width, const Bytes &file, uint64_t pixelsPerByte, const std::string &name,
                   const ImageLimits &limits) {
  if (height <= 0 || width <= 0 || static_cast<uint64_t>(height) > limits.pixels / static_cast<uint64_t>(width))
    return failure("'{}' claims to have {} x {} pixels; at most {} are read", name, height, width, limits.pixels);
  if (static_cast<uint64_t>(height) * static_cast<uint64_t>(width) / pixelsPerByte > file.size)
    return failure(
        "'{}' is damaged or truncated: it claims to have {} x {} pixels, but has {} bytes; copy the file again", name,
        height, width, file.size);
  return Status::success();
}

// What PIL calls L: the rounded luma of ITU-R 601-2 in 16 bits behind the point.
static uint32_t greyOf(uint32_t red, uint32_t green, uint32_t blue) {
  return (red * 19595u + green * 38470u + blue * 7471u + 0x8000u) >> 16;
}

template <typename T> static void convertPixels(const Image &from, Image &to) {
  const T *in = reinterpret_cast<const T *>(from.pixels.data());
  T *out = reinterpret_cast<T *>(to.pixels.data());
  const bool hasAlpha = from.channels % 2 == 0, wantsAlpha = to.channels % 2 == 0;
  const bool inGrey = from.channels <= 2, outGrey = to.channels <= 2;
  for (int64_t i = 0, count = from.height * from.width; i < count; ++i, in += from.channels, out += to.channels) {
    if (outGrey)
      out[0] = inGrey ? in[0] : static_cast<T>(greyOf(in[0], in[1], in[2]));
    else
      for (int c = 0; c < 3; ++c)
        out[c] = in[inGrey ? 0 : c];
    if (wantsAlpha)
      out[to.channels - 1] = hasAlpha ? in[from.channels - 1] : static_cast<T>(-1);
  }
}

Expected<Image> decodeImage(const Bytes &file, const std::string &name, const ImageForm &form,
                            const ImageLimits &limits) {
  if (file.size > limits.bytes)
    return failure("'{}' has {} bytes; pictures of at most {} are read", name, file.size, limits.bytes);
  static constexpr uint8_t jpeg[] = {0xFF, 0xD8, 0xFF}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  auto begins = [&](const uint8_t *mark, size_t size) {
    return file.size >= size && std::memcmp(file.data, mark, size) == 0;
  };
  Expected<Image> image = begins(jpeg, sizeof(jpeg)) ? decodeJpeg(file, name, limits)
                          : begins(png, sizeof(png)) ? decodePng(file, name, form, limits)
                          : file.size == 0 ? Expected<Image>(failure("'{}' is empty", name))
                                           : Expected<Image>(failure("'{}' is neither a JPEG nor a PNG file", name));
  if (!image)
    return image;
  if (form.wide && image->depth == 1) {
    std::vector<uint8_t> wide(image->pixels.size() * 2);
    for (size_t i = 0; i < image->pixels.size(); ++i) {
      uint16_t value = image->pixels[i];
      std::memcpy(&wide[2 * i], &value, 2);
    }
    image->pixels = std::move(wide);
    image->depth = 2;
  }
  if (image->channels == form.channels)
    return image;
  if (form.indices)
    return failure("'{}' has {} channels; a mask of classes has one, whose values are the numbers of the classes", name,
                   image->channels);
  Image made{image->height, image->width, form.channels, image->depth, {}};
  made.pixels.resize(made.rowBytes() * static_cast<uint64_t>(made.height));
  image->depth == 1 ? convertPixels<uint8_t>(*image, made) : convertPixels<uint16_t>(*image, made);
  return made;
}

} // namespace xfer::rt
