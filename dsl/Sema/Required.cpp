#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

namespace {

/// Collects the items of a block, those under `for`, `if` and `repeat` included.
class Contents final : public Walker {
public:
  explicit Contents(const Block *block) { walk(block); }

  template <typename... Items> bool has() const {
    return llvm::any_of(items, [](const Item *item) { return llvm::isa<Items...>(item); });
  }

  std::vector<const Item *> items;

private:
  bool enter(const Item &item) override {
    items.push_back(&item);
    return llvm::isa<ForItem, IfItem, RepeatItem>(item);
  }
  bool enter(const Expr &) override { return false; }
};

class RequiredCheck final : public Walker {
public:
  explicit RequiredCheck(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const DomainItem *i) { check(*i); })
        .Case([&](const StageItem *i) { check(*i); })
        .Case([&](const BaselineItem *i) { check(*i); })
        .Case([&](const EvaluateItem *i) { check(*i); })
        .Case([&](const SweepItem *i) { check(*i); })
        .Case([&](const ParamItem *i) { needsType(i->slot, i->type, i->initial); })
        .Case([&](const StateItem *i) {
          needsType(i->slot, i->type, i->initial);
          if (i->merge && i->merge->text != "average" && i->merge->text != "max" && i->merge->text != "sum")
            diagnostics.error("unknown-merge", i->merge->range,
                              "there is no merge '" + i->merge->text + "'; there are 'average', 'max' and 'sum'");
        })
        .Case([&](const FnItem *i) { needsReturn(i->name, i->body.block.get()); })
        .Case([&](const ExportItem *i) { needsReturn(i->name, i->body.block.get()); })
        .Case([&](const ModuleItem *i) { needsReturn(i->name, i->body.get()); });
    return true;
  }

  bool enter(const Expr &expr) override {
    if (auto *scan = llvm::dyn_cast<ScanExpr>(&expr))
      check(*scan);
    if (auto *each = llvm::dyn_cast<EachExpr>(&expr); each && each->body.block)
      if (!Contents(each->body.block.get()).has<ReturnItem>())
        missing(each->range, "this 'each' returns nothing; its block needs a 'return'", "missing-return");
    return true;
  }

  void check(const DomainItem &domain) {
    Contents contents(domain.body.get());
    if (!contents.has<ReadItem, GenerateItem, LiveItem>())
      missing(domain.slot.range, "domain '" + domain.slot.base.text + "' has no data; it needs a 'read' or 'generate'");
    if (!contents.has<FieldsItem>())
      missing(domain.slot.range, "domain '" + domain.slot.base.text + "' has no 'fields'");
  }

  void check(const StageItem &stage) {
    Contents contents(stage.body.get());
    llvm::StringRef name = stage.slot.base.text;
    if (!contents.has<OnItem>())
      missing(stage.slot.range, "stage '" + name + "' has no data; it needs an 'on'");
    if (!contents.has<EpochsItem, StepsItem, StopItem>())
      missing(stage.slot.range, "stage '" + name + "' never ends; it needs 'epochs' or 'steps'");
    if (!contents.has<MinimizeItem, ApplyItem, RunItem, UpdateItem>())
      missing(stage.slot.range, "stage '" + name + "' does nothing; it needs a 'minimize', 'apply', 'run' or 'update'");
    if (!contents.has<OptimizerItem>())
      needsOptimizer(contents, "stage '" + name + "'");
    exclusive(contents);
  }

  void check(const BaselineItem &baseline) {
    if (!baseline.body)
      return;
    if (!Contents(baseline.body.get()).has<MinimizeItem, ApplyItem, RunItem>())
      missing(baseline.name.range,
              "baseline '" + baseline.name.text + "' does nothing; its block needs a 'minimize', 'apply' or 'run'");
  }

  void check(const EvaluateItem &evaluate) {
    if (!Contents(evaluate.body.get()).has<PredictItem, ReportItem>())
      missing(evaluate.keyword, "this evaluation says nothing; it needs a 'predict' or a 'report'");
  }

  void check(const SweepItem &sweep) {
    if (!Contents(sweep.body.get()).has<KeepItem>())
      missing(sweep.keyword, "this sweep cannot choose; it needs a 'keep best' or 'keep least'");
  }

  /// What `next` gives exists, and is given once on a way through the body.
  void check(const ScanExpr &scan) {
    std::vector<llvm::StringRef> known;
    for (const Carry &carry : scan.carries)
      known.push_back(carry.name.text);
    for (const Item *item : Contents(scan.body.block.get()).items) {
      auto *next = llvm::dyn_cast<NextItem>(item);
      if (!next)
        continue;
      for (const Carry &carry : next->carries) {
        if (llvm::is_contained(known, carry.name.text))
          continue;
        diagnostics
            .unknownName("unknown-carry", carry.name.range, carry.name.text,
                         "'" + carry.name.text + "' is not carried by this scan", known)
            .note(scan.carries.front().name.range, "the scan carries what stands behind 'from'");
      }
    }
  }

  void needsOptimizer(const Contents &contents, const llvm::Twine &whose) {
    for (const Item *item : contents.items) {
      auto *minimize = llvm::dyn_cast<MinimizeItem>(item);
      if (!minimize || minimize->updater)
        continue;
      diagnostics.error("missing-clause", item->keyword,
                        whose + " has no 'optimizer', and this 'minimize' names none by 'using'");
      return;
    }
  }

  void exclusive(const Contents &contents) {
    const Item *epochs = nullptr, *steps = nullptr;
    for (const Item *item : contents.items) {
      epochs = llvm::isa<EpochsItem>(item) ? item : epochs;
      steps = llvm::isa<StepsItem>(item) ? item : steps;
    }
    if (epochs && steps)
      diagnostics
          .error("duplicate-clause", std::max(epochs->keyword, steps->keyword),
                 "a stage is as long as its 'epochs' or its 'steps' say, not both")
          .note(std::min(epochs->keyword, steps->keyword), "its length stands here");
  }

  void needsType(const Slot &slot, const TypePtr &type, const ExprPtr &initial) {
    if (!type && !initial)
      missing(slot.range, "'" + slot.base.text + "' needs a type or an initial value", "missing-type");
  }

  void needsReturn(const Name &name, const Block *body) {
    if (body && !Contents(body).has<ReturnItem>())
      missing(name.range, "'" + name.text + "' returns nothing; its block needs a 'return'", "missing-return");
  }

  void missing(SourceRange where, const llvm::Twine &text, llvm::StringRef code = "missing-clause") {
    diagnostics.error(code, where, text);
  }

  Diagnostics &diagnostics;
};

} // namespace

void xfer::dsl::checkRequired(const File &file, Diagnostics &diagnostics) { RequiredCheck(diagnostics).walk(file); }
