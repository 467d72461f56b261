#include "runtime/weights/ProtoReader.h"
#include <cstring>

namespace xfer::rt {

std::optional<uint64_t> ProtoReader::varint() {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at < message.size; shift += 7) {
    uint8_t byte = message.data[at++];
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80)
      return value;
  }
  isDamaged = true;
  return std::nullopt;
}

std::optional<uint64_t> ProtoReader::fixed(uint64_t size) {
  if (message.size - at < size)
    return std::nullopt;
  uint64_t value = 0;
  std::memcpy(&value, message.data + at, size);
  at += size;
  return value;
}

std::optional<ProtoField> ProtoReader::next() {
  if (atEnd() || isDamaged)
    return std::nullopt;
  std::optional<uint64_t> tag = varint(), value;
  ProtoField field;
  field.number = tag.value_or(0) >> 3;
  field.wire = static_cast<ProtoField::Wire>(tag.value_or(0) & 7);
  if (field.number == 0) {
    isDamaged = true;
    return std::nullopt;
  }
  if (field.wire == ProtoField::Varint)
    value = varint();
  else if (field.wire == ProtoField::Fixed64 || field.wire == ProtoField::Fixed32)
    value = fixed(field.wire == ProtoField::Fixed64 ? 8 : 4);
  else if (field.wire == ProtoField::Text)
    value = varint();
  if (!value || (field.wire == ProtoField::Text && *value > message.size - at)) {
    isDamaged = true;
    return std::nullopt;
  }
  field.value = *value;
  if (field.wire == ProtoField::Text) {
    field.text = message.slice(at, *value);
    at += *value;
  }
  return field;
}

} // namespace xfer::rt
