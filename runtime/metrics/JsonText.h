// Writing JSON: the few lines that a log needs, without a document in memory.
#ifndef XFER_RUNTIME_METRICS_JSONTEXT_H
#define XFER_RUNTIME_METRICS_JSONTEXT_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

// Quoted and escaped; bytes that are not UTF-8 become U+FFFD.
std::string jsonText(std::string_view text);
// What a terminal can show: control characters but line breaks and tabs, and bytes that are not UTF-8, become U+FFFD.
std::string printableText(std::string_view text);
// The shortest digits that read back as the same number; null for what JSON cannot say.
std::string jsonNumber(double number);
// The hexadecimal digits of a double's bits, for where what is read must be what was written; and back.
std::string bitsText(double number);
double numberOfBits(const std::string &hex);

// An object or a list that is written from left to right.
class JsonWriter {
public:
  JsonWriter &beginObject() { return open('{'); }
  JsonWriter &endObject() { return close('}'); }
  JsonWriter &beginList() { return open('['); }
  JsonWriter &endList() { return close(']'); }
  JsonWriter &key(std::string_view name);
  JsonWriter &value(std::string_view text) { return raw(jsonText(text)); }
  JsonWriter &value(const char *text) { return value(std::string_view(text)); }
  JsonWriter &value(const std::string &text) { return value(std::string_view(text)); }
  JsonWriter &value(double number) { return raw(jsonNumber(number)); }
  JsonWriter &value(int64_t number) { return raw(std::to_string(number)); }
  JsonWriter &value(uint64_t number) { return raw(std::to_string(number)); }
  JsonWriter &value(int number) { return value(static_cast<int64_t>(number)); }
  JsonWriter &value(bool truth) { return raw(truth ? "true" : "false"); }
  // A tensor of this shape as nested lists (a scalar as a number).
  JsonWriter &tensor(const std::vector<int64_t> &shape, const double *values);

  const std::string &text() const { return written; }

private:
  JsonWriter &raw(std::string_view text);
  JsonWriter &open(char bracket);
  JsonWriter &close(char bracket);
  void separate();

  std::string written;
  bool first = true; // nothing stands before in the innermost bracket
  bool afterKey = false;
};

} // namespace xfer::rt

#endif
