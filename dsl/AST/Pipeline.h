//===- Pipeline.h - the nodes of the pipeline half and the clauses of domains and models --------------------------===//

#ifndef XFER_DSL_AST_PIPELINE_H
#define XFER_DSL_AST_PIPELINE_H

#include "dsl/AST/Item.h"

namespace xfer::dsl {

/// `split as name by sampler batch b micro m count n`
struct SourceUse {
  SourceRange range;
  ExprPtr split; // an expression for a split or a list of splits
  std::optional<Name> alias;
  ExprPtr sampler, batch, micro, count; // each may be null
};

/// `domain slot { }`
struct DomainItem : Item {
  DomainItem() : Item(Kind::Domain) {}
  static bool classof(const Item *i) { return i->kind == Kind::Domain; }

  Slot slot;
  BlockPtr body;
};

/// `model slot = constructor { }`, `model slot { }`
struct ModelItem : Item {
  ModelItem() : Item(Kind::Model) {}
  static bool classof(const Item *i) { return i->kind == Kind::Model; }

  Slot slot;
  ExprPtr constructor; // may be null, then there is a body
  BlockPtr body;       // may be null, then there is a constructor
};

/// `stage slot from slot { }`
struct StageItem : Item {
  StageItem() : Item(Kind::Stage) {}
  static bool classof(const Item *i) { return i->kind == Kind::Stage; }

  Slot slot;
  std::optional<Slot> from;
  BlockPtr body;
};

/// `baseline name of slot { }`
struct BaselineItem : Item {
  BaselineItem() : Item(Kind::Baseline) {}
  static bool classof(const Item *i) { return i->kind == Kind::Baseline; }

  Name name;
  Slot stage;
  BlockPtr body; // may be null
};

/// `evaluate source, source { }`
struct EvaluateItem : Item {
  EvaluateItem() : Item(Kind::Evaluate) {}
  static bool classof(const Item *i) { return i->kind == Kind::Evaluate; }

  std::vector<SourceUse> sources;
  BlockPtr body;
};

/// `export name(formals) -> type = expr`
struct ExportItem : Item {
  ExportItem() : Item(Kind::Export) {}
  static bool classof(const Item *i) { return i->kind == Kind::Export; }

  std::string doc;
  Name name;
  std::vector<Formal> formals;
  TypePtr result; // may be null
  Body body;
};

/// `sweep p in expr, q in expr { }`
struct SweepItem : Item {
  SweepItem() : Item(Kind::Sweep) {}
  static bool classof(const Item *i) { return i->kind == Kind::Sweep; }

  struct Axis {
    Name name;
    ExprPtr values;
  };
  std::vector<Axis> axes;
  BlockPtr body;
};

/// `repeat expr fresh { }`: around stages, or in a stage around acting clauses
struct RepeatItem : Item {
  RepeatItem() : Item(Kind::Repeat) {}
  static bool classof(const Item *i) { return i->kind == Kind::Repeat; }

  ExprPtr count;
  bool fresh = false;
  BlockPtr body;
};

/// What `read`, `generate` and `live` share: `read split: reader(...)`
struct OriginItem : Item {
  static bool classof(const Item *i) {
    return i->kind == Kind::Read || i->kind == Kind::Generate || i->kind == Kind::Live;
  }

  std::optional<Name> split;
  ExprPtr value;

protected:
  using Item::Item;
};
struct ReadItem : OriginItem {
  ReadItem() : OriginItem(Kind::Read) {}
  static bool classof(const Item *i) { return i->kind == Kind::Read; }
};
struct GenerateItem : OriginItem {
  GenerateItem() : OriginItem(Kind::Generate) {}
  static bool classof(const Item *i) { return i->kind == Kind::Generate; }
};
struct LiveItem : OriginItem {
  LiveItem() : OriginItem(Kind::Live) {}
  static bool classof(const Item *i) { return i->kind == Kind::Live; }
};

/// `fields name: type, name: type`
struct FieldsItem : Item {
  FieldsItem() : Item(Kind::Fields) {}
  static bool classof(const Item *i) { return i->kind == Kind::Fields; }

  std::vector<RecordType::Field> fields;
};

/// `split name: expr, name: expr of parent by field`
struct SplitItem : Item {
  SplitItem() : Item(Kind::Split) {}
  static bool classof(const Item *i) { return i->kind == Kind::Split; }

  struct Part {
    Name name;
    ExprPtr value;
  };
  std::vector<Part> parts;
  std::optional<Name> parent;
  std::optional<Name> by;
};

/// What `map` and `augment` share: `map a, b = expr views n`
struct MappingItem : Item {
  static bool classof(const Item *i) { return i->kind == Kind::Map || i->kind == Kind::Augment; }

  std::vector<Slot> targets;
  ExprPtr value;
  ExprPtr views; // may be null

protected:
  using Item::Item;
};
struct MapItem : MappingItem {
  MapItem() : MappingItem(Kind::Map) {}
  static bool classof(const Item *i) { return i->kind == Kind::Map; }
};
struct AugmentItem : MappingItem {
  AugmentItem() : MappingItem(Kind::Augment) {}
  static bool classof(const Item *i) { return i->kind == Kind::Augment; }
};

/// `hide field, field in split`
struct HideItem : Item {
  HideItem() : Item(Kind::Hide) {}
  static bool classof(const Item *i) { return i->kind == Kind::Hide; }

  std::vector<Name> fields;
  std::optional<Name> split;
};

/// `load file into slot map { "key" -> "key", "key" -> transposed("key"), "key" -> drop }`
struct LoadItem : Item {
  LoadItem() : Item(Kind::Load) {}
  static bool classof(const Item *i) { return i->kind == Kind::Load; }

  struct Rule {
    Name key;
    std::optional<Name> form;   // how the file has it
    std::optional<Name> target; // absent: drop
  };
  ExprPtr file;
  Slot into;
  std::vector<Rule> rules;
};

} // namespace xfer::dsl

#endif // XFER_DSL_AST_PIPELINE_H
