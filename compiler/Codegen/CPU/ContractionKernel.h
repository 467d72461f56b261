//===- ContractionKernel.h - the phases of a contraction's kernel -----------------------------------------------===//
//
// What remains of an operation once its shapes are read: one problem (one for each phase of the strides for an input
// gradient), the types, and who calls. Writes up to three phases: pack the rhs, sum, join the parts of split sums.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTIONKERNEL_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTIONKERNEL_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Schedule/ContractionSchedule.h"

namespace xfer::cpu {

struct ContractionDescription {
  llvm::SmallVector<ContractionProblem, 4> problems;
  bool convolution = false;
  mlir::Type element, accumulator, resultElement;
};

/// What one of the four operations asks for; a diagnostic where it is none of them or has a dynamic extent.
mlir::FailureOr<ContractionDescription> describeContraction(mlir::Operation *op);

/// Form and schedule of each problem, as the model and the knobs decide. A message is emitted at `loc` for wrong knobs.
struct PlannedContraction {
  ContractionForm form;
  ContractionSchedule schedule;
};
mlir::FailureOr<llvm::SmallVector<PlannedContraction, 4>> planContraction(mlir::Location loc,
                                                                          const ContractionDescription &description,
                                                                          mlir::DictionaryAttr knobs,
                                                                          const TargetDescription &target);

/// See emitContraction.
mlir::FailureOr<EmittedKernel> emitContractionKernel(mlir::OpBuilder &builder, mlir::Location loc,
                                                     const ContractionDescription &description, llvm::StringRef name,
                                                     const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                                     mlir::DictionaryAttr knobs, const TargetDescription &target);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTIONKERNEL_H
