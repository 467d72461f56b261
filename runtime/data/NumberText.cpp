#include "runtime/data/NumberText.h"
#include <cmath>
#include <cstring>
#include <limits>

namespace xfer::rt {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

FloatText parseFloat(std::string_view text, float &value) {
  double wide;
  if (!parseNumber(text, wide) || std::isnan(wide))
    return FloatText::NotANumber;
  value = 0;
  if (!parseNumber(text, value) && std::abs(wide) > 1)
    return FloatText::TooLarge;
  if (std::abs(wide) < 1e-38)
    value = static_cast<float>(wide); // from_chars refuses what is too small for a normal number
  return FloatText::Ok;
}

bool parseWhole(std::string_view text, int64_t &value) {
  if (parseNumber(text, value))
    return true;
  double wide;
  if (!parseNumber(text, wide) || wide != std::trunc(wide) || std::abs(wide) > 0x1p53)
    return false;
  value = static_cast<int64_t>(wide);
  return true;
}

template <typename T> static Status storeWhole(std::string_view text, T most, void *destination) {
  int64_t value;
  constexpr T least = std::numeric_limits<T>::min();
  if (!parseWhole(text, value) || value < int64_t(least) || value > int64_t(most))
    return failure("a whole number from {} to {}", int64_t(least), int64_t(most));
  T stored = static_cast<T>(value);
  std::memcpy(destination, &stored, sizeof(stored));
  return Status::success();
}

Status parseElement(std::string_view text, ElementType type, void *destination) {
  switch (type) {
  case ElementType::F32: {
    float value;
    FloatText found = parseFloat(text, value);
    if (found != FloatText::Ok)
      return failure("{}", found == FloatText::TooLarge ? "a number that fits f32" : "a number");
    std::memcpy(destination, &value, sizeof(value));
    return Status::success();
  }
  case ElementType::F64: {
    double value;
    if (!parseNumber(text, value) || std::isnan(value))
      return failure("a number");
    std::memcpy(destination, &value, sizeof(value));
    return Status::success();
  }
  case ElementType::I32:
    return storeWhole<int32_t>(text, std::numeric_limits<int32_t>::max(), destination);
  case ElementType::I64:
    return storeWhole<int64_t>(text, std::numeric_limits<int64_t>::max(), destination);
  case ElementType::U8:
    return storeWhole<uint8_t>(text, std::numeric_limits<uint8_t>::max(), destination);
  case ElementType::Bool:
    return storeWhole<uint8_t>(text, 1, destination);
  case ElementType::BF16:
    break;
  }
  return failure("a field of type {}, which cannot be read from files; declare it f32", nameOf(type));
}

std::vector<std::string> splitList(std::string_view text) {
  std::vector<std::string> items;
  while (true) {
    size_t comma = text.find(',');
    items.emplace_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos)
      return items;
    text.remove_prefix(comma + 1);
  }
}

std::string joined(const std::vector<std::string> &items) {
  std::string text;
  for (size_t i = 0; i < items.size() && i < 12; ++i)
    text += (i ? ", " : "") + items[i];
  return items.size() > 12 ? text + ", ..." : text;
}

} // namespace xfer::rt
