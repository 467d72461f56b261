//===- ActivityTest.cpp - which values a loss depends on --------------------------------------------------------===//

#include "compiler/AutoDiff/Activity.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer::nn;

namespace {
struct ActivityTest : testing::Test {
  MLIRContext context;
  OwningOpRef<ModuleOp> module;

  ActivityTest() { context.loadDialect<NNDialect, func::FuncDialect>(); }

  /// What the first returned value depends on, for each argument.
  std::vector<Dependence> run(const char *text) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    func::FuncOp function = *module->getOps<func::FuncOp>().begin();
    Dependences dependences(function.getBody().front().getTerminator()->getOperand(0));
    std::vector<Dependence> result;
    for (Value argument : function.getArguments())
      result.push_back(dependences.on(argument));
    return result;
  }
};
using Found = std::vector<Dependence>;
} // namespace

// A path through floor is a path, but its derivative is constant zero; an unused argument has no path.
TEST_F(ActivityTest, TellsConstantFromNone) {
  EXPECT_EQ(run(R"(func.func @f(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>, %d: tensor<f32>) -> tensor<f32> {
    %0 = nn.floor %b : tensor<f32>
    %1 = nn.mul %a, %0 : tensor<f32>
    %2 = nn.stop_gradient %c : tensor<f32>
    %3 = nn.add %1, %2 : tensor<f32>
    return %3 : tensor<f32>
  })"),
            (Found{Dependence::Differentiable, Dependence::Constant, Dependence::Constant, Dependence::None}));
}

// Two paths, one of them constant: the differentiable one decides, whichever is found first.
TEST_F(ActivityTest, BestPathDecides) {
  EXPECT_EQ(run(R"(func.func @f(%a: tensor<f32>) -> tensor<f32> {
    %0 = nn.floor %a : tensor<f32>
    %1 = nn.exp %a : tensor<f32>
    %2 = nn.add %0, %1 : tensor<f32>
    %3 = nn.add %2, %0 : tensor<f32>
    return %3 : tensor<f32>
  })"),
            (Found{Dependence::Differentiable}));
}

// A loop is looked into: a carry that does not feed the result does not count, one that feeds it a step later does.
TEST_F(ActivityTest, LooksIntoLoops) {
  EXPECT_EQ(run(R"(func.func @f(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>) -> tensor<f32> {
    %0, %1, %2 = nn.loop count 3 carries(%a, %b, %c : tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<f32>, tensor<f32>, tensor<f32> {
    ^body(%i: tensor<i32>, %x: tensor<f32>, %y: tensor<f32>, %z: tensor<f32>):
      %m = nn.mul %x, %y : tensor<f32>
      nn.yield %m, %y, %z : tensor<f32>, tensor<f32>, tensor<f32>
    }
    return %0 : tensor<f32>
  })"),
            (Found{Dependence::Differentiable, Dependence::Differentiable, Dependence::None}));
}
