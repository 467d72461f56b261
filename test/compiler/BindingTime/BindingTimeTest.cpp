//===- BindingTimeTest.cpp - when values are computed, over what, and where they move -----------------------------===//

#include "compiler/BindingTime/BindingTime.h"
#include "compiler/BindingTime/Passes.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::pipeline;

namespace {

/// The cut that keeps all rows.
std::unique_ptr<Pass> kept() {
  CutWholeOptions options;
  options.stream = false;
  return createCutWhole(options);
}

class BindingTimeTest : public ::testing::Test {
protected:
  BindingTimeTest() {
    context.loadDialect<nn::NNDialect, XferDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) { message += diagnostic.str() + "\n"; });
  }

  void parse(StringRef text) {
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << message;
  }
  LogicalResult run(std::unique_ptr<Pass> pass) {
    PassManager passes(&context);
    passes.addPass(std::move(pass));
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
    return passes.run(*module);
  }
  func::FuncOp function(StringRef name) { return module->lookupSymbol<func::FuncOp>(name); }
  std::string binds(func::FuncOp function) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    auto print = [&](BindAttr bind, Type type) {
      stream << stringifyBindKind(bind.getKind()) << " " << bind.getName() << ":";
      llvm::interleave(cast<RankedTensorType>(type).getShape(), stream, "x");
      stream << " ";
    };
    for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
      print(getArgumentBind(function, i), function.getArgumentTypes()[i]);
    stream << "-> ";
    for (unsigned i = 0, e = function.getNumResults(); i != e; ++i)
      print(getResultBind(function, i), function.getResultTypes()[i]);
    return text;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string message;
};

// Accuracy over a split: the network runs in batches, the labels are a raw column, the comparison and its mean are
// whole.
constexpr const char *kEvaluation = R"mlir(
#N = #nn.meaning<symbols = ["d.test"]>
#NK = #nn.meaning<symbols = ["d.test", ""]>
module attributes {xfer.program = "p"} {
  xfer.parameter "w" : tensor<4x3xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [4]>, #xfer.field<"y", "i32" classes = 3>]
    reads [#xfer.read<"test", "npz", {}>]
  func.func @test(%x: tensor<?x4xf32, #NK> {xfer.bind = #xfer.bind<batch, "s.x">},
                  %y: tensor<?xi32, #N> {xfer.bind = #xfer.bind<batch, "s.y">},
                  %w: tensor<4x3xf32> {xfer.bind = #xfer.bind<param, "w">},
                  %n: tensor<f32> {xfer.bind = #xfer.bind<extent, "d.test">})
      -> (tensor<f32> {xfer.bind = #xfer.bind<output, "accuracy">}, tensor<?x3xf32, #NK> {xfer.bind = #xfer.bind<whole, "rows">}) {
    %l = nn.contract %x, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
        : (tensor<?x4xf32, #NK>, tensor<4x3xf32>) -> tensor<?x3xf32, #NK>
    %p = nn.argmax %l axis 1 : (tensor<?x3xf32, #NK>) -> tensor<?xi32, #N>
    %h = nn.compare eq %p, %y : (tensor<?xi32, #N>, tensor<?xi32, #N>) -> tensor<?xi1, #N>
    %f = nn.convert %h : tensor<?xi1, #N> -> tensor<?xf32, #N>
    %s = nn.reduce sum %f axes [0] : (tensor<?xf32, #N>) -> tensor<f32>
    %a = nn.div %s, %n : tensor<f32>
    return %a, %l : tensor<f32>, tensor<?x3xf32, #NK>
  }
  xfer.pass "test" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @test
  xfer.evaluation "d.test" pass "test" reports [#xfer.report<"accuracy", "value", "accuracy">,
                                               #xfer.report<"predictions", "rows", "rows">]
}
)mlir";

TEST_F(BindingTimeTest, CutsAtTheLastRow) {
  parse(kEvaluation);
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  EXPECT_FALSE(function("test"));
  // The indicator of a hit is one byte a sample: smaller than the index that it is made of.
  EXPECT_EQ(binds(function("test.rows.s")), "batch s.x:8x4 batch s.y:8 param w:4x3 -> whole rows:8x3 whole test.0:8 ");
  std::string dynamic = std::to_string(ShapedType::kDynamic);
  EXPECT_EQ(binds(function("test.whole")), "extent d.test: whole test.0:" + dynamic + " -> output accuracy: ");
  auto pass = *module->getOps<PassOp>().begin();
  EXPECT_EQ(*pass.getFunction(), "test.whole");
  EXPECT_EQ(cast<SourceAttr>(pass.getSources()[0]).getRows().getValue(), "test.rows.s");
}

// An expensive border: rows of 4 floats made of raw labels go back to the column of labels.
TEST_F(BindingTimeTest, MovesTheBorderBack) {
  parse(R"mlir(
#N = #nn.meaning<symbols = ["d.test"]>
#NK = #nn.meaning<symbols = ["d.test", ""]>
module attributes {xfer.program = "p"} {
  xfer.domain "d" fields [#xfer.field<"y", "i32" classes = 4>] reads [#xfer.read<"test", "npz", {}>]
  func.func @counts(%y: tensor<?xi32, #N> {xfer.bind = #xfer.bind<batch, "s.y">})
      -> (tensor<4xf32> {xfer.bind = #xfer.bind<output, "counts">}) {
    %b = nn.broadcast %y dimensions [0] : tensor<?xi32, #N> -> tensor<?x4xi32, #NK>
    %k = nn.iota axis 1 : tensor<?x4xi32, #NK>
    %e = nn.compare eq %b, %k : (tensor<?x4xi32, #NK>, tensor<?x4xi32, #NK>) -> tensor<?x4xi1, #NK>
    %f = nn.convert %e : tensor<?x4xi1, #NK> -> tensor<?x4xf32, #NK>
    %s = nn.reduce sum %f axes [0] : (tensor<?x4xf32, #NK>) -> tensor<4xf32>
    return %s : tensor<4xf32>
  }
  xfer.pass "counts" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @counts
})mlir");
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  std::string dynamic = std::to_string(ShapedType::kDynamic);
  EXPECT_EQ(binds(function("counts.whole")), "column s.y:" + dynamic + " -> output counts:4 ");
  EXPECT_FALSE(function("counts.rows.s"));
}

// Of a sum over samples and pixels each sample's share is a row; of one over the samples alone there is nothing to
// split.
constexpr const char *kPixels = R"mlir(
#N = #nn.meaning<symbols = ["d.test", "", "", ""]>
module attributes {xfer.program = "p"} {
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [6, 5, 3]>] reads [#xfer.read<"test", "npz", {}>]
  func.func @test(%x: tensor<?x6x5x3xf32, #N> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<3xf32> {xfer.bind = #xfer.bind<output, "sum">}, tensor<6x5x3xf32> {xfer.bind = #xfer.bind<output, "largest">}) {
    %e = nn.exp %x : tensor<?x6x5x3xf32, #N>
    %s = nn.reduce sum %e axes [0, 1, 2] : (tensor<?x6x5x3xf32, #N>) -> tensor<3xf32>
    %m = nn.reduce max %x axes [0] : (tensor<?x6x5x3xf32, #N>) -> tensor<6x5x3xf32>
    return %s, %m : tensor<3xf32>, tensor<6x5x3xf32>
  }
  xfer.pass "test" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @test
  xfer.evaluation "e" pass "test" reports [#xfer.report<"sum", "value", "sum">, #xfer.report<"largest", "value", "largest">]
  xfer.run evaluation "e"
})mlir";

// Sums over the samples are added up by the runtime; what else reads rows keeps them.
TEST_F(BindingTimeTest, StreamsSums) {
  parse(kPixels);
  ASSERT_TRUE(succeeded(run(createCutWhole()))) << message;
  EXPECT_EQ(binds(function("test.rows.s")), "batch s.x:8x6x5x3 -> sum test.sum0:8x3 ");
  EXPECT_EQ(binds(function("test.whole")),
            "sum test.sum0:3 column s.x:-9223372036854775808x6x5x3 -> output sum:3 output largest:6x5x3 ");
  ASSERT_TRUE(succeeded(verify(*module)));
}

// The interval of a gain is drawn from rows.
TEST_F(BindingTimeTest, KeepsTheRowsOfGains) {
  std::string text = kEvaluation;
  text.insert(
      text.rfind('}'),
      R"(  xfer.evaluation "e" pass "test" reports [#xfer.report<"accuracy", "value", "accuracy">, #xfer.report<"gain", "gain", "accuracy">]
)");
  parse(text);
  ASSERT_TRUE(succeeded(run(createCutWhole()))) << message;
  EXPECT_EQ(binds(function("test.rows.s")), "batch s.x:8x4 batch s.y:8 param w:4x3 -> whole rows:8x3 whole test.0:8 ");
}

TEST_F(BindingTimeTest, SplitsReductions) {
  parse(kPixels);
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  EXPECT_EQ(binds(function("test.rows.s")), "batch s.x:8x6x5x3 -> whole test.0:8x3 ");
  EXPECT_EQ(binds(function("test.whole")), "whole test.0:-9223372036854775808x3 column s.x:-9223372036854775808x6x5x3 "
                                           "-> output sum:3 output largest:6x5x3 ");
}

// Two splits, joined: what is computed sample by sample is computed of each, and so are sums; a sort reads all rows.
TEST_F(BindingTimeTest, DistributesJoinedSplits) {
  parse(R"mlir(
#A = #nn.meaning<symbols = ["d.one"]>
#B = #nn.meaning<symbols = ["d.two"]>
#AK = #nn.meaning<symbols = ["d.one", ""]>
#BK = #nn.meaning<symbols = ["d.two", ""]>
#AB = #nn.meaning<symbols = ["d.one + d.two"]>
#ABK = #nn.meaning<symbols = ["d.one + d.two", ""]>
module attributes {xfer.program = "p"} {
  xfer.parameter "w" : tensor<4x1xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [4]>]
    reads [#xfer.read<"one", "npz", {}>, #xfer.read<"two", "npz", {}>]
  func.func @f(%x: tensor<?x4xf32, #AK> {xfer.bind = #xfer.bind<batch, "s.x">},
               %y: tensor<?x4xf32, #BK> {xfer.bind = #xfer.bind<batch, "t.x">},
               %w: tensor<4x1xf32> {xfer.bind = #xfer.bind<param, "w">})
      -> (tensor<f32> {xfer.bind = #xfer.bind<output, "sum">}, tensor<?xf32, #AB> {xfer.bind = #xfer.bind<output, "sorted">}) {
    %j = nn.concat %x, %y axis 0 : (tensor<?x4xf32, #AK>, tensor<?x4xf32, #BK>) -> tensor<?x4xf32, #ABK>
    %l = nn.contract %j, %w lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
        : (tensor<?x4xf32, #ABK>, tensor<4x1xf32>) -> tensor<?x1xf32, #ABK>
    %r = nn.reshape %l : tensor<?x1xf32, #ABK> -> tensor<?xf32, #AB>
    %one = nn.constant dense<1.0> : tensor<f32>
    %ones = nn.broadcast %one dimensions [] : tensor<f32> -> tensor<?xf32, #AB>
    %p = nn.add %r, %ones : tensor<?xf32, #AB>
    %s = nn.reduce sum %p axes [0] : (tensor<?xf32, #AB>) -> tensor<f32>
    %v, %i = nn.sort %p axis 0 : (tensor<?xf32, #AB>) -> (tensor<?xf32, #AB>, tensor<?xi32, #AB>)
    return %s, %v : tensor<f32>, tensor<?xf32, #AB>
  }
  xfer.pass "f" sources [#xfer.source<"s", domain = "d", split = "one", batch = 8>,
                         #xfer.source<"t", domain = "d", split = "two", batch = 6>] function @f
})mlir");
  ASSERT_TRUE(succeeded(run(createCutWhole()))) << message;
  ASSERT_TRUE(succeeded(verify(*module))) << message;
  EXPECT_EQ(binds(function("f.rows.s")), "batch s.x:8x4 param w:4x1 -> whole f.0:8x1 sum f.sum0:8 ");
  EXPECT_EQ(binds(function("f.rows.t")), "batch t.x:6x4 param w:4x1 -> whole f.1:6x1 sum f.sum1:6 ");
  unsigned joins = 0;
  function("f.whole").walk([&](nn::ConcatOp) { ++joins; });
  EXPECT_EQ(joins, 1u);
}

// What mixes rows in the middle is whole from there on, also where it meets rows again.
TEST_F(BindingTimeTest, MixedStaysWhole) {
  parse(R"mlir(
#N = #nn.meaning<symbols = ["d.test"]>
module attributes {xfer.program = "p"} {
  xfer.domain "d" fields [#xfer.field<"x", "f32">] reads [#xfer.read<"test", "npz", {}>]
  func.func @f(%x: tensor<?xf32, #N> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<f32> {xfer.bind = #xfer.bind<output, "v">}) {
    %e = nn.exp %x : tensor<?xf32, #N>
    %c = nn.cumsum %e axis 0 : tensor<?xf32, #N>
    %m = nn.mul %c, %e : tensor<?xf32, #N>
    %s = nn.reduce sum %m axes [0] : (tensor<?xf32, #N>) -> tensor<f32>
    return %s : tensor<f32>
  }
  xfer.pass "f" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @f
})mlir");
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  std::string dynamic = std::to_string(ShapedType::kDynamic);
  // exp is cheap and x is there anyway: the border is the column.
  EXPECT_EQ(binds(function("f.whole")), "column s.x:" + dynamic + " -> output v: ");
}

// Loops keep rows apart, also one inside of the other: what is in the inner one has the batch's extent too.
TEST_F(BindingTimeTest, CutsLoopsInLoops) {
  parse(R"mlir(
#NTU = #nn.meaning<symbols = ["d.test", "", ""]>
#N = #nn.meaning<symbols = ["d.test"]>
module attributes {xfer.program = "p"} {
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [2, 3]>] reads [#xfer.read<"test", "npz", {}>]
  func.func @f(%x: tensor<?x2x3xf32, #NTU> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<?xf32, #N> {xfer.bind = #xfer.bind<whole, "v">}) {
    %s = nn.reduce sum %x axes [1, 2] : (tensor<?x2x3xf32, #NTU>) -> tensor<?xf32, #N>
    %t = nn.loop count 2 carries(%s : tensor<?xf32, #N>) -> tensor<?xf32, #N> {
    ^body(%i: tensor<i32>, %c: tensor<?xf32, #N>):
      %u = nn.loop count 3 carries(%c : tensor<?xf32, #N>) -> tensor<?xf32, #N> {
      ^body(%k: tensor<i32>, %e: tensor<?xf32, #N>):
        %n = nn.tanh %e : tensor<?xf32, #N>
        nn.yield %n : tensor<?xf32, #N>
      }
      nn.yield %u : tensor<?xf32, #N>
    }
    return %t : tensor<?xf32, #N>
  }
  xfer.pass "f" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @f
})mlir");
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  EXPECT_EQ(binds(function("f.rows.s")), "batch s.x:8x2x3 -> whole v:8 ");
  EXPECT_TRUE(succeeded(verify(*module))) << message;
  function("f.rows.s").walk([&](nn::TanhOp op) { EXPECT_EQ(op.getType().getShape(), ArrayRef<int64_t>{8}); });
}

// Rows that are asked for but mix samples are an error.
TEST_F(BindingTimeTest, RefusesMixedRows) {
  parse(R"mlir(
#N = #nn.meaning<symbols = ["d.test"]>
module attributes {xfer.program = "p"} {
  xfer.domain "d" fields [#xfer.field<"x", "f32">] reads [#xfer.read<"test", "npz", {}>]
  func.func @f(%x: tensor<?xf32, #N> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<?xf32, #N> {xfer.bind = #xfer.bind<whole, "v">}) {
    %c = nn.cumsum %x axis 0 : tensor<?xf32, #N>
    return %c : tensor<?xf32, #N>
  }
  xfer.pass "f" sources [#xfer.source<"s", domain = "d", split = "test", batch = 8>] function @f
})mlir");
  EXPECT_TRUE(failed(run(kept())));
  EXPECT_NE(message.find("is not computed sample by sample"), std::string::npos) << message;
}

constexpr const char *kStage = R"mlir(
module attributes {xfer.program = "p"} {
  xfer.option "lr" : float = 1.000000e-02 : f64
  xfer.parameter "frozen" : tensor<4x4xf32>
  xfer.parameter "w" : tensor<4x4xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32" shape = [4]>] reads [#xfer.read<"train", "npz", {}>]
  func.func @step(%f: tensor<4x4xf32> {xfer.bind = #xfer.bind<param, "frozen">},
                  %w: tensor<4x4xf32> {xfer.bind = #xfer.bind<param, "w">},
                  %lr: tensor<f32> {xfer.bind = #xfer.bind<option, "lr">},
                  %x: tensor<8x4xf32> {xfer.bind = #xfer.bind<batch, "s.x">})
      -> (tensor<4x4xf32> {xfer.bind = #xfer.bind<param, "w">}) {
    %ff = nn.contract %f, %f lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
        : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
    %h = nn.contract %x, %ff lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32
        : (tensor<8x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
    %g = nn.contract %x, %h lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32
        : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<4x4xf32>
    %n = nn.neg %lr : tensor<f32>
    %r = nn.broadcast %n dimensions [] : tensor<f32> -> tensor<4x4xf32>
    %m = nn.mul %g, %r : tensor<4x4xf32>
    %u = nn.add %w, %m : tensor<4x4xf32>
    return %u : tensor<4x4xf32>
  }
  xfer.stage "s" sources [#xfer.source<"s", domain = "d", split = "train", batch = 8>] phases [#xfer.phase<@step>]
    epochs 2 : i64
  xfer.run stage "s"
}
)mlir";

// A field that nothing reads goes, a declared input of an export stays.
TEST_F(BindingTimeTest, DropsUnusedArguments) {
  parse(R"mlir(
module attributes {xfer.program = "p"} {
  func.func @e(%x: tensor<4xf32> {xfer.bind = #xfer.bind<input, "x">}, %y: tensor<4xf32> {xfer.bind = #xfer.bind<input, "y">},
               %z: tensor<4xf32> {xfer.bind = #xfer.bind<input, "z">})
      -> (tensor<4xf32> {xfer.bind = #xfer.bind<output, "v">}) {
    return %x : tensor<4xf32>
  }
  xfer.export "e" @e inputs [#xfer.field<"x", "f32">, #xfer.field<"y", "f32">] outputs [#xfer.field<"v", "f32">] batch 4
})mlir");
  ASSERT_TRUE(succeeded(run(createDropUnused()))) << message;
  EXPECT_EQ(binds(function("e")), "input x:4 input y:4 -> output v:4 ");
}

// What is made of data is over samples, so it is not hoisted out of a pass, even if no weight takes part.
TEST_F(BindingTimeTest, DoesNotHoistData) {
  parse(kEvaluation);
  ASSERT_TRUE(succeeded(run(kept()))) << message;
  ASSERT_TRUE(succeeded(run(createHoist()))) << message;
  EXPECT_FALSE(function("test.whole.load"));
  EXPECT_FALSE(function("test.rows.s.load"));
}

// Each value has the time of its latest operand, and is over what its rows are.
TEST_F(BindingTimeTest, Lattice) {
  parse(kStage);
  BindingTimes times(function("step"), ProgramWrites(*module));
  auto at = [&](unsigned op) {
    return times.of(std::next(function("step").getBody().front().begin(), op)->getResult(0));
  };
  EXPECT_EQ(at(0).when, When::Load);
  EXPECT_EQ(at(0).over, Over::Nothing);
  EXPECT_EQ(at(1).over, Over::Sample);
  EXPECT_TRUE(at(1).isSampleTime());
  EXPECT_EQ(at(2).over, Over::Batch);
  EXPECT_EQ(at(3).when, When::Launch);
  EXPECT_EQ(at(6).when, When::Step);
}

// The product of frozen weights is computed at load, the negated rate at launch; the rest stays.
TEST_F(BindingTimeTest, Hoists) {
  parse(kStage);
  ASSERT_TRUE(succeeded(run(createHoist()))) << message;
  EXPECT_EQ(binds(function("step.launch")), "option lr: -> hoisted step.0: ");
  EXPECT_EQ(binds(function("step.load")), "param frozen:4x4 -> hoisted step.1:4x4 ");
  unsigned contractions = 0;
  function("step").walk([&](nn::ContractOp) { ++contractions; });
  EXPECT_EQ(contractions, 2u);
  ASSERT_TRUE(succeeded(verify(*module))) << message;
  std::string when;
  for (PassOp pass : module->getOps<PassOp>())
    when += (*pass.getAt() + " ").str();
  EXPECT_EQ(when, "load launch ");
}

// What is made of a counter alone is not worth keeping, and is found out in one walk: here there are 2^64 ways from the
// product back to the counter.
TEST_F(BindingTimeTest, KeepsWhatIsCheap) {
  std::string text = R"mlir(
module attributes {xfer.program = "p"} {
  xfer.parameter "w" : tensor<4xf32>
  xfer.domain "d" fields [#xfer.field<"x", "f32">] reads [#xfer.read<"train", "npz", {}>]
  func.func @step(%w: tensor<4xf32> {xfer.bind = #xfer.bind<param, "w">})
      -> (tensor<4xf32> {xfer.bind = #xfer.bind<param, "w">}) {
    %i = nn.iota axis 0 : tensor<4xi32>
    %v0 = nn.convert %i : tensor<4xi32> -> tensor<4xf32>
)mlir";
  for (unsigned i = 0; i != 64; ++i)
    text += "    %v" + std::to_string(i + 1) + " = nn.mul %v" + std::to_string(i) + ", %v" + std::to_string(i) +
            " : tensor<4xf32>\n";
  parse(text + R"mlir(
    %u = nn.add %w, %v64 : tensor<4xf32>
    return %u : tensor<4xf32>
  }
  xfer.stage "s" sources [#xfer.source<"s", domain = "d", split = "train", batch = 8>] phases [#xfer.phase<@step>]
    epochs 2 : i64
  xfer.run stage "s"
})mlir");
  ASSERT_TRUE(succeeded(run(createHoist()))) << message;
  EXPECT_FALSE(function("step.launch"));
}

// Nothing moves that a step writes: the frozen weights are trained by another stage here.
TEST_F(BindingTimeTest, DoesNotHoistWhatIsWritten) {
  std::string text = kStage;
  text.replace(text.find("xfer.run"), 0, R"mlir(
  func.func @other(%f: tensor<4x4xf32> {xfer.bind = #xfer.bind<param, "frozen">})
      -> (tensor<4x4xf32> {xfer.bind = #xfer.bind<param, "frozen">}) {
    %e = nn.exp %f : tensor<4x4xf32>
    return %e : tensor<4x4xf32>
  }
  xfer.stage "t" sources [#xfer.source<"s", domain = "d", split = "train", batch = 8>] phases [#xfer.phase<@other>]
    epochs 2 : i64
  )mlir");
  parse(text);
  BindingTimes times(function("step"), ProgramWrites(*module));
  EXPECT_EQ(times.of(function("step").getArgument(0)).when, When::Stage);
  ASSERT_TRUE(succeeded(run(createHoist()))) << message;
  EXPECT_FALSE(function("step.load"));
  EXPECT_TRUE(function("step.launch"));
}

} // namespace
