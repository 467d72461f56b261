#include "runtime/data/Samplers.h"
#include "runtime/data/GroupedSamplers.h"
#include <algorithm>

namespace xfer::rt {

std::vector<SamplerPart> partsOf(const SamplerSpec &spec) {
  switch (spec.kind) {
  case SamplerSpec::Groups:
    return {{"", spec.size, true}};
  case SamplerSpec::Pairs:
    return {{"first", 1, false}, {"second", 1, false}};
  case SamplerSpec::Episodes:
    return {{"support", spec.ways * spec.shots, true}, {"query", spec.ways * spec.queries, true}};
  case SamplerSpec::Plain:
  case SamplerSpec::Balanced:
  case SamplerSpec::Weighted:
    break;
  }
  return {{"", 1, false}};
}

std::string elementsName(const SamplerSpec &spec) {
  return spec.kind == SamplerSpec::Groups     ? "groups"
         : spec.kind == SamplerSpec::Pairs    ? "pairs"
         : spec.kind == SamplerSpec::Episodes ? "episodes"
                                              : "samples";
}

int64_t elementsOf(const SamplerSpec &spec, int64_t samples, const Grouping *grouping) {
  if (spec.count > 0)
    return spec.count;
  if (spec.kind == SamplerSpec::Groups)
    return grouping->groupCount();
  if (spec.kind == SamplerSpec::Episodes)
    return std::max<int64_t>(1, samples / (spec.ways * (spec.shots + spec.queries)));
  return samples;
}

Expected<std::unique_ptr<Sampler>> makeGroupedSampler(const SamplerRequest &request,
                                                      std::shared_ptr<const Grouping> grouping) {
  using Made = std::unique_ptr<Sampler>;
  Status fits = Status::success();
  switch (request.spec.kind) {
  case SamplerSpec::Balanced:
    return Made(std::make_unique<BalancedSampler>(request, std::move(grouping)));
  case SamplerSpec::Groups:
    return Made(std::make_unique<GroupSampler>(request, std::move(grouping)));
  case SamplerSpec::Pairs:
    if (fits = PairSampler::check(request.spec, *grouping); fits.failed())
      return fits;
    return Made(std::make_unique<PairSampler>(request, std::move(grouping)));
  case SamplerSpec::Episodes:
    if (fits = EpisodeSampler::check(request.spec, *grouping); fits.failed())
      return fits;
    return Made(std::make_unique<EpisodeSampler>(request, std::move(grouping)));
  case SamplerSpec::Plain:
  case SamplerSpec::Weighted:
    break;
  }
  assert(false && "this sampler draws from no groups");
  return Made();
}

} // namespace xfer::rt
