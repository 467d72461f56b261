#include "dsl/AST/Printer.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

void Printer::block(const Block *block) {
  if (!block)
    return;
  os << " {\n";
  ++indent;
  for (const ItemPtr &item : block->items)
    print(*item);
  --indent;
  os.indent(2 * indent) << '}';
}

void Printer::signature(const std::vector<Formal> &formals, const TypePtr &result, const Body &body) {
  os << '(';
  list(formals);
  os << ')';
  optional(" -> ", result);
  optional(" = ", body.value);
  block(body.block.get());
}

void Printer::print(const Item &item) {
  os.indent(2 * indent);
  if (!llvm::isa<PartItem>(item))
    os << getSpelling(item.kind) << ' ';
  if (item.kind < Item::Kind::Domain)
    definition(item);
  else
    clause(item);
  os << '\n';
}

void Printer::definition(const Item &item) {
  llvm::TypeSwitch<const Item *>(&item)
      .Case([&](const ImportItem *i) {
        if (i->file)
          os << quote(i->file->text);
        llvm::interleave(i->path, [&](const Name &step) { print(step); }, [&] { os << '.'; });
        optional(" as ", i->alias);
      })
      .Case([&](const ConstItem *i) {
        print(i->name);
        optional(": ", i->type);
        optional(" = ", i->value);
      })
      .Case([&](const ParamItem *i) {
        print(i->slot);
        optional(": ", i->type);
        optional(" = ", i->initial);
        optional(" when ", i->when);
      })
      .Case([&](const StateItem *i) {
        print(i->slot);
        optional(": ", i->type);
        optional(" per ", i->per);
        optional(" = ", i->initial);
        optional(" merge ", i->merge);
        optional(" when ", i->when);
      })
      .Case([&](const UpdateItem *i) {
        print(i->slot);
        optional(" = ", i->value);
        if (i->timing)
          print(*i->timing);
      })
      .Case([&](const LetItem *i) {
        print(i->pattern);
        optional(" = ", i->value);
      })
      .Case([&](const ForItem *i) {
        print(i->pattern);
        optional(" in ", i->iterable);
        block(i->body.get());
      })
      .Case([&](const IfItem *i) {
        print(i->condition);
        block(i->then.get());
        if (i->otherwise)
          os << " else";
        block(i->otherwise.get());
      })
      .Case([&](const PartItem *i) {
        print(i->name);
        optional(" = ", i->value);
      })
      .Case([&](const FnItem *i) {
        print(i->name);
        signature(i->formals, i->result, i->body);
      })
      .Case([&](const ModuleItem *i) {
        print(i->name);
        os << '(';
        list(i->arguments);
        os << ") (";
        list(i->inputs);
        os << ')';
        optional(" -> ", i->result);
        block(i->body.get());
      })
      .Case([&](const ReturnItem *i) { print(i->value); })
      .Case([&](const YieldItem *i) { print(i->value); })
      .Case([&](const NextItem *i) { list(i->carries); });
}

void Printer::print(const Timing &timing) {
  switch (timing.kind) {
  case Timing::Kind::EveryEpoch:
    os << " every epoch";
    break;
  case Timing::Kind::EveryStep:
    os << " every step";
    break;
  case Timing::Kind::EveryEpochs:
  case Timing::Kind::EverySteps:
    optional(" every ", timing.count);
    os << (timing.kind == Timing::Kind::EveryEpochs ? " epochs" : " steps");
    break;
  case Timing::Kind::BeforeStage:
    os << " before stage";
    break;
  case Timing::Kind::AfterStage:
    os << " after stage";
    break;
  }
}

void Printer::print(const Rate &rate) {
  print(rate.selector);
  optional(": ", rate.factor);
  if (rate.pattern) {
    os << " for ";
    print(*rate.pattern);
    optional(" in ", rate.iterable);
  }
}

void Printer::print(const SourceUse &source) {
  print(source.split);
  optional(" as ", source.alias);
  optional(" by ", source.sampler);
  optional(" batch ", source.batch);
  optional(" micro ", source.micro);
  optional(" count ", source.count);
}

void Printer::print(const SplitItem::Part &part) {
  print(part.name);
  optional(": ", part.value);
}

void Printer::print(const SweepItem::Axis &axis) {
  print(axis.name);
  optional(" in ", axis.values);
}

void Printer::print(const LoadItem::Rule &rule) {
  os << quote(rule.key.text) << " -> ";
  if (rule.form)
    os << rule.form->text << "(";
  os << (rule.target ? quote(rule.target->text) : "drop") << (rule.form ? ")" : "");
}

void Printer::print(const ReportItem::Figure &figure) {
  if (figure.name)
    os << figure.name->text << " = ";
  print(figure.value);
}

void Printer::optional(llvm::StringRef before, const std::optional<Selectors> &selectors) {
  if (!selectors)
    return;
  os << before;
  print(*selectors);
}

void Printer::over(const std::vector<ExprPtr> &splits) {
  if (splits.empty())
    return;
  os << " over ";
  list(splits);
}

void Printer::rates(const std::vector<Rate> &rates) {
  if (rates.empty())
    return;
  os << " rate ";
  list(rates);
}

void Printer::updater(const std::optional<Updater> &updater) {
  if (!updater)
    return;
  optional(" using ", updater->optimizer);
  rates(updater->rates);
}

void Printer::clause(const Item &item) {
  llvm::TypeSwitch<const Item *>(&item)
      .Case([&](const DomainItem *i) {
        print(i->slot);
        block(i->body.get());
      })
      .Case([&](const ModelItem *i) {
        print(i->slot);
        optional(" = ", i->constructor);
        block(i->body.get());
      })
      .Case([&](const StageItem *i) {
        print(i->slot);
        if (i->from) {
          os << " from ";
          print(*i->from);
        }
        block(i->body.get());
      })
      .Case([&](const BaselineItem *i) {
        os << i->name.text << " of ";
        print(i->stage);
        block(i->body.get());
      })
      .Case([&](const EvaluateItem *i) {
        list(i->sources);
        block(i->body.get());
      })
      .Case([&](const ExportItem *i) {
        print(i->name);
        signature(i->formals, i->result, i->body);
      })
      .Case([&](const SweepItem *i) {
        list(i->axes);
        block(i->body.get());
      })
      .Case([&](const RepeatItem *i) {
        print(i->count);
        os << (i->fresh ? " fresh" : "");
        block(i->body.get());
      })
      .Case([&](const OriginItem *i) {
        if (i->split)
          os << i->split->text << ": ";
        print(i->value);
      })
      .Case([&](const FieldsItem *i) { list(i->fields); })
      .Case([&](const SplitItem *i) {
        list(i->parts);
        optional(" of ", i->parent);
        optional(" by ", i->by);
      })
      .Case([&](const MappingItem *i) {
        list(i->targets);
        optional(" = ", i->value);
        optional(" views ", i->views);
      })
      .Case([&](const HideItem *i) {
        list(i->fields);
        optional(" in ", i->split);
      })
      .Case([&](const LoadItem *i) {
        print(i->file);
        os << " into ";
        print(i->into);
        if (i->rules.empty())
          return;
        os << " map { ";
        list(i->rules);
        os << " }";
      })
      .Case([&](const OnItem *i) { list(i->sources); })
      .Case([&](const EpochByItem *i) { print(i->source); })
      .Case([&](const LossItem *i) {
        print(i->name);
        optional(" = ", i->value);
      })
      .Case([&](const HoldItem *i) {
        print(i->name);
        optional(" = ", i->value);
      })
      .Case([&](const WatchItem *i) {
        print(i->name);
        optional(" = ", i->value);
        over(i->over);
      })
      .Case([&](const MinimizeItem *i) {
        print(i->value);
        optional(" over ", i->over);
        updater(i->updater);
      })
      .Case([&](const ApplyItem *i) {
        print(i->value);
        os << " to ";
        print(i->to);
        updater(i->updater);
      })
      .Case([&](const RunItem *i) { print(i->value); })
      .Case([&](const FreezeItem *i) {
        print(i->selectors);
        optional(i->unit == FreezeItem::Unit::Epoch ? " until epoch " : " until step ", i->until);
      })
      .Case([&](const SetItem *i) {
        print(i->slot);
        os << " with ";
        print(i->rewrites);
      })
      .Case([&](const OptimizerItem *i) {
        print(i->value);
        optional(" for ", i->selectors);
        rates(i->rates);
      })
      .Case([&](const SettingItem *i) { print(i->value); })
      .Case([&](const KeepItem *i) {
        if (i->mode == KeepItem::Mode::Last) {
          os << "last";
          return;
        }
        os << (i->mode == KeepItem::Mode::Best ? "best " : "least ") << (i->oracle ? "oracle " : "");
        print(i->value);
        over(i->over);
      })
      .Case([&](const StopItem *i) {
        os << "when ";
        print(i->condition);
        over(i->over);
      })
      .Case([&](const PredictItem *i) {
        print(i->value);
        optional(" against ", i->against);
      })
      .Case([&](const ReportItem *i) { list(i->figures); });
}

void xfer::dsl::print(llvm::raw_ostream &os, const File &file) {
  Printer printer(os);
  for (const ItemPtr &item : file.items)
    printer.print(*item);
}
