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

bool Pipeline::perSample(llvm::ArrayRef<std::pair<std::string, Tensor>> mapped, mlir::Value keys, const ScopePtr &scope,
                         dsl::SourceRange range,
                         llvm::function_ref<std::optional<std::vector<Tensor>>(const ScopePtr &)> body,
                         std::vector<Tensor> &results) {
  OpBuilder &inner = evaluator.builder();
  Location where = location(range);
  Region region;
  SmallVector<mlir::Value> operands;
  SmallVector<Type> types;
  std::vector<Tensor> values;
  AxisId batchAxis = mapped.empty() ? 0 : mapped.front().second.axes.front();
  Extent count =
      mapped.empty() ? nn::extentsOf(keys.getType()).front() : extentsOf(mapped.front().second.value).front();
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
      sample->define(name,
                     Value(Tensor{argument(tensor.value), llvm::SmallVector<AxisId>(llvm::drop_begin(tensor.axes))}));
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
  Tensor index{build.argument(pipeline::BindKind::Index, "", RankedTensorType::get({batch}, i32)),
               {evaluator.freshAxis()}};
  mlir::Value keys = build.argument(pipeline::BindKind::Key, "", RankedTensorType::get({batch, 4}, i32));
  // Two domains that call one function draw differently: their names are part of the site.
  Evaluator::Frame frame;
  frame.name = name;
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample(
      {{" index", index}}, keys, domain.scope, range,
      [&](const ScopePtr &sample) {
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
      },
      results);
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

//===--- fields of a batch --------------------------------------------------------------------------------------===//

void Pipeline::applyMapping(const SourceInfo &source, const DomainInfo &domain, const dsl::MappingItem &mapping,
                            const ScopePtr &scope, std::map<std::string, Value> &fields, unsigned ordinal) {
  bool augments = llvm::isa<dsl::AugmentItem>(&mapping);
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
      if (augments && domain.hasSplit(target)) {
        error(slot.range, "name-clash",
              "'" + target + "' is a split of '" + domain.name + "'; give the view another name");
        return;
      }
      if (!augments) {
        suggestField(domain, target, domain.name, slot.range);
        return;
      }
    }
    targets.push_back(target);
  }
  mlir::Value keys;
  if (!augments && mapping.views)
    error(mapping.views->range, "misplaced-item", "'views' stands behind an 'augment': a 'map' makes no draws");
  if (augments) {
    int64_t views = 0;
    if (mapping.views) {
      Value count = evaluator.evaluate(*mapping.views, scope);
      std::optional<int64_t> number = count.asInteger();
      if (!number || *number < 1 || *number > maxViews) {
        if (!count.isPoison())
          evaluator.suggestConst(evaluator.report(mapping.views->range, "wrong-type",
                                                  "'views' wants an int from 1 to " + Twine(maxViews) +
                                                      " that is known at compile time, found " + count.describe()),
                                 count);
        for (const std::string &target : targets)
          fields[target] = Value();
        return;
      }
      views = *number;
    }
    keys = keysOf(source, views);
  }
  std::vector<Evaluator::Frame> outside;
  std::swap(outside, evaluator.frames);
  Evaluator::Frame frame;
  frame.name = (augments ? "augment." : "map.") + source.name + "." + targets.front() + "#" + std::to_string(ordinal);
  evaluator.frames.push_back(std::move(frame));
  std::vector<Tensor> results;
  bool ok = perSample(
      mapped, keys, scope, mapping.range,
      [&](const ScopePtr &sample) {
        std::optional<std::vector<Tensor>> made;
        // Inside `augment source.field = e`, the source's fields are those of the sample at hand.
        std::vector<std::pair<std::string, Value>> record;
        for (auto &entry : mapped)
          record.push_back({entry.first, *sample->findHere(entry.first)});
        for (auto &[name, value] : fields)
          if (value.isPoison()) {
            sample->define(name, value);
            record.push_back({name, value});
          }
        ScopePtr inner = Scope::inside(augments ? scope : sample);
        if (augments)
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
      },
      results);
  std::swap(outside, evaluator.frames);
  for (auto [i, target] : llvm::enumerate(targets))
    fields[target] = ok ? Value(results[i]) : Value();
}

} // namespace xfer
