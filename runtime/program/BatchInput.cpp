#include "runtime/program/BatchInput.h"
#include <algorithm>

namespace xfer::rt {

Expected<BatchInput> BatchInput::bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call) {
  BatchInput input;
  const DomainSpec &domain = session.manifest.domains[source.domainIndex];
  input.reader = &data.reader(source);
  for (size_t i = 0; i < call.argumentCount(); ++i) {
    const Binding &binding = call.argument(i);
    bool perSample =
        binding.kind == BindKind::Batch || binding.kind == BindKind::Key || binding.kind == BindKind::Index;
    if (!perSample || binding.name != source.name)
      continue;
    Slot slot{binding.kind, binding.draw, 0, 4, {}};
    if (binding.kind == BindKind::Key)
      slot.rowBytes = sizeof(PhiloxKey);
    if (binding.kind == BindKind::Batch) {
      while (domain.fields[slot.field].name != binding.field)
        ++slot.field;
      slot.rowBytes = domain.fields[slot.field].bytes;
    }
    Expected<Buffer> memory =
        Buffer::allocate(slot.rowBytes * static_cast<uint64_t>(source.batch), "a batch of '" + source.name + "'");
    if (!memory)
      return memory.status();
    slot.memory = std::move(*memory);
    call.setArgument(i, slot.memory.data());
    input.slots.push_back(std::move(slot));
  }
  return input;
}

Status BatchInput::load(int draw, const Batch &batch, const SampleKeys &keys) {
  for (Slot &slot : slots) {
    if (slot.draw != draw)
      continue;
    assert(batch.samples.size() * slot.rowBytes == slot.memory.size() && "a batch is always full");
    if (slot.kind == BindKind::Batch) {
      Status status = reader->read(slot.field, batch.samples.data(), batch.samples.size(), slot.memory.data());
      if (status.failed())
        return status;
    } else if (slot.kind == BindKind::Index) {
      std::copy(batch.samples.begin(), batch.samples.end(), slot.memory.as<int32_t>());
    } else {
      for (size_t i = 0; i < batch.samples.size(); ++i)
        slot.memory.as<PhiloxKey>()[i] = keys(batch.passes[i], static_cast<uint64_t>(batch.samples[i]));
    }
  }
  return Status::success();
}

} // namespace xfer::rt
