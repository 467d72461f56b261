#include "compiler/Schedule/ContractionSchedule.h"
#include "mlir/IR/MLIRContext.h"
#include "gtest/gtest.h"

using namespace xfer;

namespace {
ConvolutionShape square(int64_t n, int64_t size, int64_t c, int64_t f, int64_t kernel, int64_t stride, int64_t padding,
                        int64_t groups = 1) {
  int64_t out = (size + 2 * padding - kernel) / stride + 1;
  ConvolutionShape shape;
  shape.x = {n, size, size, c};
  shape.w = {kernel, kernel, c / groups, f};
  shape.y = {n, out, out, f};
  shape.strides = {stride, stride};
  shape.low = {padding, padding};
  shape.dilations = {1, 1};
  shape.groups = groups;
  return shape;
}

ContractionProblem matmul(int64_t m, int64_t n, int64_t k) { return contractProblem({m, k}, {k, n}, {}, {}, {1}, {0}); }

FormOptions convolution(int64_t tileRows = 0) { return {/*convolution=*/true, /*pack=*/false, /*lanes=*/16, tileRows}; }
FormOptions product(bool pack = false) { return {/*convolution=*/false, pack, /*lanes=*/16, /*tileRows=*/0}; }
} // namespace

// A 1x1 convolution is a matrix product: images, rows and places of a row are one axis.
TEST(ContractionForm, MergesPointwiseConvolution) {
  ContractionForm form = contractionForm(convProblem(square(4, 8, 16, 32, 1, 1, 0)), convolution());
  EXPECT_TRUE(form.outer.empty());
  EXPECT_EQ(form.rows(), 4 * 8 * 8);
  EXPECT_EQ(form.columns(), 32);
  ASSERT_EQ(form.reductions.size(), 1u);
  EXPECT_EQ(form.axis(form.reductions[0]).extent, 16);
}

// Without padding nothing is copied, and taps along a row are merged with the channels.
TEST(ContractionForm, ReadsUnpaddedImagesInPlace) {
  ContractionForm form = contractionForm(convProblem(square(4, 12, 20, 50, 5, 1, 0)), convolution(12));
  EXPECT_FALSE(form.stage);
  EXPECT_FALSE(form.rowCut);
  ASSERT_EQ(form.reductions.size(), 2u);
  EXPECT_EQ(form.axis(form.reductions[1]).extent, 5 * 20);
}

// With padding a long row is staged with its zeros: 56 + 2 places, (14 - 1) + 3 rows for a block of 14.
TEST(ContractionForm, StagesPaddedImages) {
  ContractionForm form = contractionForm(convProblem(square(1, 56, 64, 64, 3, 1, 1)), convolution(12));
  EXPECT_TRUE(form.stage);
  EXPECT_EQ(form.stagedElements(14), 16 * 58 * 64);
  EXPECT_EQ(form.axis(form.reductions[1]).extent, 3 * 64);
}

// With few columns the taps along a row are innermost: its neighbours share what they read.
TEST(ContractionForm, MovesTapsInnermost) {
  FormOptions options = convolution(12);
  options.tapsInnermost = true;
  ContractionForm few = contractionForm(convProblem(square(1, 32, 16, 16, 3, 1, 1)), options);
  ASSERT_EQ(few.reductions.size(), 3u);
  EXPECT_EQ(few.axis(few.reductions[1]).extent, 16);
  EXPECT_EQ(few.axis(few.reductions[2]).extent, 3);
  EXPECT_EQ(few.axis(few.reductions[2]).lhs, few.axis(*few.row).lhs);
  // Not with more columns than a vector has, and not where the rows are further apart than the taps.
  EXPECT_EQ(contractionForm(convProblem(square(1, 32, 16, 17, 3, 1, 1)), options).reductions.size(), 2u);
  EXPECT_EQ(contractionForm(convProblem(square(1, 32, 16, 16, 3, 2, 1)), options).reductions.size(), 2u);
}

// A short row is not: each tap has rows of its own. But not where the target's tiles are too small for it.
TEST(ContractionForm, CutsShortRows) {
  ContractionForm form = contractionForm(convProblem(square(1, 7, 64, 64, 3, 1, 1)), convolution(12));
  EXPECT_FALSE(form.stage);
  EXPECT_TRUE(form.rowCut);
  EXPECT_TRUE(contractionForm(convProblem(square(1, 7, 64, 64, 3, 1, 1)), convolution(0)).stage);
}

// The filter gradient cuts loops instead; the input gradient of stride 2 has four phases with 4, 2, 2 and 1 taps.
TEST(ContractionForm, TreatsGradients) {
  ContractionForm filter = contractionForm(convFilterGradientProblem(square(2, 8, 16, 32, 3, 1, 1)), convolution(12));
  EXPECT_FALSE(filter.stage);
  EXPECT_EQ(filter.problem.windows.size(), 2u);
  EXPECT_EQ(filter.rows(), 16);
  int64_t taps = 0;
  auto problems = convInputGradientProblems(square(2, 8, 16, 32, 3, 2, 1));
  EXPECT_EQ(problems.size(), 4u);
  for (const ContractionProblem &problem : problems) {
    int64_t terms = 1;
    for (const ContractionAxis &axis : problem.axes)
      terms *= axis.reduction ? axis.extent : 1;
    taps += terms / 32;
  }
  EXPECT_EQ(taps, 9);
}

// Depthwise: lanes are channels, and both operands are vectors.
TEST(ContractionForm, MakesDepthwiseVectors) {
  ContractionForm form = contractionForm(convProblem(square(2, 9, 40, 40, 3, 1, 1, 40)), convolution());
  EXPECT_TRUE(form.lhsVector);
  EXPECT_EQ(form.columns(), 40);
}

// One column is summed along the reduction; a transposed lhs of it becomes the vectors.
TEST(ContractionForm, MultipliesMatrixByVector) {
  EXPECT_TRUE(contractionForm(contractProblem({40, 70}, {70, 1}, {}, {}, {1}, {0}), product()).dot);
  ContractionForm transposed = contractionForm(contractProblem({70, 40}, {70, 1}, {}, {}, {0}, {0}), product());
  EXPECT_FALSE(transposed.dot);
  EXPECT_TRUE(transposed.swapped);
  EXPECT_EQ(transposed.columns(), 40);
}

// Rows far apart are packed, near ones are not; too few rows do not pay for it.
TEST(ContractionSchedule, PacksWhereItPays) {
  EXPECT_TRUE(packingPays(matmul(512, 512, 512), product(), 4));
  EXPECT_FALSE(packingPays(matmul(512, 64, 512), product(), 4));
  // 128 columns begin in 8 sets of the first cache, 160 in all.
  EXPECT_TRUE(packingPays(matmul(512, 128, 512), product(), 4));
  EXPECT_FALSE(packingPays(matmul(512, 160, 512), product(), 4));
  EXPECT_FALSE(packingPays(matmul(16, 512, 512), product(), 4));
}

// The tile uses the registers of the target, and never more.
TEST(ContractionSchedule, FillsTheRegisters) {
  for (auto [name, least, most] : {std::tuple("x86-64", 6, 8), {"x86-64-v3", 8, 12}, {"x86-64-v4", 16, 24}}) {
    TargetDescription target = llvm::cantFail(TargetDescription::get(name));
    FormOptions options = product(/*pack=*/true);
    options.lanes = target.vectorBits / 32;
    ContractionForm form = contractionForm(matmul(512, 512, 512), options);
    ContractionSchedule schedule = chooseSchedule(form, target, options.lanes, 4);
    EXPECT_GE(schedule.rows * schedule.vectors, least) << name;
    EXPECT_LE(schedule.rows * schedule.vectors, most) << name;
  }
}

// Of tiles that cost the same, few rows where they are pages apart.
TEST(ContractionSchedule, TakesFewDistantRows) {
  TargetDescription target = llvm::cantFail(TargetDescription::get("x86-64-v4"));
  ContractionForm form = contractionForm(matmul(2048, 2048, 2048), product(/*pack=*/true));
  ContractionSchedule schedule = chooseSchedule(form, target, target.vectorBits / 32, 4);
  EXPECT_EQ(schedule.rows, 6);
  EXPECT_EQ(schedule.vectors, 4);
}

// The lanes of a vector are dealt to rows where the last columns leave at least half of them free.
TEST(ContractionSchedule, SharesTails) {
  auto share = [](const char *name, int64_t columns) {
    TargetDescription target = llvm::cantFail(TargetDescription::get(name));
    int64_t lanes = target.vectorBits / 32;
    ContractionForm form = contractionForm(matmul(64, columns, 64), product());
    return rowsOfTail(form, target, lanes, columns % lanes);
  };
  EXPECT_EQ(share("x86-64-v4", 50), 8);
  EXPECT_EQ(share("x86-64-v4", 20), 4);
  EXPECT_EQ(share("x86-64-v4", 19), 4);
  EXPECT_EQ(share("x86-64-v4", 10), 1);
  EXPECT_EQ(share("x86-64-v3", 20), 2);
  EXPECT_EQ(share("x86-64", 21), 1);
}

// Two units of a latency of four cycles want eight sums.
TEST(ContractionSchedule, KeepsUnitsBusy) {
  int64_t inFlight = sumsInFlight(llvm::cantFail(TargetDescription::get("x86-64-v4")));
  EXPECT_EQ(inFlight, 8);
  EXPECT_EQ(setsOfSums(8, inFlight), 1);
  EXPECT_EQ(setsOfSums(7, inFlight), 2);
  EXPECT_EQ(setsOfSums(4, inFlight), 2);
  EXPECT_EQ(setsOfSums(3, inFlight), 4);
}

// A filter gradient is cut along the batch, in equal parts, as far as their sums are few: not along its columns, each
// part of which would read the images again.
TEST(ContractionSchedule, SplitsLongSums) {
  TargetDescription target = llvm::cantFail(TargetDescription::get("x86-64-v4"));
  auto schedule = [&](const ConvolutionShape &shape) {
    ContractionForm form = contractionForm(convFilterGradientProblem(shape), convolution(12));
    return chooseSchedule(form, target, 16, 4);
  };
  EXPECT_EQ(schedule(square(16, 56, 64, 64, 3, 1, 1)).splits, 16);
  ContractionSchedule some = schedule(square(16, 28, 128, 128, 3, 1, 1));
  EXPECT_EQ(some.splits, 4);
  EXPECT_EQ(some.columnBlock, 128);
  EXPECT_EQ(schedule(square(16, 14, 256, 256, 3, 1, 1)).splits, 1);
}

// A schedule is data: what is written as an attribute is read back the same.
TEST(ContractionSchedule, SurvivesItsAttribute) {
  mlir::MLIRContext context;
  TargetDescription target = llvm::cantFail(TargetDescription::get("x86-64-v4"));
  ContractionForm form = contractionForm(convProblem(square(16, 28, 128, 128, 3, 1, 1)), convolution(12));
  ContractionSchedule schedule = chooseSchedule(form, target, 16, 4);
  mlir::DictionaryAttr attribute = toAttribute(schedule, form, &context);
  ContractionSchedule read = llvm::cantFail(applyKnobs(schedule, form, attribute, 16));
  EXPECT_EQ(toAttribute(read, form, &context), attribute);
}
