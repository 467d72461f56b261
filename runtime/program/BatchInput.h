// The arguments of a function that hold one row a sample: fields, keys and numbers of the samples of a batch, and their
// rows of states that have one for each sample, for one source. Owns their memory and fills it, and takes rows back.
#ifndef XFER_RUNTIME_PROGRAM_BATCHINPUT_H
#define XFER_RUNTIME_PROGRAM_BATCHINPUT_H

#include "runtime/data/Sampler.h"
#include "runtime/program/Call.h"
#include "runtime/program/Data.h"

namespace xfer::rt {

// Which values of a batch an argument holds: a field of the samples of one part of the source's elements.
class BatchColumn {
public:
  BatchColumn(const Manifest &manifest, const SourceSpec &source, const Binding &binding);

  size_t first = 0; // of its samples in the batch
  size_t samplesPerElement = 1;
  uint64_t rowBytes = 0; // of a sample

  // The field of the first `elements` elements of the batch, one sample behind the other.
  Status read(const Reader &reader, const Batch &batch, size_t elements, void *destination) const;
  void expect(const Reader &reader, const Batch &batch, size_t elements) const;

private:
  size_t field = 0;
  bool given = false; // by the sampler, not by the reader
  ElementType type;
};

class BatchInput {
public:
  // Points the arguments of `call` that belong to `source` at memory of this object.
  static Expected<BatchInput> bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call);

  // Fills draw number `draw` of the batch.
  Status load(int draw, const Batch &samples, const SampleKeys &keys);

  // Writes the rows of states that the call made for the samples of draw 0. Where a sample stands twice in the batch
  // the last holds.
  void store(const Call &call);

  // Lets the reader begin with the samples of a batch that comes next, if it can.
  bool readsAhead() const { return reader->readsAhead(); }
  void expect(int draw, const Batch &samples) const;

private:
  struct Slot {
    BindKind kind;
    int draw;
    BatchColumn column;
    uint32_t views;
    Buffer memory;
  };
  // A state with a row for each sample.
  struct RowSlot {
    Buffer *state;
    uint64_t rowBytes;
    std::shared_ptr<const std::vector<int32_t>> places; // by sample of the domain, its row
    int draw;
    Buffer memory; // of an argument
    size_t result; // of the call
  };
  Status bindRows(Session &session, const OpenedData &data, const SourceSpec &source, Call &call);
  const Reader *reader = nullptr;
  size_t elements = 0;
  std::vector<Slot> slots;
  std::vector<RowSlot> rows, madeRows;
  std::vector<int32_t> samples; // of draw 0
};

} // namespace xfer::rt

#endif
