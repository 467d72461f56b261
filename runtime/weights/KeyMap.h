// Which tensor of a weight file fills which part of a model: the keys of the file, through the rules of a `map`,
// against the paths of the model. MANIFEST.md (Loads) is the reference.
#ifndef XFER_RUNTIME_WEIGHTS_KEYMAP_H
#define XFER_RUNTIME_WEIGHTS_KEYMAP_H

#include "runtime/weights/WeightFile.h"
#include "xfer/rt/WeightValues.h"

namespace xfer::rt {

struct KeyRule {
  std::string key;
  std::optional<std::string> target; // none: drop
  bool transposed = false;           // the file has [b, a] where its layout says [a, b]
};

// Something that a tensor can fill.
struct KeySlot {
  std::string key;            // as written in files, below the path that the file is loaded into
  std::vector<int64_t> shape; // as in files
  bool required = true;
  // A filter of Keras: where each channel has outputs of its own, [*window, in, outputs] is [*window, 1, in * outputs].
  bool isKerasFilter = false;
};

struct KeyMatch {
  size_t tensor, slot;
  bool transposed = false;
};

// What the file fills. The message of a failure (several lines) lists everything that does not fit, and ends with a map
// that fits better; it begins with what does not fit what: "'w.safetensors' does not fit 'net.trunk'".
Expected<std::vector<KeyMatch>> matchKeys(const WeightFile &file, const std::vector<KeyRule> &rules,
                                          const std::vector<KeySlot> &slots, const std::string &into);

// Whether a tensor of this shape holds what the slot wants, in the same order. [1] and [] hold the same: one number.
bool fitsShape(const std::vector<int64_t> &shape, const KeySlot &slot);

// Rules to put before the present ones, so that `loose` tensors fill `empty` slots or are dropped. No new rule touches
// `decided`, the tensors that fit already or are dropped.
std::vector<KeyRule> suggestRules(const std::vector<const WeightTensor *> &loose,
                                  const std::vector<const KeySlot *> &empty,
                                  const std::vector<const WeightTensor *> &decided);

} // namespace xfer::rt

#endif
