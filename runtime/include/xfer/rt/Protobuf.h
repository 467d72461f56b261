// The wire format of Protocol Buffers, written: fields one behind the other, each a tag (number and wire type) and a
// value. Compiler and runtime make ONNX files of it. Header only: neither needs the other for it.
#ifndef XFER_RT_PROTOBUF_H
#define XFER_RT_PROTOBUF_H

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace xfer::rt {

class ProtoMessage {
public:
  // Seven bits a byte, the low ones first; the eighth says that more follow.
  static std::string varint(uint64_t value) {
    std::string bytes;
    for (; value >= 0x80; value >>= 7)
      bytes += static_cast<char>(value | 0x80);
    return bytes += static_cast<char>(value);
  }
  // What stands before `size` bytes of text or of a message.
  static std::string head(unsigned field, uint64_t size) { return varint(field << 3 | 2) + varint(size); }

  void number(unsigned field, int64_t value) { bytes += varint(field << 3) + varint(static_cast<uint64_t>(value)); }
  void real(unsigned field, float value) {
    char raw[4];
    std::memcpy(raw, &value, 4);
    bytes += varint(field << 3 | 5) + std::string(raw, 4);
  }
  void text(unsigned field, std::string_view value) { bytes += head(field, value.size()).append(value); }
  void message(unsigned field, const ProtoMessage &value) { text(field, value.bytes); }

  std::string bytes;
};

} // namespace xfer::rt

#endif
