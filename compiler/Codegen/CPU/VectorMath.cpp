//===- VectorMath.cpp - elementary functions without calls ------------------------------------------------------===//
//
// The scheme is the classic one of Cephes (Moshier 1992): reduce the argument to a small interval, evaluate a
// polynomial there, put the exponent back by integer arithmetic on the bits. The coefficients of erf are a least
// maximum fit of erf(x) / x - 1 in x^2 on [0, 0.9] and of log(erfc(x)) on [0.9, 3.95]; those of the others are
// Cephes'. NaN and infinities come out as IEEE wants: every clamp is a compare and select that keeps a NaN.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Codegen/CPU/VectorMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinTypes.h"

#include <limits>

using namespace mlir;

namespace xfer::cpu {

namespace {

Type withElement(Type like, Type element) {
  if (auto vector = dyn_cast<VectorType>(like))
    return vector.clone(element);
  return element;
}

bool isF32(Value x) { return getElementTypeOrSelf(x.getType()).isF32(); }

constexpr double infinity = std::numeric_limits<double>::infinity();

} // namespace

Value VectorMath::constant(Value like, double value) {
  Type type = like.getType();
  FloatAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, attr.getValue()));
  return arith::ConstantOp::create(b, loc, attr);
}

Type VectorMath::integerLike(Value like) {
  unsigned width = getElementTypeOrSelf(like.getType()).getIntOrFloatBitWidth();
  return withElement(like.getType(), b.getIntegerType(width));
}

Value VectorMath::integer(Value like, int64_t value) {
  Type type = integerLike(like);
  APInt number(getElementTypeOrSelf(type).getIntOrFloatBitWidth(), static_cast<uint64_t>(value), true, true);
  if (auto vector = dyn_cast<VectorType>(type))
    return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, number));
  return arith::ConstantOp::create(b, loc, b.getIntegerAttr(type, number));
}

Value VectorMath::add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
Value VectorMath::sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y); }
Value VectorMath::mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
Value VectorMath::div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
Value VectorMath::less(Value x, Value y) { return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, y); }
Value VectorMath::select(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }

Value VectorMath::fma(Value x, Value y, Value z) {
  if (fused)
    return math::FmaOp::create(b, loc, x, y, z);
  return add(mul(x, y), z);
}

// Horner's scheme, highest coefficient first.
Value VectorMath::polynomial(Value x, ArrayRef<double> coefficients) {
  Value sum = constant(x, coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = fma(sum, x, constant(x, coefficient));
  return sum;
}

// 2 ** exponent as f32 for i32 exponents from -126 to 127.
Value VectorMath::powerOfTwo(Value exponent) {
  Value biased = arith::AddIOp::create(b, loc, exponent, integer(exponent, 127));
  Value bits = arith::ShLIOp::create(b, loc, biased, integer(exponent, 23));
  return arith::BitcastOp::create(b, loc, withElement(exponent.getType(), b.getF32Type()), bits);
}

Value VectorMath::exp(Value x) {
  if (!isF32(x))
    return math::ExpOp::create(b, loc, x);
  Value low = constant(x, -104.0), high = constant(x, 89.0);
  Value clamped = select(less(x, low), low, x);
  clamped = select(less(high, clamped), high, clamped);
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
  Value magic = constant(x, 12582912.0);
  Value shifted = fma(clamped, constant(x, 1.44269504088896341), magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, constant(x, -0.693359375), clamped);
  r = fma(n, constant(x, 2.12194440054690583e-4), r);
  Value p = polynomial(
      r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1});
  p = add(fma(p, mul(r, r), r), constant(x, 1.0));
  // Two factors: the exponent reaches from -150 (denormal) to 128 (infinity).
  Value bits = arith::BitcastOp::create(b, loc, integerLike(x), shifted);
  Value exponent = arith::SubIOp::create(b, loc, bits, integer(x, 0x4b400000));
  Value half = arith::ShRSIOp::create(b, loc, exponent, integer(x, 1));
  Value rest = arith::SubIOp::create(b, loc, exponent, half);
  return mul(mul(p, powerOfTwo(half)), powerOfTwo(rest));
}

Value VectorMath::log(Value x) {
  if (!isF32(x))
    return math::LogOp::create(b, loc, x);
  Value smallest = constant(x, 1.17549435e-38);
  Value denormal = less(x, smallest);
  Value scaled = select(denormal, mul(x, constant(x, 8388608.0)), x);
  // x = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  Value root = integer(x, 0x3f3504f3);
  Value bits = arith::SubIOp::create(b, loc, arith::BitcastOp::create(b, loc, integerLike(x), scaled), root);
  Value exponent = arith::ShRSIOp::create(b, loc, bits, integer(x, 23));
  Value mantissa = arith::AndIOp::create(b, loc, bits, integer(x, 0x7fffff));
  mantissa = arith::AddIOp::create(b, loc, mantissa, root);
  Value e = arith::SIToFPOp::create(b, loc, x.getType(), exponent);
  e = select(denormal, sub(e, constant(x, 23.0)), e);
  Value f = sub(arith::BitcastOp::create(b, loc, x.getType(), mantissa), constant(x, 1.0));
  Value z = mul(f, f);
  Value y = polynomial(f, {7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
                           -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1});
  y = mul(mul(f, z), y);
  y = fma(e, constant(x, -2.12194440e-4), y);
  y = fma(z, constant(x, -0.5), y);
  Value result = fma(e, constant(x, 0.693359375), add(f, y));
  Value zero = constant(x, 0.0), inf = constant(x, infinity);
  Value isZero = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, zero);
  result = select(isZero, constant(x, -infinity), result);
  // Not below infinity: infinity itself and NaN, whose logarithms they are.
  Value ordinary = less(x, inf);
  result = select(ordinary, result, x);
  return select(less(x, zero), constant(x, std::numeric_limits<double>::quiet_NaN()), result);
}

Value VectorMath::tanh(Value x) {
  if (!isF32(x))
    return math::TanhOp::create(b, loc, x);
  Value z = mul(x, x);
  Value p =
      polynomial(z, {-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1});
  Value small = fma(mul(p, z), x, x);
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value one = constant(x, 1.0);
  Value e = exp(add(magnitude, magnitude));
  Value large = sub(one, div(constant(x, 2.0), add(e, one)));
  large = math::CopySignOp::create(b, loc, large, x);
  return select(less(magnitude, constant(x, 0.625)), small, large);
}

Value VectorMath::erf(Value x) {
  if (!isF32(x))
    return math::ErfOp::create(b, loc, x);
  Value z = mul(x, x);
  Value p = polynomial(z, {8.538839204252808e-05, -0.0008181927294685706, 0.005204436026952974, -0.02686075281177177,
                           0.11283719723083131, -0.37612635310386555, 0.1283791668023563});
  Value small = fma(x, p, x);
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value end = constant(x, 3.95);
  Value t = select(less(end, magnitude), end, magnitude);
  Value q = polynomial(t, {-2.0909556279200688e-05, 0.0004323030123405816, -0.00416052702444551, 0.025091496854473434,
                           -0.108236619437246, -0.6333866464738092, -1.1294951590993876, 0.00017055203839838213});
  Value one = constant(x, 1.0);
  Value large = select(less(magnitude, end), sub(one, exp(q)), one);
  large = math::CopySignOp::create(b, loc, large, x);
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  large = select(isNaN, x, large);
  return select(less(magnitude, constant(x, 0.9)), small, large);
}

// sin(x + quadrant * pi / 2): Cody and Waite's three-part reduction by pi / 2.
Value VectorMath::sine(Value x, int64_t quadrant) {
  Value magic = constant(x, 12582912.0);
  Value shifted = fma(x, constant(x, 0.636619772367581343), magic);
  Value n = sub(shifted, magic);
  Value r = fma(n, constant(x, -1.5703125), x);
  r = fma(n, constant(x, -4.837512969970703125e-4), r);
  r = fma(n, constant(x, -7.549789954891882e-8), r);
  Value z = mul(r, r);
  Value s = polynomial(z, {-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1});
  s = fma(mul(s, z), r, r);
  Value c = polynomial(z, {2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2});
  c = fma(mul(c, z), z, fma(z, constant(x, -0.5), constant(x, 1.0)));
  Value bits = arith::BitcastOp::create(b, loc, integerLike(x), shifted);
  bits = arith::AddIOp::create(b, loc, bits, integer(x, quadrant));
  auto bitSet = [&](int64_t bit) {
    Value part = arith::AndIOp::create(b, loc, bits, integer(x, bit));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, part, integer(x, 0));
  };
  Value result = select(bitSet(1), c, s);
  return select(bitSet(2), arith::NegFOp::create(b, loc, result), result);
}

Value VectorMath::sin(Value x) {
  if (!isF32(x))
    return math::SinOp::create(b, loc, x);
  return sine(x, 0);
}

Value VectorMath::cos(Value x) {
  if (!isF32(x))
    return math::CosOp::create(b, loc, x);
  return sine(x, 1);
}

// In f64, where 2 ** (y * log2(x)) of f32 arguments loses nothing: log2 by the series of artanh on
// [sqrt(1/2), sqrt(2)), the power by Taylor's.
Value VectorMath::pow(Value x, Value y) {
  if (!isF32(x))
    return math::PowFOp::create(b, loc, x, y);
  Type wide = withElement(x.getType(), b.getF64Type());
  auto widen = [&](Value value) -> Value { return arith::ExtFOp::create(b, loc, wide, value); };
  Value zero = constant(x, 0.0), one = constant(x, 1.0), inf = constant(x, infinity);
  Value magnitude = math::AbsFOp::create(b, loc, x);
  Value denormal = less(magnitude, constant(x, 1.17549435e-38));
  Value scaled = select(denormal, mul(magnitude, constant(x, 8388608.0)), magnitude);
  Value root = integer(x, 0x3f3504f3);
  Value bits = arith::SubIOp::create(b, loc, arith::BitcastOp::create(b, loc, integerLike(x), scaled), root);
  Value exponent = arith::ShRSIOp::create(b, loc, bits, integer(x, 23));
  Value mantissa = arith::AddIOp::create(b, loc, arith::AndIOp::create(b, loc, bits, integer(x, 0x7fffff)), root);
  Value less23 = arith::SubIOp::create(b, loc, exponent, integer(x, 23));
  exponent = select(denormal, less23, exponent);
  Value m = widen(arith::BitcastOp::create(b, loc, x.getType(), mantissa));
  Value unit = constant(m, 1.0);
  Value s = div(sub(m, unit), add(m, unit));
  // 2 / ln 2 * (s + s^3 / 3 + ... + s^15 / 15): the next term is below 1e-14.
  SmallVector<double> series;
  for (int k = 15; k >= 1; k -= 2)
    series.push_back(2.8853900817779268 / k);
  Value logarithm = mul(s, polynomial(mul(s, s), series));
  logarithm = add(logarithm, arith::SIToFPOp::create(b, loc, wide, exponent));
  Value t = mul(widen(y), logarithm);
  Value low = constant(t, -200.0), high = constant(t, 200.0);
  t = select(less(t, low), low, t);
  t = select(less(high, t), high, t);
  Value magic = constant(t, 6755399441055744.0);
  Value n = sub(add(t, magic), magic);
  Value r = mul(sub(t, n), constant(t, 0.693147180559945309));
  SmallVector<double> taylor;
  double factorial = 1.0;
  for (int k = 0; k <= 9; ++k, factorial *= k)
    taylor.insert(taylor.begin(), 1.0 / factorial);
  Value p = arith::TruncFOp::create(b, loc, x.getType(), polynomial(r, taylor));
  Value n32 = arith::FPToSIOp::create(b, loc, integerLike(x), n);
  Value half = arith::ShRSIOp::create(b, loc, n32, integer(x, 1));
  Value rest = arith::SubIOp::create(b, loc, n32, half);
  Value result = mul(mul(p, powerOfTwo(half)), powerOfTwo(rest));
  auto equal = [&](Value u, Value v) -> Value {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, u, v);
  };
  auto either = [&](Value u, Value v) -> Value { return arith::OrIOp::create(b, loc, u, v); };
  // Zero and infinity: the answer is zero, or infinity when y has the other sign.
  Value isZero = equal(magnitude, zero), isInf = equal(magnitude, inf), falling = less(y, zero);
  result = select(isZero, select(falling, inf, zero), result);
  result = select(isInf, select(falling, zero, inf), result);
  // A negative base wants an integer exponent, whose parity gives the sign. From 2^24 on all are even.
  Value yMagnitude = math::AbsFOp::create(b, loc, y);
  Value huge = less(constant(x, 16777215.0), yMagnitude);
  Value small = select(huge, zero, y);
  Value whole = arith::FPToSIOp::create(b, loc, integerLike(x), small);
  Value isWhole = equal(arith::SIToFPOp::create(b, loc, x.getType(), whole), small);
  Value odd = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne,
                                    arith::AndIOp::create(b, loc, whole, integer(x, 1)), integer(x, 0));
  Value negated = select(odd, arith::NegFOp::create(b, loc, result), result);
  negated = select(either(isWhole, isInf), negated, constant(x, std::numeric_limits<double>::quiet_NaN()));
  result = select(less(x, zero), negated, result);
  Value sum = add(x, y);
  Value anyNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, y);
  result = select(anyNaN, sum, result);
  return select(either(equal(y, zero), equal(x, one)), one, result);
}

} // namespace xfer::cpu
