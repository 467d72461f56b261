//===- Samples.cpp - per-sample code: map, augment, generate ------------------------------------------------------===//
//
// `map`, `augment` and `generate` are written for one sample. They are elaborated once, into the region of an nn.each
// over the batch; draws inside are keyed by the sample.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Of one sample (`views k`): their number is a part of the key, and each may be stored.
static constexpr int64_t maxViews = 1 << 16;

/// The sample's part of a value of the batch.
mlir::Value Pipeline::sampleArgument(SampleRegion &region, mlir::Value batch, Location where) {
  region.operands.push_back(batch);
  return region.block->addArgument(elementType(batch.getType()), where);
}

/// The same with its axes: a bounded dimension has one length here, or one for each sample of an element.
Tensor Pipeline::sampleOf(SampleRegion &region, const Tensor &batch, Location where) {
  Tensor sample{sampleArgument(region, batch.value, where), llvm::SmallVector<AxisId>(llvm::drop_begin(batch.axes))};
  for (int64_t i = 1; i < batch.rank(); ++i)
    if (evaluator.isRagged(batch, i)) {
      AxisId &inner = region.inner[evaluator.rootOf(batch.axes[i])];
      Tensor length = evaluator.boundOf(batch.axes[i])->length;
      if (!inner)
        inner = evaluator.boundedAxis({Tensor{sampleArgument(region, length.value, where),
                                              llvm::SmallVector<AxisId>(llvm::drop_begin(length.axes))}});
      sample.axes[i - 1] = inner;
    }
  return sample;
}

/// The axis of the batch that a bounded axis of one sample stands for.
std::optional<AxisId> Pipeline::fromBatch(const SampleRegion &region, AxisId axis) const {
  for (auto [outer, inner] : region.inner)
    if (evaluator.isSameAxis(inner, axis))
      return outer;
  return std::nullopt;
}

/// The lengths of a bounded axis that per-sample code made; null for any other.
const Bound *Pipeline::madeInside(const SampleRegion &region, AxisId axis) const {
  return fromBatch(region, axis) ? nullptr : evaluator.boundOf(axis);
}

bool Pipeline::perSample(llvm::ArrayRef<std::pair<std::string, Tensor>> mapped, mlir::Value keys, const Dim &samples,
                         const ScopePtr &scope, dsl::SourceRange range,
                         llvm::function_ref<std::optional<std::vector<Tensor>>(const ScopePtr &)> body,
                         std::vector<Tensor> &results, unsigned depth) {
  if (depth > 1) {
    // The samples of an element, and inside of it one sample.
    auto element = [&](const ScopePtr &sample) {
      std::vector<std::pair<std::string, Tensor>> own;
      for (auto &[name, tensor] : mapped)
        own.push_back({name, *sample->findHere(name)->tensor()});
      std::vector<Tensor> made;
      mlir::Value ownKeys = keys ? evaluator.sampleKey : mlir::Value();
      Dim inside{ownKeys ? extentsOf(ownKeys).front() : Extent(), 0};
      bool ok = perSample(own, ownKeys, inside, scope, range, body, made, depth - 1);
      return ok ? std::optional(made) : std::nullopt;
    };
    return perSample(mapped, keys, samples, scope, range, element, results);
  }
  OpBuilder &inner = evaluator.builder();
  Location where = location(range);
  Region region;
  SampleRegion state;
  SmallVector<Type> types;
  std::vector<Tensor> values;
  size_t own = 0; // of the values: the lengths are behind
  AxisId batchAxis = mapped.empty() ? samples.axis : mapped.front().second.axes.front();
  Extent count = mapped.empty() ? samples.extent : extentsOf(mapped.front().second.value).front();
  {
    OpBuilder::InsertionGuard guard(inner);
    Block *block = inner.createBlock(&region);
    ScopePtr sample = Scope::inside(scope);
    state.block = block;
    state.around = sampleRegion;
    sampleRegion = &state;
    for (auto &[name, tensor] : mapped)
      sample->define(name, Value(sampleOf(state, tensor, where)));
    mlir::Value before = evaluator.sampleKey;
    if (keys)
      evaluator.sampleKey = sampleArgument(state, keys, where);
    std::optional<std::vector<Tensor>> made = body(sample);
    evaluator.sampleKey = before;
    sampleRegion = state.around;
    if (!made)
      return false;
    // Lengths that were made here leave as results of their own.
    own = made->size();
    std::vector<Tensor> lengths;
    for (const Tensor &tensor : *made)
      for (AxisId axis : tensor.axes)
        if (const Bound *bound = madeInside(state, axis))
          lengths.push_back(bound->length);
    llvm::append_range(*made, lengths);
    SmallVector<mlir::Value> yielded;
    for (const Tensor &tensor : *made) {
      yielded.push_back(tensor.value);
      types.push_back(stackedType(tensor.value.getType(), count));
    }
    values = *made;
    nn::YieldOp::create(inner, where, yielded);
  }
  SmallVector<mlir::Value> invariants = isolate(region, where);
  auto each = nn::EachOp::create(inner, where, types, state.operands, invariants);
  each.getBody().takeBody(region);
  if (!batchAxis)
    batchAxis = evaluator.freshAxis();
  for (size_t i = 0, next = own; i < own; ++i) {
    llvm::SmallVector<AxisId> axes{batchAxis};
    for (AxisId axis : values[i].axes) {
      const Bound *bound = madeInside(state, axis);
      if (!bound) {
        axes.push_back(fromBatch(state, axis).value_or(axis));
        continue;
      }
      AxisId &outer = state.outer[evaluator.rootOf(axis)];
      if (!outer) {
        Tensor length{each.getResult(next), {batchAxis}};
        length.axes.append(bound->length.axes.begin(), bound->length.axes.end());
        outer = evaluator.boundedAxis({length});
      }
      ++next;
      axes.push_back(outer);
    }
    results.push_back(Tensor{each.getResult(i), axes});
  }
  return true;
}

/// What the function of a `generate` made of one sample: the fields of the domain in order, behind them the lengths of
/// its bounded dimensions; nothing after an error.
std::optional<std::vector<Tensor>> Pipeline::generatedFields(const DomainInfo &domain, const Value &sample,
                                                             dsl::SourceRange range) {
  const Record *record = sample.record();
  if (!record) {
    if (!sample.isPoison())
      error(range, "wrong-type", "the function of 'samples' returns a record of fields, found " + sample.describe());
    return std::nullopt;
  }
  std::vector<Tensor> fields;
  std::map<std::string, Tensor> lengths;
  for (const DomainInfo::Field &field : domain.fields) {
    if (field.pixel) {
      error(range, "wrong-type",
            "samples that the program makes have one size: give the extents of '" + field.name + "' instead of '?'");
      return std::nullopt;
    }
    if (field.isText()) {
      error(range, "wrong-type", "samples that the program makes have no text, such as '" + field.name + "'");
      return std::nullopt;
    }
    const Value *given = record->find(field.name);
    if (!given) {
      error(range, "missing-field", "the samples have no field '" + field.name + "'");
      return std::nullopt;
    }
    std::optional<Tensor> tensor = evaluator.toTensor(*given, range, field.type.getElementType());
    if (!tensor)
      return std::nullopt;
    for (auto [i, bound] : llvm::enumerate(field.bounds)) {
      if (bound.empty())
        continue;
      // The length of a bounded dimension is data as well.
      if (static_cast<int64_t>(i) >= tensor->rank() || !evaluator.isRagged(*tensor, i)) {
        error(range, "not-bounded",
              "the field '" + field.name + "' is bounded by '" + bound +
                  "', the samples have all its entries; 'bounded(x, length)' says how many are real");
        return std::nullopt;
      }
      lengths.insert({bound, evaluator.boundOf(tensor->axes[i])->length});
    }
    if (tensor->type().getShape() != field.type.getShape()) {
      error(range, "shapes-differ",
            "the field '" + field.name + "' is declared " + describeShape(field.type) + ", the samples have " +
                describeShape(tensor->type()));
      return std::nullopt;
    }
    fields.push_back(*tensor);
    fields.back().axes.assign(tensor->rank(), 0);
  }
  for (auto &[name, unused] : domain.lengths)
    fields.push_back(lengths[name]);
  return fields;
}

func::FuncOp Pipeline::buildGenerator(const DomainInfo &domain, const std::string &split, const Value &function,
                                      int64_t batch, dsl::SourceRange range) {
  std::string name = "generate." + domain.name + (split.empty() ? "" : "." + split);
  FunctionBuilder build(*module, name, location(range));
  evaluator.functions.push_back(&build);
  Type i32 = builder.getI32Type();
  Tensor index{build.argument(pipeline::BindKind::Index, "", RankedTensorType::get({batch}, i32)),
               {evaluator.freshAxis()}};
  mlir::Value keys = build.argument(pipeline::BindKind::Key, "", RankedTensorType::get({batch, 4}, i32));
  // Two domains that call one function draw differently: their names are part of the site.
  Evaluator::Frame frame;
  frame.name = name;
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample(
      {{" index", index}}, keys, {Extent(batch), index.axes.front()}, domain.scope, range,
      [&](const ScopePtr &sample) {
        Arguments arguments;
        arguments.all.push_back({"", *sample->findHere(" index"), range});
        return generatedFields(domain, evaluator.call(function, arguments, range), range);
      },
      results);
  evaluator.frames.pop_back();
  evaluator.functions.pop_back();
  if (!ok) {
    build.erase();
    return nullptr;
  }
  for (auto [field, tensor] : llvm::zip(domain.fields, results))
    build.result(pipeline::BindKind::Field, field.name, tensor.value);
  for (auto [length, tensor] : llvm::zip(domain.lengths, llvm::drop_begin(results, domain.fields.size())))
    build.result(pipeline::BindKind::Field, length.first, tensor.value);
  return build.finish();
}

//===--- fields of a batch --------------------------------------------------------------------------------------===//

/// The fields that a `map` or `augment` makes; nothing after an error.
std::optional<std::vector<std::string>> Pipeline::mappingTargets(const dsl::MappingItem &mapping,
                                                                 const DomainInfo &domain,
                                                                 const std::map<std::string, Value> &fields) {
  bool augments = llvm::isa<dsl::AugmentItem>(&mapping);
  std::vector<std::string> targets;
  for (const dsl::Slot &slot : mapping.targets) {
    // `augment usps.image`: the source stands before the field.
    std::string target = slot.base.text;
    if (!slot.steps.empty() && slot.steps.back().member)
      target = slot.steps.back().member->text;
    bool isNew = !fields.count(target);
    if (isNew && !augments) {
      suggestField(domain, target, domain.name, slot.range);
      return std::nullopt;
    }
    if (isNew && domain.hasSplit(target)) {
      error(slot.range, "name-clash",
            "'" + target + "' is a split of '" + domain.name + "'; give the view another name");
      return std::nullopt;
    }
    targets.push_back(target);
  }
  return targets;
}

/// What the expression of a mapping makes of one sample, a tensor for each target; nothing after an error.
std::optional<std::vector<Tensor>> Pipeline::mappedFields(const dsl::MappingItem &mapping, const ScopePtr &scope) {
  Value value = evaluator.evaluate(*mapping.value, scope);
  std::vector<Value> all{value};
  if (size_t count = mapping.targets.size(); count > 1) {
    std::optional<std::vector<Value>> parts = evaluator.elements(value, mapping.value->range);
    if (parts && parts->size() != count)
      error(mapping.value->range, "wrong-count", "one value for each of the fields on the left is expected");
    if (!parts || parts->size() != count)
      return std::nullopt;
    all = *parts;
  }
  std::vector<Tensor> tensors;
  for (const Value &one : all) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, mapping.value->range);
    if (!tensor)
      return std::nullopt;
    tensors.push_back(*tensor);
  }
  return tensors;
}

void Pipeline::applyMapping(const SourceInfo &source, const DomainInfo &domain, const dsl::MappingItem &mapping,
                            const ScopePtr &scope, std::map<std::string, Value> &fields, unsigned ordinal) {
  bool augments = llvm::isa<dsl::AugmentItem>(&mapping);
  std::optional<std::vector<std::string>> targets = mappingTargets(mapping, domain, fields);
  if (!targets)
    return;
  mlir::Value keys;
  if (!augments && mapping.views)
    error(mapping.views->range, "misplaced-item", "'views' stands behind an 'augment': a 'map' makes no draws");
  if (augments) {
    std::optional<int64_t> views = 0;
    if (mapping.views)
      views = evaluator.evaluateInt(*mapping.views, scope, 1, maxViews, "wrong-type",
                                    "'views' wants an int from 1 to " + Twine(maxViews));
    if (!views) {
      for (const std::string &target : *targets)
        fields[target] = Value();
      return;
    }
    keys = keysOf(source, *views);
  }
  std::vector<std::pair<std::string, Tensor>> mapped;
  for (auto &[name, value] : fields)
    if (value.tensor())
      mapped.push_back({name, *value.tensor()});
  std::vector<Evaluator::Frame> outside;
  std::swap(outside, evaluator.frames);
  Evaluator::Frame frame;
  frame.name =
      (augments ? "augment." : "map.") + source.bindName() + "." + targets->front() + "#" + std::to_string(ordinal);
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample(
      mapped, keys, samplesOf(source).front(), scope, mapping.range,
      [&](const ScopePtr &sample) {
        // Inside `augment source.field = e`, the source's fields are those of the sample at hand.
        std::vector<std::pair<std::string, Value>> record;
        for (auto &entry : mapped)
          record.push_back({entry.first, *sample->findHere(entry.first)});
        for (auto &[name, value] : fields)
          if (value.isPoison() || value.textField() || value.pictureField()) {
            sample->define(name, value);
            record.push_back({name, value});
          }
        ScopePtr inner = Scope::inside(augments ? scope : sample);
        if (augments)
          inner->define(source.name, Value::record(record));
        return mappedFields(mapping, inner);
      },
      results, source.part.nested ? 2 : 1);
  std::swap(outside, evaluator.frames);
  for (auto [i, target] : llvm::enumerate(*targets))
    fields[target] = ok ? Value(results[i]) : Value();
}

} // namespace xfer
