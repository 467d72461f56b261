// The opened domains of a program, as stages and passes see them: fields of samples by number, and splits as lists of
// numbers in sample order.
#ifndef XFER_RUNTIME_PROGRAM_DATA_H
#define XFER_RUNTIME_PROGRAM_DATA_H

#include "runtime/program/Manifest.h"
#include <map>
#include <memory>

namespace xfer::rt {

class Samples {
public:
  virtual ~Samples() = default;
  virtual int32_t size() const = 0;
  // One field of the samples of these numbers, one after the other, into `out`.
  virtual Status read(size_t field, const int32_t *numbers, size_t count, void *out) = 0;
};

struct OpenedDomain {
  std::unique_ptr<Samples> samples;
  std::map<std::string, std::vector<int32_t>> splits; // numbers in sample order; "all" is there
};

struct OpenedData {
  std::vector<OpenedDomain> domains;                            // as in the manifest
  std::vector<std::pair<std::string, std::string>> fingerprints; // file or domain, hash of its content

  const std::vector<int32_t> &split(const SourceSpec &source) const {
    return domains[source.domainIndex].splits.at(source.split);
  }
};

} // namespace xfer::rt

#endif
