// An option of the program (`param`) has its value when the program starts. Shapes, loops and choices between parts of
// the program are needed when it is compiled, so an option there is an error, and `const` the remedy.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

static constexpr llvm::StringLiteral conditionOfChoice = "the condition of a choice by 'if'";

namespace {

class BindingTimeCheck final : public Walker {
public:
  BindingTimeCheck(const Declarations &declarations, Diagnostics &diagnostics)
      : declarations(declarations), diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    return llvm::TypeSwitch<const Item *, bool>(&item)
        // Their formals may bear the same names; what is passed for them is found where they are called.
        .Case<FnItem, ModuleItem>([](const auto *) { return false; })
        .Case([&](const ConstItem *i) { return need(i->value, "a 'const'"); })
        .Case([&](const ForItem *i) {
          bind(i->pattern);
          return need(i->iterable, "a loop");
        })
        .Case([&](const IfItem *i) { return need(i->condition, "an 'if'"); })
        .Case([&](const RepeatItem *i) { return need(i->count, "a 'repeat'"); })
        .Case([&](const FreezeItem *i) { return need(i->until, "'until'"); })
        .Case([&](const OnItem *i) { return needBatches(i->sources); })
        .Case([&](const EvaluateItem *i) { return needBatches(i->sources); })
        .Default([](const Item *) { return true; });
  }

  bool needBatches(llvm::ArrayRef<SourceUse> sources) {
    for (const SourceUse &source : sources) {
      need(source.batch, "the size of a batch");
      need(source.count, "the number of elements that a sampler draws");
    }
    return true;
  }

  bool enter(const Expr &expr) override {
    if (auto place = places.find(&expr); place != places.end()) {
      around.push_back({&expr, needed});
      needed = place->second;
    }
    llvm::TypeSwitch<const Expr *>(&expr)
        .Case([&](const ComprehensionExpr *e) {
          need(e->iterable, "a loop");
          bind(e->pattern);
        })
        .Case([&](const ConditionalExpr *e) { need(e->condition, conditionOfChoice); })
        .Case<EachExpr, ScanExpr>([&](const auto *e) { bind(e->pattern); })
        .Case([&](const LambdaExpr *e) { bind(e->formals); })
        .Case([&](const NameExpr *e) { check(*e); });
    return true;
  }

  void leave(const Expr &expr) override {
    if (around.empty() || around.back().first != &expr)
      return;
    needed = around.back().second;
    around.pop_back();
  }

  bool enter(const Dim &dim) override { return need(dim.value, "a shape"); }

  /// What stands in `expr`, which the walk is about to reach, is needed at compile time: noted and not walked here, or
  /// each level of what lies inside of each other would be walked twice.
  bool need(const ExprPtr &expr, llvm::StringRef place) {
    if (expr)
      places[expr.get()] = place;
    return true;
  }

  void check(const NameExpr &name) {
    const Declaration *declaration = declarations.find(name.name);
    if (needed.empty() || !declaration || declaration->kind != Item::Kind::Param || bound.count(name.name))
      return;
    Diagnostic &error = diagnostics.error("param-at-compile-time", name.range,
                                          "'" + name.name + "' is an option of the program, and " + needed +
                                              " is fixed at compile time");
    error.note(declaration->name.range, "declare it as 'const'").fixIt(declaration->keyword, "const");
    if (needed == conditionOfChoice)
      error.note({}, "'where' chooses between values");
  }

  void bind(const Pattern &pattern) {
    for (const Name &name : pattern.names)
      bound.insert(name.text);
  }

  const Declarations &declarations;
  Diagnostics &diagnostics;
  llvm::DenseMap<const Expr *, llvm::StringRef> places; // by what is needed, for what
  llvm::StringRef needed;                               // the place at hand; empty where nothing is
  std::vector<std::pair<const Expr *, llvm::StringRef>> around;
  llvm::StringSet<> bound;
};

} // namespace

void xfer::dsl::checkBindingTime(const File &file, const Declarations &declarations, Diagnostics &diagnostics) {
  BindingTimeCheck(declarations, diagnostics).walk(file);
}
