// The arguments of a function that change with every batch: fields, numbers and random keys of the samples of one
// source. Owns their memory and fills it.
#ifndef XFER_RUNTIME_PROGRAM_BATCHINPUT_H
#define XFER_RUNTIME_PROGRAM_BATCHINPUT_H

#include "runtime/data/Sampler.h"
#include "runtime/program/Call.h"
#include "runtime/program/Data.h"

namespace xfer::rt {

class BatchInput {
public:
  // Points the arguments of `call` that belong to `source` at memory of this object.
  static Expected<BatchInput> bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call);

  // Fills draw number `draw` of the batch.
  Status load(int draw, const Batch &samples, const SampleKeys &keys);

private:
  struct Slot {
    BindKind kind;
    int draw;
    size_t field;
    uint64_t rowBytes;
    Buffer memory;
  };
  const Reader *reader = nullptr;
  std::vector<Slot> slots;
};

} // namespace xfer::rt

#endif
