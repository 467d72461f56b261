//===- ContractionOperands.h - copies of operands that make register tiles simple -------------------------------===//
//
// Two copies, each made only where the form of the contraction asks for it:
//
//   pack    the rhs in panels as wide as a register tile, [parallel axes][panel][reductions][columns], columns padded
//           with zeros to whole vectors: a phase of its own, before the sums. A rhs that is contiguous along the
//           innermost reduction instead is transposed in registers, a square of vectors at a time.
//   stage   the part of the lhs that one chunk reads, with zeros where a window leaves the image, on the stack of the
//           thread: [spatial axes][channels].
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTIONOPERANDS_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTIONOPERANDS_H

#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "compiler/Schedule/ContractionForm.h"

namespace xfer::cpu {

/// Writes the packed copy of `source` to `target`, panel by panel.
class RhsPacker {
public:
  RhsPacker(KernelBuilder &builder, const ContractionForm &form, mlir::Type element, int64_t lanes,
            int64_t panelColumns)
      : k(builder), form(form), element(element), lanes(lanes), panelColumns(panelColumns) {}

  /// One chunk is one panel of one index of the parallel axes.
  int64_t chunks() const;
  void emit(mlir::Value chunk, mlir::Value source, mlir::Value target);

private:
  void panel(mlir::Value source, mlir::Value target, int64_t columns);
  void rows(mlir::Value source, mlir::Value target, unsigned axis, int64_t columns, int64_t pitch);
  void row(mlir::Value source, mlir::Value target, int64_t columns, int64_t pitch);
  void transpose(mlir::Value source, mlir::Value target, int64_t steps, int64_t columns, int64_t pitch);

  KernelBuilder &k;
  const ContractionForm &form;
  mlir::Type element;
  int64_t lanes, panelColumns;
  llvm::SmallVector<PackedAxis, 4> reductions;
};

/// Copies to `target` what the chunk reads of the lhs. `source` is the address of place 0 of the chunk's image, `first`
/// its first index of the blocked axis and `count` how many of them a chunk has.
void emitStage(KernelBuilder &builder, const ContractionForm &form, mlir::Type element, mlir::Value source,
               mlir::Value target, mlir::Value first, int64_t count);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTIONOPERANDS_H
