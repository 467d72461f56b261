// What is allowed and hardly ever meant.
#include "dsl/AST/Walk.h"
#include "dsl/Sema/Checks.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

/// Below this a `rate` looks like a rate of learning, while it is a factor.
static constexpr double smallestUsualFactor = 1e-3;

namespace {

class SuspicionCheck final : public Walker {
public:
  explicit SuspicionCheck(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

private:
  bool enter(const Item &item) override {
    llvm::TypeSwitch<const Item *>(&item)
        .Case([&](const StageItem *) { losses.clear(); })
        .Case([&](const LossItem *i) { losses.insert(i->name.text); })
        .Case([&](const KeepItem *i) { check(*i); })
        .Case([&](const OptimizerItem *i) { check(i->rates); })
        .Case<MinimizeItem, ApplyItem>([&](const auto *i) {
          if (i->updater)
            check(i->updater->rates);
        });
    return true;
  }

  void check(const KeepItem &keep) {
    auto *name = llvm::dyn_cast_or_null<NameExpr>(keep.value.get());
    if (keep.mode == KeepItem::Mode::Best && name && losses.count(name->name))
      diagnostics.warning("keep-best-loss", name->range,
                          "'" + name->name +
                              "' is a loss, and 'keep best' keeps where it is largest; 'keep least' keeps where it is "
                              "smallest");
  }

  void check(llvm::ArrayRef<Rate> rates) {
    for (const Rate &rate : rates) {
      auto *factor = llvm::dyn_cast<FloatExpr>(rate.factor.get());
      if (factor && factor->value > 0 && factor->value < smallestUsualFactor)
        diagnostics.warning("small-rate", factor->range,
                            "a 'rate' multiplies the optimizer's rate; as a factor this is unusually small (0.1 makes "
                            "it a tenth)");
    }
  }

  Diagnostics &diagnostics;
  llvm::StringSet<> losses;
};

} // namespace

void xfer::dsl::checkSuspicious(const File &file, Diagnostics &diagnostics) { SuspicionCheck(diagnostics).walk(file); }
