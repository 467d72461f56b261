#include "compiler/Codegen/CPU/ContractionKernel.h"
#include "compiler/Codegen/CPU/ContractionNest.h"
#include "compiler/Codegen/CPU/ContractionOperands.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::cpu;

FailureOr<SmallVector<PlannedContraction, 4>> xfer::cpu::planContraction(Location loc,
                                                                         const ContractionDescription &description,
                                                                         DictionaryAttr knobs,
                                                                         const TargetDescription &target) {
  SmallVector<PlannedContraction, 4> plans;
  int64_t lanes = target.lanes(description.accumulator);
  int64_t bytes = description.accumulator.getIntOrFloatBitWidth() / 8;
  auto phases = knobs ? knobs.getAs<ArrayAttr>("phases") : ArrayAttr();
  if (phases && phases.size() != description.problems.size())
    return emitError(loc) << "schedule knob 'phases' has " << phases.size() << " entries for "
                          << description.problems.size() << " contractions",
           failure();
  FormOptions options{description.convolution, false, lanes, rowCutRows(target), sharingScalarsPays(target)};
  for (auto [i, problem] : llvm::enumerate(description.problems)) {
    DictionaryAttr own = phases ? dyn_cast<DictionaryAttr>(phases[i]) : knobs;
    auto packKnob = own ? own.getAs<BoolAttr>("pack") : BoolAttr();
    options.pack = packKnob ? packKnob.getValue() : packingPays(problem, options, bytes);
    PlannedContraction plan{contractionForm(problem, options), {}};
    plan.schedule = chooseSchedule(plan.form, target, lanes, bytes);
    // Knobs other than `pack` speak of one form; several have them in `phases`.
    if (phases || description.problems.size() == 1) {
      llvm::Expected<ContractionSchedule> schedule = applyKnobs(plan.schedule, plan.form, own, lanes);
      if (!schedule)
        return emitError(loc) << llvm::toString(schedule.takeError()), failure();
      plan.schedule = *schedule;
    }
    plans.push_back(std::move(plan));
  }
  return plans;
}

namespace {
/// Writes the phases of one kernel. Each phase does the chunks of the first problem, then those of the second, ..
class KernelEmitter {
public:
  KernelEmitter(OpBuilder &builder, Location loc, const ContractionDescription &description,
                ArrayRef<PlannedContraction> plans, const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                const TargetDescription &target)
      : b(builder), k(builder, loc), description(description), plans(plans), buffers(buffers), epilogue(epilogue),
        target(target), lanes(target.lanes(description.accumulator)) {}

  EmittedKernel emit(StringRef name);

private:
  /// Chunks of one problem in a phase, and what each does.
  struct Part {
    int64_t chunks;
    std::function<void(Value chunk)> body;
  };
  void placeScratch();
  void openPhase(EmittedKernel &kernel);
  void closePhase(EmittedKernel &kernel, ArrayRef<Part> parts);
  NestBuffers nestBuffers(unsigned i);
  TileKind tileKind(const ContractionForm &form);
  Value stack(int64_t elements, Type element) {
    return elements ? k.stack(elements * element.getIntOrFloatBitWidth() / 8) : Value();
  }

  OpBuilder &b;
  KernelBuilder k;
  const ContractionDescription &description;
  ArrayRef<PlannedContraction> plans;
  const ContractionBuffers &buffers;
  const EpilogueFn &epilogue;
  const TargetDescription &target;
  int64_t lanes;
  KernelFunction function;
  int64_t scratchBytes = 0;
  SmallVector<int64_t> packedBytes, waitingBytes; // where each problem's part of the scratch buffer starts
};
} // namespace

void KernelEmitter::placeScratch() {
  auto take = [&](SmallVector<int64_t> &starts, int64_t elements, Type element) {
    starts.push_back(scratchBytes);
    scratchBytes += llvm::alignTo(elements * element.getIntOrFloatBitWidth() / 8, 64);
  };
  for (const PlannedContraction &plan : plans) {
    take(packedBytes, plan.form.packedElements(lanes), description.element);
    bool split = plan.schedule.splits > 1;
    take(waitingBytes,
         split ? ContractionNest::boxes(plan.form, plan.schedule) * plan.schedule.splits *
                     ContractionNest::waitingElements(plan.form, plan.schedule)
               : 0,
         description.accumulator);
  }
}

void KernelEmitter::openPhase(EmittedKernel &kernel) {
  std::string name = kernel.name;
  if (!kernel.phases.empty())
    name += "." + std::to_string(kernel.phases.size());
  function = openKernel(b, k.location(), name, buffers.count + (scratchBytes != 0));
}

/// Ends the function: chunk numbers are given out to the parts in order.
void KernelEmitter::closePhase(EmittedKernel &kernel, ArrayRef<Part> parts) {
  int64_t start = 0;
  SmallVector<Part> present = llvm::filter_to_vector(parts, [](const Part &part) { return part.chunks != 0; });
  for (const Part &part : present) {
    Value chunk = part.chunks == 1 ? k.constant(0) : k.add(function.chunk, -start);
    if (present.size() == 1) {
      part.body(chunk);
    } else {
      Value inside = arith::AndIOp::create(b, k.location(), k.less(k.constant(start - 1), function.chunk),
                                           k.less(function.chunk, k.constant(start + part.chunks)));
      k.when(inside, [&] { part.body(chunk); });
    }
    start += part.chunks;
  }
  func::ReturnOp::create(b, k.location());
  b.setInsertionPointAfter(function.function);
  ChunkCount chunks;
  chunks.fixed = start;
  kernel.phases.push_back({function.function, chunks});
}

NestBuffers KernelEmitter::nestBuffers(unsigned i) {
  NestBuffers nest;
  const ContractionForm &form = plans[i].form;
  nest.all = ArrayRef(function.buffers).take_front(buffers.count);
  nest.lhs = function.buffers[form.swapped ? buffers.rhs : buffers.lhs];
  nest.rhs = function.buffers[form.swapped ? buffers.lhs : buffers.rhs];
  nest.result = function.buffers[buffers.result];
  if (form.pack)
    nest.packed = k.address(b.getI8Type(), function.buffers.back(), packedBytes[i]);
  if (plans[i].schedule.splits > 1)
    nest.waiting = k.address(b.getI8Type(), function.buffers.back(), waitingBytes[i]);
  return nest;
}

TileKind KernelEmitter::tileKind(const ContractionForm &form) {
  TileKind kind;
  kind.element = description.element;
  kind.accumulator = description.accumulator;
  kind.fused = target.fusedMultiplyAdd;
  kind.dot = form.dot;
  kind.lhsVector = form.lhsVector;
  kind.shareTails = rowsOfTail(form, target, lanes, 1) > 1;
  kind.lanes = lanes;
  kind.inFlight = sumsInFlight(target);
  kind.lhsRowStride = form.row ? form.axis(*form.row).lhs : 0;
  kind.lhsColumnStride = form.axis(form.column).lhs;
  kind.rhsColumnStride = form.axis(form.column).rhs;
  return kind;
}

EmittedKernel KernelEmitter::emit(StringRef name) {
  EmittedKernel kernel;
  kernel.name = name.str();
  placeScratch();
  kernel.scratchBytes = scratchBytes;
  SmallVector<TileKind> kinds =
      llvm::map_to_vector(plans, [&](const PlannedContraction &plan) { return tileKind(plan.form); });

  if (llvm::any_of(plans, [](const PlannedContraction &plan) { return plan.form.pack; })) {
    openPhase(kernel);
    SmallVector<Part> parts;
    for (unsigned i = 0; i < plans.size(); ++i) {
      const PlannedContraction &plan = plans[i];
      if (!plan.form.pack || plan.form.reductionProduct() == 0)
        continue;
      NestBuffers nest = nestBuffers(i);
      auto packer = std::make_shared<RhsPacker>(k, plan.form, description.element, lanes,
                                                plan.schedule.tileColumns(plan.form, lanes));
      parts.push_back({packer->chunks(), [=](Value chunk) { packer->emit(chunk, nest.rhs, nest.packed); }});
    }
    closePhase(kernel, parts);
  }

  openPhase(kernel);
  // Parts never run at the same time in one chunk: they share the stack.
  int64_t staged = 0, waiting = 0;
  for (const PlannedContraction &plan : plans) {
    staged = std::max(staged, ContractionNest::stagedElements(plan.form, plan.schedule));
    if (plan.schedule.splits == 1)
      waiting = std::max(waiting, ContractionNest::waitingElements(plan.form, plan.schedule));
  }
  Value stagedStack = stack(staged, description.element), waitingStack = stack(waiting, description.accumulator);
  SmallVector<Part> sums, joins;
  for (unsigned i = 0; i < plans.size(); ++i) {
    const PlannedContraction &plan = plans[i];
    auto nest =
        std::make_shared<ContractionNest>(k, plan.form, plan.schedule, kinds[i], description.resultElement, epilogue);
    NestBuffers nestBuffers = this->nestBuffers(i);
    nestBuffers.stagedStack = stagedStack;
    if (ContractionNest::waitingElements(plan.form, plan.schedule) && plan.schedule.splits == 1)
      nestBuffers.waitingStack = waitingStack;
    int64_t boxes = ContractionNest::boxes(plan.form, plan.schedule);
    sums.push_back({boxes * plan.schedule.splits, [=](Value chunk) { nest->emitSums(chunk, nestBuffers); }});
    if (plan.schedule.splits > 1)
      joins.push_back({boxes, [=](Value chunk) { nest->emitJoin(chunk, this->nestBuffers(i)); }});
  }
  closePhase(kernel, sums);
  if (!joins.empty()) {
    openPhase(kernel);
    closePhase(kernel, joins);
  }
  return kernel;
}

FailureOr<EmittedKernel> xfer::cpu::emitContractionKernel(OpBuilder &builder, Location loc,
                                                          const ContractionDescription &description, StringRef name,
                                                          const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                                          DictionaryAttr knobs, const TargetDescription &target) {
  FailureOr<SmallVector<PlannedContraction, 4>> plans = planContraction(loc, description, knobs, target);
  if (failed(plans))
    return failure();
  return KernelEmitter(builder, loc, description, *plans, buffers, epilogue, target).emit(name);
}
