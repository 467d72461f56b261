//===- Printer.h - the printer that Print.h offers ----------------------------------------------------------------===//

#ifndef XFER_DSL_AST_PRINTER_H
#define XFER_DSL_AST_PRINTER_H

#include "dsl/AST/Print.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace xfer::dsl {

class Printer {
public:
  explicit Printer(llvm::raw_ostream &os) : os(os) {}

  void print(const Item &item);
  void print(const Expr &expr);
  void print(const Type &type);
  void print(const Slot &slot);
  void print(const Selector &selector);
  void print(const Selectors &selectors);

private:
  // Parts of the AST.
  void print(const Name &name) { os << name.text; }
  void print(const ExprPtr &expr) { print(*expr); }
  void print(const TypePtr &type) { print(*type); }
  void print(const Pattern &pattern) { list(pattern.names); }
  void print(const Argument &argument);
  void print(const Carry &carry);
  void print(const Formal &formal);
  void print(const Dim &dim);
  void print(const Segment &segment);
  void print(const Rewrite &rule);
  void print(const Rewrites &rewrites);
  void print(const Rate &rate);
  void print(const SourceUse &source);
  void print(const IndexExpr::Item &item);
  void print(const RecordExpr::Field &field);
  void print(const RecordType::Field &field);
  void print(const SplitItem::Part &part);
  void print(const SweepItem::Axis &axis);
  void print(const LoadItem::Rule &rule);
  void print(const ReportItem::Figure &figure);
  void print(const Timing &timing);

  void optional(llvm::StringRef before, const ExprPtr &expr);
  void optional(llvm::StringRef before, const TypePtr &type);
  void optional(llvm::StringRef before, const std::optional<Name> &name);
  void optional(llvm::StringRef before, const std::optional<Selectors> &selectors);
  void over(const std::vector<ExprPtr> &splits);
  void rates(const std::vector<Rate> &rates);
  void updater(const std::optional<Updater> &updater);
  void body(const Body &body);
  void block(const Block *block);
  void signature(const std::vector<Formal> &formals, const TypePtr &result, const Body &body);

  template <typename Range> void list(const Range &range) {
    llvm::interleave(range, [&](const auto &one) { print(one); }, [&] { os << ", "; });
  }

  void definition(const Item &item); // what stands before Domain in Kinds.def
  void clause(const Item &item);     // the others

  llvm::raw_ostream &os;
  unsigned indent = 0;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_PRINTER_H
