//===- Walk.h - visiting every node -------------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_WALK_H
#define XFER_DSL_AST_WALK_H

#include "dsl/AST/AST.h"
#include "llvm/ADT/ArrayRef.h"

namespace xfer::dsl {

/// Visits nodes in the order of the text. Where `enter` is false, what lies below is left out, and so is `leave`.
class Walker {
public:
  virtual ~Walker();

  void walk(const File &file);
  void walk(const Block *block);
  void walk(const Item &item);
  void walk(const Expr &expr);
  void walk(const Type &type);

protected:
  virtual bool enter(const Item &) { return true; }
  virtual void leave(const Item &) {}
  virtual bool enter(const Expr &) { return true; }
  virtual void leave(const Expr &) {}
  virtual bool enter(const Type &) { return true; }
  virtual bool enter(const Dim &) { return true; }
  virtual void leave(const Dim &) {}

  /// What lies below an item, for an `enter` that wants to do something in between.
  void walkInside(const Item &item);

private:
  void walk(const ExprPtr &expr);
  void walk(const TypePtr &type);
  void walk(const Body &body);
  void walk(const Slot &slot);
  void walk(const Selector &selector);
  void walk(const Selectors &selectors);
  void walk(const Rewrites &rewrites);
  void walk(const std::optional<Updater> &updater);
  void walk(llvm::ArrayRef<ExprPtr> exprs);
  void walk(llvm::ArrayRef<TypePtr> types);
  void walk(llvm::ArrayRef<Dim> dims);
  void walk(llvm::ArrayRef<Argument> arguments);
  void walk(llvm::ArrayRef<Carry> carries);
  void walk(llvm::ArrayRef<Formal> formals);
  void walk(llvm::ArrayRef<Rate> rates);
  void walk(llvm::ArrayRef<SourceUse> sources);
  void walk(llvm::ArrayRef<RecordType::Field> fields);
  void walkInside(const Expr &expr);
  void walkInside(const Type &type);
  void walkClause(const Item &item);
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_WALK_H
