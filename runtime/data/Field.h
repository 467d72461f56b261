// What one sample of a domain consists of.
#ifndef XFER_RUNTIME_DATA_FIELD_H
#define XFER_RUNTIME_DATA_FIELD_H

#include "runtime/core/ElementType.h"
#include "runtime/data/Tokenizer.h"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace xfer::rt {

struct Field {
  std::string name;
  ElementType type = ElementType::F32;
  std::vector<int64_t> shape; // of one sample
  int64_t classes = 0;        // 0: not a class; else values lie in 0 .. classes - 1
  bool isLength = false;      // of a bounded dimension or a text: at most classes - 1
  std::string text = {};      // the field of text that the tokenizer makes this one from
  std::shared_ptr<const Tokenizer> tokenizer = nullptr;

  // What it is called where data is read.
  const std::string &source() const { return tokenizer ? text : name; }

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
