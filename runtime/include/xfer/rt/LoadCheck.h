// What a compiler asks about the file of a `load` before it puts it into a program: whether it is a good weight file
// and fits the model. The answer is the one that the program itself would give (MANIFEST.md, Loads), because it comes
// from the same code.
#ifndef XFER_RT_LOADCHECK_H
#define XFER_RT_LOADCHECK_H

#include "xfer/rt/Status.h"
#include <vector>

namespace xfer::rt {

// A parameter or a state of a module, in the words of the manifest.
struct LoadVariable {
  std::string path, type, layout;
  std::vector<int64_t> shape;
  bool isParameter = true;
};

// A `load`, in the words of the manifest. A rule without a target drops.
struct LoadRuleText {
  std::string key;
  std::optional<std::string> target;
  bool transposed = false;
};
struct LoadClause {
  std::string into;
  std::string layout; // "keras", or as the file says
  std::vector<LoadRuleText> rules;
  std::vector<std::string> added;
};

// The content of a file, mapped for as long as `owner` lives.
struct LoadContent {
  const uint8_t *data = nullptr;
  uint64_t size = 0;
  std::shared_ptr<const void> owner;
};

// The whole file, if everything in it fits. Of several lines in a message the first says what is wrong.
Expected<LoadContent> checkLoad(const std::string &path, const LoadClause &clause,
                                const std::vector<LoadVariable> &variables);

} // namespace xfer::rt

#endif
