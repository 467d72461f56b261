//===- Reduction.cpp - reductions, gather and scatter, sorting, plainly -----------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static double largest(Type element) {
  if (isa<FloatType>(element))
    return std::numeric_limits<double>::infinity();
  return std::ldexp(1, element.getIntOrFloatBitWidth() - 1) - 1;
}

static double neutral(nn::ReduceKind kind, Type element) {
  switch (kind) {
  case nn::ReduceKind::Sum:
  case nn::ReduceKind::Any:
    return 0;
  case nn::ReduceKind::Prod:
  case nn::ReduceKind::All:
    return 1;
  case nn::ReduceKind::Max:
    return isa<FloatType>(element) ? -largest(element) : -largest(element) - 1;
  case nn::ReduceKind::Min:
    return largest(element);
  }
  llvm_unreachable("unknown reduction");
}

static double combine(nn::ReduceKind kind, double a, double b) {
  switch (kind) {
  case nn::ReduceKind::Sum:
    return a + b;
  case nn::ReduceKind::Prod:
    return a * b;
  case nn::ReduceKind::Any:
    return a || b;
  case nn::ReduceKind::All:
    return a && b;
  case nn::ReduceKind::Max:
    return std::isnan(a) || a > b ? a : b;
  case nn::ReduceKind::Min:
    return std::isnan(a) || a < b ? a : b;
  }
  llvm_unreachable("unknown reduction");
}

static SmallVector<int64_t> without(ArrayRef<int64_t> numbers, ArrayRef<int64_t> axes) {
  SmallVector<int64_t> rest;
  for (auto [axis, number] : llvm::enumerate(numbers))
    if (!llvm::is_contained(axes, int64_t(axis)))
      rest.push_back(number);
  return rest;
}

static Tensors reduce(nn::ReduceOp op, const HostTensor &x) {
  HostTensor result(x.element, without(x.shape, op.getAxes()), neutral(op.getKind(), x.element));
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index) {
    double &value = result.at(without(index, op.getAxes()));
    value = combine(op.getKind(), value, x.at(index));
  });
  return {result};
}

/// Calls `visit(line, index)` with the elements of each line along `axis` and the index of its first one.
static void forEachLine(const HostTensor &x, int64_t axis,
                        function_ref<void(ArrayRef<double>, SmallVectorImpl<int64_t> &)> visit) {
  SmallVector<int64_t> starts(ArrayRef<int64_t>(x.shape));
  starts[axis] = std::min<int64_t>(x.shape[axis], 1);
  forEachIndex(starts, [&](ArrayRef<int64_t> start) {
    SmallVector<int64_t> index(start);
    SmallVector<double> line;
    for (index[axis] = 0; index[axis] < x.shape[axis]; ++index[axis])
      line.push_back(x.at(index));
    index[axis] = 0;
    visit(line, index);
  });
}

static Tensors argmax(nn::ArgmaxOp op, const HostTensor &x) {
  HostTensor result(op.getType().getElementType(), without(x.shape, {int64_t(op.getAxis())}));
  forEachLine(x, op.getAxis(), [&](ArrayRef<double> line, SmallVectorImpl<int64_t> &index) {
    size_t best = 0;
    for (size_t i = 1; i < line.size(); ++i)
      if (!std::isnan(line[best]) && (std::isnan(line[i]) || line[i] > line[best]))
        best = i;
    result.at(without(index, {int64_t(op.getAxis())})) = double(best);
  });
  return {result};
}

static Tensors cumsum(nn::CumsumOp op, const HostTensor &x) {
  HostTensor result = x;
  forEachLine(x, op.getAxis(), [&](ArrayRef<double> line, SmallVectorImpl<int64_t> &index) {
    double sum = 0;
    for (size_t i = 0; i < line.size(); ++i) {
      index[op.getAxis()] = i;
      result.at(index) = sum += line[i];
    }
  });
  return {result};
}

static Tensors sort(nn::SortOp op, const HostTensor &x) {
  HostTensor values = x, indices(op.getIndices().getType().getElementType(), x.shape);
  forEachLine(x, op.getAxis(), [&](ArrayRef<double> line, SmallVectorImpl<int64_t> &index) {
    std::vector<size_t> order(line.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      bool before = std::isnan(line[b]) ? !std::isnan(line[a]) : line[a] < line[b];
      bool after = std::isnan(line[a]) ? !std::isnan(line[b]) : line[b] < line[a];
      return before || (!after && a < b);
    });
    for (size_t i = 0; i < order.size(); ++i) {
      index[op.getAxis()] = i;
      values.at(index) = line[order[i]];
      indices.at(index) = double(order[i]);
    }
  });
  return {values, indices};
}

static int64_t clampedIndex(double index, int64_t extent) {
  return std::min<int64_t>(std::max<int64_t>(int64_t(index), 0), extent - 1);
}

static Tensors gather(nn::GatherOp op, const HostTensor &x, const HostTensor &indices) {
  int64_t axis = op.getAxis(), batch = op.getBatch(), chosen = indices.rank() - batch;
  SmallVector<int64_t> shape(x.shape.begin(), x.shape.begin() + axis);
  shape.append(indices.shape.begin() + batch, indices.shape.end());
  shape.append(x.shape.begin() + axis + 1, x.shape.end());
  HostTensor result(x.element, shape);
  forEachIndex(shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> which(index.take_front(batch)), source(index.take_front(axis));
    llvm::append_range(which, index.slice(axis, chosen));
    source.push_back(clampedIndex(indices.at(which), x.shape[axis]));
    llvm::append_range(source, index.drop_front(axis + chosen));
    result.at(index) = x.at(source);
  });
  return {result};
}

static Tensors scatter(nn::ScatterOp op, const HostTensor &x, const HostTensor &indices, const HostTensor &updates) {
  HostTensor result = x;
  int64_t batch = op.getBatch();
  forEachIndex(updates.shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> target(index.take_front(batch));
    target.push_back(clampedIndex(indices.at(index.take_front(indices.rank())), x.shape[batch]));
    llvm::append_range(target, index.drop_front(indices.rank()));
    double &value = result.at(target);
    value = updates.at(index) + (op.getKind() == nn::ScatterKind::Add ? value : 0);
  });
  return {result};
}

std::optional<Tensors> xfer::reference::reduction(Operation *op, Inputs in) {
  using Result = std::optional<Tensors>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](nn::ReduceOp op) { return reduce(op, in[0]); })
      .Case([&](nn::ArgmaxOp op) { return argmax(op, in[0]); })
      .Case([&](nn::CumsumOp op) { return cumsum(op, in[0]); })
      .Case([&](nn::SortOp op) { return sort(op, in[0]); })
      .Case([&](nn::GatherOp op) { return gather(op, in[0], in[1]); })
      .Case([&](nn::ScatterOp op) { return scatter(op, in[0], in[1], in[2]); })
      .Default([](Operation *) { return Result(); });
}
