//===- BuiltinsGradient.cpp - derivatives, and what they see ------------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

/// Can it move a little?
static bool isFloats(const Value &value) {
  return value.tensor() && llvm::isa<FloatType>(value.tensor()->type().getElementType());
}

Value Evaluator::gradient(const Value &e, const Value &wrt, dsl::SourceRange range) {
  std::optional<Tensor> loss = toTensor(e, range, builder().getF32Type());
  if (!loss || wrt.isPoison())
    return Value();
  if (loss->rank() != 0)
    return error(range, "gradient-of-tensor",
                 "a gradient is taken of a scalar, found " + e.describe() + "; take its 'sum' or 'mean'");
  std::shared_ptr<const Tree> tree = isTree(wrt) ? treeOf(wrt, range) : nullptr;
  SmallVector<mlir::Value> values;
  if (tree) {
    for (auto &[path, value] : tree->leaves) {
      if (!isFloats(value))
        return error(range, "gradient-of-nothing",
                     "'wrt' is a tree of values of the program; its leaf '" + path + "' is " + value.describe());
      values.push_back(value.tensor()->value);
    }
  } else {
    if (!isFloats(wrt))
      return error(range, "gradient-of-nothing",
                   "'wrt' is a value of the program, a module or a tree, found " + wrt.describe());
    values.push_back(wrt.tensor()->value);
  }
  auto op = nn::GradientOp::create(builder(), location(range), loss->value, values);
  if (!tree)
    return Value(Tensor{op.getResult(0), wrt.tensor()->axes});
  auto result = std::make_shared<Tree>();
  result->partial = tree->partial;
  for (auto [i, leaf] : llvm::enumerate(tree->leaves))
    result->leaves[leaf.first] = Value(Tensor{op.getResult(i), leaf.second.tensor()->axes});
  return Value(std::shared_ptr<const Tree>(result));
}

static Value grad(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return evaluator.gradient(given[0], given[1], range);
}

static Value stopGradient(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  return lift(evaluator, given[0], range, [&](const Value &x) -> Value {
    if (x.isNumber() || x.text() || x.function() || x.isNone())
      return x;
    if (x.record() || x.list())
      return mapLeaves(x, [&](const Value &one) { return runBuiltin(evaluator, "stop_gradient", {one}, range); });
    std::optional<Tensor> tensor = evaluator.toTensor(x, range);
    if (!tensor)
      return Value();
    if (!llvm::isa<FloatType>(tensor->type().getElementType()))
      return Value(*tensor);
    return Tensor{nn::StopGradientOp::create(evaluator.builder(), evaluator.location(range), tensor->value),
                  tensor->axes};
  });
}

/// Identity whose gradient is multiplied by -scale (Ganin et al. 2016).
static Value reverseGradient(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  Type f32 = evaluator.builder().getF32Type();
  std::optional<Tensor> x = evaluator.toTensor(given[0], range, f32);
  Value scale = evaluator.unary(dsl::UnaryOp::Negate, given[1].isNone() ? Value(1.0) : given[1], range);
  std::optional<Tensor> factor = x ? evaluator.toTensor(scale, range, f32) : std::nullopt;
  if (!factor)
    return Value();
  if (factor->rank() != 0)
    return evaluator.error(range, "shapes-differ", "'scale' is a scalar, found " + given[1].describe());
  return Tensor{nn::ScaleGradientOp::create(evaluator.builder(), evaluator.location(range), x->value, factor->value),
                x->axes};
}

/// Builds a region whose arguments stand for `inputs` and whose values are what `function` makes of them.
static bool fill(Evaluator &evaluator, Region &region, llvm::ArrayRef<Tensor> inputs, const Value &function,
                 std::vector<Tensor> &results, dsl::SourceRange range) {
  OpBuilder &builder = evaluator.builder();
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(&region);
  Arguments arguments;
  for (const Tensor &input : inputs)
    arguments.all.push_back(
        {"", Value(Tensor{block->addArgument(input.value.getType(), evaluator.location(range)), input.axes}), range});
  Value value = evaluator.call(function, arguments, range);
  std::vector<Value> all{value};
  if (const List *list = value.list())
    all = list->elements;
  SmallVector<mlir::Value> yielded;
  for (const Value &one : all) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, range);
    if (!tensor)
      return false;
    results.push_back(*tensor);
    yielded.push_back(tensor->value);
  }
  nn::YieldOp::create(builder, evaluator.location(range), yielded);
  if (capturedValues(region).empty())
    return true;
  evaluator.error(range, "captures-value",
                  "the functions of 'custom_gradient' read only their arguments; hand over "
                  "everything that they need");
  return false;
}

static Value customGradient(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::vector<Tensor> inputs;
  std::vector<Value> all{given[0]};
  if (const List *list = given[0].list())
    all = list->elements;
  for (const Value &one : all) {
    std::optional<Tensor> tensor = evaluator.toTensor(one, range);
    if (!tensor)
      return Value();
    inputs.push_back(*tensor);
  }
  Region forward, vjp;
  std::vector<Tensor> results, cotangents;
  if (!fill(evaluator, forward, inputs, given[1], results, range))
    return Value();
  std::vector<Tensor> seen = inputs;
  for (const Tensor &result : results)
    if (llvm::isa<FloatType>(result.type().getElementType()))
      seen.push_back(result);
  if (!fill(evaluator, vjp, seen, given[2], cotangents, range))
    return Value();
  SmallVector<mlir::Value> operands;
  SmallVector<Type> wanted, found, types;
  for (const Tensor &input : inputs) {
    operands.push_back(input.value);
    if (llvm::isa<FloatType>(input.type().getElementType()))
      wanted.push_back(input.value.getType());
  }
  for (const Tensor &cotangent : cotangents)
    found.push_back(cotangent.value.getType());
  if (!nn::compatible(TypeRange(wanted), TypeRange(found)))
    return evaluator.error(range, "shapes-differ", "'vjp' returns one gradient for each input, of the input's shape");
  for (const Tensor &result : results)
    types.push_back(result.value.getType());
  auto op = nn::CustomOp::create(evaluator.builder(), evaluator.location(range), types, operands);
  op.getForward().takeBody(forward);
  op.getVjp().takeBody(vjp);
  std::vector<Value> values;
  for (auto [i, result] : llvm::enumerate(results))
    values.push_back(Value(Tensor{op.getResult(i), result.axes}));
  return values.size() == 1 ? values.front() : Value::list(std::move(values), true);
}

/// What an optimizer is given as `gradient`.
static Value gradientAt(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  if (given[0].isPoison())
    return given[0];
  if (!evaluator.acting || !evaluator.acting->gradient)
    return evaluator.error(range, "misplaced-call", "'gradient' is called by the optimizer that it was given to");
  if (!given[0].tree())
    return evaluator.error(range, "wrong-type", "'gradient' wants a tree of parameters, found " + given[0].describe());
  const Tree &at = *given[0].tree(), &own = *evaluator.acting->parameters;
  for (auto &[path, unused] : at.leaves)
    if (!own.leaves.count(path))
      return evaluator.error(range, "trees-differ",
                             "'gradient' wants a tree like the parameters that the optimizer is given, which have no "
                             "leaf '" +
                                 path + "'");
  return evaluator.acting->gradient(at, range);
}

const Builtins &gradientBuiltins() {
  static const Builtins all = {
      {"grad", {"e", "wrt"}, grad},
      {"stop_gradient", {"x"}, stopGradient},
      {"reverse_gradient", {"x", "scale?"}, reverseGradient},
      {"gradient_at", {"p"}, gradientAt},
      {"custom_gradient", {"xs", "value", "vjp"}, customGradient},
  };
  return all;
}

} // namespace xfer
