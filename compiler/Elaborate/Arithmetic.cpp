//===- Arithmetic.cpp - operators on numbers, tensors and trees -------------------------------------------------===//
//
// Numbers stay numbers until they meet a tensor. Two tensors meet by rule 35 of the language: of equal rank an extent
// of 1 stretches; of lower rank the extents must be the last ones of the other; a tensor without axes fits anywhere.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Elaborate/Builtins.h"
#include <cmath>

using namespace mlir;
using llvm::Twine;

namespace xfer {

std::vector<Dim> Evaluator::shapeOf(const Tensor &tensor) const {
  std::vector<Dim> dims;
  for (auto [extent, axis] : llvm::zip_equal(extentsOf(tensor.value), tensor.axes))
    dims.push_back({extent, axis});
  return dims;
}

Tensor Evaluator::constant(double value, Type element, llvm::ArrayRef<Dim> shape, dsl::SourceRange range) {
  Location where = location(range);
  auto scalarType = RankedTensorType::get({}, element);
  mlir::Value scalar = nn::ConstantOp::create(
      builder(), where, DenseElementsAttr::get(scalarType, numberAttr(builder(), element, value)));
  Tensor tensor{scalar, {}};
  if (shape.empty())
    return tensor;
  return broadcastTo(builder(), where, tensor, shape);
}

Tensor Evaluator::convert(const Tensor &tensor, Type element, dsl::SourceRange range) {
  if (tensor.type().getElementType() == element)
    return tensor;
  return {nn::ConvertOp::create(builder(), location(range), tensor.value, element), tensor.axes};
}

/// The numbers of a list, or of lists of equal lengths, row by row; false where there is anything else.
static bool collectNumbers(const List &list, SmallVectorImpl<int64_t> &shape, std::vector<double> &numbers,
                           bool &integers, size_t depth = 0) {
  if (depth == shape.size())
    shape.push_back(list.elements.size());
  if (list.elements.empty() || shape[depth] != static_cast<int64_t>(list.elements.size()))
    return false;
  for (const Value &one : list.elements) {
    if (one.list()) {
      if (!collectNumbers(*one.list(), shape, numbers, integers, depth + 1))
        return false;
      continue;
    }
    if (!one.asNumber() || shape.size() != depth + 1)
      return false;
    integers &= one.asInteger().has_value();
    numbers.push_back(*one.asNumber());
  }
  return true;
}

/// A (nested) list of numbers is one constant: `mean: [0.49, 0.48, 0.45]`.
static std::optional<Tensor> constantOf(Evaluator &evaluator, const List &list, Type element, dsl::SourceRange range) {
  SmallVector<int64_t> shape;
  std::vector<double> numbers;
  bool integers = true;
  if (!collectNumbers(list, shape, numbers, integers))
    return std::nullopt;
  OpBuilder &builder = evaluator.builder();
  if (!element)
    element = integers ? Type(builder.getI32Type()) : Type(builder.getF32Type());
  if (element.isInteger(32) && !llvm::all_of(numbers, [](double number) { return std::abs(number) < 0x1p31; }))
    return std::nullopt; // which is said of the number alone
  SmallVector<Attribute> attributes;
  for (double number : numbers)
    attributes.push_back(numberAttr(builder, element, number));
  auto type = RankedTensorType::get(shape, element);
  mlir::Value value =
      nn::ConstantOp::create(builder, evaluator.location(range), DenseElementsAttr::get(type, attributes));
  return Tensor{value, llvm::SmallVector<AxisId>(shape.size(), 0)};
}

std::optional<Tensor> Evaluator::toTensor(const Value &value, dsl::SourceRange range, Type element) {
  if (auto *tensor = value.tensor())
    return element ? convert(*tensor, element, range) : *tensor;
  if (value.isPoison())
    return std::nullopt;
  if (auto *dim = value.get<Dim>(); dim && dim->extent.isDynamic()) {
    auto type = RankedTensorType::get({}, builder().getI32Type());
    Tensor size{function().argument(pipeline::BindKind::Extent, dim->extent.symbol, type), {}};
    return element ? convert(size, element, range) : size;
  }
  if (auto *list = value.list(); list && !list->elements.empty()) {
    if (std::optional<Tensor> constant = constantOf(*this, *list, element, range))
      return constant;
    std::vector<Tensor> tensors;
    Type common = element;
    for (const Value &part : list->elements) {
      std::optional<Tensor> tensor = toTensor(part, range, element);
      if (!tensor)
        return std::nullopt;
      if (!common || tensor->type().getElementType().isF32())
        common = tensor->type().getElementType();
      tensors.push_back(*tensor);
    }
    for (Tensor &tensor : tensors) {
      if (tensor.type().getShape() != tensors.front().type().getShape()) {
        error(range, "shapes-differ",
              "a list that stands for a tensor has elements of one shape, found " +
                  describeDims(shapeOf(tensors.front())) + " and " + describeDims(shapeOf(tensor)));
        return std::nullopt;
      }
      tensor = convert(tensor, common, range);
    }
    return stack(builder(), location(range), tensors);
  }
  if (auto *flag = value.get<bool>())
    return constant(*flag, element ? element : builder().getI1Type(), {}, range);
  if (auto number = value.asInteger()) {
    Type stored = element ? element : builder().getI32Type();
    if (stored.isInteger(32) && !llvm::isInt<32>(*number)) {
      error(range, "integer-overflow",
            "a tensor holds ints of 32 bits, and " + Twine(*number) + " has more; write a float, such as 1e12");
      return std::nullopt;
    }
    return constant(static_cast<double>(*number), stored, {}, range);
  }
  if (auto number = value.asNumber())
    return constant(*number, element ? element : builder().getF32Type(), {}, range);
  error(range, "not-a-tensor", "expected a tensor or a number, found " + value.describe());
  return std::nullopt;
}

std::optional<Tensor> Evaluator::broadcast(const Tensor &tensor, llvm::ArrayRef<Dim> shape, dsl::SourceRange range) {
  std::vector<Dim> own = shapeOf(tensor);
  bool fits = own.size() <= shape.size();
  for (size_t i = 0; fits && i < own.size(); ++i) {
    const Dim &target = shape[shape.size() - own.size() + i];
    bool stretches = own.size() == shape.size() && own[i].extent.size == 1;
    fits = own[i].extent == target.extent || stretches;
  }
  if (!fits) {
    error(range, "shapes-differ", "a tensor " + describeDims(own) + " does not fit the shape " + describeDims(shape));
    return std::nullopt;
  }
  std::vector<Dim> target(shape.begin(), shape.end());
  Tensor wanted{{}, axesOf(shape)};
  for (size_t i = 0; i < own.size(); ++i) {
    size_t at = shape.size() - own.size() + i;
    if (own[i].extent != shape[at].extent || !own[i].axis)
      continue;
    std::optional<AxisId> axis = meet(tensor, i, wanted, at, range);
    if (!axis)
      return std::nullopt;
    if (isRagged(tensor, i) || !shape[at].axis || !raggedAmong(tensor, {static_cast<int64_t>(i)}).empty())
      target[at].axis = *axis;
  }
  return broadcastTo(builder(), location(range), tensor, target);
}

bool Evaluator::unify(Tensor &a, Tensor &b, dsl::SourceRange range) {
  Type elementA = a.type().getElementType(), elementB = b.type().getElementType();
  if (elementA != elementB) {
    auto rank = [](Type type) {
      return llvm::isa<FloatType>(type) ? 3 : type.isUnsignedInteger(8) ? 1 : type.isInteger(1) ? 0 : 2;
    };
    Type common = rank(elementA) >= rank(elementB) ? elementA : elementB;
    a = convert(a, common, range);
    b = convert(b, common, range);
  }
  std::vector<Dim> shapeA = shapeOf(a), shapeB = shapeOf(b), shape;
  size_t rank = std::max(shapeA.size(), shapeB.size());
  bool equalRank = shapeA.size() == shapeB.size();
  for (size_t i = 0; i < rank; ++i) {
    const Dim *x = i + shapeA.size() >= rank ? &shapeA[i + shapeA.size() - rank] : nullptr;
    const Dim *y = i + shapeB.size() >= rank ? &shapeB[i + shapeB.size() - rank] : nullptr;
    if (!x || !y) {
      shape.push_back(x ? *x : *y);
    } else if (x->extent == y->extent) {
      std::optional<AxisId> axis = meet(a, i + shapeA.size() - rank, b, i + shapeB.size() - rank, range);
      if (!axis)
        return false;
      shape.push_back({x->extent, *axis});
    } else if (equalRank && (x->extent.size == 1 || y->extent.size == 1)) {
      shape.push_back(x->extent.size == 1 ? *y : *x);
    } else {
      error(range, "shapes-differ",
            "shapes " + describeDims(shapeA) + " and " + describeDims(shapeB) + " do not fit" +
                (equalRank ? Twine(": each extent must equal the other's, or be 1")
                           : Twine(": of lower rank, the extents must equal the last ones")));
      return false;
    }
  }
  a = broadcastTo(builder(), location(range), a, shape);
  b = broadcastTo(builder(), location(range), b, shape);
  return true;
}

//===--- operators ----------------------------------------------------------------------------------------------===//

static int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static Value reportDivisionByZero(Evaluator &evaluator, dsl::SourceRange range) {
  return evaluator.error(range, "division-by-zero", "division by zero");
}

Value reportOverflow(Evaluator &evaluator, dsl::SourceRange range) {
  return evaluator.error(range, "integer-overflow",
                         "the result does not fit an int, which has 64 bits; write a float, such as 10.0 ** 30");
}

static std::optional<int64_t> power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i)
    if (__builtin_mul_overflow(result, base, &result))
      return std::nullopt;
  return result;
}

using Operator = dsl::BinaryOp;

static bool isComparison(Operator op) {
  return op == Operator::Less || op == Operator::LessEqual || op == Operator::Greater || op == Operator::GreaterEqual ||
         op == Operator::Equal || op == Operator::NotEqual;
}

static nn::Predicate predicate(Operator op) {
  switch (op) {
  case Operator::Less:
    return nn::Predicate::lt;
  case Operator::LessEqual:
    return nn::Predicate::le;
  case Operator::Greater:
    return nn::Predicate::gt;
  case Operator::GreaterEqual:
    return nn::Predicate::ge;
  case Operator::Equal:
    return nn::Predicate::eq;
  default:
    return nn::Predicate::ne;
  }
}

template <typename T> static bool compare(Operator op, const T &a, const T &b) {
  switch (op) {
  case Operator::Less:
    return a < b;
  case Operator::LessEqual:
    return a <= b;
  case Operator::Greater:
    return a > b;
  case Operator::GreaterEqual:
    return a >= b;
  case Operator::Equal:
    return a == b;
  default:
    return a != b;
  }
}

/// Of lists and strings: doubling one in a loop must not fill the compiler's memory.
static constexpr size_t maxLength = size_t(1) << 20;

/// Sizes of splits, and whole numbers beside them, add up to an extent.
static std::optional<Dim> sumOfDims(const Value &a, const Value &b) {
  auto extentOf = [](const Value &value) -> std::optional<Extent> {
    if (auto *dim = value.get<Dim>())
      return dim->extent;
    auto *number = value.get<int64_t>();
    return number && *number >= 0 ? std::optional<Extent>(*number) : std::nullopt;
  };
  std::optional<Extent> x = extentOf(a), y = extentOf(b);
  if (!x || !y || (!x->isDynamic() && !y->isDynamic()))
    return std::nullopt;
  return Dim{Extent::sum(*x, *y), 0};
}

/// Both sides known at compile time; nothing where the operator has no meaning for them.
static std::optional<Value> fold(Evaluator &evaluator, Operator op, const Value &a, const Value &b,
                                 dsl::SourceRange range) {
  if (a.text() && b.text()) {
    if (op == Operator::Add && a.text()->size() + b.text()->size() > maxLength)
      return evaluator.error(range, "list-too-long", "a string has at most " + Twine(maxLength) + " characters");
    if (op == Operator::Add)
      return Value(*a.text() + *b.text());
    if (isComparison(op))
      return Value(compare(op, *a.text(), *b.text()));
    return std::nullopt;
  }
  if (a.list() && b.list() && op == Operator::Add) {
    if (a.list()->elements.size() + b.list()->elements.size() > maxLength)
      return evaluator.error(range, "list-too-long", "a list has at most " + Twine(maxLength) + " elements");
    std::vector<Value> all = a.list()->elements;
    all.insert(all.end(), b.list()->elements.begin(), b.list()->elements.end());
    return Value::list(std::move(all));
  }
  if (auto *flagA = a.get<bool>())
    if (auto *flagB = b.get<bool>()) {
      if (op == Operator::And)
        return Value(*flagA && *flagB);
      if (op == Operator::Or)
        return Value(*flagA || *flagB);
    }
  if (op == Operator::Add)
    if (std::optional<Dim> sum = sumOfDims(a, b))
      return Value(*sum);
  auto x = a.asNumber(), y = b.asNumber();
  if (!x || !y)
    return std::nullopt;
  auto i = a.asInteger(), j = b.asInteger();
  bool integers = i && j;
  if (isComparison(op)) // of large ints exactly, which as floats would be equal
    return Value(integers ? compare(op, *i, *j) : compare(op, *x, *y));
  switch (op) {
  case Operator::Add:
  case Operator::Subtract:
  case Operator::Multiply: {
    if (!integers)
      return Value(op == Operator::Add ? *x + *y : op == Operator::Subtract ? *x - *y : *x * *y);
    int64_t result;
    bool overflow = op == Operator::Add        ? __builtin_add_overflow(*i, *j, &result)
                    : op == Operator::Subtract ? __builtin_sub_overflow(*i, *j, &result)
                                               : __builtin_mul_overflow(*i, *j, &result);
    if (overflow)
      return reportOverflow(evaluator, range);
    return Value(result);
  }
  case Operator::Divide:
    if (*y == 0)
      return reportDivisionByZero(evaluator, range);
    return Value(*x / *y);
  case Operator::FloorDivide:
  case Operator::Modulo:
    if (*y == 0)
      return reportDivisionByZero(evaluator, range);
    if (integers && *j == -1) // the one quotient that may overflow
      return op == Operator::Modulo ? Value(int64_t(0)) : evaluator.unary(dsl::UnaryOp::Negate, a, range);
    if (integers)
      return Value(op == Operator::FloorDivide ? floorDivide(*i, *j) : *i - floorDivide(*i, *j) * *j);
    return Value(op == Operator::FloorDivide ? std::floor(*x / *y) : *x - std::floor(*x / *y) * *y);
  case Operator::Power:
    if (integers && *j >= 0) {
      if (auto result = power(*i, std::min<int64_t>(*j, 64)); result && *j <= 64)
        return Value(*result);
      return reportOverflow(evaluator, range);
    }
    return Value(std::pow(*x, *y));
  default:
    return std::nullopt;
  }
}

/// `[.., i] @ [i, o]`, or `[b.., m, k] @ [b.., k, n]` with equal axes before the last two.
static Value matmul(Evaluator &evaluator, Tensor a, Tensor b, dsl::SourceRange range) {
  std::vector<Dim> shapeA = evaluator.shapeOf(a), shapeB = evaluator.shapeOf(b);
  Type f32 = evaluator.builder().getF32Type();
  a = evaluator.convert(a, f32, range);
  b = evaluator.convert(b, f32, range);
  size_t rankA = shapeA.size(), rankB = shapeB.size();
  bool fits = rankA >= 1 && rankB >= 1;
  size_t contracted = rankB == 1 ? 0 : rankB - 2;
  size_t batch = rankB > 2 ? rankB - 2 : 0;
  fits = fits && shapeA.back().extent == shapeB[contracted].extent && (batch == 0 || rankA == rankB);
  for (size_t i = 0; fits && i < batch; ++i)
    fits = shapeA[i].extent == shapeB[i].extent;
  if (!fits)
    return evaluator.error(range, "shapes-differ",
                           "'@' multiplies [.., i] by [i, o], found " + describeDims(shapeA) + " and " +
                               describeDims(shapeB));
  SmallVector<int64_t> batchAxes;
  for (size_t i = 0; i < batch; ++i)
    batchAxes.push_back(i);
  int64_t last = static_cast<int64_t>(rankA) - 1, first = static_cast<int64_t>(contracted);
  if (!evaluator.meet(a, last, b, first, range))
    return Value();
  for (size_t i = 0; i < batch; ++i) {
    std::optional<AxisId> axis = evaluator.meet(a, i, b, i, range);
    if (!axis)
      return Value();
    a.axes[i] = *axis;
  }
  a = evaluator.withoutPadding(a, last, range);
  b = evaluator.withoutPadding(b, first, range);
  llvm::SmallVector<AxisId> axes(a.axes.begin(), a.axes.end() - 1);
  if (rankB > 1)
    axes.push_back(b.axes.back());
  mlir::Value product = nn::ContractOp::create(evaluator.builder(), evaluator.location(range), a.value, b.value,
                                               batchAxes, batchAxes, ArrayRef<int64_t>(last), ArrayRef<int64_t>(first));
  return Tensor{product, axes};
}

template <typename Op>
static Value create(Evaluator &evaluator, const Tensor &a, const Tensor &b, dsl::SourceRange range) {
  return Tensor{Op::create(evaluator.builder(), evaluator.location(range), a.value, b.value), a.axes};
}

Value Evaluator::binary(Operator op, const Value &a, const Value &b, dsl::SourceRange range) {
  if (a.isPoison() || b.isPoison())
    return Value();
  if ((op == Operator::Equal || op == Operator::NotEqual) && (a.isNone() || b.isNone()))
    return Value((a.isNone() && b.isNone()) == (op == Operator::Equal));
  if (a.tree() || b.tree() || a.module() || b.module()) {
    if (isComparison(op) || op == Operator::MatMul || op == Operator::And || op == Operator::Or)
      return error(range, "bad-operands", "this operator has no meaning for modules and trees");
    Value result =
        overLeaves({a, b}, range, [&](llvm::ArrayRef<Value> parts) { return binary(op, parts[0], parts[1], range); });
    // module - module is a tree; module +- tree is a module (the states come from the left).
    bool makesModule = (op == Operator::Add || op == Operator::Subtract) && a.module() && !b.module() &&
                       !(result.tree() && result.tree()->stacked);
    return makesModule && result.tree() ? withParameters(*a.module(), *result.tree()) : result;
  }
  if (!a.tensor() && !b.tensor()) {
    if (auto folded = fold(*this, op, a, b, range))
      return *folded;
    auto dynamic = [](const Value &value) { return value.get<Dim>() != nullptr; };
    if (!dynamic(a) && !dynamic(b))
      return error(range, "bad-operands", "this operator cannot combine " + a.describe() + " and " + b.describe());
  }
  bool divides = op == Operator::Divide || op == Operator::FloorDivide || op == Operator::Modulo;
  if (divides && !b.tensor() && b.isNumber() && b.asNumber() == 0)
    return reportDivisionByZero(*this, range);
  std::optional<Tensor> x = toTensor(a, range), y = toTensor(b, range);
  if (!x || !y)
    return Value();
  if (op == Operator::MatMul)
    return matmul(*this, *x, *y, range);
  // A number takes the element type of the tensor that it meets, unless that would lose a fraction.
  auto adapt = [&](const Value &number, Tensor &own, const Tensor &other) {
    if (number.tensor() || !number.isNumber() || number.get<bool>())
      return;
    Type element = other.type().getElementType();
    if (llvm::isa<FloatType>(element))
      own = constant(*number.asNumber(), element, {}, range);
  };
  adapt(a, *x, *y);
  adapt(b, *y, *x);
  if (!unify(*x, *y, range))
    return Value();
  Type element = x->type().getElementType();
  Location where = location(range);
  if (op == Operator::And || op == Operator::Or) {
    if (!element.isInteger(1))
      return error(range, "bad-operands",
                   "'and' and 'or' want bool tensors, found " + a.describe() + " and " + b.describe());
    return op == Operator::And ? create<nn::AndOp>(*this, *x, *y, range) : create<nn::OrOp>(*this, *x, *y, range);
  }
  if (isComparison(op))
    return Tensor{nn::CompareOp::create(builder(), where, predicate(op), x->value, y->value), x->axes};
  auto both = [&](Type type) {
    *x = convert(*x, type, range);
    *y = convert(*y, type, range);
    element = type;
  };
  if (element.isInteger(1) || element.isUnsignedInteger(8))
    both(builder().getI32Type());
  if (op == Operator::Divide && !llvm::isa<FloatType>(element))
    both(builder().getF32Type());
  switch (op) {
  case Operator::Add:
    return create<nn::AddOp>(*this, *x, *y, range);
  case Operator::Subtract:
    return create<nn::SubOp>(*this, *x, *y, range);
  case Operator::Multiply:
    return create<nn::MulOp>(*this, *x, *y, range);
  case Operator::Divide:
    return create<nn::DivOp>(*this, *x, *y, range);
  case Operator::FloorDivide: {
    Value quotient = create<nn::DivOp>(*this, *x, *y, range);
    if (!llvm::isa<FloatType>(element))
      return quotient;
    return Tensor{nn::FloorOp::create(builder(), where, quotient.tensor()->value), x->axes};
  }
  case Operator::Modulo:
    return create<nn::RemOp>(*this, *x, *y, range);
  case Operator::Power:
    return create<nn::PowOp>(*this, *x, *y, range);
  default:
    return error(range, "bad-operands", "this operator cannot combine " + a.describe() + " and " + b.describe());
  }
}

Value Evaluator::unary(dsl::UnaryOp op, const Value &x, dsl::SourceRange range) {
  if (x.isPoison())
    return x;
  if (x.tree() || x.module())
    return overLeaves({x}, range, [&](llvm::ArrayRef<Value> parts) { return unary(op, parts[0], range); });
  bool negates = op == dsl::UnaryOp::Negate;
  if (auto *flag = x.get<bool>(); flag && !negates)
    return Value(!*flag);
  if (auto number = x.asInteger(); number && negates) {
    int64_t result;
    if (__builtin_sub_overflow(int64_t(0), *number, &result))
      return reportOverflow(*this, range);
    return Value(result);
  }
  if (auto number = x.asNumber(); number && negates)
    return Value(-*number);
  std::optional<Tensor> tensor = toTensor(x, range);
  if (!tensor)
    return Value();
  if (negates) {
    Type element = tensor->type().getElementType();
    if (element.isInteger(1) || element.isUnsignedInteger(8))
      *tensor = convert(*tensor, builder().getI32Type(), range);
    return Tensor{nn::NegOp::create(builder(), location(range), tensor->value), tensor->axes};
  }
  if (!tensor->type().getElementType().isInteger(1))
    return error(range, "bad-operands", "'not' wants a bool, found " + x.describe());
  return Tensor{nn::NotOp::create(builder(), location(range), tensor->value), tensor->axes};
}

} // namespace xfer
