//===- KernelCases.h - the contractions that the benchmark times ------------------------------------------------===//

#ifndef XFER_BENCH_KERNELS_KERNELCASES_H
#define XFER_BENCH_KERNELS_KERNELCASES_H

#include <string>
#include <vector>

namespace xfer::bench {

/// A function around one operation, as text, and its multiply-adds times two.
struct KernelCase {
  std::string name, text;
  double operations;
  bool headline; // one of those that the requirements name
};

/// Matrix products and convolutions of the training benchmarks (LeNet, ResNet-20) and of ResNet-18 at batch 16.
std::vector<KernelCase> kernelCases();

} // namespace xfer::bench

#endif // XFER_BENCH_KERNELS_KERNELCASES_H
