//===- Structural.cpp - operations that move elements, plainly --------------------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static Tensors constant(nn::ConstantOp op) {
  RankedTensorType type = op.getType();
  HostTensor result(type.getElementType(), type.getShape());
  auto elements = cast<DenseElementsAttr>(op.getValue());
  for (auto [value, attribute] : llvm::zip(result.values, elements.getValues<Attribute>())) {
    if (auto real = dyn_cast<FloatAttr>(attribute)) {
      value = real.getValueAsDouble();
      continue;
    }
    const APInt integer = cast<IntegerAttr>(attribute).getValue();
    bool isUnsigned = result.element.isInteger(1) || result.element.isUnsignedInteger();
    value = isUnsigned ? double(integer.getZExtValue()) : double(integer.getSExtValue());
  }
  return {result};
}

/// A tensor of `shape` whose element at each index is `from(index)`.
static Tensors filled(Type element, ArrayRef<int64_t> shape, function_ref<double(ArrayRef<int64_t>)> from) {
  HostTensor result(element, shape);
  forEachIndex(shape, [&](ArrayRef<int64_t> index) { result.at(index) = from(index); });
  return {result};
}

static Tensors broadcast(nn::BroadcastOp op, const HostTensor &x, ArrayRef<int64_t> known) {
  SmallVector<int64_t> shape(known);
  for (auto [axis, dimension] : llvm::enumerate(op.getDimensions()))
    if (x.shape[axis] != 1 && shape[dimension] < 0)
      shape[dimension] = x.shape[axis];
  return filled(x.element, shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source;
    for (auto [axis, dimension] : llvm::enumerate(op.getDimensions()))
      source.push_back(x.shape[axis] == 1 ? 0 : index[dimension]);
    return x.at(source);
  });
}

static Tensors reshape(nn::ReshapeOp op, const HostTensor &x) {
  SmallVector<int64_t> shape, dynamic;
  for (auto [extent, size] : llvm::zip(op.getX().getType().getShape(), x.shape))
    if (ShapedType::isDynamic(extent))
      dynamic.push_back(size);
  size_t next = 0;
  for (int64_t extent : op.getType().getShape())
    shape.push_back(ShapedType::isDynamic(extent) ? dynamic[next++] : extent);
  HostTensor result(x.element, shape);
  result.values = x.values;
  return {result};
}

static Tensors transpose(nn::TransposeOp op, const HostTensor &x) {
  SmallVector<int64_t> shape;
  for (int64_t axis : op.getPermutation())
    shape.push_back(x.shape[axis]);
  return filled(x.element, shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index.size());
    for (auto [to, from] : llvm::enumerate(op.getPermutation()))
      source[from] = index[to];
    return x.at(source);
  });
}

static Tensors concat(nn::ConcatOp op, Inputs in) {
  int64_t axis = op.getAxis();
  SmallVector<int64_t> shape(ArrayRef<int64_t>(in[0].shape));
  shape[axis] = 0;
  for (const HostTensor &part : in)
    shape[axis] += part.shape[axis];
  return filled(in[0].element, shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    const HostTensor *part = in.begin();
    for (; source[axis] >= part->shape[axis]; ++part)
      source[axis] -= part->shape[axis];
    return part->at(source);
  });
}

static Tensors slice(nn::SliceOp op, const HostTensor &x) {
  SmallVector<int64_t> shape;
  for (auto [size, extent] : llvm::zip(op.getSizes(), x.shape))
    shape.push_back(ShapedType::isDynamic(size) ? extent : size);
  return filled(x.element, shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source;
    for (auto [i, offset, stride] : llvm::zip(index, op.getOffsets(), op.getStrides()))
      source.push_back(offset + i * stride);
    return x.at(source);
  });
}

static Tensors pad(nn::PadOp op, const HostTensor &x) {
  SmallVector<int64_t> shape;
  for (auto [size, low, high, interior] : llvm::zip(x.shape, op.getLow(), op.getHigh(), op.getInterior()))
    shape.push_back(low + size + std::max<int64_t>(size - 1, 0) * interior + high);
  HostTensor result(x.element, shape);
  forEachIndex(x.shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> target;
    for (auto [i, low, interior] : llvm::zip(index, op.getLow(), op.getInterior()))
      target.push_back(low + i * (interior + 1));
    result.at(target) = x.at(index);
  });
  return {result};
}

static Tensors reverse(nn::ReverseOp op, const HostTensor &x) {
  return filled(x.element, x.shape, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (int64_t axis : op.getAxes())
      source[axis] = x.shape[axis] - 1 - source[axis];
    return x.at(source);
  });
}

static Tensors random(nn::RandomOp op, const HostTensor &key) {
  SmallVector<int64_t> shape(ArrayRef(key.shape).drop_back());
  llvm::append_range(shape, op.getType().getShape().drop_front(shape.size()));
  HostTensor result(op.getType().getElementType(), shape);
  int64_t keys = key.size() / 4, draw = keys ? result.size() / keys : 0;
  for (int64_t k = 0; k < keys; ++k) {
    uint32_t words[4];
    for (int i = 0; i < 4; ++i)
      words[i] = uint32_t(int64_t(key.values[k * 4 + i]));
    for (int64_t e = 0; e < draw; ++e)
      result.values[k * draw + e] = philoxUniform(words, op.getSite(), e);
  }
  return {result};
}

std::optional<Tensors> xfer::reference::structural(Operation *op, Inputs in, ArrayRef<int64_t> resultShape) {
  using Result = std::optional<Tensors>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](nn::ConstantOp op) { return constant(op); })
      .Case([&](nn::IotaOp op) {
        return filled(op.getType().getElementType(), resultShape,
                      [&](ArrayRef<int64_t> index) { return double(index[op.getAxis()]); });
      })
      .Case([&](nn::BroadcastOp op) { return broadcast(op, in[0], resultShape); })
      .Case([&](nn::ReshapeOp op) { return reshape(op, in[0]); })
      .Case([&](nn::TransposeOp op) { return transpose(op, in[0]); })
      .Case([&](nn::ConcatOp op) { return concat(op, in); })
      .Case([&](nn::SliceOp op) { return slice(op, in[0]); })
      .Case([&](nn::PadOp op) { return pad(op, in[0]); })
      .Case([&](nn::ReverseOp op) { return reverse(op, in[0]); })
      .Case([&](nn::RandomOp op) { return random(op, in[0]); })
      .Default([](Operation *) { return Result(); });
}
