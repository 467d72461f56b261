//===- MeaningTest.cpp - what builders infer ---------------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace xfer::nn;

namespace {
struct MeaningTest : testing::Test {
  MLIRContext context;
  Location location{FileLineColLoc::get(&context, "net.xfer", 1, 1)};
  OpBuilder builder{&context};
  OwningOpRef<ModuleOp> module;
  Block *block;

  MeaningTest() {
    context.loadDialect<NNDialect, func::FuncDialect>();
    module = ModuleOp::create(location);
    block = module->getBody();
    builder.setInsertionPointToEnd(block);
  }

  static Meaning with(Tag tag, llvm::SmallVector<std::string, 2> domains = {}, bool hidden = false,
                      int64_t classes = 0) {
    Meaning meaning;
    meaning.tag = tag;
    meaning.domains = domains;
    meaning.hidden = hidden;
    meaning.classes = classes;
    return meaning;
  }

  Value value(Extents extents, const Meaning &meaning = {}, Type element = {}) {
    return block->addArgument(TensorInfo{element ? element : Type(builder.getF32Type()), extents, meaning}.type(),
                              location);
  }

  static Meaning of(Value value) { return Meaning::of(value.getType()); }
};
} // namespace

// Domains join and the stricter right wins at every operation; the tag goes with arithmetic.
TEST_F(MeaningTest, JoinsDomainsAndRights) {
  Value a = value({2, 3}, with(Tag::Prob, {"mnist"})), b = value({2, 3}, with(Tag::None, {"usps"}, true));
  EXPECT_EQ(of(MulOp::create(builder, location, a, b)), with(Tag::None, {"mnist", "usps"}, true));
}

// Logits stay logits when scaled and added, also in a mask; a quotient by logits, a product of two, their exponential
// are none.
TEST_F(MeaningTest, LogitsSurviveScalingAndAdding) {
  Value logits = value({2, 3}, with(Tag::Logits)), plain = value({2, 3}), mask = value({2, 3}, {}, builder.getI1Type());
  EXPECT_EQ(of(AddOp::create(builder, location, logits, logits)).tag, Tag::Logits);
  EXPECT_EQ(of(SubOp::create(builder, location, plain, logits)).tag, Tag::Logits);
  EXPECT_EQ(of(MulOp::create(builder, location, plain, logits)).tag, Tag::Logits);
  EXPECT_EQ(of(DivOp::create(builder, location, logits, plain)).tag, Tag::Logits);
  EXPECT_EQ(of(NegOp::create(builder, location, logits)).tag, Tag::Logits);
  EXPECT_EQ(of(SelectOp::create(builder, location, mask, logits, plain)).tag, Tag::Logits);
  EXPECT_EQ(of(DivOp::create(builder, location, plain, logits)).tag, Tag::None);
  EXPECT_EQ(of(MulOp::create(builder, location, logits, logits)).tag, Tag::None);
  EXPECT_EQ(of(ExpOp::create(builder, location, logits)).tag, Tag::None);
  Value prob = value({2, 3}, with(Tag::Prob));
  EXPECT_EQ(of(AddOp::create(builder, location, logits, prob)).tag, Tag::None);
}

// A tag of a distribution speaks of the last axis: it survives what leaves that axis alone.
TEST_F(MeaningTest, DistributionsKeepTheirAxis) {
  Value prob = value({2, 4, 3}, with(Tag::Prob));
  EXPECT_EQ(of(TransposeOp::create(builder, location, prob, ArrayRef<int64_t>{1, 0, 2})).tag, Tag::Prob);
  EXPECT_EQ(of(TransposeOp::create(builder, location, prob, ArrayRef<int64_t>{0, 2, 1})).tag, Tag::None);
  EXPECT_EQ(of(ReshapeOp::create(builder, location, prob, {8, 3})).tag, Tag::Prob);
  EXPECT_EQ(of(ReshapeOp::create(builder, location, prob, {2, 12})).tag, Tag::None);
  Value other = value({2, 4, 3}, with(Tag::Prob));
  EXPECT_EQ(of(ConcatOp::create(builder, location, ValueRange{prob, other}, 0)).tag, Tag::Prob);
  EXPECT_EQ(of(ConcatOp::create(builder, location, ValueRange{prob, other}, 2)).tag, Tag::None);
}

// argmax of a distribution over its classes is a class, and keeps the right to be read; of untagged numbers it is a
// number.
TEST_F(MeaningTest, ArgmaxMakesClasses) {
  Value prob = value({2, 3}, with(Tag::Prob, {"usps"}, true)), plain = value({2, 3});
  EXPECT_EQ(of(ArgmaxOp::create(builder, location, prob, 1)), with(Tag::Class, {"usps"}, true, 3));
  EXPECT_EQ(of(ArgmaxOp::create(builder, location, prob, 0)), with(Tag::None, {"usps"}, true));
  EXPECT_EQ(of(ArgmaxOp::create(builder, location, plain, 1)), Meaning());
}

// Shapes are inferred with their symbols; a named extent wins over an unnamed one.
TEST_F(MeaningTest, SymbolsSurvive) {
  Value named = value({Extent::symbolic("usps.test"), 3}), unnamed = value({Extent(), 3});
  Extents expected = {Extent::symbolic("usps.test"), 3};
  EXPECT_EQ(extentsOf(AddOp::create(builder, location, unnamed, named).getType()), expected);
  EXPECT_EQ(extentsOf(ReduceOp::create(builder, location, ReduceKind::Sum, named, ArrayRef<int64_t>{1}).getType()),
            Extents{Extent::symbolic("usps.test")});
}

// Equal sums have equal names, in whatever order and grouping they were made; numbers add up.
TEST_F(MeaningTest, SumsOfExtents) {
  Extent a = Extent::symbolic("a.all"), b = Extent::symbolic("b.all"), three(3), four(4);
  EXPECT_EQ(Extent::sum(three, four), Extent(7));
  EXPECT_EQ(Extent::sum(b, a).symbol, "a.all + b.all");
  EXPECT_EQ(Extent::sum(a, b), Extent::sum(b, a));
  EXPECT_EQ(Extent::sum(a, a).symbol, "a.all + a.all");
  EXPECT_EQ(Extent::sum(a, Extent(0)), a);
  EXPECT_EQ(Extent::sum(Extent::sum(three, b), Extent::sum(a, four)).symbol, "a.all + b.all + 7");
  EXPECT_EQ(Extent::sum(Extent::sum(a, b), three), Extent::sum(Extent::sum(three, a), b));
  // What has no name has no sum with one.
  EXPECT_EQ(Extent::sum(a, Extent()), Extent());
}

// createChecked reports a violated constraint at the location given, and creates nothing.
TEST_F(MeaningTest, CheckedCreation) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    EXPECT_EQ(diagnostic.getLocation(), location);
  });
  Value a = value({2}), b = value({3});
  EXPECT_TRUE(failed(createChecked<AddOp>(builder, location, {a, b})));
  EXPECT_EQ(message, "(C1) extents differ: [2] and [3]");
  EXPECT_TRUE(block->empty());
  auto concat =
      createChecked<ConcatOp>(builder, location, {a, b}, builder.getNamedAttr("axis", builder.getI64IntegerAttr(0)));
  ASSERT_TRUE(succeeded(concat));
  EXPECT_EQ(extentsOf(concat->getType()), Extents{Extent(5)});
}
