#include "runtime/weights/KeyMap.h"
#include "runtime/weights/KeyPattern.h"
#include <algorithm>
#include <map>

namespace xfer::rt {

// Beyond these sizes a file is no weight file of anything, and what is said of it stays readable.
static constexpr size_t longestKey = 1024, listed = 12, suggested = 3000;

std::string keyOf(std::string_view path) {
  std::string key;
  while (!path.empty()) {
    size_t open = path.find('['), close = path.find(']');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open)
      return key += path;
    std::string_view index = path.substr(open + 1, close - open - 1);
    key += path.substr(0, open);
    if (!index.empty() && index.find_first_not_of("0123456789") == std::string_view::npos)
      key += "." + std::string(index);
    else
      key += path.substr(open, close + 1 - open);
    path.remove_prefix(close + 1);
  }
  return key;
}

bool fitsShape(const std::vector<int64_t> &a, const KeySlot &slot) {
  const std::vector<int64_t> &b = slot.shape;
  size_t rank = b.size();
  if (slot.isKerasFilter && rank > 2 && a.size() == rank && b[rank - 2] == 1 && a[rank - 2] > 0 &&
      std::equal(a.begin(), a.end() - 2, b.begin()) && b[rank - 1] % a[rank - 2] == 0 &&
      a[rank - 1] == b[rank - 1] / a[rank - 2])
    return true;
  auto isOne = [](const std::vector<int64_t> &shape) { return shape.empty() || (shape.size() == 1 && shape[0] == 1); };
  return a == b || (isOne(a) && isOne(b));
}

namespace {

struct Rule {
  KeyPattern pattern;
  const KeyRule &rule;
};

class Matcher {
public:
  Matcher(const WeightFile &file, const std::vector<KeyRule> &rules, const std::vector<KeySlot> &slots)
      : file(file), slots(slots), filledBy(slots.size()) {
    for (const KeyRule &rule : rules) {
      std::optional<KeyPattern> pattern = KeyPattern::parse(rule.key);
      assert(pattern && (!rule.target || pattern->fits(*rule.target)) && "the manifest was checked for it");
      compiled.push_back({std::move(*pattern), rule});
    }
    for (size_t i = 0; i < slots.size(); ++i)
      slotByKey.emplace(slots[i].key, i);
  }

  void run() {
    for (size_t i = 0; i < file.tensors().size(); ++i)
      place(i);
    for (size_t i = 0; i < slots.size(); ++i)
      if (!filledBy[i]) {
        empty.push_back(&slots[i]);
        missing += slots[i].required;
      }
  }

  bool fits() const { return loose.empty() && missing == 0 && wrong.empty() && twice.empty(); }
  std::string problems(const std::vector<KeyRule> &rules) const;

  std::vector<KeyMatch> matches;

private:
  void place(size_t number) {
    const WeightTensor &tensor = file.tensors()[number];
    for (const Rule &rule : compiled) {
      if (!rule.pattern.matches(tensor.name))
        continue;
      if (!rule.rule.target) {
        decided.push_back(&tensor);
        return;
      }
      KeyTarget target = *rule.pattern.apply(tensor.name, *rule.rule.target);
      std::string text;
      for (size_t i = 0; i < target.size(); ++i)
        text += (i ? "[*]" : "") + target[i];
      return fill(number, target, text, rule.rule.transposed);
    }
    fill(number, {tensor.name}, tensor.name, /*transposed=*/false);
  }

  // What is said of a shape that does not fit: both sides, and whether turning the matrix over is all that it takes.
  static std::string wrongShape(const WeightTensor &tensor, const KeySlot &slot, bool transposed) {
    std::vector<int64_t> turned(tensor.shape.rbegin(), tensor.shape.rend());
    bool isMatrix = tensor.shape.size() == 2;
    std::string text = format("'{}' is {} in the file, ", slot.key, shapeText(tensor.shape));
    if (transposed)
      text += isMatrix ? format("{} transposed, ", shapeText(turned)) : "no matrix that could be transposed, ";
    text += format("{} in the model", shapeText(slot.shape));
    if (isMatrix && fitsShape(transposed ? tensor.shape : turned, slot))
      text += format("; it fits {}", transposed ? "as it is" : "transposed: -> transposed(\"..\")");
    return text;
  }

  void fill(size_t number, const KeyTarget &target, const std::string &text, bool transposed) {
    const WeightTensor &tensor = file.tensors()[number];
    size_t found = 0;
    auto take = [&](size_t slot) {
      ++found;
      if (filledBy[slot])
        twice.push_back(format("'{}' by '{}' and '{}'", slots[slot].key, filledBy[slot]->name, tensor.name));
      else if (transposed ? tensor.shape.size() != 2 || !fitsShape({tensor.shape[1], tensor.shape[0]}, slots[slot])
                          : !fitsShape(tensor.shape, slots[slot]))
        wrong.push_back(wrongShape(tensor, slots[slot], transposed));
      filledBy[slot] = &tensor;
      matches.push_back({number, slot, transposed});
    };
    if (target.size() == 1) {
      if (auto slot = slotByKey.find(target[0]); slot != slotByKey.end())
        take(slot->second);
    } else {
      for (size_t i = 0; i < slots.size(); ++i)
        if (isAtTarget(slots[i].key, target))
          take(i);
    }
    if (found > 0) {
      decided.push_back(&tensor);
      return;
    }
    loose.push_back(&tensor);
    looseTexts.push_back(
        format("'{}' {}{}", tensor.name, shapeText(tensor.shape), text == tensor.name ? "" : ", as '" + text + "'"));
  }

  const WeightFile &file;
  const std::vector<KeySlot> &slots;
  std::vector<Rule> compiled;
  std::map<std::string, size_t> slotByKey;
  std::vector<const WeightTensor *> filledBy; // as slots
  std::vector<const WeightTensor *> loose, decided;
  std::vector<const KeySlot *> empty;
  std::vector<std::string> looseTexts, wrong, twice;
  size_t missing = 0;
};

} // namespace

static std::string listText(const char *what, const std::vector<std::string> &items) {
  std::string text;
  for (size_t i = 0; i < items.size() && i < listed; ++i)
    text += (i ? ", " : "") + items[i];
  if (items.size() > listed)
    text += format(" and {} more", items.size() - listed);
  return items.empty() ? "" : format("\n  {}: {}", what, text);
}

// By the key of a slot, the tensor that the rules of a suggestion would fill it with: so that a missing key can say
// what it may be called.
static std::map<std::string, std::string> sourcesOf(const std::vector<KeyRule> &rules,
                                                    const std::vector<const WeightTensor *> &loose) {
  std::vector<std::pair<KeyPattern, const KeyRule *>> compiled;
  for (const KeyRule &rule : rules)
    if (std::optional<KeyPattern> pattern = KeyPattern::parse(rule.key))
      compiled.emplace_back(std::move(*pattern), &rule);
  std::map<std::string, std::string> sources;
  for (const WeightTensor *tensor : loose) {
    auto rule = std::find_if(compiled.begin(), compiled.end(),
                             [&](const auto &entry) { return entry.first.matches(tensor->name); });
    if (rule == compiled.end() || !rule->second->target)
      continue;
    if (KeyTarget target = *rule->first.apply(tensor->name, *rule->second->target); target.size() == 1)
      sources.emplace(target[0], tensor->name);
  }
  return sources;
}

std::string Matcher::problems(const std::vector<KeyRule> &rules) const {
  bool small = loose.size() <= suggested && empty.size() <= suggested && file.tensors().size() <= suggested;
  std::vector<KeyRule> better = small ? suggestRules(loose, empty, decided) : std::vector<KeyRule>();
  std::map<std::string, std::string> sources = sourcesOf(better, loose);
  std::vector<std::string> absent;
  size_t hopeless = 0;
  for (const KeySlot *slot : empty) {
    if (!slot->required)
      continue;
    auto source = sources.find(slot->key);
    hopeless += source == sources.end();
    absent.push_back(format("'{}' {}{}", slot->key, shapeText(slot->shape),
                            source == sources.end() ? "" : "; did you mean '" + source->second + "'?"));
  }
  std::string text = listText("in the file, not in the model", looseTexts) +
                     listText("in the model, not in the file", absent) + listText("of another shape", wrong) +
                     listText("filled twice", twice);
  // Nothing in the file is like these: a new part belongs beside what is loaded, not into it.
  if (better.empty())
    return hopeless == 0
               ? text
               : text +
                     "\n  load into the parts that the file has, one 'load' each; the others keep their initial values";
  text += hopeless == 0 && wrong.empty() && twice.empty() ? "\n  this map fits:" : "\n  a map to begin with:";
  better.insert(better.end(), rules.begin(), rules.end());
  text += "\n  map {";
  for (size_t i = 0; i < better.size(); ++i) {
    std::string target = better[i].target ? "\"" + *better[i].target + "\"" : "drop";
    text += format("\n    \"{}\" -> {}{}", better[i].key, better[i].transposed ? "transposed(" + target + ")" : target,
                   i + 1 < better.size() ? "," : "");
  }
  return text + "\n  }";
}

Expected<std::vector<KeyMatch>> matchKeys(const WeightFile &file, const std::vector<KeyRule> &rules,
                                          const std::vector<KeySlot> &slots, const std::string &into) {
  for (const WeightTensor &tensor : file.tensors())
    if (tensor.name.size() > longestKey)
      return failure("'{}' has a key of {} characters, which is no name of a weight", file.name(), tensor.name.size());
  Matcher matcher(file, rules, slots);
  matcher.run();
  if (matcher.fits())
    return std::move(matcher.matches);
  return failure("'{}' does not fit '{}'{}", file.name(), into, matcher.problems(rules));
}

} // namespace xfer::rt
