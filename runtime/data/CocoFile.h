// The JSON of a data set in the form of COCO: pictures, boxes and their kinds. What else stands in it (polygons,
// licences) is passed over while it is read, so that it costs no memory.
#ifndef XFER_RUNTIME_DATA_COCOFILE_H
#define XFER_RUNTIME_DATA_COCOFILE_H

#include "xfer/rt/Status.h"
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

struct CocoFile {
  struct Image {
    int64_t id = 0, height = 0, width = 0; // 0: not said
    std::string file;
  };
  struct Annotation {
    int64_t image = 0, category = 0;
    bool crowd = false;
    std::array<double, 4> box{}; // left, top, width, height
  };
  struct Category {
    int64_t id = 0;
    std::string name;
  };
  std::vector<Image> images;
  std::vector<Annotation> annotations;
  std::vector<Category> categories;
};

// A failure says at which place what is wrong; the name of the file stands before it.
Expected<CocoFile> parseCoco(std::string_view text);

} // namespace xfer::rt

#endif
