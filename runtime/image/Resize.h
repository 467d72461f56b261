// Another size for a picture, in the integers of PIL's `Image.resize`, so that the same file gives the same bits here
// and there.
//
// Bilinear and bicubic are PIL's BILINEAR and BICUBIC, which are antialiased: a triangle, or the cubic of Keys (1981)
// with a = -0.5, as wide as the change of scale asks for. Along each side a result is sum_k w[k] * x[k] with weights
// rounded to 22 bits behind the point, cut to 0 .. 255; first along the rows, rounded to 8 bits, then along the
// columns.
#ifndef XFER_RUNTIME_IMAGE_RESIZE_H
#define XFER_RUNTIME_IMAGE_RESIZE_H

#include "runtime/image/Image.h"

namespace xfer::rt {

enum class ResizeFilter { Bilinear, Bicubic };

// Both of values of one byte.
Image resizeFiltered(const Image &image, int64_t height, int64_t width, ResizeFilter filter);
Image resizeNearest(const Image &image, int64_t height, int64_t width);

} // namespace xfer::rt

#endif
