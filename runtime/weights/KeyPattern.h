// Patterns over the keys of weight files, as `load ... map` writes them: `*` matches any characters, points included,
// and `{a, b}` one of these texts.
//
//   "module.*" -> "*"                 module.fc.bias becomes fc.bias
//   "*.{weight, bias}_orig" -> "*.*"  fc.weight_orig becomes fc.weight
#ifndef XFER_RUNTIME_WEIGHTS_KEYPATTERN_H
#define XFER_RUNTIME_WEIGHTS_KEYPATTERN_H

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xfer::rt {

// A path in pieces; between two of them stands any index, or none.
using KeyTarget = std::vector<std::string>;

class KeyPattern {
public:
  // Nothing if braces are nested, or do not pair.
  static std::optional<KeyPattern> parse(std::string_view text);

  bool matches(std::string_view key) const { return match(key).has_value(); }

  // Whether the target has no `*`, one, or as many as there are wildcards.
  bool fits(std::string_view target) const;

  // What `key` becomes; nothing if it does not match. The only `*` of a target stands for the text from the first
  // wildcard to the last, several for one wildcard each; `[*]` parts the pieces.
  std::optional<KeyTarget> apply(std::string_view key, std::string_view target) const;

private:
  struct Piece {
    enum Kind { Literal, Any, OneOf } kind;
    std::vector<std::string> texts;
  };
  // Where each piece ends; wildcards take as little as possible, alternatives in their order.
  std::optional<std::vector<size_t>> match(std::string_view key) const;
  size_t wildcards() const;
  std::vector<Piece> pieces;
};

// Whether `key` (a path as it is written in files) is the target with indices in place: `[name]`, `.3`, or nothing.
bool isAtTarget(std::string_view key, const KeyTarget &target);

} // namespace xfer::rt

#endif
