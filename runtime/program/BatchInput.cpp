#include "runtime/program/BatchInput.h"
#include <cstring>

namespace xfer::rt {

Expected<BatchInput> BatchInput::bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call) {
  BatchInput input;
  const DomainSpec &domain = session.manifest.domains[source.domainIndex];
  input.samples = data.domains[source.domainIndex].samples.get();
  input.batch = source.batch;
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

Status BatchInput::load(int draw, const std::vector<SampleRef> &refs, const SampleKeys &keys) {
  assert(!refs.empty() && refs.size() <= static_cast<size_t>(batch) && "a batch has samples, and not too many");
  numbers.clear();
  for (const SampleRef &ref : refs)
    numbers.push_back(ref.number);
  for (Slot &slot : slots) {
    if (slot.draw != draw)
      continue;
    char *memory = slot.memory.as<char>();
    if (slot.kind == BindKind::Batch) {
      if (Status status = samples->read(slot.field, numbers.data(), numbers.size(), memory); status.failed())
        return status;
    } else {
      for (size_t i = 0; i < refs.size(); ++i) {
        if (slot.kind == BindKind::Index) {
          std::memcpy(memory + i * sizeof(int32_t), &refs[i].number, sizeof(int32_t));
        } else {
          PhiloxKey key = keys(refs[i].pass, static_cast<uint64_t>(refs[i].number));
          std::memcpy(memory + i * sizeof(key), key.data(), sizeof(key));
        }
      }
    }
    const char *last = memory + (refs.size() - 1) * slot.rowBytes;
    for (size_t i = refs.size(); i < static_cast<size_t>(batch); ++i)
      std::memcpy(memory + i * slot.rowBytes, last, slot.rowBytes);
  }
  return Status::success();
}

} // namespace xfer::rt
