//===- XferProgram.cpp - what only the whole program can check --------------------------------------------------===//
//
// Runs on entry to the module, before its ops are verified: each op's own verifier is called first, so that the checks
// below may rely on it.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace xfer::pipeline {
namespace {

template <typename OpT> LogicalResult enter(llvm::StringMap<OpT> &map, OpT op, StringRef kind) {
  auto [entry, isNew] = map.try_emplace(op.getName(), op);
  if (isNew)
    return success();
  InFlightDiagnostic diagnostic = op.emitOpError("defines the ") << kind << " '" << op.getName() << "' a second time";
  diagnostic.attachNote(entry->second.getLoc()) << "first defined here";
  return diagnostic;
}

/// Verifies the ops of one program against its index.
class ProgramVerifier {
public:
  explicit ProgramVerifier(const ProgramIndex &index) : index(index) {}

  LogicalResult verify(Operation *op) {
    return llvm::TypeSwitch<Operation *, LogicalResult>(op)
        .Case<func::FuncOp, StateOp, LoadOp, DomainOp, PassOp, StageOp, BaselineOp, EvaluationOp, ExportOp, RunOp>(
            [&](auto o) { return check(o); })
        .Case<RepeatOp>([&](RepeatOp repeat) { return checkBody(repeat.getBody()); })
        .Case<SweepOp>(
            [&](SweepOp sweep) { return success(succeeded(check(sweep)) && succeeded(checkBody(sweep.getBody()))); })
        .Default([](Operation *) { return success(); });
  }

private:
  LogicalResult check(func::FuncOp function);
  LogicalResult check(StateOp state);
  LogicalResult check(LoadOp load);
  LogicalResult check(DomainOp domain);
  LogicalResult check(PassOp pass);
  LogicalResult check(StageOp stage);
  LogicalResult check(BaselineOp baseline);
  LogicalResult check(EvaluationOp evaluation);
  LogicalResult check(ExportOp exported);
  LogicalResult check(RunOp run);
  LogicalResult check(SweepOp sweep);
  LogicalResult checkBody(Region &body) {
    for (Operation &inner : body.front())
      if (failed(inner.getName().verifyInvariants(&inner)) || failed(verify(&inner)))
        return failure();
    return success();
  }

  LogicalResult checkBind(func::FuncOp function, BindAttr bind, Type type, bool isArgument, unsigned position);
  LogicalResult checkFunction(Operation *op, FlatSymbolRefAttr name);
  LogicalResult checkSources(Operation *op, ArrayAttr sources);
  LogicalResult checkPasses(Operation *op, ArrayAttr names);
  LogicalResult checkPass(Operation *op, StringRef name);
  LogicalResult checkFigure(Operation *op, FigureAttr figure);
  LogicalResult checkQuantity(Operation *op, Attribute quantity);
  /// Is there a result of this kind and name in the pass's function, or in its sources' functions?
  bool gives(PassOp pass, BindKind kind, StringRef name);

  const ProgramIndex &index;
};

} // namespace

LogicalResult ProgramVerifier::checkBind(func::FuncOp function, BindAttr bind, Type type, bool isArgument,
                                         unsigned position) {
  auto fail = [&]() -> InFlightDiagnostic {
    return function.emitError(isArgument ? "argument " : "result ")
           << position << " of '" << function.getSymName() << "', bound to " << stringifyBindKind(bind.getKind())
           << " '" << bind.getName() << "', ";
  };
  auto sameType = [&](Type declared) -> LogicalResult {
    auto have = dyn_cast<RankedTensorType>(type);
    auto want = cast<RankedTensorType>(declared);
    if (have && have.getShape() == want.getShape() && have.getElementType() == want.getElementType())
      return success();
    return fail() << "has the type " << type << "; declared is " << declared;
  };
  auto oneSide = [&](bool wantsArgument) -> LogicalResult {
    if (isArgument == wantsArgument)
      return success();
    return fail() << (wantsArgument ? "is a result" : "is an argument");
  };
  switch (bind.getKind()) {
  case BindKind::Param: {
    ParameterOp found = index.parameters.lookup(bind.getName());
    return found ? sameType(found.getType()) : fail() << "names no parameter";
  }
  case BindKind::State: {
    StateOp found = index.states.lookup(bind.getName());
    return found ? sameType(found.getType()) : fail() << "names no state";
  }
  case BindKind::Option:
    if (!index.options.contains(bind.getName()))
      return fail() << "names no option";
    return oneSide(true);
  case BindKind::Batch:
  case BindKind::Column:
    if (!StringRef(bind.getName()).contains('.'))
      return fail() << "is not of the form source.field";
    return oneSide(true);
  case BindKind::Input:
  case BindKind::Index:
  case BindKind::Key:
  case BindKind::StepKey:
  case BindKind::Counter:
  case BindKind::Extent:
    return oneSide(true);
  case BindKind::Watch:
  case BindKind::Field:
  case BindKind::Output:
    return oneSide(false);
  case BindKind::Check: {
    int64_t site = 0;
    if (StringRef(bind.getName()).getAsInteger(10, site) || site < 1 || site > index.sites)
      return fail() << "names no site";
    return oneSide(false);
  }
  case BindKind::Rows: {
    StateOp found = index.states.lookup(StringRef(bind.getName()).split(kPer).first);
    auto have = dyn_cast<RankedTensorType>(type);
    auto want = found ? cast<RankedTensorType>(found.getType()) : RankedTensorType();
    if (!found || !StringRef(bind.getName()).contains(kPer) || !isPerSample(want))
      return fail() << "names no state with a row for each sample";
    if (have && have.getElementType() == want.getElementType() && have.getRank() == want.getRank() &&
        have.getShape().drop_front() == want.getShape().drop_front())
      return success();
    return fail() << "has the type " << type << "; declared is " << want;
  }
  case BindKind::Hoisted:
  case BindKind::Whole:
  case BindKind::Sum:
    return success();
  }
  llvm_unreachable("all kinds of bind are listed");
}

LogicalResult ProgramVerifier::check(func::FuncOp function) {
  bool bound = false, unbound = false;
  llvm::StringSet<> seen;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i) {
    BindAttr bind = getArgumentBind(function, i);
    (bind ? bound : unbound) = true;
    if (bind && failed(checkBind(function, bind, function.getArgumentTypes()[i], true, i)))
      return failure();
  }
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i) {
    BindAttr bind = getResultBind(function, i);
    (bind ? bound : unbound) = true;
    if (!bind)
      continue;
    if (failed(checkBind(function, bind, function.getResultTypes()[i], false, i)))
      return failure();
    if (bind.getKind() != BindKind::Check &&
        !seen.insert((stringifyBindKind(bind.getKind()) + ":" + bind.getName()).str()).second)
      return function.emitError("result ")
             << i << " of '" << function.getSymName() << "' writes " << stringifyBindKind(bind.getKind()) << " '"
             << bind.getName() << "' a second time";
  }
  if (bound && unbound)
    return function.emitError("'") << function.getSymName() << "' binds some of its arguments and results, not all";
  return success();
}

LogicalResult ProgramVerifier::checkFunction(Operation *op, FlatSymbolRefAttr name) {
  auto found = index.functions.find(name.getValue());
  if (found == index.functions.end())
    return op->emitOpError("names no function: ") << name;
  func::FuncOp function = found->second;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    if (!getArgumentBind(function, i))
      return op->emitOpError("names ") << name << ", which does not bind argument " << i;
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
    if (!getResultBind(function, i))
      return op->emitOpError("names ") << name << ", which does not bind result " << i;
  return success();
}

LogicalResult ProgramVerifier::checkSources(Operation *op, ArrayAttr sources) {
  for (auto source : sources.getAsRange<SourceAttr>()) {
    auto found = index.domains.find(source.getDomain());
    if (found == index.domains.end())
      return op->emitOpError("(C1) names no domain: '") << source.getDomain() << "'";
    DomainOp domain = found->second;
    bool known = source.getSplit() == "all" ||
                 llvm::any_of(domain.getSplits().getAsRange<SplitAttr>(),
                              [&](SplitAttr split) { return split.getName() == source.getSplit(); }) ||
                 llvm::any_of(domain.getReads().getAsRange<ReadAttr>(),
                              [&](ReadAttr read) { return read.getSplit() == source.getSplit(); });
    if (!known)
      return op->emitOpError("(C1) names no split of '") << source.getDomain() << "': '" << source.getSplit() << "'";
    if (source.getRows() && failed(checkFunction(op, source.getRows())))
      return failure();
    SamplerAttr sampler = source.getSampler();
    if (sampler && !sampler.getWeights() &&
        llvm::none_of(domain.getFields().getAsRange<FieldAttr>(),
                      [&](FieldAttr field) { return field.getName() == sampler.getField(); }))
      return op->emitOpError("(C1) draws by '")
             << sampler.getField() << "', which is no field of '" << source.getDomain() << "'";
    if (sampler && sampler.getWeights() &&
        (failed(checkPass(op, sampler.getWeights().getPass())) ||
         !gives(index.passes.lookup(sampler.getWeights().getPass()), BindKind::Whole,
                sampler.getWeights().getOutput())))
      return op->emitOpError("(C1) draws by weights that no pass gives");
  }
  return success();
}

LogicalResult ProgramVerifier::check(StateOp state) {
  StringRef owner = state.getOwner();
  if (owner.consume_front("stage:") && !index.stages.contains(owner))
    return state.emitOpError("(C2) belongs to the unknown stage '") << owner << "'";
  return success();
}

static bool isBelow(StringRef path, StringRef prefix) {
  return path.consume_front(prefix) && (path.starts_with(".") || path.starts_with("["));
}

LogicalResult ProgramVerifier::check(LoadOp load) {
  if (auto option = dyn_cast<OptionRefAttr>(load.getFile())) {
    OptionOp found = index.options.lookup(option.getName());
    if (!found || found.getKind() != "string")
      return load.emitOpError("(C1) reads the file that '") << option.getName() << "' names, which is no string option";
  }
  auto isFilled = [&](StringRef path) {
    return isBelow(path, load.getInto()) &&
           (index.parameters.contains(path) ||
            (index.states.contains(path) && index.states.lookup(path).getOwner() == "module"));
  };
  bool any = llvm::any_of(index.parameters.keys(), isFilled) || llvm::any_of(index.states.keys(), isFilled);
  if (!any)
    return load.emitOpError("(C3) has nothing to fill below '") << load.getInto() << "'";
  for (StringRef path : load.getAdded().getAsValueRange<StringAttr>())
    if (!isFilled((load.getInto() + (path.starts_with("[") ? "" : ".") + path).str()))
      return load.emitOpError("(C3) excepts '") << path << "', which is not below '" << load.getInto() << "'";
  return success();
}

LogicalResult ProgramVerifier::checkPass(Operation *op, StringRef name) {
  return index.passes.contains(name) ? success() : op->emitOpError("names no pass: '") << name << "'";
}

LogicalResult ProgramVerifier::checkPasses(Operation *op, ArrayAttr names) {
  for (StringRef name : names.getAsValueRange<StringAttr>())
    if (failed(checkPass(op, name)))
      return failure();
  return success();
}

bool ProgramVerifier::gives(PassOp pass, BindKind kind, StringRef name) {
  SmallVector<FlatSymbolRefAttr> functions;
  if (pass.getFunctionAttr())
    functions.push_back(pass.getFunctionAttr());
  for (auto source : pass.getSources().getAsRange<SourceAttr>())
    if (source.getRows())
      functions.push_back(source.getRows());
  for (FlatSymbolRefAttr symbol : functions) {
    func::FuncOp function = index.functions.lookup(symbol.getValue());
    for (unsigned i = 0, e = function ? function.getNumResults() : 0; i != e; ++i)
      if (BindAttr bind = getResultBind(function, i); bind && bind.getKind() == kind && bind.getName() == name)
        return true;
  }
  return false;
}

LogicalResult ProgramVerifier::checkFigure(Operation *op, FigureAttr figure) {
  if (failed(checkPass(op, figure.getPass())))
    return failure();
  if (!gives(index.passes.lookup(figure.getPass()), BindKind::Output, figure.getOutput()))
    return op->emitOpError("names no output of the pass '") << figure.getPass() << "': '" << figure.getOutput() << "'";
  return success();
}

LogicalResult ProgramVerifier::checkQuantity(Operation *op, Attribute quantity) {
  if (auto figure = dyn_cast<FigureAttr>(quantity))
    return checkFigure(op, figure);
  auto option = dyn_cast<OptionRefAttr>(quantity);
  if (!option)
    return success();
  OptionOp found = index.options.lookup(option.getName());
  if (!found || found.getKind() != "int")
    return op->emitOpError("takes a number from '") << option.getName() << "', which is no integer option";
  return success();
}

LogicalResult ProgramVerifier::check(DomainOp domain) {
  for (auto read : domain.getReads().getAsRange<ReadAttr>()) {
    DictionaryAttr arguments = read.getArguments();
    if (read.getReader() == "generate") {
      auto function = arguments.getAs<FlatSymbolRefAttr>("function");
      if (!function || !arguments.get("count") || !arguments.getAs<IntegerAttr>("batch"))
        return domain.emitOpError("generates samples without 'count', 'batch' and 'function'");
      if (failed(checkFunction(domain, function)) || failed(checkQuantity(domain, arguments.get("count"))))
        return failure();
      continue;
    }
    for (NamedAttribute argument : arguments)
      if (auto option = dyn_cast<OptionRefAttr>(argument.getValue()))
        if (!index.options.contains(option.getName()))
          return domain.emitOpError("reads from the unknown option '") << option.getName() << "'";
  }
  return success();
}

LogicalResult ProgramVerifier::check(PassOp pass) {
  if (failed(checkSources(pass, pass.getSources())))
    return failure();
  return pass.getFunctionAttr() ? checkFunction(pass, pass.getFunctionAttr()) : success();
}

LogicalResult ProgramVerifier::check(StageOp stage) {
  if (failed(checkSources(stage, stage.getSources())))
    return failure();
  for (Attribute length : {stage.getEpochsAttr(), stage.getStepsAttr()})
    if (length && failed(checkQuantity(stage, length)))
      return failure();
  for (auto phase : stage.getPhases().getAsRange<PhaseAttr>())
    if (failed(checkFunction(stage, phase.getFunction())) ||
        (phase.getHoist() && failed(checkPasses(stage, phase.getHoist()))))
      return failure();
  for (ArrayAttr passes : {stage.getInit(), stage.getBefore(), stage.getAfter()})
    if (failed(checkPasses(stage, passes)))
      return failure();
  for (auto periodic : stage.getPeriodic().getAsRange<PeriodicAttr>())
    if (failed(checkPass(stage, periodic.getPass())))
      return failure();
  if (std::optional<StringRef> by = stage.getEpochBy())
    if (llvm::none_of(stage.getSources().getAsRange<SourceAttr>(), [&](SourceAttr s) { return s.getName() == *by; }))
      return stage.emitOpError("(C1) sets the epoch by the unknown source '") << *by << "'";
  if (stage.getKeepAttr() && stage.getKeepAttr().getBy() && failed(checkFigure(stage, stage.getKeepAttr().getBy())))
    return failure();
  if (stage.getStopAttr() && failed(checkFigure(stage, stage.getStopAttr())))
    return failure();
  for (auto watch : stage.getWatchOver().getAsRange<WatchAttr>())
    if (failed(checkFigure(stage, watch.getFigure())))
      return failure();
  if (std::optional<StringRef> from = stage.getFrom(); from && !index.stages.contains(*from))
    return stage.emitOpError("(C5) starts from the unknown stage '") << *from << "'";
  return success();
}

LogicalResult ProgramVerifier::check(BaselineOp baseline) {
  if (!index.stages.contains(baseline.getOf()))
    return baseline.emitOpError("(C1) is of the unknown stage '") << baseline.getOf() << "'";
  if (baseline.getRuns() && !index.stages.contains(baseline.getName()))
    return baseline.emitOpError("(C1) runs, but there is no stage '") << baseline.getName() << "'";
  return success();
}

LogicalResult ProgramVerifier::check(EvaluationOp evaluation) {
  if (failed(checkPass(evaluation, evaluation.getPass())))
    return failure();
  for (auto report : evaluation.getReports().getAsRange<ReportAttr>()) {
    BindKind kind = report.getKind() == "rows" ? BindKind::Whole : BindKind::Output;
    if (!gives(index.passes.lookup(evaluation.getPass()), kind, report.getOutput()))
      return evaluation.emitOpError("(C2) reports '") << report.getOutput() << "', which the pass does not give";
    if (report.getTruth() && !gives(index.passes.lookup(evaluation.getPass()), kind, report.getTruth().getValue()))
      return evaluation.emitOpError("(C2) compares with ") << report.getTruth() << ", which the pass does not give";
    if (report.getBaseline() && !index.baselines.contains(report.getBaseline().getValue()))
      return evaluation.emitOpError("(C3) names no baseline: ") << report.getBaseline();
  }
  if (ArrayAttr features = evaluation.getFeaturesAttr())
    for (auto feature : features.getAsRange<FigureAttr>()) {
      PassOp pass = index.passes.lookup(feature.getPass());
      if (!pass || pass.getSources().size() != 1 || !gives(pass, BindKind::Whole, feature.getOutput()))
        return evaluation.emitOpError("(C4) shows '") << feature.getOutput() << "', which no pass of one source gives";
    }
  return success();
}

LogicalResult ProgramVerifier::check(RunOp run) {
  bool known = run.getKind() == "stage"  ? index.stages.contains(run.getName())
               : run.getKind() == "pass" ? index.passes.contains(run.getName())
                                         : index.evaluations.contains(run.getName());
  return known ? success() : run.emitOpError("names no ") << run.getKind() << ": '" << run.getName() << "'";
}

LogicalResult ProgramVerifier::check(SweepOp sweep) {
  for (auto axis : sweep.getAxes().getAsRange<AxisAttr>()) {
    OptionOp found = index.options.lookup(axis.getOption());
    if (!found || found.getKind() == "string")
      return sweep.emitOpError("(C1) sets '") << axis.getOption() << "', which is no option with a number";
  }
  return checkFigure(sweep, sweep.getKeep().getBy());
}

LogicalResult ProgramVerifier::check(ExportOp exported) {
  if (failed(checkFunction(exported, exported.getFunctionAttr())))
    return failure();
  func::FuncOp function = index.functions.lookup(exported.getFunction());
  llvm::StringSet<> bound;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    if (BindAttr bind = getArgumentBind(function, i); bind.getKind() == BindKind::Input)
      bound.insert(bind.getName());
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
    if (BindAttr bind = getResultBind(function, i); bind.getKind() == BindKind::Output)
      bound.insert(bind.getName());
  for (ArrayAttr fields : {exported.getInputs(), exported.getOutputs()})
    for (auto field : fields.getAsRange<FieldAttr>())
      if (!bound.contains(field.getName()))
        return exported.emitOpError("(C1) declares '")
               << field.getName() << "', which " << exported.getFunctionAttr() << " does not bind";
  return success();
}

FailureOr<ProgramIndex> ProgramIndex::build(ModuleOp module) {
  ProgramIndex index;
  for (Operation &op : *module.getBody()) {
    LogicalResult entered = llvm::TypeSwitch<Operation *, LogicalResult>(&op)
                                .Case<OptionOp>([&](auto o) { return enter(index.options, o, "option"); })
                                .Case<ParameterOp>([&](auto o) { return enter(index.parameters, o, "parameter"); })
                                .Case<StateOp>([&](auto o) { return enter(index.states, o, "state"); })
                                .Case<DomainOp>([&](auto o) { return enter(index.domains, o, "domain"); })
                                .Case<PassOp>([&](auto o) { return enter(index.passes, o, "pass"); })
                                .Case<BaselineOp>([&](auto o) { return enter(index.baselines, o, "baseline"); })
                                .Case<StageOp>([&](auto o) { return enter(index.stages, o, "stage"); })
                                .Case<EvaluationOp>([&](auto o) { return enter(index.evaluations, o, "evaluation"); })
                                .Case<func::FuncOp>([&](auto o) {
                                  index.functions[o.getSymName()] = o;
                                  return success();
                                })
                                .Case<SiteOp>([&](SiteOp site) -> LogicalResult {
                                  if (static_cast<int64_t>(site.getNumber()) != ++index.sites)
                                    return site.emitOpError("(C1) has the number ")
                                           << site.getNumber() << "; expected " << index.sites;
                                  return success();
                                })
                                .Default([](Operation *) { return success(); });
    if (failed(entered))
      return failure();
  }
  return index;
}

LogicalResult verifyProgram(ModuleOp module) {
  for (Operation &op : *module.getBody())
    if (isa_and_nonnull<XferDialect>(op.getDialect()) && failed(op.getName().verifyInvariants(&op)))
      return failure();
  FailureOr<ProgramIndex> index = ProgramIndex::build(module);
  if (failed(index))
    return failure();
  ProgramVerifier verifier(*index);
  for (Operation &op : *module.getBody())
    if (failed(verifier.verify(&op)))
      return failure();
  return success();
}

} // namespace xfer::pipeline
