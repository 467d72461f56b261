//===- StagePeak.cpp - how much memory a stage needs --------------------------------------------------------------===//

#include "compiler/Memory/StagePeak.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace xfer::pipeline;

namespace xfer {

void MemorySize::add(int64_t bytes, ArrayRef<std::string> extents) {
  if (extents.empty())
    fixed += alignBuffer(bytes);
  else if (bytes != 0)
    terms.push_back({bytes, SmallVector<std::string, 2>(extents)});
}

void MemorySize::add(const MemorySize &other) {
  fixed += other.fixed;
  terms.append(other.terms);
}

void MemorySize::print(raw_ostream &os) const {
  os << fixed;
  for (const Term &term : terms) {
    os << " + " << term.bytes;
    for (const std::string &extent : term.extents)
      os << " * size(" << extent << ")";
  }
}

/// Adds a tensor that has a buffer of its own.
static void addTensor(MemorySize &size, Type type) {
  int64_t bytes = bytesOfElement(cast<RankedTensorType>(type).getElementType());
  SmallVector<std::string, 2> extents;
  for (const nn::Extent &extent : nn::extentsOf(type)) {
    if (extent.isDynamic())
      extents.push_back(extent.symbol);
    else
      bytes *= extent.size;
  }
  size.add(bytes, extents);
}

namespace {

/// Sizes of a program's parts, as the runtime allocates them (runtime/program: Session, Call, BatchInput, PassRunner).
class Sizes {
public:
  Sizes(ModuleOp module, ArrayRef<FunctionPlan> plans) : module(module) {
    for (const FunctionPlan &plan : plans)
      byName[plan.getFunction().getSymName()] = &plan;
    for (PassOp pass : module.getOps<PassOp>())
      passes[pass.getName()] = pass;
  }

  MemorySize values();
  MemorySize variables();
  MemorySize copies(StageOp stage);
  MemorySize sweeps(StageOp stage);
  MemorySize arena(const FunctionPlan &plan) const;
  MemorySize buffers(const FunctionPlan &plan) const;
  MemorySize buffers(PassOp pass) const;
  const FunctionPlan &plan(FlatSymbolRefAttr name) const { return *byName.lookup(name.getValue()); }
  llvm::SetVector<PassOp> passesOf(StageOp stage) const;

private:
  ModuleOp module;
  llvm::StringMap<const FunctionPlan *> byName;
  llvm::StringMap<PassOp> passes;
};

} // namespace

MemorySize Sizes::variables() {
  MemorySize size;
  for (ParameterOp parameter : module.getOps<ParameterOp>())
    addTensor(size, parameter.getType());
  for (StateOp state : module.getOps<StateOp>())
    addTensor(size, state.getType());
  return size;
}

MemorySize Sizes::values() {
  MemorySize size = variables();
  // A value computed ahead is a result of the pass that computes it and an argument of those that read it.
  llvm::StringSet<> seen;
  for (const auto &entry : byName) {
    func::FuncOp function = entry.second->getFunction();
    for (unsigned i = 0, e = function.getNumResults(); i != e; ++i) {
      BindAttr bind = getResultBind(function, i);
      if (bind.getKind() == BindKind::Hoisted && seen.insert(bind.getName()).second)
        addTensor(size, function.getResultTypes()[i]);
    }
  }
  return size;
}

MemorySize Sizes::copies(StageOp stage) {
  KeepAttr keep = stage.getKeepAttr();
  MemorySize size;
  if (!keep || keep.getMode() == "last")
    return size;
  for (ParameterOp parameter : module.getOps<ParameterOp>())
    addTensor(size, parameter.getType());
  std::string own = ("stage:" + stage.getName()).str();
  for (StateOp state : module.getOps<StateOp>())
    if (!state.getOwner().starts_with("stage:") || state.getOwner() == own)
      addTensor(size, state.getType());
  return size;
}

/// Of all places where the stage runs the one that the most copies stand around.
MemorySize Sizes::sweeps(StageOp stage) {
  int64_t most = 0;
  module.walk([&](RunOp run) {
    if (run.getKind() != "stage" || run.getName() != stage.getName())
      return;
    int64_t copies = 0;
    for (auto sweep = run->getParentOfType<SweepOp>(); sweep; sweep = sweep->getParentOfType<SweepOp>()) {
      bool hasSeveral = llvm::any_of(sweep.getAxes().getAsRange<AxisAttr>(),
                                     [](AxisAttr axis) { return axis.getValues().size() > 1; });
      copies += hasSeveral ? 2 : 1;
    }
    most = std::max(most, copies);
  });
  MemorySize size;
  for (MemorySize one = variables(); most > 0; --most)
    size.add(one);
  return size;
}

MemorySize Sizes::arena(const FunctionPlan &plan) const {
  MemorySize size;
  size.add(plan.getArena().fixedBytes);
  for (const ArenaSlot &slot : plan.getArena().slots) {
    SmallVector<std::string, 2> extents;
    for (unsigned extent : slot.extents)
      extents.push_back(plan.getExtents()[extent]);
    size.add(slot.bytes, extents);
  }
  return size;
}

/// What one call is given beside the values of the program and the rows of a split.
MemorySize Sizes::buffers(const FunctionPlan &plan) const {
  MemorySize size;
  func::FuncOp function = plan.getFunction();
  auto isValue = [](BindKind kind) {
    return kind == BindKind::Param || kind == BindKind::State || kind == BindKind::Hoisted;
  };
  llvm::DenseSet<Attribute> read;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i) {
    BindKind kind = getArgumentBind(function, i).getKind();
    read.insert(getArgumentBind(function, i));
    if (!isValue(kind) && kind != BindKind::Whole)
      addTensor(size, function.getArgumentTypes()[i]);
  }
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i) {
    BindAttr bind = getResultBind(function, i);
    if (plan.getInPlace()[i] || bind.getKind() == BindKind::Hoisted)
      continue;
    // A value that is replaced while it is read gets a second buffer; one that is only written does not.
    if (!isValue(bind.getKind()) || read.contains(bind))
      addTensor(size, function.getResultTypes()[i]);
  }
  return size;
}

MemorySize Sizes::buffers(PassOp pass) const {
  MemorySize size;
  for (auto source : pass.getSources().getAsRange<SourceAttr>()) {
    if (!source.getRows())
      continue;
    const FunctionPlan &rows = plan(source.getRows());
    size.add(buffers(rows));
    std::string extent = (source.getDomain() + "." + source.getSplit()).str();
    func::FuncOp function = rows.getFunction();
    for (auto [i, type] : llvm::enumerate(function.getResultTypes())) {
      auto tensor = cast<RankedTensorType>(type);
      if (getResultBind(function, i).getKind() == BindKind::Sum) { // totals in double width
        addTensor(size, RankedTensorType::get(tensor.getShape().drop_front(), Float64Type::get(type.getContext())));
        continue;
      }
      int64_t row = bytesOfElement(tensor.getElementType());
      for (int64_t extent : tensor.getShape().drop_front())
        row *= extent;
      size.add(row, {extent});
    }
  }
  if (pass.getFunctionAttr())
    size.add(buffers(plan(pass.getFunctionAttr())));
  return size;
}

llvm::SetVector<PassOp> Sizes::passesOf(StageOp stage) const {
  llvm::SetVector<PassOp> found;
  auto add = [&](StringRef name) { found.insert(passes.lookup(name)); };
  auto addAll = [&](ArrayAttr names) {
    for (StringRef name : names.getAsValueRange<StringAttr>())
      add(name);
  };
  addAll(stage.getInit());
  addAll(stage.getBefore());
  addAll(stage.getAfter());
  for (auto periodic : stage.getPeriodic().getAsRange<PeriodicAttr>())
    add(periodic.getPass());
  for (auto phase : stage.getPhases().getAsRange<PhaseAttr>())
    if (phase.getHoist())
      addAll(phase.getHoist());
  for (auto watch : stage.getWatchOver().getAsRange<WatchAttr>())
    add(watch.getFigure().getPass());
  if (KeepAttr keep = stage.getKeepAttr(); keep && keep.getBy())
    add(keep.getBy().getPass());
  if (FigureAttr stop = stage.getStopAttr())
    add(stop.getPass());
  return found;
}

std::vector<StagePeak> findStagePeaks(ModuleOp module, ArrayRef<FunctionPlan> plans) {
  Sizes sizes(module, plans);
  std::vector<StagePeak> peaks;
  MemorySize values = sizes.values();
  for (StageOp stage : module.getOps<StageOp>()) {
    StagePeak peak{stage, values, sizes.copies(stage), sizes.sweeps(stage), {}};
    MemorySize ofPasses;
    llvm::MapVector<StringRef, const FunctionPlan *> functions; // whose arenas are used
    auto use = [&](const FunctionPlan &plan) { functions[plan.getFunction().getSymName()] = &plan; };
    for (PassOp pass : sizes.passesOf(stage)) {
      ofPasses.add(sizes.buffers(pass));
      if (pass.getFunctionAttr())
        use(sizes.plan(pass.getFunctionAttr()));
      for (auto source : pass.getSources().getAsRange<SourceAttr>())
        if (source.getRows())
          use(sizes.plan(source.getRows()));
    }
    for (auto phase : stage.getPhases().getAsRange<PhaseAttr>())
      use(sizes.plan(phase.getFunction()));
    for (auto phase : stage.getPhases().getAsRange<PhaseAttr>()) {
      MemorySize buffers = ofPasses;
      buffers.add(sizes.buffers(sizes.plan(phase.getFunction())));
      for (auto &[name, plan] : functions) {
        StagePeak::Moment moment{plan->getFunction(), buffers, sizes.arena(*plan), buffers};
        moment.total.add(moment.arena);
        for (const MemorySize *part : {&peak.values, &peak.copies, &peak.sweeps})
          moment.total.add(*part);
        peak.moments.push_back(std::move(moment));
      }
    }
    // Of those that no data enlarge the largest is enough.
    const StagePeak::Moment *most = &peak.largest();
    std::vector<StagePeak::Moment> needed;
    for (const StagePeak::Moment &moment : peak.moments)
      if (&moment == most || !moment.total.terms.empty())
        needed.push_back(moment);
    peak.moments = std::move(needed);
    peaks.push_back(std::move(peak));
  }
  return peaks;
}

const StagePeak::Moment &StagePeak::largest() const {
  return *std::max_element(moments.begin(), moments.end(),
                           [](const Moment &one, const Moment &other) { return one.total.fixed < other.total.fixed; });
}

void StagePeak::print(raw_ostream &os) const {
  const Moment &most = largest();
  os << "stage " << StageOp(stage).getName() << ": ";
  most.total.print(os);
  os << " bytes at its peak\n";
  auto line = [&](llvm::StringRef what, const MemorySize &size) {
    os << "  " << what << ": ";
    size.print(os);
    os << "\n";
  };
  line("parameters, states and values computed ahead", values);
  if (!copies.isNothing())
    line("copies for 'keep'", copies);
  if (!sweeps.isNothing())
    line("copies for 'sweep'", sweeps);
  os << "  batches, results and rows: ";
  most.buffers.print(os);
  os << "\n  arena of " << func::FuncOp(most.function).getSymName() << ": ";
  most.arena.print(os);
  os << "\n";
}

/// What is needed is rounded up and what is allowed down, so that the two are never shown as equal.
static std::string mebibytes(int64_t bytes, double (*round)(double) = std::ceil) {
  return llvm::formatv("{0:f2} MiB", round(bytes / double(1 << 20) * 100) / 100).str();
}

LogicalResult checkMemoryLimits(ArrayRef<StagePeak> peaks) {
  bool fits = true;
  for (const StagePeak &peak : peaks) {
    StageOp stage = peak.stage;
    const StagePeak::Moment &most = peak.largest();
    std::optional<int64_t> limit = stage.getMemoryLimit();
    if (!limit || most.total.fixed <= *limit)
      continue;
    fits = false;
    InFlightDiagnostic message = emitError(getMemoryLocation(stage));
    message << "stage '" << stage.getName() << "' needs " << mebibytes(most.total.fixed) << " of memory, more than the "
            << mebibytes(*limit, std::floor) << " that 'memory' allows it; take smaller batches or allow more";
    message.attachNote() << mebibytes(peak.values.fixed) << " for parameters, states and values computed ahead, "
                         << mebibytes(peak.copies.fixed) << " for copies of 'keep', " << mebibytes(peak.sweeps.fixed)
                         << " for those of 'sweep', " << mebibytes(most.buffers.fixed)
                         << " for batches, results and rows, " << mebibytes(most.arena.fixed)
                         << " for intermediate values of '" << func::FuncOp(most.function).getSymName() << "'";
  }
  return success(fits);
}

} // namespace xfer
