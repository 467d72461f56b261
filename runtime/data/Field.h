// What one sample of a domain consists of.
#ifndef XFER_RUNTIME_DATA_FIELD_H
#define XFER_RUNTIME_DATA_FIELD_H

#include "runtime/core/ElementType.h"
#include <cstdint>
#include <string>
#include <vector>

namespace xfer::rt {

struct Field {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape; // of one sample
  int64_t classes = 0;        // 0: not a class; else values lie in 0 .. classes - 1

  int64_t elements() const {
    int64_t product = 1;
    for (int64_t extent : shape)
      product *= extent;
    return product;
  }
  uint64_t bytes() const { return elements() * sizeOf(type); }
};

} // namespace xfer::rt

#endif
