//===- Carries.cpp - what a `scan` hands on to its next step ------------------------------------------------------===//

#include "compiler/Elaborate/Carries.h"
#include "compiler/Elaborate/Emit.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// A (nested) list of numbers is one tensor, as everywhere; any other list is a list of carries.
static bool isNumbers(const Value &value) {
  const List *list = value.list();
  return list ? !list->elements.empty() && llvm::all_of(list->elements, isNumbers) : value.isNumber();
}

bool Carry::begin(const Value &value, dsl::SourceRange range) {
  bool ok = true;
  auto leaf = [&](const Value &one) {
    if (const Module *module = one.module()) {
      parameters.push_back(evaluator.parameters(*module, range));
      for (auto &[path, parameter] : parameters.back()->leaves)
        if (parameter.tensor())
          tensors.push_back(*parameter.tensor());
      return one;
    }
    if (one.isNone() || one.text())
      return one;
    std::optional<Tensor> tensor = evaluator.toTensor(one, range);
    ok &= tensor.has_value();
    if (!tensor)
      return Value();
    tensor->value = annotate(evaluator.builder(), evaluator.location(range), tensor->value, nn::Meaning());
    tensors.push_back(*tensor);
    return Value(*tensor);
  };
  first = isNumbers(value) ? leaf(value) : mapLeaves(value, leaf);
  return ok;
}

Value Carry::with(llvm::ArrayRef<mlir::Value> values) const {
  size_t next = 0, module = 0;
  auto tensor = [&] {
    size_t number = next++;
    return Value(Tensor{values[number], tensors[number].axes});
  };
  return mapLeaves(first, [&](const Value &one) {
    if (!one.module())
      return one.tensor() ? tensor() : one;
    Tree tree;
    for (auto &[path, parameter] : parameters[module++]->leaves)
      tree.leaves[path] = parameter.tensor() ? tensor() : parameter;
    return evaluator.withParameters(*one.module(), tree);
  });
}

static std::string described(const Value &value) {
  const Record *record = value.record();
  if (!record)
    return value.describe();
  std::string text = "a record (";
  for (auto [i, field] : llvm::enumerate(record->fields))
    text += (i ? ", " : "") + field.first;
  return text + ")";
}

bool Carry::match(const Value &first, const Value &next, size_t &module, std::vector<Tensor> &taken) const {
  if (next.isPoison())
    return false;
  auto differs = [&] {
    evaluator.error(name.range, "carry-differs",
                    "a carry is made in every step as it was first; in '" + name.text + "' " + described(first) +
                        " becomes " + described(next));
    return false;
  };
  if (const List *list = first.list()) {
    const List *other = next.list();
    if (!other || other->elements.size() != list->elements.size())
      return differs();
    return llvm::all_of(llvm::zip_equal(list->elements, other->elements),
                        [&](auto both) { return match(std::get<0>(both), std::get<1>(both), module, taken); });
  }
  if (const Record *record = first.record()) {
    const Record *other = next.record();
    if (!other || other->fields.size() != record->fields.size())
      return differs();
    for (auto &[field, value] : record->fields)
      if (!other->find(field))
        return differs();
    return llvm::all_of(record->fields,
                        [&](auto &field) { return match(field.second, *other->find(field.first), module, taken); });
  }
  if (first.tree() || first.module()) {
    const Tree *own = first.tree() ? first.tree() : parameters[module++].get();
    std::shared_ptr<const Tree> made = next.module() ? evaluator.parameters(*next.module(), name.range) : nullptr;
    const Tree *other = made ? made.get() : next.tree();
    if (!other || other->stacked || other->leaves.size() != own->leaves.size())
      return differs();
    return llvm::all_of(own->leaves, [&](auto &leaf) {
      auto found = other->leaves.find(leaf.first);
      return found == other->leaves.end() ? differs() : match(leaf.second, found->second, module, taken);
    });
  }
  if (first.isNone())
    return next.isNone() || differs();
  if (first.text())
    return (next.text() && *next.text() == *first.text()) || differs();
  if (next.record() || next.tree() || next.module() || next.isNone())
    return differs();
  std::optional<Tensor> tensor = evaluator.toTensor(next, name.range);
  if (tensor)
    taken.push_back(*tensor);
  return tensor.has_value();
}

std::optional<std::vector<Tensor>> Carry::take(const Value &next) const {
  std::vector<Tensor> taken;
  size_t module = 0;
  if (!match(first, next, module, taken))
    return std::nullopt;
  return taken;
}

} // namespace xfer
