//===- KernelRunner.h - run functions of kernels in this process ------------------------------------------------===//
//
// For tests: takes a function of nn operations, forms kernels by `nn-fuse` (in the mode `full` after the passes that
// make more of it), writes them for a target, compiles them in this process and runs the function kernel by kernel.
// Chunks run in a scrambled order, and every buffer lies before a page that may not be touched, so that reads and
// writes behind its end are seen.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_TEST_COMPILER_CODEGEN_CPU_KERNELRUNNER_H
#define XFER_TEST_COMPILER_CODEGEN_CPU_KERNELRUNNER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include <map>
#include <string>
#include <vector>

namespace xfer::test {

/// Elements of any type, row-major, each as a double: exact for all types but i64.
struct Tensor {
  std::vector<int64_t> shape;
  std::vector<double> values;

  static Tensor of(std::vector<int64_t> shape, std::vector<double> values);
  /// Reproducible numbers from `low` to `high`; whole ones on demand.
  static Tensor random(std::vector<int64_t> shape, unsigned seed, double low = -2, double high = 2, bool whole = false);
  int64_t size() const;
};

struct RunOptions {
  std::string mode = "none"; // of nn-fuse
  std::string target = "native";
  std::map<std::string, int64_t> extents; // of dynamic axes
};

/// Runs the only function of `source`. Reports failures as test failures and returns nothing then.
std::vector<Tensor> run(llvm::StringRef source, llvm::ArrayRef<Tensor> arguments, const RunOptions &options = {});

/// The same by the reference evaluator, before kernels are formed.
std::vector<Tensor> evaluate(llvm::StringRef source, llvm::ArrayRef<Tensor> arguments);

/// The size of the object that the kernels of `source` become for a target that need not be this machine; 0 on failure.
size_t compileObject(llvm::StringRef source, const RunOptions &options);

/// Names of the targets whose code this machine can execute.
std::vector<std::string> runnableTargets();

} // namespace xfer::test

#endif // XFER_TEST_COMPILER_CODEGEN_CPU_KERNELRUNNER_H
