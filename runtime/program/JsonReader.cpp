#include "runtime/program/JsonReader.h"
#include <cmath>

namespace xfer::rt {

JsonObject::JsonObject(const Json &value, std::string place, JsonProblem &problem)
    : value(value), place(std::move(place)), problem(problem) {
  if (!value.is_object())
    problem.report(this->place, "an object is expected");
}

JsonObject::~JsonObject() {
  if (!value.is_object())
    return;
  for (auto item = value.begin(); item != value.end(); ++item)
    if (!asked.count(item.key()))
      problem.report(place, "unknown key '" + item.key() + "'");
}

const Json *JsonObject::find(const char *key, bool optional) {
  asked.insert(key);
  if (!value.is_object())
    return nullptr;
  auto found = value.find(key);
  if (found != value.end() && !found->is_null())
    return &*found;
  if (!optional)
    problem.report(place, "key '" + std::string(key) + "' is missing");
  return nullptr;
}

std::string JsonObject::text(const char *key, bool optional) {
  const Json *found = find(key, optional);
  if (!found)
    return {};
  if (!found->is_string()) {
    problem.report(at(key), "a string is expected");
    return {};
  }
  return found->get_ref<const std::string &>();
}

double JsonObject::number(const char *key, bool optional, double fallback) {
  const Json *found = find(key, optional);
  if (!found)
    return fallback;
  if (!found->is_number()) {
    problem.report(at(key), "a number is expected");
    return fallback;
  }
  return found->get<double>();
}

bool JsonObject::boolean(const char *key, bool fallback) {
  const Json *found = find(key, true);
  if (!found)
    return fallback;
  if (!found->is_boolean()) {
    problem.report(at(key), "true or false is expected");
    return fallback;
  }
  return found->get<bool>();
}

int64_t JsonObject::integer(const char *key, int64_t low, int64_t high, bool optional, int64_t fallback) {
  const Json *found = find(key, optional);
  return found ? readInteger(*found, at(key), low, high, problem) : fallback;
}

std::vector<std::string> JsonObject::texts(const char *key, bool optional) {
  std::vector<std::string> result;
  each(key, optional, [&](const Json &element, const std::string &where) {
    if (!element.is_string())
      return problem.report(where, "a string is expected");
    result.push_back(element.get<std::string>());
  });
  return result;
}

std::vector<int> JsonObject::integers(const char *key, int64_t low, int64_t high, bool optional) {
  std::vector<int> result;
  each(key, optional, [&](const Json &element, const std::string &where) {
    result.push_back(static_cast<int>(readInteger(element, where, low, high, problem)));
  });
  return result;
}

int64_t readInteger(const Json &value, const std::string &place, int64_t low, int64_t high, JsonProblem &problem) {
  bool fits = false;
  int64_t number = low;
  if (value.is_number_unsigned()) {
    uint64_t whole = value.get<uint64_t>();
    fits = whole <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    number = fits ? static_cast<int64_t>(whole) : low;
  } else if (value.is_number_integer()) {
    fits = true;
    number = value.get<int64_t>();
  } else {
    problem.report(place, "an integer is expected");
    return low;
  }
  if (!fits || number < low || number > high) {
    problem.report(place, "an integer between " + std::to_string(low) + " and " + std::to_string(high) +
                              " is expected, found " + value.dump());
    return low;
  }
  return number;
}

} // namespace xfer::rt
