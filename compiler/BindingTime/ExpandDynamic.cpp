//===- ExpandDynamic.cpp - what has no code for a dynamic number of samples, by what has --------------------------===//

#include "compiler/BindingTime/Passes.h"
#include "compiler/Dialect/NN/Transforms/ConvolutionByPosition.h"
#include "compiler/Dialect/NN/Transforms/Loops.h"
#include "mlir/IR/IRMapping.h"
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

/// What would be longer than this many operations is not written out.
constexpr int64_t mostOperations = 1 << 14;

/// A loop whose steps lie in memory at distances that are known only with the samples.
bool stepsAcrossSamples(nn::LoopOp loop) {
  auto anyDynamic = [](ValueRange values) { return llvm::any_of(values, isDynamic); };
  return anyDynamic(loop.getScanned()) || anyDynamic(loop.getResults().drop_front(loop.getCarryCount()));
}

/// The steps of a loop, one behind the other.
void unroll(nn::LoopOp loop) {
  if (loop.getConditional())
    loop = nn::makeUnconditional(loop);
  OpBuilder builder(loop);
  Location location = loop.getLoc();
  nn::LoopArguments own = loop.getBodyArguments();
  SmallVector<Value> carries(loop.getCarries());
  SmallVector<SmallVector<Value>> stacked(loop.getNumResults() - carries.size());
  for (int64_t step = 0; step < int64_t(loop.getCount()); ++step) {
    IRMapping mapping;
    mapping.map(own.index, nn::createFilled(builder, location, double(step), builder.getI32Type()));
    mapping.map(own.carries, carries);
    mapping.map(own.invariants, loop.getInvariants());
    for (auto [argument, scanned] : llvm::zip_equal(own.scanned, loop.getScanned())) {
      nn::Extents extents = nn::extentsOf(scanned.getType());
      SmallVector<int64_t> offsets(extents.size(), 0), sizes, strides(extents.size(), 1);
      for (const nn::Extent &extent : extents)
        sizes.push_back(extent.size);
      offsets.front() = step;
      sizes.front() = 1;
      Value part = nn::SliceOp::create(builder, location, scanned, offsets, sizes, strides);
      mapping.map(argument, nn::ReshapeOp::create(builder, location, part, ArrayRef(extents).drop_front()).getResult());
    }
    SmallVector<Value> values = nn::cloneBody(loop.getBody().front(), mapping, builder);
    carries.assign(values.begin(), values.begin() + carries.size());
    for (auto [parts, value] : llvm::zip_equal(stacked, ArrayRef(values).drop_front(carries.size()))) {
      nn::Extents extents = nn::extentsOf(value.getType());
      extents.insert(extents.begin(), nn::Extent(1));
      parts.push_back(nn::ReshapeOp::create(builder, location, value, extents));
    }
  }
  SmallVector<Value> results(carries);
  for (ArrayRef<Value> parts : stacked)
    results.push_back(parts.size() == 1 ? parts.front()
                                        : nn::ConcatOp::create(builder, location, parts, int64_t(0)).getResult());
  nn::replaceLoop(loop, results);
}

/// Loops from the inside out; those that are too long stay.
void unrollLoops(ModuleOp module) {
  SmallVector<nn::LoopOp> loops;
  module.walk<WalkOrder::PostOrder>([&](nn::LoopOp loop) {
    if (stepsAcrossSamples(loop))
      loops.push_back(loop);
  });
  for (nn::LoopOp loop : loops) {
    int64_t operations = 0;
    loop.getBody().walk([&](Operation *) { ++operations; });
    if (loop.getCount() > 0 && int64_t(loop.getCount()) * operations <= mostOperations)
      unroll(loop);
  }
}

/// A convolution of a dynamic number of images with a filter for all; everything else about it is known.
template <typename Op> bool isOfSamples(Op op) {
  auto knowsPlaces = [](Value images) {
    ArrayRef<int64_t> extents = cast<RankedTensorType>(images.getType()).getShape();
    return llvm::none_of(extents.drop_front(), ShapedType::isDynamic);
  };
  return isDynamic(op->getOperand(0)) && knowsPlaces(op->getOperand(0)) && knowsPlaces(op.getResult()) &&
         !isDynamic(op.getW());
}

void expandConvolutions(ModuleOp module) {
  SmallVector<Operation *> convolutions;
  module.walk([&](Operation *op) {
    auto forward = dyn_cast<nn::ConvOp>(op);
    auto backward = dyn_cast<nn::ConvInputGradientOp>(op);
    if ((forward && isOfSamples(forward)) || (backward && isOfSamples(backward)))
      convolutions.push_back(op);
  });
  for (Operation *op : convolutions) {
    OpBuilder builder(op);
    nn::Extents given = nn::extentsOf(op->getOperand(0).getType()), filter = nn::extentsOf(op->getOperand(1).getType()),
                made = nn::extentsOf(op->getResult(0).getType());
    Value result;
    if (auto forward = dyn_cast<nn::ConvOp>(op))
      result = nn::ConvolutionByPosition(forward, given, filter, made, /*ownFilters=*/false, builder, op->getLoc())
                   .forward(op->getOperand(0), op->getOperand(1));
    else
      result = nn::ConvolutionByPosition(cast<nn::ConvInputGradientOp>(op), made, filter, given, /*ownFilters=*/false,
                                         builder, op->getLoc())
                   .inputGradient(op->getOperand(0), op->getOperand(1));
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }
}

/// What is left that has code for a number of samples alone that is known.
StringRef unsupported(Operation *op) {
  auto anyDynamic = [](ValueRange values) { return llvm::any_of(values, isDynamic); };
  if (isa<nn::ConvOp, nn::ConvInputGradientOp, nn::ConvFilterGradientOp>(op))
    return anyDynamic(op->getOperands()) || anyDynamic(op->getResults()) ? "a convolution" : "";
  auto loop = dyn_cast<nn::LoopOp>(op);
  return loop && stepsAcrossSamples(loop) ? "a long scan" : "";
}

struct ExpandDynamic : impl::ExpandDynamicBase<ExpandDynamic> {
  void runOnOperation() override {
    unrollLoops(getOperation());
    expandConvolutions(getOperation());
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
