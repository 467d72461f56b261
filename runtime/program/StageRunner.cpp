#include "runtime/program/StageRunner.h"
#include "runtime/core/Hash.h"
#include <algorithm>
#include <cmath>
#include <ctime>

namespace xfer::rt {

static constexpr int64_t forever = std::numeric_limits<int64_t>::max();

Moment StageRunner::moment() const {
  Moment now;
  now.stageKey = stage.key;
  now.run = static_cast<uint32_t>(run);
  now.counters = {state.step, epochOf(state.step), steps, epochs, state.stale};
  return now;
}

Status StageRunner::within(const Status &status) const {
  if (status.ok())
    return status;
  return status.within(format("stage '{}', epoch {}, step {}", stage.name, epochOf(state.step) + 1, state.step));
}

// A count must be a whole number of at least `least`.
static Expected<int64_t> countOf(PassCache &passes, const Quantity &quantity, const Moment &moment, double least,
                                 std::string_view what) {
  Expected<double> number = passes.number(quantity, moment);
  if (!number)
    return number.status();
  if (!(*number >= least) || *number != std::floor(*number) || *number > 1e15)
    return failure("{} must be a whole number of at least {}, not {}", what, least, *number);
  return static_cast<int64_t>(*number);
}

// `ahead`: of everything that is computed, the weights of a sampler too.
Status StageRunner::planBatches(bool ahead) {
  std::vector<PlannedSource> planned;
  for (const SourceSpec &source : stage.sources) {
    Expected<int64_t> elements = elementsOf(data, source);
    if (!elements)
      return elements.status().within("stage '" + stage.name + "'");
    planned.push_back({source.name, *elements, source.batch, int64_t(source.draws), elementsName(source.sampler)});
  }
  Expected<BatchPlan> plan = BatchPlan::make(planned, stage.epochBy);
  if (!plan)
    return plan.status().within("stage '" + stage.name + "'");
  stepsPerEpoch = plan->stepsPerEpoch;
  for (size_t i = 0; i < stage.sources.size(); ++i) {
    const SourceSpec &source = stage.sources[i];
    if (ahead && source.weightsPass != none)
      continue;
    SourceKey key{session.seed, hashName(stage.key), static_cast<uint32_t>(run), hashName(source.name)};
    Expected<std::unique_ptr<Sampler>> sampler =
        makeSampler(session, data, source, key, i == plan->leader, stepsPerEpoch * source.draws);
    if (!sampler)
      return sampler.status().within("stage '" + stage.name + "'");
    samplers.push_back(std::move(*sampler));
    keys.emplace_back(key.seed, key.stage, key.run, key.source);
  }
  return Status::success();
}

Status StageRunner::plan(bool ahead) {
  if (Status status = planBatches(ahead); status.failed())
    return status;
  bool byEpochs = stage.epochs.kind != Quantity::Absent;
  Expected<int64_t> length = countOf(passes, byEpochs ? stage.epochs : stage.steps, moment(), 1,
                                     format("stage '{}': '{}'", stage.name, byEpochs ? "epochs" : "steps"));
  if (!length)
    return length.status();
  if (byEpochs && *length > forever / stepsPerEpoch)
    return failure("stage '{}': {} epochs are too many", stage.name, *length);
  steps = byEpochs ? *length * stepsPerEpoch : *length;
  epochs = byEpochs ? *length : (steps + stepsPerEpoch - 1) / stepsPerEpoch;
  auto endOf = [&](const Quantity &quantity) -> Expected<int64_t> {
    if (quantity.kind == Quantity::Absent)
      return forever;
    return countOf(passes, quantity, moment(), 0, format("stage '{}': 'until'", stage.name));
  };
  for (const PhaseSpec &spec : stage.phases) {
    Expected<int64_t> epoch = endOf(spec.untilEpoch), step = endOf(spec.untilStep);
    if (!epoch || !step)
      return epoch ? step.status() : epoch.status();
    ends.push_back({*epoch, *step});
  }
  for (const EverySpec &spec : stage.every) {
    Expected<int64_t> period = countOf(passes, spec.count, moment(), 1, format("stage '{}': 'every'", stage.name));
    if (!period)
      return period.status();
    every.emplace_back(*period, &spec);
  }
  state.sums.resize(stage.watch.size());
  return Status::success();
}

Status StageRunner::begin() {
  for (size_t i = 0; i < session.variables.size(); ++i) // a state may be first written by a timed update
    if (session.manifest.variables[i].stage == stage.name && session.variables[i].size() > 0)
      std::fill_n(session.variables[i].as<char>(), session.variables[i].size(), char(0));
  session.setConstants(stage.name);
  if (Status status = passes.runAll(stage.init, moment()); status.failed())
    return status;
  if (Status status = passes.runAll(stage.before, moment()); status.failed())
    return status;
  state.begun = true;
  return Status::success();
}

size_t StageRunner::phaseAt(int64_t step) const {
  size_t i = 0;
  while (i + 1 < ends.size() && !(epochOf(step) < ends[i].epoch && step < ends[i].step))
    ++i;
  return i;
}

Status StageRunner::enterPhase(size_t next) {
  const PhaseSpec &spec = stage.phases[next];
  if (Status status = passes.runAll(spec.hoist, moment()); status.failed())
    return status;
  phase = next;
  current = Step();
  Expected<Call> call = Call::bind(session, spec.function);
  if (!call)
    return call.status();
  current.call = std::make_unique<Call>(std::move(*call));
  for (const SourceSpec &source : stage.sources) {
    Expected<BatchInput> input = BatchInput::bind(session, data, source, *current.call);
    if (!input)
      return input.status();
    current.inputs.push_back(std::move(*input));
  }
  for (const std::string &name : stage.watch)
    current.watched.push_back(static_cast<size_t>(current.call->findResult(BindKind::Watch, name)));
  return Status::success();
}

static double secondsOf(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

// Draws the step's batches; `line`, if any, gets the numbers of their samples.
Status StageRunner::loadSamples(JsonWriter *line) {
  for (size_t i = 0; i < stage.sources.size(); ++i) {
    if (line)
      line->key(stage.sources[i].name).beginList();
    for (int draw = 0; draw < stage.sources[i].draws; ++draw) {
      samplers[i]->fill(state.step * stage.sources[i].draws + draw, batch);
      if (Status status = current.inputs[i].load(draw, batch, keys[i]); status.failed())
        return status;
      for (size_t k = 0; line && k < batch.samples.size(); ++k)
        line->value(batch.samples[k]);
    }
    if (line)
      line->endList();
  }
  expectSamples();
  return Status::success();
}

// The batches of the next step are made ready while this one runs.
void StageRunner::expectSamples() {
  if (state.step + 1 >= steps)
    return;
  for (size_t i = 0; i < stage.sources.size(); ++i)
    for (int draw = 0; current.inputs[i].readsAhead() && draw < stage.sources[i].draws; ++draw) {
      samplers[i]->fill((state.step + 1) * stage.sources[i].draws + draw, batch);
      current.inputs[i].expect(draw, batch);
    }
}

Status StageRunner::traceStep(JsonWriter &line) {
  line.endObject().key("watch").beginObject();
  for (size_t i = 0; i < stage.watch.size(); ++i)
    line.key(stage.watch[i]).value(static_cast<double>(current.call->resultNumber(current.watched[i])));
  return observer.trace(line.endObject().endObject().text());
}

Status StageRunner::doStep() {
  bool epochBegins = state.step % stepsPerEpoch == 0;
  for (const auto &[period, spec] : every) {
    bool due = spec->epochs ? epochBegins && epochOf(state.step) % period == 0 : state.step % period == 0;
    if (due)
      if (Expected<PassRunner *> runner = passes.run(spec->pass, moment()); !runner)
        return runner.status();
  }
  if (size_t next = phaseAt(state.step); phase != next)
    if (Status status = enterPhase(next); status.failed())
      return status;
  JsonWriter line;
  bool traced = observer.traces();
  if (traced)
    line.beginObject()
        .key("stage")
        .value(stage.name)
        .key("run")
        .value(run)
        .key("step")
        .value(state.step)
        .key("samples")
        .beginObject();
  if (Status status = loadSamples(traced ? &line : nullptr); status.failed())
    return status;
  PhiloxKey key =
      makeStepKey(session.seed, hashName(stage.key), static_cast<uint32_t>(run), static_cast<uint64_t>(state.step));
  double begin = secondsOf(CLOCK_MONOTONIC), beginProcessor = secondsOf(CLOCK_PROCESS_CPUTIME_ID);
  if (Status status = current.call->run(moment().counters, key); status.failed())
    return status;
  for (BatchInput &input : current.inputs)
    input.store(*current.call);
  StepTime time = {secondsOf(CLOCK_MONOTONIC) - begin, secondsOf(CLOCK_PROCESS_CPUTIME_ID) - beginProcessor};
  if (Status status = observer.stepDone(stage.name, state.step, time); status.failed())
    return status;
  if (traced)
    if (Status status = traceStep(line); status.failed())
      return status;
  for (size_t i = 0; i < current.watched.size(); ++i)
    state.sums[i] += current.call->resultNumber(current.watched[i]);
  ++state.summed;
  ++state.step;
  return Status::success();
}

NamedValues StageRunner::means() const {
  NamedValues values;
  for (size_t i = 0; i < stage.watch.size(); ++i)
    values.emplace_back(stage.watch[i], state.summed ? state.sums[i] / static_cast<double>(state.summed) : 0);
  return values;
}

Status StageRunner::keepBest(const Moment &now, NamedValues &values) {
  if (stage.keep.mode == KeepSpec::Last)
    return Status::success();
  Expected<double> value = passes.number(stage.keep.value, now);
  if (!value)
    return value.status();
  values.emplace_back("keep", *value);
  bool better =
      state.bestEpoch == none || (stage.keep.mode == KeepSpec::Best ? *value > state.best : *value < state.best);
  if (!better || std::isnan(*value)) {
    ++state.stale;
    return Status::success();
  }
  state.best = *value;
  state.bestEpoch = epochOf(state.step - 1);
  state.stale = 0;
  state.bestValues.clear(); // the memory of one copy, not of two
  state.bestValues = session.snapshot(Session::Model | Session::ProgramStates, stage.name);
  return Status::success();
}

Status StageRunner::endEpoch() {
  int64_t epoch = epochOf(state.step - 1);
  Moment now = moment();
  now.counters.epoch = epoch;
  NamedValues values = means();
  for (const PassOutput &output : stage.watchOver) {
    Expected<double> value = passes.number(output, now);
    if (!value)
      return value.status();
    values.emplace_back(output.name, *value);
  }
  if (Status status = keepBest(now, values); status.failed())
    return status;
  now.counters.stale = state.stale;
  if (stage.stop.pass != none) {
    Expected<double> stop = passes.number(stage.stop, now);
    if (!stop)
      return stop.status();
    state.stopped = *stop != 0;
  }
  std::fill(state.sums.begin(), state.sums.end(), 0.0);
  state.summed = 0;
  JsonWriter line;
  line.beginObject().key("stage").value(stage.name).key("run").value(run).key("epoch").value(epoch);
  line.key("step").value(state.step);
  for (const auto &[name, value] : values)
    line.key(name).value(value);
  if (Status status = observer.log(line.endObject().text()); status.failed())
    return status;
  observer.progress().epoch(state.step, epoch, values);
  return observer.checkpoint();
}

Status StageRunner::finish() {
  session.restore(state.bestValues);
  state.bestValues.clear();
  return passes.runAll(stage.after, moment());
}

// Bytes of the formula for the opened data; at most 2^60.
static uint64_t bytesOf(const SizeSpec &size, const Session &session) {
  constexpr uint64_t most = uint64_t(1) << 60;
  uint64_t sum = size.fixed;
  for (const SizeSpec::Term &term : size.terms) {
    uint64_t bytes = term.bytes;
    for (const std::string &symbol : term.symbols) {
      uint64_t extent = static_cast<uint64_t>(session.extents.at(symbol));
      bytes = extent != 0 && bytes > most / extent ? most : bytes * extent;
    }
    sum = std::min(most, sum + (bytes + XFER_ALIGNMENT - 1) / XFER_ALIGNMENT * XFER_ALIGNMENT);
  }
  return sum;
}

Status StageRunner::checkMemory() const {
  uint64_t peak = 0;
  for (const SizeSpec &size : stage.memory.peaks)
    peak = std::max(peak, bytesOf(size, session));
  if (stage.memory.limit == 0 || peak <= stage.memory.limit)
    return Status::success();
  constexpr double mebibyte = 1 << 20;
  return failureAt(stage.memory.site,
                   "{}: stage '{}' needs {:.2f} MiB of memory with these data, more than the {:.2f} MiB that 'memory' "
                   "allows it; take fewer samples or smaller batches, or allow more and build it again",
                   session.describeSite(stage.memory.site), stage.name,
                   std::ceil(static_cast<double>(peak) / mebibyte * 100) / 100,
                   std::floor(static_cast<double>(stage.memory.limit) / mebibyte * 100) / 100);
}

Status StageRunner::check() {
  if (Status status = checkMemory(); status.failed())
    return status;
  std::vector<const Quantity *> quantities = {&stage.epochs, &stage.steps};
  for (const PhaseSpec &spec : stage.phases)
    quantities.insert(quantities.end(), {&spec.untilEpoch, &spec.untilStep});
  for (const EverySpec &spec : stage.every)
    quantities.push_back(&spec.count);
  for (const Quantity *quantity : quantities)
    if (quantity->kind == Quantity::Output)
      return planBatches(/*ahead=*/true);
  return plan(/*ahead=*/true);
}

Expected<bool> StageRunner::execute() {
  if (Status status = plan(/*ahead=*/false); status.failed())
    return status;
  if (!state.begun)
    if (Status status = begin(); status.failed())
      return within(status);
  int64_t samples = 0;
  for (const SourceSpec &source : stage.sources)
    for (const SamplerPart &part : partsOf(source.sampler))
      samples += source.batch * source.draws * part.samples;
  observer.progress().begin(stage.name, steps, epochs, samples, state.step);
  while (state.step < steps && !state.stopped) {
    if (Status status = doStep(); status.failed())
      return within(status);
    if (state.step % stepsPerEpoch == 0 || state.step == steps) {
      if (Status status = endEpoch(); status.failed())
        return within(status);
    } else {
      observer.progress().step(state.step, epochOf(state.step), means());
    }
    if (observer.interrupted()) {
      if (Status status = observer.checkpoint(); status.failed())
        return status;
      return false;
    }
  }
  observer.progress().end();
  if (Status status = finish(); status.failed())
    return within(status);
  return true;
}

} // namespace xfer::rt
