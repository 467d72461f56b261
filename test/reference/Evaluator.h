//===- Evaluator.h - one function an operation ------------------------------------------------------------------===//

#ifndef XFER_TEST_REFERENCE_EVALUATOR_H
#define XFER_TEST_REFERENCE_EVALUATOR_H

#include "Reference.h"

namespace xfer::reference {

using Tensors = std::vector<HostTensor>;

class Evaluator {
public:
  explicit Evaluator(Options options) : options(options) {}

  llvm::FailureOr<Tensors> run(mlir::Block &block, llvm::ArrayRef<HostTensor> arguments);

private:
  llvm::LogicalResult bindSymbols(mlir::Type type, const HostTensor &tensor, mlir::Location location);
  llvm::FailureOr<Tensors> evaluateOp(mlir::Operation *op, llvm::ArrayRef<HostTensor> in);
  llvm::FailureOr<Tensors> runLoop(nn::LoopOp op, llvm::ArrayRef<HostTensor> in);
  llvm::FailureOr<Tensors> runEach(nn::EachOp op, llvm::ArrayRef<HostTensor> in);
  /// The extents of `type`, whose dynamic ones are looked up by symbol.
  std::vector<int64_t> resolve(mlir::Type type) const;
  void roundAll(HostTensor &tensor) const;
  HostTensor anchored(mlir::Operation *op, const HostTensor &x, double scale);

  Options options;
  std::map<std::string, int64_t> symbols;
};

/// `tensor` with the errors that `options` ask for, `factor` times; with `onlyRounded` none in what float32 holds
/// exactly.
void disturb(HostTensor &tensor, const Options &options, double factor = 1, bool onlyRounded = false);

// Each of these is null or empty for an operation of another family.
using Inputs = llvm::ArrayRef<HostTensor>;
std::optional<Tensors> elementwise(mlir::Operation *op, Inputs in);
std::optional<Tensors> structural(mlir::Operation *op, Inputs in, llvm::ArrayRef<int64_t> resultShape);
std::optional<Tensors> reduction(mlir::Operation *op, Inputs in);
std::optional<Tensors> contraction(mlir::Operation *op, Inputs in, llvm::ArrayRef<int64_t> resultShape);
std::optional<Tensors> linearAlgebra(mlir::Operation *op, Inputs in);

} // namespace xfer::reference

#endif // XFER_TEST_REFERENCE_EVALUATOR_H
