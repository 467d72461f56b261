//===- Node.h - what all nodes of the AST share -------------------------------------------------------------------===//
//
// The AST is plain data: one struct a construct of the grammar, owned by std::unique_ptr, distinguished by `kind` with
// llvm::isa, cast and dyn_cast. It has no logic; what it means is decided in Sema and in the compiler's Elaborate.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_NODE_H
#define XFER_DSL_AST_NODE_H

#include "dsl/Source/SourceManager.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Casting.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xfer::dsl {

/// A name as it was written, with its place.
struct Name {
  std::string text;
  SourceRange range;
};

/// `a, b, c` on the left of `let`, `for`, `each`, `scan`, `fn(..) =>`. Only the last may be empty.
struct Pattern {
  std::vector<Name> names;
  SourceRange range;
};

struct Block;
struct Expr;
struct Item;
struct Type;
using BlockPtr = std::unique_ptr<Block>;
using ExprPtr = std::unique_ptr<Expr>;
using ItemPtr = std::unique_ptr<Item>;
using TypePtr = std::unique_ptr<Type>;

/// `{ item; item }`. Also the one item after an `else` without braces.
struct Block {
  Block();
  ~Block();

  SourceRange range;
  std::vector<ItemPtr> items;
};

/// `= expr`, `=> expr` or `{ ... }`: exactly one of the two is there.
struct Body {
  ExprPtr value;
  BlockPtr block;
};

/// `a.b["c"][i, j]`: a place that is named, not computed.
struct SlotStep {
  SourceRange range;
  std::optional<Name> member;   // `.name`
  std::vector<ExprPtr> indices; // `[e, e]`, when there is no member
};
struct Slot {
  SourceRange range;
  Name base;
  std::vector<SlotStep> steps;
};

/// Argument of a call; without a name it is positional.
struct Argument {
  std::optional<Name> name;
  ExprPtr value;
};

/// `name = expr` in the carry of a scan and in `next`.
struct Carry {
  Name name;
  ExprPtr value;
};

/// What the place of a call can fill a `given` formal with.
llvm::ArrayRef<llvm::StringRef> getGivenNames();

/// `given name: type = expr`
struct Formal {
  SourceRange range;
  bool given = false;
  Name name;
  TypePtr type;         // may be null
  ExprPtr defaultValue; // may be null
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_NODE_H
