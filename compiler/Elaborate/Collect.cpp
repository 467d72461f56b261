//===- Collect.cpp - the items of a program, and the names that they give -----------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

void Pipeline::eachItem(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope,
                        llvm::function_ref<void(const dsl::Item &, const ScopePtr &)> visit) {
  for (const dsl::ItemPtr &item : items) {
    if (auto *loop = llvm::dyn_cast<dsl::ForItem>(item.get())) {
      std::optional<std::vector<Value>> all =
          evaluator.elements(evaluator.evaluate(*loop->iterable, scope), loop->iterable->range);
      for (const Value &element : all.value_or(std::vector<Value>())) {
        ScopePtr inner = Scope::inside(scope);
        if (evaluator.bindPattern(loop->pattern, element, *inner, loop->iterable->range))
          eachItem(loop->body->items, inner, visit);
      }
    } else if (auto *branch = llvm::dyn_cast<dsl::IfItem>(item.get())) {
      std::optional<bool> chosen = evaluator.condition(*branch->condition, scope);
      const dsl::Block *block = !chosen ? nullptr : *chosen ? branch->then.get() : branch->otherwise.get();
      if (block)
        eachItem(block->items, scope, visit);
    } else {
      visit(*item, scope);
    }
  }
}

void Pipeline::collect(const std::vector<dsl::ItemPtr> &items, const ScopePtr &scope) {
  // Definitions first: a `for` over a constant may stand before it.
  for (const dsl::ItemPtr &item : items)
    if (llvm::isa<dsl::ImportItem, dsl::ConstItem, dsl::FnItem, dsl::ModuleItem, dsl::ParamItem>(item.get()))
      collectItem(*item, scope);
  eachItem(items, scope, [&](const dsl::Item &item, const ScopePtr &inner) {
    if (!llvm::isa<dsl::ImportItem, dsl::ConstItem, dsl::FnItem, dsl::ModuleItem, dsl::ParamItem>(&item))
      collectItem(item, inner);
  });
}

Value Pipeline::definitionOf(const dsl::Item &item, const ScopePtr &closure) {
  auto function = std::make_shared<Function>();
  function->closure = closure;
  if (auto *fn = llvm::dyn_cast<dsl::FnItem>(&item)) {
    function->name = fn->name.text;
    function->definition = fn;
  } else {
    auto &module = llvm::cast<dsl::ModuleItem>(item);
    function->name = module.name.text;
    function->module = &module;
  }
  return Value(std::shared_ptr<const Function>(function));
}

void Pipeline::collectImport(const dsl::ImportItem &import) {
  if (!import.file)
    return; // `import std`: the library is visible everywhere
  const dsl::File *file = loader.import(import.file->text, import.range.file, import.file->range);
  if (!file || !imported.insert(file->id).second)
    return;
  evaluator.registerItems(file->items);
  collect(file->items, programScope);
}

void Pipeline::collectOption(const dsl::ParamItem &param, const ScopePtr &scope) {
  Option option;
  option.name = param.slot.base.text;
  option.range = param.range;
  option.keyword = param.keyword;
  static constexpr llvm::StringRef reserved[] = {
#define XFER_OPTION(NAME) #NAME,
#include "xfer/rt/options.def"
  };
  if (llvm::is_contained(reserved, option.name))
    error(param.slot.range, "reserved-option",
          "every program has an option '" + option.name + "'; give this 'param' another name");
  if (!param.initial) {
    error(param.range, "missing-value", "'param " + option.name + "' needs a value, which is its default");
    option.kind = "float";
    option.value = Builder(&context).getF64FloatAttr(0);
    optionList.push_back(option);
    return;
  }
  Value value = evaluator.evaluate(*param.initial, scope);
  if (value.isPoison())
    return;
  Builder attributes(&context);
  if (auto *text = value.text()) {
    option.kind = "string";
    option.value = attributes.getStringAttr(*text);
  } else if (auto *flag = value.get<bool>()) {
    option.kind = "bool";
    option.value = attributes.getBoolAttr(*flag);
  } else if (auto number = value.asInteger()) {
    option.kind = "int";
    option.value = attributes.getI64IntegerAttr(*number);
  } else if (auto number = value.asNumber()) {
    option.kind = "float";
    option.value = attributes.getF64FloatAttr(*number);
  } else {
    error(param.initial->range, "wrong-type",
          "a 'param' of the program is a number, bool or string, found " + value.describe());
    scope->define(option.name, Value()); // so that nothing complains about the name
    return;
  }
  if (option.kind == "int" && !llvm::isInt<32>(*value.asInteger()))
    error(param.initial->range, "number-too-large", "an int 'param' has 32 bits; write a float, such as 1e12");
  if (auto *type = llvm::dyn_cast_or_null<dsl::NamedType>(param.type.get());
      type && type->name.text == "float" && option.kind == "int") {
    option.kind = "float";
    option.value = attributes.getF64FloatAttr(*value.asNumber());
  }
  optionList.push_back(option);
}

/// `repeat k { stages }`: the items once, in a body that runs k times.
void Pipeline::collectRepeat(const dsl::RepeatItem &repeat, const ScopePtr &scope) {
  std::optional<int64_t> times =
      evaluator.evaluateInt(*repeat.count, scope, 1, 100000, "wrong-type", "'repeat' wants an int from 1 to 100000");
  if (repeat.fresh)
    error(repeat.keyword, "misplaced-item", "'fresh' draws batches in a stage; a 'repeat' around stages has none");
  if (!times)
    return;
  Acting acting{Acting::Repeat, "", &repeat, scope};
  acting.count = *times;
  std::vector<Acting> *before = collecting;
  collecting = &acting.body;
  eachItem(repeat.body->items, scope, [&](const dsl::Item &item, const ScopePtr &inner) { collectItem(item, inner); });
  collecting = before;
  collecting->push_back(std::move(acting));
}

/// `sweep p in [..] { stages; keep best E }`: the items once, in a body that runs at every point.
void Pipeline::collectSweep(const dsl::SweepItem &sweep, const ScopePtr &scope) {
  Acting acting{Acting::Sweep, "", &sweep, scope};
  std::vector<Acting> *before = collecting;
  collecting = &acting.body;
  eachItem(sweep.body->items, scope, [&](const dsl::Item &item, const ScopePtr &inner) {
    if (!llvm::isa<dsl::KeepItem>(&item))
      collectItem(item, inner);
    else if (acting.keep.item)
      error(item.keyword, "duplicate-clause", "'keep' stands twice in this sweep");
    else
      acting.keep = {&item, inner};
  });
  collecting = before;
  collecting->push_back(std::move(acting));
}

void Pipeline::collectItem(const dsl::Item &item, const ScopePtr &scope) {
  auto nameOf = [&](const dsl::Slot &slot) { return evaluator.slotName(slot, scope); };
  auto take = [&](auto *item, const dsl::Slot &slot, auto store) {
    if (std::optional<std::string> name = nameOf(slot))
      store(Node<std::remove_const_t<std::remove_pointer_t<decltype(item)>>>{item, scope, *name});
  };
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::ImportItem>([&](auto *import) { collectImport(*import); })
      .Case<dsl::ConstItem>([&](auto *item) { constants[item->name.text] = {item, scope, item->name.text}; })
      .Case<dsl::FnItem>([&](auto *fn) { programScope->define(fn->name.text, definitionOf(*fn, definitionScope)); })
      .Case<dsl::ModuleItem>([&](auto *m) { programScope->define(m->name.text, definitionOf(*m, definitionScope)); })
      .Case<dsl::ParamItem>([&](auto *param) { collectOption(*param, scope); })
      .Case<dsl::DomainItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::DomainItem> node) {
          DomainInfo domain;
          static_cast<Node<dsl::DomainItem> &>(domain) = node;
          if (domains.emplace(node.name, domain).second)
            domainOrder.push_back(node.name);
          // Of two things with one name, which was reported, the domain is the one that others read.
          llvm::erase_if(optionList, [&](const Option &option) { return option.name == node.name; });
        });
      })
      .Case<dsl::ModelItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::ModelItem> node) {
          // A second one of that name was reported; the first is what others read.
          if (llvm::none_of(models, [&](const Node<dsl::ModelItem> &known) { return known.name == node.name; }))
            models.push_back(node);
        });
      })
      .Case<dsl::StageItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::StageItem> node) {
          StageInfo stage;
          static_cast<Node<dsl::StageItem> &>(stage) = node;
          stage.key = node.name;
          if (item->from)
            stage.from = nameOf(*item->from).value_or("");
          if (stages.emplace(node.name, std::move(stage)).second)
            collecting->push_back({Acting::Stage, node.name, item, scope});
        });
      })
      .Case<dsl::BaselineItem>([&](auto *item) {
        collecting->push_back({Acting::Baseline, item->name.text, item, scope});
        baselines.push_back({item, scope, item->name.text});
      })
      .Case<dsl::EvaluateItem>([&](auto *item) { collecting->push_back({Acting::Evaluate, "", item, scope}); })
      .Case<dsl::StateItem>([&](auto *item) {
        if (std::optional<std::string> name = nameOf(item->slot))
          collecting->push_back({Acting::State, *name, item, scope});
      })
      .Case<dsl::UpdateItem>([&](auto *item) {
        if (item->timing)
          error(item->timing->range, "misplaced-item",
                "an 'update' of the program runs where it stands; a time belongs to those of a stage");
        collecting->push_back({Acting::Update, "", item, scope});
      })
      .Case<dsl::ReportItem>([&](auto *item) { collecting->push_back({Acting::Report, "", item, scope}); })
      .Case<dsl::RepeatItem>([&](auto *repeat) { collectRepeat(*repeat, scope); })
      .Case<dsl::SweepItem>([&](auto *sweep) { collectSweep(*sweep, scope); })
      // `x = e` and `let` are mistakes here, which were reported; the names are no further ones.
      .Case<dsl::PartItem>([&](auto *part) { programScope->define(part->name.text, Value()); })
      .Case<dsl::LetItem>([&](auto *let) {
        for (const dsl::Name &name : let->pattern.names)
          programScope->define(name.text, Value());
      })
      .Case<dsl::ExportItem>([&](auto *item) { exports.push_back({item, scope, item->name.text}); })
      .Default([&](auto *item) {
        error(item->keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item->kind) + "' at the level of the program is not supported yet");
      });
}

} // namespace xfer
