//===- Elementwise.cpp - element-wise operations and random numbers, plainly ------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/TypeSwitch.h"
#include <cmath>

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static Tensors unary(Inputs in, double (*function)(double)) {
  HostTensor result = in[0];
  for (double &value : result.values)
    value = function(value);
  return {result};
}

static Tensors binary(Inputs in, Type element, function_ref<double(double, double)> function) {
  HostTensor result(element, in[0].shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.values[i] = function(in[0].values[i], in[1].values[i]);
  return {result};
}

static double integerPower(double base, double exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (int64_t(exponent) % 2 ? -1 : 1) : 0;
  int64_t result = 1;
  for (int64_t i = 0; i < int64_t(exponent); ++i)
    result = int32_t(uint32_t(result) * uint32_t(int64_t(base)));
  return double(result);
}

static double integerProduct(double a, double b) {
  return double(int32_t(uint32_t(int64_t(a)) * uint32_t(int64_t(b))));
}

static bool holds(nn::Predicate predicate, double a, double b) {
  switch (predicate) {
  case nn::Predicate::eq:
    return a == b;
  case nn::Predicate::ne:
    return a != b;
  case nn::Predicate::lt:
    return a < b;
  case nn::Predicate::le:
    return a <= b;
  case nn::Predicate::gt:
    return a > b;
  case nn::Predicate::ge:
    return a >= b;
  }
  llvm_unreachable("unknown predicate");
}

static double convert(double x, Type from, Type to) {
  if (!isa<FloatType>(from) || isa<FloatType>(to))
    return x;
  if (to.isInteger(1))
    return x != 0;
  if (std::isnan(x))
    return 0;
  bool isByte = to.isUnsignedInteger(8);
  double low = isByte ? 0 : -std::ldexp(1, to.getIntOrFloatBitWidth() - 1);
  double high = isByte ? 255 : std::ldexp(1, to.getIntOrFloatBitWidth() - 1) - 1;
  return std::trunc(std::min(std::max(x, low), high));
}

static Tensors convertAll(nn::ConvertOp op, Inputs in) {
  HostTensor result(op.getType().getElementType(), in[0].shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.values[i] = convert(in[0].values[i], in[0].element, result.element);
  return {result};
}

static Tensors selectAll(Inputs in) {
  HostTensor result = in[1];
  for (int64_t i = 0; i < result.size(); ++i)
    result.values[i] = in[0].values[i] ? in[1].values[i] : in[2].values[i];
  return {result};
}

std::optional<Tensors> xfer::reference::elementwise(Operation *op, Inputs in) {
  using Result = std::optional<Tensors>;
  Type element = cast<RankedTensorType>(op->getResult(0).getType()).getElementType();
  bool real = !in.empty() && isa<FloatType>(in[0].element);
  auto two = [&](function_ref<double(double, double)> function) -> Result { return binary(in, element, function); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](nn::NegOp) { return unary(in, [](double x) { return -x; }); })
      .Case([&](nn::ExpOp) { return unary(in, [](double x) { return std::exp(x); }); })
      .Case([&](nn::LogOp) { return unary(in, [](double x) { return std::log(x); }); })
      .Case([&](nn::SqrtOp) { return unary(in, [](double x) { return std::sqrt(x); }); })
      .Case([&](nn::TanhOp) { return unary(in, [](double x) { return std::tanh(x); }); })
      .Case([&](nn::ErfOp) { return unary(in, [](double x) { return std::erf(x); }); })
      .Case([&](nn::SinOp) { return unary(in, [](double x) { return std::sin(x); }); })
      .Case([&](nn::CosOp) { return unary(in, [](double x) { return std::cos(x); }); })
      .Case([&](nn::FloorOp) { return unary(in, [](double x) { return std::floor(x); }); })
      .Case([&](nn::AbsOp) { return unary(in, [](double x) { return std::fabs(x); }); })
      .Case([&](nn::SignOp) { return unary(in, [](double x) { return std::isnan(x) ? x : (x > 0) - (x < 0); }); })
      .Case([&](nn::NotOp) { return unary(in, [](double x) { return 1 - x; }); })
      .Case([&](nn::AddOp) { return two([](double a, double b) { return a + b; }); })
      .Case([&](nn::SubOp) { return two([](double a, double b) { return a - b; }); })
      .Case([&](nn::MulOp) { return two([&](double a, double b) { return real ? a * b : integerProduct(a, b); }); })
      .Case([&](nn::DivOp) {
        return two([&](double a, double b) { return real ? a / b : b == 0 ? 0 : std::floor(a / b); });
      })
      .Case([&](nn::RemOp) {
        return two([&](double a, double b) { return !real && b == 0 ? a : a - std::floor(a / b) * b; });
      })
      .Case([&](nn::PowOp) {
        return two([&](double a, double b) { return real ? std::pow(a, b) : integerPower(a, b); });
      })
      .Case([&](nn::MaxOp) { return two([](double a, double b) { return std::isnan(a) || a > b ? a : b; }); })
      .Case([&](nn::MinOp) { return two([](double a, double b) { return std::isnan(a) || a < b ? a : b; }); })
      .Case([&](nn::AndOp) { return two([](double a, double b) { return a && b; }); })
      .Case([&](nn::OrOp) { return two([](double a, double b) { return a || b; }); })
      .Case([&](nn::CompareOp compare) {
        return two([&](double a, double b) { return holds(compare.getPredicate(), a, b); });
      })
      .Case([&](nn::SelectOp) { return selectAll(in); })
      .Case([&](nn::ConvertOp convert) { return convertAll(convert, in); })
      .Case<nn::StopGradientOp, nn::ScaleGradientOp, nn::AnnotateOp>([&](auto) { return Tensors{in[0]}; })
      .Default([](Operation *) { return Result(); });
}

double xfer::reference::philoxUniform(const uint32_t key[4], uint64_t site, uint64_t number) {
  uint32_t k0 = key[0] ^ uint32_t(site), k1 = key[1] ^ uint32_t(site >> 32);
  uint64_t block = number / 4;
  uint32_t c[4] = {uint32_t(block), uint32_t(block >> 32), key[2], key[3]};
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0], p1 = uint64_t(0xCD9E8D57) * c[2];
    uint32_t next[4] = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1, uint32_t(p0)};
    std::copy(next, next + 4, c);
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  return double(c[number % 4] >> 8) * 0x1p-24;
}
