//===- Sources.cpp - what a function reads: sources, their fields, their sizes ------------------------------------===//
//
// A field of a source is read raw, mapped, and in training augmented, at its first use in a function. Where whole
// splits are read, the batch's extent is the symbol of the split.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

const SourceInfo *BuildContext::findSource(llvm::StringRef name) const {
  auto found = llvm::find_if(sources, [&](const SourceInfo &one) { return one.name == name; });
  return found == sources.end() ? nullptr : &*found;
}

const SourceInfo &BuildContext::addSplit(llvm::StringRef domain, llvm::StringRef split, dsl::SourceRange range) {
  SourceInfo source;
  source.name = (domain + ":" + split).str();
  source.domain = domain.str();
  source.split = split.str();
  source.range = range;
  sources.push_back(source);
  return sources.back();
}

bool Pipeline::gatherSources(std::vector<SourceInfo> &into, const std::vector<dsl::SourceUse> &uses,
                             const ScopePtr &scope, bool wantsBatch) {
  size_t first = into.size();
  bool ok = true;
  auto known = [&](const std::string &name) {
    return llvm::any_of(into, [&](const SourceInfo &source) { return source.name == name; });
  };
  for (const dsl::SourceUse &use : uses) {
    auto fail = [&] {
      ok = false;
      if (use.alias) // so that nothing complains about the name
        scope->define(use.alias->text, Value());
    };
    if (use.micro)
      error(use.micro->range, "not-supported-yet", "'micro' is not supported yet");
    std::shared_ptr<const SamplerInfo> sampler = makeSampler(use, scope);
    if (use.sampler && !sampler) {
      fail();
      continue;
    }
    Value value = evaluator.evaluate(*use.split, scope);
    std::vector<Value> all{value};
    if (value.list())
      all = value.list()->elements;
    for (const Value &one : all) {
      if (one.isPoison()) {
        fail();
        continue;
      }
      const Place *place = one.place();
      if (!place || place->kind != Place::Split) {
        error(use.range, "not-a-split",
              place ? "name a split: '" + place->name + ".all', or one that the domain makes"
                    : "a source is a split of a domain, found " + one.describe());
        fail();
        continue;
      }
      SourceInfo source;
      source.domain = place->name;
      source.split = place->split;
      source.name = use.alias ? use.alias->text : place->name;
      source.range = use.range;
      source.batch = 0;
      source.sampler = sampler;
      if (!checkSampler(source)) {
        fail();
        continue;
      }
      if (known(source.name)) {
        error(use.range, "duplicate-source",
              "'" + source.name + "' is a source already; another name is given with 'as'");
        continue;
      }
      into.push_back(source);
    }
    if (!use.batch)
      continue;
    int64_t size =
        evaluator.evaluateInt(*use.batch, scope, 1, 1 << 20, "bad-extent", "a batch is an int from 1 to 2^20")
            .value_or(1);
    for (SourceInfo &source : into)
      if (!source.batch)
        source.batch = size;
  }
  llvm::SmallVector<llvm::StringRef> without;
  dsl::SourceRange last;
  for (SourceInfo &source : llvm::drop_begin(into, first))
    if (!source.batch) {
      without.push_back(source.name);
      last = source.range;
      source.batch = std::max<int64_t>(1, 256 / (source.sampler ? source.sampler->samplesPerElement() : 1));
    }
  if (wantsBatch && !without.empty())
    error(last, "missing-batch",
          (without.size() == 1 ? "the source '" : "the sources '") + llvm::join(without, "' and '") +
              (without.size() == 1 ? "' has" : "' have") +
              " no 'batch'; write behind the last how many samples a step takes, such as 'batch 64'");
  return ok;
}

//===--- fields -------------------------------------------------------------------------------------------------===//

llvm::SmallVector<Dim, 2> Pipeline::samplesOf(const SourceInfo &source) {
  llvm::SmallVector<Dim, 2> dims;
  auto add = [&](const std::string &key, Extent extent) {
    Value &dim = current->fields[key];
    if (dim.isPoison())
      dim = Value(Dim{extent, evaluator.freshAxis()});
    dims.push_back(*dim.get<Dim>());
  };
  add(source.name + ".", current->whole ? Extent::symbolic(source.rows()) : Extent(source.batch));
  if (source.part.nested)
    add(source.bindName() + "./", Extent(source.part.samples));
  return dims;
}

Tensor Pipeline::perBatch(const SourceInfo &source, llvm::StringRef field, nn::TensorInfo row) {
  llvm::SmallVector<AxisId> axes;
  for (auto [i, dim] : llvm::enumerate(samplesOf(source))) {
    row.extents.insert(row.extents.begin() + i, dim.extent);
    axes.push_back(dim.axis);
  }
  axes.resize(row.extents.size(), 0);
  auto kind = source.isInput ? pipeline::BindKind::Input : pipeline::BindKind::Batch;
  std::string name = source.isInput ? field.str() : source.bindName() + "." + field.str();
  return {evaluator.function().argument(kind, name, row.type(), current->draw), axes};
}

AxisId Pipeline::boundedField(const SourceInfo &source, llvm::StringRef name) {
  Value &known =
      current->fields[source.bindName() + "." + name.str() + "#" + std::to_string(current->draw) + " length"];
  if (known.isPoison()) {
    nn::TensorInfo info;
    info.element = builder.getI32Type();
    known = Value(Dim{Extent(), evaluator.boundedAxis({perBatch(source, name, info)})});
  }
  return known.get<Dim>()->axis;
}

Value Pipeline::rawField(const SourceInfo &source, const DomainInfo &domain, const DomainInfo::Field &field) {
  if (field.pixel)
    return Value(PictureField{source.name, field.name, source.part.name});
  if (field.isText())
    return Value(TextField{source.name, field.name, source.part.name});
  nn::TensorInfo info = nn::TensorInfo::of(field.type);
  info.meaning = field.meaning;
  info.meaning.hidden = domain.isHidden(field.name, source.split);
  // In an episode the classes have numbers of its own.
  if (source.sampler && source.sampler->kind == SamplerInfo::Episodes && field.name == source.sampler->field) {
    info.meaning.tag = nn::Tag::Class;
    info.meaning.classes = source.sampler->ways;
  }
  Tensor tensor = perBatch(source, field.name, info);
  size_t outer = tensor.axes.size() - field.type.getRank();
  for (auto [i, bound] : llvm::enumerate(field.bounds))
    if (!bound.empty())
      tensor.axes[outer + i] = boundedField(source, bound);
  return Value(tensor);
}

mlir::Value Pipeline::keysOf(const SourceInfo &source, int64_t views) {
  llvm::SmallVector<Extent> extents;
  for (const Dim &dim : samplesOf(source))
    extents.push_back(dim.extent);
  extents.push_back(Extent(4));
  auto type = nn::withExtents(RankedTensorType::get({}, builder.getI32Type()), extents);
  return evaluator.function().argument(pipeline::BindKind::Key, source.bindName(), type, current->draw, views);
}

mlir::Value Pipeline::sampleKeys(const Extent &extent) {
  if (current && current->whole)
    for (const SourceInfo &source : current->sources)
      if (Extent::symbolic(source.rows()) == extent)
        return keysOf(source, 0);
  return nullptr;
}

bool Pipeline::isAddedView(const SourceInfo &source, llvm::StringRef field) {
  if (!current->stage || domains[source.domain].find(field))
    return false;
  for (const Clause &augment : current->stage->augments)
    for (const dsl::Slot &target : llvm::cast<dsl::AugmentItem>(*augment.item).targets)
      if (evaluator.slotName(target, augment.scope) == source.name + "." + field.str())
        return true;
  return false;
}

void Pipeline::suggestField(const DomainInfo &domain, llvm::StringRef field, llvm::StringRef owner,
                            dsl::SourceRange range) {
  if (domain.brokenFields.count(field.str()))
    return;
  auto names = llvm::map_range(domain.fields, [](auto &one) -> llvm::StringRef { return one.name; });
  error(range, "unknown-field", "'" + field + "' is no field of '" + owner + "'" + dsl::suggest(field, names));
}

Value Pipeline::sourceField(const SourceInfo &source, llvm::StringRef field, dsl::SourceRange range) {
  auto key = [&](llvm::StringRef name) {
    return source.bindName() + "." + name.str() + "#" + std::to_string(current->draw);
  };
  if (auto known = current->fields.find(key(field)); known != current->fields.end())
    return known->second;
  Evaluator::OutsideLoops outsideLoops(evaluator);
  usedDomains.insert(source.domain);
  const DomainInfo &domain = domains[source.domain];
  if (domain.fields.empty() || domain.brokenFields.count(field.str())) // which was reported
    return Value();
  bool augmented = current->stage && evaluator.function().training && !current->whole;
  if (!domain.find(field)) {
    bool added = isAddedView(source, field);
    if (!added)
      suggestField(domain, field, source.name, range);
    if (added && onlyLooks())
      return Value();
    if (added && !augmented)
      return error(range, "view-in-evaluation",
                   "'" + source.name + "." + field + "' is a view that 'augment' adds: it exists in the steps of '" +
                       current->stage->name + "' only; in evaluation mode read a field of '" + source.domain + "'");
    if (!added)
      return Value();
  }
  std::map<std::string, Value> fields;
  for (const DomainInfo::Field &one : domain.fields)
    fields[one.name] = rawField(source, domain, one);
  for (const std::string &one : domain.brokenFields)
    fields[one] = Value();
  unsigned ordinal = 0;
  for (const Clause &map : domain.maps)
    applyMapping(source, domain, llvm::cast<dsl::MappingItem>(*map.item), map.scope, fields, ordinal++);
  if (augmented)
    for (const Clause &augment : current->stage->augments) {
      auto &item = llvm::cast<dsl::AugmentItem>(*augment.item);
      std::optional<std::string> target = evaluator.slotName(item.targets.front(), augment.scope);
      if (target && llvm::StringRef(*target).starts_with(source.name + "."))
        applyMapping(source, domain, item, augment.scope, fields, ordinal++);
    }
  for (auto &[name, value] : fields)
    current->fields[key(name)] = value;
  return current->fields[key(field)];
}

/// A field of the samples, or one of the parts that the elements of the source are made of: a record of fields.
Value Pipeline::sourceMember(const SourceInfo &source, llvm::StringRef member, dsl::SourceRange range) {
  std::vector<SamplerInfo::Part> parts;
  if (source.sampler)
    parts = source.sampler->parts();
  if (parts.empty())
    return sourceField(source, member, range);
  SourceInfo read = source;
  if (parts.front().name.empty()) {
    read.part = parts.front();
    return sourceField(read, member, range);
  }
  if (source.sampler->kind == SamplerInfo::Pairs && member == "same") {
    DomainInfo::Field same{"same", RankedTensorType::get({}, builder.getI1Type()), {}};
    same.meaning.domains = {source.domain};
    Value &value = current->fields[source.name + ".same#" + std::to_string(current->draw)];
    if (value.isPoison())
      value = rawField(source, domains[source.domain], same);
    return value;
  }
  for (const SamplerInfo::Part &part : parts) {
    if (part.name != member)
      continue;
    read.part = part;
    std::vector<std::pair<std::string, Value>> fields;
    for (const DomainInfo::Field &field : domains[source.domain].fields)
      fields.push_back({field.name, sourceField(read, field.name, range)});
    for (const std::string &field : domains[source.domain].brokenFields)
      fields.push_back({field, Value()});
    return Value::record(std::move(fields));
  }
  return error(range, "unknown-field",
               "'" + source.name + "' is drawn by '" + source.sampler->kindName() + "': it has '" + parts[0].name +
                   "' and '" + parts[1].name + "', each with the fields of '" + source.domain + "', such as '" +
                   source.name + "." + parts[0].name + "." + domains[source.domain].fields.front().name + "'" +
                   (source.sampler->kind == SamplerInfo::Pairs ? ", and 'same'" : ""));
}

Value Pipeline::sourceRecord(const Place &place, dsl::SourceRange range) {
  const SourceInfo *source = current->findSource(place.name);
  if (!source)
    return error(range, "source-not-read", "'" + place.name + "' is no source here");
  SourceInfo read = *source;
  std::vector<std::string> members;
  if (read.sampler)
    for (const SamplerInfo::Part &part : read.sampler->parts())
      if (!part.name.empty())
        members.push_back(part.name);
  if (read.sampler && read.sampler->kind == SamplerInfo::Pairs)
    members.push_back("same");
  if (members.empty())
    for (const DomainInfo::Field &field : domains[read.domain].fields)
      members.push_back(field.name);
  std::vector<std::pair<std::string, Value>> fields;
  for (const std::string &name : members)
    fields.push_back({name, sourceMember(read, name, range)});
  return Value::record(std::move(fields));
}

/// `D.split.f`, where whole splits are read: any split is a source.
Value Pipeline::splitField(const Place &split, llvm::StringRef field, dsl::SourceRange range) {
  if (!isWhole() && onlyLooks())
    return Value();
  if (!isWhole())
    return error(range, "no-members",
                 "'" + split.name + "." + split.split +
                     "' is a split: its fields are read with 'whole(..)' where a time is "
                     "stated, or by a source of the stage ('on')");
  for (const SourceInfo &source : current->sources)
    if (source.available && source.domain == split.name && source.split == split.split)
      return sourceField(source, field, range);
  SourceInfo source = current->addSplit(split.name, split.split, range);
  return sourceField(source, field, range);
}

Value Pipeline::member(const Place &place, llvm::StringRef member, dsl::SourceRange range) {
  switch (place.kind) {
  case Place::Source: {
    const SourceInfo *source = current->findSource(place.name);
    if (!source)
      return error(range, "source-not-read", "'" + place.name + "' is no source here");
    if (!domains[source->domain].find(member) && domains[source->domain].hasSplit(member))
      return Value(Place{Place::Split, source->domain, member.str()});
    SourceInfo read = *source; // reading may add sources
    return sourceMember(read, member, range);
  }
  case Place::Domain: {
    auto domain = domains.find(place.name);
    if (domain == domains.end())
      return error(range, "family-without-index",
                   "'" + place.name + "' is a family: name one by its index, such as '" + place.name + "[..]'");
    if (domain->second.hasSplit(member))
      return Value(Place{Place::Split, place.name, member.str()});
    if (domain->second.brokenFields.count(member.str()) || domain->second.brokenSplits.count(member.str()))
      return Value();
    if (!domain->second.find(member)) {
      std::vector<llvm::StringRef> candidates{"all"};
      for (const DomainInfo::Split &split : domain->second.splits)
        candidates.push_back(split.name);
      for (const std::string &split : domain->second.readSplits)
        candidates.push_back(split);
      for (const DomainInfo::Field &field : domain->second.fields)
        candidates.push_back(field.name);
      return error(range, "unknown-split",
                   "'" + place.name + "' has no split and no field '" + member + "'" +
                       dsl::suggest(member, candidates));
    }
    if (current && current->broken)
      return Value();
    // A source under another name hides its domain's name; one of the domain alone is meant by it all the same.
    if (current && !current->notRead.insert(place.name).second)
      return Value();
    if (current && current->wantsOver)
      return error(range, "source-not-read",
                   "'" + place.name + "." + member +
                       "' is read here, and no 'over' says of which samples; add one, such as 'over " + place.name +
                       ".all'");
    return error(range, "source-not-read",
                 "'" + place.name + "." + member + "' is read here, but '" + place.name +
                     "' is no source here; add it to 'on' or 'evaluate', or use the name that 'as' gave it");
  }
  case Place::Stage: {
    auto stage = stages.find(place.name);
    if (stage == stages.end())
      return error(range, "family-without-index",
                   "'" + place.name + "' is a family: name one by its index, such as '" + place.name + "[..]'");
    return stageMember(stage->second, member, range);
  }
  case Place::Split:
    return splitField(place, member, range);
  }
  return Value();
}

Value Pipeline::sizeOf(const Place &place, dsl::SourceRange) {
  usedDomains.insert(place.name);
  std::string domain = place.name, split = "all";
  if (place.kind == Place::Split)
    split = place.split;
  if (place.kind == Place::Source && current)
    if (const SourceInfo *source = current->findSource(place.name))
      return Value(Dim{current->whole ? Extent::symbolic(source->rows()) : Extent(source->batch), 0});
  return Value(Dim{Extent::symbolic(domain + "." + split), 0});
}

//===--- what nothing reads -------------------------------------------------------------------------------------===//

void Pipeline::warnOfUnread() {
  for (const std::string &name : domainOrder)
    if (!usedDomains.count(name) && domains[name].item->range.file == programFile)
      diagnostics.warning("unused-domain", domains[name].item->slot.range,
                          "nothing reads the domain '" + name +
                              "'; add a split of it to 'on' or 'evaluate', or leave it out");
  for (auto &[name, stage] : stages)
    for (const SourceInfo &source : stage.sources)
      if (!stage.readSources.count(source.name) && stage.baselineOf.empty() && stage.epochBy != source.name)
        diagnostics.warning("unused-source", source.range,
                            "no step of '" + name + "' reads the source '" + source.name +
                                "'; it still counts for the length of an epoch");
  for (auto &[name, stage] : stages)
    for (const Clause &clause : stage.optimizers)
      if (!usedOptimizers.count(clause.item))
        diagnostics.warning("unused-optimizer", clause.item->keyword,
                            "nothing is moved by this optimizer: what it is for is frozen, reached by no 'minimize', "
                            "covered by a later 'optimizer', or moved 'using' another");
}

} // namespace xfer
