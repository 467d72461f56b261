//===- Models.cpp - models in their places, as `set` rewrites them, and the files that fill them ------------------===//

#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Value Pipeline::placeModel(const Node<dsl::ModelItem> &node, const std::vector<Rewrite> &rewrites) {
  if (node.item->constructor) {
    Value value = evaluator.evaluate(*node.item->constructor, node.scope);
    return evaluator.place(value, node.name, rewrites, node.item->constructor->range);
  }
  auto instance = std::make_shared<ModuleInstance>();
  instance->path = node.name;
  instance->kind = "model";
  instance->scope = node.scope;
  instance->applied = true;
  evaluator.instances.push_back(instance);
  eachItem(node.item->body->items, node.scope, [&](const dsl::Item &item, const ScopePtr &scope) {
    auto *part = llvm::dyn_cast<dsl::PartItem>(&item);
    if (!part)
      return;
    if (instance->parts.count(part->name.text)) {
      error(part->name.range, "duplicate-name", "'" + node.name + "' has a part '" + part->name.text + "' already");
      return;
    }
    Value value = evaluator.evaluate(*part->value, scope);
    Value placed = evaluator.place(value, node.name + "." + part->name.text, rewrites, part->value->range);
    evaluator.addPart(*instance, part->name.text, placed);
  });
  return Value(Module{instance, nullptr, ModeOverride::FromContext});
}

void Pipeline::collectModelClauses(const Node<dsl::ModelItem> &node) {
  if (!node.item->body)
    return;
  eachItem(node.item->body->items, node.scope, [&](const dsl::Item &item, const ScopePtr &scope) {
    if (auto *freeze = llvm::dyn_cast<dsl::FreezeItem>(&item))
      modelFreezes.push_back({freeze, scope});
    else if (auto *load = llvm::dyn_cast<dsl::LoadItem>(&item))
      loads.push_back({load, scope, node.name});
    else if (!llvm::isa<dsl::PartItem>(item) || node.item->constructor)
      error(item.keyword, "misplaced-item",
            "'" + dsl::getSpelling(item.kind) + "' cannot stand in a model" +
                (llvm::isa<dsl::PartItem>(item) ? Twine(" that is given as a constructor") : Twine()));
  });
}

void Pipeline::placeModels() {
  for (const Node<dsl::ModelItem> &node : models) {
    modelValues[node.name] = placeModel(node, {});
    collectModelClauses(node);
  }
}

/// `set net.trunk with { .. }`: the model again, rewritten below the path. Parameters and states go by their paths, so
/// both share them.
void Pipeline::placeRewritten(StageInfo &stage) {
  if (stage.rewritten)
    return;
  stage.rewritten = true;
  std::map<const Node<dsl::ModelItem> *, std::vector<Rewrite>> rules;
  for (const Clause &clause : stage.sets) {
    auto &set = llvm::cast<dsl::SetItem>(*clause.item);
    std::optional<std::string> path = evaluator.slotName(set.slot, clause.scope);
    if (!path)
      continue;
    const Node<dsl::ModelItem> *model = nullptr;
    for (const Node<dsl::ModelItem> &node : models)
      if (isAtOrBelow(*path, node.name))
        model = &node;
    if (!model) {
      auto names = llvm::map_range(models, [](auto &node) -> llvm::StringRef { return node.name; });
      error(set.slot.range, "unknown-model", "'" + *path + "' is no model" + dsl::suggest(*path, names));
      continue;
    }
    for (const dsl::Rewrite &rule : set.rewrites.rules)
      rules[model].push_back(Rewrite{&rule, clause.scope, evaluator.rewriteCounter(rule), *path});
  }
  for (auto &[model, rewrites] : rules)
    stage.models[model->name] = placeModel(*model, rewrites);
}

void Pipeline::checkModules() {
  std::set<std::string> applied;
  for (auto &instance : evaluator.instances)
    if (instance->applied)
      applied.insert(instance->path);
  // After other mistakes it may be one of them that keeps a module from being applied.
  bool complete = !diagnostics.hasErrors();
  for (auto &instance : evaluator.instances)
    if (complete && !applied.count(instance->path))
      error(instance->constructor->range, "module-not-applied",
            "'" + instance->path +
                "' is never applied, so that the shapes of its parameters are not known; call it, or "
                "leave it out");
  // What is never applied has no parts that a rule could match.
  bool allApplied =
      llvm::all_of(evaluator.instances, [&](auto &instance) { return applied.count(instance->path) != 0; });
  for (auto &[rule, count] : evaluator.rewriteMatches) {
    if (!complete && !allApplied)
      break;
    if (!*count)
      error(rule->selector.range, "selector-matches-nothing",
            "'" + sources.getText(rule->selector.range) + "' matches no part of the module that is rewritten");
    if (!rule->expect)
      continue;
    Value expected = evaluator.evaluate(*rule->expect, programScope);
    if (auto number = expected.asInteger(); number && *number != *count)
      error(rule->selector.range, "selector-count", "expected " + Twine(*number) + " parts, found " + Twine(*count));
  }
  for (auto &[freeze, scope] : modelFreezes) {
    if (freeze->until) {
      error(freeze->until->range, "misplaced-item", "'freeze' in a model holds for ever; 'until' belongs to a stage");
      continue;
    }
    for (Leaf *leaf : select(evaluator, freeze->selectors, scope, &modelFrozen).value_or(std::vector<Leaf *>()))
      modelFrozen.insert(leaf->path);
  }
}

//===--- weight files -------------------------------------------------------------------------------------------===//

const dsl::Expr *Pipeline::namedFile(const dsl::LoadItem &load, std::optional<llvm::StringRef> &layout) {
  auto *call = llvm::dyn_cast<dsl::CallExpr>(load.file.get());
  auto *callee = call ? llvm::dyn_cast<dsl::NameExpr>(call->callee.get()) : nullptr;
  if (!callee || callee->name != "keras")
    return load.file.get();
  layout = "keras";
  if (call->arguments.size() == 1 && !call->arguments[0].name)
    return call->arguments[0].value.get();
  error(call->range, "wrong-type",
        "'keras' says how the weights of one file lie in it: keras(\"weights.safetensors\")");
  return nullptr;
}

void Pipeline::emitLoads() {
  for (const Node<dsl::LoadItem> &node : loads) {
    const dsl::LoadItem &load = *node.item;
    Attribute file;
    std::optional<StringRef> layout;
    const dsl::Expr *named = namedFile(load, layout);
    if (!named)
      continue;
    auto *name = llvm::dyn_cast<dsl::NameExpr>(named);
    for (const Option &option : optionList)
      if (name && option.name == name->name && option.kind == "string")
        file = pipeline::OptionRefAttr::get(&context, option.name);
    if (!file) {
      Value value = evaluator.evaluate(*named, node.scope);
      if (value.isPoison())
        continue;
      if (!value.text()) {
        error(named->range, "wrong-type", "'load' wants the name of a file, found " + value.describe());
        continue;
      }
      file = text(*value.text());
    }
    std::optional<std::string> into = evaluator.slotName(load.into, node.scope);
    if (!into)
      continue;
    std::vector<Leaf *> leaves = evaluator.leavesBelow(*into);
    auto isAt = [&](llvm::StringRef path) { return isAtOrBelow(*into, path); };
    if (leaves.empty() &&
        (llvm::any_of(evaluator.brokenParts, isAt) ||
         llvm::any_of(evaluator.instances, [&](auto &one) { return !one->applied && isAt(one->path); })))
      continue; // which was reported
    if (leaves.empty()) {
      auto paths = llvm::map_range(evaluator.instances, [](auto &one) -> llvm::StringRef { return one->path; });
      error(load.into.range, "unknown-part",
            "'" + *into + "' is no module with parameters" + dsl::suggest(*into, paths));
      continue;
    }
    SmallVector<Attribute> rules, added;
    bool ok = true;
    for (const dsl::LoadItem::Rule &rule : load.rules) {
      if (rule.form && rule.form->text != "transposed") {
        error(rule.form->range, "bad-map",
              "'" + rule.form->text +
                  "' is no way to take a key; its target may be text, transposed(..) of text, or drop");
        ok = false;
        continue;
      }
      llvm::StringRef target = rule.target ? llvm::StringRef(rule.target->text) : "";
      unsigned uses = pipeline::countUses(target);
      std::optional<unsigned> wildcards = pipeline::countWildcards(rule.key.text);
      if (!wildcards || (uses > 1 ? uses != *wildcards : uses > *wildcards)) {
        error(wildcards && rule.target ? rule.target->range : rule.key.range, "bad-map",
              "a key of 'map' is text with '*' and '{a, b}'; its target may repeat what these matched, with one '*' "
              "for all "
              "or one for each");
        ok = false;
        continue;
      }
      rules.push_back(pipeline::LoadRuleAttr::get(&context, rule.key.text,
                                                  rule.target ? text(rule.target->text) : StringAttr(),
                                                  /*transposed=*/rule.form.has_value()));
    }
    for (Leaf *leaf : leaves)
      if (leaf->added) {
        llvm::StringRef below = llvm::StringRef(leaf->path).drop_front(into->size());
        below.consume_front(".");
        added.push_back(text(below));
      }
    if (ok)
      pipeline::LoadOp::create(builder, location(load.range), file, text(*into), builder.getArrayAttr(rules),
                               builder.getArrayAttr(added), text(layout.value_or("")), pipeline::ContentAttr());
  }
}

} // namespace xfer
