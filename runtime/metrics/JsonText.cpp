#include "runtime/metrics/JsonText.h"
#include "runtime/core/Hash.h"
#include "xfer/rt/TextFile.h"
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace xfer::rt {

static constexpr std::string_view noCharacter = "\xEF\xBF\xBD"; // U+FFFD

std::string jsonText(std::string_view text) {
  std::string result = "\"";
  while (!text.empty()) {
    char c = text[0];
    bool valid;
    size_t length = characterAt(text, valid);
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (c == '\n')
      result += "\\n";
    else if (c == '\t')
      result += "\\t";
    else if (static_cast<uint8_t>(c) < 0x20)
      result += format("\\u{:04x}", static_cast<unsigned>(c));
    else
      result += valid ? text.substr(0, length) : noCharacter;
    text.remove_prefix(length);
  }
  return result + "\"";
}

std::string printableText(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    bool valid;
    size_t length = characterAt(text, valid);
    unsigned char first = static_cast<unsigned char>(text[0]);
    bool isControl = (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F ||
                     (first == 0xC2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xA0);
    result += valid && !isControl ? text.substr(0, length) : noCharacter;
    text.remove_prefix(length);
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

std::string bitsText(double number) {
  uint64_t bits;
  std::memcpy(&bits, &number, sizeof(bits));
  return hexOf(bits);
}

double numberOfBits(const std::string &hex) {
  uint64_t bits = std::strtoull(hex.c_str(), nullptr, 16);
  double number;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
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
