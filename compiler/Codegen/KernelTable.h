//===- KernelTable.h - the kernels of a program, each once --------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_KERNELTABLE_H
#define XFER_COMPILER_CODEGEN_KERNELTABLE_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Target/TargetDescription.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace xfer {

/// Writes the functions of one kernel at the builder's place.
using KernelEmitter = std::function<mlir::FailureOr<EmittedKernel>(mlir::OpBuilder &, nn::KernelOp,
                                                                   llvm::StringRef name, const TargetDescription &)>;

/// What the step function needs to know to call a kernel.
struct KernelCall {
  struct Phase {
    std::string function;
    ChunkCount chunks;
  };
  std::string name;
  llvm::SmallVector<Phase, 2> phases;
  int64_t scratchBytes = 0;
  llvm::SmallVector<std::string> extents; // symbols, in the order in which the kernel expects the values
};

/// Kernels of equal structure (kind, schedule, types, operations and their attributes) get one entry.
class KernelTable {
public:
  /// Enters the kernel if no equal one is there.
  void add(nn::KernelOp kernel);
  /// Emits every kernel into one of `parts` modules, balanced by their number of operations.
  mlir::FailureOr<llvm::SmallVector<mlir::OwningOpRef<mlir::ModuleOp>>>
  emit(unsigned parts, const TargetDescription &target, const KernelEmitter &emitter);

  /// How to call the kernel; only after `emit`.
  const KernelCall &callOf(nn::KernelOp kernel) const { return calls[numbers.lookup(kernel)]; }
  size_t size() const { return exemplars.size(); }

private:
  llvm::StringMap<unsigned> byKey;
  llvm::DenseMap<mlir::Operation *, unsigned> numbers;
  llvm::SmallVector<nn::KernelOp> exemplars;
  std::vector<KernelCall> calls;
};

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_KERNELTABLE_H
