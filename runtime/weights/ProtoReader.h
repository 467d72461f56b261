// The wire format of Protocol Buffers, read: one field after the other, in place. Nothing is known of a message but its
// bytes, and each of them is looked at once; what does not fit ends the reading.
#ifndef XFER_RUNTIME_WEIGHTS_PROTOREADER_H
#define XFER_RUNTIME_WEIGHTS_PROTOREADER_H

#include "runtime/core/Bytes.h"
#include <optional>

namespace xfer::rt {

struct ProtoField {
  enum Wire : uint8_t { Varint = 0, Fixed64 = 1, Text = 2, Fixed32 = 5 };
  uint64_t number = 0;
  Wire wire = Varint;
  uint64_t value = 0; // of a varint, or the bits of a fixed one
  Bytes text;         // of Text: text, a message, or numbers one behind the other
};

class ProtoReader {
public:
  explicit ProtoReader(Bytes message) : message(std::move(message)) {}

  // The next field; nothing at the end, or where the message is damaged.
  std::optional<ProtoField> next();
  bool damaged() const { return isDamaged; }

  // Numbers one behind the other (a packed field).
  std::optional<uint64_t> varint();
  bool atEnd() const { return at == message.size; }

private:
  std::optional<uint64_t> fixed(uint64_t size);

  Bytes message;
  uint64_t at = 0;
  bool isDamaged = false;
};

} // namespace xfer::rt

#endif
