// A map for keys that do not fit, as short as it can be said with certainty.
//
// Loose keys are paired with empty slots of the same shape: first those whose paths end alike (module.fc.bias and
// fc.bias), then those that differ in few letters. A pair becomes the most general rule of the form "a.*" -> "b.*" that
// touches no key which fits already and sends no key to a slot of another shape. What remains is dropped, by whole
// branches ("fc.*") or endings ("*.num_batches_tracked") where everything there is dropped.
#include "runtime/weights/KeyMap.h"
#include "runtime/weights/KeyPattern.h"
#include <algorithm>
#include <map>
#include <set>

namespace xfer::rt {

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

static bool startsWith(std::string_view text, std::string_view start) { return text.substr(0, start.size()) == start; }

// Whether one is the other behind further components.
static bool endAlike(std::string_view a, std::string_view b) {
  return a.size() > b.size() ? endsWith(a, "." + std::string(b)) : endsWith(b, "." + std::string(a));
}

// Letters to insert, delete or replace; at most `limit` + 1.
static size_t distanceOf(std::string_view a, std::string_view b, size_t limit) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0], least = row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
      least = std::min(least, row[j]);
    }
    if (least > limit)
      return limit + 1;
  }
  return row[b.size()];
}

namespace {

class Suggestion {
public:
  Suggestion(const std::vector<const WeightTensor *> &loose, const std::vector<const KeySlot *> &empty,
             const std::vector<const WeightTensor *> &decided)
      : decided(decided) {
    for (const WeightTensor *tensor : loose)
      open.emplace(tensor->name, tensor);
    for (const KeySlot *slot : empty)
      free.emplace(slot->key, slot);
  }

  std::vector<KeyRule> run() {
    for (bool near : {false, true})
      for (auto tensor = open.begin(); tensor != open.end();) {
        const WeightTensor *current = (tensor++)->second;
        if (const KeySlot *slot = near ? nearest(*current) : alike(*current)) {
          pair(*current, *slot);
          tensor = open.upper_bound(current->name); // rules take more than one key
        }
      }
    // A later rule takes no key of an earlier one, but may except a few from its branch: it stands before it.
    std::vector<KeyRule> result = drops();
    result.insert(result.end(), renames.rbegin(), renames.rend());
    return result;
  }

private:
  const KeySlot *alike(const WeightTensor &tensor) const {
    for (const auto &[key, slot] : free)
      if (endAlike(key, tensor.name) && fitsShape(tensor.shape, *slot))
        return slot;
    return nullptr;
  }

  const KeySlot *nearest(const WeightTensor &tensor) const {
    const KeySlot *best = nullptr;
    size_t limit = tensor.name.size() / 3;
    for (const auto &[key, slot] : free) {
      if (!fitsShape(tensor.shape, *slot))
        continue;
      size_t distance = distanceOf(tensor.name, key, limit);
      if (distance > limit)
        continue;
      best = slot;
      if (distance == 0)
        break;
      limit = distance - 1;
    }
    return best;
  }

  // The loose keys that "a*" -> "b*" would fill slots with; none if it would do harm.
  std::map<std::string, std::string> reach(const std::string &a, const std::string &b) const {
    std::map<std::string, std::string> pairs;
    for (const WeightTensor *tensor : decided)
      if (startsWith(tensor->name, a))
        return {};
    for (const auto &[key, tensor] : open) {
      if (!startsWith(key, a))
        continue;
      auto slot = free.find(b + key.substr(a.size()));
      if (slot == free.end())
        continue; // will be dropped by a rule before this one
      if (!fitsShape(tensor->shape, *slot->second))
        return {};
      pairs.emplace(key, slot->first);
    }
    return pairs;
  }

  void take(const std::map<std::string, std::string> &pairs, KeyRule rule) {
    for (const auto &[key, slot] : pairs) {
      open.erase(key);
      free.erase(slot);
      taken.insert(key);
    }
    renames.push_back(std::move(rule));
  }

  void pair(const WeightTensor &tensor, const KeySlot &slot) {
    std::string_view from = tensor.name, to = slot.key;
    size_t common = 0;
    while (common < std::min(from.size(), to.size()) && from[from.size() - 1 - common] == to[to.size() - 1 - common])
      ++common;
    // From the longest common ending to the shortest, cut where a component begins in both.
    for (; common > 0; --common) {
      std::string a(from.substr(0, from.size() - common)), b(to.substr(0, to.size() - common));
      if ((!a.empty() && a.back() != '.') || (!b.empty() && b.back() != '.') || (a.empty() && b.empty()))
        continue;
      bool blocked = std::any_of(taken.begin(), taken.end(), [&](const auto &key) { return startsWith(key, a); });
      std::map<std::string, std::string> pairs = blocked ? std::map<std::string, std::string>() : reach(a, b);
      if (!pairs.empty())
        return take(pairs, {a + "*", b + "*"});
    }
    take({{tensor.name, slot.key}}, {tensor.name, slot.key});
  }

  bool isDropped(const KeyPattern &pattern) const {
    auto matches = [&](const std::string &key) { return pattern.matches(key); };
    return std::none_of(decided.begin(), decided.end(), [&](const WeightTensor *t) { return matches(t->name); }) &&
           std::none_of(taken.begin(), taken.end(), matches);
  }

  std::vector<KeyRule> drops() {
    std::vector<KeyRule> result;
    auto drop = [&](const std::string &text, size_t least) {
      std::optional<KeyPattern> pattern = KeyPattern::parse(text);
      if (!pattern) // a key may hold any characters, and braces mean something else in a pattern
        return false;
      size_t count = std::count_if(open.begin(), open.end(), [&](const auto &t) { return pattern->matches(t.first); });
      if (count < least || !isDropped(*pattern))
        return false;
      for (auto tensor = open.begin(); tensor != open.end();)
        tensor = pattern->matches(tensor->first) ? open.erase(tensor) : std::next(tensor);
      result.push_back({text, std::nullopt});
      return true;
    };
    while (!open.empty()) {
      std::string key = open.begin()->first;
      bool done = false;
      for (size_t dot = key.find('.'); dot != std::string::npos && !done; dot = key.find('.', dot + 1))
        done = drop(key.substr(0, dot) + ".*", 2);
      if (size_t dot = key.rfind('.'); !done && dot != std::string::npos)
        done = drop("*" + key.substr(dot), 2);
      if (!done) {
        open.erase(key);
        result.push_back({key, std::nullopt});
      }
    }
    return result;
  }

  std::map<std::string, const WeightTensor *> open;
  std::map<std::string, const KeySlot *> free;
  const std::vector<const WeightTensor *> &decided;
  std::set<std::string> taken; // keys that a rename takes
  std::vector<KeyRule> renames;
};

} // namespace

std::vector<KeyRule> suggestRules(const std::vector<const WeightTensor *> &loose,
                                  const std::vector<const KeySlot *> &empty,
                                  const std::vector<const WeightTensor *> &decided) {
  return Suggestion(loose, empty, decided).run();
}

} // namespace xfer::rt
