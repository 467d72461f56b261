//===- Products.cpp - contractions, convolutions and windows in ONNX ---------------------------------------------===//
//
// ONNX has images channels-first: each of these stands between two transpositions, which runtimes of ONNX move through
// what is element by element and cancel.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Onnx/Translator.h"

using namespace mlir;

namespace xfer::onnx {

static int64_t rankOf(Value value) { return llvm::cast<RankedTensorType>(value.getType()).getRank(); }

static SmallVector<int64_t> joined(ArrayRef<int64_t> a, ArrayRef<int64_t> b, ArrayRef<int64_t> c = {}) {
  SmallVector<int64_t> result(a);
  result.append(b.begin(), b.end());
  result.append(c.begin(), c.end());
  return result;
}

/// A matrix product where it is one, else Einstein's sum.
LogicalResult Translator::translate(nn::ContractOp op) {
  SmallVector<int64_t> aFree = op.getLhsFree(), bFree = op.getRhsFree();
  ArrayRef<int64_t> aBatch = op.getLhsBatch(), bBatch = op.getRhsBatch();
  ArrayRef<int64_t> aSummed = op.getLhsContract(), bSummed = op.getRhsContract();
  bool oneColumn = aSummed.size() == 1 && bFree.size() == 1;
  if (oneColumn && (aBatch.empty() ? !aFree.empty() : aFree.size() == 1)) {
    std::string a = permuted(whole(op.getA()), joined(aBatch, aFree, aSummed));
    std::string b = permuted(whole(op.getB()), joined(bBatch, bSummed, bFree));
    set(op, graph.node("MatMul", {a, b}));
    return success();
  }
  std::string a(rankOf(op.getA()), ' '), b(rankOf(op.getB()), ' '), result;
  char next = 'a';
  auto name = [&](ArrayRef<int64_t> ofA, ArrayRef<int64_t> ofB, bool kept) {
    for (size_t i = 0; i != std::max(ofA.size(), ofB.size()); ++i, ++next) {
      if (i < ofA.size())
        a[ofA[i]] = next;
      if (i < ofB.size())
        b[ofB[i]] = next;
      if (kept)
        result += next;
    }
  };
  name(aBatch, bBatch, true);
  name(aFree, {}, true);
  name({}, bFree, true);
  name(aSummed, bSummed, false);
  set(op, graph.node("Einsum", {whole(op.getA()), whole(op.getB())},
                     Attributes().text("equation", a + "," + b + "->" + result)));
  return success();
}

/// A filter as ONNX wants it, [out, in, window..]: the initialiser as it is, or another value turned over.
std::string Translator::filter(Value w) {
  if (const std::string *stored = find(&Forms::stored, w))
    return *stored;
  SmallVector<int64_t> permutation = {rankOf(w) - 1, rankOf(w) - 2};
  for (int64_t i = 0; i + 2 < rankOf(w); ++i)
    permutation.push_back(i);
  return permuted(whole(w), permutation);
}

LogicalResult Translator::translate(nn::ConvOp op) {
  auto w = op.getW().getType();
  Attributes attributes;
  attributes.numbers("kernel_shape", w.getShape().drop_back(2)).numbers("strides", op.getStrides());
  attributes.numbers("pads", joined(op.getPaddingLow(), op.getPaddingHigh())).numbers("dilations", op.getDilations());
  attributes.number("group", op.getGroups());
  std::string y =
      graph.node("Conv", {channelsFirst(whole(op.getX()), rankOf(op.getX())), filter(op.getW())}, attributes);
  set(op, channelsLast(y, rankOf(op)));
  return success();
}

/// The adjoint of a convolution reads its filter as the convolution does: [f, c / groups, window..].
LogicalResult Translator::translate(nn::ConvInputGradientOp op) {
  auto w = op.getW().getType(), dy = op.getDy().getType();
  auto dx = llvm::cast<RankedTensorType>(op.getResult().getType());
  SmallVector<int64_t> more;
  for (int64_t i = 0; i + 2 < dx.getRank(); ++i) {
    int64_t least = (dy.getDimSize(i + 1) - 1) * op.getStrides()[i] + op.getDilations()[i] * (w.getDimSize(i) - 1) + 1 -
                    op.getPaddingLow()[i] - op.getPaddingHigh()[i];
    more.push_back(dx.getDimSize(i + 1) - least);
    if (more.back() < 0 || more.back() >= std::max(op.getStrides()[i], op.getDilations()[i]))
      return refuse(op, "ONNX has no transposed convolution of these extents");
  }
  Attributes attributes;
  attributes.numbers("kernel_shape", w.getShape().drop_back(2)).numbers("strides", op.getStrides());
  attributes.numbers("pads", joined(op.getPaddingLow(), op.getPaddingHigh())).numbers("dilations", op.getDilations());
  attributes.numbers("output_padding", more).number("group", op.getGroups());
  std::string x =
      graph.node("ConvTranspose", {channelsFirst(whole(op.getDy()), dy.getRank()), filter(op.getW())}, attributes);
  set(op.getResult(), channelsLast(x, dx.getRank()));
  return success();
}

LogicalResult Translator::translate(nn::WindowMaxOp op) {
  if (!op.getIndex().use_empty())
    return refuse(op, "ONNX numbers the places of a largest element otherwise");
  Attributes attributes;
  attributes.numbers("kernel_shape", op.getWindow()).numbers("strides", op.getStrides());
  attributes.numbers("pads", joined(op.getPaddingLow(), op.getPaddingHigh())).numbers("dilations", op.getDilations());
  std::string y = graph.node("MaxPool", {channelsFirst(whole(op.getX()), rankOf(op.getX()))}, attributes);
  set(op.getResult(), channelsLast(y, rankOf(op.getX())));
  return success();
}

/// The mean with padding counted, times the number of elements.
LogicalResult Translator::translate(nn::WindowSumOp op) {
  if (llvm::any_of(op.getDilations(), [](int64_t dilation) { return dilation != 1; }))
    return refuse(op, "ONNX has no sums of windows with gaps");
  auto type = op.getX().getType();
  int64_t elements = 1;
  for (int64_t extent : op.getWindow())
    elements *= extent;
  Attributes attributes;
  attributes.numbers("kernel_shape", op.getWindow()).numbers("strides", op.getStrides());
  attributes.numbers("pads", joined(op.getPaddingLow(), op.getPaddingHigh())).number("count_include_pad", 1);
  std::string y = graph.node("AveragePool", {channelsFirst(whole(op.getX()), type.getRank())}, attributes);
  y = graph.node("Mul", {y, graph.scalar(type.getElementType(), static_cast<double>(elements))});
  set(op.getResult(), channelsLast(y, type.getRank()));
  return success();
}

} // namespace xfer::onnx
