//===- Expr.h - expressions ---------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_EXPR_H
#define XFER_DSL_AST_EXPR_H

#include "dsl/AST/Selector.h"

namespace xfer::dsl {

struct Expr {
  enum class Kind {
#define XFER_EXPR(NAME) NAME,
#include "dsl/AST/Kinds.def"
  };

  virtual ~Expr();

  const Kind kind;
  SourceRange range;

protected:
  explicit Expr(Kind kind) : kind(kind) {}
};

/// `42`
struct IntExpr : Expr {
  IntExpr() : Expr(Kind::Int) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Int; }

  int64_t value = 0;
};

/// `1e-3`
struct FloatExpr : Expr {
  FloatExpr() : Expr(Kind::Float) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Float; }

  double value = 0;
};

/// `512MiB`
struct SizeExpr : Expr {
  SizeExpr() : Expr(Kind::Size) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Size; }

  uint64_t bytes = 0;
};

/// `"text"`, escapes resolved
struct StringExpr : Expr {
  StringExpr() : Expr(Kind::String) {}
  static bool classof(const Expr *e) { return e->kind == Kind::String; }

  std::string value;
};

/// `true`, `false`
struct BoolExpr : Expr {
  BoolExpr() : Expr(Kind::Bool) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Bool; }

  bool value = false;
};

/// `none`
struct NoneExpr : Expr {
  NoneExpr() : Expr(Kind::None) {}
  static bool classof(const Expr *e) { return e->kind == Kind::None; }
};

/// `name`
struct NameExpr : Expr {
  NameExpr() : Expr(Kind::Name) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Name; }

  std::string name;
};

/// `(a: 1, b: 2)`
struct RecordExpr : Expr {
  RecordExpr() : Expr(Kind::Record) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Record; }

  struct Field {
    Name name;
    ExprPtr value;
  };
  std::vector<Field> fields;
};

/// `(a, b)`, `(a,)`
struct TupleExpr : Expr {
  TupleExpr() : Expr(Kind::Tuple) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Tuple; }

  std::vector<ExprPtr> elements;
};

/// `[a, b]`
struct ListExpr : Expr {
  ListExpr() : Expr(Kind::List) {}
  static bool classof(const Expr *e) { return e->kind == Kind::List; }

  std::vector<ExprPtr> elements;
};

/// `[element for pattern in iterable]`
struct ComprehensionExpr : Expr {
  ComprehensionExpr() : Expr(Kind::Comprehension) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Comprehension; }

  ExprPtr element;
  Pattern pattern;
  ExprPtr iterable;
};

enum class UnaryOp { Negate, Not };

/// `-x`, `not x`
struct UnaryExpr : Expr {
  UnaryExpr() : Expr(Kind::Unary) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Unary; }

  UnaryOp op = UnaryOp::Negate;
  ExprPtr operand;
};

enum class BinaryOp {
#define XFER_BINARY(NAME, SPELLING) NAME,
#include "dsl/AST/Kinds.def"
};

/// `a + b`, `a and b`, `a <= b`
struct BinaryExpr : Expr {
  BinaryExpr() : Expr(Kind::Binary) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Binary; }

  BinaryOp op = BinaryOp::Add;
  SourceRange opRange;
  ExprPtr lhs, rhs;
};

/// `value if condition else otherwise`
struct ConditionalExpr : Expr {
  ConditionalExpr() : Expr(Kind::Conditional) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Conditional; }

  ExprPtr value, condition, otherwise;
};

/// `fn(a, b) => body`
struct LambdaExpr : Expr {
  LambdaExpr() : Expr(Kind::Lambda) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Lambda; }

  Pattern formals;
  ExprPtr body;
};

/// `each p in xs along d => e`
struct EachExpr : Expr {
  EachExpr() : Expr(Kind::Each) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Each; }

  Pattern pattern;
  ExprPtr source;
  ExprPtr along; // may be null
  Body body;
};

/// `scan p in xs along d from c = e while w { next c = e; yield y }`
struct ScanExpr : Expr {
  ScanExpr() : Expr(Kind::Scan) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Scan; }

  Pattern pattern;
  ExprPtr source;
  ExprPtr along; // may be null
  std::vector<Carry> carries;
  ExprPtr whileCondition; // may be null
  Body body;
};

/// `object.member`
struct MemberExpr : Expr {
  MemberExpr() : Expr(Kind::Member) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Member; }

  ExprPtr object;
  Name member;
};

/// `callee(a, name: b)`
struct CallExpr : Expr {
  CallExpr() : Expr(Kind::Call) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Call; }

  ExprPtr callee;
  std::vector<Argument> arguments;
};

/// `object[i, low..high, ..]`
struct IndexExpr : Expr {
  IndexExpr() : Expr(Kind::Index) {}
  static bool classof(const Expr *e) { return e->kind == Kind::Index; }

  struct Item {
    SourceRange range;
    bool isRange = false; // `low..high`, either may be null; else the index is `low`
    ExprPtr low, high;
  };
  ExprPtr object;
  std::vector<Item> items;
};

/// `object with { selector -> expr }`
struct WithExpr : Expr {
  WithExpr() : Expr(Kind::With) {}
  static bool classof(const Expr *e) { return e->kind == Kind::With; }

  ExprPtr object;
  Rewrites rewrites;
};

/// `object at slot`
struct AtExpr : Expr {
  AtExpr() : Expr(Kind::At) {}
  static bool classof(const Expr *e) { return e->kind == Kind::At; }

  ExprPtr object;
  Slot slot;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_EXPR_H
