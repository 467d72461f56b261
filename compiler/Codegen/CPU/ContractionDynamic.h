//===- ContractionDynamic.h - contractions whose extents are known when the data is opened ----------------------===//
//
// Whole splits are contracted outside of training steps only (validators, metrics), so this emitter is short rather
// than fast: one sum, or one vector of sums, at a time, with strides that are computed when the kernel runs. Lanes run
// along the last axis of the result where it is contiguous in its operand, else along the last contracted axis where
// that is contiguous in both, else there is one lane.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_CPU_CONTRACTIONDYNAMIC_H
#define XFER_COMPILER_CODEGEN_CPU_CONTRACTIONDYNAMIC_H

#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Dialect/NN/IR/NN.h"

namespace xfer::cpu {

/// See emitContraction.
mlir::FailureOr<EmittedKernel> emitDynamicContract(mlir::OpBuilder &builder, nn::ContractOp op, llvm::StringRef name,
                                                   const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                                   const TargetDescription &target);

} // namespace xfer::cpu

#endif // XFER_COMPILER_CODEGEN_CPU_CONTRACTIONDYNAMIC_H
