// Reading a JSON object whose keys are all known: every value is checked for its kind and its range, a key that nobody
// asked for is an error, and the first problem found is kept with its place (a JSON pointer).
#ifndef XFER_RUNTIME_PROGRAM_JSONREADER_H
#define XFER_RUNTIME_PROGRAM_JSONREADER_H

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace xfer::rt {

using Json = nlohmann::json;

class JsonProblem {
public:
  void report(const std::string &place, const std::string &text) {
    if (first.empty())
      first = (place.empty() ? "/" : place) + ": " + text;
  }
  bool found() const { return !first.empty(); }
  const std::string &text() const { return first; }

private:
  std::string first;
};

class JsonObject {
public:
  JsonObject(const Json &value, std::string place, JsonProblem &problem);
  ~JsonObject(); // reports keys that nobody asked for

  const std::string &at() const { return place; }
  std::string at(const char *key) const { return place + "/" + key; }
  JsonProblem &problems() { return problem; }

  // Null if the key is absent or null; a missing key is a problem unless it is optional.
  const Json *find(const char *key, bool optional = false);
  std::string text(const char *key, bool optional = false);
  double number(const char *key, bool optional = false, double fallback = 0);
  bool boolean(const char *key, bool fallback);
  int64_t integer(const char *key, int64_t low, int64_t high, bool optional = false, int64_t fallback = 0);
  std::vector<std::string> texts(const char *key, bool optional = false);
  std::vector<int> integers(const char *key, int64_t low, int64_t high, bool optional = false);

  // Calls visit(element, place) for each element of a list.
  template <typename Visit> void each(const char *key, bool optional, Visit visit) {
    const Json *list = find(key, optional);
    if (!list)
      return;
    if (!list->is_array())
      return problem.report(at(key), "a list is expected");
    size_t index = 0;
    for (const Json &element : *list)
      visit(element, at(key) + "/" + std::to_string(index++));
  }

private:
  const Json &value;
  std::string place;
  JsonProblem &problem;
  std::set<std::string> asked;
};

// The integer that `value` is, within [low, high], else a problem and `low`.
int64_t readInteger(const Json &value, const std::string &place, int64_t low, int64_t high, JsonProblem &problem);

} // namespace xfer::rt

#endif
