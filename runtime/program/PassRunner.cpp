#include "runtime/program/PassRunner.h"
#include "runtime/core/Hash.h"
#include "runtime/program/Bootstrap.h"
#include "runtime/program/SourceSampler.h"
#include <algorithm>
#include <cstring>

namespace xfer::rt {

Expected<PassRunner> PassRunner::bind(Session &session, const OpenedData &data, int pass, int64_t atMost) {
  PassRunner runner;
  runner.session = &session;
  runner.data = &data;
  const PassSpec &spec = session.manifest.passes[pass];
  for (const SourceSpec &source : spec.sources)
    if (source.function != none)
      if (Status status = runner.bindSource(data, source, atMost); status.failed())
        return status;
  if (spec.function != none)
    if (Status status = runner.bindFunction(data, spec); status.failed())
      return status;
  return runner;
}

Status PassRunner::bindSource(const OpenedData &data, const SourceSpec &spec, int64_t atMost) {
  Expected<Call> call = Call::bind(*session, spec.function);
  if (!call)
    return call.status();
  Expected<int64_t> elements = elementsOf(data, spec);
  if (!elements)
    return elements.status();
  Source source{&spec, std::make_unique<Call>(std::move(*call)), {}, {}, {}, *elements, nullptr, {}};
  if (atMost > 0 && atMost < *elements) {
    const std::vector<int32_t> &split = data.split(spec);
    for (int64_t i = 0; i < atMost; ++i)
      source.some.push_back(split[static_cast<size_t>(i * *elements / atMost)]);
    *elements = source.elements = atMost;
  }
  if (spec.sampler.kind != SamplerSpec::Plain) {
    Expected<std::unique_ptr<Sampler>> sampler = makeSampler(*session, data, spec, drawnKey(*session, spec), false, 0);
    if (!sampler)
      return sampler.status();
    source.sampler = std::move(*sampler);
  }
  Expected<BatchInput> input = BatchInput::bind(*session, data, spec, *source.call);
  if (!input)
    return input.status();
  source.input = std::move(*input);
  uint64_t samples = static_cast<uint64_t>(*elements);
  for (size_t i = 0; i < source.call->function().results.size(); ++i) {
    const Binding &result = source.call->result(i);
    uint64_t rowBytes = source.call->resultBuffer(i).size() / static_cast<uint64_t>(spec.batch);
    if (result.kind == BindKind::Sum) {
      Expected<Buffer> memory = Buffer::allocate(rowBytes, "a sum over '" + spec.name + "'");
      Expected<Buffer> totals = Buffer::allocate(rowBytes / sizeOf(result.type) * 8, "a sum over '" + spec.name + "'");
      if (!memory || !totals)
        return memory ? totals.status() : memory.status();
      source.sums.push_back({i, std::move(*totals), std::move(*memory)});
      continue;
    }
    std::optional<uint64_t> bytes = bytesOfAll(samples, rowBytes);
    if (!bytes)
      return failure("'{}' needs more memory than a machine has: the data are too large for it",
                     source.call->function().name);
    Expected<Buffer> memory =
        Buffer::allocate(*bytes, "a value of every sample of '" + spec.name + "'", /*zeroed=*/false);
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
          if (source.call->result(whole.result).name == binding.name) {
            function->setArgument(i, whole.memory.data());
            rowArguments.push_back({i, source.spec, source.elements, whole.rowBytes, whole.memory.data()});
          }
    } else if (binding.kind == BindKind::Sum) {
      for (Source &source : sources)
        for (Sum &sum : source.sums)
          if (source.call->result(sum.result).name == binding.name)
            function->setArgument(i, sum.memory.data());
    } else if (binding.kind == BindKind::Column) {
      const SourceSpec &source = *std::find_if(spec.sources.begin(), spec.sources.end(),
                                               [&](const SourceSpec &item) { return item.name == binding.name; });
      Expected<int64_t> elements = elementsOf(data, source);
      if (!elements)
        return elements.status();
      BatchColumn rows(session->manifest, source, binding);
      Expected<Buffer> column = readColumn(source, binding, rows, *elements);
      if (!column)
        return column.status();
      function->setArgument(i, column->data());
      rowArguments.push_back({i, &source, *elements, rows.samplesPerElement * rows.rowBytes, column->data()});
      columns.push_back(std::move(*column));
    }
  }
  return Status::success();
}

// A raw field of all rows of a source: of its split, or of what its sampler draws.
Expected<Buffer> PassRunner::readColumn(const SourceSpec &source, const Binding &binding, const BatchColumn &column,
                                        int64_t elements) const {
  const std::vector<int32_t> &numbers = data->split(source);
  uint64_t elementBytes = column.samplesPerElement * column.rowBytes;
  std::optional<uint64_t> bytes = bytesOfAll(static_cast<uint64_t>(elements), elementBytes);
  if (!bytes)
    return failure("field '{}' of '{}' needs more memory than a machine has", binding.field, binding.name);
  Expected<Buffer> memory =
      Buffer::allocate(*bytes, "field '" + binding.field + "' of '" + binding.name + "'", /*zeroed=*/false);
  if (!memory)
    return memory.status();
  Batch batch;
  if (source.sampler.kind == SamplerSpec::Plain) {
    batch.samples = numbers;
    Status status = column.read(data->reader(source), batch, numbers.size(), memory->data());
    return status.ok() ? std::move(memory) : Expected<Buffer>(status);
  }
  Expected<std::unique_ptr<Sampler>> sampler =
      makeSampler(*session, *data, source, drawnKey(*session, source), false, 0);
  if (!sampler)
    return sampler.status();
  for (int64_t start = 0; start < elements; start += source.batch) {
    (*sampler)->fill(start / source.batch, batch);
    size_t count = static_cast<size_t>(std::min(source.batch, elements - start));
    Status status = column.read(data->reader(source), batch, count,
                                memory->as<char>() + static_cast<uint64_t>(start) * elementBytes);
    if (status.failed())
      return status;
  }
  return memory;
}

template <typename Number, typename Total>
static void addRows(void *totals, const void *rows, size_t count, size_t width) {
  const Number *row = static_cast<const Number *>(rows);
  for (size_t i = 0; i < count; ++i, row += width)
    for (size_t k = 0; k < width; ++k)
      static_cast<Total *>(totals)[k] += static_cast<Total>(row[k]);
}

template <typename Number, typename Total> static void storeTotals(void *memory, const void *totals, size_t width) {
  for (size_t k = 0; k < width; ++k)
    static_cast<Number *>(memory)[k] = static_cast<Number>(static_cast<const Total *>(totals)[k]);
}

Status PassRunner::stream(Source &source, const Moment &moment) {
  const std::vector<int32_t> &numbers = source.some.empty() ? data->split(*source.spec) : source.some;
  uint64_t stage = hashName(moment.stageKey);
  SampleKeys keys(session->seed, stage, moment.run, hashName(source.spec->name));
  PhiloxKey stepKey = makeStepKey(session->seed, stage, moment.run, static_cast<uint64_t>(moment.counters.step));
  Batch batch, ahead;
  batch.passes.assign(static_cast<size_t>(source.spec->batch), static_cast<uint32_t>(moment.counters.epoch));
  for (Sum &sum : source.sums)
    std::memset(sum.totals.data(), 0, sum.totals.size());
  size_t elements = static_cast<size_t>(source.elements), step = static_cast<size_t>(source.spec->batch);
  for (size_t start = 0; start < elements; start += step) {
    size_t count = std::min(step, elements - start);
    if (source.sampler)
      source.sampler->fill(static_cast<int64_t>(start / step), batch);
    else
      sequentialBatch(numbers, static_cast<int64_t>(start), source.spec->batch, batch.samples);
    if (Status status = source.input.load(0, batch, keys); status.failed())
      return status;
    if (source.input.readsAhead() && !source.sampler && start + step < elements) {
      sequentialBatch(numbers, static_cast<int64_t>(start + step), source.spec->batch, ahead.samples);
      source.input.expect(0, ahead);
    }
    if (Status status = source.call->run(moment.counters, stepKey); status.failed())
      return status;
    for (Whole &whole : source.wholes)
      std::memcpy(whole.memory.as<char>() + start * whole.rowBytes, source.call->resultBuffer(whole.result).data(),
                  count * whole.rowBytes);
    for (Sum &sum : source.sums) {
      bool isFloat = source.call->result(sum.result).type == ElementType::F32;
      (isFloat ? addRows<float, double> : addRows<int32_t, int64_t>)(sum.totals.data(),
                                                                     source.call->resultBuffer(sum.result).data(),
                                                                     count, sum.totals.size() / 8);
    }
  }
  for (Sum &sum : source.sums) {
    bool isFloat = source.call->result(sum.result).type == ElementType::F32;
    (isFloat ? storeTotals<float, double> : storeTotals<int32_t, int64_t>)(sum.memory.data(), sum.totals.data(),
                                                                           sum.totals.size() / 8);
  }
  return Status::success();
}

Status PassRunner::run(const Moment &moment) {
  for (Source &source : sources)
    if (Status status = stream(source, moment); status.failed())
      return status;
  return function ? runFunction(moment) : Status::success();
}

Status PassRunner::runFunction(const Moment &moment) {
  return function->run(moment.counters, makeStepKey(session->seed, hashName(moment.stageKey), moment.run,
                                                    static_cast<uint64_t>(moment.counters.step)));
}

Expected<std::vector<double>> PassRunner::bootstrap(const std::string &name, const Moment &moment) {
  std::vector<double> values;
  std::vector<Buffer> drawn;
  uint64_t bytes = 0;
  for (const Rows &rows : rowArguments) {
    uint64_t size = static_cast<uint64_t>(rows.count) * rows.rowBytes;
    Expected<Buffer> memory = Buffer::allocate(size, "samples drawn for the interval of a gain", /*zeroed=*/false);
    if (!memory)
      return memory.status();
    drawn.push_back(std::move(*memory));
    bytes += size;
  }
  if (drawn.empty())
    return values;
  auto point = [&](bool atDrawn) {
    for (size_t i = 0; i < drawn.size(); ++i)
      function->setArgument(rowArguments[i].argument, atDrawn ? drawn[i].data() : rowArguments[i].memory);
  };
  point(true);
  Status status = Status::success();
  for (unsigned round = 0, rounds = bootstrapRounds(bytes); round < rounds && status.ok(); ++round) {
    const SourceSpec *source = nullptr;
    std::vector<uint32_t> places;
    for (size_t i = 0; i < drawn.size(); ++i) {
      const Rows &rows = rowArguments[i];
      if (rows.spec != source)
        places = bootstrapDraw(rows.spec->name, round, static_cast<uint32_t>(rows.count));
      source = rows.spec;
      for (size_t k = 0; k < places.size(); ++k)
        std::memcpy(drawn[i].as<char>() + k * rows.rowBytes,
                    static_cast<const char *>(rows.memory) + places[k] * rows.rowBytes, rows.rowBytes);
    }
    status = runFunction(moment);
    if (status.ok())
      values.push_back(output(name).values.at(0));
  }
  point(false);
  if (status.failed())
    return status;
  return values;
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
        tensor.shape[0] = source.elements;
        return tensor;
      }
  assert(false && "the manifest was checked for it");
  return {};
}

} // namespace xfer::rt
