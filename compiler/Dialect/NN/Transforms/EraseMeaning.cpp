//===- EraseMeaning.cpp - the pass nn-erase-meaning --------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Passes.h"

using namespace mlir;
using namespace xfer::nn;

namespace xfer {
#define GEN_PASS_DEF_ERASEMEANINGPASS
#include "compiler/Dialect/NN/Transforms/Passes.h.inc"
} // namespace xfer

static Type erased(Type type) { return isa<RankedTensorType>(type) ? Type(withoutMeaning(type)) : type; }

static void eraseIn(Operation *op) {
  for (Value result : op->getResults())
    result.setType(erased(result.getType()));
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (BlockArgument argument : block.getArguments())
        argument.setType(erased(argument.getType()));
  auto constant = dyn_cast<ConstantOp>(op);
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (elements && elements.getType() != erased(elements.getType()))
    constant.setValueAttr(elements.reshape(cast<RankedTensorType>(erased(elements.getType()))));
}

namespace {
struct EraseMeaningPass : xfer::impl::EraseMeaningPassBase<EraseMeaningPass> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    SmallVector<AnnotateOp> annotations;
    function.walk([&](Operation *op) {
      eraseIn(op);
      if (auto annotate = dyn_cast<AnnotateOp>(op))
        annotations.push_back(annotate);
    });
    for (AnnotateOp annotate : annotations) {
      annotate.replaceAllUsesWith(annotate.getX());
      annotate.erase();
    }
    SmallVector<Type> arguments = llvm::map_to_vector(function.getArgumentTypes(), erased);
    SmallVector<Type> results = llvm::map_to_vector(function.getResultTypes(), erased);
    function.setFunctionType(FunctionType::get(&getContext(), arguments, results));
  }
};
} // namespace
