// Names that are declared twice, or that hide a name of the program. The program has one namespace; a stage, an
// evaluation, a module, a model and a domain have one each. Only in a module and a function may `let` name anew.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

namespace {

/// The names of one block.
class Namespace {
public:
  explicit Namespace(Diagnostics &diagnostics, llvm::StringRef remedy = "")
      : diagnostics(diagnostics), remedy(remedy) {}

  void declare(const Name &name, bool conditional, bool family = false) {
    auto [entry, isNew] = first.try_emplace(name.text, Known{name.range, conditional, family});
    // Of two branches one is built; members of a family differ by their index.
    if (isNew || conditional || entry->second.conditional || (family && entry->second.family))
      return;
    diagnostics.error("duplicate-name", name.range, "'" + name.text + "' is declared twice" + remedy)
        .note(entry->second.range, "the first stands here");
  }

private:
  struct Known {
    SourceRange range;
    bool conditional, family;
  };

  Diagnostics &diagnostics;
  llvm::StringRef remedy;
  llvm::StringMap<Known> first;
};

class NameCheck final : public Walker {
public:
  NameCheck(const Declarations &declarations, Diagnostics &diagnostics)
      : declarations(declarations), diagnostics(diagnostics) {}

  void checkProgram(FileId file) {
    Namespace names(diagnostics);
    for (const Declaration &declaration : declarations.getAll())
      if (declaration.name.range.file == file)
        names.declare(declaration.name, declaration.conditional, declaration.family);
  }

private:
  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case<StageItem, BaselineItem, EvaluateItem>([&](const auto *i) {
          llvm::StringRef remedy = "; here a name means one thing, so give the second one of its own";
          Namespace names(diagnostics, remedy), watched(diagnostics, remedy);
          if (auto *evaluate = llvm::dyn_cast<EvaluateItem>(&item))
            declareSources(evaluate->sources, names, false);
          declareStage(i->body.get(), names, watched, false);
        })
        .Case([&](const ModuleItem *i) {
          Namespace names(diagnostics);
          for (const std::vector<Formal> *formals : {&i->arguments, &i->inputs})
            for (const Formal &formal : *formals)
              names.declare(formal.name, /*conditional=*/true); // twice among formals is said elsewhere
          declareParts(i->body.get(), names, false);
        })
        .Case([&](const ModelItem *i) {
          Namespace names(diagnostics);
          declareParts(i->body.get(), names, false);
        })
        .Case([&](const DomainItem *i) { checkDomain(*i); })
        .Case([&](const ReportItem *i) {
          Namespace names(diagnostics);
          for (const ReportItem::Figure &figure : i->figures)
            if (figure.name)
              names.declare(*figure.name, false);
        });
    llvm::TypeSwitch<const Item *>(&item)
        .Case<ParamItem, StateItem, DomainItem, ModelItem>([&](const auto *i) { notDotted(i->slot); })
        .Case([&](const StageItem *i) { notDotted(i->slot); });
    return true;
  }

  void declareStage(const Block *block, Namespace &names, Namespace &watched, bool conditional) {
    if (!block)
      return;
    auto local = [&](const Name &name, bool family = false) {
      names.declare(name, conditional, family);
      notOfProgram(name);
    };
    for (const ItemPtr &item : block->items)
      llvm::TypeSwitch<const Item *>(item.get())
          .Case([&](const LetItem *i) {
            for (const Name &name : i->pattern.names)
              local(name);
          })
          .Case([&](const HoldItem *i) { local(i->name); })
          .Case([&](const LossItem *i) {
            local(i->name);
            watched.declare(i->name, conditional); // a loss is watched under its own name
          })
          .Case([&](const StateItem *i) { local(i->slot.base, !i->slot.steps.empty()); })
          .Case([&](const WatchItem *i) { watched.declare(i->name, conditional); })
          .Case([&](const OnItem *i) { declareSources(i->sources, names, conditional); })
          .Case([&](const ForItem *i) { declareStage(i->body.get(), names, watched, true); })
          .Case([&](const RepeatItem *i) { declareStage(i->body.get(), names, watched, conditional); })
          .Case([&](const IfItem *i) {
            declareStage(i->then.get(), names, watched, true);
            declareStage(i->otherwise.get(), names, watched, true);
          });
  }

  void declareSources(llvm::ArrayRef<SourceUse> sources, Namespace &names, bool conditional) {
    for (const SourceUse &source : sources)
      if (source.alias)
        names.declare(*source.alias, conditional);
  }

  /// Parts, parameters, states and methods. `let` may name anew.
  void declareParts(const Block *block, Namespace &names, bool conditional) {
    if (!block)
      return;
    for (const ItemPtr &item : block->items)
      llvm::TypeSwitch<const Item *>(item.get())
          .Case<PartItem, FnItem>([&](const auto *i) { names.declare(i->name, conditional); })
          .Case<ParamItem, StateItem>(
              [&](const auto *i) { names.declare(i->slot.base, conditional, !i->slot.steps.empty()); })
          .Case([&](const ForItem *i) { declareParts(i->body.get(), names, true); })
          .Case([&](const IfItem *i) {
            declareParts(i->then.get(), names, true);
            declareParts(i->otherwise.get(), names, true);
          });
  }

  void checkDomain(const DomainItem &domain) {
    Namespace splits(diagnostics);
    declareSplits(domain.body.get(), splits, false);
  }

  void declareSplits(const Block *block, Namespace &splits, bool conditional) {
    if (!block)
      return;
    auto split = [&](const Name &name) {
      if (name.text == "all")
        diagnostics.error("duplicate-name", name.range,
                          "the split 'all' exists in every domain and cannot be declared");
      splits.declare(name, conditional);
    };
    for (const ItemPtr &item : block->items)
      llvm::TypeSwitch<const Item *>(item.get())
          .Case([&](const OriginItem *i) {
            if (i->split)
              split(*i->split);
          })
          .Case([&](const SplitItem *i) {
            for (const SplitItem::Part &part : i->parts)
              split(part.name);
          })
          .Case([&](const FieldsItem *i) {
            for (const RecordType::Field &field : i->fields)
              notOfProgram(field.name);
          })
          .Case([&](const ForItem *i) { declareSplits(i->body.get(), splits, true); })
          .Case([&](const IfItem *i) {
            declareSplits(i->then.get(), splits, true);
            declareSplits(i->otherwise.get(), splits, true);
          });
  }

  void notOfProgram(const Name &name) {
    const Declaration *other = declarations.find(name.text);
    if (!other)
      return;
    diagnostics
        .error("name-clash", name.range,
               "'" + name.text + "' is already the name of a " + getSpelling(other->kind) + " of the program")
        .note(other->name.range, "it is declared here");
  }

  void notDotted(const Slot &slot) {
    for (const SlotStep &step : slot.steps)
      if (step.member)
        diagnostics.error("dotted-name", slot.range, "a declaration names one thing; '.' cannot stand in its name");
  }

  const Declarations &declarations;
  Diagnostics &diagnostics;
};

} // namespace

void xfer::dsl::checkNames(const File &file, const Declarations &declarations, Diagnostics &diagnostics) {
  NameCheck check(declarations, diagnostics);
  check.checkProgram(file.id);
  check.walk(file);
}
