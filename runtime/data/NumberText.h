// Numbers as text files write them.
#ifndef XFER_RUNTIME_DATA_NUMBERTEXT_H
#define XFER_RUNTIME_DATA_NUMBERTEXT_H

#include "runtime/core/ElementType.h"
#include "xfer/rt/Status.h"
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

std::string_view trimmed(std::string_view text);

// The whole text as a number; blanks around it and a '+' in front do not count.
template <typename T> bool parseNumber(std::string_view text, T &value) {
  text = trimmed(text);
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

// Rounded from the digits, not by way of f64; what is too small for f32 is 0 or subnormal.
enum class FloatText { Ok, NotANumber, TooLarge };
FloatText parseFloat(std::string_view text, float &value);

// Also 3.0 and 1e3.
bool parseWhole(std::string_view text, int64_t &value);

// A value of a field's type into its bytes; fails with "a number", "a whole number", .. : what is expected instead.
Status parseElement(std::string_view text, ElementType type, void *destination);

// "cat, dog": what stands between commas.
std::vector<std::string> splitList(std::string_view text);
// The first dozen, with commas between them.
std::string joined(const std::vector<std::string> &items);

} // namespace xfer::rt

#endif
