//===- PeakProbe.h - multiply-adds a second that this core reaches now ------------------------------------------===//

#ifndef XFER_BENCH_KERNELS_PEAKPROBE_H
#define XFER_BENCH_KERNELS_PEAKPROBE_H

#include "compiler/Target/TargetDescription.h"
#include "test/compiler/Codegen/CPU/CompiledKernel.h"

namespace xfer::bench {

/// Time that this thread was given by the machine: others who want the same core do not count.
double threadSeconds();

/// A loop of independent multiply-adds in registers: nothing but the units of the target can slow it down.
class PeakProbe {
public:
  explicit PeakProbe(mlir::MLIRContext &context, const TargetDescription &target);
  /// Floating-point operations a second, from one short run.
  double measure();

private:
  std::unique_ptr<test::CompiledKernel> kernel;
  double operations = 0;
  float sink[64] = {};
};

} // namespace xfer::bench

#endif // XFER_BENCH_KERNELS_PEAKPROBE_H
