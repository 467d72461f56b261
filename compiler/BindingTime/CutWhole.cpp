//===- CutWhole.cpp - rows batch by batch, and what is made of all rows -------------------------------------------===//

#include "compiler/BindingTime/DistributeJoined.h"
#include "compiler/BindingTime/Outline.h"
#include "compiler/BindingTime/Passes.h"
#include "compiler/BindingTime/RowWise.h"
#include "compiler/BindingTime/SplitReductions.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

#define GEN_PASS_DEF_CUTWHOLE
#include "compiler/BindingTime/Passes.h.inc"

namespace {

/// Bytes of one row of a value.
int64_t rowBytes(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  int64_t elements = 1;
  for (int64_t extent : type.getShape().drop_front())
    elements *= ShapedType::isDynamic(extent) ? 1 : extent;
  return elements * std::max<int64_t>(1, type.getElementTypeBitWidth() / 8);
}

/// The place among a pass's sources of the one whose samples the argument has; -1 for others.
int sourceOf(PassOp pass, func::FuncOp function, unsigned argument) {
  BindAttr bind = getArgumentBind(function, argument);
  if (!bind || !(bind.getKind() == BindKind::Batch || bind.getKind() == BindKind::Key ||
                 bind.getKind() == BindKind::Index || bind.getKind() == BindKind::Rows))
    return -1;
  StringRef name = getSourceName(bind);
  for (auto [index, source] : llvm::enumerate(pass.getSources().getAsRange<SourceAttr>()))
    if (source.getName() == name)
      return index;
  return -1;
}

/// Is there anything to cut?
bool readsSamples(PassOp pass, func::FuncOp function) {
  return llvm::any_of(llvm::seq(function.getNumArguments()),
                      [&](unsigned i) { return sourceOf(pass, function, i) >= 0; });
}

bool isCheap(Operation *op) { return op->hasTrait<nn::PerElement>() || isa<nn::BroadcastOp, nn::ReshapeOp>(op); }

/// Cuts the function of one pass.
class Cutter {
public:
  Cutter(PassOp pass, func::FuncOp function, bool streams)
      : pass(pass), function(function), streams(streams),
        rows(
            function,
            [&](Value value) {
              auto argument = dyn_cast<BlockArgument>(value);
              return argument ? sourceOf(pass, function, argument.getArgNumber()) : -1;
            },
            /*loops=*/true) {}

  LogicalResult run();
  const RowWiseAnalysis &analysis() const { return rows; }

private:
  bool isStreamed(Operation *op) const;
  void findSums();
  void findBorder();
  void moveBack();
  void cutAt(Value value);
  int64_t costOf(Value value);
  llvm::SmallSetVector<Value, 4> rowOperands(Operation *op) const;
  bool isRaw(Value value);
  bool isRequested(Value value) const {
    return llvm::any_of(whole, [&](const BoundValue &bound) { return bound.first == value; });
  }
  void makeRows(unsigned source, SmallVectorImpl<Attribute> &sources);
  void makeWhole();

  PassOp pass;
  func::FuncOp function;
  bool streams;
  RowWiseAnalysis rows;
  /// Sums over the samples that are added up batch by batch, and their bindings.
  llvm::MapVector<Operation *, BindAttr> sums;
  /// Rows that are read by what is not computed sample by sample.
  llvm::SetVector<Value> border;
  /// Every row value that must be materialised, and its binding.
  SmallVector<BoundValue> whole;
  DenseMap<Value, int64_t> costs;
  llvm::DenseSet<Value> visited;
};

/// A raw field, which the runtime has as a column.
bool Cutter::isRaw(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument && getArgumentBind(function, argument.getArgNumber()).getKind() == BindKind::Batch;
}

/// A sum of rows over the samples alone, in an element type that the runtime adds.
bool Cutter::isStreamed(Operation *op) const {
  auto reduce = dyn_cast<nn::ReduceOp>(op);
  if (!streams || !reduce || reduce.getKind() != nn::ReduceKind::Sum || reduce.getAxes() != ArrayRef<int64_t>{0} ||
      !rows.stateOf(reduce.getX()).isRow())
    return false;
  auto type = cast<RankedTensorType>(reduce.getResult().getType());
  return type.hasStaticShape() && (type.getElementType().isF32() || type.getElementType().isInteger(32));
}

void Cutter::findSums() {
  for (Operation &op : function.getBody().front())
    if (isStreamed(&op))
      sums[&op] = BindAttr::get(pass.getContext(), BindKind::Sum, (pass.getName() + ".sum" + Twine(sums.size())).str());
}

void Cutter::findBorder() {
  for (Operation &op : function.getBody().front()) {
    if (sums.contains(&op))
      continue;
    auto terminator = dyn_cast<func::ReturnOp>(op);
    for (OpOperand &operand : op.getOpOperands()) {
      if (!rows.stateOf(operand.get()).isRow())
        continue;
      bool staysRow = terminator ? getResultBind(function, operand.getOperandNumber()).getKind() == BindKind::Whole
                                 : rows.isRow(op);
      if (!staysRow)
        border.insert(operand.get());
    }
  }
}

/// The rows that a row value is computed from, each once.
llvm::SmallSetVector<Value, 4> Cutter::rowOperands(Operation *op) const {
  llvm::SmallSetVector<Value, 4> operands;
  for (Value operand : op->getOperands())
    if (rows.stateOf(operand).isRow())
      operands.insert(operand);
  return operands;
}

/// Bytes a sample that must be kept so that `value` can be had in the whole function: its own, or those of what cheap
/// operations make it of. Raw fields and rows that are kept by request cost nothing.
int64_t Cutter::costOf(Value value) {
  if (isRaw(value) || isRequested(value))
    return 0;
  auto known = costs.find(value);
  if (known != costs.end())
    return known->second;
  int64_t cost = rowBytes(value);
  if (Operation *op = value.getDefiningOp(); op && isCheap(op)) {
    int64_t behind = 0;
    for (Value operand : rowOperands(op))
      behind += costOf(operand);
    cost = std::min(cost, behind);
  }
  return costs[value] = cost;
}

/// Puts the value at the border, or what it is made of if that costs no more.
void Cutter::cutAt(Value value) {
  if (!visited.insert(value).second)
    return;
  Operation *op = value.getDefiningOp();
  bool isMovable = op && isCheap(op) && !isRequested(value);
  int64_t behind = 0;
  if (isMovable)
    for (Value operand : rowOperands(op))
      behind += costOf(operand);
  if (!isMovable || behind > rowBytes(value)) {
    border.insert(value);
    return;
  }
  for (Value operand : rowOperands(op))
    cutAt(operand);
}

void Cutter::moveBack() {
  for (Value value : border.takeVector())
    cutAt(value);
}

void Cutter::makeRows(unsigned source, SmallVectorImpl<Attribute> &sources) {
  auto attribute = cast<SourceAttr>(pass.getSources()[source]);
  SmallVector<BoundValue> results;
  for (BoundValue &value : whole)
    if (rows.stateOf(value.first).source == static_cast<int>(source))
      results.push_back(value);
  for (auto &[sum, bind] : sums)
    if (rows.stateOf(sum->getOperand(0)).source == static_cast<int>(source))
      results.push_back({sum->getOperand(0), bind});
  if (results.empty()) {
    sources.push_back(attribute);
    return;
  }
  auto typeOf = [&](Value value) -> Type {
    // The samples are the only extent that is not known here.
    nn::Extents extents = nn::extentsOf(value.getType());
    if (rows.stateOf(value).isRow())
      extents.front() = nn::Extent(attribute.getBatch());
    for (nn::Extent &extent : extents)
      if (extent.isDynamic())
        extent = nn::Extent(attribute.getBatch());
    return nn::withExtents(value.getType(), extents);
  };
  std::string name = (function.getSymName() + ".rows." + attribute.getName()).str();
  func::FuncOp outlined = outline(function, name, {}, results, typeOf);
  sources.push_back(SourceAttr::get(pass.getContext(), attribute.getName(), attribute.getDomain(), attribute.getSplit(),
                                    attribute.getBatch(), FlatSymbolRefAttr::get(outlined), attribute.getSampler()));
}

void Cutter::makeWhole() {
  SmallVector<BoundValue> given, results;
  for (auto &[sum, bind] : sums)
    given.push_back({sum->getResult(0), bind});
  for (Value value : border) {
    if (isRaw(value)) {
      BindAttr bind = getArgumentBind(function, cast<BlockArgument>(value).getArgNumber());
      given.push_back({value, BindAttr::get(pass.getContext(), BindKind::Column, bind.getName())});
      continue;
    }
    auto found = llvm::find_if(whole, [&](const BoundValue &bound) { return bound.first == value; });
    given.push_back(*found);
  }
  auto terminator = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [index, value] : llvm::enumerate(terminator.getOperands()))
    if (BindAttr bind = getResultBind(function, index); bind.getKind() != BindKind::Whole)
      results.push_back({value, bind});
  if (results.empty()) {
    pass.removeFunctionAttr();
    return;
  }
  std::string name = (function.getSymName() + ".whole").str();
  func::FuncOp outlined = outline(function, name, given, results, [](Value value) { return value.getType(); });
  pass.setFunctionAttr(FlatSymbolRefAttr::get(outlined));
}

LogicalResult Cutter::run() {
  auto terminator = cast<func::ReturnOp>(function.getBody().front().getTerminator());
  for (auto [index, value] : llvm::enumerate(terminator.getOperands())) {
    BindAttr bind = getResultBind(function, index);
    if (bind.getKind() != BindKind::Whole)
      continue;
    if (!rows.stateOf(value).isRow())
      return function.emitError("result ")
             << index << " of '" << function.getSymName() << "' is not computed sample by sample, so it has no rows";
    whole.push_back({value, bind});
  }
  findSums();
  findBorder();
  moveBack();
  unsigned number = 0;
  for (Value value : border) {
    if (isRequested(value) || isRaw(value))
      continue;
    std::string id = (pass.getName() + "." + Twine(number++)).str();
    whole.push_back({value, BindAttr::get(pass.getContext(), BindKind::Whole, id)});
  }
  SmallVector<Attribute> sources;
  for (unsigned source = 0; source != pass.getSources().size(); ++source)
    makeRows(source, sources);
  makeWhole();
  pass.setSourcesAttr(ArrayAttr::get(pass.getContext(), sources));
  return success();
}

/// A result of that kind and name; its number among the results.
std::optional<unsigned> findResult(func::FuncOp function, BindKind kind, StringRef name) {
  for (unsigned i = 0; i != function.getNumResults(); ++i)
    if (BindAttr bind = getResultBind(function, i); bind && bind.getKind() == kind && bind.getName() == name)
      return i;
  return std::nullopt;
}

void dropResult(func::FuncOp function, unsigned number) {
  function.getBody().front().getTerminator()->eraseOperand(number);
  (void)function.eraseResult(number);
}

/// Are there rows beside the figures of an evaluation?
bool keepsTruths(EvaluationOp evaluation) {
  return llvm::any_of(evaluation.getReports().getAsRange<ReportAttr>(),
                      [](ReportAttr report) { return report.getTruth() != nullptr; });
}

/// Rows that are kept beside figures are there only where both, prediction and truth, are computed sample by sample.
void dropCoupledRows(EvaluationOp evaluation, func::FuncOp function, const RowWiseAnalysis &rows) {
  SmallVector<Attribute> kept;
  for (auto report : evaluation.getReports().getAsRange<ReportAttr>()) {
    kept.push_back(report);
    if (!report.getTruth())
      continue;
    StringRef names[] = {report.getOutput(), report.getTruth().getValue()};
    auto isRow = [&](StringRef name) {
      std::optional<unsigned> number = findResult(function, BindKind::Whole, name);
      return number && rows.stateOf(function.getBody().front().getTerminator()->getOperand(*number)).isRow();
    };
    if (llvm::all_of(names, isRow))
      continue;
    kept.pop_back();
    for (StringRef name : names)
      if (std::optional<unsigned> number = findResult(function, BindKind::Whole, name))
        dropResult(function, *number);
  }
  evaluation.setReportsAttr(ArrayAttr::get(evaluation.getContext(), kept));
}

/// As for rows beside figures: without rows the page of a run shows nothing of these samples.
bool dropCoupledFeatures(EvaluationOp evaluation, PassOp pass, func::FuncOp function, const RowWiseAnalysis &rows) {
  if (rows.stateOf(function.getBody().front().getTerminator()->getOperand(0)).isRow())
    return false;
  SmallVector<Attribute> kept = llvm::to_vector(evaluation.getFeaturesAttr());
  llvm::erase_if(kept, [&](Attribute feature) { return cast<FigureAttr>(feature).getPass() == pass.getName(); });
  evaluation.setFeaturesAttr(ArrayAttr::get(evaluation.getContext(), kept));
  return true;
}

struct CutWhole : impl::CutWholeBase<CutWhole> {
  using CutWholeBase::CutWholeBase;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    // Gains are judged on other draws of the rows, which then must be there.
    llvm::StringSet<> drawn;
    llvm::StringMap<EvaluationOp> evaluations, shown;
    for (EvaluationOp evaluation : getOperation().getOps<EvaluationOp>()) {
      evaluations[evaluation.getPass()] = evaluation;
      if (ArrayAttr features = evaluation.getFeaturesAttr())
        for (auto feature : features.getAsRange<FigureAttr>())
          shown[feature.getPass()] = evaluation;
      if (llvm::any_of(evaluation.getReports().getAsRange<ReportAttr>(),
                       [](ReportAttr report) { return report.getKind() == "gain"; }))
        drawn.insert(evaluation.getPass());
    }
    llvm::SmallSetVector<func::FuncOp, 8> replaced;
    for (PassOp pass : llvm::make_early_inc_range(getOperation().getOps<PassOp>())) {
      if (!pass.getFunction())
        continue;
      auto function = symbols.lookup<func::FuncOp>(*pass.getFunction());
      bool streams = stream && !drawn.contains(pass.getName());
      if (!readsSamples(pass, function))
        continue;
      distributeJoined(function);
      splitReductions(function, Cutter(pass, function, streams).analysis());
      if (EvaluationOp evaluation = evaluations.lookup(pass.getName()); evaluation && keepsTruths(evaluation))
        dropCoupledRows(evaluation, function, Cutter(pass, function, streams).analysis());
      replaced.insert(function);
      Cutter cutter(pass, function, streams);
      if (EvaluationOp evaluation = shown.lookup(pass.getName());
          evaluation && dropCoupledFeatures(evaluation, pass, function, cutter.analysis())) {
        pass.erase();
        continue;
      }
      if (failed(cutter.run()))
        return signalPassFailure();
    }
    for (func::FuncOp function : replaced)
      if (SymbolTable::symbolKnownUseEmpty(function, getOperation()))
        function.erase();
  }
};

} // namespace
} // namespace xfer
