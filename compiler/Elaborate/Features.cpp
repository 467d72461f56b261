//===- Features.cpp - what the page of a run shows of every domain ------------------------------------------------===//
//
// `--report` draws how the samples of the domains lie to each other, before and after adaptation. What it draws follows
// from the program: of the first evaluation that predicts a vector a sample, the input of the last layer, and the same
// of the samples of every domain that a stage trains on, put in the place of those that are evaluated.
//
// The last layer is the last contraction with what no sample decides. Its input is found from the prediction backwards:
// values that are still to be looked at are taken in the order of the text, the last first; where one is alone, all
// that the prediction knows of the samples goes through it. `softmax(w2(relu(w1(x))))` gives relu(..), of a sum of two
// heads it is what both read.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include <set>

using namespace mlir;

namespace xfer {

/// The operations that `value` needs and that depend on samples, as the values that they give.
static llvm::DenseSet<mlir::Value> dependents(mlir::Value value, llvm::function_ref<bool(mlir::Value)> isSample) {
  llvm::DenseSet<mlir::Value> behind = valuesBehind(value), found;
  for (mlir::Value one : behind)
    if (isSample(one))
      found.insert(one);
  for (Operation &op : *value.getParentBlock())
    if (llvm::any_of(op.getOperands(), [&](mlir::Value operand) { return found.contains(operand); }))
      for (mlir::Value result : op.getResults())
        if (behind.contains(result))
          found.insert(result);
  return found;
}

/// Is it a layer: what samples decide, contracted with what they do not?
static bool isLayer(Operation *op, const llvm::DenseSet<mlir::Value> &ofSamples) {
  auto count = llvm::count_if(op->getOperands(), [&](mlir::Value operand) { return ofSamples.contains(operand); });
  return llvm::isa<nn::ContractOp, nn::ConvOp>(op) && count == 1;
}

std::optional<Tensor> Pipeline::lastFeatures(const Tensor &prediction) {
  FunctionBuilder &function = evaluator.function();
  if (!prediction.value.getDefiningOp())
    return std::nullopt;
  llvm::DenseSet<mlir::Value> ofSamples =
      dependents(prediction.value, [&](mlir::Value value) { return function.isSample(value); });
  auto isBefore = [](mlir::Value a, mlir::Value b) {
    Operation *first = a.getDefiningOp(), *second = b.getDefiningOp();
    if (first && second && first != second)
      return first->isBeforeInBlock(second);
    if (bool(first) != bool(second))
      return second != nullptr; // arguments stand before everything
    return a.getAsOpaquePointer() < b.getAsOpaquePointer();
  };
  std::set<mlir::Value, decltype(isBefore)> waiting(isBefore);
  waiting.insert(prediction.value);
  for (bool passedLayer = false; !waiting.empty();) {
    mlir::Value last = *waiting.rbegin();
    if (passedLayer && waiting.size() == 1)
      return Tensor{last, {}};
    Operation *op = last.getDefiningOp();
    if (!op || !ofSamples.contains(last))
      return std::nullopt;
    waiting.erase(std::prev(waiting.end()));
    passedLayer |= isLayer(op, ofSamples);
    for (mlir::Value operand : op->getOperands())
      if (ofSamples.contains(operand))
        waiting.insert(operand);
  }
  return std::nullopt;
}

/// A pass that gives the features of the samples of the request's only source. Fields of other types than those that
/// were `read` before give none.
bool Pipeline::buildFeaturePass(const dsl::EvaluateItem &item, const ScopePtr &outer, const PassRequest &request,
                                std::vector<FeatureField> &read) {
  constexpr int64_t widest = 1 << 13;
  const SourceInfo &source = request.sources.front();
  dsl::Diagnostics found; // what other samples cannot be asked is no mistake of the program
  dsl::Diagnostics *before = std::exchange(evaluator.diagnostics, &found);
  bool isFirst = read.empty();
  bool built = buildPass(request, [&](BuildContext &build) {
    auto rowType = [](const Value &value) {
      const Tensor *tensor = value.tensor();
      return tensor ? nn::withExtents(RankedTensorType::get({}, tensor->type().getElementType()),
                                      ArrayRef(nn::extentsOf(tensor->type())).drop_front())
                    : RankedTensorType();
    };
    for (const FeatureField &field : read)
      if (!domains[source.domain].find(field.name) ||
          rowType(sourceField(source, field.name, request.range)) != field.type)
        return false;
    ScopePtr scope = Scope::inside(outer);
    std::optional<Tensor> features;
    for (const dsl::ItemPtr &clause : item.body->items) {
      Evaluator::Frame frame;
      frame.name = "features";
      evaluator.frames.push_back(std::move(frame));
      if (auto *let = llvm::dyn_cast<dsl::LetItem>(clause.get())) {
        (void)evaluator.bindPattern(let->pattern, evaluator.evaluate(*let->value, scope), *scope, let->value->range);
      } else if (auto *predicted = llvm::dyn_cast<dsl::PredictItem>(clause.get()); predicted && !features) {
        Value value = evaluator.evaluate(*predicted->value, scope);
        if (const Tensor *tensor = value.tensor(); tensor && tensor->rank() == 2)
          features = lastFeatures(*tensor);
      }
      evaluator.frames.pop_back();
    }
    if (found.hasErrors() || !features)
      return false;
    // Of a map the sum over its places: how large it is shows nowhere.
    FunctionBuilder &function = evaluator.function();
    function.moveToEnd();
    SmallVector<int64_t> places;
    for (int64_t i = 1; i + 1 < features->rank(); ++i)
      places.push_back(i);
    if (!places.empty())
      features->value =
          nn::ReduceOp::create(function.builder, location(request.range), nn::ReduceKind::Sum, features->value, places);
    auto extents = extentsOf(features->value);
    bool isRow = extents.size() == 2 && extents[0].isDynamic() && extents[0] == Extent::symbolic(source.rows()) &&
                 !extents[1].isDynamic() && extents[1].size >= 2 && extents[1].size <= widest &&
                 features->type().getElementType().isF32();
    if (!isRow)
      return false;
    llvm::DenseSet<mlir::Value> behind = valuesBehind(features->value);
    for (const auto &[key, value] : build.fields)
      if (isFirst && value.tensor() && behind.contains(value.tensor()->value))
        read.push_back({llvm::StringRef(key).rsplit('#').first.rsplit('.').second.str(), rowType(value)});
    function.result(pipeline::BindKind::Whole, request.name, features->value);
    return true;
  });
  evaluator.diagnostics = before;
  return built && !found.hasErrors();
}

void Pipeline::buildFeatures(const dsl::EvaluateItem &item, const ScopePtr &scope, const PassRequest &evaluation,
                             pipeline::EvaluationOp op) {
  constexpr size_t most = 6; // domains that can be told apart
  if (hasFeatures || evaluation.sources.size() != 1 || evaluation.sources.front().sampler ||
      llvm::any_of(item.body->items, [](const dsl::ItemPtr &clause) {
        return !llvm::isa<dsl::LetItem, dsl::PredictItem, dsl::ReportItem>(*clause);
      }))
    return;
  std::vector<SourceInfo> sources{evaluation.sources.front()};
  auto isKnown = [&](const SourceInfo &source) {
    return llvm::any_of(sources, [&](const SourceInfo &one) { return one.domain == source.domain; });
  };
  for (const auto &[name, stage] : stages)
    for (SourceInfo source : stage.sources) {
      if (isKnown(source) || sources.size() == most)
        continue;
      source.name = sources.front().name; // in the place of what is evaluated
      source.sampler = nullptr;
      source.batch = sources.front().batch;
      sources.push_back(source);
    }
  if (sources.size() == 1)
    return;
  std::vector<FeatureField> read;
  SmallVector<Attribute> features;
  std::vector<std::string> passes;
  for (const SourceInfo &source : sources) {
    PassRequest request = evaluation;
    request.sources = {source};
    request.name = "features." + source.domain + "." + source.split;
    bool built = buildFeaturePass(item, scope, request, read);
    if (built)
      features.push_back(pipeline::FigureAttr::get(&context, request.name, request.name));
    else if (features.empty())
      return;
  }
  if (features.size() > 1) {
    hasFeatures = true;
    op.setFeaturesAttr(builder.getArrayAttr(features));
    return;
  }
  // One domain alone shows nothing.
  for (auto pass : llvm::make_early_inc_range(module->getOps<pipeline::PassOp>()))
    if (pass.getName() == llvm::cast<pipeline::FigureAttr>(features.front()).getPass()) {
      SymbolTable::lookupNearestSymbolFrom(*module, pass.getFunctionAttr())->erase();
      pass.erase();
    }
}

} // namespace xfer
