//===- Domains.cpp - fields, readers and rights of domains --------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

const DomainInfo::Field *DomainInfo::find(llvm::StringRef field) const {
  for (const Field &known : fields)
    if (known.name == field)
      return &known;
  return nullptr;
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
        // What is mapped under a name that is no field, which was reported, is missing from the field that was meant.
        for (const dsl::Slot &target : llvm::cast<dsl::MapItem>(item).targets) {
          llvm::SmallVector<llvm::StringRef> names;
          for (const DomainInfo::Field &field : domain.fields)
            names.push_back(field.name);
          if (llvm::StringRef meant = dsl::findNearest(target.base.text, names);
              !meant.empty() && !domain.find(target.base.text))
            domain.brokenFields.insert(meant.str());
        }
      } else if (auto *split = llvm::dyn_cast<dsl::SplitItem>(&item)) {
        declareSplit(domain, *split, scope);
      } else if (auto *hide = llvm::dyn_cast<dsl::HideItem>(&item)) {
        declareHidden(domain, *hide);
      } else {
        domain.brokenReads |= llvm::isa<dsl::OriginItem>(&item);
        error(item.keyword, "not-supported-yet",
              "'" + dsl::getSpelling(item.kind) + "' in a domain is not supported yet");
      }
    });
    checkSplits(domain);
    if (domain.fields.empty() && domain.brokenFields.empty())
      error(domain.item->slot.range, "missing-fields",
            "the domain '" + name +
                "' has no 'fields'; say what the reader delivers, such as "
                "'fields image: u8[28, 28, 1], label: class(10)'");
    if (domain.reads.empty() && !domain.brokenReads)
      error(domain.item->slot.range, "missing-read",
            "the domain '" + name +
                "' has no 'read' and no 'generate'; say where its samples come "
                "from, such as 'read npz(\"data.npz\", image: \"x\")'");
  }
}

void Pipeline::declareHidden(DomainInfo &domain, const dsl::HideItem &hide) {
  for (const dsl::Name &field : hide.fields) {
    if (!domain.find(field.text))
      suggestField(domain, field.text, domain.name, field.range);
    domain.hidden.push_back({field.text, hide.split ? hide.split->text : ""});
  }
  if (hide.split && !domain.hasSplit(hide.split->text))
    error(hide.split->range, "unknown-split", "'" + hide.split->text + "' is no split of '" + domain.name + "'");
}

bool isString(const dsl::Type &type) {
  auto *named = llvm::dyn_cast<dsl::NamedType>(&type);
  return named && named->name.text == "string" && !named->dims;
}

/// How many of the first dimensions are `?`; more than there are if another one is.
static size_t varyingDims(const dsl::Type &type) {
  const std::vector<dsl::Dim> *dims = nullptr;
  if (auto *shaped = llvm::dyn_cast<dsl::DimsType>(&type))
    dims = &shaped->dims;
  else if (auto *named = llvm::dyn_cast<dsl::NamedType>(&type); named && named->dims)
    dims = &*named->dims;
  size_t count = 0, last = 0;
  for (size_t i = 0; dims && i < dims->size(); ++i)
    if ((*dims)[i].kind == dsl::Dim::Kind::Varies)
      ++count, last = i + 1;
  return count == last ? count : SIZE_MAX;
}

/// The type of a field that is a tensor, and which of its dimensions are bounded; false after an error.
bool Pipeline::declareShape(DomainInfo &domain, DomainInfo::Field &field, const dsl::Type &written,
                            const ScopePtr &scope) {
  if (!domain.fieldScope)
    domain.fieldScope = Scope::inside(scope);
  auto type = evaluator.tensorType(written, domain.fieldScope, written.range, &domain.boundNames);
  if (!type)
    return false;
  field.meaning = nn::Meaning::of(type->first);
  if (size_t varying = varyingDims(written)) {
    auto all = nn::withoutMeaning(type->first);
    bool isMask = field.meaning.tag == nn::Tag::Class && all.getRank() == 2;
    if (varying != 2 || !(isMask || (all.getRank() == 3 && all.getElementType().isUnsignedInteger(8)))) {
      error(written.range, "bad-extent",
            "'?' stands for the rows and columns of pictures: 'u8[?, ?, 3]', or 'class(5)[?, ?]' of masks");
      return false;
    }
    field.pixel = RankedTensorType::get(all.getShape().drop_front(2), all.getElementType());
    return true;
  }
  field.type = nn::withoutMeaning(type->first);
  for (const Dim &dim : type->second) {
    auto named = domain.boundNames.find(dim.axis);
    field.bounds.push_back(named == domain.boundNames.end() ? "" : named->second);
    if (field.bounds.back().empty())
      continue;
    auto [known, isNew] = domain.lengths.insert({field.bounds.back(), dim.extent.size});
    if ((!isNew && known->second != dim.extent.size) || domain.find(known->first)) {
      error(written.range, "duplicate-field",
            "'" + known->first +
                "' is declared twice: the reader delivers a length under the name of each bounded dimension");
      return false;
    }
  }
  return true;
}

void Pipeline::declareFields(DomainInfo &domain, const dsl::FieldsItem &fields, const ScopePtr &scope) {
  for (const dsl::RecordType::Field &field : fields.fields) {
    DomainInfo::Field made;
    made.name = field.name.text;
    bool isText = isString(*field.type);
    if (!isText && !declareShape(domain, made, *field.type, scope)) {
      domain.brokenFields.insert(field.name.text);
      continue;
    }
    if (domain.find(made.name) || domain.lengths.count(made.name)) {
      error(field.name.range, "duplicate-field", "the field '" + made.name + "' is declared twice");
      continue;
    }
    made.meaning.domains = {domain.name};
    domain.fields.push_back(std::move(made));
  }
}

Attribute Pipeline::fieldOf(llvm::StringRef name, RankedTensorType type, const nn::Meaning &meaning) {
  llvm::StringRef tag = meaning.tag == nn::Tag::None ? "" : nn::stringifyTag(meaning.tag);
  return pipeline::FieldAttr::get(&context, name, pipeline::getElementName(type.getElementType()), type.getShape(),
                                  meaning.classes, tag.empty() ? StringAttr() : builder.getStringAttr(tag));
}

/// The length of a bounded dimension.
Attribute Pipeline::lengthField(llvm::StringRef name, int64_t most) {
  return pipeline::FieldAttr::get(&context, name, "i32", {}, 0, StringAttr(), most, StringAttr(), StringAttr());
}

void Pipeline::emitDomain(const DomainInfo &domain) {
  SmallVector<Attribute> fields, reads, splits, hidden;
  for (const DomainInfo::Field &field : domain.fields)
    if (auto sized = domain.sizes.find(field.name); sized != domain.sizes.end())
      fields.push_back(fieldOf(field.name, sizedType(field, sized->second), field.meaning));
    else if (!field.isText())
      fields.push_back(fieldOf(field.name, field.type, field.meaning));
  for (const std::string &picture : domain.frames)
    fields.push_back(frameField(picture));
  for (auto &[name, most] : domain.lengths)
    fields.push_back(lengthField(name, most));
  for (auto &[text, tokenizer] : domain.tokens) {
    auto [numbers, length] = tokenFields(text, tokenizer);
    fields.push_back(numbers);
    if (length)
      fields.push_back(length);
  }
  for (const Clause &read : domain.reads)
    if (Attribute attribute = emitRead(domain, llvm::cast<dsl::OriginItem>(*read.item), read.scope))
      reads.push_back(attribute);
  for (const DomainInfo::Split &split : domain.splits)
    splits.push_back(emitSplit(split));
  for (auto &[field, split] : domain.hidden)
    if (const DomainInfo::Field *known = domain.find(field); known && !known->isText())
      hidden.push_back(pipeline::HiddenAttr::get(&context, field, split));
  pipeline::DomainOp::create(builder, location(domain.item->slot.range), builder.getStringAttr(domain.name),
                             builder.getArrayAttr(fields), builder.getArrayAttr(reads), builder.getArrayAttr(splits),
                             builder.getArrayAttr(hidden));
}

Attribute Pipeline::emitGenerate(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope) {
  std::string split = read.split ? read.split->text : "";
  Value value = evaluator.evaluate(*read.value, scope);
  const Record *record = value.record();
  const Value *count = record ? record->find("count") : nullptr,
              *function = record ? record->find("function") : nullptr;
  if (!count || !function || !count->asInteger() || *count->asInteger() < 1 || *count->asInteger() > INT32_MAX) {
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

Attribute Pipeline::emitRead(const DomainInfo &domain, const dsl::OriginItem &read, const ScopePtr &scope) {
  std::string split = read.split ? read.split->text : "";
  if (llvm::isa<dsl::GenerateItem>(&read))
    return emitGenerate(domain, read, scope);
  // A reader is a name with arguments; the runtime knows which there are.
  auto *call = llvm::dyn_cast<dsl::CallExpr>(read.value.get());
  auto *reader = call ? llvm::dyn_cast<dsl::NameExpr>(call->callee.get()) : nullptr;
  if (!reader) {
    error(read.value->range, "bad-reader", "'read' wants a reader with its files, such as idx(image: \"images.gz\")");
    return nullptr;
  }
  static constexpr llvm::StringRef known[] = {
#define XFER_READER(NAME, FUNCTION, READS_TEXT) #NAME,
#include "xfer/rt/readers.def"
  };
  static constexpr llvm::StringRef later[] = {"wav", "hdf5"};
  if (llvm::is_contained(later, reader->name)) {
    error(reader->range, "not-supported-yet",
          "the reader '" + reader->name + "' is not supported yet; there are " +
              llvm::join(llvm::ArrayRef(known), ", "));
    return nullptr;
  }
  if (!llvm::is_contained(known, reader->name)) {
    error(reader->range, "unknown-reader",
          "there is no reader '" + reader->name + "'" +
              dsl::suggest(reader->name, known, "; there are " + llvm::join(llvm::ArrayRef(known), ", ")));
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
      error(argument.value->range, "wrong-type",
            "an argument of a reader is a string or number, found " + value.describe());
  }
  for (auto &[field, size] : domain.sizes)
    arguments.set(field + "_resize", builder.getStringAttr(size.method));
  return pipeline::ReadAttr::get(&context, split, reader->name, arguments.getDictionary(&context));
}

} // namespace xfer
