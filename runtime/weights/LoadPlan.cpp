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

// A matrix that lies in the file the other way round than the layout says.
static WeightLayout turned(WeightLayout layout) {
  return layout == WeightLayout::Plain ? WeightLayout::Matrix : WeightLayout::Plain;
}

Expected<std::vector<PlannedTensor>> planLoad(const WeightFile &file, const LoadRequest &request,
                                              const std::vector<LoadTarget> &targets) {
  const std::string &into = request.into;
  std::string stated = file.statedLayout();
  if (request.keras && !stated.empty() && stated != "keras")
    return failure("'{}' says that its weights lie in it as {} has them, not as Keras does; load it without keras(..)",
                   file.name(), stated);
  bool isKeras = request.keras || stated == "keras";
  std::vector<std::string> optional;
  for (const std::string &path : request.added)
    optional.push_back(*keyBelow(into + (path[0] == '[' ? "" : ".") + path, into));
  // Keras' weights lie in files as they do in programs.
  auto layoutOf = [&](const LoadTarget &target) { return isKeras ? WeightLayout::Plain : target.layout; };
  std::vector<KeySlot> slots;
  std::vector<size_t> numbers; // of the targets, by slot
  for (size_t i = 0; i < targets.size(); ++i) {
    std::optional<std::string> key = keyBelow(targets[i].path, into);
    if (!key)
      continue;
    bool required = targets[i].isParameter && std::find(optional.begin(), optional.end(), *key) == optional.end();
    slots.push_back({std::move(*key), interchangeShape(layoutOf(targets[i]), targets[i].shape), required,
                     isKeras && targets[i].layout == WeightLayout::Filter});
    numbers.push_back(i);
  }
  Expected<std::vector<KeyMatch>> matches = matchKeys(file, request.rules, slots, into);
  if (!matches)
    return matches.status();
  std::vector<PlannedTensor> plan;
  for (const KeyMatch &match : *matches) {
    const LoadTarget &target = targets[numbers[match.slot]];
    WeightTensor tensor = file.tensors()[match.tensor];
    tensor.shape = slots[match.slot].shape; // which may be written otherwise
    WeightLayout layout = match.transposed ? turned(layoutOf(target)) : layoutOf(target);
    if (match.transposed)
      std::reverse(tensor.shape.begin(), tensor.shape.end());
    if (Status status = checkTensor(tensor, target.type, layout, target.shape); status.failed())
      return status.within("'" + file.name() + "'");
    plan.push_back({std::move(tensor), numbers[match.slot], layout});
  }
  return plan;
}

} // namespace xfer::rt
