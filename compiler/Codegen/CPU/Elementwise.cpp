//===- Elementwise.cpp - one element in, one element out --------------------------------------------------------===//

#include "compiler/Codegen/CPU/ElementEmitter.h"
#include "compiler/Codegen/CPU/VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;

namespace xfer::cpu {

namespace {

Type elementOf(Value value) { return cast<RankedTensorType>(value.getType()).getElementType(); }

// Arithmetic on elements that are all scalars or all vectors of the same length.
struct Arithmetic {
  OpBuilder &b;
  Location loc;

  Value splat(Value like, TypedAttr value) {
    if (auto vector = dyn_cast<VectorType>(like.getType()))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, Attribute(value)));
    return arith::ConstantOp::create(b, loc, value);
  }
  Value number(Value like, double value) {
    return splat(like, b.getFloatAttr(getElementTypeOrSelf(like.getType()), value));
  }
  Value integer(Value like, int64_t value) {
    return splat(like, b.getIntegerAttr(getElementTypeOrSelf(like.getType()), value));
  }
  Type with(Value like, Type element) {
    if (auto vector = dyn_cast<VectorType>(like.getType()))
      return vector.clone(element);
    return element;
  }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  Value select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }

  // Below 2^23 a float survives the way through an integer; from there on it is one.
  Value floor(Value x) {
    bool wide = getElementTypeOrSelf(x.getType()).isF64();
    Value limit = number(x, wide ? 4503599627370496.0 : 8388608.0);
    Value small = compare(arith::CmpFPredicate::OLT, math::AbsFOp::create(b, loc, x), limit);
    Value safe = select(small, x, number(x, 0.0));
    Type integers = with(x, wide ? b.getI64Type() : b.getI32Type());
    Value whole = arith::SIToFPOp::create(b, loc, x.getType(), arith::FPToSIOp::create(b, loc, integers, safe));
    Value above = compare(arith::CmpFPredicate::OGT, whole, safe);
    Value lowered = select(above, arith::SubFOp::create(b, loc, whole, number(x, 1.0)), whole);
    // -0 and the numbers whose floor is 0 keep their sign, as floor of IEEE does.
    return select(small, math::CopySignOp::create(b, loc, lowered, x), x);
  }

  Value floorDivide(Value x, Value y, bool remainder) {
    Value zero = integer(x, 0), one = integer(x, 1), minus = integer(x, -1);
    Value byZero = compare(arith::CmpIPredicate::eq, y, zero);
    Value byMinus = compare(arith::CmpIPredicate::eq, y, minus); // the smallest number by -1 would trap
    Value unsafe = arith::OrIOp::create(b, loc, byZero, byMinus);
    Value divisor = select(unsafe, one, y);
    Value quotient = arith::DivSIOp::create(b, loc, x, divisor);
    Value rest = arith::SubIOp::create(b, loc, x, arith::MulIOp::create(b, loc, quotient, divisor));
    Value uneven = compare(arith::CmpIPredicate::ne, rest, zero);
    Value opposite = compare(arith::CmpIPredicate::slt, arith::XOrIOp::create(b, loc, rest, divisor), zero);
    Value adjust = arith::AndIOp::create(b, loc, uneven, opposite);
    if (remainder) {
      Value result = select(adjust, arith::AddIOp::create(b, loc, rest, divisor), rest);
      return select(byZero, x, result);
    }
    Value result = select(adjust, arith::SubIOp::create(b, loc, quotient, one), quotient);
    result = select(byMinus, arith::SubIOp::create(b, loc, zero, x), result);
    return select(byZero, zero, result);
  }

  Value integerPower(Value x, Value y) {
    Value zero = integer(x, 0), one = integer(x, 1), minus = integer(x, -1);
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
    };
    unsigned width = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
    // Repeated squaring; a negative exponent is treated below.
    auto loop = scf::ForOp::create(
        b, loc, constant(0), constant(width - 1), constant(1), ValueRange{one, x, y},
        [&](OpBuilder &, Location, Value, ValueRange carried) {
          Value odd = compare(arith::CmpIPredicate::ne, arith::AndIOp::create(b, loc, carried[2], one), zero);
          Value result = select(odd, arith::MulIOp::create(b, loc, carried[0], carried[1]), carried[0]);
          Value square = arith::MulIOp::create(b, loc, carried[1], carried[1]);
          Value rest = arith::ShRSIOp::create(b, loc, carried[2], one);
          scf::YieldOp::create(b, loc, ValueRange{result, square, rest});
        });
    Value odd = compare(arith::CmpIPredicate::ne, arith::AndIOp::create(b, loc, y, one), zero);
    Value isOne = compare(arith::CmpIPredicate::eq, x, one);
    Value isMinus = compare(arith::CmpIPredicate::eq, x, minus);
    Value inverse = select(isOne, one, select(isMinus, select(odd, minus, one), zero));
    return select(compare(arith::CmpIPredicate::slt, y, zero), inverse, loop.getResult(0));
  }

  // Larger or smaller of two floats; a NaN wins. `number`: y is known to be no NaN.
  Value extreme(bool larger, Value x, Value y, bool number) {
    auto predicate = larger ? arith::CmpFPredicate::OGT : arith::CmpFPredicate::OLT;
    Value result = select(compare(predicate, y, x), y, x); // x where either is NaN
    if (number)
      return result;
    return select(compare(arith::CmpFPredicate::UNO, y, y), y, result);
  }

  Value toInteger(Value x, Type element) {
    unsigned width = element.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger();
    double low = isUnsigned ? -1.0 : -std::ldexp(1.0, static_cast<int>(width) - 1);
    double high = std::ldexp(1.0, static_cast<int>(isUnsigned ? width : width - 1));
    Type wide = with(x, isUnsigned ? Type(b.getI32Type()) : registerType(element));
    Value above = compare(arith::CmpFPredicate::OGE, x, number(x, high));
    auto belowPredicate = isUnsigned ? arith::CmpFPredicate::OLE : arith::CmpFPredicate::OLT;
    Value below = compare(belowPredicate, x, number(x, low));
    Value isNaN = compare(arith::CmpFPredicate::UNO, x, x);
    Value unsafe = arith::OrIOp::create(b, loc, isNaN, arith::OrIOp::create(b, loc, above, below));
    Value whole = arith::FPToSIOp::create(b, loc, wide, select(unsafe, number(x, 0.0), x));
    APInt smallest = isUnsigned ? APInt(32, 0) : APInt::getSignedMinValue(width);
    APInt largest = isUnsigned ? APInt(32, 255) : APInt::getSignedMaxValue(width);
    auto limit = [&](const APInt &value) { return splat(whole, b.getIntegerAttr(getElementTypeOrSelf(wide), value)); };
    Value result = select(below, limit(smallest), select(above, limit(largest), whole));
    if (isUnsigned)
      return arith::TruncIOp::create(b, loc, with(x, registerType(element)), result);
    return result;
  }

  Value convert(Value x, Type from, Type to) {
    if (from == to)
      return x;
    Type target = with(x, registerType(to));
    bool isUnsigned = from.isInteger(1) || from.isUnsignedInteger();
    if (to.isInteger(1)) {
      if (isa<FloatType>(from))
        return compare(arith::CmpFPredicate::UNE, x, number(x, 0.0));
      return compare(arith::CmpIPredicate::ne, x, integer(x, 0));
    }
    if (isa<FloatType>(from) && isa<FloatType>(to)) {
      unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
      if (fromWidth < toWidth)
        return arith::ExtFOp::create(b, loc, target, x);
      if (to.isBF16())
        return roundToBF16(b, loc, from.isF64() ? convert(x, from, b.getF32Type()) : x);
      return arith::TruncFOp::create(b, loc, target, x);
    }
    if (isa<FloatType>(from))
      return toInteger(from.isBF16() ? convert(x, from, b.getF32Type()) : x, to);
    if (isa<FloatType>(to)) {
      if (to.isBF16())
        return convert(convert(x, from, b.getF32Type()), b.getF32Type(), to);
      if (isUnsigned)
        return arith::UIToFPOp::create(b, loc, target, x);
      return arith::SIToFPOp::create(b, loc, target, x);
    }
    unsigned fromWidth = registerType(from).getIntOrFloatBitWidth(), toWidth = registerType(to).getIntOrFloatBitWidth();
    if (fromWidth == toWidth)
      return x;
    if (fromWidth > toWidth)
      return arith::TruncIOp::create(b, loc, target, x);
    if (isUnsigned)
      return arith::ExtUIOp::create(b, loc, target, x);
    return arith::ExtSIOp::create(b, loc, target, x);
  }

  Value sign(Value x, bool isFloat) {
    if (!isFloat) {
      Value zero = integer(x, 0);
      Value negative = select(compare(arith::CmpIPredicate::slt, x, zero), integer(x, -1), zero);
      return select(compare(arith::CmpIPredicate::sgt, x, zero), integer(x, 1), negative);
    }
    Value zero = number(x, 0.0);
    Value negative = select(compare(arith::CmpFPredicate::OLT, x, zero), number(x, -1.0), zero);
    Value result = select(compare(arith::CmpFPredicate::OGT, x, zero), number(x, 1.0), negative);
    return select(compare(arith::CmpFPredicate::UNO, x, x), x, result);
  }

  Value relation(nn::Predicate predicate, Value x, Value y, Type element) {
    using F = arith::CmpFPredicate;
    using I = arith::CmpIPredicate;
    bool isUnsigned = element.isInteger(1) || element.isUnsignedInteger();
    auto of = [&](F floats, I integers, I naturals) {
      if (isa<FloatType>(element))
        return compare(floats, x, y);
      return compare(isUnsigned ? naturals : integers, x, y);
    };
    switch (predicate) {
    case nn::Predicate::eq:
      return of(F::OEQ, I::eq, I::eq);
    case nn::Predicate::ne:
      return of(F::UNE, I::ne, I::ne);
    case nn::Predicate::lt:
      return of(F::OLT, I::slt, I::ult);
    case nn::Predicate::le:
      return of(F::OLE, I::sle, I::ule);
    case nn::Predicate::gt:
      return of(F::OGT, I::sgt, I::ugt);
    case nn::Predicate::ge:
      return of(F::OGE, I::sge, I::uge);
    }
    llvm_unreachable("all predicates are handled");
  }
};

} // namespace

// By integer arithmetic: without AVX512-BF16 LLVM would call a library function.
Value roundToBF16(OpBuilder &b, Location loc, Value x) {
  Arithmetic a{b, loc};
  Value bits = arith::BitcastOp::create(b, loc, a.with(x, b.getI32Type()), x);
  Value sixteen = a.integer(bits, 16);
  Value odd = arith::AndIOp::create(b, loc, arith::ShRUIOp::create(b, loc, bits, sixteen), a.integer(bits, 1));
  Value rounding = arith::AddIOp::create(b, loc, odd, a.integer(bits, 0x7fff));
  Value rounded = arith::AddIOp::create(b, loc, bits, rounding);
  Value isNaN = a.compare(arith::CmpFPredicate::UNO, x, x);
  Value quiet = arith::OrIOp::create(b, loc, bits, a.integer(bits, 0x400000));
  Value upper = arith::ShRUIOp::create(b, loc, a.select(isNaN, quiet, rounded), sixteen);
  Value half = arith::TruncIOp::create(b, loc, a.with(x, b.getI16Type()), upper);
  return arith::BitcastOp::create(b, loc, a.with(x, b.getBF16Type()), half);
}

Value combine(OpBuilder &b, Location loc, nn::ReduceKind kind, Type type, Value x, Value y) {
  Arithmetic a{b, loc};
  if (getElementTypeOrSelf(x.getType()).isBF16()) {
    auto widen = [&](Value value) { return a.convert(value, b.getBF16Type(), b.getF32Type()); };
    return roundToBF16(b, loc, combine(b, loc, kind, b.getF32Type(), widen(x), widen(y)));
  }
  bool isFloat = isa<FloatType>(type);
  switch (kind) {
  case nn::ReduceKind::Sum:
    return isFloat ? Value(arith::AddFOp::create(b, loc, x, y)) : Value(arith::AddIOp::create(b, loc, x, y));
  case nn::ReduceKind::Prod:
    return isFloat ? Value(arith::MulFOp::create(b, loc, x, y)) : Value(arith::MulIOp::create(b, loc, x, y));
  case nn::ReduceKind::Max:
    return isFloat ? a.extreme(true, x, y, false) : Value(arith::MaxSIOp::create(b, loc, x, y));
  case nn::ReduceKind::Min:
    return isFloat ? a.extreme(false, x, y, false) : Value(arith::MinSIOp::create(b, loc, x, y));
  case nn::ReduceKind::Any:
    return arith::OrIOp::create(b, loc, x, y);
  case nn::ReduceKind::All:
    return arith::AndIOp::create(b, loc, x, y);
  }
  llvm_unreachable("all kinds are handled");
}

TypedAttr neutralElement(nn::ReduceKind kind, Type type) {
  Builder b(type.getContext());
  Type held = registerType(type);
  double inf = std::numeric_limits<double>::infinity();
  switch (kind) {
  case nn::ReduceKind::Sum:
    return b.getZeroAttr(held);
  case nn::ReduceKind::Prod:
    return b.getOneAttr(held);
  case nn::ReduceKind::Max:
    if (isa<FloatType>(held))
      return b.getFloatAttr(held, -inf);
    return b.getIntegerAttr(held, APInt::getSignedMinValue(held.getIntOrFloatBitWidth()));
  case nn::ReduceKind::Min:
    if (isa<FloatType>(held))
      return b.getFloatAttr(held, inf);
    return b.getIntegerAttr(held, APInt::getSignedMaxValue(held.getIntOrFloatBitWidth()));
  case nn::ReduceKind::Any:
    return b.getIntegerAttr(held, 0);
  case nn::ReduceKind::All:
    return b.getIntegerAttr(held, APInt(1, 1));
  }
  llvm_unreachable("all kinds are handled");
}

// A constant that is no NaN, perhaps broadcast.
bool ElementEmitter::isNumber(Value value) {
  while (auto broadcast = value.getDefiningOp<nn::BroadcastOp>())
    value = broadcast.getX();
  auto constant = value.getDefiningOp<nn::ConstantOp>();
  if (!constant)
    return false;
  auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
  return splat && isa<FloatType>(splat.getElementType()) && !splat.getSplatValue<APFloat>().isNaN();
}

// a * b + c where the product has no other use: rounded once. Decided on the nn values alone, so that every lane and
// every tail of a loop computes the same bits.
Value ElementEmitter::fusedMultiplyAdd(Operation *op, ArrayRef<LaneIndex> index) {
  Type type = elementOf(op->getResult(0));
  if (!context.target.fusedMultiplyAdd || !isa<nn::AddOp, nn::SubOp>(op) || !(type.isF32() || type.isF64()))
    return {};
  for (unsigned side : {0u, 1u}) {
    auto product = op->getOperand(side).getDefiningOp<nn::MulOp>();
    if (!product || !product->hasOneUse() || context.buffers.contains(product.getResult()) ||
        lookup(product.getResult(), index))
      continue;
    Value x = element(product.getA(), index), y = element(product.getB(), index);
    Value z = element(op->getOperand(1 - side), index);
    if (llvm::any_of(ArrayRef<Value>{x, y, z}, [](Value v) { return isa<VectorType>(v.getType()); })) {
      x = lane.splat(x);
      y = lane.splat(y);
      z = lane.splat(z);
    }
    if (isa<nn::SubOp>(op)) // a * b - c, or c - a * b
      (side == 0 ? z : x) = arith::NegFOp::create(b, loc, side == 0 ? z : x);
    return math::FmaOp::create(b, loc, x, y, z);
  }
  return {};
}

Value ElementEmitter::elementwise(Operation *op, ArrayRef<LaneIndex> index) {
  if (Value fused = fusedMultiplyAdd(op, index))
    return fused;
  SmallVector<Value, 3> x;
  for (Value operand : op->getOperands())
    x.push_back(element(operand, index));
  if (llvm::any_of(x, [](Value value) { return isa<VectorType>(value.getType()); }))
    for (Value &value : x)
      value = lane.splat(value);
  Arithmetic a{b, loc};
  Type type = elementOf(op->getOperand(0)), resultType = elementOf(op->getResult(0));
  // bf16 is computed in f32 and rounded after each operation.
  bool narrow = type.isBF16() && !isa<nn::ConvertOp, nn::SelectOp>(op);
  if (narrow) {
    for (Value &value : x)
      value = a.convert(value, type, b.getF32Type());
    type = b.getF32Type();
  }
  bool isFloat = isa<FloatType>(type);
  VectorMath math(b, loc, context.target.fusedMultiplyAdd);
  Value y = llvm::TypeSwitch<Operation *, Value>(op)
                .Case([&](nn::NegOp) -> Value {
                  if (isFloat)
                    return arith::NegFOp::create(b, loc, x[0]);
                  return arith::SubIOp::create(b, loc, a.integer(x[0], 0), x[0]);
                })
                .Case([&](nn::ExpOp) { return math.exp(x[0]); })
                .Case([&](nn::LogOp) { return math.log(x[0]); })
                .Case([&](nn::SqrtOp) -> Value { return math::SqrtOp::create(b, loc, x[0]); })
                .Case([&](nn::TanhOp) { return math.tanh(x[0]); })
                .Case([&](nn::ErfOp) { return math.erf(x[0]); })
                .Case([&](nn::SinOp) { return math.sin(x[0]); })
                .Case([&](nn::CosOp) { return math.cos(x[0]); })
                .Case([&](nn::FloorOp) { return a.floor(x[0]); })
                .Case([&](nn::AbsOp) -> Value {
                  if (isFloat)
                    return math::AbsFOp::create(b, loc, x[0]);
                  Value negated = arith::SubIOp::create(b, loc, a.integer(x[0], 0), x[0]);
                  return arith::MaxSIOp::create(b, loc, x[0], negated);
                })
                .Case([&](nn::SignOp) { return a.sign(x[0], isFloat); })
                .Case([&](nn::NotOp) -> Value { return arith::XOrIOp::create(b, loc, x[0], a.integer(x[0], 1)); })
                .Case([&](nn::AddOp) { return combine(b, loc, nn::ReduceKind::Sum, type, x[0], x[1]); })
                .Case([&](nn::SubOp) -> Value {
                  if (isFloat)
                    return arith::SubFOp::create(b, loc, x[0], x[1]);
                  return arith::SubIOp::create(b, loc, x[0], x[1]);
                })
                .Case([&](nn::MulOp) { return combine(b, loc, nn::ReduceKind::Prod, type, x[0], x[1]); })
                .Case([&](nn::DivOp) -> Value {
                  if (isFloat)
                    return arith::DivFOp::create(b, loc, x[0], x[1]);
                  return a.floorDivide(x[0], x[1], /*remainder=*/false);
                })
                .Case([&](nn::RemOp) -> Value {
                  if (!isFloat)
                    return a.floorDivide(x[0], x[1], /*remainder=*/true);
                  Value quotient = a.floor(arith::DivFOp::create(b, loc, x[0], x[1]));
                  return arith::SubFOp::create(b, loc, x[0], arith::MulFOp::create(b, loc, quotient, x[1]));
                })
                .Case([&](nn::PowOp) { return isFloat ? math.pow(x[0], x[1]) : a.integerPower(x[0], x[1]); })
                .Case<nn::MaxOp, nn::MinOp>([&](Operation *) -> Value {
                  bool larger = isa<nn::MaxOp>(op);
                  if (!isFloat)
                    return combine(b, loc, larger ? nn::ReduceKind::Max : nn::ReduceKind::Min, type, x[0], x[1]);
                  if (isNumber(op->getOperand(0)))
                    return a.extreme(larger, x[1], x[0], true);
                  return a.extreme(larger, x[0], x[1], isNumber(op->getOperand(1)));
                })
                .Case([&](nn::AndOp) -> Value { return arith::AndIOp::create(b, loc, x[0], x[1]); })
                .Case([&](nn::OrOp) -> Value { return arith::OrIOp::create(b, loc, x[0], x[1]); })
                .Case([&](nn::CompareOp o) { return a.relation(o.getPredicate(), x[0], x[1], type); })
                .Case([&](nn::SelectOp) { return a.select(x[0], x[1], x[2]); })
                .Case([&](nn::ConvertOp) { return a.convert(x[0], type, resultType); })
                .DefaultUnreachable("an element-wise operation without a formula");
  if (narrow && resultType.isBF16())
    return a.convert(y, b.getF32Type(), resultType);
  return y;
}

} // namespace xfer::cpu
