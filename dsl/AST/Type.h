//===- Type.h - types as they are written -------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_TYPE_H
#define XFER_DSL_AST_TYPE_H

#include "dsl/AST/Node.h"

namespace xfer::dsl {

struct Type {
  enum class Kind { Module, Fn, Like, Record, Dims, Named };

  virtual ~Type();

  const Kind kind;
  SourceRange range;
  bool optional = false; // `?` behind it: may be none

protected:
  explicit Type(Kind kind) : kind(kind) {}
};

/// One extent between `[` and `]`.
struct Dim {
  enum class Kind {
    Rest,   // `..`, a pack; with a name `..s`
    Varies, // `?`: differs from sample to sample
    Extent, // an expression; a bounded dimension is the expression `k <= N`
  };

  Kind kind = Kind::Extent;
  SourceRange range;
  std::optional<Name> name; // of a Rest
  ExprPtr value;            // of an Extent
};

/// `module`, `module(type, type) -> type`
struct ModuleType : Type {
  ModuleType() : Type(Kind::Module) {}
  static bool classof(const Type *t) { return t->kind == Kind::Module; }

  std::vector<TypePtr> inputs;
  TypePtr result; // null where no signature was written
};

/// `fn(type, type) -> type`
struct FnType : Type {
  FnType() : Type(Kind::Fn) {}
  static bool classof(const Type *t) { return t->kind == Kind::Fn; }

  std::vector<TypePtr> inputs;
  TypePtr result;
};

/// `like slot`
struct LikeType : Type {
  LikeType() : Type(Kind::Like) {}
  static bool classof(const Type *t) { return t->kind == Kind::Like; }

  Slot slot;
};

/// `(a: type, b: type)`
struct RecordType : Type {
  RecordType() : Type(Kind::Record) {}
  static bool classof(const Type *t) { return t->kind == Kind::Record; }

  struct Field {
    Name name;
    TypePtr type;
  };
  std::vector<Field> fields;
};

/// `[n, d]`: an untagged tensor, element type f32
struct DimsType : Type {
  DimsType() : Type(Kind::Dims) {}
  static bool classof(const Type *t) { return t->kind == Kind::Dims; }

  std::vector<Dim> dims;
};

/// `f32`, `class(10)[n]`, `logits[n, k]`, `string`: an element type or tag (or the name of a kind of value), its
/// arguments, its extents
struct NamedType : Type {
  NamedType() : Type(Kind::Named) {}
  static bool classof(const Type *t) { return t->kind == Kind::Named; }

  Name name;
  std::vector<Argument> arguments;
  std::optional<std::vector<Dim>> dims; // absent where no brackets were written
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_TYPE_H
