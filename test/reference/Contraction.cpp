//===- Contraction.cpp - contractions, convolutions and windows, plainly ----------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static Tensors contract(nn::ContractOp op, const HostTensor &a, const HostTensor &b) {
  SmallVector<int64_t> lhsFree = op.getLhsFree(), rhsFree = op.getRhsFree(), shape, inner;
  for (int64_t axis : op.getLhsBatch())
    shape.push_back(a.shape[axis]);
  for (int64_t axis : lhsFree)
    shape.push_back(a.shape[axis]);
  for (int64_t axis : rhsFree)
    shape.push_back(b.shape[axis]);
  for (int64_t axis : op.getLhsContract())
    inner.push_back(a.shape[axis]);
  HostTensor result(a.element, shape);
  SmallVector<int64_t> left(a.rank()), right(b.rank());
  auto place = [](ArrayRef<int64_t> axes, ArrayRef<int64_t> numbers, SmallVectorImpl<int64_t> &index) {
    for (auto [axis, number] : llvm::zip(axes, numbers))
      index[axis] = number;
  };
  size_t batch = op.getLhsBatch().size();
  forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    place(op.getLhsBatch(), index, left);
    place(op.getRhsBatch(), index, right);
    place(lhsFree, index.drop_front(batch), left);
    place(rhsFree, index.drop_front(batch + lhsFree.size()), right);
    double sum = 0;
    forEachIndex(inner, [&](ArrayRef<int64_t> k) {
      place(op.getLhsContract(), k, left);
      place(op.getRhsContract(), k, right);
      sum += a.at(left) * b.at(right);
    });
    result.at(index) = sum;
  });
  return {result};
}

/// The position in the image that `window` element of the window at `place` covers; none in the padding.
template <typename Op>
static std::optional<SmallVector<int64_t>> covered(Op op, ArrayRef<int64_t> place, ArrayRef<int64_t> window,
                                                   ArrayRef<int64_t> image) {
  SmallVector<int64_t> position;
  for (size_t i = 0; i < place.size(); ++i) {
    position.push_back(place[i] * op.getStrides()[i] + window[i] * op.getDilations()[i] - op.getPaddingLow()[i]);
    if (position[i] < 0 || position[i] >= image[i])
      return std::nullopt;
  }
  return position;
}

/// Calls `visit(x index, w index, y index)` for each product of a convolution.
template <typename Op>
static void forEachProduct(Op op, ArrayRef<int64_t> x, ArrayRef<int64_t> w, ArrayRef<int64_t> y,
                           function_ref<void(ArrayRef<int64_t>, ArrayRef<int64_t>, ArrayRef<int64_t>)> visit) {
  int64_t perGroup = w[w.size() - 2], featuresPerGroup = w.back() / op.getGroups();
  forEachIndex(y, [&](ArrayRef<int64_t> out) {
    forEachIndex(w.drop_back(), [&](ArrayRef<int64_t> kernel) {
      auto position = covered(op, out.drop_front().drop_back(), kernel.drop_back(), x.drop_front().drop_back());
      if (!position)
        return;
      SmallVector<int64_t> from = {out.front()}, filter(kernel);
      llvm::append_range(from, *position);
      from.push_back(out.back() / featuresPerGroup * perGroup + kernel.back());
      filter.push_back(out.back());
      visit(from, filter, out);
    });
  });
}

static Tensors conv(nn::ConvOp op, const HostTensor &x, const HostTensor &w, ArrayRef<int64_t> known) {
  SmallVector<int64_t> shape(known);
  shape[0] = x.shape[0];
  HostTensor y(x.element, shape);
  forEachProduct(op, x.shape, w.shape, y.shape, [&](auto i, auto k, auto o) { y.at(o) += x.at(i) * w.at(k); });
  return {y};
}

static Tensors convInputGradient(nn::ConvInputGradientOp op, const HostTensor &dy, const HostTensor &w,
                                 ArrayRef<int64_t> known) {
  SmallVector<int64_t> shape(known);
  shape[0] = dy.shape[0];
  HostTensor dx(dy.element, shape);
  forEachProduct(op, dx.shape, w.shape, dy.shape, [&](auto i, auto k, auto o) { dx.at(i) += dy.at(o) * w.at(k); });
  return {dx};
}

static Tensors convFilterGradient(nn::ConvFilterGradientOp op, const HostTensor &x, const HostTensor &dy) {
  HostTensor dw(x.element, op.getType().getShape());
  forEachProduct(op, x.shape, dw.shape, dy.shape, [&](auto i, auto k, auto o) { dw.at(k) += x.at(i) * dy.at(o); });
  return {dw};
}

/// Calls `visit(place, image index, number)` for each element that each window covers, in row-major order.
template <typename Op>
static void forEachCovered(Op op, ArrayRef<int64_t> image, ArrayRef<int64_t> grid,
                           function_ref<void(ArrayRef<int64_t>, ArrayRef<int64_t>, int64_t)> visit) {
  forEachIndex(grid, [&](ArrayRef<int64_t> place) {
    int64_t number = 0;
    forEachIndex(op.getWindow(), [&](ArrayRef<int64_t> window) {
      if (auto position = covered(op, place.drop_front().drop_back(), window, image.drop_front().drop_back())) {
        SmallVector<int64_t> from = {place.front()};
        llvm::append_range(from, *position);
        from.push_back(place.back());
        visit(place, from, number);
      }
      ++number;
    });
  });
}

static SmallVector<int64_t> withBatch(ArrayRef<int64_t> known, const HostTensor &x) {
  SmallVector<int64_t> shape(known);
  shape.front() = x.shape.front();
  shape.back() = x.shape.back();
  return shape;
}

static Tensors windowMax(nn::WindowMaxOp op, const HostTensor &x, ArrayRef<int64_t> known) {
  SmallVector<int64_t> shape = withBatch(known, x);
  HostTensor y(x.element, shape, -INFINITY), index(op.getIndex().getType().getElementType(), shape, -1);
  forEachCovered(op, x.shape, shape, [&](ArrayRef<int64_t> place, ArrayRef<int64_t> from, int64_t number) {
    double value = x.at(from), &best = y.at(place);
    if (index.at(place) >= 0 && !(std::isnan(value) && !std::isnan(best)) && !(value > best))
      return;
    best = value;
    index.at(place) = double(number);
  });
  return {y, index};
}

static Tensors windowGather(nn::WindowGatherOp op, const HostTensor &x, const HostTensor &index) {
  HostTensor y(x.element, index.shape);
  forEachCovered(op, x.shape, index.shape, [&](ArrayRef<int64_t> place, ArrayRef<int64_t> from, int64_t number) {
    if (index.at(place) == number)
      y.at(place) = x.at(from);
  });
  return {y};
}

static Tensors windowScatter(nn::WindowScatterOp op, const HostTensor &g, const HostTensor &index,
                             ArrayRef<int64_t> known) {
  HostTensor x(g.element, withBatch(known, g));
  forEachCovered(op, x.shape, g.shape, [&](ArrayRef<int64_t> place, ArrayRef<int64_t> from, int64_t number) {
    if (index.at(place) == number)
      x.at(from) += g.at(place);
  });
  return {x};
}

static Tensors windowSum(nn::WindowSumOp op, const HostTensor &x, ArrayRef<int64_t> known) {
  HostTensor y(x.element, withBatch(known, x));
  forEachCovered(op, x.shape, y.shape,
                 [&](ArrayRef<int64_t> place, ArrayRef<int64_t> from, int64_t) { y.at(place) += x.at(from); });
  return {y};
}

static Tensors windowSpread(nn::WindowSpreadOp op, const HostTensor &g, ArrayRef<int64_t> known) {
  HostTensor x(g.element, withBatch(known, g));
  forEachCovered(op, x.shape, g.shape,
                 [&](ArrayRef<int64_t> place, ArrayRef<int64_t> from, int64_t) { x.at(from) += g.at(place); });
  return {x};
}

std::optional<Tensors> xfer::reference::contraction(Operation *op, Inputs in, ArrayRef<int64_t> shape) {
  using Result = std::optional<Tensors>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](nn::ContractOp op) { return contract(op, in[0], in[1]); })
      .Case([&](nn::ConvOp op) { return conv(op, in[0], in[1], shape); })
      .Case([&](nn::ConvInputGradientOp op) { return convInputGradient(op, in[0], in[1], shape); })
      .Case([&](nn::ConvFilterGradientOp op) { return convFilterGradient(op, in[0], in[1]); })
      .Case([&](nn::WindowMaxOp op) { return windowMax(op, in[0], shape); })
      .Case([&](nn::WindowGatherOp op) { return windowGather(op, in[0], in[1]); })
      .Case([&](nn::WindowScatterOp op) { return windowScatter(op, in[0], in[1], shape); })
      .Case([&](nn::WindowSumOp op) { return windowSum(op, in[0], shape); })
      .Case([&](nn::WindowSpreadOp op) { return windowSpread(op, in[0], shape); })
      .Default([](Operation *) { return Result(); });
}
