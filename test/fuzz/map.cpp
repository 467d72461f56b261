// Any text as the rule of a `map` and a key that it meets: key, line end, pattern, line end, target.
#include "runtime/weights/KeyPattern.h"
#include "test/fuzz/Fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  auto take = [&] {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    return line;
  };
  std::string_view key = take(), pattern = take(), target = take();
  auto rule = xfer::rt::KeyPattern::parse(pattern);
  if (!rule || !rule->fits(target))
    return 0;
  if (auto become = rule->apply(key, target))
    (void)xfer::rt::isAtTarget(key, *become);
  return 0;
}
