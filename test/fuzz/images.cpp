// Any bytes as a picture, in every form that a field may want: what is read has the size that it says, the same each
// time, and can be brought to another one.
#include "runtime/image/Resize.h"
#include "test/fuzz/Fuzz.h"

using namespace xfer::rt;
using xfer::fuzz::require;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  ImageLimits limits;
  limits.pixels = 1 << 18; // what is larger takes longer and shows no more
  const Bytes file{data, size, nullptr};
  for (int channels = 1; channels <= 4; ++channels)
    for (bool stored : {false, true}) {
      if (stored && channels != 1)
        continue;
      const ImageForm form{channels, stored, stored};
      Expected<Image> image = decodeImage(file, "x", form, limits);
      if (!image)
        continue;
      require(image->channels == channels && image->depth == (stored ? 2 : 1),
              "a picture has not the form that was asked for");
      require(image->pixels.size() == image->rowBytes() * static_cast<uint64_t>(image->height),
              "a picture has another size than it says");
      Expected<Image> again = decodeImage(file, "x", form, limits);
      require(again && again->pixels == image->pixels, "a picture is another one each time");
      if (image->depth != 1)
        continue;
      for (ResizeFilter filter : {ResizeFilter::Bilinear, ResizeFilter::Bicubic})
        require(resizeFiltered(*image, 5, 3, filter).pixels.size() == 15u * static_cast<size_t>(channels),
                "a picture was not brought to size");
      require(resizeNearest(*image, 5, 3).pixels.size() == 15u * static_cast<size_t>(channels),
              "a picture was not brought to size");
    }
  return 0;
}
