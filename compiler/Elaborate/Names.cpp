//===- Names.cpp - what a name of the pipeline means where it stands ---------------------------------------------===//
//
// From the inside out: what a clause holds, definitions, sources and states of the stage; then options, constants,
// models, states, domains and stages of the program. A family (`model m[i]`) is a list, or a record by index.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Does the value stand for numbers alone: nothing that the function gets, no draw, no parameter?
static bool isOfNumbers(mlir::Value value) {
  SmallVector<mlir::Value> open{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!open.empty()) {
    Operation *op = open.pop_back_val().getDefiningOp();
    if (!op)
      return false;
    if (!seen.insert(op).second)
      continue;
    op->walk([&](Operation *inner) {
      for (mlir::Value operand : inner->getOperands())
        if (Operation *of = operand.getParentBlock()->getParentOp(); inner == op || !op->isAncestor(of))
          open.push_back(operand);
    });
  }
  return true;
}

/// The same of what holds tensors: lists and records of them.
static bool isOfNumbers(const Value &value) {
  if (auto *tensor = value.tensor())
    return isOfNumbers(tensor->value);
  if (auto *list = value.list())
    return llvm::all_of(list->elements, [](const Value &one) { return isOfNumbers(one); });
  if (auto *record = value.record())
    return llvm::all_of(record->fields, [](auto &field) { return isOfNumbers(field.second); });
  return !value.holdsTensor();
}

Value Pipeline::constant(const Node<dsl::ConstItem> &node) {
  auto known = constantValues.find(node.name);
  if (known != constantValues.end())
    return known->second;
  if (!evaluatingConstants.insert(node.name).second)
    return error(node.item->name.range, "cyclic-definition",
                 "'" + node.name + "' is defined by itself; name what it starts from otherwise");
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
  if (value.holdsTensor()) {
    // Computed of numbers, it is one in every function that reads it, and computed there.
    if (isOfNumbers(value))
      return value;
    value = error(node.item->value->range, "constant-not-known",
                  "a 'const' of the program is known at compile time: a number, string or list, or computed of those");
  }
  return constantValues[node.name] = value;
}

/// The stage's own names, in the function at hand.
std::optional<Value> Pipeline::lookupInStage(llvm::StringRef name, dsl::SourceRange range) {
  if (auto held = current->holds.find(name.str()); held != current->holds.end())
    return held->second;
  const StageInfo *stage = current->stage;
  if (stage)
    if (auto found = stage->definitions.find(name.str()); found != stage->definitions.end())
      return evaluateDefinition(name, found->second, range);
  if (current->findSource(name))
    return Value(Place{Place::Source, name.str(), ""});
  if (!stage)
    return std::nullopt;
  if (std::optional<Value> state = findState(stage->name + "." + name.str(), range))
    return state;
  if (auto model = stage->models.find(name.str()); model != stage->models.end())
    return model->second;
  // A definition that is read elsewhere: its source goes by another name there, but is of the same domain.
  for (const SourceInfo &own : stage->sources)
    if (own.name == name)
      for (const SourceInfo &source : current->sources)
        if (source.domain == own.domain)
          return Value(Place{Place::Source, source.name, ""});
  return std::nullopt;
}

Value Pipeline::readOption(const Option &option) {
  bool integer = option.kind != "float";
  Type element = integer ? Type(builder.getI32Type()) : Type(builder.getF32Type());
  return Value(Tensor{
      evaluator.function().argument(pipeline::BindKind::Option, option.name, RankedTensorType::get({}, element)), {}});
}

/// The members `name[..]` of a family: a list where the indices are 0, 1, .., else a record by index.
template <typename Map, typename Read>
static std::optional<Value> familyOf(const Map &map, llvm::StringRef name, Read read) {
  std::vector<std::pair<std::string, Value>> members;
  for (auto entry = map.lower_bound(name.str() + "["); entry != map.end(); ++entry) {
    llvm::StringRef key = entry->first;
    if (!key.consume_front(name) || !key.starts_with("["))
      break;
    if (!key.drop_front(key.find(']') + 1).empty())
      continue; // a name below a member
    members.push_back({key.str(), read(entry->second)});
  }
  if (members.empty())
    return std::nullopt;
  std::vector<Value> inOrder(members.size());
  std::vector<bool> seen(members.size(), false);
  for (auto &[key, value] : members) {
    uint64_t position;
    if (llvm::StringRef(key).drop_front().drop_back().getAsInteger(10, position) || position >= seen.size() ||
        seen[position])
      return Value::record(std::move(members));
    seen[position] = true;
    inOrder[position] = value;
  }
  return Value::list(std::move(inOrder));
}

/// Has something this name, or has it with an index?
template <typename Map> static bool isThereOrFamily(const Map &map, const std::string &name) {
  auto member = map.lower_bound(name + "[");
  return map.count(name) || (member != map.end() && llvm::StringRef(member->first).starts_with(name + "["));
}

std::optional<Value> Pipeline::findState(const std::string &path, dsl::SourceRange range) {
  if (auto found = states.find(path); found != states.end())
    return readState(found->second, range);
  if (brokenStates.count(path))
    return Value();
  return familyOf(states, path, [&](const HeldState &state) { return readState(state, range); });
}

std::optional<Value> Pipeline::lookup(llvm::StringRef name, dsl::SourceRange range, bool inStage) {
  if (current && inStage)
    if (std::optional<Value> value = lookupInStage(name, range))
      return value;
  if (auto found = constants.find(name.str()); found != constants.end())
    return constant(found->second);
  for (const Option &option : optionList)
    if (option.name == name) {
      if (option.kind != "string")
        return readOption(option);
      // What is made of text is made while the program is compiled: its default would stand for all that are given.
      dsl::SourceRange keyword = optionKeyword(name);
      evaluator
          .report(range, "wrong-type",
                  "'" + name +
                      "' is text that is known when the program runs; it may name a file of 'read' or 'load', and "
                      "nothing is computed from it")
          .note(keyword, "a 'const' is known when the program is compiled")
          .fixIt(keyword, "const");
      return Value();
    }
  if (auto found = modelValues.find(name.str()); found != modelValues.end())
    return found->second;
  if (std::optional<Value> family = familyOf(modelValues, name, [](const Value &model) { return model; }))
    return family;
  if (std::optional<Value> state = findState(name.str(), range))
    return state;
  if (isThereOrFamily(domains, name.str()))
    return Value(Place{Place::Domain, name.str(), ""});
  if (isThereOrFamily(stages, name.str()))
    return Value(Place{Place::Stage, name.str(), ""});
  return std::nullopt;
}

void Pipeline::boundOption(llvm::StringRef name, pipeline::BoundAttr bound) {
  for (Option &option : optionList)
    if (option.name == name)
      option.bounds.insert(bound);
}

dsl::SourceRange Pipeline::optionKeyword(llvm::StringRef name) const {
  for (const Option &option : optionList)
    if (option.name == name)
      return option.keyword;
  return {};
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
  for (auto &entry : states)
    if (!llvm::StringRef(entry.first).contains('.'))
      visit(entry.first);
  for (auto &entry : stages)
    visit(entry.first);
  if (current)
    for (const SourceInfo &source : current->sources)
      visit(source.name);
  if (current && current->stage) {
    for (auto &entry : current->stage->definitions)
      visit(entry.first);
    for (const Clause &state : current->stage->states)
      visit(llvm::cast<dsl::StateItem>(state.item)->slot.base.text);
  }
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
  evaluator.registerItems(file->items);
  for (const dsl::ItemPtr &item : file->items) {
    if (auto *constant = llvm::dyn_cast<dsl::ConstItem>(item.get())) {
      Value value = evaluator.evaluate(*constant->value, libraryScope);
      assert(!value.holdsTensor() && "a constant of the library is known at compile time");
      libraryValues[constant->name.text] = value;
    } else if (llvm::isa<dsl::FnItem, dsl::ModuleItem>(item.get())) {
      Value value = definitionOf(*item, libraryScope);
      libraryValues[value.function()->name] = value;
    }
  }
  known = libraryValues.find(name.str());
  return known == libraryValues.end() ? std::nullopt : std::optional(known->second);
}

std::optional<std::vector<Value>> Pipeline::familyMembers(const Place &place) {
  std::vector<std::string> names;
  const std::string prefix = place.name + "[";
  if (place.kind == Place::Domain && !domains.count(place.name))
    names = domainOrder;
  if (place.kind == Place::Stage && !stages.count(place.name))
    for (auto &entry : stages)
      names.push_back(entry.first);
  std::vector<Value> members;
  for (llvm::StringRef name : names)
    if (name.consume_front(prefix) && name.consume_back("]"))
      members.push_back(family(place, Value::string(name), {}));
  return members.empty() ? std::nullopt : std::optional(members);
}

Value Pipeline::family(const Place &place, const Value &index, dsl::SourceRange range) {
  std::optional<std::string> text = Evaluator::indexText(index);
  if (!text)
    return error(range, "bad-index", "the index of a family is a string or an int, found " + index.describe());
  std::string name = place.name + "[" + *text + "]";
  bool known = place.kind == Place::Domain ? domains.count(name) != 0 : stages.count(name) != 0;
  if (!known) {
    std::vector<llvm::StringRef> candidates;
    for (const std::string &domain : domainOrder)
      candidates.push_back(domain);
    for (auto &entry : stages)
      candidates.push_back(entry.first);
    return error(range, "unknown-name", "there is no '" + name + "'" + dsl::suggest(name, candidates));
  }
  // Where the domain is a source under its own name, its batch is meant.
  if (current && place.kind == Place::Domain && current->findSource(name))
    return Value(Place{Place::Source, name, ""});
  return Value(Place{place.kind, name, ""});
}

} // namespace xfer
