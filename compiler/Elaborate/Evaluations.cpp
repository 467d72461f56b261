//===- Evaluations.cpp - evaluate, and what the program reports or updates between its stages ---------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// The field that a value is, as it is read; empty where it is none.
std::string Pipeline::fieldBehind(mlir::Value value) const {
  for (const auto &[key, field] : current->fields)
    if (const Tensor *tensor = field.tensor(); tensor && tensor->value == value)
      return llvm::StringRef(key).rsplit('#').first.rsplit('.').second.str();
  return "";
}

pipeline::ReportAttr Pipeline::rowsReport(const std::string &id, const Tensor &rows, StringAttr truth,
                                          StringAttr labels) {
  nn::Tag tag = nn::Meaning::of(rows.type()).tag;
  return pipeline::ReportAttr::get(&context, "predictions", "rows", id, StringAttr(),
                                   tag == nn::Tag::None ? StringAttr() : text(nn::stringifyTag(tag)), truth, labels);
}

/// What is compared sample by sample is written, too: a number or a vector a sample, beside its truth. Whether it is
/// computed sample by sample is known when the function is cut.
void Pipeline::keepRows(const std::string &name, Reporting &reporting) {
  constexpr int64_t widest = 4096;
  const Tensor *rows = reporting.prediction.tensor(), *truth = reporting.truth.tensor();
  auto isRow = [&](const Tensor *tensor) {
    if (!tensor || tensor->rank() < 1 || tensor->rank() > 2)
      return false;
    auto extents = extentsOf(tensor->value);
    bool isWide = tensor->rank() == 2 && (extents[1].isDynamic() || extents[1].size > widest);
    return extents[0].isDynamic() && extents[0].terms().size() == 1 && !isWide &&
           (tensor->rank() == 1 || !evaluator.isRagged(*tensor, 1));
  };
  if (!isRow(rows) || !isRow(truth) || !(extentsOf(rows->value)[0] == extentsOf(truth->value)[0]))
    return;
  std::string id = name + ".predictions", truthId = name + ".truth", labels = fieldBehind(truth->value);
  evaluator.function().result(pipeline::BindKind::Whole, id, rows->value);
  evaluator.function().result(pipeline::BindKind::Whole, truthId, truth->value);
  reporting.reports.push_back(rowsReport(id, *rows, text(truthId), labels.empty() ? StringAttr() : text(labels)));
}

/// `predict e against y`: what figures compare. Without `against` the predictions are written, a row a sample.
void Pipeline::predict(const dsl::PredictItem &item, const ScopePtr &scope, const std::string &name,
                       Reporting &reporting) {
  reporting.prediction = evaluator.evaluate(*item.value, scope);
  if (item.against) {
    reporting.compares = true;
    reporting.truth = evaluator.evaluate(*item.against, scope);
    reporting.ok &= !reporting.prediction.isPoison() && !reporting.truth.isPoison();
    auto isPerSample = [](const Value &value) {
      const Tensor *tensor = value.tensor();
      return tensor && tensor->rank() > 0 && extentsOf(tensor->value).front().isDynamic();
    };
    if (reporting.prediction.tensor() && isPerSample(reporting.truth) && !isPerSample(reporting.prediction)) {
      error(item.value->range, "prediction-not-per-sample",
            "a prediction has one row a sample, as the labels behind 'against' have, found " +
                reporting.prediction.describe());
      reporting.prediction = Value();
      reporting.ok = false;
    }
    keepRows(name, reporting);
    return;
  }
  std::optional<Tensor> rows = evaluator.toTensor(reporting.prediction, item.value->range);
  if (rows && (rows->rank() == 0 || !extentsOf(rows->value).front().isDynamic())) {
    error(item.value->range, "prediction-not-per-sample",
          "'predict' without 'against' writes one row a sample, found " + Value(*rows).describe());
    rows.reset();
  }
  if (rows && extentsOf(rows->value).front().terms().size() > 1) {
    error(item.value->range, "prediction-not-per-sample",
          "'predict' without 'against' writes one row a sample of one split, found rows of several, joined");
    rows.reset();
  }
  for (int64_t i = 1; rows && i < rows->rank(); ++i)
    if (evaluator.isRagged(*rows, i) && !evaluator.wantsDense(*rows, i, "predict", item.value->range))
      rows.reset();
  if (!rows) {
    reporting.ok = false;
    return;
  }
  std::string id = name + ".predictions";
  evaluator.function().result(pipeline::BindKind::Whole, id, rows->value);
  reporting.reports.push_back(rowsReport(id, *rows, StringAttr(), StringAttr()));
}

void Pipeline::report(const dsl::ReportItem &item, const ScopePtr &scope, Reporting &reporting) {
  for (const dsl::ReportItem::Figure &figure : item.figures) {
    dsl::SourceRange range = figure.value->range;
    auto *plain = llvm::dyn_cast<dsl::NameExpr>(figure.value.get());
    std::string name = figure.name ? figure.name->text : plain ? plain->name : sources.getText(range).str();
    if (!reporting.names.insert(name).second) {
      error(figure.name ? figure.name->range : range, "duplicate-name", "'" + name + "' is reported twice");
      reporting.ok = false;
      continue;
    }
    if (plain && plain->name == "transfer_gain") {
      // The gain of the first figure over the baseline; the runtime knows both.
      reporting.reports.push_back(pipeline::ReportAttr::get(&context, name, "gain", ""));
      continue;
    }
    Value value = evaluator.evaluate(*figure.value, scope);
    if (value.function()) {
      if (!reporting.compares) {
        error(range, "missing-predict",
              "'" + name + "' compares predictions with labels: it wants 'predict .. against ..' before it");
        reporting.ok = false;
        continue;
      }
      if (reporting.prediction.isPoison() || reporting.truth.isPoison())
        continue;
      Arguments arguments;
      arguments.all.push_back({"", reporting.prediction, range});
      arguments.all.push_back({"", reporting.truth, range});
      value = evaluator.call(value, arguments, range);
    }
    std::optional<Tensor> tensor = evaluator.toTensor(value, range);
    for (int64_t i = 0; tensor && i < tensor->rank(); ++i)
      if (evaluator.isRagged(*tensor, i) && !evaluator.wantsDense(*tensor, i, "report", range))
        tensor.reset();
    bool fixed = tensor && tensor->rank() <= 2 && tensor->type().hasStaticShape();
    if (tensor && !fixed)
      error(range, "figure-not-fixed",
            "a figure is a number, a vector or a matrix of fixed size, found " + Value(*tensor).describe() +
                "; take its 'mean', or 'predict' it to have it written");
    if (!fixed) {
      assert((discovering || diagnostics.hasErrors()) && "a figure is missing, and no mistake says why");
      reporting.ok = false;
      continue;
    }
    if (!llvm::isa<FloatType>(tensor->type().getElementType()))
      tensor = evaluator.convert(*tensor, builder.getF32Type(), range);
    evaluator.function().result(pipeline::BindKind::Output, name, tensor->value);
    reporting.reports.push_back(pipeline::ReportAttr::get(&context, name, "value", name));
  }
}

pipeline::EvaluationOp Pipeline::emitEvaluation(const std::string &name, Reporting &reporting, dsl::SourceRange range) {
  // `transfer_gain` is the gain of the first figure that is reported.
  std::string first;
  for (Attribute attribute : reporting.reports)
    if (auto report = llvm::cast<pipeline::ReportAttr>(attribute); report.getKind() == "value" && first.empty())
      first = report.getOutput().str();
  for (Attribute &attribute : reporting.reports) {
    auto report = llvm::cast<pipeline::ReportAttr>(attribute);
    if (report.getKind() != "gain")
      continue;
    if (baselines.empty())
      error(range, "missing-baseline",
            "'transfer_gain' compares with a 'baseline', and the program has none; such as 'baseline source_only of "
            "STAGE "
            "{ minimize task }'");
    attribute = pipeline::ReportAttr::get(&context, report.getName(), "gain", first);
  }
  auto op = pipeline::EvaluationOp::create(builder, location(range), text(name), text("evaluate." + name),
                                           builder.getArrayAttr(reporting.reports), ArrayAttr());
  emitRun("evaluation", name, range);
  return op;
}

/// "usps.test", "usps.test#2", ..
static std::string numbered(std::map<std::string, unsigned> &numbers, const std::string &name) {
  unsigned number = ++numbers[name];
  return number == 1 ? name : name + "#" + std::to_string(number);
}

void Pipeline::buildEvaluation(const dsl::EvaluateItem &item, const ScopePtr &outer) {
  PassRequest request;
  request.broken = !gatherSources(request.sources, item.sources, outer, false);
  if (request.sources.empty())
    return;
  if (discovering)
    discoverWeights(request.sources);
  std::string name = numbered(passNumbers, request.sources.front().domain + "." + request.sources.front().split);
  request.name = "evaluate." + name;
  request.range = item.keyword;
  Reporting reporting;
  bool built = buildPass(request, [&](BuildContext &) {
    ScopePtr scope = Scope::inside(outer);
    eachItem(item.body->items, scope, [&](const dsl::Item &clause, const ScopePtr &inner) {
      // A draw belongs to its clause, by the name that it defines: places are counted from the clause's beginning.
      Evaluator::Frame frame;
      frame.name = dsl::getSpelling(clause.kind).str();
      if (auto *let = llvm::dyn_cast<dsl::LetItem>(&clause))
        for (const dsl::Name &defined : let->pattern.names)
          frame.name += "." + defined.text;
      evaluator.frames.push_back(std::move(frame));
      if (auto *let = llvm::dyn_cast<dsl::LetItem>(&clause))
        reporting.ok &=
            evaluator.bindPattern(let->pattern, evaluator.evaluate(*let->value, inner), *scope, let->value->range);
      else if (auto *part = llvm::dyn_cast<dsl::PartItem>(&clause)) // lacks its `let`, which was reported
        scope->define(part->name.text, evaluator.evaluate(*part->value, inner));
      else if (auto *predicted = llvm::dyn_cast<dsl::PredictItem>(&clause))
        predict(*predicted, inner, name, reporting);
      else if (auto *reported = llvm::dyn_cast<dsl::ReportItem>(&clause))
        report(*reported, inner, reporting);
      else
        error(clause.keyword, "misplaced-item", "'" + dsl::getSpelling(clause.kind) + "' cannot stand in 'evaluate'");
      evaluator.frames.pop_back();
    });
    return reporting.ok;
  });
  if (built && !discovering && reporting.compares)
    for (const SourceInfo &source : request.sources)
      warnOfChoice(source, item.keyword);
  auto isKind = [](llvm::StringRef kind) {
    return [kind](Attribute report) { return llvm::cast<pipeline::ReportAttr>(report).getKind() == kind; };
  };
  bool comparesNothing =
      llvm::any_of(reporting.reports, isKind("gain")) && llvm::none_of(reporting.reports, isKind("value"));
  if (reporting.ok && comparesNothing && !diagnostics.hasErrors())
    error(item.keyword, "missing-figure",
          "'transfer_gain' compares a figure; report one beside it, such as 'accuracy'");
  else if (built && !discovering)
    buildFeatures(item, outer, request, emitEvaluation(name, reporting, item.keyword));
  else if (reporting.ok && !built && !diagnostics.hasErrors())
    error(item.keyword, "nothing-reported",
          "this evaluation reports nothing and predicts nothing; 'report' a figure, such as 'accuracy', or 'predict'");
}

/// `report` of the program: figures of its states and models.
void Pipeline::buildReport(const dsl::ReportItem &item, const ScopePtr &scope) {
  std::string name = numbered(passNumbers, "report");
  PassRequest request;
  request.name = "evaluate." + name;
  request.range = item.keyword;
  Reporting reporting;
  bool built = buildPass(request, [&](BuildContext &) {
    report(item, scope, reporting);
    return reporting.ok;
  });
  if (built && !discovering)
    emitEvaluation(name, reporting, item.keyword);
}

/// `update` of the program: once, where it stands.
void Pipeline::buildUpdate(const dsl::UpdateItem &item, const ScopePtr &scope) {
  PassRequest request;
  request.name = numbered(passNumbers, "update");
  request.range = item.range;
  bool built = buildPass(request, [&](BuildContext &) {
    return assign(item.slot, scope, evaluator.evaluate(*item.value, scope), item.value->range);
  });
  if (built && !discovering)
    emitRun("pass", request.name, item.keyword);
}

} // namespace xfer
