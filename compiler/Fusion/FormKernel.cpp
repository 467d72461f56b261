//===- FormKernel.cpp - put operations into a kernel ------------------------------------------------------------===//

#include "compiler/Fusion/FormKernel.h"

#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace xfer {

// So many different numbers are chosen from by selections; more are data.
constexpr int64_t fewElements = 8;

bool isContraction(Operation *op) {
  return isa<nn::ContractOp, nn::ConvOp, nn::ConvInputGradientOp, nn::ConvFilterGradientOp>(op);
}

bool isLibraryRoutine(Operation *op) { return isa<nn::LibraryRoutineInterface>(op); }

bool isFree(Operation *op) {
  if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
    auto values = dyn_cast<DenseElementsAttr>(constant.getValue());
    return values && (values.isSplat() || values.getNumElements() <= fewElements);
  }
  return isa<nn::IotaOp>(op);
}

nn::KernelOp formKernel(OpBuilder &builder, Location loc, nn::KernelKind kind, ArrayRef<Operation *> ops,
                        ArrayRef<Value> roots) {
  llvm::SmallDenseSet<Operation *> inside(ops.begin(), ops.end());
  llvm::SetVector<Value> inputs;
  llvm::SetVector<Operation *> all;
  for (Operation *op : ops) {
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      if (producer && inside.contains(producer))
        continue;
      if (producer && isFree(producer) && !isContraction(op) && !isLibraryRoutine(op))
        all.insert(producer);
      else
        inputs.insert(operand);
    }
    all.insert(op);
  }
  SmallVector<Type> types = llvm::map_to_vector(roots, [](Value root) { return root.getType(); });
  auto kernel = nn::KernelOp::create(builder, loc, types, kind, inputs.getArrayRef(), DictionaryAttr());
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&kernel.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : all)
    builder.clone(*op, mapping);
  nn::YieldOp::create(builder, loc, llvm::map_to_vector(roots, [&](Value root) { return mapping.lookup(root); }));
  return kernel;
}

} // namespace xfer
