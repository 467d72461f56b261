//===- Contraction.h - matrix products and convolutions as loops over vectors -----------------------------------===//
//
// Writes the kernel of one nn.contract, nn.conv, nn.conv_input_gradient or nn.conv_filter_gradient: register-blocked
// sums, scalars of one operand broadcast against vectors of the other. See compiler/Schedule/Rationale.md for the way.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTION_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTION_H

#include "compiler/Codegen/CPU/EmittedKernel.h"
#include "compiler/Target/TargetDescription.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include <functional>

namespace xfer {

/// A vector of finished sums, just before it is stored: `lanes` elements of the operation's result that follow each
/// other in memory and along its axis `axis`.
struct EpilogueTile {
  mlir::Value sums; // vector of the accumulator's type
  unsigned axis;
  int64_t lanes;
  /// The address of every buffer of the kernel, loaded at its entry.
  llvm::ArrayRef<mlir::Value> buffers;
  /// Where lane 0 is in the result: its index along an axis (i64), written at the builder's place on demand.
  std::function<mlir::Value(unsigned axis)> coordinate;
  /// The same as an element number, row-major (i64).
  mlir::Value offset;
};

/// What becomes of the sums: gives the vector to store into the result's buffer, or null if it stored all there is. It
/// may read every buffer at the place of the tile and write others; it must depend on the tile only.
using EpilogueFn = std::function<mlir::Value(mlir::OpBuilder &, mlir::Location, const EpilogueTile &)>;

/// Which buffers of the kernel the operation reads and writes, by number; the scratch buffer comes after all of them.
struct ContractionBuffers {
  unsigned lhs = 0;
  unsigned rhs = 1;
  unsigned result = 2;
  unsigned count = 3;
};

/// Writes the functions `name`, `name.1`, .. at the builder's insertion point (the body of a module). `op` is one of
/// the four operations and is only read. Without an epilogue the sums are stored as the result's type. `schedule` may
/// leave knobs out or be null; the model of compiler/Schedule chooses them then.
mlir::FailureOr<EmittedKernel> emitContraction(mlir::OpBuilder &builder, mlir::Operation *op, llvm::StringRef name,
                                               const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                               mlir::DictionaryAttr schedule, const TargetDescription &target);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTION_H
