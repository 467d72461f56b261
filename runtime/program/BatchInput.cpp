#include "runtime/program/BatchInput.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

BatchColumn::BatchColumn(const Manifest &manifest, const SourceSpec &source, const Binding &binding)
    : type(binding.type) {
  const DomainSpec &domain = manifest.domains[source.domainIndex];
  for (const SamplerPart &part : partsOf(source.sampler)) {
    samplesPerElement = static_cast<size_t>(part.samples);
    if (part.name == binding.part)
      break;
    if (binding.part.empty()) { // 'same' of a pair: one a pair, of its first sample
      assert(binding.field == "same" && "the manifest was checked for it");
      break;
    }
    first += samplesPerElement * static_cast<size_t>(source.batch);
  }
  if (binding.kind == BindKind::Key)
    rowBytes = sizeof(PhiloxKey);
  else if (binding.kind == BindKind::Index)
    rowBytes = sizeof(int32_t);
  if (rowBytes != 0)
    return;
  given = (source.sampler.kind == SamplerSpec::Episodes && binding.field == source.sampler.field) ||
          (source.sampler.kind == SamplerSpec::Pairs && binding.part.empty());
  rowBytes = sizeOf(type);
  if (given)
    return;
  while (domain.fields[field].name != binding.field)
    ++field;
  rowBytes = domain.fields[field].bytes;
}

Status BatchColumn::read(const Reader &reader, const Batch &batch, size_t elements, void *destination) const {
  size_t count = elements * samplesPerElement;
  assert(first + count <= batch.samples.size() && "a part beyond the batch");
  if (!given)
    return reader.read(field, batch.samples.data() + first, count, destination);
  for (size_t i = 0; i < count; ++i)
    storeNumber(static_cast<char *>(destination) + i * rowBytes, type, batch.given[first + i]);
  return Status::success();
}

void BatchColumn::expect(const Reader &reader, const Batch &batch, size_t elements) const {
  if (!given)
    reader.expect(field, batch.samples.data() + first, elements * samplesPerElement);
}

Expected<BatchInput> BatchInput::bind(Session &session, const OpenedData &data, const SourceSpec &source, Call &call) {
  BatchInput input;
  input.reader = &data.reader(source);
  input.elements = static_cast<size_t>(source.batch);
  for (size_t i = 0; i < call.argumentCount(); ++i) {
    const Binding &binding = call.argument(i);
    bool perSample =
        binding.kind == BindKind::Batch || binding.kind == BindKind::Key || binding.kind == BindKind::Index;
    if (!perSample || binding.name != source.name)
      continue;
    Slot slot{binding.kind, binding.draw, BatchColumn(session.manifest, source, binding), binding.views, {}};
    uint64_t samples = input.elements * slot.column.samplesPerElement;
    Expected<Buffer> memory = Buffer::allocate(slot.column.rowBytes * samples, "a batch of '" + source.name + "'");
    if (!memory)
      return memory.status();
    slot.memory = std::move(*memory);
    call.setArgument(i, slot.memory.data());
    input.slots.push_back(std::move(slot));
  }
  if (Status status = input.bindRows(session, data, source, call); status.failed())
    return status;
  return input;
}

Status BatchInput::bindRows(Session &session, const OpenedData &data, const SourceSpec &source, Call &call) {
  auto slotOf = [&](const Binding &binding, size_t result) {
    const Variable &variable = session.manifest.variables[binding.target];
    return RowSlot{&session.variables[binding.target],
                   variable.bytes,
                   data.places(source.domainIndex, variable.rows.substr(source.domain.size() + 1)),
                   binding.draw,
                   {},
                   result};
  };
  for (size_t i = 0; i < call.argumentCount(); ++i) {
    const Binding &binding = call.argument(i);
    if (binding.kind != BindKind::Rows || binding.source != source.name)
      continue;
    RowSlot slot = slotOf(binding, 0);
    Expected<Buffer> memory = Buffer::allocate(slot.rowBytes * elements, "rows of '" + binding.name + "'");
    if (!memory)
      return memory.status();
    slot.memory = std::move(*memory);
    call.setArgument(i, slot.memory.data());
    rows.push_back(std::move(slot));
  }
  for (size_t i = 0; i < call.function().results.size(); ++i)
    if (const Binding &binding = call.result(i); binding.kind == BindKind::Rows && binding.source == source.name)
      madeRows.push_back(slotOf(binding, i));
  return Status::success();
}

void BatchInput::store(const Call &call) {
  for (const RowSlot &slot : madeRows) {
    const char *made = static_cast<const char *>(call.resultMemory(slot.result).data);
    for (size_t i = 0; i < elements; ++i)
      std::memcpy(slot.state->as<char>() + static_cast<uint64_t>((*slot.places)[samples[i]]) * slot.rowBytes,
                  made + i * slot.rowBytes, slot.rowBytes);
  }
}

void BatchInput::expect(int draw, const Batch &batch) const {
  for (const Slot &slot : slots)
    if (slot.draw == draw && slot.kind == BindKind::Batch)
      slot.column.expect(*reader, batch, elements);
}

Status BatchInput::load(int draw, const Batch &batch, const SampleKeys &keys) {
  if (draw == 0 && !madeRows.empty())
    samples.assign(batch.samples.begin(), batch.samples.begin() + static_cast<std::ptrdiff_t>(elements));
  for (RowSlot &slot : rows)
    for (size_t i = 0; slot.draw == draw && i < elements; ++i)
      std::memcpy(slot.memory.as<char>() + i * slot.rowBytes,
                  slot.state->as<char>() + static_cast<uint64_t>((*slot.places)[batch.samples[i]]) * slot.rowBytes,
                  slot.rowBytes);
  for (Slot &slot : slots) {
    if (slot.draw != draw)
      continue;
    size_t first = slot.column.first, count = elements * slot.column.samplesPerElement;
    if (slot.kind == BindKind::Batch) {
      if (Status status = slot.column.read(*reader, batch, elements, slot.memory.data()); status.failed())
        return status;
    } else if (slot.kind == BindKind::Index) {
      std::copy_n(batch.samples.begin() + static_cast<std::ptrdiff_t>(first), count, slot.memory.as<int32_t>());
    } else {
      for (size_t i = 0; i < count; ++i) {
        uint32_t pass = slot.views ? batch.passes[first + i] % slot.views : batch.passes[first + i];
        slot.memory.as<PhiloxKey>()[i] = keys(pass, static_cast<uint64_t>(batch.samples[first + i]));
      }
    }
  }
  return Status::success();
}

} // namespace xfer::rt
