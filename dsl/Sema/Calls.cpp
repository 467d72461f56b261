#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

namespace {

class CallCheck final : public Walker {
public:
  explicit CallCheck(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

private:
  /// The names of one list, none of which may stand there twice.
  class Unique {
  public:
    Unique(Diagnostics &diagnostics, llvm::StringRef what) : diagnostics(diagnostics), what(what) {}

    void add(const Name &name) {
      auto [entry, isNew] = first.try_emplace(name.text, name.range);
      if (!isNew)
        diagnostics.error("duplicate-name", name.range, what + " '" + name.text + "' stands here twice")
            .note(entry->second, "the first stands here");
    }

  private:
    Diagnostics &diagnostics;
    llvm::StringRef what;
    llvm::StringMap<SourceRange> first;
  };

  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const LetItem *i) { check(i->pattern); })
        .Case([&](const ForItem *i) { checkLoop(i->pattern); })
        .Case<FnItem, ExportItem>([&](const auto *i) {
          Unique unique(diagnostics, "formal");
          check(i->formals, unique);
        })
        .Case([&](const ModuleItem *i) {
          Unique unique(diagnostics, "formal");
          check(i->arguments, unique);
          check(i->inputs, unique);
        })
        .Case([&](const FieldsItem *i) { check(i->fields, "field"); })
        .Case([&](const NextItem *i) { check(i->carries); });
    return true;
  }

  bool enter(const Expr &expr) override {
    llvm::TypeSwitch<const Expr *>(&expr)
        .Case([&](const CallExpr *e) { check(*e); })
        .Case([&](const RecordExpr *e) {
          Unique unique(diagnostics, "field");
          for (const RecordExpr::Field &field : e->fields)
            unique.add(field.name);
        })
        .Case([&](const LambdaExpr *e) { check(e->formals); })
        .Case([&](const ComprehensionExpr *e) { checkLoop(e->pattern); })
        .Case([&](const EachExpr *e) { checkLoop(e->pattern); })
        .Case([&](const ScanExpr *e) {
          checkLoop(e->pattern);
          check(e->carries);
        });
    return true;
  }

  bool enter(const Type &type) override {
    if (auto *record = llvm::dyn_cast<RecordType>(&type))
      check(record->fields, "field");
    return true;
  }

  void check(const CallExpr &call) {
    Unique unique(diagnostics, "argument");
    const Name *named = nullptr;
    for (const Argument &argument : call.arguments) {
      if (argument.name) {
        unique.add(*argument.name);
        named = &*argument.name;
      } else if (named) {
        diagnostics
            .error("positional-after-named", argument.value->range,
                   "an argument without a name cannot follow one with a name")
            .note(named->range, "'" + named->text + "' stands here");
      }
    }
  }

  void check(const Pattern &pattern) {
    Unique unique(diagnostics, "name");
    for (const Name &name : pattern.names)
      unique.add(name);
  }

  void checkLoop(const Pattern &pattern) {
    check(pattern);
    for (const Name &name : pattern.names)
      if (name.text == "in")
        diagnostics.error("reserved-word", name.range, "a loop variable cannot be called 'in'");
  }

  void check(llvm::ArrayRef<Carry> carries) {
    Unique unique(diagnostics, "carry");
    for (const Carry &carry : carries)
      unique.add(carry.name);
  }

  void check(llvm::ArrayRef<RecordType::Field> fields, llvm::StringRef what) {
    Unique unique(diagnostics, what);
    for (const RecordType::Field &field : fields)
      unique.add(field.name);
  }

  void check(llvm::ArrayRef<Formal> formals, Unique &unique) {
    for (const Formal &formal : formals) {
      unique.add(formal.name);
      llvm::ArrayRef<llvm::StringRef> known = getGivenNames();
      if (!formal.given || llvm::is_contained(known, formal.name.text))
        continue;
      diagnostics.unknownName("unknown-given", formal.name.range, formal.name.text,
                              "nothing gives '" + formal.name.text + "'", known,
                              "; given are " + llvm::join(known, ", "));
    }
  }

  Diagnostics &diagnostics;
};

} // namespace

void xfer::dsl::checkCalls(const File &file, Diagnostics &diagnostics) { CallCheck(diagnostics).walk(file); }
