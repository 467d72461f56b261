// The arguments of a function that change with every batch: fields, numbers and random keys of the samples of one
// source. Owns their memory and fills it.
#ifndef XFER_RUNTIME_PROGRAM_BATCHINPUT_H
#define XFER_RUNTIME_PROGRAM_BATCHINPUT_H

#include "runtime/program/Call.h"
#include "runtime/program/Data.h"

namespace xfer::rt {

struct SampleRef {
  int32_t number; // in the domain
  uint32_t pass;  // of the source over its split
};

class BatchInput {
public:
  // Points the arguments of `call` that belong to `source` at memory of this object.
  static Expected<BatchInput> bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call);

  // Fills draw number `draw` of the batch; fewer samples than the batch has are padded by repeating the last one.
  Status load(int draw, const std::vector<SampleRef> &samples, const SampleKeys &keys);

private:
  struct Slot {
    BindKind kind;
    int draw;
    size_t field;
    uint64_t rowBytes;
    Buffer memory;
  };
  Samples *samples = nullptr;
  int64_t batch = 0;
  std::vector<Slot> slots;
  std::vector<int32_t> numbers;
};

} // namespace xfer::rt

#endif
