//===- FiniteDifferences.cpp - derivatives against central differences ------------------------------------------===//

#include "FiniteDifferences.h"
#include "compiler/AutoDiff/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "test/reference/Reference.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace mlir;
using namespace xfer;
using namespace xfer::nn;
using namespace xfer::reference;

namespace {
SmallVector<Value> floats(ValueRange values) {
  return llvm::filter_to_vector(values, [](Value value) { return isFloat(value.getType()); });
}

/// The sum of weights * value over all floating-point `values`.
Value weightedSum(OpBuilder &builder, Location location, ValueRange values) {
  Value total = createFilled(builder, location, 0, builder.getF32Type());
  uint64_t seed = 77;
  for (Value value : floats(values)) {
    auto type = cast<RankedTensorType>(value.getType());
    HostTensor weights = randomTensor(type, seed++, 0.5, 1.5);
    SmallVector<Attribute> numbers;
    for (double weight : weights.values)
      numbers.push_back(numberAttr(type.getElementType(), weight));
    Value constant = ConstantOp::create(builder, location, DenseElementsAttr::get(type, numbers));
    Value product = MulOp::create(builder, location, value, constant);
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    Value sum = ReduceOp::create(builder, location, ReduceKind::Sum, product, axes);
    total = AddOp::create(builder, location, total, sum);
  }
  return total;
}

/// The function's results are replaced by their weighted sum.
void toScalar(func::FuncOp function) {
  Operation *end = function.getBody().front().getTerminator();
  OpBuilder builder(end);
  Value loss = weightedSum(builder, end->getLoc(), end->getOperands());
  end->setOperands(loss);
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), loss.getType()));
}

/// The function's scalar result is replaced by its gradients in all floating-point arguments.
void toGradients(func::FuncOp function) {
  Operation *end = function.getBody().front().getTerminator();
  OpBuilder builder(end);
  auto gradient = GradientOp::create(builder, end->getLoc(), end->getOperand(0), floats(function.getArguments()));
  end->setOperands(gradient.getResults());
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), gradient.getResultTypes()));
}

std::vector<HostTensor> mustEvaluate(func::FuncOp function, ArrayRef<HostTensor> inputs) {
  auto results = evaluate(function, inputs, {/*doublePrecision=*/true});
  EXPECT_TRUE(succeeded(results));
  return succeeded(results) ? *results : std::vector<HostTensor>();
}

std::vector<HostTensor> inputsOf(func::FuncOp function, xfer::Range range) {
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes())
    inputs.push_back(randomTensor(type, 11 + inputs.size(), range.low, range.high));
  return inputs;
}

/// Canonicalisation rounds what it folds to f32 (2^-24 for each constant), and changes nothing else.
void compareValues(ArrayRef<HostTensor> expected, ArrayRef<HostTensor> found) {
  for (auto [a, b] : llvm::zip_equal(expected, found))
    for (int64_t e = 0; e < a.size(); ++e)
      EXPECT_NEAR(a.values[e], b.values[e], 1e-6 * std::max(1.0, std::fabs(a.values[e])));
}

void compare(func::FuncOp scalar, func::FuncOp gradients, xfer::Range range) {
  std::vector<HostTensor> inputs = inputsOf(scalar, range);
  std::vector<HostTensor> found = mustEvaluate(gradients, inputs);
  double step = 1e-5, scale = 1;
  for (const HostTensor &tensor : found)
    for (double value : tensor.values)
      scale = std::max(scale, std::fabs(value));
  size_t next = 0;
  for (size_t i = 0; i < inputs.size() && !testing::Test::HasFailure(); ++i) {
    if (!isa<FloatType>(inputs[i].element))
      continue;
    ASSERT_LT(next, found.size());
    for (int64_t e = 0; e < inputs[i].size(); ++e) {
      double value = inputs[i].values[e], sides[2];
      for (int side = 0; side < 2; ++side) {
        inputs[i].values[e] = value + (side ? step : -step);
        sides[side] = mustEvaluate(scalar, inputs)[0].values[0];
      }
      inputs[i].values[e] = value;
      EXPECT_NEAR(found[next].values[e], (sides[1] - sides[0]) / (2 * step), 1e-6 * scale)
          << "argument " << i << ", element " << e;
    }
    ++next;
  }
}
} // namespace

void xfer::checkDerivatives(const std::string &text, int order, Range range) {
  DialectRegistry registry;
  registry.insert<NNDialect, func::FuncDialect>();
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  auto module = parseSourceString<ModuleOp>(text, &context);
  ASSERT_TRUE(module) << text;
  func::FuncOp scalar = *module->getOps<func::FuncOp>().begin();
  for (int i = 0; i < order && !testing::Test::HasFailure(); ++i) {
    toScalar(scalar);
    func::FuncOp gradients = scalar.clone();
    gradients.setName("gradients" + std::to_string(i));
    module->push_back(gradients);
    toGradients(gradients);
    PassManager expand(&context), simplify(&context);
    expand.addNestedPass<func::FuncOp>(createAutoDiffPass());
    simplify.addPass(createCanonicalizerPass());
    simplify.addPass(createCSEPass());
    ASSERT_TRUE(succeeded(expand.run(*module)));
    std::vector<HostTensor> plain = mustEvaluate(gradients, inputsOf(scalar, range));
    ASSERT_TRUE(succeeded(simplify.run(*module)));
    compareValues(plain, mustEvaluate(gradients, inputsOf(scalar, range)));
    SCOPED_TRACE("order " + std::to_string(i + 1));
    compare(scalar, gradients, range);
    scalar = gradients;
  }
}
