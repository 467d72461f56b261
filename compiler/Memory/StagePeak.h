//===- StagePeak.h - how much memory a stage needs ------------------------------------------------------*- C++ -*-===//
//
// Input: the program and the plans of its functions. Output: for every stage the bytes alive when it needs most:
//
//   values   every parameter and state of the program, and what is computed ahead of steps
//   copies   what `keep best` and `keep least` hold back: the model, and the states of the program and of the stage
//   sweeps   what each `sweep` around the stage holds back: two copies of every parameter and state, as they were
//            before it and as its best point left them; one if it has one point
//   buffers  batches, random keys, figures and rows of the step function and of every pass that the stage runs
//   arena    of the function that needs most; all functions of a program share one
//
// This is the number that `xferc explain` prints and that `memory` in a stage limits. What readers hold is no part of
// it (they map files, or hold what was drawn or parsed), nor are copies of the model for baselines.
//
// Sizes may depend on numbers of samples, which are known when the data is opened: then the peak is the largest of
// several formulas, and the runtime compares it.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_MEMORY_STAGEPEAK_H
#define XFER_COMPILER_MEMORY_STAGEPEAK_H

#include "compiler/Memory/FunctionPlan.h"

namespace xfer {

/// Bytes: a number, and products of a number and numbers of samples.
struct MemorySize {
  struct Term {
    int64_t bytes = 0;
    llvm::SmallVector<std::string, 2> extents;
  };
  int64_t fixed = 0;
  llvm::SmallVector<Term> terms;

  /// Each part is rounded up to the alignment of buffers; parts of equal extents stay apart, since each is a buffer.
  void add(int64_t bytes, llvm::ArrayRef<std::string> extents = {});
  void add(const MemorySize &other);
  bool isNothing() const { return fixed == 0 && terms.empty(); }
  void print(llvm::raw_ostream &os) const;
};

struct StagePeak {
  pipeline::StageOp stage;
  MemorySize values, copies, sweeps;
  /// The peak is the largest of these. They differ in the step function and in the function whose arena is meant.
  struct Moment {
    mlir::func::FuncOp function; // of the arena
    MemorySize buffers, arena, total;
  };
  std::vector<Moment> moments;

  /// The moment that needs most, sizes that depend on the data taken as nothing.
  const Moment &largest() const;
  void print(llvm::raw_ostream &os) const;
};

std::vector<StagePeak> findStagePeaks(mlir::ModuleOp module, llvm::ArrayRef<FunctionPlan> plans);

/// Fails with a diagnostic at every `memory` of a stage that needs more, whatever the data.
mlir::LogicalResult checkMemoryLimits(llvm::ArrayRef<StagePeak> peaks);

} // namespace xfer

#endif // XFER_COMPILER_MEMORY_STAGEPEAK_H
