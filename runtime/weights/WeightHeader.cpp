#include "runtime/weights/WeightHeader.h"
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace xfer::rt {

namespace {

using Json = nlohmann::json;

// Follows the events of the parser through the one form that a header can have, so that neither depth nor repeated keys
// can hide in it:  { "__metadata__": { key: text }, name: { "dtype": text, "shape": [..], "data_offsets": [a, b] } }
class HeaderEvents {
public:
  WeightHeader header;
  std::string problem;

  bool key(std::string &text) {
    if (place == InFile) {
      if (!names.insert(text).second)
        return refuse("tensor '" + text + "' occurs twice");
      current = text;
    } else {
      if (!keys.insert(text).second)
        return refuse("key '" + text + "' of '" + current + "' occurs twice");
      if (place == InTensor && text != "dtype" && text != "shape" && text != "data_offsets")
        return refuse("tensor '" + current + "' has an unknown key '" + text + "'");
      name = text;
    }
    return true;
  }

  bool start_object(std::size_t) {
    if (place == Outside) {
      place = InFile;
      return true;
    }
    if (place != InFile)
      return misplaced();
    keys.clear();
    place = current == "__metadata__" ? InMetadata : InTensor;
    if (place == InTensor)
      header.entries.push_back({current, {}, {}, {}});
    return true;
  }

  bool end_object() {
    if (place == InTensor && keys.size() != 3)
      return refuse("tensor '" + current + "' needs dtype, shape and data_offsets");
    place = place == InFile ? Outside : InFile;
    return true;
  }

  bool start_array(std::size_t) {
    if (place != InTensor || name == "dtype")
      return misplaced();
    place = InList;
    return true;
  }

  bool end_array() {
    place = InTensor;
    return true;
  }

  bool string(std::string &text) {
    if (place == InMetadata)
      header.metadata.emplace_back(name, text);
    else if (place == InTensor && name == "dtype")
      header.entries.back().type = text;
    else
      return misplaced();
    return true;
  }

  bool number_unsigned(uint64_t number) {
    if (place != InList)
      return misplaced();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return refuse("tensor '" + current + "' has an impossible number in " + name);
    std::vector<int64_t> &list = name == "shape" ? header.entries.back().shape : header.entries.back().offsets;
    if (list.size() == 64)
      return refuse("tensor '" + current + "' has too many numbers in " + name);
    list.push_back(static_cast<int64_t>(number));
    return true;
  }

  bool null() { return misplaced(); }
  bool boolean(bool) { return misplaced(); }
  bool number_integer(int64_t) { return misplaced(); }
  bool number_float(double, const std::string &) { return misplaced(); }
  bool binary(Json::binary_t &) { return misplaced(); }
  bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &) {
    return refuse("it is not JSON at byte " + std::to_string(position));
  }

private:
  enum { Outside, InFile, InMetadata, InTensor, InList } place = Outside;
  bool refuse(std::string text) {
    if (problem.empty())
      problem = std::move(text);
    return false;
  }
  bool misplaced() {
    return refuse(current.empty() ? std::string("it is not an object of tensors")
                                  : "'" + current + "' has a value of the wrong kind");
  }
  std::string current, name;
  std::set<std::string> names, keys;
};

} // namespace

Expected<WeightHeader> parseWeightHeader(std::string_view text) {
  HeaderEvents events;
  if (!Json::sax_parse(text.begin(), text.end(), &events))
    return failure("its header cannot be read: {}", events.problem);
  return std::move(events.header);
}

std::string printWeightHeader(const WeightHeader &header) {
  auto quoted = [](const std::string &text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); };
  std::string text = "{";
  if (!header.metadata.empty()) {
    text += "\"__metadata__\":{";
    for (size_t i = 0; i < header.metadata.size(); ++i)
      text += (i ? "," : "") + quoted(header.metadata[i].first) + ":" + quoted(header.metadata[i].second);
    text += header.entries.empty() ? "}" : "},";
  }
  auto list = [](const std::vector<int64_t> &numbers) {
    std::string result;
    for (size_t i = 0; i < numbers.size(); ++i)
      result += (i ? "," : "") + std::to_string(numbers[i]);
    return "[" + result + "]";
  };
  for (size_t i = 0; i < header.entries.size(); ++i) {
    const WeightEntry &entry = header.entries[i];
    text += (i ? "," : "") + quoted(entry.name) + ":{\"dtype\":\"" + entry.type + "\",\"shape\":" + list(entry.shape) +
            ",\"data_offsets\":" + list(entry.offsets) + "}";
  }
  return text + "}";
}

} // namespace xfer::rt
