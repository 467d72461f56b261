// The opened domains of a program.
#ifndef XFER_RUNTIME_PROGRAM_DATA_H
#define XFER_RUNTIME_PROGRAM_DATA_H

#include "runtime/data/Samplers.h"
#include "runtime/data/Splits.h"
#include "runtime/program/Session.h"

namespace xfer::rt {

struct OpenedDomain {
  std::unique_ptr<Reader> reader;
  Splits splits;
};

struct OpenedData {
  std::vector<OpenedDomain> domains;    // as in the manifest
  std::string folder = ".";             // in which files are looked up
  std::map<std::string, int64_t> drawn; // how many elements samplers of passes draw, by symbol
  // By domain, split and field: see SourceSampler.h.
  mutable std::map<std::pair<int, std::string>, std::shared_ptr<const Grouping>> groupings;

  mutable std::map<std::pair<int, std::string>, std::shared_ptr<const std::vector<int32_t>>> placesBySplit;

  const Reader &reader(const SourceSpec &source) const { return *domains[source.domainIndex].reader; }
  const std::vector<int32_t> &split(const SourceSpec &source) const {
    return *domains[source.domainIndex].splits.find(source.split);
  }
  // By sample of the domain: which one of the split it is, or `none`.
  std::shared_ptr<const std::vector<int32_t>> places(int domain, const std::string &split) const;
};

// Opens every domain of the program (files are looked up in `folder`), makes the generated ones, and tells the session
// the sizes of all splits. The `launch` passes have been run.
Expected<OpenedData> openData(Session &session, const std::string &folder);

// Tells another session of the same program the sizes.
Status setExtents(Session &session, const OpenedData &data);

// Fields as the readers want them.
std::vector<Field> fieldsOf(const Manifest &manifest, const DomainSpec &domain);
// One of a domain or an input of an export.
template <typename Spec> Field makeField(const Manifest &manifest, const Spec &spec) {
  Field field;
  field.name = spec.name;
  field.type = spec.type;
  field.shape = spec.shape;
  field.isLength = spec.bound > 0;
  if (field.isLength)
    field.classes = spec.bound + 1;
  field.text = spec.text.field;
  if (spec.text.tokenizer != none)
    field.tokenizer = manifest.tokenizers[spec.text.tokenizer];
  return field;
}
// Arguments of a `read`, options replaced by their values.
std::vector<ReaderOption> readerOptions(const Session &session, const ReadSpec &read);

} // namespace xfer::rt

#endif
