#include "bench/kernels/PeakProbe.h"
#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <ctime>

using namespace mlir;
using namespace xfer;
using namespace xfer::bench;

PeakProbe::PeakProbe(MLIRContext &context, const TargetDescription &target) {
  constexpr int64_t rounds = 200000, sums = 12;
  OpBuilder builder(&context);
  Location loc = NameLoc::get(builder.getStringAttr("peak"));
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  cpu::KernelFunction function = cpu::openKernel(builder, loc, "peak", 1);
  cpu::KernelBuilder k(builder, loc);
  Type element = builder.getF32Type();
  int64_t lanes = target.lanes(element);
  VectorType type = VectorType::get({lanes}, element);
  Value factor = k.load(type, function.buffers[0]);
  SmallVector<Value> carried(sums, factor);
  for (auto [i, value] : llvm::enumerate(carried))
    value = k.splat(k.load(element, k.address(element, function.buffers[0], i)), lanes);
  SmallVector<Value> ends = k.loop(k.constant(0), k.constant(rounds), 1, carried, [&](Value, ValueRange values) {
    SmallVector<Value> next;
    for (Value value : values)
      next.push_back(k.multiplyAdd(factor, value, factor, target.fusedMultiplyAdd));
    return next;
  });
  Value total = ends.front();
  for (Value end : ArrayRef(ends).drop_front())
    total = k.addElements(total, end);
  k.store(total, function.buffers[0]);
  func::ReturnOp::create(builder, loc);
  EmittedKernel emitted;
  emitted.name = "peak";
  emitted.phases.push_back({function.function, {}});
  kernel = llvm::cantFail(test::CompiledKernel::compile(*module, emitted, target));
  operations = 2.0 * rounds * sums * lanes;
}

double xfer::bench::threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

double PeakProbe::measure() {
  double start = threadSeconds();
  kernel->run({sink});
  return operations / (threadSeconds() - start);
}
