//===- Item.h - items: the base, and those that both halves of the language share ---------------------------------===//

#ifndef XFER_DSL_AST_ITEM_H
#define XFER_DSL_AST_ITEM_H

#include "dsl/AST/Expr.h"
#include "dsl/AST/Type.h"

namespace xfer::dsl {

struct Item {
  enum class Kind {
#define XFER_ITEM(NAME, SPELLING) NAME,
#include "dsl/AST/Kinds.def"
  };

  virtual ~Item();

  const Kind kind;
  SourceRange range;   // the whole item
  SourceRange keyword; // the word that opens it (of a part, its name)

protected:
  explicit Item(Kind kind) : kind(kind) {}
};

/// A parsed file. Items that had syntax errors are not in it.
struct File {
  FileId id = 0;
  std::vector<ItemPtr> items;
};

/// The word that opens items of a kind: "minimize".
llvm::StringRef getSpelling(Item::Kind kind);
llvm::StringRef getSpelling(BinaryOp op);

/// `import "data.xfer"`, `import std.nets as n`
struct ImportItem : Item {
  ImportItem() : Item(Kind::Import) {}
  static bool classof(const Item *i) { return i->kind == Kind::Import; }

  std::optional<Name> file; // the string, resolved; else
  std::vector<Name> path;   // the dotted name
  std::optional<Name> alias;
};

/// `const name: type = expr`
struct ConstItem : Item {
  ConstItem() : Item(Kind::Const) {}
  static bool classof(const Item *i) { return i->kind == Kind::Const; }

  std::string doc;
  Name name;
  TypePtr type; // may be null
  ExprPtr value;
};

/// `param slot: type = expr when expr`: an option of the program; in a module trained
struct ParamItem : Item {
  ParamItem() : Item(Kind::Param) {}
  static bool classof(const Item *i) { return i->kind == Kind::Param; }

  std::string doc;
  Slot slot;
  TypePtr type;    // may be null
  ExprPtr initial; // may be null
  ExprPtr when;    // may be null
};

/// `state slot: type per domain = expr merge how when expr`
struct StateItem : Item {
  StateItem() : Item(Kind::State) {}
  static bool classof(const Item *i) { return i->kind == Kind::State; }

  Slot slot;
  TypePtr type; // may be null
  std::optional<Name> per;
  ExprPtr initial; // may be null
  std::optional<Name> merge;
  ExprPtr when; // may be null
};

/// When an update runs, if not where it stands.
struct Timing {
  enum class Kind { EveryEpoch, EveryStep, EveryEpochs, EverySteps, BeforeStage, AfterStage };

  Kind kind = Kind::EveryEpoch;
  SourceRange range;
  ExprPtr count; // of EveryEpochs and EverySteps
};

/// `update slot = expr timing`
struct UpdateItem : Item {
  UpdateItem() : Item(Kind::Update) {}
  static bool classof(const Item *i) { return i->kind == Kind::Update; }

  Slot slot;
  ExprPtr value;
  std::optional<Timing> timing;
};

/// `let a, b = expr`
struct LetItem : Item {
  LetItem() : Item(Kind::Let) {}
  static bool classof(const Item *i) { return i->kind == Kind::Let; }

  Pattern pattern;
  ExprPtr value;
};

/// `for pattern in expr { }`
struct ForItem : Item {
  ForItem() : Item(Kind::For) {}
  static bool classof(const Item *i) { return i->kind == Kind::For; }

  Pattern pattern;
  ExprPtr iterable;
  BlockPtr body;
};

/// `if expr { } else { }`
struct IfItem : Item {
  IfItem() : Item(Kind::If) {}
  static bool classof(const Item *i) { return i->kind == Kind::If; }

  ExprPtr condition;
  BlockPtr then;
  BlockPtr otherwise; // may be null; `else item` is a block of that item
};

/// `name = expr` in a module or model
struct PartItem : Item {
  PartItem() : Item(Kind::Part) {}
  static bool classof(const Item *i) { return i->kind == Kind::Part; }

  Name name;
  ExprPtr value;
};

/// `fn name(formals) -> type = expr`, `fn name(formals) -> type { }`
struct FnItem : Item {
  FnItem() : Item(Kind::Fn) {}
  static bool classof(const Item *i) { return i->kind == Kind::Fn; }

  std::string doc; // the comment lines right above it
  Name name;
  std::vector<Formal> formals;
  TypePtr result; // may be null
  Body body;
};

/// `module name(arguments) (inputs) -> type { }`
struct ModuleItem : Item {
  ModuleItem() : Item(Kind::Module) {}
  static bool classof(const Item *i) { return i->kind == Kind::Module; }

  std::string doc;
  Name name;
  std::vector<Formal> arguments;
  std::vector<Formal> inputs;
  TypePtr result; // may be null
  BlockPtr body;
};

/// `return expr`
struct ReturnItem : Item {
  ReturnItem() : Item(Kind::Return) {}
  static bool classof(const Item *i) { return i->kind == Kind::Return; }

  ExprPtr value;
};

/// `yield expr`
struct YieldItem : Item {
  YieldItem() : Item(Kind::Yield) {}
  static bool classof(const Item *i) { return i->kind == Kind::Yield; }

  ExprPtr value;
};

/// `next c = expr, d = expr`
struct NextItem : Item {
  NextItem() : Item(Kind::Next) {}
  static bool classof(const Item *i) { return i->kind == Kind::Next; }

  std::vector<Carry> carries;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_ITEM_H
