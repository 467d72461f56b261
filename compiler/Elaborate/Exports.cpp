//===- Exports.cpp - functions that the finished program offers ---------------------------------------------------===//
//
// An export is declared per sample and gains the batch. `x: like D.field` takes the samples of D as its reader delivers
// them and maps them itself; any other formal takes what its type says.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

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
      source.batch = exportBatch;
      source.isInput = true;
      build.sources = {source};
      const DomainInfo::Field &raw = *found->second.find(field);
      if (!raw.isText()) // those are listed when it is known what is made of them
        inputs.fields.push_back(fieldOf(field, raw.type, raw.meaning));
      for (const std::string &bound : raw.bounds)
        if (!bound.empty())
          inputs.fields.push_back(lengthField(bound, found->second.lengths.lookup(bound)));
      scope->define(formal.name.text, sourceField(source, field, like->range));
      continue;
    }
    if (!formal.type) {
      error(formal.range, "type-missing", "an argument of an export needs a type");
      ok = false;
      continue;
    }
    if (isString(*formal.type)) {
      scope->define(formal.name.text, Value(TextField{node.name, formal.name.text}));
      continue;
    }
    DomainInfo declared;
    DomainInfo::Field field;
    declared.fieldScope = scope;
    field.name = formal.name.text;
    if (!declareShape(declared, field, *formal.type, scope)) {
      ok = false;
      continue;
    }
    if (field.pixel) {
      error(formal.range, "bad-extent",
            "how pictures of different sizes are read is known of a domain: write 'like' and its field, such as "
            "'image: like pets.image'");
      ok = false;
      continue;
    }
    SourceInfo source;
    source.name = node.name;
    source.batch = exportBatch;
    source.isInput = true;
    scope->define(formal.name.text, rawField(source, declared, field));
    inputs.fields.push_back(fieldOf(field.name, field.type, field.meaning));
    for (auto &[name, most] : declared.lengths)
      inputs.fields.push_back(lengthField(name, most));
  }
  return ok;
}

func::FuncOp Pipeline::elaborateExport(const Node<dsl::ExportItem> &node, llvm::StringRef name, bool anyBatch,
                                       ExportInputs &inputs, llvm::SmallVectorImpl<Attribute> &outputs) {
  const dsl::ExportItem &item = *node.item;
  BuildContext build;
  build.frozen = modelFrozen;
  build.whole = anyBatch;
  FunctionBuilder function(*module, name, location(item.name.range));
  evaluator.functions.push_back(&function);
  ContextGuard guard(current, &build);
  ScopePtr scope = Scope::inside(node.scope);
  scope->barrier = true;
  build.inputs = &inputs;
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
  int64_t rows = anyBatch ? ShapedType::kDynamic : exportBatch;
  for (auto &[field, one] : results) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, item.name.range);
    if (tensor && (tensor->rank() == 0 || tensor->type().getDimSize(0) != rows)) {
      error(item.name.range, "export-not-per-sample",
            "an export is declared per sample: its value must have one row a sample, found " + one.describe());
      tensor.reset();
    }
    for (int64_t i = 1; tensor && i < tensor->rank(); ++i)
      if (evaluator.isRagged(*tensor, i) && !evaluator.wantsDense(*tensor, i, "export", item.name.range))
        tensor.reset();
    if (!tensor) {
      ok = false;
      continue;
    }
    function.result(pipeline::BindKind::Output, field, tensor->value);
    auto type = tensor->type();
    outputs.push_back(fieldOf(field, RankedTensorType::get(type.getShape().drop_front(), type.getElementType()),
                              meaningOf(tensor->value)));
  }
  evaluator.functions.pop_back();
  if (ok && !discovering)
    return function.finish();
  function.erase();
  return nullptr;
}

void Pipeline::buildExport(const Node<dsl::ExportItem> &node) {
  ExportInputs inputs;
  SmallVector<Attribute> outputs, inputFields;
  func::FuncOp built = elaborateExport(node, "export." + node.name, /*anyBatch=*/false, inputs, outputs);
  if (!built)
    return;
  std::set<std::string> listed;
  for (Attribute attribute : inputs.fields) {
    llvm::StringRef name = llvm::cast<pipeline::FieldAttr>(attribute).getName();
    bool bound = false;
    for (unsigned i = 0; i < built.getNumArguments(); ++i) {
      auto bind = pipeline::getArgumentBind(built, i);
      bound |= bind.getKind() == pipeline::BindKind::Input && bind.getName() == name;
    }
    if (bound && listed.insert(name.str()).second)
      inputFields.push_back(attribute);
  }
  auto exported = pipeline::ExportOp::create(
      builder, location(node.item->name.range), builder.getStringAttr(node.name), FlatSymbolRefAttr::get(built),
      builder.getArrayAttr(inputFields), builder.getArrayAttr(outputs), builder.getI64IntegerAttr(exportBatch),
      inputs.domain.empty() ? StringAttr() : builder.getStringAttr(inputs.domain));
  if (!options.anyBatch)
    return;
  // What cannot be said of any number of samples is no mistake: the program takes a certain number at a time.
  dsl::Diagnostics found;
  evaluator.diagnostics = &found;
  ExportInputs again;
  SmallVector<Attribute> same;
  func::FuncOp any = elaborateExport(node, "any." + node.name, /*anyBatch=*/true, again, same);
  evaluator.diagnostics = &diagnostics;
  if (any)
    exported->setAttr(kAnyBatchAttr, FlatSymbolRefAttr::get(any));
  else
    exported->setAttr(kAnyBatchAttr, text(found.getAll().empty() ? "" : found.getAll().front().message));
}

} // namespace xfer
