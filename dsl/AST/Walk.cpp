#include "dsl/AST/Walk.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

Walker::~Walker() = default;

void Walker::walk(const File &file) {
  for (const ItemPtr &item : file.items)
    walk(*item);
}

void Walker::walk(const Block *block) {
  if (!block)
    return;
  for (const ItemPtr &item : block->items)
    walk(*item);
}

void Walker::walk(const Item &item) {
  if (!enter(item))
    return;
  walkInside(item);
  leave(item);
}

void Walker::walk(const Expr &expr) {
  if (!enter(expr))
    return;
  walkInside(expr);
  leave(expr);
}

void Walker::walk(const Type &type) {
  if (enter(type))
    walkInside(type);
}

void Walker::walk(const ExprPtr &expr) {
  if (expr)
    walk(*expr);
}

void Walker::walk(const TypePtr &type) {
  if (type)
    walk(*type);
}

void Walker::walk(const Body &body) {
  walk(body.value);
  walk(body.block.get());
}

void Walker::walk(const Slot &slot) {
  for (const SlotStep &step : slot.steps)
    walk(step.indices);
}

void Walker::walk(const Selector &selector) {
  for (const Segment &segment : selector.segments)
    for (const Segment::Index &index : segment.indices)
      walk(index.value);
}

void Walker::walk(const Selectors &selectors) {
  for (const Selector &one : selectors.included)
    walk(one);
  for (const Selector &one : selectors.except)
    walk(one);
  walk(selectors.expect);
}

void Walker::walk(const Rewrites &rewrites) {
  for (const Rewrite &rule : rewrites.rules) {
    walk(rule.selector);
    walk(rule.replacement);
    walk(rule.expect);
  }
}

void Walker::walk(const std::optional<Updater> &updater) {
  if (!updater)
    return;
  walk(updater->optimizer);
  walk(updater->rates);
}

void Walker::walk(llvm::ArrayRef<ExprPtr> exprs) {
  for (const ExprPtr &expr : exprs)
    walk(expr);
}

void Walker::walk(llvm::ArrayRef<TypePtr> types) {
  for (const TypePtr &type : types)
    walk(type);
}

void Walker::walk(llvm::ArrayRef<Dim> dims) {
  for (const Dim &dim : dims) {
    if (!enter(dim))
      continue;
    walk(dim.value);
    leave(dim);
  }
}

void Walker::walk(llvm::ArrayRef<Argument> arguments) {
  for (const Argument &argument : arguments)
    walk(argument.value);
}

void Walker::walk(llvm::ArrayRef<Carry> carries) {
  for (const Carry &carry : carries)
    walk(carry.value);
}

void Walker::walk(llvm::ArrayRef<Formal> formals) {
  for (const Formal &formal : formals) {
    walk(formal.type);
    walk(formal.defaultValue);
  }
}

void Walker::walk(llvm::ArrayRef<Rate> rates) {
  for (const Rate &rate : rates) {
    walk(rate.selector);
    walk(rate.factor);
    walk(rate.iterable);
  }
}

void Walker::walk(llvm::ArrayRef<SourceUse> sources) {
  for (const SourceUse &source : sources) {
    walk(source.split);
    walk(source.sampler);
    walk(source.batch);
    walk(source.micro);
    walk(source.count);
  }
}

void Walker::walk(llvm::ArrayRef<RecordType::Field> fields) {
  for (const RecordType::Field &field : fields)
    walk(field.type);
}

void Walker::walkInside(const Expr &expr) {
  llvm::TypeSwitch<const Expr *>(&expr)
      .Case([&](const RecordExpr *e) {
        for (const RecordExpr::Field &field : e->fields)
          walk(field.value);
      })
      .Case([&](const TupleExpr *e) { walk(e->elements); })
      .Case([&](const ListExpr *e) { walk(e->elements); })
      .Case([&](const ComprehensionExpr *e) {
        walk(e->element);
        walk(e->iterable);
      })
      .Case([&](const UnaryExpr *e) { walk(e->operand); })
      .Case([&](const BinaryExpr *e) {
        walk(e->lhs);
        walk(e->rhs);
      })
      .Case([&](const ConditionalExpr *e) {
        walk(e->value);
        walk(e->condition);
        walk(e->otherwise);
      })
      .Case([&](const LambdaExpr *e) { walk(e->body); })
      .Case([&](const EachExpr *e) {
        walk(e->source);
        walk(e->along);
        walk(e->body);
      })
      .Case([&](const ScanExpr *e) {
        walk(e->source);
        walk(e->along);
        walk(e->carries);
        walk(e->whileCondition);
        walk(e->body);
      })
      .Case([&](const MemberExpr *e) { walk(e->object); })
      .Case([&](const CallExpr *e) {
        walk(e->callee);
        walk(e->arguments);
      })
      .Case([&](const IndexExpr *e) {
        walk(e->object);
        for (const IndexExpr::Item &item : e->items) {
          walk(item.low);
          walk(item.high);
        }
      })
      .Case([&](const WithExpr *e) {
        walk(e->object);
        walk(e->rewrites);
      })
      .Case([&](const AtExpr *e) {
        walk(e->object);
        walk(e->slot);
      })
      .Default([](const Expr *) {});
}

void Walker::walkInside(const Type &type) {
  llvm::TypeSwitch<const Type *>(&type)
      .Case([&](const ModuleType *t) {
        walk(t->inputs);
        walk(t->result);
      })
      .Case([&](const FnType *t) {
        walk(t->inputs);
        walk(t->result);
      })
      .Case([&](const LikeType *t) { walk(t->slot); })
      .Case([&](const RecordType *t) { walk(t->fields); })
      .Case([&](const DimsType *t) { walk(t->dims); })
      .Case([&](const NamedType *t) {
        walk(t->arguments);
        if (t->dims)
          walk(*t->dims);
      });
}

void Walker::walkInside(const Item &item) {
  llvm::TypeSwitch<const Item *>(&item)
      .Case([&](const ConstItem *i) {
        walk(i->type);
        walk(i->value);
      })
      .Case([&](const ParamItem *i) {
        walk(i->slot);
        walk(i->type);
        walk(i->initial);
        walk(i->when);
      })
      .Case([&](const StateItem *i) {
        walk(i->slot);
        walk(i->type);
        walk(i->initial);
        walk(i->when);
      })
      .Case([&](const UpdateItem *i) {
        walk(i->slot);
        walk(i->value);
        if (i->timing)
          walk(i->timing->count);
      })
      .Case([&](const LetItem *i) { walk(i->value); })
      .Case([&](const ForItem *i) {
        walk(i->iterable);
        walk(i->body.get());
      })
      .Case([&](const IfItem *i) {
        walk(i->condition);
        walk(i->then.get());
        walk(i->otherwise.get());
      })
      .Case([&](const PartItem *i) { walk(i->value); })
      .Case([&](const FnItem *i) {
        walk(i->formals);
        walk(i->result);
        walk(i->body);
      })
      .Case([&](const ModuleItem *i) {
        walk(i->arguments);
        walk(i->inputs);
        walk(i->result);
        walk(i->body.get());
      })
      .Case<ReturnItem, YieldItem>([&](const auto *i) { walk(i->value); })
      .Case([&](const NextItem *i) { walk(i->carries); })
      .Default([&](const Item *i) { walkClause(*i); });
}

void Walker::walkClause(const Item &item) {
  llvm::TypeSwitch<const Item *>(&item)
      .Case([&](const DomainItem *i) {
        walk(i->slot);
        walk(i->body.get());
      })
      .Case([&](const ModelItem *i) {
        walk(i->slot);
        walk(i->constructor);
        walk(i->body.get());
      })
      .Case([&](const StageItem *i) {
        walk(i->slot);
        if (i->from)
          walk(*i->from);
        walk(i->body.get());
      })
      .Case([&](const BaselineItem *i) {
        walk(i->stage);
        walk(i->body.get());
      })
      .Case([&](const EvaluateItem *i) {
        walk(i->sources);
        walk(i->body.get());
      })
      .Case([&](const ExportItem *i) {
        walk(i->formals);
        walk(i->result);
        walk(i->body);
      })
      .Case([&](const SweepItem *i) {
        for (const SweepItem::Axis &axis : i->axes)
          walk(axis.values);
        walk(i->body.get());
      })
      .Case([&](const RepeatItem *i) {
        walk(i->count);
        walk(i->body.get());
      })
      .Case([&](const OriginItem *i) { walk(i->value); })
      .Case([&](const FieldsItem *i) { walk(i->fields); })
      .Case([&](const SplitItem *i) {
        for (const SplitItem::Part &part : i->parts)
          walk(part.value);
      })
      .Case([&](const MappingItem *i) {
        for (const Slot &target : i->targets)
          walk(target);
        walk(i->value);
        walk(i->views);
      })
      .Case([&](const LoadItem *i) {
        walk(i->file);
        walk(i->into);
      })
      .Case([&](const OnItem *i) { walk(i->sources); })
      .Case<LossItem, HoldItem, RunItem, SettingItem>([&](const auto *i) { walk(i->value); })
      .Case<WatchItem, KeepItem>([&](const auto *i) {
        walk(i->value);
        walk(i->over);
      })
      .Case([&](const MinimizeItem *i) {
        walk(i->value);
        if (i->over)
          walk(*i->over);
        walk(i->updater);
      })
      .Case([&](const ApplyItem *i) {
        walk(i->value);
        walk(i->to);
        walk(i->updater);
      })
      .Case([&](const FreezeItem *i) {
        walk(i->selectors);
        walk(i->until);
      })
      .Case([&](const SetItem *i) {
        walk(i->slot);
        walk(i->rewrites);
      })
      .Case([&](const OptimizerItem *i) {
        walk(i->value);
        if (i->selectors)
          walk(*i->selectors);
        walk(i->rates);
      })
      .Case([&](const StopItem *i) {
        walk(i->condition);
        walk(i->over);
      })
      .Case([&](const PredictItem *i) {
        walk(i->value);
        walk(i->against);
      })
      .Case([&](const ReportItem *i) {
        for (const ReportItem::Figure &figure : i->figures)
          walk(figure.value);
      })
      .Default([](const Item *) {});
}
