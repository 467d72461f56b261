//===- BuiltinsMaking.cpp - tensors out of nothing: constants, indices, random draws ------------------------------===//

#include "compiler/Elaborate/Builtins.h"
#include <random>

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// The shape that is given, or that of what is initialised.
static std::optional<std::vector<Dim>> shapeArgument(Evaluator &evaluator, const Value &value, dsl::SourceRange range) {
  if (!value.isNone())
    return evaluator.shape(value, range);
  if (evaluator.surroundings.shape)
    return *evaluator.surroundings.shape;
  evaluator.error(range, "missing-argument",
                  "the shape can be left out only where a parameter or state is initialised");
  return std::nullopt;
}

template <int Number> static Value filled(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = shapeArgument(evaluator, given[0], range);
  return shape ? Value(evaluator.constant(Number, evaluator.builder().getF32Type(), *shape, range)) : Value();
}

static Value full(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = evaluator.shape(given[0], range);
  std::optional<Tensor> value = evaluator.toTensor(given[1], range);
  if (!shape || !value)
    return Value();
  std::optional<Tensor> result = evaluator.broadcast(*value, *shape, range);
  return result ? Value(*result) : Value();
}

static Value iota(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = evaluator.shape(given[0], range);
  if (!shape)
    return Value();
  if (shape->size() != 1)
    return evaluator.error(range, "bad-extent", "'iota' wants one extent");
  if (!shape->front().extent.isDynamic() && !llvm::isInt<32>(shape->front().extent.size))
    return evaluator.error(range, "bad-extent", "'iota' gives ints of 32 bits, which do not go that far");
  return Tensor{nn::IotaOp::create(evaluator.builder(), evaluator.location(range), nnExtents(*shape), 0),
                axesOf(*shape)};
}

/// Uniform numbers in [0, 1) from a seed: a constant. 24 bits of the 64-bit Mersenne twister, which is the same
/// everywhere.
static std::optional<Tensor> seeded(Evaluator &evaluator, llvm::ArrayRef<Dim> shape, llvm::ArrayRef<int64_t> extents,
                                    int64_t seed, llvm::StringRef part, dsl::SourceRange range) {
  double count = 1; // which does not overflow
  for (int64_t extent : extents)
    count *= static_cast<double>(extent);
  if (count > 0x1p20) {
    evaluator.error(range, "bad-extent", "a draw with a seed is a constant of at most 2^20 numbers");
    return std::nullopt;
  }
  auto type = RankedTensorType::get(extents, evaluator.builder().getF32Type());
  // The two draws behind one `normal` differ by their part.
  std::mt19937_64 generator(static_cast<uint64_t>(seed) * 3 + (part == "/u" ? 1 : part == "/v" ? 2 : 0));
  std::vector<float> numbers(type.getNumElements());
  for (float &number : numbers)
    number = static_cast<float>(generator() >> 40) * 0x1p-24f;
  mlir::Value value = nn::ConstantOp::create(evaluator.builder(), evaluator.location(range),
                                             DenseElementsAttr::get(type, llvm::ArrayRef<float>(numbers)));
  return Tensor{value, axesOf(shape)};
}

/// Uniform numbers in [0, 1): per sample inside per-sample code, else of the step; with a seed a constant.
static std::optional<Tensor> draw(Evaluator &evaluator, llvm::ArrayRef<Dim> shape, llvm::StringRef part,
                                  const Value &seed, dsl::SourceRange range) {
  SmallVector<int64_t> extents;
  // In evaluation mode a batch is a whole split, and each sample draws for itself.
  mlir::Value keys;
  if (seed.isNone() && !shape.empty() && shape.front().extent.isDynamic() && evaluator.iterations.empty() &&
      !evaluator.sampleKey)
    keys = evaluator.pipeline.sampleKeys(shape.front().extent);
  for (const Dim &dim : keys ? shape.drop_front() : shape) {
    if (dim.extent.isDynamic()) {
      evaluator.error(range, "bad-extent", "a random draw has static extents");
      return std::nullopt;
    }
    extents.push_back(dim.extent.size);
  }
  if (!seed.isNone()) {
    std::optional<int64_t> number = intArgument(evaluator, seed, std::nullopt, "seed", range);
    return number ? seeded(evaluator, shape, extents, *number, part, range) : std::nullopt;
  }
  std::string site = evaluator.siteText(range) + part.str();
  mlir::Value value = nn::RandomOp::create(evaluator.builder(), evaluator.location(range),
                                           keys ? keys : evaluator.key(), evaluator.siteNumber(site), extents);
  return Tensor{value, axesOf(shape)};
}

static Value uniform(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = shapeArgument(evaluator, given[0], range);
  std::optional<Tensor> value = shape ? draw(evaluator, *shape, "", given[1], range) : std::nullopt;
  return value ? Value(*value) : Value();
}

/// Box and Muller (1958): sqrt(-2 log(1 - u)) cos(2 pi v); 1 - u is never 0.
static Value normal(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = shapeArgument(evaluator, given[0], range);
  std::optional<Tensor> u = shape ? draw(evaluator, *shape, "/u", given[1], range) : std::nullopt,
                        v = shape ? draw(evaluator, *shape, "/v", given[1], range) : std::nullopt;
  if (!u || !v)
    return Value();
  using dsl::BinaryOp;
  OpBuilder &builder = evaluator.builder();
  Location where = evaluator.location(range);
  Value above = evaluator.binary(BinaryOp::Subtract, Value(1.0), Value(*u), range);
  Tensor logarithm{nn::LogOp::create(builder, where, above.tensor()->value), u->axes};
  Value square = evaluator.binary(BinaryOp::Multiply, Value(-2.0), Value(logarithm), range);
  Tensor radius{nn::SqrtOp::create(builder, where, square.tensor()->value), u->axes};
  Value angle = evaluator.binary(BinaryOp::Multiply, Value(6.283185307179586), Value(*v), range);
  Tensor cosine{nn::CosOp::create(builder, where, angle.tensor()->value), u->axes};
  return evaluator.binary(BinaryOp::Multiply, Value(radius), Value(cosine), range);
}

static Value uniformInt(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<std::vector<Dim>> shape = evaluator.shape(given[0], range);
  std::optional<Tensor> value = shape ? draw(evaluator, *shape, "", given[2], range) : std::nullopt;
  if (!value)
    return Value();
  // 24 bits are drawn, so that the largest possible product with `below` still rounds below it for below < 2^24.
  Value scaled = evaluator.binary(dsl::BinaryOp::Multiply, Value(*value), given[1], range);
  if (!scaled.tensor())
    return scaled;
  return Value(evaluator.convert(*scaled.tensor(), evaluator.builder().getI32Type(), range));
}

/// `permutation(n, seed: s)`: a constant; Fisher and Yates with the 64-bit Mersenne twister, which is the same
/// everywhere.
static Value permutation(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<int64_t> count = intArgument(evaluator, given[0], std::nullopt, "n", range),
                         seed = intArgument(evaluator, given[1], std::nullopt, "seed", range);
  if (!count || !seed)
    return Value();
  if (*count < 1 || *count > (int64_t(1) << 24))
    return evaluator.error(range, "bad-extent", "a permutation has 1 to 2^24 elements");
  std::vector<int32_t> order(*count);
  for (int64_t i = 0; i < *count; ++i)
    order[i] = static_cast<int32_t>(i);
  std::mt19937_64 generator(static_cast<uint64_t>(*seed));
  for (int64_t i = *count - 1; i > 0; --i)
    std::swap(order[i], order[generator() % static_cast<uint64_t>(i + 1)]);
  auto type = RankedTensorType::get({*count}, evaluator.builder().getI32Type());
  mlir::Value value = nn::ConstantOp::create(evaluator.builder(), evaluator.location(range),
                                             DenseElementsAttr::get(type, llvm::ArrayRef<int32_t>(order)));
  return Tensor{value, {0}};
}

static Value onehot(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (const Tensor *numbers = given[0].tensor(); numbers && isa<FloatType>(numbers->type().getElementType()))
    return evaluator.error(range, "wrong-element-type", "'onehot' wants labels or ints, found " + given[0].describe());
  std::optional<Tensor> y = evaluator.toTensor(given[0], range, evaluator.builder().getI32Type());
  if (!y)
    return Value();
  Dim classes;
  if (given[1].isNone()) {
    int64_t known = meaningOf(y->value).classes;
    if (!known)
      return evaluator.error(range, "missing-argument",
                             "'onehot' needs the number of classes, which this int does not carry");
    classes = Dim{Extent(known), 0};
  } else {
    std::optional<std::vector<Dim>> shape = evaluator.shape(given[1], range);
    if (!shape)
      return Value();
    if (shape->size() != 1)
      return evaluator.error(range, "bad-extent", "'onehot' wants one number of classes, found " + given[1].describe());
    classes = shape->front();
  }
  std::vector<Dim> shape = evaluator.shapeOf(*y);
  shape.push_back({Extent(1), 0});
  Location where = evaluator.location(range);
  OpBuilder &builder = evaluator.builder();
  Tensor column = reshapeTo(builder, where, *y, shape);
  shape.back() = classes;
  Tensor wide = broadcastTo(builder, where, column, shape);
  mlir::Value index = nn::IotaOp::create(builder, where, nnExtents(shape), static_cast<int64_t>(shape.size()) - 1);
  mlir::Value equal = nn::CompareOp::create(builder, where, nn::Predicate::eq, wide.value, index);
  return Value(evaluator.convert(Tensor{equal, axesOf(shape)}, builder.getF32Type(), range));
}

const Builtins &makingBuiltins() {
  static const Builtins all = {
      {"zeros", {"shape?"}, filled<0>},
      {"ones", {"shape?"}, filled<1>},
      {"full", {"shape", "value"}, full},
      {"iota", {"n"}, iota},
      {"uniform", {"shape?", "seed?"}, uniform},
      {"normal", {"shape?", "seed?"}, normal},
      {"uniform_int", {"shape", "below", "seed?"}, uniformInt},
      {"permutation", {"n", "seed"}, permutation},
      {"onehot", {"y", "k?"}, onehot},
  };
  return all;
}

} // namespace xfer
