#include "runtime/program/Call.h"
#include "runtime/core/Half.h"
#include <algorithm>
#include <cmath>
#include <cstring>

namespace xfer::rt {

void storeNumber(void *data, ElementType type, double number) {
  auto store = [&](auto value) { std::memcpy(data, &value, sizeof(value)); };
  switch (type) {
  case ElementType::F32:
    return store(static_cast<float>(number));
  case ElementType::F64:
    return store(number);
  case ElementType::I32:
    return store(static_cast<int32_t>(std::clamp<double>(number, INT32_MIN, INT32_MAX)));
  case ElementType::I64:
    return store(static_cast<int64_t>(number));
  case ElementType::U8:
  case ElementType::Bool:
    return store(static_cast<uint8_t>(number));
  case ElementType::BF16:
    return store(bfloatOfFloat(static_cast<float>(number)));
  }
}

double loadNumber(const void *data, ElementType type) {
  auto read = [&](auto value) {
    std::memcpy(&value, data, sizeof(value));
    return value;
  };
  auto load = [&](auto value) { return static_cast<double>(read(value)); };
  switch (type) {
  case ElementType::F32:
    return load(float());
  case ElementType::F64:
    return load(double());
  case ElementType::I32:
    return load(int32_t());
  case ElementType::I64:
    return load(int64_t());
  case ElementType::U8:
  case ElementType::Bool:
    return load(uint8_t());
  case ElementType::BF16:
    return floatOfBfloat(read(uint16_t()));
  }
  return 0;
}

Expected<Call> Call::bind(Session &session, int function) {
  const FunctionSpec &spec = session.manifest.functions[function];
  Call call(session, spec);
  for (const std::string &symbol : spec.extents) {
    auto found = session.extents.find(symbol);
    assert(found != session.extents.end() && "a split was not opened before the function was bound");
    call.extents.push_back(found->second);
  }
  call.arena = spec.arena;
  for (const ArenaTerm &term : spec.arenaTerms) {
    uint64_t bytes = term.bytes;
    for (int extent : term.extents) {
      std::optional<uint64_t> larger = bytesOfAll(static_cast<uint64_t>(call.extents[extent]), bytes);
      if (!larger)
        return failure("'{}' needs more memory than a machine has: the data are too large for it", spec.name);
      bytes = *larger;
    }
    call.arena += (bytes + XFER_ALIGNMENT - 1) / XFER_ALIGNMENT * XFER_ALIGNMENT;
  }
  size_t count = spec.arguments.size() + spec.results.size();
  call.buffers.resize(count);
  call.own.resize(count);
  for (size_t i = 0; i < spec.arguments.size(); ++i)
    if (Status status = call.bindArgument(i); status.failed())
      return status;
  for (size_t i = 0; i < spec.results.size(); ++i)
    if (Status status = call.bindResult(i); status.failed())
      return status;
  return call;
}

Expected<uint64_t> Call::bytesOf(const Binding &binding) const {
  uint64_t bytes = sizeOf(binding.type);
  for (const Extent &extent : binding.shape) {
    uint64_t size = static_cast<uint64_t>(extent.symbol.empty() ? extent.size : session->extents[extent.symbol]);
    std::optional<uint64_t> larger = bytesOfAll(size, bytes);
    if (!larger)
      return failure("'{}' needs more memory than a machine has: the data are too large for it", spec->name);
    bytes = *larger;
  }
  return bytes;
}

Status Call::bindArgument(size_t i) {
  const Binding &binding = spec->arguments[i];
  switch (binding.kind) {
  case BindKind::Param:
  case BindKind::State:
    buffers[i] = session->variables[binding.target].descriptor();
    return Status::success();
  case BindKind::Hoisted:
    buffers[i] = session->hoisted[binding.target].descriptor();
    return Status::success();
  default:
    break;
  }
  Expected<uint64_t> bytes = bytesOf(binding);
  if (!bytes)
    return bytes.status();
  if (binding.kind == BindKind::Batch || binding.kind == BindKind::Key || binding.kind == BindKind::Index ||
      binding.kind == BindKind::Whole || binding.kind == BindKind::Column || binding.kind == BindKind::Sum ||
      binding.kind == BindKind::Rows) {
    buffers[i] = {nullptr, *bytes, XFER_DEVICE_CPU, XFER_SPACE_HOST, XFER_QUEUE_DEFAULT}; // set by the caller
    return Status::success();
  }
  Expected<Buffer> buffer = Buffer::allocate(*bytes, "'" + spec->name + "'");
  if (!buffer)
    return buffer.status();
  own[i] = std::move(*buffer);
  buffers[i] = own[i].descriptor();
  return Status::success();
}

Status Call::bindResult(size_t i) {
  const Binding &binding = spec->results[i];
  size_t place = spec->arguments.size() + i;
  if (binding.inPlace != none) {
    buffers[place] = buffers[binding.inPlace];
    return Status::success();
  }
  if (binding.kind == BindKind::Hoisted) {
    buffers[place] = session->hoisted[binding.target].descriptor();
    return Status::success();
  }
  bool lasting = binding.kind == BindKind::Param || binding.kind == BindKind::State;
  bool alsoRead = std::any_of(spec->arguments.begin(), spec->arguments.end(), [&](const Binding &argument) {
    return argument.kind == binding.kind && argument.target == binding.target;
  });
  if (lasting && !alsoRead) {
    buffers[place] = session->variables[binding.target].descriptor();
    return Status::success();
  }
  Expected<uint64_t> bytes = bytesOf(binding);
  if (!bytes)
    return bytes.status();
  Expected<Buffer> buffer = Buffer::allocate(*bytes, "'" + spec->name + "'");
  if (!buffer)
    return buffer.status();
  own[place] = std::move(*buffer);
  buffers[place] = own[place].descriptor();
  if (lasting)
    replaced.push_back(i);
  return Status::success();
}

int Call::findResult(BindKind kind, std::string_view name) const {
  for (size_t i = 0; i < spec->results.size(); ++i)
    if (spec->results[i].kind == kind && spec->results[i].name == name)
      return static_cast<int>(i);
  return none;
}

double Call::resultNumber(size_t i) const {
  return loadNumber(buffers[spec->arguments.size() + i].data, spec->results[i].type);
}

void Call::fillScalar(size_t i, double number) { storeNumber(buffers[i].data, spec->arguments[i].type, number); }

static double valueOf(Counter counter, const Counters &counters) {
  switch (counter) {
  case Counter::Step:
    return static_cast<double>(counters.step);
  case Counter::Epoch:
    return static_cast<double>(counters.epoch);
  case Counter::Steps:
    return static_cast<double>(counters.steps);
  case Counter::Epochs:
    return static_cast<double>(counters.epochs);
  case Counter::Progress:
    return counters.steps > 0 ? static_cast<double>(counters.step) / static_cast<double>(counters.steps) : 0;
  case Counter::Stale:
    return static_cast<double>(counters.stale);
  }
  return 0;
}

Status Call::run(const Counters &counters, const PhiloxKey &stepKey) {
  for (size_t i = 0; i < spec->arguments.size(); ++i) {
    const Binding &binding = spec->arguments[i];
    if (binding.kind == BindKind::Option)
      fillScalar(i, session->optionNumber(binding.target));
    else if (binding.kind == BindKind::Counter)
      fillScalar(i, valueOf(binding.counter, counters));
    else if (binding.kind == BindKind::Extent)
      fillScalar(i, static_cast<double>(session->extents[binding.name]));
    else if (binding.kind == BindKind::StepKey)
      std::memcpy(buffers[i].data, stepKey.data(), sizeof(stepKey));
    assert(buffers[i].data && "an argument was not set");
  }
  for (size_t i = 0; i < spec->results.size(); ++i)
    if (spec->results[i].inPlace != none)
      buffers[spec->arguments.size() + i].data = buffers[spec->results[i].inPlace].data;
  Expected<xfer_buffer_t> scratch = session->arenaOf(arena);
  if (!scratch)
    return scratch.status();
  xfer_status_t site = session->program.functions[spec->index](&session->context, XFER_QUEUE_DEFAULT, buffers.data(),
                                                               &*scratch, extents.data());
  if (site != XFER_OK)
    return failureAt(site, "{}: the computation failed in '{}'", session->describeSite(site), spec->name);
  for (size_t i : replaced)
    std::memcpy(session->variables[spec->results[i].target].data(), resultBuffer(i).data(), resultBuffer(i).size());
  for (size_t i = 0; i < spec->results.size(); ++i)
    if (spec->results[i].kind == BindKind::Check && !std::isfinite(resultNumber(i)))
      return failureAt(spec->results[i].site, "{}: the value is {}", session->describeSite(spec->results[i].site),
                       std::isnan(resultNumber(i)) ? "nan"
                       : resultNumber(i) > 0       ? "inf"
                                                   : "-inf");
  return Status::success();
}

} // namespace xfer::rt
