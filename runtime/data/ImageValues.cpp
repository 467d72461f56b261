// What names of folders and cells of tables say of an image: classes and numbers.
#include "runtime/data/ImageList.h"
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

namespace xfer::rt {

template <typename T> static bool parse(const std::string &text, T &value) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

std::string shownNames(const std::vector<std::string> &names) {
  std::string text;
  for (size_t i = 0; i < names.size() && i < 12; ++i)
    text += (i ? ", " : "") + names[i];
  return names.size() > 12 ? text + ", ..." : text;
}

std::vector<std::string> splitNames(const std::string &text) {
  std::vector<std::string> names;
  for (size_t at = 0; at <= text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    size_t first = std::min(text.find_first_not_of(' ', at), end), last = text.find_last_not_of(' ', end - 1);
    names.push_back(end > first ? text.substr(first, last + 1 - first) : "");
    at = end + 1;
  }
  return names;
}

static std::vector<std::string> sortedNames(const std::vector<std::string> &texts) {
  std::vector<std::string> names = texts;
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  int64_t x, y;
  if (std::all_of(names.begin(), names.end(), [&](const std::string &name) { return parse(name, x); }))
    std::sort(names.begin(), names.end(), [&](const std::string &a, const std::string &b) {
      parse(a, x);
      parse(b, y);
      return x != y ? x < y : a < b;
    });
  return names;
}

static Array arrayOf(const std::string &root, StoredType type, std::vector<uint8_t> bytes, int64_t count) {
  auto memory = std::make_shared<std::vector<uint8_t>>(std::move(bytes));
  return {root, {memory->data(), memory->size(), memory}, type, false, {count}};
}

static Expected<Array> numbersOf(const Field &field, const std::vector<std::string> &texts, const std::string &root) {
  std::vector<uint8_t> bytes;
  for (const std::string &text : texts) {
    double value;
    if (!parse(text, value) || std::isnan(value))
      return failure("'{}': field '{}' has '{}', expected is a number; names are classes: declare it class(N)", root,
                     field.name, text.substr(0, 40));
    bytes.insert(bytes.end(), reinterpret_cast<uint8_t *>(&value), reinterpret_cast<uint8_t *>(&value + 1));
  }
  return arrayOf(root, StoredType::F64, std::move(bytes), static_cast<int64_t>(texts.size()));
}

Expected<Array> valuesOf(FormatRequest &request, const Field &field, const std::vector<std::string> &texts,
                         const std::string &root, std::vector<std::string> &names) {
  if (field.elements() != 1)
    return failure("reader '{}' cannot fill field '{}' of shape {}; it knows pictures and single values",
                   request.reader(), field.name, shapeText(field.shape));
  Expected<std::string> given = request.text(field.name + "_names", "");
  if (!given)
    return given.status();
  if (field.classes == 0)
    return numbersOf(field, texts, root);
  names = given->empty() ? sortedNames(texts) : splitNames(*given);
  if (static_cast<int64_t>(names.size()) != field.classes)
    return failure("field '{}' is class({}), but {} has {} names for it: {}; correct the declaration, or give the "
                   "names in their order: {}_names: \"...\"",
                   field.name, field.classes, given->empty() ? "'" + root + "'" : "'" + field.name + "_names'",
                   names.size(), shownNames(names), field.name);
  std::map<std::string, int64_t> numbers;
  for (size_t i = 0; i < names.size(); ++i)
    numbers.emplace(names[i], static_cast<int64_t>(i));
  std::vector<uint8_t> bytes;
  for (const std::string &text : texts) {
    auto found = numbers.find(text);
    if (found == numbers.end())
      return failure("'{}': '{}' is none of the '{}_names' {}", root, text, field.name, shownNames(names));
    const auto *at = reinterpret_cast<const uint8_t *>(&found->second);
    bytes.insert(bytes.end(), at, at + sizeof(int64_t));
  }
  return arrayOf(root, StoredType::I64, std::move(bytes), static_cast<int64_t>(texts.size()));
}

} // namespace xfer::rt
