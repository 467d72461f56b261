//===- KernelBuilder.h - index arithmetic, addresses and loops of a kernel --------------------------------------===//
//
// The few operations that kernels are written with: i64 arithmetic that folds constants as it goes, elements and
// vectors at `!llvm.ptr` addresses, loops that vanish where they run once. Memory never goes through memref, so that
// nothing has to be lowered but scf, arith and vector.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_KERNELBUILDER_H
#define XFER_COMPILER_CODEGEN_CPU_KERNELBUILDER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace xfer::cpu {

class KernelBuilder {
public:
  KernelBuilder(mlir::OpBuilder &builder, mlir::Location loc) : b(builder), loc(loc) {}

  mlir::OpBuilder &builder() { return b; }
  mlir::Location location() const { return loc; }

  // i64 arithmetic; what is known is computed now. Quotients and remainders are of non-negative numbers.
  mlir::Value constant(int64_t value);
  mlir::Value add(mlir::Value x, mlir::Value y);
  mlir::Value add(mlir::Value x, int64_t y) { return add(x, constant(y)); }
  mlir::Value sub(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, mlir::Value y);
  mlir::Value mul(mlir::Value x, int64_t y) { return mul(x, constant(y)); }
  mlir::Value div(mlir::Value x, int64_t y);
  mlir::Value rem(mlir::Value x, int64_t y);
  mlir::Value min(mlir::Value x, mlir::Value y);
  mlir::Value max(mlir::Value x, mlir::Value y);
  mlir::Value less(mlir::Value x, mlir::Value y);
  mlir::Value equal(mlir::Value x, mlir::Value y);
  static std::optional<int64_t> known(mlir::Value x);

  // Memory. An index counts elements of the type given.
  mlir::Value address(mlir::Type element, mlir::Value base, mlir::Value index);
  mlir::Value address(mlir::Type element, mlir::Value base, int64_t index);
  /// A scalar or a vector, which need be aligned as its elements only.
  mlir::Value load(mlir::Type type, mlir::Value address);
  void store(mlir::Value value, mlir::Value address);
  /// Stack memory of a fixed size; to be called at the entry of the function.
  mlir::Value stack(int64_t bytes);

  using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value index, mlir::ValueRange carried)>;
  /// for (index = lower; index < upper; index += step): gives what is carried after the last round.
  llvm::SmallVector<mlir::Value> loop(mlir::Value lower, mlir::Value upper, int64_t step, mlir::ValueRange carried,
                                      LoopBody body);
  void loop(mlir::Value lower, mlir::Value upper, int64_t step, llvm::function_ref<void(mlir::Value index)> body);
  void when(mlir::Value condition, llvm::function_ref<void()> body);

  // Elements and vectors of them.
  mlir::Value zero(mlir::Type type);
  mlir::Value splat(mlir::Value scalar, int64_t lanes);
  /// x * y + sum, in one rounding where `fused`.
  mlir::Value multiplyAdd(mlir::Value x, mlir::Value y, mlir::Value sum, bool fused);
  mlir::Value addElements(mlir::Value x, mlir::Value y);
  /// A number or a vector of numbers as another number type; wider or narrower of the same kind.
  mlir::Value convert(mlir::Value value, mlir::Type element);

private:
  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// A kernel's function (see EmittedKernel.h), opened: the builder stands at the end of its body.
struct KernelFunction {
  mlir::func::FuncOp function;
  mlir::Value chunk;
  mlir::Value extents;
  llvm::SmallVector<mlir::Value> buffers; // addresses
};

/// Creates the function at the builder's place and loads `count` addresses; the caller ends its body with
/// `func.return`.
KernelFunction openKernel(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name, unsigned count);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_KERNELBUILDER_H
