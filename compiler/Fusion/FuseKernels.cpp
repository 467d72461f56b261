//===- FuseKernels.cpp - form kernels ---------------------------------------------------------------------------===//

#include "compiler/Fusion/FormKernel.h"
#include "compiler/Fusion/Grouping.h"
#include "compiler/Fusion/Passes.h"
#include "compiler/Fusion/PrepareFusion.h"

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

void eraseDead(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isa<nn::NNDialect>(op.getDialect()) && isOpTriviallyDead(&op))
      op.erase();
}

void formGroups(Block &block) {
  Operation *end = block.getTerminator();
  OpBuilder builder(end);
  for (const FusionGroup &group : groupOperations(block)) {
    if (group.kind == FusionGroup::Outside) {
      group.ops.front()->moveBefore(end);
      continue;
    }
    auto kind = group.kind == FusionGroup::Contraction ? nn::KernelKind::Contraction
                : group.kind == FusionGroup::Library   ? nn::KernelKind::Library
                                                       : nn::KernelKind::Loop;
    SmallVector<Location> locations = llvm::map_to_vector(group.ops, [](Operation *op) { return op->getLoc(); });
    nn::KernelOp kernel = formKernel(builder, builder.getFusedLoc(locations), kind, group.ops, group.roots);
    for (auto [root, result] : llvm::zip_equal(group.roots, kernel.getResults()))
      Value(root).replaceAllUsesWith(result);
  }
}

struct FuseKernels : impl::FuseKernelsBase<FuseKernels> {
  using FuseKernelsBase::FuseKernelsBase;

  void runOnOperation() override {
    if (mode != "full" && mode != "none") {
      getOperation()->emitOpError("cannot be fused: 'mode' is '") << mode << "', expected 'full' or 'none'";
      return signalPassFailure();
    }
    auto removeIn = [&](Block *block) { removeIdentities(*block); };
    getOperation()->walk(removeIn);
    if (mode == "full" && failed(prepareFusion(getOperation())))
      return signalPassFailure();
    getOperation()->walk([&](Operation *op) {
      if (!isa<func::FuncOp, nn::LoopOp>(op))
        return;
      for (Region &region : op->getRegions())
        for (Block &block : region)
          runOnBlock(block);
    });
  }

  void runOnBlock(Block &block) {
    eraseDead(block);
    if (mode == "none")
      formSingleKernels(block);
    else
      formGroups(block);
    eraseDead(block);
  }
};

} // namespace
} // namespace xfer
