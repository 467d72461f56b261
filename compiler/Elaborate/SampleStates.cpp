//===- SampleStates.cpp - states with a row for each sample -------------------------------------------------------===//
//
// `state pseudo: class(10) per mnist` is one tensor, whose first extent is the number of samples of a split. Where a
// batch is read it is the rows of the batch, in and out; where whole splits are read it is all of them. Either way the
// rows are read as a field of their source is, so what is computed of them sample by sample goes batch by batch.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static std::string splitName(const HeldState &held) { return held.domain + "." + held.split; }

bool Pipeline::placeRows(HeldState &held) {
  const dsl::Name &per = *held.item->per;
  if (current && current->stage) {
    const SourceInfo *source = current->findSource(per.text);
    if (!source) {
      if (!current->broken)
        error(per.range, "unknown-source",
              "'" + per.text + "' is no source of the stage '" + current->stage->name + "'" +
                  dsl::suggest(per.text,
                               llvm::map_range(current->sources,
                                               [](const SourceInfo &one) -> llvm::StringRef { return one.name; })));
      return false;
    }
    if (source->sampler && !source->sampler->parts().empty()) {
      error(per.range, "wrong-samples",
            "'" + per.text + "' is drawn by '" + source->sampler->kindName() +
                "', of several samples at a time; a state has rows of a source whose samples come one by one");
      return false;
    }
    held.domain = source->domain;
    held.split = source->split;
    held.source = source->name;
    return true;
  }
  if (!domains.count(per.text)) {
    error(per.range, "unknown-domain",
          "there is no domain '" + per.text + "', of whose samples a state of the program could have rows" +
              dsl::suggest(per.text, domainOrder));
    return false;
  }
  held.domain = per.text;
  held.split = "all";
  return true;
}

RankedTensorType HeldState::withRows(RankedTensorType row) const {
  nn::TensorInfo info = nn::TensorInfo::of(row);
  info.extents.insert(info.extents.begin(), Extent::symbolic(splitName(*this)));
  return info.type();
}

const SourceInfo *Pipeline::rowSource(const HeldState &held, dsl::SourceRange range) {
  if (!current)
    return error(range, "source-not-read", "'" + held.path + "' needs samples, and none are read here"), nullptr;
  std::vector<const SourceInfo *> fitting;
  for (const SourceInfo &source : current->sources) {
    bool oneByOne = !source.sampler || (!current->whole && source.sampler->parts().empty());
    if (source.domain != held.domain || !source.available || source.isInput || !oneByOne ||
        !domains[held.domain].isWithin(source.split, held.split))
      continue;
    if (source.name == held.source && current->stage && held.owner == "stage:" + current->stage->name)
      return &source;
    // A split that something else reads beside the sources says nothing of which samples are meant.
    bool isOfOwn = source.name != source.domain + ":" + source.split;
    if (isOfOwn || source.split == held.split)
      fitting.push_back(&source);
  }
  if (current->whole) {
    auto exact = llvm::find_if(fitting, [&](const SourceInfo *source) { return source->split == held.split; });
    if (exact != fitting.end())
      return *exact;
  }
  if (fitting.size() == 1)
    return fitting.front();
  if (current->whole) // all rows there are, as `whole(D.split.f)` is
    return &current->addSplit(held.domain, held.split, range);
  if (onlyLooks() || current->broken)
    return nullptr;
  error(range, "wrong-samples",
        "'" + held.path + "' has a row for each sample of '" + splitName(held) + "'; " +
            (fitting.empty() ? "here samples of that split are not read"
                             : "here two sources are, '" + fitting[0]->name + "' and '" + fitting[1]->name +
                                   "': declare it in the stage, 'per' one of them"));
  return nullptr;
}

/// What the rows of a state are bound to.
static std::string boundName(const HeldState &held, const SourceInfo &source) {
  return (held.path + pipeline::kPer + source.name).str();
}

Value Pipeline::readRows(const HeldState &held, dsl::SourceRange range) {
  const SourceInfo *source = rowSource(held, range);
  if (!source)
    return Value();
  const Leaf &leaf = *evaluator.leaves[held.path];
  FunctionBuilder &function = evaluator.function();
  usedDomains.insert(held.domain);
  llvm::SmallVector<Dim, 2> samples = samplesOf(*source);
  nn::TensorInfo info = nn::TensorInfo::of(leaf.type);
  info.extents.front() = samples.front().extent;
  llvm::SmallVector<AxisId> axes(info.extents.size(), 0);
  axes.front() = samples.front().axis;
  nn::Meaning meaning = leaf.meaning;
  meaning.hidden |= leaf.hidden;
  meaning.domains = {held.domain};
  info.meaning = meaning;
  std::string name = boundName(held, *source);
  Tensor rows;
  if (current->whole && source->split == held.split && function.hasWritten(held.path))
    rows = {function.read(leaf).value, axes}; // its first value, which this pass has made
  else
    rows = function.readRows(name, info.type(), axes, current->draw);
  rows.value = annotate(evaluator.builder(), location(range), rows.value, meaning);
  return Value(rows);
}

bool Pipeline::assignRows(const HeldState &held, const Value &value, dsl::SourceRange range) {
  Leaf &leaf = *evaluator.leaves[held.path];
  if (current->whole)
    return assignTo(leaf, value, range);
  const SourceInfo *source = rowSource(held, range);
  if (!source)
    return false;
  if (current->draws) {
    error(range, "wrong-samples",
          "'" + held.path +
              "' has a row for each sample of the step's own batch; behind 'repeat .. fresh' it is not "
              "updated");
    return false;
  }
  std::optional<Tensor> tensor = evaluator.toTensor(value, range, leaf.type.getElementType());
  if (!tensor)
    return false;
  std::vector<Dim> dims;
  for (const Extent &extent : nn::extentsOf(leaf.type))
    dims.push_back({extent, 0});
  dims.front() = samplesOf(*source).front();
  tensor = evaluator.broadcast(*tensor, dims, range);
  if (!tensor)
    return false;
  leaf.hidden |= meaningOf(tensor->value).hidden;
  evaluator.function().writeRows(boundName(held, *source), tensor->value);
  return true;
}

} // namespace xfer
