#include "runtime/data/Splits.h"
#include "runtime/core/Hash.h"
#include "runtime/data/Grouping.h"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace xfer::rt {

static double unitOf(uint64_t hash) { return static_cast<double>(mixBits(hash) >> 11) * 0x1p-53; }

double splitNumber(std::string_view parent, uint64_t index) { return unitOf(hashName(parent) ^ mixBits(index)); }

static Expected<std::vector<int32_t>> select(const Reader &reader, const std::vector<int32_t> &parent,
                                             const SplitRule &rule) {
  size_t field = 0;
  while (!rule.by.empty() && field < reader.fields().size() && reader.fields()[field].name != rule.by)
    ++field;
  if (field == reader.fields().size())
    return failure("split '{}' goes by field '{}', which is not there", rule.name, rule.by);
  std::vector<uint8_t> value(rule.by.empty() ? 0 : reader.fields()[field].bytes());
  std::vector<int32_t> selected;
  uint64_t salt = hashName(rule.of);
  for (int32_t index : parent) {
    uint64_t hash = mixBits(static_cast<uint64_t>(index));
    if (!rule.by.empty()) {
      if (Status status = reader.read(field, &index, 1, value.data()); status.failed())
        return status;
      hash = hashBytes(value.data(), value.size());
    }
    double number = unitOf(salt ^ hash);
    if (number >= rule.low && number < rule.high)
      selected.push_back(index);
  }
  return selected;
}

static Expected<std::vector<int32_t>> selectWithin(const Reader &reader, const std::vector<int32_t> &parent,
                                                   const SplitRule &rule) {
  Expected<Grouping> classes = Grouping::make(reader, parent, rule.within);
  if (!classes)
    return classes.status();
  std::vector<int32_t> selected;
  for (int64_t number = 0; number < classes->groupCount(); ++number) {
    int64_t size = classes->sizeOf(number);
    auto rank = [&](double end) { return rule.counts ? std::llround(end) : std::llround(end * size); };
    int64_t low = rank(rule.low), high = rank(rule.high);
    if (high > size)
      return failure(
          "split '{}' wants the samples {} to {} of each '{}', and of {} there are {} in '{}'; ask for fewer",
          rule.name, low + 1, high, rule.within, classes->value(number), size, rule.of);
    if (low == high)
      return failure(
          "split '{}' gets none of the {} samples of '{}' whose '{}' is {}; give it a larger share or more data",
          rule.name, size, rule.of, rule.within, classes->value(number));
    std::vector<std::pair<double, int32_t>> order;
    for (int64_t place = 0; place < size; ++place) {
      int32_t index = classes->sample(number, place);
      order.emplace_back(splitNumber(rule.of, index), index);
    }
    std::sort(order.begin(), order.end());
    for (int64_t place = low; place < high; ++place)
      selected.push_back(order[place].second);
  }
  std::sort(selected.begin(), selected.end());
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
    Expected<std::vector<int32_t>> selected =
        rule.within.empty() ? select(reader, *parent, rule) : selectWithin(reader, *parent, rule);
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
