#include "runtime/metrics/JsonText.h"
#include "xfer/rt/Status.h"
#include <cmath>

namespace xfer::rt {

// Length of the well-formed UTF-8 sequence at the front of `text`, 0 if there is none.
static size_t sequenceLength(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint8_t lead = byte(0);
  size_t length = lead < 0x80                            ? 1
                  : lead >= 0xC2 && lead < 0xE0          ? 2
                  : (lead & 0xF0) == 0xE0                ? 3
                  : (lead & 0xF8) == 0xF0 && lead < 0xF5 ? 4
                                                         : 0;
  if (length == 0 || text.size() < length)
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80)
      return 0;
  bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  bool outside = (lead == 0xED && byte(1) >= 0xA0) || (lead == 0xF4 && byte(1) >= 0x90);
  return overlong || outside ? 0 : length;
}

std::string jsonText(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    char c = text[0];
    size_t length = sequenceLength(text);
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (static_cast<uint8_t>(c) < 0x20)
      result += format("\\u{:04x}", static_cast<unsigned>(c));
    else if (length == 0)
      result += "\xEF\xBF\xBD";
    else
      result += text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result + "\"";
}

std::string printableText(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t length = sequenceLength(text);
    unsigned char first = static_cast<unsigned char>(text[0]);
    bool isControl = (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F ||
                     (first == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0);
    result += length == 0 || isControl ? "\xEF\xBF\xBD" : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

std::string jsonNumber(double number) {
  if (!std::isfinite(number))
    return "null";
  // A float that became a double is written with the digits of the float.
  if (static_cast<double>(static_cast<float>(number)) == number)
    return format("{}", static_cast<float>(number));
  return format("{}", number);
}

void JsonWriter::separate() {
  if (!first && !afterKey)
    written += ", ";
  first = afterKey = false;
}

JsonWriter &JsonWriter::raw(std::string_view text) {
  separate();
  written += text;
  return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
  raw(jsonText(name));
  written += ": ";
  afterKey = true;
  return *this;
}

JsonWriter &JsonWriter::open(char bracket) {
  separate();
  written += bracket;
  first = true;
  return *this;
}

JsonWriter &JsonWriter::close(char bracket) {
  written += bracket;
  first = false;
  return *this;
}

JsonWriter &JsonWriter::tensor(const std::vector<int64_t> &shape, const double *values) {
  if (shape.empty())
    return value(*values);
  int64_t stride = 1;
  for (size_t i = 1; i < shape.size(); ++i)
    stride *= shape[i];
  std::vector<int64_t> row(shape.begin() + 1, shape.end());
  beginList();
  for (int64_t i = 0; i < shape[0]; ++i)
    tensor(row, values + i * stride);
  return endList();
}

} // namespace xfer::rt
