//===- ExpandDynamic.cpp - contractions over dynamic extents as products and sums ---------------------------------===//

#include "compiler/BindingTime/Passes.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace xfer {

#define GEN_PASS_DEF_EXPANDDYNAMIC
#include "compiler/BindingTime/Passes.h.inc"

namespace {

bool isDynamic(Value value) { return !cast<RankedTensorType>(value.getType()).hasStaticShape(); }

/// The axes of the product are batch, contracted, free of `a`, free of `b`; the contracted ones are then summed. The
/// contracted axes stand before the free ones so that the sums run along the long axis of memory of `b`.
void expand(nn::ContractOp op) {
  OpBuilder builder(op);
  Location location = op.getLoc();
  nn::Extents a = nn::extentsOf(op.getA().getType()), b = nn::extentsOf(op.getB().getType()), space;
  SmallVector<int64_t> ofA(a.size()), ofB(b.size()), summed;
  for (auto [lhs, rhs] : llvm::zip_equal(op.getLhsBatch(), op.getRhsBatch())) {
    ofA[lhs] = ofB[rhs] = space.size();
    space.push_back(a[lhs]);
  }
  for (auto [lhs, rhs] : llvm::zip_equal(op.getLhsContract(), op.getRhsContract())) {
    ofA[lhs] = ofB[rhs] = space.size();
    summed.push_back(space.size());
    space.push_back(a[lhs]);
  }
  for (int64_t axis : op.getLhsFree()) {
    ofA[axis] = space.size();
    space.push_back(a[axis]);
  }
  for (int64_t axis : op.getRhsFree()) {
    ofB[axis] = space.size();
    space.push_back(b[axis]);
  }
  // Broadcast wants increasing axes: an operand whose axes are in another order is transposed first.
  auto spread = [&](Value value, ArrayRef<int64_t> axes) -> Value {
    SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(0, axes.size()));
    llvm::sort(permutation, [&](int64_t x, int64_t y) { return axes[x] < axes[y]; });
    if (!llvm::is_sorted(axes))
      value = nn::TransposeOp::create(builder, location, value, permutation);
    SmallVector<int64_t> dimensions;
    for (int64_t axis : permutation)
      dimensions.push_back(axes[axis]);
    value = nn::BroadcastOp::create(builder, location, value, space, dimensions);
    if (getElementTypeOrSelf(value.getType()) != op.getAccumulator())
      value = nn::ConvertOp::create(builder, location, value, op.getAccumulator());
    return value;
  };
  Value product = nn::MulOp::create(builder, location, spread(op.getA(), ofA), spread(op.getB(), ofB));
  if (!summed.empty())
    product = nn::ReduceOp::create(builder, location, nn::ReduceKind::Sum, product, summed);
  Type element = getElementTypeOrSelf(op.getResult().getType());
  if (getElementTypeOrSelf(product.getType()) != element)
    product = nn::ConvertOp::create(builder, location, product, element);
  op.replaceAllUsesWith(product);
  op.erase();
}

/// What only a convolution or a loop over samples of a known number has code for: strides of steps are fixed numbers.
StringRef unsupported(Operation *op) {
  auto anyDynamic = [](ValueRange values) { return llvm::any_of(values, isDynamic); };
  if (isa<nn::ConvOp, nn::ConvInputGradientOp, nn::ConvFilterGradientOp>(op))
    return anyDynamic(op->getOperands()) || anyDynamic(op->getResults()) ? "a convolution" : "";
  auto loop = dyn_cast<nn::LoopOp>(op);
  if (!loop)
    return "";
  ValueRange stacked = loop.getResults().drop_front(loop.getCarryCount());
  return anyDynamic(loop.getScanned()) || anyDynamic(stacked) ? "a scan" : "";
}

struct ExpandDynamic : impl::ExpandDynamicBase<ExpandDynamic> {
  void runOnOperation() override {
    SmallVector<nn::ContractOp> contractions;
    getOperation().walk([&](nn::ContractOp op) {
      if (isDynamic(op.getA()) || isDynamic(op.getB()))
        contractions.push_back(op);
    });
    llvm::for_each(contractions, expand);
    getOperation().walk([&](Operation *op) {
      StringRef what = unsupported(op);
      if (what.empty())
        return;
      op->emitError() << what << " of all samples of a split at once: how many they are is known only when the data is "
                      << "opened; let it read each sample alone, behind nothing that mixes samples or counts them";
      signalPassFailure();
    });
  }
};

} // namespace
} // namespace xfer
