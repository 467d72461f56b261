// What clauses name exists: domains and their splits and fields, sources, stages, models, states.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

namespace {

/// The name that an expression for a domain starts with: `usps`, `office[d]`; empty for anything else.
const NameExpr *getDomainName(const Expr *expr) {
  if (auto *index = llvm::dyn_cast<IndexExpr>(expr))
    expr = index->object.get();
  return llvm::dyn_cast<NameExpr>(expr);
}

class ReferenceCheck final : public Walker {
public:
  ReferenceCheck(const Declarations &declarations, Diagnostics &diagnostics)
      : declarations(declarations), diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const DomainItem *i) { domain = declarations.findDomain(i->slot.base.text); })
        .Case([&](const StageItem *i) {
          if (i->from)
            known(i->from->base, {Item::Kind::Stage, Item::Kind::Baseline}, "stage");
          enterScope(i->body.get());
        })
        .Case([&](const BaselineItem *i) {
          known(i->stage.base, {Item::Kind::Stage}, "stage");
          // Its block stands in that stage, whose names it sees; they are looked up when it is built.
          states.clear();
        })
        .Case([&](const EvaluateItem *i) {
          enterScope(i->body.get());
          checkSources(i->sources);
        })
        .Case([&](const ModuleItem *i) {
          inModule = true;
          enterScope(i->body.get());
        })
        .Case([&](const ForItem *i) { bind(i->pattern); })
        .Default([&](const Item *i) { checkClause(*i); });
    return true;
  }

  void leave(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const DomainItem *) { domain = nullptr; })
        .Case<StageItem, EvaluateItem>([&](const auto *) { leaveScope(); })
        .Case([&](const ModuleItem *) {
          inModule = false;
          leaveScope();
        })
        .Case([&](const ForItem *i) {
          for (const Name &name : i->pattern.names)
            if (--bound[name.text] == 0)
              bound.erase(name.text);
        });
  }

  void checkClause(const Item &item) {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const OnItem *i) { checkSources(i->sources); })
        .Case([&](const EpochByItem *i) { source(i->source); })
        .Case([&](const AugmentItem *i) {
          for (const Slot &target : i->targets)
            source(target.base);
        })
        .Case([&](const MapItem *i) {
          for (const Slot &target : i->targets)
            field(target.base);
        })
        .Case([&](const HideItem *i) {
          for (const Name &name : i->fields)
            field(name);
          if (i->split)
            split(*i->split);
        })
        .Case([&](const SplitItem *i) {
          if (i->parent)
            split(*i->parent);
          if (i->by)
            field(*i->by);
        })
        .Case<WatchItem, KeepItem, StopItem>([&](const auto *i) {
          for (const ExprPtr &over : i->over)
            checkSplit(over.get());
        })
        .Case([&](const UpdateItem *i) { state(i->slot.base); })
        .Case([&](const LoadItem *i) { model(i->into.base); })
        .Case([&](const SetItem *i) { model(i->slot.base); })
        .Case([&](const FreezeItem *i) { check(i->selectors); })
        .Case([&](const ApplyItem *i) {
          check(i->to);
          check(i->updater);
        })
        .Case([&](const MinimizeItem *i) {
          if (i->over)
            check(*i->over);
          check(i->updater);
        })
        .Case([&](const OptimizerItem *i) {
          if (i->selectors)
            check(*i->selectors);
          check(i->rates);
        });
  }

  /// Sources and states of a block, which its clauses may name before they are declared.
  void enterScope(const Block *block) {
    if (!block)
      return;
    for (const ItemPtr &item : block->items)
      llvm::TypeSwitch<const Item *>(item.get())
          .Case([&](const OnItem *i) {
            hasSources = true;
            for (const SourceUse &use : i->sources)
              addSource(use);
          })
          .Case([&](const StateItem *i) { states.insert(i->slot.base.text); })
          .Case<ForItem, RepeatItem>([&](const auto *i) { enterScope(i->body.get()); })
          .Case([&](const IfItem *i) {
            enterScope(i->then.get());
            enterScope(i->otherwise.get());
          });
  }

  void leaveScope() {
    hasSources = false;
    sources.clear();
    states.clear();
  }

  void addSource(const SourceUse &use) {
    if (use.alias) {
      sources.insert(use.alias->text);
      return;
    }
    std::vector<const Expr *> splits = {use.split.get()};
    while (!splits.empty()) {
      const Expr *expr = splits.back();
      splits.pop_back();
      if (auto *list = llvm::dyn_cast<ListExpr>(expr))
        for (const ExprPtr &element : list->elements)
          splits.push_back(element.get());
      else if (auto *comprehension = llvm::dyn_cast<ComprehensionExpr>(expr))
        splits.push_back(comprehension->element.get());
      else if (auto *member = llvm::dyn_cast<MemberExpr>(expr))
        if (const NameExpr *name = getDomainName(member->object.get()))
          sources.insert(name->name);
    }
  }

  void checkSources(llvm::ArrayRef<SourceUse> uses) {
    for (const SourceUse &use : uses)
      checkSplit(use.split.get());
  }

  void checkSplit(const Expr *expr) {
    if (auto *list = llvm::dyn_cast<ListExpr>(expr)) {
      for (const ExprPtr &element : list->elements)
        checkSplit(element.get());
      return;
    }
    if (auto *comprehension = llvm::dyn_cast<ComprehensionExpr>(expr)) {
      bind(comprehension->pattern);
      return checkSplit(comprehension->element.get());
    }
    if (const NameExpr *alone = getDomainName(expr)) {
      if (declarations.findDomain(alone->name) && !bound.count(alone->name))
        diagnostics
            .error("missing-split", expr->range,
                   "'" + alone->name + "' is a domain; a source is one of its splits, such as '" + alone->name +
                       ".all'")
            .fixIt(expr->range.after(), ".all");
      return;
    }
    auto *member = llvm::dyn_cast<MemberExpr>(expr);
    const NameExpr *name = member ? getDomainName(member->object.get()) : nullptr;
    if (!name || bound.count(name->name) || (sources.count(name->name) && !declarations.findDomain(name->name)))
      return;
    const DomainFacts *facts = declarations.findDomain(name->name);
    if (!facts) {
      unknown("unknown-domain", {name->name, name->range}, "there is no domain '" + name->name + "'",
              declarations.getNames({Item::Kind::Domain}));
      return;
    }
    split(member->member, *facts, name->name);
  }

  void split(const Name &name, const DomainFacts &facts, llvm::StringRef owner) {
    std::vector<llvm::StringRef> splits = {"all"};
    for (const Name &one : facts.splits)
      splits.push_back(one.text);
    if (!llvm::is_contained(splits, name.text))
      unknown("unknown-split", name,
              (owner.empty() ? "this domain" : "domain '" + owner + "'") + " has no split '" + name.text + "'", splits,
              "; it has " + llvm::join(splits, ", "));
  }

  /// A split of the domain whose block this is.
  void split(const Name &name) {
    if (domain)
      split(name, *domain, "");
  }

  void field(const Name &name) {
    if (!domain)
      return;
    std::vector<llvm::StringRef> fields;
    for (const Name &one : domain->fields)
      fields.push_back(one.text);
    if (!llvm::is_contained(fields, name.text))
      unknown("unknown-field", name, "this domain has no field '" + name.text + "'", fields);
  }

  void source(const Name &name) {
    if (!hasSources || sources.count(name.text) || bound.count(name.text))
      return;
    unknown("unknown-source", name, "'" + name.text + "' is no source of this stage", keys(sources));
  }

  void state(const Name &name) {
    if (states.count(name.text) || bound.count(name.text))
      return;
    if (!inModule && declarations.find(name.text, {Item::Kind::State, Item::Kind::Model}))
      return;
    std::vector<llvm::StringRef> candidates = keys(states);
    if (!inModule)
      llvm::append_range(candidates, declarations.getNames({Item::Kind::State, Item::Kind::Model}));
    unknown("unknown-state", name, "there is no state '" + name.text + "' to update", candidates);
  }

  void model(const Name &name) { known(name, {Item::Kind::Model}, "model"); }

  void check(const Selectors &selectors) {
    for (const Selector &selector : selectors.included)
      check(selector);
    for (const Selector &selector : selectors.except)
      check(selector);
  }

  void check(const Selector &selector) {
    const Segment &first = selector.segments.front();
    if (first.kind == Segment::Kind::Name)
      model(first.names.front());
  }

  void check(llvm::ArrayRef<Rate> rates) {
    for (const Rate &rate : rates)
      check(rate.selector);
  }

  void check(const std::optional<Updater> &updater) {
    if (updater)
      check(updater->rates);
  }

  void known(const Name &name, llvm::ArrayRef<Item::Kind> kinds, llvm::StringRef what) {
    if (bound.count(name.text) || declarations.find(name.text, kinds))
      return;
    unknown(("unknown-" + what).str(), name, "there is no " + what + " '" + name.text + "'",
            declarations.getNames(kinds));
  }

  void unknown(llvm::StringRef code, const Name &name, const llvm::Twine &text,
               llvm::ArrayRef<llvm::StringRef> candidates, llvm::StringRef otherwise = "") {
    Diagnostic &error = diagnostics.unknownName(code, name.range, name.text, text, candidates, otherwise);
    if (const Declaration *other = declarations.find(name.text); other && error.fixIts.empty())
      error.note(other->name.range, "'" + name.text + "' is a " + getSpelling(other->kind));
  }

  static std::vector<llvm::StringRef> keys(const llvm::StringSet<> &set) {
    std::vector<llvm::StringRef> result;
    for (const auto &entry : set)
      result.push_back(entry.getKey());
    // The order of a hash table is no order.
    llvm::sort(result);
    return result;
  }

  void bind(const Pattern &pattern) {
    for (const Name &name : pattern.names)
      ++bound[name.text];
  }

  const Declarations &declarations;
  Diagnostics &diagnostics;
  const DomainFacts *domain = nullptr;
  bool inModule = false;
  bool hasSources = false;
  llvm::StringSet<> sources, states;
  llvm::StringMap<unsigned> bound; // by how many loops around
};

} // namespace

void xfer::dsl::checkReferences(const File &file, const Declarations &declarations, Diagnostics &diagnostics) {
  ReferenceCheck(declarations, diagnostics).walk(file);
}
