//===- BatchConvolution.cpp - batching of convolutions and windows ----------------------------------------------===//
//
// Images [n, spatial.., c] of all samples are one batch of images: the sample axis is merged into n. Filters of all
// samples are groups: the images of the samples stand beside each other in the channels, [n, spatial.., samples * c],
// and sample i's filter is that of group i. Neither can be said of a number of samples that is known only when the data
// is opened: then n becomes one more spatial axis, and filters of all samples a contraction for each position.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/Transforms/Batching.h"
#include "compiler/Dialect/NN/Transforms/ConvolutionByPosition.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::nn;

using Results = SmallVector<Value>;

/// Can the sample axis be merged with another one? A dynamic one only with extents of 1.
static bool canMerge(Batcher &batcher, Type image) {
  return !batcher.count.isDynamic() || extentsOf(image).front() == Extent(1);
}

/// Where the samples cannot be merged with n, they take its place, and n becomes a spatial axis along which the filter
/// or window has an extent of 1. Filters, operands in `whole`, get that axis as well.
template <typename Op> static FailureOr<Results> batchBesideSpace(Op op, Batcher &batcher, ArrayRef<unsigned> whole) {
  if (cast<RankedTensorType>(op->getOperand(0).getType()).getRank() == 5)
    return op.emitError("a dynamic number of samples, each of several images with three spatial axes");
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!llvm::is_contained(whole, operand.getOperandNumber())) {
      operands.push_back(batcher.all(operand.get()));
      continue;
    }
    Extents extents = extentsOf(operand.get().getType());
    extents.insert(extents.begin(), Extent(1));
    operands.push_back(batcher.reshape(batcher.get(operand.get()), extents));
  }
  Op made = batcher.rebuild(op, operands);
  if constexpr (std::is_same_v<Op, ConvOp> || std::is_same_v<Op, ConvInputGradientOp>) {
    made.setStrides(withFront(1, op.getStrides()));
  } else {
    made.setWindow(withFront(1, op.getWindow()));
    made.setStrides(withFront(1, op.getStrides()));
  }
  made.setPaddingLow(withFront(0, op.getPaddingLow()));
  made.setPaddingHigh(withFront(0, op.getPaddingHigh()));
  made.setDilations(withFront(1, op.getDilations()));
  return Results(made->getResults());
}

/// `op` with a filter for each of a dynamic number of samples; the extents are those of one sample.
template <typename Op>
static ConvolutionByPosition byPosition(Op op, Extents image, Extents filter, Extents output, Batcher &batcher) {
  for (Extents *extents : {&image, &filter, &output})
    extents->insert(extents->begin(), batcher.count);
  return ConvolutionByPosition(op, image, filter, output, /*ownFilters=*/true, batcher.builder, batcher.location);
}

static FailureOr<Results> batchByPosition(Operation *op, Batcher &batcher) {
  Value a = batcher.all(op->getOperand(0)), b = batcher.all(op->getOperand(1));
  Extents first = extentsOf(op->getOperand(0).getType()), second = extentsOf(op->getOperand(1).getType());
  Extents result = extentsOf(op->getResult(0).getType());
  return llvm::TypeSwitch<Operation *, FailureOr<Results>>(op)
      .Case([&](ConvOp op) { return Results{byPosition(op, first, second, result, batcher).forward(a, b)}; })
      .Case([&](ConvInputGradientOp op) {
        return Results{byPosition(op, result, second, first, batcher).inputGradient(a, b)};
      })
      .Case([&](ConvFilterGradientOp op) {
        return Results{byPosition(op, first, result, second, batcher).filterGradient(a, b)};
      });
}

static Extent mergedCount(Batcher &batcher, const Extent &n) {
  return batcher.count.isDynamic() ? batcher.count : Extent(batcher.count.size * n.size);
}

/// [samples, n, ..] -> [samples * n, ..]
static Value merge(Batcher &batcher, Value image) {
  Extents extents = extentsOf(image.getType());
  Extent merged = mergedCount(batcher, extents[1]);
  extents.erase(extents.begin());
  extents.front() = merged;
  return batcher.reshape(image, extents);
}

/// The operation on merged images; operands in `whole` (filters) are used as they are.
static Results batchImages(Operation *op, Batcher &batcher, ArrayRef<unsigned> whole) {
  SmallVector<Value> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    bool isWhole = llvm::is_contained(whole, operand.getOperandNumber());
    operands.push_back(isWhole ? batcher.get(operand.get()) : merge(batcher, batcher.all(operand.get())));
  }
  Operation *made = batcher.builder.clone(*op);
  made->setOperands(operands);
  Results results;
  for (auto [before, result] : llvm::zip(op->getResults(), made->getResults())) {
    Extents extents = extentsOf(before.getType());
    extents.front() = mergedCount(batcher, extents.front());
    result.setType(withExtents(before.getType(), extents));
    results.push_back(batcher.reshape(result, extentsOf(batcher.batched(before.getType()))));
  }
  return results;
}

/// [samples, a.., last] -> [a.., samples * last]
static Value beside(Batcher &batcher, Value value) {
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  SmallVector<int64_t> permutation = llvm::to_vector(llvm::seq<int64_t>(1, rank - 1));
  permutation.append({0, rank - 1});
  Extents extents(llvm::drop_begin(extentsOf(value.getType())));
  extents.back() = extents.back().size * batcher.count.size;
  return batcher.reshape(batcher.transpose(value, permutation), extents);
}

/// [a.., samples * last] -> [samples, a.., last]
static Value apart(Batcher &batcher, Value value, const Extent &last) {
  Extents extents = extentsOf(value.getType());
  extents.back() = batcher.count;
  extents.push_back(last);
  return batcher.toFront(batcher.reshape(value, extents), extents.size() - 2);
}

template <typename Op> static FailureOr<Results> batchGroups(Op op, Batcher &batcher) {
  if (batcher.count.isDynamic()) {
    if (op.getGroups() != 1)
      return op.emitError("a filter in groups for each of a dynamic number of samples");
    return batchByPosition(op, batcher);
  }
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(beside(batcher, batcher.all(operand)));
  auto made = cast<Op>(batcher.builder.clone(*op.getOperation()));
  made->setOperands(operands);
  made.setGroups(op.getGroups() * batcher.count.size);
  Extents extents = extentsOf(op.getType());
  Extent last = extents.back();
  extents.back() = last.size * batcher.count.size;
  made.getResult().setType(cast<RankedTensorType>(withExtents(op.getType(), extents)));
  return Results{apart(batcher, made, last)};
}

/// Filters of several samples are groups; images beside one filter are one batch.
template <typename Op> static FailureOr<Results> batchFiltered(Op op, Batcher &batcher) {
  if (batcher.isBatched(op.getW()))
    return batchGroups(op, batcher);
  if (!canMerge(batcher, op->getOperand(0).getType()))
    return batchBesideSpace(op, batcher, {1});
  return batchImages(op, batcher, {1});
}

BatchedResults xfer::nn::batchConvolution(Operation *op, Batcher &batcher) {
  return llvm::TypeSwitch<Operation *, BatchedResults>(op)
      .Case<ConvOp, ConvInputGradientOp>([&](auto op) { return BatchedResults(batchFiltered(op, batcher)); })
      .Case([&](ConvFilterGradientOp op) { return BatchedResults(batchGroups(op, batcher)); })
      .Case<WindowMaxOp, WindowGatherOp, WindowScatterOp, WindowSumOp, WindowSpreadOp>([&](auto op) -> BatchedResults {
        if (!canMerge(batcher, op->getOperand(0).getType()))
          return BatchedResults(batchBesideSpace(op, batcher, {}));
        return BatchedResults(FailureOr<Results>(batchImages(op, batcher, {})));
      })
      .Default([](Operation *) { return BatchedResults(); });
}
