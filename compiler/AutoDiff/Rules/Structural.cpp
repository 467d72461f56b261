//===- Structural.cpp - derivatives of operations that move elements: their adjoints ----------------------------===//

#include "compiler/AutoDiff/Rules.h"

using namespace mlir;
using namespace xfer::nn;

static Cotangents broadcastRule(BroadcastOp op, Term g, RuleContext &context) {
  RankedTensorType from = op.getX().getType(), to = op.getType();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, to.getRank()));
  for (auto [axis, dimension] : llvm::enumerate(op.getDimensions()))
    if (from.getDimSize(axis) != 1 || to.getDimSize(dimension) == 1)
      llvm::erase(axes, dimension);
  return {reshapeLike(axes.empty() ? g : sum(g, axes), op.getX())};
}

static Cotangents transposeRule(TransposeOp op, Term g, RuleContext &) {
  SmallVector<int64_t> inverse(op.getPermutation().size());
  for (auto [to, from] : llvm::enumerate(op.getPermutation()))
    inverse[from] = to;
  return {transpose(g, inverse)};
}

/// How many entries the operands of a concat before `operand` have.
static Term countBefore(ConcatOp op, unsigned operand, Term g) {
  OpBuilder &builder = *g.builder;
  Type scalar = RankedTensorType::get({}, builder.getI32Type());
  auto number = [&](double value) { return g.with(createFilledLike(builder, g.location, value, scalar)); };
  Term count = number(0);
  for (Value x : op.getXs().take_front(operand)) {
    Extent extent = extentsOf(x.getType())[op.getAxis()];
    Term own = extent.isDynamic() ? sum(g.make<BroadcastOp>(number(1), ArrayRef(extent), ArrayRef<int64_t>()), {0})
                                  : number(extent.size);
    count = count + own;
  }
  return count;
}

/// Where parts end that have as many entries as the data is not known now: each takes its own by their numbers.
static Cotangents concatOfDataRule(ConcatOp op, Term g, RuleContext &context) {
  Cotangents result;
  for (auto [operand, x] : llvm::enumerate(op.getXs())) {
    if (!context.wants(x)) {
      result.push_back(Value());
      continue;
    }
    Extent extent = extentsOf(x.getType())[op.getAxis()];
    Term start = g.make<BroadcastOp>(countBefore(op, operand, g), ArrayRef(extent), ArrayRef<int64_t>());
    Term places = start + g.make<IotaOp>(ArrayRef(extent), 0);
    result.push_back(g.make<GatherOp>(g, places, op.getAxis(), 0));
  }
  return result;
}

static Cotangents concatRule(ConcatOp op, Term g, RuleContext &context) {
  if (g.type().isDynamicDim(op.getAxis()))
    return concatOfDataRule(op, g, context);
  Cotangents result;
  SmallVector<int64_t> offsets(g.rank(), 0), strides(g.rank(), 1);
  for (Value x : op.getXs()) {
    ArrayRef<int64_t> sizes = cast<RankedTensorType>(x.getType()).getShape();
    result.push_back(context.wants(x) ? g.make<SliceOp>(g, offsets, sizes, strides).value : Value());
    offsets[op.getAxis()] += sizes[op.getAxis()];
  }
  return result;
}

static Cotangents sliceRule(SliceOp op, Term g, RuleContext &context) {
  SmallVector<int64_t> low, high, interior;
  RankedTensorType from = op.getX().getType();
  if (llvm::is_contained(op.getSizes(), 0))
    return {context.term(op.getX()).filled(0)};
  for (auto [extent, offset, size, stride] :
       llvm::zip(from.getShape(), op.getOffsets(), op.getSizes(), op.getStrides())) {
    bool whole = ShapedType::isDynamic(extent);
    low.push_back(whole ? 0 : offset);
    interior.push_back(whole || size == 1 ? 0 : stride - 1);
    high.push_back(whole ? 0 : extent - (offset + (size - 1) * stride + 1));
  }
  return {g.make<PadOp>(g, low, high, interior)};
}

static Cotangents padRule(PadOp op, Term g, RuleContext &) {
  SmallVector<int64_t> strides;
  for (int64_t interior : op.getInterior())
    strides.push_back(interior + 1);
  return {g.make<SliceOp>(g, op.getLow(), op.getX().getType().getShape(), strides)};
}

void xfer::nn::addStructuralRules(RuleTable &table) {
  table.add<BroadcastOp>(broadcastRule);
  table.add<TransposeOp>(transposeRule);
  table.add<ConcatOp>(concatRule);
  table.add<SliceOp>(sliceRule);
  table.add<PadOp>(padRule);
  table.addUnary<ReshapeOp>([](Term g, Term x, Term) { return reshapeLike(g, x); });
  table.add<ReverseOp>([](ReverseOp op, Term g, RuleContext &) -> Cotangents { return {reverse(g, op.getAxes())}; });
}
