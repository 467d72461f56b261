//===- Collect.cpp - the items of a program, and the names that they give ----------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"
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
  if (file && imported.insert(file->id).second)
    collect(file->items, programScope);
}

void Pipeline::collectOption(const dsl::ParamItem &param, const ScopePtr &scope) {
  Option option;
  option.name = param.slot.base.text;
  option.range = param.range;
  if (!param.initial) {
    error(param.range, "missing-value", "'param " + option.name + "' needs a value, which is its default");
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
    return;
  }
  if (auto *type = llvm::dyn_cast_or_null<dsl::NamedType>(param.type.get());
      type && type->name.text == "float" && option.kind == "int") {
    option.kind = "float";
    option.value = attributes.getF64FloatAttr(*value.asNumber());
  }
  optionList.push_back(option);
}

void Pipeline::collectItem(const dsl::Item &item, const ScopePtr &scope) {
  auto nameOf = [&](const dsl::Slot &slot) { return evaluator.slotName(slot, scope); };
  auto take = [&](auto *item, const dsl::Slot &slot, auto store) {
    if (std::optional<std::string> name = nameOf(slot))
      store(Node<std::remove_const_t<std::remove_pointer_t<decltype(item)>>>{item, scope, *name});
  };
  llvm::TypeSwitch<const dsl::Item *>(&item)
      .Case<dsl::ImportItem>([&](auto *import) { collectImport(*import); })
      .Case<dsl::ConstItem>([&](auto *item) {
        constants[item->name.text] = {item, scope, item->name.text};
      })
      .Case<dsl::FnItem>([&](auto *fn) { programScope->define(fn->name.text, definitionOf(*fn, programScope)); })
      .Case<dsl::ModuleItem>([&](auto *m) { programScope->define(m->name.text, definitionOf(*m, programScope)); })
      .Case<dsl::ParamItem>([&](auto *param) { collectOption(*param, scope); })
      .Case<dsl::DomainItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::DomainItem> node) {
          DomainInfo domain;
          static_cast<Node<dsl::DomainItem> &>(domain) = node;
          if (domains.emplace(node.name, domain).second)
            domainOrder.push_back(node.name);
        });
      })
      .Case<dsl::ModelItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::ModelItem> node) { models.push_back(node); });
      })
      .Case<dsl::StageItem>([&](auto *item) {
        take(item, item->slot, [&](Node<dsl::StageItem> node) {
          StageInfo stage;
          static_cast<Node<dsl::StageItem> &>(stage) = node;
          stage.key = node.name;
          if (item->from)
            error(item->from->range, "not-supported-yet", "'stage .. from' is not supported yet");
          if (stages.emplace(node.name, std::move(stage)).second)
            order.push_back({Acting::Stage, node.name, {}, {}});
        });
      })
      .Case<dsl::BaselineItem>([&](auto *item) {
        order.push_back({Acting::Baseline, item->name.text, {}, {item, scope, item->name.text}});
      })
      .Case<dsl::EvaluateItem>([&](auto *item) {
        order.push_back({Acting::Evaluate, "", {item, scope, ""}, {}});
      })
      .Case<dsl::ExportItem>([&](auto *item) { exports.push_back({item, scope, item->name.text}); })
      .Default([&](auto *item) {
        error(item->keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item->kind) + "' at the level of the program is not supported yet");
      });
}

//===--- names --------------------------------------------------------------------------------------------------===//

Value Pipeline::constant(const Node<dsl::ConstItem> &node) {
  auto known = constantValues.find(node.name);
  if (known != constantValues.end())
    return known->second;
  if (!evaluatingConstants.insert(node.name).second)
    return error(node.item->name.range, "cyclic-definition", "'" + node.name + "' is defined by itself");
  Value value;
  auto given = options.constants.find(node.name);
  if (given != options.constants.end()) {
    llvm::StringRef text = given->second;
    int64_t integer;
    double number;
    if (!text.getAsInteger(10, integer))
      value = Value(integer);
    else if (!text.getAsDouble(number))
      value = Value(number);
    else if (text == "true" || text == "false")
      value = Value(text == "true");
    else
      value = Value::string(text);
  } else {
    value = evaluator.evaluate(*node.item->value, node.scope);
  }
  evaluatingConstants.erase(node.name);
  if (value.tensor())
    value = error(node.item->value->range, "constant-not-known",
                  "a 'const' of the program is known at compile time: a number, string or list");
  return constantValues[node.name] = value;
}

std::optional<Value> Pipeline::lookup(llvm::StringRef name, dsl::SourceRange range) {
  if (current) {
    if (auto held = current->holds.find(name.str()); held != current->holds.end())
      return held->second;
    if (current->stage) {
      auto found = current->stage->definitions.find(name.str());
      if (found != current->stage->definitions.end())
        return evaluateDefinition(name, found->second, range);
    }
    for (const SourceInfo &source : current->sources)
      if (source.name == name)
        return Value(Place{Place::Source, name.str(), ""});
    if (current->stage) {
      auto leaf = evaluator.leaves.find(current->stage->name + "." + name.str());
      if (leaf != evaluator.leaves.end() && leaf->second->owner == "stage:" + current->stage->name)
        return Value(evaluator.function().read(*leaf->second));
    }
  }
  if (auto found = constants.find(name.str()); found != constants.end())
    return constant(found->second);
  for (const Option &option : optionList)
    if (option.name == name) {
      if (option.kind == "string")
        return Value::string(llvm::cast<StringAttr>(option.value).getValue());
      if (evaluator.functions.empty())
        return error(range, "param-at-compile-time",
                     "'" + name + "' is a 'param', known only when the program runs; what is needed here must be a "
                     "'const'");
      bool integer = option.kind != "float";
      Type element = integer ? Type(builder.getI32Type()) : Type(builder.getF32Type());
      return Value(Tensor{evaluator.function().argument(pipeline::BindKind::Option, name,
                                                        RankedTensorType::get({}, element)),
                          {}});
    }
  if (auto found = modelValues.find(name.str()); found != modelValues.end())
    return found->second;
  bool family = false;
  for (const std::string &domain : domainOrder) {
    if (domain == name)
      return Value(Place{Place::Domain, name.str(), ""});
    family |= llvm::StringRef(domain).starts_with(name.str() + "[");
  }
  if (family)
    return Value(Place{Place::Domain, name.str(), ""});
  if (stages.count(name.str()))
    return Value(Place{Place::Stage, name.str(), ""});
  for (auto &entry : stages)
    if (llvm::StringRef(entry.first).starts_with(name.str() + "["))
      return Value(Place{Place::Stage, name.str(), ""});
  return std::nullopt;
}

void Pipeline::collectNames(llvm::function_ref<void(llvm::StringRef)> visit) const {
  for (auto &entry : constants)
    visit(entry.first);
  for (const Option &option : optionList)
    visit(option.name);
  for (auto &entry : modelValues)
    visit(entry.first);
  for (const std::string &domain : domainOrder)
    visit(domain);
  if (current && current->stage)
    for (auto &entry : current->stage->definitions)
      visit(entry.first);
  loader.eachLibraryName(visit);
}

std::optional<Value> Pipeline::library(llvm::StringRef name) {
  auto known = libraryValues.find(name.str());
  if (known != libraryValues.end())
    return known->second;
  const dsl::File *file = loader.library(name);
  if (!file)
    return std::nullopt;
  evaluator.libraryFiles.insert(file->id);
  std::optional<Value> result;
  for (const dsl::ItemPtr &item : file->items) {
    if (auto *constant = llvm::dyn_cast<dsl::ConstItem>(item.get())) {
      libraryValues[constant->name.text] = evaluator.evaluate(*constant->value, libraryScope);
    } else if (llvm::isa<dsl::FnItem, dsl::ModuleItem>(item.get())) {
      Value value = definitionOf(*item, libraryScope);
      libraryValues[value.function()->name] = value;
    }
  }
  known = libraryValues.find(name.str());
  return known == libraryValues.end() ? std::nullopt : std::optional(known->second);
}

Value Pipeline::family(const Place &place, const Value &index, dsl::SourceRange range) {
  std::optional<std::string> text = Evaluator::indexText(index);
  if (!text)
    return error(range, "bad-index", "the index of a family is a string or an int, found " + index.describe());
  std::string name = place.name + "[" + *text + "]";
  bool known = place.kind == Place::Domain ? domains.count(name) != 0 : stages.count(name) != 0;
  if (!known)
    return error(range, "unknown-name", "there is no '" + name + "'");
  // Where the domain is a source under its own name, its batch is meant.
  if (current && place.kind == Place::Domain)
    for (const SourceInfo &source : current->sources)
      if (source.name == name)
        return Value(Place{Place::Source, name, ""});
  return Value(Place{place.kind, name, ""});
}

void Pipeline::placeModels() {
  for (const Node<dsl::ModelItem> &node : models) {
    if (node.item->constructor) {
      Value value = evaluator.evaluate(*node.item->constructor, node.scope);
      modelValues[node.name] = evaluator.place(value, node.name, {}, node.item->constructor->range);
    } else {
      auto instance = std::make_shared<ModuleInstance>();
      instance->path = node.name;
      instance->kind = "model";
      instance->scope = node.scope;
      instance->applied = true;
      modelValues[node.name] = Value(Module{instance, nullptr, ModeOverride::FromContext});
      evaluator.instances.push_back(instance);
    }
    if (!node.item->body)
      continue;
    eachItem(node.item->body->items, node.scope, [&](const dsl::Item &item, const ScopePtr &scope) {
      if (auto *part = llvm::dyn_cast<dsl::PartItem>(&item)) {
        const Module *model = modelValues[node.name].module();
        if (!model)
          return;
        Value value = evaluator.evaluate(*part->value, scope);
        Value placed = evaluator.place(value, node.name + "." + part->name.text, {}, part->value->range);
        if (!placed.isPoison())
          evaluator.addPart(*model->instance, part->name.text, placed);
      } else if (auto *freeze = llvm::dyn_cast<dsl::FreezeItem>(&item)) {
        modelFreezes.push_back({freeze, scope});
      } else if (auto *load = llvm::dyn_cast<dsl::LoadItem>(&item)) {
        loads.push_back({load, scope});
      } else {
        error(item.keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item.kind) + "' in a model is not supported yet");
      }
    });
  }
}

} // namespace xfer
