//===- Passes.cpp - what is computed outside a training step: evaluations, figures, first values, exports --------------------===//
//
// A pass is one function over whole splits, in evaluation mode. Its batches have a symbolic leading extent; a later pass
// cuts it into what is computed row by row and what couples the samples.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

ArrayAttr Pipeline::sourceAttributes(llvm::ArrayRef<SourceInfo> all) {
  SmallVector<Attribute> attributes;
  for (const SourceInfo &source : all)
    if (source.available)
      attributes.push_back(pipeline::SourceAttr::get(&context, source.name, source.domain, source.split, source.batch,
                                                     FlatSymbolRefAttr()));
  return builder.getArrayAttr(attributes);
}

void Pipeline::emitPass(llvm::StringRef name, llvm::StringRef at, llvm::ArrayRef<SourceInfo> all,
                        func::FuncOp function) {
  pipeline::PassOp::create(builder, function.getLoc(), builder.getStringAttr(name),
                           at.empty() ? StringAttr() : builder.getStringAttr(at), sourceAttributes(all),
                           FlatSymbolRefAttr::get(function));
}

//===--- first values -------------------------------------------------------------------------------------------===//

void Pipeline::buildInit(llvm::StringRef name, llvm::StringRef owner) {
  FunctionBuilder function(*module, name.str(), module->getLoc());
  evaluator.functions.push_back(&function);
  BuildContext build;
  ContextGuard guard(current, &build);
  for (Leaf *leaf : evaluator.leafOrder) {
    if (leaf->owner != owner)
      continue;
    if (std::optional<Tensor> value = evaluator.initialValue(*leaf))
      function.write(*leaf, value->value);
  }
  evaluator.functions.pop_back();
  if (func::FuncOp built = function.finish())
    emitPass(name, owner == "module" ? "init" : "", {}, built);
}

//===--- figures of a stage -------------------------------------------------------------------------------------===//

std::optional<std::string> Pipeline::buildFigure(StageInfo &stage, const dsl::Expr &value,
                                                 const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope,
                                                 llvm::StringRef name, dsl::SourceRange range, bool allowHidden) {
  BuildContext build;
  build.stage = &stage;
  build.whole = true;
  build.sources = stage.sources;
  build.frozen = modelFrozen;
  // The splits that are named; else `valid` of the sources' domains, else the stage's own splits.
  std::map<std::string, std::string> named;
  for (const dsl::ExprPtr &one : over) {
    Value split = evaluator.evaluate(*one, scope);
    const Place *place = split.place();
    if (!place || place->kind != Place::Split) {
      if (!split.isPoison())
        error(one->range, "not-a-split", "'over' names a split, found " + split.describe());
      return std::nullopt;
    }
    named[place->name] = place->split;
  }
  for (SourceInfo &source : build.sources) {
    auto found = named.find(source.domain);
    if (found != named.end())
      source.split = found->second;
    else if (!over.empty())
      source.available = false;
    else if (domains[source.domain].hasSplit("valid"))
      source.split = "valid";
    source.batch = std::max<int64_t>(source.batch, 64);
    named.erase(source.domain);
  }
  for (auto &[domain, split] : named) {
    SourceInfo further;
    further.name = further.domain = domain;
    further.split = split;
    build.sources.push_back(further);
  }
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, name.str(), location(range));
  evaluator.functions.push_back(&function);
  std::optional<Tensor> figure = evaluator.toTensor(evaluator.evaluate(value, scope), range);
  evaluator.functions.pop_back();
  bool ok = figure.has_value();
  if (ok && figure->rank() != 0) {
    error(range, "loss-not-scalar", "a figure of a stage is a scalar, found " + Value(*figure).describe());
    ok = false;
  }
  if (ok && meaningOf(figure->value).hidden && !allowHidden) {
    error(range, "hidden-value",
          "this choice reads a value that is hidden; 'oracle' after 'best' or 'least' says that this is meant");
    ok = false;
  }
  if (!ok) {
    function.erase();
    return std::nullopt;
  }
  evaluator.functions.push_back(&function);
  Tensor number = evaluator.convert(*figure, builder.getF32Type(), range);
  evaluator.functions.pop_back();
  function.result(pipeline::BindKind::Output, "value", number.value);
  func::FuncOp built = function.finish();
  // What evaluation mode does not read needs no source; what it reads needs one.
  std::vector<SourceInfo> used;
  for (const SourceInfo &source : build.sources) {
    bool reads = false;
    for (unsigned i = 0; i < built.getNumArguments(); ++i) {
      auto bind = pipeline::getArgumentBind(built, i);
      reads |= (bind.getKind() == pipeline::BindKind::Batch && bind.getName().starts_with(source.name + ".")) ||
               ((bind.getKind() == pipeline::BindKind::Key || bind.getKind() == pipeline::BindKind::Index) &&
                bind.getName() == source.name);
    }
    if (reads && !source.available)
      error(range, "source-not-read", "this reads '" + source.name + "', which 'over' does not name");
    if (reads)
      used.push_back(source);
  }
  if (discovering) {
    built.erase();
    return std::nullopt;
  }
  emitPass(name, "", used, built);
  return name.str();
}

//===--- evaluate -----------------------------------------------------------------------------------------------===//

bool Pipeline::evaluateBody(const Node<dsl::EvaluateItem> &node, llvm::SmallVectorImpl<Attribute> *reports) {
  ScopePtr scope = Scope::inside(node.scope);
  FunctionBuilder &function = evaluator.function();
  Value prediction, truth;
  bool predicts = false, ok = true;
  std::set<std::string> names;
  eachItem(node.item->body->items, scope, [&](const dsl::Item &item, const ScopePtr &inner) {
    if (auto *let = llvm::dyn_cast<dsl::LetItem>(&item)) {
      Value value = evaluator.evaluate(*let->value, inner);
      ok &= evaluator.bindPattern(let->pattern, value, *scope, let->value->range);
      return;
    }
    if (auto *predict = llvm::dyn_cast<dsl::PredictItem>(&item)) {
      predicts = true;
      prediction = evaluator.evaluate(*predict->value, inner);
      if (!predict->against) {
        error(predict->range, "not-supported-yet", "'predict' without 'against' is not supported yet; an 'export' predicts");
        ok = false;
        return;
      }
      truth = evaluator.evaluate(*predict->against, inner);
      ok &= !prediction.isPoison() && !truth.isPoison();
      return;
    }
    auto *report = llvm::dyn_cast<dsl::ReportItem>(&item);
    if (!report) {
      error(item.keyword, "misplaced-item", "'" + dsl::getSpelling(item.kind) + "' cannot stand in 'evaluate'");
      ok = false;
      return;
    }
    for (const dsl::ReportItem::Figure &figure : report->figures) {
      auto *plain = llvm::dyn_cast<dsl::NameExpr>(figure.value.get());
      std::string name = figure.name ? figure.name->text : plain ? plain->name : sources.getText(figure.value->range).str();
      if (plain && plain->name == "transfer_gain") {
        // The gain of the first figure over the baseline; the runtime knows both.
        if (reports)
          reports->push_back(pipeline::ReportAttr::get(&context, "transfer_gain", "gain", "", StringAttr()));
        continue;
      }
      Value value = evaluator.evaluate(*figure.value, inner);
      if (value.function()) {
        if (!predicts) {
          error(figure.value->range, "missing-predict", "'" + name + "' wants 'predict .. against ..' before it");
          ok = false;
          continue;
        }
        Arguments arguments;
        arguments.all.push_back({"", prediction, figure.value->range});
        arguments.all.push_back({"", truth, figure.value->range});
        if (prediction.isPoison() || truth.isPoison())
          continue;
        value = evaluator.call(value, arguments, figure.value->range);
      }
      std::optional<Tensor> tensor = evaluator.toTensor(value, figure.value->range);
      if (!tensor) {
        ok = false;
        continue;
      }
      if (!names.insert(name).second) {
        error(figure.value->range, "duplicate-name", "'" + name + "' is reported twice");
        continue;
      }
      if (!llvm::isa<FloatType>(tensor->type().getElementType()))
        tensor = evaluator.convert(*tensor, builder.getF32Type(), figure.value->range);
      function.result(pipeline::BindKind::Output, name, tensor->value);
      if (reports)
        reports->push_back(pipeline::ReportAttr::get(&context, name, "value", name, StringAttr()));
    }
  });
  return ok;
}

void Pipeline::discoverEvaluation(const Node<dsl::EvaluateItem> &node) { buildEvaluation(node, 0); }

void Pipeline::buildEvaluation(const Node<dsl::EvaluateItem> &node, unsigned number) {
  BuildContext build;
  build.whole = true;
  build.frozen = modelFrozen;
  gatherSources(build.sources, node.item->sources, node.scope, false);
  if (build.sources.empty())
    return;
  std::string name = build.sources.front().domain + "." + build.sources.front().split;
  if (number)
    name += "#" + std::to_string(number + 1);
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, "evaluate." + name, location(node.item->keyword));
  evaluator.functions.push_back(&function);
  SmallVector<Attribute> reports;
  bool ok = evaluateBody(node, &reports);
  evaluator.functions.pop_back();
  if (!ok || discovering) {
    function.erase();
    return;
  }
  func::FuncOp built = function.finish();
  if (!built)
    return;
  // `transfer_gain` is the gain of the first figure that is reported.
  std::string first;
  for (Attribute attribute : reports)
    if (auto report = llvm::cast<pipeline::ReportAttr>(attribute); report.getKind() == "value" && first.empty())
      first = report.getOutput().str();
  for (Attribute &attribute : reports)
    if (auto report = llvm::cast<pipeline::ReportAttr>(attribute); report.getKind() == "gain") {
      if (first.empty())
        error(node.item->keyword, "missing-figure", "'transfer_gain' compares a figure; report one beside it");
      else if (baselineNodes.empty())
        error(node.item->keyword, "missing-baseline", "'transfer_gain' compares with a 'baseline'; the program has none");
      attribute = pipeline::ReportAttr::get(&context, report.getName(), "gain", first, StringAttr());
    }
  emitPass("evaluate." + name, "", build.sources, built);
  pipeline::EvaluationOp::create(builder, location(node.item->keyword), builder.getStringAttr(name),
                                 builder.getStringAttr("evaluate." + name), builder.getArrayAttr(reports));
  pipeline::RunOp::create(builder, location(node.item->keyword), builder.getStringAttr("evaluation"),
                          builder.getStringAttr(name));
}

//===--- export -------------------------------------------------------------------------------------------------===//

/// `export f(x: like D.field) = ..` takes the samples of D as its reader delivers them and maps them itself; any other
/// formal takes what its type says.
void Pipeline::buildExport(const Node<dsl::ExportItem> &node, bool) {
  const dsl::ExportItem &item = *node.item;
  constexpr int64_t batch = 64;
  BuildContext build;
  build.frozen = modelFrozen;
  FunctionBuilder function(*module, "export." + node.name, location(item.name.range));
  evaluator.functions.push_back(&function);
  ContextGuard guard(current, &build);
  ScopePtr scope = Scope::inside(node.scope);
  scope->barrier = true;
  std::string domainName;
  bool ok = true;
  std::vector<std::pair<std::string, RankedTensorType>> inputs;
  std::map<std::string, nn::Meaning> meanings;
  for (const dsl::Formal &formal : item.formals) {
    auto *like = llvm::dyn_cast_or_null<dsl::LikeType>(formal.type.get());
    if (like) {
      dsl::SlotStep const *last = like->slot.steps.empty() ? nullptr : &like->slot.steps.back();
      std::optional<std::string> full = evaluator.slotName(like->slot, scope);
      std::string field = last && last->member ? last->member->text : "";
      std::string domain = full ? llvm::StringRef(*full).drop_back(std::min(full->size(), field.size() + 1)).str() : "";
      auto found = domains.find(domain);
      if (found == domains.end() || !found->second.find(field)) {
        error(like->range, "unknown-field", "'" + sources.getText(like->range) + "' names no field of a domain");
        ok = false;
        continue;
      }
      domainName = domain;
      SourceInfo source;
      source.name = node.name;
      source.domain = domain;
      source.split = "all";
      source.batch = batch;
      source.isInput = true;
      build.sources = {source};
      scope->define(formal.name.text, sourceField(source, field, like->range));
      const DomainInfo::Field &raw = *found->second.find(field);
      inputs.push_back({field, raw.type});
      meanings[field] = raw.meaning;
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
    scope->define(formal.name.text,
                  Value(Tensor{function.argument(pipeline::BindKind::Input, formal.name.text, info.type()), axes}));
    inputs.push_back({formal.name.text, nn::withoutMeaning(type->first)});
    meanings[formal.name.text] = info.meaning;
  }
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
  for (auto &[name, type] : inputs) {
    bool bound = false;
    for (unsigned i = 0; i < built.getNumArguments(); ++i) {
      auto bind = pipeline::getArgumentBind(built, i);
      bound |= bind.getKind() == pipeline::BindKind::Input && bind.getName() == name;
    }
    if (bound)
      inputFields.push_back(fieldOf(name, type, meanings[name]));
  }
  pipeline::ExportOp::create(builder, location(item.name.range), builder.getStringAttr(node.name),
                             FlatSymbolRefAttr::get(built), builder.getArrayAttr(inputFields),
                             builder.getArrayAttr(outputFields), builder.getI64IntegerAttr(batch),
                             domainName.empty() ? StringAttr() : builder.getStringAttr(domainName));
}

} // namespace xfer
