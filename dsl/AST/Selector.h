//===- Selector.h - selectors and rewritings ----------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_SELECTOR_H
#define XFER_DSL_AST_SELECTOR_H

#include "dsl/AST/Node.h"

namespace xfer::dsl {

/// One step of a selector with the indices behind it: `layer`, `*`, `**`, `["layer" + str(i)]` (an index), `{a, b}`.
struct Segment {
  enum class Kind {
    Name,   // `conv1`, in names[0]
    Any,    // `*`: one step, whatever its name
    Deep,   // `**`: any number of steps, none included
    String, // `"conv1"`, in names[0]
    Set,    // `{a, b}`, in names
  };

  /// `[*]`, or `[expr]`
  struct Index {
    SourceRange range;
    ExprPtr value; // null for `*`
  };

  Kind kind = Kind::Name;
  SourceRange range;
  std::vector<Name> names;
  std::vector<Index> indices;
};

/// `a.**.b is kind`
struct Selector {
  SourceRange range;
  std::vector<Segment> segments;
  std::optional<Name> isKind;
};

/// `a, b except c expect 3`
struct Selectors {
  SourceRange range;
  std::vector<Selector> included;
  std::vector<Selector> except;
  ExprPtr expect; // may be null
};

/// `{ selector -> expr expect 3, ... }`
struct Rewrite {
  SourceRange range;
  Selector selector;
  ExprPtr replacement;
  ExprPtr expect; // may be null
};
struct Rewrites {
  SourceRange range;
  std::vector<Rewrite> rules;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_SELECTOR_H
