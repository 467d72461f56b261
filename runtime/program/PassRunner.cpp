#include "runtime/program/PassRunner.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

Expected<PassRunner> PassRunner::bind(Session &session, const OpenedData &data, int pass) {
  PassRunner runner;
  runner.session = &session;
  runner.data = &data;
  const PassSpec &spec = session.manifest.passes[pass];
  for (const SourceSpec &source : spec.sources)
    if (source.function != none)
      if (Status status = runner.bindSource(data, source); status.failed())
        return status;
  if (spec.function != none)
    if (Status status = runner.bindFunction(data, spec); status.failed())
      return status;
  return runner;
}

Status PassRunner::bindSource(const OpenedData &data, const SourceSpec &spec) {
  Expected<Call> call = Call::bind(*session, spec.function);
  if (!call)
    return call.status();
  Source source{&spec, std::make_unique<Call>(std::move(*call)), {}, {}};
  Expected<BatchInput> input = BatchInput::bind(*session, data, spec, *source.call);
  if (!input)
    return input.status();
  source.input = std::move(*input);
  uint64_t samples = data.split(spec).size();
  for (size_t i = 0; i < source.call->function().results.size(); ++i) {
    uint64_t rowBytes = source.call->resultBuffer(i).size() / static_cast<uint64_t>(spec.batch);
    if (rowBytes != 0 && samples > (uint64_t(1) << 50) / rowBytes)
      return failure("'{}' needs more memory than a machine has: the data are too large for it",
                     source.call->function().name);
    Expected<Buffer> memory = Buffer::allocate(samples * rowBytes, "a value of every sample of '" + spec.name + "'",
                                               /*zeroed=*/false);
    if (!memory)
      return memory.status();
    source.wholes.push_back({i, rowBytes, std::move(*memory)});
  }
  sources.push_back(std::move(source));
  return Status::success();
}

Status PassRunner::bindFunction(const OpenedData &data, const PassSpec &spec) {
  Expected<Call> call = Call::bind(*session, spec.function);
  if (!call)
    return call.status();
  function = std::make_unique<Call>(std::move(*call));
  for (size_t i = 0; i < function->argumentCount(); ++i) {
    const Binding &binding = function->argument(i);
    if (binding.kind == BindKind::Whole) {
      for (Source &source : sources)
        for (Whole &whole : source.wholes)
          if (source.call->result(whole.result).name == binding.name)
            function->setArgument(i, whole.memory.data());
    } else if (binding.kind == BindKind::Column) {
      const SourceSpec &source = *std::find_if(spec.sources.begin(), spec.sources.end(),
                                               [&](const SourceSpec &item) { return item.name == binding.name; });
      const DomainSpec &domain = session->manifest.domains[source.domainIndex];
      size_t field = 0;
      while (domain.fields[field].name != binding.field)
        ++field;
      const std::vector<int32_t> &numbers = data.split(source);
      Expected<Buffer> column = Buffer::allocate(numbers.size() * domain.fields[field].bytes,
                                                 "field '" + binding.field + "' of '" + binding.name + "'", false);
      if (!column)
        return column.status();
      Status status = data.reader(source).read(field, numbers.data(), numbers.size(), column->data());
      if (status.failed())
        return status;
      function->setArgument(i, column->data());
      columns.push_back(std::move(*column));
    }
  }
  return Status::success();
}

Status PassRunner::stream(Source &source, const Moment &moment) {
  const std::vector<int32_t> &numbers = data->split(*source.spec);
  uint64_t stage = hashName(moment.stageKey);
  SampleKeys keys(session->seed, stage, moment.run, hashName(source.spec->name));
  PhiloxKey stepKey = makeStepKey(session->seed, stage, moment.run, static_cast<uint64_t>(moment.counters.step));
  Batch batch;
  batch.passes.assign(static_cast<size_t>(source.spec->batch), static_cast<uint32_t>(moment.counters.epoch));
  for (size_t start = 0; start < numbers.size(); start += static_cast<size_t>(source.spec->batch)) {
    size_t count =
        static_cast<size_t>(sequentialBatch(numbers, static_cast<int64_t>(start), source.spec->batch, batch.samples));
    if (Status status = source.input.load(0, batch, keys); status.failed())
      return status;
    if (Status status = source.call->run(moment.counters, stepKey); status.failed())
      return status;
    for (Whole &whole : source.wholes)
      std::memcpy(whole.memory.as<char>() + start * whole.rowBytes, source.call->resultBuffer(whole.result).data(),
                  count * whole.rowBytes);
  }
  return Status::success();
}

Status PassRunner::run(const Moment &moment) {
  for (Source &source : sources)
    if (Status status = stream(source, moment); status.failed())
      return status;
  if (!function)
    return Status::success();
  return function->run(moment.counters, makeStepKey(session->seed, hashName(moment.stageKey), moment.run,
                                                    static_cast<uint64_t>(moment.counters.step)));
}

static Tensor tensorOf(const Binding &binding, const void *data, uint64_t bytes) {
  Tensor tensor;
  uint64_t count = bytes / sizeOf(binding.type);
  for (const Extent &extent : binding.shape)
    tensor.shape.push_back(extent.size);
  for (uint64_t i = 0; i < count; ++i)
    tensor.values.push_back(loadNumber(static_cast<const char *>(data) + i * sizeOf(binding.type), binding.type));
  return tensor;
}

Tensor PassRunner::output(const std::string &name) const {
  int result = function->findResult(BindKind::Output, name);
  assert(result != none && "the manifest was checked for it");
  const xfer_buffer_t &memory = function->resultMemory(static_cast<size_t>(result));
  return tensorOf(function->result(static_cast<size_t>(result)), memory.data, memory.size);
}

Tensor PassRunner::rows(const std::string &id) const {
  for (const Source &source : sources)
    for (const Whole &whole : source.wholes)
      if (const Binding &binding = source.call->result(whole.result); binding.name == id) {
        Tensor tensor = tensorOf(binding, whole.memory.data(), whole.memory.size());
        tensor.shape[0] = static_cast<int64_t>(data->split(*source.spec).size());
        return tensor;
      }
  assert(false && "the manifest was checked for it");
  return {};
}

} // namespace xfer::rt
