#include "runtime/program/SourceSampler.h"
#include "runtime/core/Hash.h"
#include "runtime/program/PassRunner.h"

namespace xfer::rt {

static Status within(const SourceSpec &source, const Status &status) {
  return status.within("source '" + source.name + "'");
}

// Made at the first use and kept: several sources and every run of a stage ask for it.
static Expected<std::shared_ptr<const Grouping>> groupingOf(const OpenedData &data, const SourceSpec &source) {
  std::shared_ptr<const Grouping> &known =
      data.groupings[{source.domainIndex, source.split + "." + source.sampler.field}];
  if (!known) {
    Expected<Grouping> made = Grouping::make(data.reader(source), data.split(source), source.sampler.field);
    if (!made)
      return within(source, made.status());
    known = std::make_shared<const Grouping>(std::move(*made));
  }
  return known;
}

Expected<int64_t> elementsOf(const OpenedData &data, const SourceSpec &source) {
  const Grouping *grouping = nullptr;
  if (source.sampler.kind == SamplerSpec::Groups) {
    Expected<std::shared_ptr<const Grouping>> found = groupingOf(data, source);
    if (!found)
      return found.status();
    grouping = found->get();
  }
  return elementsOf(source.sampler, static_cast<int64_t>(data.split(source).size()), grouping);
}

static Expected<std::vector<double>> weightsOf(Session &session, const OpenedData &data, const SourceSpec &source) {
  Expected<PassRunner> pass = PassRunner::bind(session, data, source.weightsPass);
  if (!pass)
    return pass.status();
  if (Status status = pass->run({}); status.failed())
    return status;
  return pass->rows(source.weights).values;
}

Expected<std::unique_ptr<Sampler>> makeSampler(Session &session, const OpenedData &data, const SourceSpec &source,
                                               const SourceKey &key, bool leads, int64_t batchesPerPass) {
  if (source.sampler.kind == SamplerSpec::Plain)
    return std::unique_ptr<Sampler>(
        std::make_unique<PermutationSampler>(data.split(source), source.batch, key, leads, batchesPerPass));
  // Where `count` says how long a pass is, the sampler's own permutations do not end with it.
  SamplerRequest request{source.sampler, source.batch, key, leads && source.sampler.count == 0, batchesPerPass};
  if (source.sampler.kind == SamplerSpec::Weighted) {
    Expected<std::vector<double>> weights = weightsOf(session, data, source);
    if (!weights)
      return within(source, weights.status());
    Expected<std::unique_ptr<Sampler>> made = makeWeightedSampler(request, data.split(source), *weights);
    return made ? std::move(made) : within(source, made.status());
  }
  Expected<std::shared_ptr<const Grouping>> grouping = groupingOf(data, source);
  if (!grouping)
    return grouping.status();
  Expected<std::unique_ptr<Sampler>> made = makeGroupedSampler(request, *grouping);
  return made ? std::move(made) : within(source, made.status());
}

SourceKey drawnKey(const Session &session, const SourceSpec &source) {
  return {session.seed, hashName("drawn for figures"), 0, hashName(source.name)};
}

} // namespace xfer::rt
