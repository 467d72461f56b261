#include "test/compiler/Codegen/CPU/ContractionReference.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <functional>

using namespace mlir;
using namespace xfer;
using namespace xfer::test;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

static int64_t flatten(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t flat = 0;
  for (auto [extent, i] : llvm::zip_equal(shape, index))
    flat = flat * extent + i;
  return flat;
}

/// Visits every index of a box, row-major.
static void visit(ArrayRef<int64_t> shape, const std::function<void(ArrayRef<int64_t>)> &body) {
  SmallVector<int64_t> index(shape.size(), 0);
  if (llvm::is_contained(shape, 0))
    return;
  while (true) {
    body(index);
    int64_t axis = shape.size();
    while (--axis >= 0 && ++index[axis] == shape[axis])
      index[axis] = 0;
    if (axis < 0)
      return;
  }
}

static void contract(nn::ContractOp op, const std::function<void(int64_t, int64_t, int64_t)> &product) {
  ArrayRef<int64_t> a = shapeOf(op.getA()), b = shapeOf(op.getB());
  SmallVector<int64_t> extents(shapeOf(op.getResult()));
  for (int64_t axis : op.getLhsContract())
    extents.push_back(a[axis]);
  visit(extents, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> left(a.size()), right(b.size());
    unsigned next = 0;
    for (auto [l, r] : llvm::zip_equal(op.getLhsBatch(), op.getRhsBatch()))
      left[l] = right[r] = index[next++];
    for (int64_t axis : op.getLhsFree())
      left[axis] = index[next++];
    for (int64_t axis : op.getRhsFree())
      right[axis] = index[next++];
    int64_t result = flatten(shapeOf(op.getResult()), index.take_front(next));
    for (auto [l, r] : llvm::zip_equal(op.getLhsContract(), op.getRhsContract()))
      left[l] = right[r] = index[next++];
    product(result, flatten(a, left), flatten(b, right));
  });
}

/// Every (element of x, element of w, element of y) that a convolution multiplies.
template <typename OpTy>
static void convolve(OpTy op, ArrayRef<int64_t> x, ArrayRef<int64_t> w, ArrayRef<int64_t> y,
                     const std::function<void(int64_t, int64_t, int64_t)> &product) {
  unsigned rank = x.size() - 2;
  int64_t groupFilters = y.back() / int64_t(op.getGroups());
  SmallVector<int64_t> extents(y);
  extents.append(w.begin(), w.end() - 1);
  visit(extents, [&](ArrayRef<int64_t> index) {
    ArrayRef<int64_t> out = index.take_front(y.size()), tap = index.drop_front(y.size());
    SmallVector<int64_t> place{out[0]};
    for (unsigned i = 0; i < rank; ++i) {
      int64_t at = out[i + 1] * op.getStrides()[i] + tap[i] * op.getDilations()[i] - op.getPaddingLow()[i];
      if (at < 0 || at >= x[i + 1])
        return;
      place.push_back(at);
    }
    place.push_back(out.back() / groupFilters * w[rank] + tap[rank]);
    SmallVector<int64_t> weight(tap);
    weight.push_back(out.back());
    product(flatten(x, place), flatten(w, weight), flatten(y, out));
  });
}

ReferenceSums xfer::test::referenceContraction(Operation *op, const std::vector<double> &lhs,
                                               const std::vector<double> &rhs) {
  ReferenceSums reference;
  int64_t elements = cast<RankedTensorType>(op->getResult(0).getType()).getNumElements();
  reference.sums.assign(elements, 0);
  reference.magnitudes.assign(elements, 0);
  auto add = [&](int64_t result, int64_t left, int64_t right) {
    reference.sums[result] += lhs[left] * rhs[right];
    reference.magnitudes[result] += std::abs(lhs[left] * rhs[right]);
  };
  if (auto contractOp = dyn_cast<nn::ContractOp>(op))
    contract(contractOp, add);
  else if (auto conv = dyn_cast<nn::ConvOp>(op))
    convolve(conv, shapeOf(conv.getX()), shapeOf(conv.getW()), shapeOf(conv.getResult()),
             [&](int64_t x, int64_t w, int64_t y) { add(y, x, w); });
  else if (auto gradient = dyn_cast<nn::ConvInputGradientOp>(op))
    convolve(gradient, shapeOf(gradient.getResult()), shapeOf(gradient.getW()), shapeOf(gradient.getDy()),
             [&](int64_t x, int64_t w, int64_t y) { add(x, y, w); });
  else if (auto gradient = dyn_cast<nn::ConvFilterGradientOp>(op))
    convolve(gradient, shapeOf(gradient.getX()), shapeOf(gradient.getResult()), shapeOf(gradient.getDy()),
             [&](int64_t x, int64_t w, int64_t y) { add(w, x, y); });
  return reference;
}
