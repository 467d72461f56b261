// Any bytes as a weight file of any format, and as keys that a model is filled with. What is accepted must be written
// and read again to the same tensors.
#include "runtime/weights/LoadPlan.h"
#include "test/fuzz/Fuzz.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

using namespace xfer::rt;
using xfer::fuzz::require;

static Bytes own(std::string text) {
  auto owner = std::make_shared<std::string>(std::move(text));
  return {reinterpret_cast<const uint8_t *>(owner->data()), owner->size(), owner};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::string cache = xfer::fuzz::scratchFolder() + "/cache"; // of what is deflated
  setenv("XFER_CACHE", cache.c_str(), /*overwrite=*/1);
  auto file = WeightFile::parse(own({reinterpret_cast<const char *>(data), size}), "w.safetensors");
  if (!file)
    return 0;
  auto again = WeightFile::parse(own(encodeWeights(file->tensors(), file->metadata())), "again.safetensors");
  require(again && again->tensors().size() == file->tensors().size(), "what was read cannot be written");
  for (const WeightTensor &tensor : file->tensors()) {
    const WeightTensor *other = again->find(tensor.name);
    require(other && other->shape == tensor.shape && other->type == tensor.type &&
                other->bytes.size == tensor.bytes.size &&
                std::memcmp(other->bytes.data, tensor.bytes.data, tensor.bytes.size) == 0,
            "a tensor changed on its way through a file");
  }
  const std::vector<LoadTarget> targets{
      {"net.fc.weight", ElementType::F32, WeightLayout::Matrix, {2, 3}, true},
      {"net.fc.bias", ElementType::F32, WeightLayout::Plain, {3}, true},
      {"net.block[0].conv.weight", ElementType::F32, WeightLayout::Filter, {1, 1, 2, 2}, true},
      {"net.bn.num_batches_tracked", ElementType::I32, WeightLayout::Plain, {}, false}};
  for (const std::vector<KeyRule> &rules :
       {std::vector<KeyRule>{}, {{"module.*", "net.*"}, {"*.{a, b}", std::nullopt}}, {{"*weight", "*weight", true}}}) {
    auto plan = planLoad(*file, {"net", /*keras=*/rules.size() == 1, rules, {}}, targets);
    if (!plan)
      continue;
    for (const PlannedTensor &planned : *plan) {
      const LoadTarget &target = targets[planned.target];
      float values[16];
      Status read = readTensor(planned.tensor, target.type, planned.layout, target.shape, values);
      require(read.ok(), "a planned tensor cannot be read");
    }
  }
  return 0;
}
