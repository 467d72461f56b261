//===- Clause.h - the clauses of stages and evaluations -----------------------------------------------------------===//

#ifndef XFER_DSL_AST_CLAUSE_H
#define XFER_DSL_AST_CLAUSE_H

#include "dsl/AST/Pipeline.h"

namespace xfer::dsl {

/// `selector: factor`, `selector: factor for pattern in iterable`
struct Rate {
  SourceRange range;
  Selector selector;
  ExprPtr factor;
  std::optional<Pattern> pattern;
  ExprPtr iterable; // there with a pattern
};

/// `using optimizer rate selector: factor`
struct Updater {
  SourceRange range;
  ExprPtr optimizer;
  std::vector<Rate> rates;
};

/// `on source, source`
struct OnItem : Item {
  OnItem() : Item(Kind::On) {}
  static bool classof(const Item *i) { return i->kind == Kind::On; }

  std::vector<SourceUse> sources;
};

/// `epoch by name`
struct EpochByItem : Item {
  EpochByItem() : Item(Kind::EpochBy) {}
  static bool classof(const Item *i) { return i->kind == Kind::EpochBy; }

  Name source;
};

/// `loss name = expr`
struct LossItem : Item {
  LossItem() : Item(Kind::Loss) {}
  static bool classof(const Item *i) { return i->kind == Kind::Loss; }

  Name name;
  ExprPtr value;
};

/// `hold name = expr`
struct HoldItem : Item {
  HoldItem() : Item(Kind::Hold) {}
  static bool classof(const Item *i) { return i->kind == Kind::Hold; }

  Name name;
  ExprPtr value;
};

/// `watch name = expr over split, split`
struct WatchItem : Item {
  WatchItem() : Item(Kind::Watch) {}
  static bool classof(const Item *i) { return i->kind == Kind::Watch; }

  Name name;
  ExprPtr value;
  std::vector<ExprPtr> over;
};

/// `minimize expr over selectors using optimizer`
struct MinimizeItem : Item {
  MinimizeItem() : Item(Kind::Minimize) {}
  static bool classof(const Item *i) { return i->kind == Kind::Minimize; }

  ExprPtr value;
  std::optional<Selectors> over;
  std::optional<Updater> updater;
};

/// `apply expr to selectors using optimizer`
struct ApplyItem : Item {
  ApplyItem() : Item(Kind::Apply) {}
  static bool classof(const Item *i) { return i->kind == Kind::Apply; }

  ExprPtr value;
  Selectors to;
  std::optional<Updater> updater;
};

/// `run expr`
struct RunItem : Item {
  RunItem() : Item(Kind::Run) {}
  static bool classof(const Item *i) { return i->kind == Kind::Run; }

  ExprPtr value;
};

/// `freeze selectors until epoch expr`
struct FreezeItem : Item {
  FreezeItem() : Item(Kind::Freeze) {}
  static bool classof(const Item *i) { return i->kind == Kind::Freeze; }

  enum class Unit { Epoch, Step };
  Selectors selectors;
  ExprPtr until; // null: for as long as the block holds
  Unit unit = Unit::Epoch;
};

/// `set slot with { selector -> expr }`
struct SetItem : Item {
  SetItem() : Item(Kind::Set) {}
  static bool classof(const Item *i) { return i->kind == Kind::Set; }

  Slot slot;
  Rewrites rewrites;
};

/// `optimizer expr for selectors rate selector: factor`
struct OptimizerItem : Item {
  OptimizerItem() : Item(Kind::Optimizer) {}
  static bool classof(const Item *i) { return i->kind == Kind::Optimizer; }

  ExprPtr value;
  std::optional<Selectors> selectors;
  std::vector<Rate> rates;
};

/// The clauses that are one word and one expression: schedule, epochs, steps, memory, precision.
struct SettingItem : Item {
  static bool classof(const Item *i) { return i->kind >= Kind::Schedule && i->kind <= Kind::Precision; }

  ExprPtr value;

protected:
  using Item::Item;
};
struct ScheduleItem : SettingItem {
  ScheduleItem() : SettingItem(Kind::Schedule) {}
  static bool classof(const Item *i) { return i->kind == Kind::Schedule; }
};
struct EpochsItem : SettingItem {
  EpochsItem() : SettingItem(Kind::Epochs) {}
  static bool classof(const Item *i) { return i->kind == Kind::Epochs; }
};
struct StepsItem : SettingItem {
  StepsItem() : SettingItem(Kind::Steps) {}
  static bool classof(const Item *i) { return i->kind == Kind::Steps; }
};
struct MemoryItem : SettingItem {
  MemoryItem() : SettingItem(Kind::Memory) {}
  static bool classof(const Item *i) { return i->kind == Kind::Memory; }
};
struct PrecisionItem : SettingItem {
  PrecisionItem() : SettingItem(Kind::Precision) {}
  static bool classof(const Item *i) { return i->kind == Kind::Precision; }
};

/// `keep last`, `keep best oracle expr over split`
struct KeepItem : Item {
  KeepItem() : Item(Kind::Keep) {}
  static bool classof(const Item *i) { return i->kind == Kind::Keep; }

  enum class Mode { Last, Best, Least };
  Mode mode = Mode::Last;
  std::optional<SourceRange> oracle; // the word
  ExprPtr value;                     // null for Last
  std::vector<ExprPtr> over;
};

/// `stop when expr over split`
struct StopItem : Item {
  StopItem() : Item(Kind::Stop) {}
  static bool classof(const Item *i) { return i->kind == Kind::Stop; }

  ExprPtr condition;
  std::vector<ExprPtr> over;
};

/// `predict expr against expr`
struct PredictItem : Item {
  PredictItem() : Item(Kind::Predict) {}
  static bool classof(const Item *i) { return i->kind == Kind::Predict; }

  ExprPtr value;
  ExprPtr against; // may be null
};

/// `report figure, name = expr`
struct ReportItem : Item {
  ReportItem() : Item(Kind::Report) {}
  static bool classof(const Item *i) { return i->kind == Kind::Report; }

  struct Figure {
    std::optional<Name> name;
    ExprPtr value;
  };
  std::vector<Figure> figures;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_CLAUSE_H
