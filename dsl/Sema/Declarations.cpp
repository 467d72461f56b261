#include "dsl/Sema/Declarations.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace xfer::dsl;

void Declarations::add(const File &file) { add(file.items, /*conditional=*/false); }

void Declarations::add(llvm::ArrayRef<ItemPtr> items, bool conditional) {
  auto slot = [&](const Item &item, const Slot &slot) { add(item, slot.base, !slot.steps.empty(), conditional); };
  for (const ItemPtr &item : items)
    llvm::TypeSwitch<const Item *>(item.get())
        .Case<ConstItem, FnItem, ModuleItem, BaselineItem, ExportItem>(
            [&](const auto *i) { add(*i, i->name, /*family=*/false, conditional); })
        .Case<ParamItem, StateItem, ModelItem>([&](const auto *i) { slot(*i, i->slot); })
        .Case([&](const StageItem *i) { slot(*i, i->slot); })
        .Case([&](const DomainItem *i) {
          slot(*i, i->slot);
          add(*i);
        })
        .Case<ForItem, RepeatItem, SweepItem>([&](const auto *i) { add(i->body->items, conditional); })
        .Case([&](const IfItem *i) {
          add(i->then->items, /*conditional=*/true);
          if (i->otherwise)
            add(i->otherwise->items, /*conditional=*/true);
        });
}

void Declarations::add(const Item &item, const Name &name, bool family, bool conditional) {
  first.try_emplace(name.text, all.size());
  all.push_back({item.kind, name, item.keyword, family, conditional});
}

void Declarations::add(const DomainItem &domain) { addContents(domains[domain.slot.base.text], domain.body.get()); }

void Declarations::addContents(DomainFacts &facts, const Block *block) {
  if (!block)
    return;
  for (const ItemPtr &item : block->items)
    llvm::TypeSwitch<const Item *>(item.get())
        .Case([&](const FieldsItem *i) {
          for (const RecordType::Field &field : i->fields)
            facts.fields.push_back(field.name);
        })
        .Case([&](const OriginItem *i) {
          if (i->split)
            facts.splits.push_back(*i->split);
        })
        .Case([&](const SplitItem *i) {
          for (const SplitItem::Part &part : i->parts)
            facts.splits.push_back(part.name);
        })
        .Case([&](const ForItem *i) { addContents(facts, i->body.get()); })
        .Case([&](const IfItem *i) {
          addContents(facts, i->then.get());
          addContents(facts, i->otherwise.get());
        });
}

const Declaration *Declarations::find(llvm::StringRef name) const {
  auto entry = first.find(name);
  return entry == first.end() ? nullptr : &all[entry->second];
}

const Declaration *Declarations::find(llvm::StringRef name, llvm::ArrayRef<Item::Kind> kinds) const {
  auto found = llvm::find_if(
      all, [&](const Declaration &d) { return d.name.text == name && llvm::is_contained(kinds, d.kind); });
  return found == all.end() ? nullptr : &*found;
}

std::vector<llvm::StringRef> Declarations::getNames(llvm::ArrayRef<Item::Kind> kinds) const {
  std::vector<llvm::StringRef> names;
  for (const Declaration &declaration : all)
    if (llvm::is_contained(kinds, declaration.kind))
      names.push_back(declaration.name.text);
  return names;
}

const DomainFacts *Declarations::findDomain(llvm::StringRef name) const {
  auto entry = domains.find(name);
  return entry == domains.end() ? nullptr : &entry->second;
}
