#include "runtime/data/Splits.h"
#include "runtime/core/Hash.h"
#include <numeric>

namespace xfer::rt {

static double unitOf(uint64_t hash) { return static_cast<double>(mixBits(hash) >> 11) * 0x1p-53; }

double splitNumber(std::string_view parent, uint64_t index) { return unitOf(hashName(parent) ^ mixBits(index)); }

static Expected<std::vector<int32_t>> selectByGroup(const Reader &reader, const std::vector<int32_t> &parent,
                                                    const SplitRule &rule) {
  size_t field = 0;
  while (field < reader.fields().size() && reader.fields()[field].name != rule.by)
    ++field;
  if (field == reader.fields().size())
    return failure("split '{}' goes by field '{}', which is not there", rule.name, rule.by);
  std::vector<uint8_t> value(reader.fields()[field].bytes());
  std::vector<int32_t> selected;
  for (int32_t index : parent) {
    if (Status status = reader.read(field, &index, 1, value.data()); status.failed())
      return status;
    double number = unitOf(hashName(rule.of) ^ hashBytes(value.data(), value.size()));
    if (number >= rule.low && number < rule.high)
      selected.push_back(index);
  }
  return selected;
}

static std::vector<int32_t> selectByIndex(const std::vector<int32_t> &parent, const SplitRule &rule) {
  std::vector<int32_t> selected;
  uint64_t salt = hashName(rule.of);
  for (int32_t index : parent) {
    double number = unitOf(salt ^ mixBits(static_cast<uint64_t>(index)));
    if (number >= rule.low && number < rule.high)
      selected.push_back(index);
  }
  return selected;
}

Expected<Splits> Splits::make(const Reader &reader, const std::vector<NamedPart> &parts,
                              const std::vector<SplitRule> &rules) {
  Splits splits;
  std::vector<int32_t> &all = splits.lists["all"];
  all.resize(reader.count());
  std::iota(all.begin(), all.end(), 0);
  int64_t start = 0;
  for (const NamedPart &part : parts) {
    if (!part.name.empty())
      splits.lists[part.name].assign(all.begin() + start, all.begin() + start + part.count);
    start += part.count;
  }
  assert((parts.empty() || start == reader.count()) && "the parts are not the whole");
  for (const SplitRule &rule : rules) {
    const std::vector<int32_t> *parent = splits.find(rule.of);
    if (!parent)
      return failure("split '{}' is made of '{}', which is not there", rule.name, rule.of);
    Expected<std::vector<int32_t>> selected = selectByIndex(*parent, rule);
    if (!rule.by.empty())
      selected = selectByGroup(reader, *parent, rule);
    if (!selected)
      return selected.status();
    if (selected->empty())
      return failure("split '{}' gets none of the {} samples of '{}'; give it a larger share or more data", rule.name,
                     parent->size(), rule.of);
    splits.lists[rule.name] = std::move(*selected);
  }
  return splits;
}

const std::vector<int32_t> *Splits::find(const std::string &name) const {
  auto found = lists.find(name);
  return found == lists.end() ? nullptr : &found->second;
}

} // namespace xfer::rt
