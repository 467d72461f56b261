//===- EmitKernel.cpp - a kernel by the emitter of its kind -------------------------------------------------------===//

#include "compiler/Codegen/EmitKernel.h"
#include "compiler/Codegen/CPU/FusedContraction.h"
#include "compiler/Codegen/CPU/LoopNest.h"

using namespace mlir;

namespace xfer {

FailureOr<EmittedKernel> emitKernel(OpBuilder &builder, nn::KernelOp kernel, StringRef name,
                                    const TargetDescription &target) {
  switch (kernel.getKind()) {
  case nn::KernelKind::Loop:
    return emitLoopKernel(builder, kernel, name, target);
  case nn::KernelKind::Contraction:
    return emitFusedContraction(builder, kernel, name, target);
  case nn::KernelKind::Library:
    break;
  }
  return kernel.emitOpError("has no emitter for its kind");
}

} // namespace xfer
