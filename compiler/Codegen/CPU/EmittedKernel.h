//===- EmittedKernel.h - what every CPU emitter hands back ------------------------------------------------------===//
//
// A kernel is a list of phases that run one after the other. A phase is one function
//
//   func @name(%buffers: !llvm.ptr, %chunk: i64, %extents: !llvm.ptr)
//
// which does piece number %chunk of the phase's work; the pieces of a phase are independent and run in any order and at
// the same time. %buffers points to the addresses of the inputs, then the outputs, then, if `scratchBytes` is not zero,
// one scratch buffer that all phases share. Every buffer is aligned to XFER_ALIGNMENT. %extents points to the values of
// the dynamic extents (i64), as `EmittedKernel::extents` names them. How many pieces there are follows from the shapes
// only, never from the number of threads, and so does every value that is written.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_EMITTEDKERNEL_H
#define XFER_COMPILER_CODEGEN_CPU_EMITTEDKERNEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>
#include <string>

namespace xfer {

/// How many chunks a phase has: `fixed`, times ceil(extents[extent] / block) where the work has a dynamic extent.
struct ChunkCount {
  int64_t fixed = 1;
  std::optional<unsigned> extent;
  int64_t block = 1;
};

struct KernelPhase {
  mlir::func::FuncOp function;
  ChunkCount chunks;
};

struct EmittedKernel {
  std::string name;
  llvm::SmallVector<KernelPhase, 2> phases;
  int64_t scratchBytes = 0;
  /// The symbols of the values behind %extents, in their order; `ChunkCount::extent` is a place in this list.
  llvm::SmallVector<std::string> extents;
};

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_CPU_EMITTEDKERNEL_H
