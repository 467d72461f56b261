// The splits of a domain: lists of sample numbers, in order.
//
// Each sample of the parent gets a number in [0, 1) by a hash of its index, or of its value of a field (`by`: whole
// groups stay together); a split takes the samples whose number lies in [low, high). The hash knows the parent's name
// but neither the seed of the run nor the domain, so the same sample is in the same split in every run, and in domains
// that are parallel translations of each other.
//
// A split `within` a field takes its part of the samples of each value of that field, in the order of their numbers:
// the share from low to high, rounded, or with `counts` that many samples.
#ifndef XFER_RUNTIME_DATA_SPLITS_H
#define XFER_RUNTIME_DATA_SPLITS_H

#include "runtime/data/Reader.h"
#include <map>

namespace xfer::rt {

struct SplitRule {
  std::string name, of, by; // `by` and `within` are empty or a field
  double low = 0, high = 1;
  std::string within = "";
  bool counts = false;
};

// A part of the domain that was read under a name of its own.
struct NamedPart {
  std::string name;
  int64_t count = 0;
};

class Splits {
public:
  // `parts` are the reads of the domain in order; those without a name belong to "all" only. Rules may refer to parts,
  // to "all" and to rules before them. A split without samples is an error.
  static Expected<Splits> make(const Reader &reader, const std::vector<NamedPart> &parts,
                               const std::vector<SplitRule> &rules);

  // Null if there is no such split; "all" is always there.
  const std::vector<int32_t> *find(const std::string &name) const;

private:
  std::map<std::string, std::vector<int32_t>> lists;
};

// The number in [0, 1) that decides; exposed for tests and for those who want to know where a sample went.
double splitNumber(std::string_view parent, uint64_t index);

} // namespace xfer::rt

#endif
