//===- FunctionPlanTest.cpp - where the values of a function lie --------------------------------------------------===//

#include "compiler/Memory/FunctionPlan.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer;

namespace {

class FunctionPlanTest : public ::testing::Test {
protected:
  FunctionPlanTest() {
    context.loadDialect<nn::NNDialect, pipeline::XferDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  }

  /// Plans the function of `text`.
  FunctionPlan plan(StringRef text, bool reuse = true) {
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module) << message;
    function = *module->getOps<func::FuncOp>().begin();
    FailureOr<FunctionPlan> result = FunctionPlan::create(function, constants, reuse);
    EXPECT_TRUE(succeeded(result)) << message;
    result->layout();
    return *result;
  }
  /// The value that the op number `index` of the function gives first.
  Value value(unsigned index) { return std::next(function.getBody().front().begin(), index)->getResult(0); }
  PlannedBuffer at(const FunctionPlan &plan, Value value) { return plan.getBuffer(plan.placeOf(value).buffer); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  ConstantPool constants;
  std::string message;
};

constexpr const char *kUpdate = R"mlir(
  func.func @step(%w: tensor<4xf32> {xfer.bind = #xfer.bind<param, "w">}, %x: tensor<4xf32> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<4xf32> {xfer.bind = #xfer.bind<param, "w">}, tensor<f32> {xfer.bind = #xfer.bind<watch, "loss">}) {
    %g = nn.kernel loop(%w, %x : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ^body(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %m = nn.mul %a, %b : tensor<4xf32>
      nn.yield %m : tensor<4xf32>
    }
    FIRST
    %n = nn.kernel loop(%w, %g : tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> {
    ^body(%a: tensor<4xf32>, %b: tensor<4xf32>):
      %s = nn.sub %a, %b : tensor<4xf32>
      nn.yield %s : tensor<4xf32>
    }
    SECOND
    return %n, %l : tensor<4xf32>, tensor<f32>
  }
)mlir";
constexpr const char *kLoss = R"mlir(%l = nn.kernel loop(%w : tensor<4xf32>) -> tensor<f32> {
    ^body(%a: tensor<4xf32>):
      %s = nn.reduce sum %a axes [0] : (tensor<4xf32>) -> tensor<f32>
      nn.yield %s : tensor<f32>
    })mlir";

std::string update(bool lossFirst) {
  std::string text = kUpdate;
  text.replace(text.find(lossFirst ? "FIRST" : "SECOND"), lossFirst ? 5 : 6, kLoss);
  text.replace(text.find(lossFirst ? "SECOND" : "FIRST"), lossFirst ? 6 : 5, "");
  return text;
}

// A parameter is replaced where it lies when the old value is read last by the kernel that replaces it.
TEST_F(FunctionPlanTest, ParameterInPlace) {
  FunctionPlan plan = this->plan(update(true));
  EXPECT_EQ(plan.getInPlace()[0], 0u);
  EXPECT_EQ(at(plan, value(2)).kind, PlannedBuffer::Argument);
  EXPECT_EQ(at(plan, value(1)).kind, PlannedBuffer::Result);
  EXPECT_EQ(plan.getArena().fixedBytes, 64); // the gradient
  auto update = cast<nn::KernelOp>(value(2).getDefiningOp());
  EXPECT_EQ(update->getAttr(kInPlaceAttr), DenseI64ArrayAttr::get(&context, {0, 0}));
}

// Not when the old value is read after that.
TEST_F(FunctionPlanTest, NotInPlaceWhenReadLater) {
  FunctionPlan plan = this->plan(update(false));
  EXPECT_FALSE(plan.getInPlace()[0].has_value());
  EXPECT_EQ(at(plan, value(1)).kind, PlannedBuffer::Result);
}

// Without reuse only returned values are placed.
TEST_F(FunctionPlanTest, NoReuse) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = nn.kernel loop(%x : tensor<4xf32>) -> tensor<4xf32> {
    ^body(%b: tensor<4xf32>):
      nn.yield %b : tensor<4xf32>
    }
    %c = nn.kernel loop(%a : tensor<4xf32>) -> tensor<4xf32> {
    ^body(%b: tensor<4xf32>):
      nn.yield %b : tensor<4xf32>
    }
    %d = nn.kernel loop(%c : tensor<4xf32>) -> tensor<4xf32> {
    ^body(%b: tensor<4xf32>):
      nn.yield %b : tensor<4xf32>
    }
    return %d : tensor<4xf32>
  })mlir",
                                 /*reuse=*/false);
  EXPECT_NE(plan.placeOf(value(0)), plan.placeOf(value(1)));
  EXPECT_EQ(plan.getArena().fixedBytes, 128);
}

// An element-wise kernel writes over an input that dies; a transposition does not, nor one whose input lives on.
TEST_F(FunctionPlanTest, KernelInPlace) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
    %a = nn.kernel loop(%x : tensor<4x4xf32>) -> tensor<4x4xf32> {
    ^body(%b: tensor<4x4xf32>):
      nn.yield %b : tensor<4x4xf32>
    }
    %c = nn.kernel loop(%a : tensor<4x4xf32>) -> tensor<4x4xf32> {
    ^body(%b: tensor<4x4xf32>):
      %e = nn.exp %b : tensor<4x4xf32>
      nn.yield %e : tensor<4x4xf32>
    }
    %d = nn.kernel loop(%c : tensor<4x4xf32>) -> tensor<4x4xf32> {
    ^body(%b: tensor<4x4xf32>):
      %t = nn.transpose %b permutation [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>
      %s = nn.add %t, %b : tensor<4x4xf32>
      nn.yield %s : tensor<4x4xf32>
    }
    %f = nn.kernel loop(%d, %c : tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32> {
    ^body(%b: tensor<4x4xf32>, %g: tensor<4x4xf32>):
      %s = nn.add %b, %g : tensor<4x4xf32>
      nn.yield %s : tensor<4x4xf32>
    }
    return %f : tensor<4x4xf32>
  })mlir");
  EXPECT_EQ(plan.placeOf(value(0)), plan.placeOf(value(1)));
  EXPECT_NE(plan.placeOf(value(1)), plan.placeOf(value(2)));
  EXPECT_EQ(plan.getArena().fixedBytes, 128);
}

// An argument that is returned, and a value that is returned twice: the second place needs a copy.
TEST_F(FunctionPlanTest, ReturnedTwice) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<2x2xf32>) {
    %a = nn.kernel loop(%x : tensor<4xf32>) -> tensor<4xf32> {
    ^body(%b: tensor<4xf32>):
      nn.yield %b : tensor<4xf32>
    }
    %r = nn.reshape %a : tensor<4xf32> -> tensor<2x2xf32>
    return %x, %a, %r : tensor<4xf32>, tensor<4xf32>, tensor<2x2xf32>
  })mlir");
  EXPECT_EQ(at(plan, value(0)).kind, PlannedBuffer::Result);
  EXPECT_EQ(at(plan, value(0)).index, 1);
  EXPECT_EQ(plan.placeOf(value(1)), plan.placeOf(value(0)));
}

// A recurrence: the carry is updated in place, the stacked value is written into its row.
TEST_F(FunctionPlanTest, Loop) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%h: tensor<16xf32>, %x: tensor<5x16xf32>) -> (tensor<16xf32>, tensor<5x16xf32>) {
    %last, %all = nn.loop count 5 carries(%h : tensor<16xf32>) scanned(%x : tensor<5x16xf32>)
        -> tensor<16xf32>, tensor<5x16xf32> {
    ^body(%i: tensor<i32>, %c: tensor<16xf32>, %p: tensor<16xf32>):
      %y = nn.kernel loop(%c, %p : tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32> {
      ^body(%a: tensor<16xf32>, %b: tensor<16xf32>):
        %s = nn.mul %a, %b : tensor<16xf32>
        nn.yield %s : tensor<16xf32>
      }
      %n = nn.kernel loop(%c, %p : tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32> {
      ^body(%a: tensor<16xf32>, %b: tensor<16xf32>):
        %s = nn.add %a, %b : tensor<16xf32>
        nn.yield %s : tensor<16xf32>
      }
      nn.yield %n, %y : tensor<16xf32>, tensor<16xf32>
    }
    return %last, %all : tensor<16xf32>, tensor<5x16xf32>
  })mlir");
  auto loop = cast<nn::LoopOp>(value(0).getDefiningOp());
  EXPECT_EQ(plan.placeOf(loop.getYieldedCarries()[0]), plan.placeOf(loop.getResult(0)));
  Place row = plan.placeOf(loop.getYieldedStacked()[0]);
  EXPECT_EQ(row.buffer, plan.placeOf(loop.getResult(1)).buffer);
  ASSERT_EQ(row.strides.size(), 1u);
  EXPECT_EQ(row.strides[0].second, 64);
  EXPECT_EQ(plan.placeOf(loop.getBodyArguments().scanned[0]).strides.size(), 1u);
  EXPECT_EQ(plan.getArena().fixedBytes, 64); // the number of the step
}

// What is scanned reversed lies where it does unreversed: the last row first, then backwards.
TEST_F(FunctionPlanTest, ReversedScan) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%h: tensor<16xf32>, %x: tensor<5x16xf32>) -> tensor<16xf32> {
    %r = nn.reverse %x axes [0] : tensor<5x16xf32>
    %last = nn.loop count 5 carries(%h : tensor<16xf32>) scanned(%r : tensor<5x16xf32>) -> tensor<16xf32> {
    ^body(%i: tensor<i32>, %c: tensor<16xf32>, %p: tensor<16xf32>):
      %n = nn.kernel loop(%c, %p : tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32> {
      ^body(%a: tensor<16xf32>, %b: tensor<16xf32>):
        %s = nn.add %a, %b : tensor<16xf32>
        nn.yield %s : tensor<16xf32>
      }
      nn.yield %n : tensor<16xf32>
    }
    return %last : tensor<16xf32>
  })mlir");
  auto loop = cast<nn::LoopOp>(value(1).getDefiningOp());
  Place row = plan.placeOf(loop.getBodyArguments().scanned[0]);
  EXPECT_EQ(at(plan, loop.getBodyArguments().scanned[0]).kind, PlannedBuffer::Argument);
  EXPECT_EQ(row.offset, 4 * 64);
  ASSERT_EQ(row.strides.size(), 1u);
  EXPECT_EQ(row.strides[0].second, -64);
}

// Carries that change places go through a copy.
TEST_F(FunctionPlanTest, SwappedCarries) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%a: tensor<f32>, %b: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
    %x, %y = nn.loop count 3 carries(%a, %b : tensor<f32>, tensor<f32>) -> tensor<f32>, tensor<f32> {
    ^body(%i: tensor<i32>, %c: tensor<f32>, %d: tensor<f32>):
      nn.yield %d, %c : tensor<f32>, tensor<f32>
    }
    return %x, %y : tensor<f32>, tensor<f32>
  })mlir");
  auto loop = cast<nn::LoopOp>(value(0).getDefiningOp());
  EXPECT_TRUE(plan.exchangeBuffer(loop, 0).has_value());
  EXPECT_TRUE(plan.exchangeBuffer(loop, 1).has_value());
}

// Dynamic extents: slots instead of offsets, the number of the extent instead of its size.
TEST_F(FunctionPlanTest, DynamicExtents) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f(%x: tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>) -> tensor<f32> {
    %a = nn.kernel loop(%x : tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>)
        -> tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>> {
    ^body(%b: tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>):
      nn.yield %b : tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>
    }
    %c = nn.kernel loop(%a : tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>) -> tensor<f32> {
    ^body(%b: tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>):
      %s = nn.reduce sum %b axes [0, 1] : (tensor<?x10xf32, #nn.meaning<symbols = ["usps.test", ""]>>) -> tensor<f32>
      nn.yield %s : tensor<f32>
    }
    return %c : tensor<f32>
  })mlir");
  ASSERT_EQ(plan.getExtents().size(), 1u);
  EXPECT_EQ(plan.getExtents()[0], "usps.test");
  ASSERT_EQ(plan.getArena().slots.size(), 1u);
  EXPECT_EQ(plan.getArena().slots[0].bytes, 40);
}

// Equal constants share their bytes; a truth value is a byte.
TEST_F(FunctionPlanTest, Constants) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f() -> (tensor<2xf32>, tensor<3xi1>, tensor<1x2xf32>) {
    %a = nn.constant dense<1.0> : tensor<2xf32>
    %b = nn.constant dense<[true, false, true]> : tensor<3xi1>
    %c = nn.constant dense<[[1.0, 1.0]]> : tensor<1x2xf32>
    return %a, %b, %c : tensor<2xf32>, tensor<3xi1>, tensor<1x2xf32>
  })mlir");
  EXPECT_EQ(at(plan, value(0)).index, at(plan, value(2)).index);
  EXPECT_EQ(constants.bytes().substr(64, 3), StringRef("\1\0\1", 3));
}

// Zeros that are only returned have no bytes; ones, the negative zero, and zeros that a kernel reads do.
TEST_F(FunctionPlanTest, ReturnedZeros) {
  FunctionPlan plan = this->plan(R"mlir(
  func.func @f() -> (tensor<1024xf32>, tensor<1024xi32>, tensor<2xf32>, tensor<3xf32>, tensor<4xf32>) {
    %a = nn.constant dense<0.0> : tensor<1024xf32>
    %b = nn.constant dense<0> : tensor<1024xi32>
    %c = nn.constant dense<1.0> : tensor<2xf32>
    %d = nn.constant dense<-0.0> : tensor<3xf32>
    %e = nn.constant dense<0.0> : tensor<4xf32>
    %k = nn.kernel loop(%e : tensor<4xf32>) -> tensor<4xf32> {
    ^body(%x: tensor<4xf32>):
      %y = nn.exp %x : tensor<4xf32>
      nn.yield %y : tensor<4xf32>
    }
    return %a, %b, %c, %d, %k : tensor<1024xf32>, tensor<1024xi32>, tensor<2xf32>, tensor<3xf32>, tensor<4xf32>
  })mlir");
  EXPECT_EQ(at(plan, value(0)).kind, PlannedBuffer::Zeros);
  EXPECT_EQ(at(plan, value(1)).kind, PlannedBuffer::Zeros);
  for (unsigned stored : {2, 3, 4})
    EXPECT_EQ(at(plan, value(stored)).kind, PlannedBuffer::Constant) << stored;
  EXPECT_EQ(constants.bytes().size(), 3 * 64u);
}

// What is not in a kernel has no place.
TEST_F(FunctionPlanTest, Refuses) {
  module = parseSourceString<ModuleOp>(R"mlir(
  func.func @f(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = nn.exp %x : tensor<4xf32>
    return %a : tensor<4xf32>
  })mlir",
                                       &context);
  ASSERT_TRUE(module);
  EXPECT_TRUE(failed(FunctionPlan::create(*module->getOps<func::FuncOp>().begin(), constants)));
  EXPECT_NE(message.find("is not part of a kernel"), std::string::npos) << message;
}

} // namespace
