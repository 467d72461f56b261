#include "runtime/weights/LoadPlan.h"
#include <algorithm>

namespace xfer::rt {

// The key below `into`; nothing if the path is not below it.
static std::optional<std::string> keyBelow(const std::string &path, const std::string &into) {
  bool below = path.size() > into.size() && path.compare(0, into.size(), into) == 0 &&
               (path[into.size()] == '.' || path[into.size()] == '[');
  if (!below)
    return std::nullopt;
  std::string key = keyOf(std::string_view(path).substr(into.size()));
  return key[0] == '.' ? key.substr(1) : key;
}

Expected<std::vector<PlannedTensor>> planLoad(const WeightFile &file, const std::string &into,
                                              const std::vector<KeyRule> &rules, const std::vector<std::string> &added,
                                              const std::vector<LoadTarget> &targets) {
  std::vector<std::string> optional;
  for (const std::string &path : added)
    optional.push_back(*keyBelow(into + (path[0] == '[' ? "" : ".") + path, into));
  // Keras' weights lie in files as they do in programs.
  auto layoutOf = [&](const LoadTarget &target) { return file.isKeras() ? WeightLayout::Plain : target.layout; };
  std::vector<KeySlot> slots;
  std::vector<size_t> numbers; // of the targets, by slot
  for (size_t i = 0; i < targets.size(); ++i) {
    std::optional<std::string> key = keyBelow(targets[i].path, into);
    if (!key)
      continue;
    bool required = targets[i].isParameter && std::find(optional.begin(), optional.end(), *key) == optional.end();
    slots.push_back({std::move(*key), interchangeShape(layoutOf(targets[i]), targets[i].shape), required,
                     file.isKeras() && targets[i].layout == WeightLayout::Filter});
    numbers.push_back(i);
  }
  Expected<std::vector<KeyMatch>> matches = matchKeys(file, rules, slots, into);
  if (!matches)
    return matches.status();
  std::vector<PlannedTensor> plan;
  for (const KeyMatch &match : *matches) {
    const LoadTarget &target = targets[numbers[match.slot]];
    WeightTensor tensor = file.tensors()[match.tensor];
    tensor.shape = slots[match.slot].shape; // which may be written otherwise
    if (Status status = checkTensor(tensor, target.type, layoutOf(target), target.shape); status.failed())
      return status.within("'" + file.name() + "'");
    plan.push_back({std::move(tensor), numbers[match.slot], layoutOf(target)});
  }
  return plan;
}

} // namespace xfer::rt
