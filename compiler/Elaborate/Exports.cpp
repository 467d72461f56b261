//===- Exports.cpp - functions that the finished program offers ---------------------------------------------------===//
//
// An export is declared per sample and gains the batch. `x: like D.field` takes the samples of D as its reader delivers
// them and maps them itself; any other formal takes what its type says.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

static constexpr int64_t batch = 64;

bool Pipeline::bindInputs(const Node<dsl::ExportItem> &node, const ScopePtr &scope, BuildContext &build,
                          ExportInputs &inputs) {
  bool ok = true;
  for (const dsl::Formal &formal : node.item->formals) {
    auto *like = llvm::dyn_cast_or_null<dsl::LikeType>(formal.type.get());
    if (like) {
      dsl::SlotStep const *last = like->slot.steps.empty() ? nullptr : &like->slot.steps.back();
      std::optional<std::string> full = evaluator.slotName(like->slot, scope);
      std::string field = last && last->member ? last->member->text : "";
      std::string domain = full ? llvm::StringRef(*full).drop_back(std::min(full->size(), field.size() + 1)).str() : "";
      auto found = domains.find(domain);
      if (found != domains.end() && found->second.brokenFields.count(field)) {
        ok = false;
        continue;
      }
      if (found == domains.end() || !found->second.find(field)) {
        error(like->range, "unknown-field", "'" + sources.getText(like->range) + "' names no field of a domain");
        ok = false;
        continue;
      }
      inputs.domain = domain;
      SourceInfo source;
      source.name = node.name;
      source.domain = domain;
      source.split = "all";
      source.batch = batch;
      source.isInput = true;
      build.sources = {source};
      scope->define(formal.name.text, sourceField(source, field, like->range));
      const DomainInfo::Field &raw = *found->second.find(field);
      inputs.types.push_back({field, raw.type});
      inputs.meanings[field] = raw.meaning;
      continue;
    }
    if (!formal.type) {
      error(formal.range, "type-missing", "an argument of an export needs a type");
      ok = false;
      continue;
    }
    auto type = evaluator.tensorType(*formal.type, scope, formal.range);
    if (!type) {
      ok = false;
      continue;
    }
    nn::TensorInfo info = nn::TensorInfo::of(type->first);
    info.extents.insert(info.extents.begin(), Extent(batch));
    llvm::SmallVector<AxisId> axes(info.extents.size(), 0);
    axes.front() = evaluator.freshAxis();
    scope->define(
        formal.name.text,
        Value(Tensor{evaluator.function().argument(pipeline::BindKind::Input, formal.name.text, info.type()), axes}));
    inputs.types.push_back({formal.name.text, nn::withoutMeaning(type->first)});
    inputs.meanings[formal.name.text] = info.meaning;
  }
  return ok;
}

void Pipeline::buildExport(const Node<dsl::ExportItem> &node) {
  const dsl::ExportItem &item = *node.item;
  BuildContext build;
  build.frozen = modelFrozen;
  FunctionBuilder function(*module, "export." + node.name, location(item.name.range));
  evaluator.functions.push_back(&function);
  ContextGuard guard(current, &build);
  ScopePtr scope = Scope::inside(node.scope);
  scope->barrier = true;
  ExportInputs inputs;
  bool ok = bindInputs(node, scope, build, inputs);
  Value value;
  if (ok) {
    Evaluator::Frame frame;
    frame.name = "export." + node.name;
    evaluator.frames.push_back(std::move(frame));
    value = item.body.value ? evaluator.evaluate(*item.body.value, scope) : evaluator.runBody(*item.body.block, scope);
    evaluator.frames.pop_back();
  }
  std::vector<std::pair<std::string, Value>> results;
  if (auto *record = value.record())
    results = record->fields;
  else
    results = {{"value", value}};
  SmallVector<Attribute> outputFields, inputFields;
  for (auto &[name, one] : results) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, item.name.range);
    if (tensor && (tensor->rank() == 0 || tensor->type().getDimSize(0) != batch)) {
      error(item.name.range, "export-not-per-sample",
            "an export is declared per sample: its value must have one row a sample, found " + one.describe());
      tensor.reset();
    }
    if (!tensor) {
      ok = false;
      continue;
    }
    function.result(pipeline::BindKind::Output, name, tensor->value);
    auto type = tensor->type();
    outputFields.push_back(fieldOf(name, RankedTensorType::get(type.getShape().drop_front(), type.getElementType()),
                                   meaningOf(tensor->value)));
  }
  evaluator.functions.pop_back();
  if (!ok || discovering) {
    function.erase();
    return;
  }
  func::FuncOp built = function.finish();
  for (auto &[name, type] : inputs.types) {
    bool bound = false;
    for (unsigned i = 0; i < built.getNumArguments(); ++i) {
      auto bind = pipeline::getArgumentBind(built, i);
      bound |= bind.getKind() == pipeline::BindKind::Input && bind.getName() == name;
    }
    if (bound)
      inputFields.push_back(fieldOf(name, type, inputs.meanings[name]));
  }
  pipeline::ExportOp::create(builder, location(item.name.range), builder.getStringAttr(node.name),
                             FlatSymbolRefAttr::get(built), builder.getArrayAttr(inputFields),
                             builder.getArrayAttr(outputFields), builder.getI64IntegerAttr(batch),
                             inputs.domain.empty() ? StringAttr() : builder.getStringAttr(inputs.domain));
}

} // namespace xfer
