#include "runtime/data/SamplerStreams.h"
#include "runtime/data/Samplers.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

namespace {
class WeightedSampler : public Sampler {
public:
  WeightedSampler(const SamplerRequest &request, const std::vector<int32_t> &split, std::vector<double> sums)
      : split(split), batchSize(request.batch), streams(request.key), sums(std::move(sums)) {}
  void fill(int64_t number, Batch &batch) override;

private:
  const std::vector<int32_t> &split;
  int64_t batchSize;
  SamplerStreams streams;
  std::vector<double> sums; // of the weights up to and with each sample
};
} // namespace

void WeightedSampler::fill(int64_t number, Batch &batch) {
  PhiloxStream random = streams.ofDraw(number);
  batch.samples.resize(batchSize);
  batch.passes.resize(batchSize);
  for (int64_t i = 0; i < batchSize; ++i) {
    uint64_t high = random.next(), low = random.next();
    double unit = static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
    // The first sum above the point; a sample without weight has no sum of its own. Rounding may reach the end.
    auto found = std::upper_bound(sums.begin(), sums.end(), unit * sums.back());
    if (found == sums.end())
      found = std::lower_bound(sums.begin(), sums.end(), sums.back());
    batch.samples[i] = split[found - sums.begin()];
    batch.passes[i] = static_cast<uint32_t>(number * batchSize + i); // a sample may be in a batch twice
  }
}

Expected<std::unique_ptr<Sampler>> makeWeightedSampler(const SamplerRequest &request, const std::vector<int32_t> &split,
                                                       const std::vector<double> &weights) {
  assert(weights.size() == split.size() && "one weight a sample");
  std::vector<double> sums;
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!std::isfinite(weights[i]) || weights[i] < 0)
      return failure("the weight of sample {} is {}; weights are finite and not negative", split[i], weights[i]);
    sums.push_back(sum += weights[i]);
  }
  if (!(sum > 0) || !std::isfinite(sum))
    return failure("the {} weights add up to {}; at least one must be above 0, and their sum finite", sums.size(), sum);
  return std::unique_ptr<Sampler>(std::make_unique<WeightedSampler>(request, split, std::move(sums)));
}

} // namespace xfer::rt
