// What goes wrong in transfer learning without any error: terms that count nothing, losses that nobody minimises, the
// largest loss kept as the best, parts that never thaw, rises that outlast the run, factors that look like rates,
// backbones that learn faster than what is new.
//
// Only literal numbers are judged: a `param` may be anything when the program runs.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

/// Below this a `rate` looks like a rate of learning, while it is a factor.
static constexpr double smallestUsualFactor = 1e-3;

static std::optional<double> literal(const Expr *expr) {
  if (auto *number = llvm::dyn_cast_or_null<IntExpr>(expr))
    return static_cast<double>(number->value);
  if (auto *number = llvm::dyn_cast_or_null<FloatExpr>(expr))
    return number->value;
  return std::nullopt;
}

/// The path that a selector without patterns is; empty for any other.
static std::string pathOf(const Selector &selector) {
  std::string path;
  for (const Segment &segment : selector.segments) {
    if (segment.kind != Segment::Kind::Name)
      return "";
    path += (path.empty() ? "" : ".") + segment.names.front().text;
  }
  return path;
}

namespace {

/// Names that a program reads, and weights that it loads.
class Reads final : public Walker {
public:
  llvm::StringSet<> names;
  llvm::StringMap<SourceRange> loaded; ///< `net.trunk` -> where it is loaded

private:
  bool enter(const Expr &expr) override {
    if (auto *name = llvm::dyn_cast<NameExpr>(&expr))
      names.insert(name->name);
    if (auto *member = llvm::dyn_cast<MemberExpr>(&expr))
      names.insert(member->member.text);
    return true;
  }

  bool enter(const Item &item) override {
    auto *load = llvm::dyn_cast<LoadItem>(&item);
    if (!load)
      return true;
    std::string path = load->into.base.text;
    for (const SlotStep &step : load->into.steps) {
      if (!step.member)
        return true;
      path += "." + step.member->text;
    }
    loaded.try_emplace(path, load->keyword);
    return true;
  }
};

class TransferLint final : public Walker {
public:
  TransferLint(const Reads &reads, Diagnostics &diagnostics) : reads(reads), diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const StageItem *i) {
          losses.clear();
          checkLengths(*i);
        })
        .Case([&](const LossItem *i) {
          losses.insert(i->name.text);
          checkRead(*i);
        })
        .Case([&](const KeepItem *i) { checkKeep(*i); })
        .Case<MinimizeItem, ApplyItem>([&](const auto *i) {
          if (i->updater)
            checkRates(i->updater->rates);
        })
        .Case([&](const OptimizerItem *i) { checkRates(i->rates); });
    terms |= llvm::isa<LossItem, MinimizeItem>(item);
    return true;
  }

  void leave(const Item &item) override {
    if (llvm::isa<LossItem, MinimizeItem>(item))
      terms = false;
  }

  // `task + 0 * align`: the terms of a loss, not what is inside of calls.
  bool enter(const Expr &expr) override {
    if (!terms || llvm::isa<CallExpr>(expr))
      return false;
    auto *product = llvm::dyn_cast<BinaryExpr>(&expr);
    if (!product || product->op != BinaryOp::Multiply)
      return true;
    for (const Expr *factor : {product->lhs.get(), product->rhs.get()})
      if (literal(factor) == 0.0)
        diagnostics.warning("zero-term", product->range,
                            "this term is multiplied by 0 and changes nothing; leave it out, or make the factor a "
                            "'param' to try values");
    return true;
  }

  void checkRead(const LossItem &loss) {
    if (!reads.names.count(loss.name.text))
      diagnostics.warning("unused-loss", loss.name.range,
                          "nothing minimises or shows the loss '" + loss.name.text +
                              "'; add it to a 'minimize', or 'watch' it");
  }

  void checkKeep(const KeepItem &keep) {
    auto *name = llvm::dyn_cast_or_null<NameExpr>(keep.value.get());
    if (keep.mode == KeepItem::Mode::Best && name && losses.count(name->name))
      diagnostics.warning("keep-best-loss", name->range,
                          "'" + name->name +
                              "' is a loss, and 'keep best' keeps where it is largest; 'keep least' keeps where it is "
                              "smallest");
  }

  /// A stage's length against what is counted in its epochs or steps.
  void checkLengths(const StageItem &stage) {
    std::optional<double> epochs, steps;
    for (const ItemPtr &item : stage.body->items) {
      if (auto *setting = llvm::dyn_cast<EpochsItem>(item.get()))
        epochs = literal(setting->value.get());
      if (auto *setting = llvm::dyn_cast<StepsItem>(item.get()))
        steps = literal(setting->value.get());
    }
    for (const ItemPtr &item : stage.body->items) {
      if (auto *freeze = llvm::dyn_cast<FreezeItem>(item.get()))
        checkThaw(*freeze, freeze->unit == FreezeItem::Unit::Epoch ? epochs : steps);
      if (auto *schedule = llvm::dyn_cast<ScheduleItem>(item.get()))
        checkRise(*schedule, steps);
    }
  }

  void checkThaw(const FreezeItem &freeze, std::optional<double> length) {
    std::optional<double> until = literal(freeze.until.get());
    if (until && length && *until >= *length)
      diagnostics.warning("never-thaws", freeze.until->range,
                          "the stage ends before this thaws; freeze it without 'until', or give the stage more " +
                              llvm::Twine(freeze.unit == FreezeItem::Unit::Epoch ? "epochs" : "steps"));
  }

  /// `ramp(1000)` in a stage of 500 steps.
  void checkRise(const ScheduleItem &schedule, std::optional<double> steps) {
    auto *call = llvm::dyn_cast<CallExpr>(schedule.value.get());
    auto *callee = call ? llvm::dyn_cast<NameExpr>(call->callee.get()) : nullptr;
    if (!steps || !callee || callee->name != "ramp" || call->arguments.empty())
      return;
    const Expr *count = call->arguments.front().value.get();
    std::optional<double> rises = literal(count);
    if (rises && *rises >= *steps)
      diagnostics.warning("long-warmup", count->range,
                          "the rate rises for as long as the stage lasts and never reaches the optimizer's own; let it "
                          "rise for fewer steps than the stage has");
  }

  void checkRates(llvm::ArrayRef<Rate> rates) {
    for (const Rate &rate : rates) {
      auto loaded = reads.loaded.find(pathOf(rate.selector));
      std::optional<double> factor = literal(rate.factor.get());
      if (factor && *factor > 0 && *factor < smallestUsualFactor)
        diagnostics.warning("small-rate", rate.factor->range,
                            "a 'rate' multiplies the optimizer's rate; as a factor this is unusually small (0.1 makes "
                            "it a tenth)");
      if (loaded == reads.loaded.end() || !factor || *factor <= 1)
        continue;
      diagnostics
          .warning("backbone-rate", rate.factor->range,
                   "'" + loaded->getKey() +
                       "' is loaded and learns faster than what is new, which unlearns it; a factor below 1, such as "
                       "0.1, is usual")
          .note(loaded->second, "loaded here");
    }
  }

  const Reads &reads;
  Diagnostics &diagnostics;
  llvm::StringSet<> losses; // of the stage at hand, so far
  bool terms = false;
};

} // namespace

void xfer::dsl::checkTransfer(const File &file, llvm::ArrayRef<const File *> imported, Diagnostics &diagnostics) {
  Reads reads;
  for (const File *other : imported)
    reads.walk(*other);
  reads.walk(file);
  TransferLint(reads, diagnostics).walk(file);
}
