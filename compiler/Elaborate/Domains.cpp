//===- Domains.cpp - fields, splits and rights of domains; per-sample code -------------------------------------------------===//
//
// `map`, `augment` and `generate` are written for one sample. They are elaborated once, into the region of an nn.each over
// the batch; draws inside are keyed by the sample. A field of a source is read raw, mapped, and in training augmented, at
// its first use in a function.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

const DomainInfo::Field *DomainInfo::find(llvm::StringRef field) const {
  for (const Field &known : fields)
    if (known.name == field)
      return &known;
  return nullptr;
}

bool DomainInfo::hasSplit(llvm::StringRef split) const {
  return split == "all" || llvm::is_contained(readSplits, split) ||
         llvm::any_of(splits, [&](const Split &known) { return known.name == split; });
}

/// Hiding in a split covers it, the splits made of it, and `all`.
bool DomainInfo::isHidden(llvm::StringRef field, llvm::StringRef split) const {
  for (auto &[name, where] : hidden) {
    if (name != field)
      continue;
    if (where.empty() || split == "all")
      return true;
    for (llvm::StringRef at = split; !at.empty();) {
      if (at == where)
        return true;
      llvm::StringRef parent;
      for (const Split &known : splits)
        if (known.name == at && known.of != "all")
          parent = known.of;
      at = parent;
    }
  }
  return false;
}

//===--- declarations -------------------------------------------------------------------------------------------===//

void Pipeline::declareDomains() {
  for (const std::string &name : domainOrder) {
    DomainInfo &domain = domains[name];
    eachItem(domain.item->body->items, domain.scope, [&](const dsl::Item &item, const ScopePtr &scope) {
      if (auto *fields = llvm::dyn_cast<dsl::FieldsItem>(&item)) {
        declareFields(domain, *fields, scope);
      } else if (llvm::isa<dsl::ReadItem, dsl::GenerateItem>(&item)) {
        domain.reads.push_back({&item, scope});
        if (auto &split = llvm::cast<dsl::OriginItem>(item).split)
          domain.readSplits.push_back(split->text);
      } else if (llvm::isa<dsl::MapItem>(&item)) {
        domain.maps.push_back({&item, scope});
      } else if (auto *split = llvm::dyn_cast<dsl::SplitItem>(&item)) {
        declareSplit(domain, *split, scope);
      } else if (auto *hide = llvm::dyn_cast<dsl::HideItem>(&item)) {
        for (const dsl::Name &field : hide->fields) {
          if (!domain.find(field.text))
            error(field.range, "unknown-field", "'" + field.text + "' is no field of '" + name + "'");
          domain.hidden.push_back({field.text, hide->split ? hide->split->text : ""});
        }
        if (hide->split && !domain.hasSplit(hide->split->text))
          error(hide->split->range, "unknown-split", "'" + hide->split->text + "' is no split of '" + name + "'");
      } else {
        error(item.keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item.kind) + "' in a domain is not supported yet");
      }
    });
    if (domain.fields.empty())
      error(domain.item->slot.range, "missing-fields", "the domain '" + name + "' has no 'fields'");
    if (domain.reads.empty())
      error(domain.item->slot.range, "missing-read", "the domain '" + name + "' has no 'read' and no 'generate'");
  }
}

void Pipeline::declareFields(DomainInfo &domain, const dsl::FieldsItem &fields, const ScopePtr &scope) {
  for (const dsl::RecordType::Field &field : fields.fields) {
    auto type = evaluator.tensorType(*field.type, scope, field.type->range);
    if (!type)
      continue;
    if (domain.find(field.name.text)) {
      error(field.name.range, "duplicate-field", "the field '" + field.name.text + "' is declared twice");
      continue;
    }
    nn::Meaning meaning = nn::Meaning::of(type->first);
    meaning.domains = {domain.name};
    domain.fields.push_back({field.name.text, nn::withoutMeaning(type->first), meaning});
  }
}

void Pipeline::declareSplit(DomainInfo &domain, const dsl::SplitItem &split, const ScopePtr &scope) {
  double low = 0;
  for (const dsl::SplitItem::Part &part : split.parts) {
    Value value = evaluator.evaluate(*part.value, scope);
    std::optional<double> share = value.asNumber();
    if (!share || *share <= 0 || low + *share > 1 + 1e-9) {
      if (!value.isPoison())
        error(part.value->range, "bad-share",
              "a split is a share of the samples; the shares of one clause add up to at most 1");
      return;
    }
    DomainInfo::Split made;
    made.name = part.name.text;
    made.of = split.parent ? split.parent->text : "all";
    made.by = split.by ? split.by->text : "";
    made.low = low;
    made.high = std::min(1.0, low + *share);
    low = made.high;
    if (!domain.hasSplit(made.of))
      error(split.parent->range, "unknown-split", "'" + made.of + "' is no split of '" + domain.name + "'");
    if (domain.hasSplit(made.name))
      error(part.name.range, "duplicate-split", "the split '" + made.name + "' is made twice");
    domain.splits.push_back(made);
  }
}

/// The name that manifests give an element type.
static llvm::StringRef elementName(Type element) {
  return element.isF32() ? "f32" : element.isInteger(32) ? "i32" : element.isInteger(1) ? "bool" : "u8";
}

Attribute Pipeline::fieldOf(llvm::StringRef name, RankedTensorType type, const nn::Meaning &meaning) {
  llvm::StringRef tag = meaning.tag == nn::Tag::None ? "" : nn::stringifyTag(meaning.tag);
  return pipeline::FieldAttr::get(&context, name, elementName(type.getElementType()), type.getShape(),
                                  meaning.classes, tag.empty() ? StringAttr() : builder.getStringAttr(tag));
}

void Pipeline::emitDomain(const DomainInfo &domain) {
  SmallVector<Attribute> fields, reads, splits, hidden;
  for (const DomainInfo::Field &field : domain.fields)
    fields.push_back(fieldOf(field.name, field.type, field.meaning));
  for (const DomainInfo::Clause &read : domain.reads)
    if (Attribute attribute = emitRead(domain, llvm::cast<dsl::OriginItem>(*read.item), read.scope))
      reads.push_back(attribute);
  for (const DomainInfo::Split &split : domain.splits)
    splits.push_back(pipeline::SplitAttr::get(
        &context, split.name, split.of, builder.getF64FloatAttr(split.low), builder.getF64FloatAttr(split.high),
        split.by.empty() ? StringAttr() : builder.getStringAttr(split.by)));
  for (auto &[field, split] : domain.hidden)
    hidden.push_back(pipeline::HiddenAttr::get(&context, field, split));
  pipeline::DomainOp::create(builder, location(domain.item->slot.range), builder.getStringAttr(domain.name),
                             builder.getArrayAttr(fields), builder.getArrayAttr(reads), builder.getArrayAttr(splits),
                             builder.getArrayAttr(hidden));
}

Attribute Pipeline::emitRead(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope) {
  std::string split = read.split ? read.split->text : "";
  if (llvm::isa<dsl::GenerateItem>(&read)) {
    Value value = evaluator.evaluate(*read.value, scope);
    const Record *record = value.record();
    const Value *count = record ? record->find("count") : nullptr, *function = record ? record->find("function") : nullptr;
    if (!function || !count->asInteger() || *count->asInteger() < 1) {
      if (!value.isPoison())
        error(read.value->range, "bad-generate",
              "'generate' wants samples(count, fn(i) => record of fields), the count known at compile time");
      return nullptr;
    }
    int64_t batch = std::min<int64_t>(*count->asInteger(), 64);
    func::FuncOp generator = buildGenerator(domain, split, *function, batch, read.value->range);
    if (!generator)
      return nullptr;
    return pipeline::ReadAttr::get(
        &context, split, "generate",
        builder.getDictionaryAttr({builder.getNamedAttr("batch", builder.getI64IntegerAttr(batch)),
                                   builder.getNamedAttr("count", builder.getI64IntegerAttr(*count->asInteger())),
                                   builder.getNamedAttr("function", FlatSymbolRefAttr::get(generator))}));
  }
  // A reader is a name with arguments; the runtime knows which there are.
  auto *call = llvm::dyn_cast<dsl::CallExpr>(read.value.get());
  auto *reader = call ? llvm::dyn_cast<dsl::NameExpr>(call->callee.get()) : nullptr;
  if (!reader) {
    error(read.value->range, "bad-reader", "'read' wants a reader with its files, such as idx(image: \"images.gz\")");
    return nullptr;
  }
  static constexpr llvm::StringRef known[] = {"idx", "npy", "npz", "csv", "tsv", "safetensors"};
  if (!llvm::is_contained(known, reader->name)) {
    llvm::StringRef nearest = dsl::findNearest(reader->name, known);
    error(reader->range, "unknown-reader",
          "there is no reader '" + reader->name + "'" + (nearest.empty() ? Twine() : "; did you mean '" + nearest + "'?"));
    return nullptr;
  }
  NamedAttrList arguments;
  for (const dsl::Argument &argument : call->arguments) {
    // An option stays one: `--labels other.gz` chooses the file when the program runs.
    std::string name = argument.name ? argument.name->text : "file";
    if (auto *option = llvm::dyn_cast<dsl::NameExpr>(argument.value.get());
        option && llvm::any_of(optionList, [&](const Option &one) { return one.name == option->name; })) {
      arguments.append(name, pipeline::OptionRefAttr::get(&context, option->name));
      continue;
    }
    Value value = evaluator.evaluate(*argument.value, scope);
    if (auto *text = value.text())
      arguments.append(name, builder.getStringAttr(*text));
    else if (auto *flag = value.get<bool>())
      arguments.append(name, builder.getBoolAttr(*flag));
    else if (auto number = value.asInteger())
      arguments.append(name, builder.getI64IntegerAttr(*number));
    else if (auto number = value.asNumber())
      arguments.append(name, builder.getF64FloatAttr(*number));
    else if (!value.isPoison())
      error(argument.value->range, "wrong-type", "an argument of a reader is a string or number, found " + value.describe());
  }
  return pipeline::ReadAttr::get(&context, split, reader->name, arguments.getDictionary(&context));
}

//===--- per-sample code ----------------------------------------------------------------------------------------===//

bool Pipeline::perSample(llvm::ArrayRef<std::pair<std::string, Tensor>> mapped, mlir::Value keys,
                         const ScopePtr &scope, dsl::SourceRange range,
                         llvm::function_ref<std::optional<std::vector<Tensor>>(const ScopePtr &)> body,
                         std::vector<Tensor> &results) {
  OpBuilder &inner = evaluator.builder();
  Location where = location(range);
  Region region;
  SmallVector<mlir::Value> operands;
  SmallVector<Type> types;
  std::vector<Tensor> values;
  AxisId batchAxis = mapped.empty() ? 0 : mapped.front().second.axes.front();
  Extent count = mapped.empty() ? nn::extentsOf(keys.getType()).front() : extentsOf(mapped.front().second.value).front();
  {
    OpBuilder::InsertionGuard guard(inner);
    Block *block = inner.createBlock(&region);
    ScopePtr sample = Scope::inside(scope);
    auto argument = [&](mlir::Value value) {
      nn::TensorInfo info = nn::TensorInfo::of(value.getType());
      info.extents.erase(info.extents.begin());
      operands.push_back(value);
      return block->addArgument(info.type(), where);
    };
    for (auto &[name, tensor] : mapped)
      sample->define(name, Value(Tensor{argument(tensor.value), llvm::SmallVector<AxisId>(llvm::drop_begin(tensor.axes))}));
    mlir::Value before = evaluator.sampleKey;
    if (keys)
      evaluator.sampleKey = argument(keys);
    std::optional<std::vector<Tensor>> made = body(sample);
    evaluator.sampleKey = before;
    if (!made)
      return false;
    SmallVector<mlir::Value> yielded;
    for (const Tensor &tensor : *made) {
      yielded.push_back(tensor.value);
      nn::TensorInfo info = nn::TensorInfo::of(tensor.value.getType());
      info.extents.insert(info.extents.begin(), count);
      types.push_back(info.type());
    }
    values = *made;
    nn::YieldOp::create(inner, where, yielded);
  }
  SmallVector<mlir::Value> invariants = isolate(region, where);
  auto each = nn::EachOp::create(inner, where, types, operands, invariants);
  each.getBody().takeBody(region);
  for (auto [i, value] : llvm::enumerate(values)) {
    llvm::SmallVector<AxisId> axes{batchAxis};
    axes.append(value.axes.begin(), value.axes.end());
    results.push_back(Tensor{each.getResult(i), axes});
  }
  return true;
}

func::FuncOp Pipeline::buildGenerator(const DomainInfo &domain, const std::string &split, const Value &function,
                                      int64_t batch, dsl::SourceRange range) {
  std::string name = "generate." + domain.name + (split.empty() ? "" : "." + split);
  FunctionBuilder build(*module, name, location(range));
  evaluator.functions.push_back(&build);
  Type i32 = builder.getI32Type();
  Tensor index{build.argument(pipeline::BindKind::Index, "", RankedTensorType::get({batch}, i32)), {evaluator.freshAxis()}};
  mlir::Value keys = build.argument(pipeline::BindKind::Key, "", RankedTensorType::get({batch, 4}, i32));
  // Two domains that call one function draw differently: their names are part of the site.
  Evaluator::Frame frame;
  frame.name = name;
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample({{" index", index}}, keys, domain.scope, range, [&](const ScopePtr &sample) {
    std::optional<std::vector<Tensor>> made;
    Arguments arguments;
    arguments.all.push_back({"", *sample->findHere(" index"), range});
    Value value = evaluator.call(function, arguments, range);
    if (value.isPoison())
      return made;
    const Record *record = value.record();
    if (!record) {
      error(range, "wrong-type", "the function of 'samples' returns a record of fields, found " + value.describe());
      return made;
    }
    std::vector<Tensor> fields;
    for (const DomainInfo::Field &field : domain.fields) {
      const Value *given = record->find(field.name);
      std::optional<Tensor> tensor =
          given ? evaluator.toTensor(*given, range, field.type.getElementType()) : std::nullopt;
      if (!given)
        error(range, "missing-field", "the samples have no field '" + field.name + "'");
      if (!tensor)
        return made;
      if (tensor->type().getShape() != field.type.getShape()) {
        error(range, "shapes-differ",
              "the field '" + field.name + "' is declared " + describeShape(field.type) + ", the samples have " +
                  describeShape(tensor->type()));
        return made;
      }
      fields.push_back(*tensor);
    }
    made = fields;
    return made;
  }, results);
  evaluator.frames.pop_back();
  evaluator.functions.pop_back();
  if (!ok) {
    build.erase();
    return nullptr;
  }
  for (auto [field, tensor] : llvm::zip_equal(domain.fields, results))
    build.result(pipeline::BindKind::Field, field.name, tensor.value);
  return build.finish();
}

//===--- fields of sources --------------------------------------------------------------------------------------===//

Value Pipeline::rawField(const SourceInfo &source, const DomainInfo &domain, const DomainInfo::Field &field) {
  nn::TensorInfo info = nn::TensorInfo::of(field.type);
  info.meaning = field.meaning;
  info.meaning.hidden = domain.isHidden(field.name, source.split);
  Extent extent = current->whole ? Extent::symbolic(domain.name + "." + source.split) : Extent(source.batch);
  info.extents.insert(info.extents.begin(), extent);
  std::string axisKey = source.name + ".";
  Value &axis = current->fields[axisKey];
  if (axis.isPoison())
    axis = Value(Dim{extent, evaluator.freshAxis()});
  llvm::SmallVector<AxisId> axes(info.extents.size(), 0);
  axes.front() = axis.get<Dim>()->axis;
  auto kind = source.isInput ? pipeline::BindKind::Input : pipeline::BindKind::Batch;
  std::string name = source.isInput ? field.name : source.name + "." + field.name;
  return Value(Tensor{evaluator.function().argument(kind, name, info.type()), axes});
}

void Pipeline::applyMapping(const SourceInfo &source, const DomainInfo &domain, const dsl::MappingItem &mapping,
                            const ScopePtr &scope, std::map<std::string, Value> &fields, bool withKeys) {
  std::vector<std::pair<std::string, Tensor>> mapped;
  for (auto &[name, value] : fields)
    if (value.tensor())
      mapped.push_back({name, *value.tensor()});
  std::vector<std::string> targets;
  for (const dsl::Slot &slot : mapping.targets) {
    // `augment usps.image`: the source stands before the field.
    std::string target = slot.base.text;
    if (!slot.steps.empty() && slot.steps.back().member)
      target = slot.steps.back().member->text;
    if (!fields.count(target)) {
      error(slot.range, llvm::isa<dsl::AugmentItem>(&mapping) ? "not-supported-yet" : "unknown-field",
            llvm::isa<dsl::AugmentItem>(&mapping)
                ? "'" + target + "' would be a further view, which is not supported yet"
                : "'" + target + "' is no field of '" + domain.name + "'");
      return;
    }
    targets.push_back(target);
  }
  mlir::Value keys;
  if (withKeys) {
    Extent extent = current->whole ? Extent::symbolic(domain.name + "." + source.split) : Extent(source.batch);
    auto type = nn::withExtents(RankedTensorType::get({}, builder.getI32Type()), {extent, Extent(4)});
    keys = evaluator.function().argument(pipeline::BindKind::Key, source.name, type);
  }
  std::vector<Evaluator::Frame> outside;
  std::swap(outside, evaluator.frames);
  Evaluator::Frame frame;
  frame.name = "map." + source.name;
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample(mapped, keys, scope, mapping.range, [&](const ScopePtr &sample) {
    std::optional<std::vector<Tensor>> made;
    // Inside `augment source.field = e`, the source's fields are those of the sample at hand.
    std::vector<std::pair<std::string, Value>> record;
    for (auto &entry : mapped)
      record.push_back({entry.first, *sample->findHere(entry.first)});
    ScopePtr inner = Scope::inside(llvm::isa<dsl::AugmentItem>(&mapping) ? scope : sample);
    if (llvm::isa<dsl::AugmentItem>(&mapping))
      inner->define(source.name, Value::record(record));
    Value value = evaluator.evaluate(*mapping.value, inner);
    std::vector<Value> all{value};
    if (targets.size() > 1) {
      std::optional<std::vector<Value>> parts = evaluator.elements(value, mapping.value->range);
      if (!parts || parts->size() != targets.size()) {
        if (parts)
          error(mapping.value->range, "wrong-count", "one value for each of the fields on the left is expected");
        return made;
      }
      all = *parts;
    }
    std::vector<Tensor> tensors;
    for (const Value &one : all) {
      std::optional<Tensor> tensor = evaluator.toTensor(one, mapping.value->range);
      if (!tensor)
        return made;
      tensors.push_back(*tensor);
    }
    made = tensors;
    return made;
  }, results);
  std::swap(outside, evaluator.frames);
  for (auto [i, target] : llvm::enumerate(targets))
    fields[target] = ok ? Value(results[i]) : Value();
}

Value Pipeline::sourceField(const SourceInfo &source, llvm::StringRef field, dsl::SourceRange range) {
  std::string key = source.name + "." + field.str();
  if (!source.available && !current->unavailableUse.isValid())
    current->unavailableUse = range;
  auto known = current->fields.find(key);
  if (known != current->fields.end())
    return known->second;
  const DomainInfo &domain = domains[source.domain];
  if (!domain.find(field)) {
    std::vector<llvm::StringRef> candidates;
    for (const DomainInfo::Field &one : domain.fields)
      candidates.push_back(one.name);
    llvm::StringRef nearest = dsl::findNearest(field, candidates);
    return error(range, "unknown-field",
                 "'" + field + "' is no field of '" + source.name + "'" +
                     (nearest.empty() ? Twine() : "; did you mean '" + nearest + "'?"));
  }
  std::map<std::string, Value> fields;
  for (const DomainInfo::Field &one : domain.fields)
    fields[one.name] = rawField(source, domain, one);
  for (const DomainInfo::Clause &map : domain.maps)
    applyMapping(source, domain, llvm::cast<dsl::MappingItem>(*map.item), map.scope, fields, false);
  if (current->stage && evaluator.function().training && !current->whole)
    for (const StageInfo::Clause &augment : current->stage->augments) {
      auto &item = llvm::cast<dsl::AugmentItem>(*augment.item);
      std::optional<std::string> target = evaluator.slotName(item.targets.front(), augment.scope);
      if (target && llvm::StringRef(*target).starts_with(source.name + "."))
        applyMapping(source, domain, item, augment.scope, fields, true);
    }
  for (auto &[name, value] : fields)
    current->fields[source.name + "." + name] = value;
  return current->fields[key];
}

Value Pipeline::member(const Place &place, llvm::StringRef member, dsl::SourceRange range) {
  if (place.kind == Place::Source) {
    for (const SourceInfo &source : current->sources)
      if (source.name == place.name) {
        if (!domains[source.domain].find(member) && domains[source.domain].hasSplit(member))
          return Value(Place{Place::Split, source.domain, member.str()});
        return sourceField(source, member, range);
      }
  }
  if (place.kind == Place::Domain) {
    auto domain = domains.find(place.name);
    if (domain == domains.end())
      return error(range, "family-without-index", "'" + place.name + "' is a family: name one by its index");
    if (domain->second.hasSplit(member))
      return Value(Place{Place::Split, place.name, member.str()});
    if (domain->second.find(member))
      return error(range, "source-not-read",
                   "'" + place.name + "." + member + "' is read here, but '" + place.name + "' is no source here");
    return error(range, "unknown-split", "'" + place.name + "' has no split and no field '" + member + "'");
  }
  if (place.kind == Place::Stage) {
    auto stage = stages.find(place.name);
    auto definition = stage->second.definitions.find(member.str());
    if (definition == stage->second.definitions.end())
      return error(range, "unknown-definition", "the stage '" + place.name + "' defines no '" + member + "'");
    return evaluateDefinition(member, definition->second, range);
  }
  return error(range, "no-members", "a split has no member '" + member + "'");
}

Value Pipeline::sizeOf(const Place &place, dsl::SourceRange range) {
  std::string domain = place.name, split = "all";
  if (place.kind == Place::Split)
    split = place.split;
  if (place.kind == Place::Source)
    for (const SourceInfo &source : current->sources)
      if (source.name == place.name)
        return Value(Dim{Extent(source.batch), 0});
  return Value(Dim{Extent::symbolic(domain + "." + split), 0});
}

} // namespace xfer
