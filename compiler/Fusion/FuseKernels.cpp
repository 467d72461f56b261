//===- FuseKernels.cpp - form kernels ---------------------------------------------------------------------------===//

#include "compiler/Fusion/FormKernel.h"
#include "compiler/Fusion/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace xfer {

#define GEN_PASS_DEF_FUSEKERNELS
#include "compiler/Fusion/Passes.h.inc"

namespace {

bool staysOutside(Operation *op) {
  return isa<nn::ReshapeOp, nn::ConstantOp, nn::LoopOp, nn::KernelOp>(op) || !isa<nn::NNDialect>(op->getDialect()) ||
         op->hasTrait<OpTrait::IsTerminator>();
}

// Identities that have done their work: differentiation is over.
void removeIdentities(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (!isa<nn::StopGradientOp, nn::ScaleGradientOp, nn::AnnotateOp>(op) ||
        op.getOperand(0).getType() != op.getResult(0).getType())
      continue;
    op.getResult(0).replaceAllUsesWith(op.getOperand(0));
    op.erase();
  }
}

nn::KernelKind kindOf(Operation *op) {
  if (isContraction(op))
    return nn::KernelKind::Contraction;
  return isLibraryRoutine(op) ? nn::KernelKind::Library : nn::KernelKind::Loop;
}

void formSingleKernels(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(block)) {
    if (staysOutside(&op))
      continue;
    OpBuilder builder(&op);
    SmallVector<Value> roots(op.getResults());
    nn::KernelOp kernel = formKernel(builder, op.getLoc(), kindOf(&op), {&op}, roots);
    op.replaceAllUsesWith(kernel.getResults());
    op.erase();
  }
}

struct FuseKernels : impl::FuseKernelsBase<FuseKernels> {
  using FuseKernelsBase::FuseKernelsBase;

  void runOnOperation() override {
    if (mode != "full" && mode != "none") {
      getOperation()->emitOpError("cannot be fused: 'mode' is '") << mode << "', expected 'full' or 'none'";
      return signalPassFailure();
    }
    getOperation()->walk([&](Operation *op) {
      if (!isa<func::FuncOp, nn::LoopOp>(op))
        return;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          runOnBlock(block);
    });
  }

  void runOnBlock(Block &block) {
    removeIdentities(block);
    formSingleKernels(block);
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isa<nn::NNDialect>(op.getDialect()) && isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
} // namespace xfer
