//===- Fold.cpp - folders: identities, and arithmetic of constants ----------------------------------------------===//
//
// A folder returns an operand only where its type is that of the result, meaning included. Constants are computed when
// they are splats (one number, whatever the size) or small; the arithmetic is that of double precision, rounded once.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include <cmath>

using namespace mlir;
using namespace xfer::nn;

/// Larger constants are left to be computed when the program starts, so that executables stay small.
static constexpr int64_t largestFolded = 1024;

/// The constant whose elements are `function` of those of `operands`; null if it is not to be folded.
template <typename Function>
static OpFoldResult foldNumbers(ArrayRef<Attribute> operands, Type resultType, Function function) {
  RankedTensorType type = withoutMeaning(resultType);
  Type element = type.getElementType();
  SmallVector<DenseElementsAttr, 3> constants;
  bool splat = true;
  for (Attribute operand : operands) {
    auto constant = dyn_cast_or_null<DenseElementsAttr>(operand);
    if (!constant || constant.getElementType().isInteger(64))
      return {};
    constants.push_back(constant);
    splat &= constant.isSplat();
  }
  if (!type.hasStaticShape() || element.isInteger(64) || (!splat && type.getNumElements() > largestFolded))
    return {};
  SmallVector<Attribute> values;
  for (int64_t i = 0, count = splat ? 1 : type.getNumElements(); i < count; ++i) {
    SmallVector<double, 3> inputs;
    for (DenseElementsAttr constant : constants)
      inputs.push_back(
          numberOf(constant.isSplat() ? constant.getSplatValue<Attribute>() : constant.getValues<Attribute>()[i]));
    double value = function(ArrayRef<double>(inputs));
    if (!isa<FloatType>(element) && !(std::fabs(value) < 0x1p31))
      return {};
    values.push_back(numberAttr(element, value));
  }
  return DenseElementsAttr::get(type, values);
}

static bool isSplatOf(Attribute attribute, double value) {
  auto constant = dyn_cast_or_null<DenseElementsAttr>(attribute);
  return constant && constant.isSplat() && numberOf(constant.getSplatValue<Attribute>()) == value;
}

template <typename Op> static OpFoldResult same(Op op, Value operand) {
  return operand.getType() == op.getType() ? OpFoldResult(operand) : OpFoldResult();
}

/// The splat constant of `type` with the value of `attribute`, if that is a splat.
static OpFoldResult resplat(Attribute attribute, Type type) {
  auto constant = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!constant || !constant.isSplat() || !cast<RankedTensorType>(type).hasStaticShape())
    return {};
  return DenseElementsAttr::get(withoutMeaning(type), constant.getSplatValue<Attribute>());
}

//===----------------------------------------------------------------------===//
// Unary
//===----------------------------------------------------------------------===//

template <typename Op, typename Function> static OpFoldResult foldUnary(Op op, Attribute x, Function function) {
  return foldNumbers({x}, op.getType(), [&](ArrayRef<double> in) { return function(in[0]); });
}

OpFoldResult NegOp::fold(FoldAdaptor constants) {
  if (auto inner = getX().getDefiningOp<NegOp>())
    return same(*this, inner.getX());
  return foldUnary(*this, constants.getX(), [](double x) { return -x; });
}
OpFoldResult NotOp::fold(FoldAdaptor constants) {
  if (auto inner = getX().getDefiningOp<NotOp>())
    return same(*this, inner.getX());
  return foldUnary(*this, constants.getX(), [](double x) { return 1 - x; });
}
OpFoldResult ExpOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::exp(x); });
}
OpFoldResult LogOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::log(x); });
}
OpFoldResult SqrtOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::sqrt(x); });
}
OpFoldResult TanhOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::tanh(x); });
}
OpFoldResult ErfOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::erf(x); });
}
OpFoldResult SinOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::sin(x); });
}
OpFoldResult CosOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::cos(x); });
}
OpFoldResult FloorOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::floor(x); });
}
OpFoldResult AbsOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::fabs(x); });
}
OpFoldResult SignOp::fold(FoldAdaptor c) {
  return foldUnary(*this, c.getX(), [](double x) { return std::isnan(x) ? x : (x > 0) - (x < 0); });
}

//===----------------------------------------------------------------------===//
// Binary
//===----------------------------------------------------------------------===//

template <typename Op, typename Function>
static OpFoldResult foldBinary(Op op, Attribute a, Attribute b, Function function) {
  return foldNumbers({a, b}, op.getType(), [&](ArrayRef<double> in) { return function(in[0], in[1]); });
}

/// `attribute` as known, or read through broadcasts that stay because an extent is dynamic.
static bool isConstant(Attribute attribute, Value value, double number) {
  return attribute ? isSplatOf(attribute, number) : isFilledWith(value, number);
}

OpFoldResult AddOp::fold(FoldAdaptor constants) {
  if (isConstant(constants.getB(), getB(), 0))
    return same(*this, getA());
  if (isConstant(constants.getA(), getA(), 0))
    return same(*this, getB());
  return foldBinary(*this, constants.getA(), constants.getB(), [](double a, double b) { return a + b; });
}

OpFoldResult SubOp::fold(FoldAdaptor constants) {
  if (isConstant(constants.getB(), getB(), 0))
    return same(*this, getA());
  return foldBinary(*this, constants.getA(), constants.getB(), [](double a, double b) { return a - b; });
}

OpFoldResult MulOp::fold(FoldAdaptor constants) {
  for (auto [constant, value, other] : {std::tuple<Attribute, Value, Value>{constants.getB(), getB(), getA()},
                                        std::tuple<Attribute, Value, Value>{constants.getA(), getA(), getB()}}) {
    if (isConstant(constant, value, 1))
      return same(*this, other);
    if (isConstant(constant, value, 0)) // also where the other side is not finite: Rationale, "Zero times anything"
      return same(*this, value);
  }
  return foldBinary(*this, constants.getA(), constants.getB(), [](double a, double b) { return a * b; });
}

OpFoldResult DivOp::fold(FoldAdaptor constants) {
  if (isConstant(constants.getB(), getB(), 1))
    return same(*this, getA());
  bool isFloat = isa<FloatType>(getType().getElementType());
  return foldBinary(*this, constants.getA(), constants.getB(), [&](double a, double b) {
    return isFloat ? a / b : b == 0 ? 0 : std::floor(a / b);
  });
}

OpFoldResult RemOp::fold(FoldAdaptor constants) {
  bool isFloat = isa<FloatType>(getType().getElementType());
  return foldBinary(*this, constants.getA(), constants.getB(),
                    [&](double a, double b) { return !isFloat && b == 0 ? a : a - std::floor(a / b) * b; });
}

OpFoldResult PowOp::fold(FoldAdaptor constants) {
  if (isConstant(constants.getB(), getB(), 1))
    return same(*this, getA());
  bool isFloat = isa<FloatType>(getType().getElementType());
  return foldBinary(*this, constants.getA(), constants.getB(), [&](double a, double b) {
    return !isFloat && a == 0 && b < 0 ? 0 : isFloat ? std::pow(a, b) : std::trunc(std::pow(a, b));
  });
}

OpFoldResult MaxOp::fold(FoldAdaptor constants) {
  if (getA() == getB())
    return same(*this, getA());
  return foldBinary(*this, constants.getA(), constants.getB(),
                    [](double a, double b) { return std::isnan(a) || a > b ? a : b; });
}

OpFoldResult MinOp::fold(FoldAdaptor constants) {
  if (getA() == getB())
    return same(*this, getA());
  return foldBinary(*this, constants.getA(), constants.getB(),
                    [](double a, double b) { return std::isnan(a) || a < b ? a : b; });
}

/// `and` and `or`: `neutral` leaves the other side, its opposite decides.
template <typename Op> static OpFoldResult foldLogical(Op op, Attribute a, Attribute b, double neutral) {
  if (op.getA() == op.getB())
    return same(op, op.getA());
  for (auto [constant, value, other] : {std::tuple<Attribute, Value, Value>{a, op.getA(), op.getB()},
                                        std::tuple<Attribute, Value, Value>{b, op.getB(), op.getA()}}) {
    if (isConstant(constant, value, neutral))
      return same(op, other);
    if (isConstant(constant, value, 1 - neutral))
      return same(op, value);
  }
  return foldBinary(op, a, b, [&](double x, double y) { return neutral ? x * y : std::max(x, y); });
}

OpFoldResult AndOp::fold(FoldAdaptor constants) { return foldLogical(*this, constants.getA(), constants.getB(), 1); }
OpFoldResult OrOp::fold(FoldAdaptor constants) { return foldLogical(*this, constants.getA(), constants.getB(), 0); }

static bool holds(Predicate predicate, double a, double b) {
  switch (predicate) {
  case Predicate::eq:
    return a == b;
  case Predicate::ne:
    return a != b;
  case Predicate::lt:
    return a < b;
  case Predicate::le:
    return a <= b;
  case Predicate::gt:
    return a > b;
  case Predicate::ge:
    return a >= b;
  }
  llvm_unreachable("unknown predicate");
}

/// A mask that was made a number and is asked whether it is 1, or not 0, is the mask.
static Value maskBehind(CompareOp op) {
  auto convert = op.getA().getDefiningOp<ConvertOp>();
  if (!convert || convert.getX().getType() != op.getType())
    return {};
  bool isOne = op.getPredicate() == Predicate::eq || op.getPredicate() == Predicate::ge;
  bool isNotZero = op.getPredicate() == Predicate::ne || op.getPredicate() == Predicate::gt;
  return (isOne && isFilledWith(op.getB(), 1)) || (isNotZero && isFilledWith(op.getB(), 0)) ? convert.getX() : Value();
}

OpFoldResult CompareOp::fold(FoldAdaptor constants) {
  if (Value mask = maskBehind(*this))
    return mask;
  return foldBinary(*this, constants.getA(), constants.getB(),
                    [&](double a, double b) { return holds(getPredicate(), a, b); });
}

OpFoldResult SelectOp::fold(FoldAdaptor constants) {
  if (getA() == getB() || isConstant(constants.getCondition(), getCondition(), 1))
    return same(*this, getA());
  if (isConstant(constants.getCondition(), getCondition(), 0))
    return same(*this, getB());
  return foldNumbers({constants.getCondition(), constants.getA(), constants.getB()}, getType(),
                     [](ArrayRef<double> in) { return in[0] ? in[1] : in[2]; });
}

OpFoldResult ConvertOp::fold(FoldAdaptor constants) {
  if (getX().getType() == getType())
    return getX();
  Type from = getX().getType().getElementType(), to = getType().getElementType();
  return foldUnary(*this, constants.getX(), [&](double x) {
    if (to.isInteger(1))
      return double(x != 0);
    bool isByte = to.isUnsignedInteger(8);
    if (isa<FloatType>(from) && !isa<FloatType>(to)) {
      double low = isByte ? 0 : -0x1p31, high = isByte ? 255 : 0x1p31 - 1;
      return std::isnan(x) ? 0 : std::trunc(std::min(std::max(x, low), high));
    }
    return isByte ? double(uint8_t(int64_t(x))) : x;
  });
}

//===----------------------------------------------------------------------===//
// Structural
//===----------------------------------------------------------------------===//

OpFoldResult BroadcastOp::fold(FoldAdaptor constants) {
  if (getX().getType() == getType())
    return getX();
  return resplat(constants.getX(), getType());
}

OpFoldResult ReshapeOp::fold(FoldAdaptor constants) {
  if (getX().getType() == getType())
    return getX();
  auto constant = dyn_cast_or_null<DenseElementsAttr>(constants.getX());
  return constant ? OpFoldResult(constant.reshape(withoutMeaning(getType()))) : OpFoldResult();
}

OpFoldResult TransposeOp::fold(FoldAdaptor constants) {
  if (llvm::equal(getPermutation(), llvm::seq<int64_t>(0, getPermutation().size())))
    return same(*this, getX());
  return resplat(constants.getX(), getType());
}

OpFoldResult ConcatOp::fold(FoldAdaptor constants) {
  if (getXs().size() == 1)
    return same(*this, getXs().front());
  Attribute first = constants.getXs().front();
  bool equal = isa_and_nonnull<DenseElementsAttr>(first) && cast<DenseElementsAttr>(first).isSplat();
  for (Attribute other : constants.getXs())
    equal = equal && isa_and_nonnull<DenseElementsAttr>(other) && cast<DenseElementsAttr>(other).isSplat() &&
            cast<DenseElementsAttr>(first).getSplatValue<Attribute>() ==
                cast<DenseElementsAttr>(other).getSplatValue<Attribute>();
  return equal ? resplat(first, getType()) : OpFoldResult();
}

OpFoldResult SliceOp::fold(FoldAdaptor constants) {
  // Equal extents leave no room for another offset or stride.
  if (extentsOf(getX().getType()) == extentsOf(getType()))
    return same(*this, getX());
  return resplat(constants.getX(), getType());
}

OpFoldResult PadOp::fold(FoldAdaptor constants) {
  if (extentsOf(getX().getType()) == extentsOf(getType()))
    return same(*this, getX());
  return isSplatOf(constants.getX(), 0) ? resplat(constants.getX(), getType()) : OpFoldResult();
}

OpFoldResult ReverseOp::fold(FoldAdaptor constants) {
  RankedTensorType type = getType();
  if (llvm::all_of(getAxes(), [&](int64_t axis) { return type.getDimSize(axis) == 1; }))
    return same(*this, getX());
  if (auto inner = getX().getDefiningOp<ReverseOp>())
    if (inner.getAxes() == getAxes())
      return same(*this, inner.getX());
  // Along an axis that a broadcast has added all elements are equal.
  if (auto inner = getX().getDefiningOp<BroadcastOp>())
    if (llvm::none_of(getAxes(), [&](int64_t axis) { return llvm::is_contained(inner.getDimensions(), axis); }))
      return same(*this, getX());
  return resplat(constants.getX(), getType());
}

OpFoldResult AnnotateOp::fold(FoldAdaptor) { return same(*this, getX()); }

OpFoldResult ReduceOp::fold(FoldAdaptor constants) {
  if (getAxes().empty())
    return same(*this, getX());
  auto constant = dyn_cast_or_null<DenseElementsAttr>(constants.getX());
  RankedTensorType type = getX().getType();
  if (!constant || !constant.isSplat() || getKind() == ReduceKind::Prod)
    return {};
  int64_t count = 1;
  for (int64_t axis : getAxes())
    count *= type.getDimSize(axis);
  if (count <= 0)
    return {};
  return foldNumbers({constant}, getType(),
                     [&](ArrayRef<double> in) { return getKind() == ReduceKind::Sum ? in[0] * double(count) : in[0]; });
}
