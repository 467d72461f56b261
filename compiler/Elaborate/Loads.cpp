//===- Loads.cpp - `load file into part map { key -> path }` ------------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

void Pipeline::emitLoad(const dsl::LoadItem &load, const ScopePtr &scope) {
  // An option stays one: `--start other.safetensors` chooses the file when the program runs.
  Attribute file;
  auto *option = llvm::dyn_cast<dsl::NameExpr>(load.file.get());
  if (option && llvm::any_of(optionList, [&](const Option &one) { return one.name == option->name; })) {
    file = pipeline::OptionRefAttr::get(&context, option->name);
  } else {
    Value value = evaluator.evaluate(*load.file, scope);
    if (const std::string *text = value.text())
      file = builder.getStringAttr(*text);
    else if (!value.isPoison())
      error(load.file->range, "wrong-type", "'load' wants the name of a safetensors file, found " + value.describe());
  }
  std::optional<std::string> into = evaluator.slotName(load.into, scope);
  if (!file || !into)
    return;
  const std::string prefix = *into + ".";
  if (llvm::none_of(evaluator.leafOrder,
                    [&](const Leaf *leaf) { return llvm::StringRef(leaf->path).starts_with(prefix); })) {
    error(load.into.range, "unknown-part", "there is no parameter below '" + *into + "'");
    return;
  }
  SmallVector<Attribute> rules;
  for (const dsl::LoadItem::Rule &rule : load.rules)
    rules.push_back(pipeline::LoadRuleAttr::get(&context, rule.key.text,
                                                rule.target ? builder.getStringAttr(rule.target->text) : StringAttr()));
  pipeline::LoadOp::create(builder, location(load.range), file, builder.getStringAttr(*into),
                           builder.getArrayAttr(rules), builder.getStrArrayAttr({}));
}

} // namespace xfer
