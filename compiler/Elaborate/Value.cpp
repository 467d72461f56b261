#include "compiler/Elaborate/Value.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace xfer {

const Value *Record::find(llvm::StringRef name) const {
  for (auto &[key, value] : fields)
    if (key == name)
      return &value;
  return nullptr;
}

std::optional<int64_t> Value::asInteger() const {
  if (auto *number = get<int64_t>())
    return *number;
  if (auto *flag = get<bool>())
    return *flag;
  if (auto *dim = get<Dim>(); dim && !dim->extent.isDynamic())
    return dim->extent.size;
  return std::nullopt;
}

std::optional<double> Value::asNumber() const {
  if (auto *number = get<double>())
    return *number;
  if (auto number = asInteger())
    return static_cast<double>(*number);
  return std::nullopt;
}

std::string describeExtent(const Extent &extent) {
  return extent.isDynamic() ? "size(" + extent.symbol + ")" : std::to_string(extent.size);
}

uint64_t countElements(RankedTensorType type, uint64_t most) {
  uint64_t elements = 1;
  for (int64_t extent : type.getShape())
    if (!ShapedType::isDynamic(extent) && extent != 0 && elements <= most)
      elements = static_cast<uint64_t>(extent) > most / elements ? most + 1 : elements * extent;
  return elements;
}

std::string describeShape(RankedTensorType type) {
  std::string text = "[";
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(type.getShape(), stream, [&](int64_t extent) {
    if (ShapedType::isDynamic(extent))
      stream << "?";
    else
      stream << extent;
  });
  return text + "]";
}

bool isAtOrBelow(llvm::StringRef path, llvm::StringRef above) {
  return path.consume_front(above) && (path.empty() || path.front() == '.' || path.front() == '[');
}

std::string Value::describe() const {
  if (auto *tensor = this->tensor()) {
    Type element = tensor->type().getElementType();
    llvm::StringRef name = element.isF32()                ? "a"
                           : element.isInteger(1)         ? "a bool"
                           : element.isInteger(32)        ? "an int"
                           : element.isUnsignedInteger(8) ? "a u8"
                                                          : "a";
    return (name + " tensor " + describeShape(tensor->type())).str();
  }
  if (auto *text = this->text())
    return "the string \"" + *text + "\"";
  if (auto *flag = get<bool>())
    return *flag ? "'true'" : "'false'";
  if (auto number = asInteger())
    return "the int " + std::to_string(*number);
  if (auto number = asNumber())
    return llvm::formatv("the number {0}", *number);
  if (auto *dim = get<Dim>())
    return "the extent " + describeExtent(dim->extent);
  if (get<Pack>())
    return "a pack of dimensions";
  if (auto *list = this->list())
    return llvm::formatv("a {0} of {1}", list->tuple ? "tuple" : "list", list->elements.size());
  if (record())
    return "a record";
  if (auto *function = this->function())
    return function->name.empty() ? "a function" : "the function '" + function->name + "'";
  if (auto constructor = this->constructor())
    return "a module of kind '" + constructor->definition->name.text + "' that has no place yet";
  if (auto *module = this->module())
    return "the module '" + module->instance->path + "'";
  if (tree())
    return "a tree";
  if (auto *place = this->place()) {
    static constexpr const char *kinds[] = {"domain", "split", "stage", "source"};
    return llvm::formatv("the {0} '{1}'", kinds[place->kind],
                         place->kind == Place::Split ? place->name + "." + place->split : place->name);
  }
  if (auto *text = textField())
    return "the text '" + text->field + "' of the samples, of which 'tokens' or 'characters' makes numbers";
  if (auto *picture = pictureField())
    return "the pictures '" + picture->field + "' of different sizes, which 'resize' brings to one";
  return isNone() ? "'none'" : isUnavailable() ? "a value of the step" : "nothing";
}

bool Value::holdsTensor() const {
  if (tensor())
    return true;
  if (auto *module = this->module())
    return module->overrides != nullptr;
  if (auto *list = this->list())
    return llvm::any_of(list->elements, [](const Value &one) { return one.holdsTensor(); });
  if (auto *record = this->record())
    return llvm::any_of(record->fields, [](auto &field) { return field.second.holdsTensor(); });
  if (auto *tree = this->tree())
    return llvm::any_of(tree->leaves, [](auto &leaf) { return leaf.second.holdsTensor(); });
  if (auto constructor = this->constructor())
    return llvm::any_of(constructor->arguments->all, [](auto &one) { return one.value.holdsTensor(); });
  return false;
}

Scope::Scope(Scopes &all, ScopePtr parent) : all(all), parent(std::move(parent)) { all.alive.push_back(*this); }

Scope::~Scope() { all.alive.remove(*this); }

Scopes::~Scopes() {
  // None goes before all have forgotten their names: what one names may be the last to hold another.
  std::vector<ScopePtr> left;
  for (Scope &scope : alive)
    left.push_back(scope.shared_from_this());
  for (const ScopePtr &scope : left)
    scope->names.clear();
}

const Value *Scope::findHere(llvm::StringRef name) const {
  auto found = names.find(name.str());
  return found == names.end() ? nullptr : &found->second;
}

const Value *Scope::find(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent.get())
    if (const Value *value = scope->findHere(name))
      return value;
  return nullptr;
}

const Value *Scope::findHidden(llvm::StringRef name) const {
  for (const Scope *scope = this; scope; scope = scope->parent.get())
    if (scope->findHere(name))
      return scope->parent ? scope->parent->find(name) : nullptr;
  return nullptr;
}

void Scope::rebind(llvm::StringRef name, Value value) {
  for (Scope *scope = this; scope; scope = scope->parent.get()) {
    auto found = scope->names.find(name.str());
    if (found != scope->names.end()) {
      found->second = std::move(value);
      return;
    }
    if (scope->barrier)
      break;
  }
  define(name, std::move(value));
}

ScopePtr Scope::withoutTensors(bool inPart) const {
  // The scopes of files hold definitions alone.
  if (!parent || program)
    return std::const_pointer_cast<Scope>(shared_from_this());
  ScopePtr copy = inside(parent->withoutTensors(inPart));
  copy->barrier = barrier;
  copy->outsideStage = outsideStage;
  for (auto &[name, value] : names)
    copy->names[name] = value.holdsTensor() ? Value(Value::Unavailable{inPart}) : value;
  return copy;
}

void Scope::eachName(llvm::function_ref<void(llvm::StringRef)> visit) const {
  for (const Scope *scope = this; scope; scope = scope->parent.get())
    for (auto &entry : scope->names)
      visit(entry.first);
}

Value mapLeaves(const Value &mixture, llvm::function_ref<Value(const Value &)> leaf, bool stacked) {
  if (const List *list = mixture.list()) {
    std::vector<Value> all;
    for (const Value &one : list->elements)
      all.push_back(mapLeaves(one, leaf, stacked));
    return Value::list(std::move(all), list->tuple);
  }
  if (const Record *record = mixture.record()) {
    std::vector<std::pair<std::string, Value>> fields;
    for (auto &[name, one] : record->fields)
      fields.push_back({name, mapLeaves(one, leaf, stacked)});
    return Value::record(std::move(fields));
  }
  if (const Tree *tree = mixture.tree()) {
    auto result = std::make_shared<Tree>();
    result->stacked = stacked;
    for (auto &[path, one] : tree->leaves)
      result->leaves[path] = mapLeaves(one, leaf, stacked);
    return Value(std::shared_ptr<const Tree>(result));
  }
  return leaf(mixture);
}

} // namespace xfer
