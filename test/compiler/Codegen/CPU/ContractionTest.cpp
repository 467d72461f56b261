#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "test/compiler/Codegen/CPU/CompiledKernel.h"
#include "test/compiler/Codegen/CPU/ContractionReference.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/TargetParser/Host.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace mlir;
using namespace xfer;
using namespace xfer::test;

namespace {

std::string list(ArrayRef<int64_t> numbers) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleaveComma(numbers, stream);
  return "[" + text + "]";
}

std::string tensor(ArrayRef<int64_t> shape, StringRef element) {
  std::string text = "tensor<";
  for (int64_t extent : shape)
    text += std::to_string(extent) + "x";
  return text + element.str() + ">";
}

/// One operation, its operands as the arguments of a function around it.
struct Case {
  std::string text;
  EpilogueFn epilogue = {};
  std::string knobs = {};
  std::string emitted = {}; // the text to emit, if it is not `text`
  std::vector<int64_t> extents = {};
};

std::string wrap(StringRef name, std::string lhs, std::string rhs, std::string result, std::string attributes) {
  return llvm::formatv(
      "func.func @f(%a: {0}, %b: {1}) -> {2} {{ %r = nn.{3} %a, %b {4} : ({0}, {1}) -> {2}\n return %r : {2} }", lhs,
      rhs, result, name, attributes);
}

std::string contractText(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs, ArrayRef<int64_t> result,
                         std::array<SmallVector<int64_t>, 4> axes, StringRef element = "f32",
                         StringRef accumulator = "f32") {
  return wrap("contract", tensor(lhs, element), tensor(rhs, element), tensor(result, element),
              "lhs_batch " + list(axes[0]) + " rhs_batch " + list(axes[1]) + " lhs_contract " + list(axes[2]) +
                  " rhs_contract " + list(axes[3]) + " accumulate " + accumulator.str());
}

std::string matmulText(int64_t m, int64_t n, int64_t k, StringRef element = "f32", StringRef accumulator = "f32") {
  return contractText({m, k}, {k, n}, {m, n}, {SmallVector<int64_t>{}, {}, {1}, {0}}, element, accumulator);
}

struct Convolution {
  SmallVector<int64_t> x;
  SmallVector<int64_t> kernel;
  int64_t filters;
  SmallVector<int64_t> strides, low, high, dilations;
  int64_t groups = 1;

  /// The text of the forward direction (0), the input gradient (1), the filter gradient (2).
  std::string text(int direction, StringRef element = "f32") const {
    SmallVector<int64_t> w(kernel), y{x.front()};
    w.append({x.back() / groups, filters});
    for (size_t i = 0; i < kernel.size(); ++i)
      y.push_back((x[i + 1] + low[i] + high[i] - dilations[i] * (kernel[i] - 1) - 1) / strides[i] + 1);
    y.push_back(filters);
    std::string attributes = "strides " + list(strides) + " padding " + list(low) + " " + list(high) + " dilations " +
                             list(dilations) + " groups " + std::to_string(groups);
    std::string xs = tensor(x, element), ws = tensor(w, element), ys = tensor(y, element);
    if (direction == 0)
      return wrap("conv", xs, ws, ys, attributes);
    if (direction == 1)
      return wrap("conv_input_gradient", ys, ws, xs, attributes);
    return wrap("conv_filter_gradient", xs, ys, ws, attributes);
  }
};

Convolution square(int64_t n, int64_t size, int64_t channels, int64_t filters, int64_t kernel, int64_t stride,
                   int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  return {{n, size, size, channels}, {kernel, kernel},     filters, {stride, stride}, {padding, padding},
          {padding, padding},        {dilation, dilation}, groups};
}

/// Memory with a wall of NaNs on both sides: what is read beyond the buffer spoils a sum, what is written is found.
template <typename T> struct Walled {
  static constexpr size_t wall = 256;
  std::vector<T> memory;
  size_t size;
  T *data;

  static T spoiled() { return std::is_floating_point_v<T> ? std::numeric_limits<T>::quiet_NaN() : T(-77777); }
  explicit Walled(size_t size) : memory(size + 2 * wall + 64, spoiled()), size(size) {
    uintptr_t address = reinterpret_cast<uintptr_t>(memory.data() + wall);
    data = reinterpret_cast<T *>((address + 63) / 64 * 64);
  }
  bool intact() const {
    auto spoilt = [](T value) { return std::is_floating_point_v<T> ? std::isnan(double(value)) : value == spoiled(); };
    for (const T &value : memory)
      if ((&value < data || &value >= data + size) && !spoilt(value))
        return false;
    return true;
  }
};

class ContractionTest : public ::testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    context.loadDialect<nn::NNDialect, func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect,
                        LLVM::LLVMDialect>();
    target = llvm::cantFail(TargetDescription::get(GetParam()));
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    bool runs =
        target.vectorBits == 512 ? features.lookup("avx512vl") : target.vectorBits != 256 || features.lookup("avx2");
    bool again = target.name == "x86-64-v4" && llvm::cantFail(TargetDescription::get("native")).vectorBits == 512;
    if (!runs || again)
      GTEST_SKIP() << (again ? "the same as native here" : "this machine does not run it");
  }

  template <typename T> std::vector<T> check(const Case &one) {
    OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(one.text, &context);
    EXPECT_TRUE(source) << one.text;
    if (!source)
      return {};
    func::FuncOp around = *source->getOps<func::FuncOp>().begin();
    Operation *op = &around.front().front();
    OwningOpRef<ModuleOp> other = parseSourceString<ModuleOp>(one.emitted.empty() ? one.text : one.emitted, &context);
    EXPECT_TRUE(other) << one.emitted;
    if (!other)
      return {};
    Operation *emitted = &(*other->getOps<func::FuncOp>().begin()).front().front();
    OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    auto knobs = one.knobs.empty() ? DictionaryAttr() : cast<DictionaryAttr>(parseAttribute(one.knobs, &context));
    FailureOr<EmittedKernel> kernel = emitContraction(builder, emitted, "kernel", {}, one.epilogue, knobs, target);
    EXPECT_TRUE(succeeded(kernel)) << one.text;
    if (failed(kernel))
      return {};
    EXPECT_TRUE(succeeded(verify(*module)));
    auto compiled = CompiledKernel::compile(*module, *kernel, target);
    EXPECT_TRUE(static_cast<bool>(compiled)) << one.text;
    return compare<T>(op, **compiled, one);
  }

  template <typename T> std::vector<T> compare(Operation *op, CompiledKernel &kernel, const Case &one) {
    auto count = [](Value value) { return cast<RankedTensorType>(value.getType()).getNumElements(); };
    std::mt19937 generator(7);
    std::uniform_int_distribution<int> integers(-9, 9);
    std::uniform_real_distribution<float> reals(-1, 1);
    auto fill = [&](Walled<T> &walled) {
      std::vector<double> values;
      for (size_t i = 0; i < walled.size; ++i)
        values.push_back(walled.data[i] = std::is_integral_v<T> ? T(integers(generator)) : T(reals(generator)));
      return values;
    };
    Walled<T> lhs(count(op->getOperand(0))), rhs(count(op->getOperand(1)));
    std::vector<double> left = fill(lhs), right = fill(rhs);
    Walled<T> result(count(op->getResult(0))), again(result.size);
    kernel.run({lhs.data, rhs.data, result.data}, /*backwards=*/false, one.extents);
    kernel.run({lhs.data, rhs.data, again.data}, /*backwards=*/true, one.extents);
    EXPECT_TRUE(result.intact()) << one.text;
    std::vector<T> values(result.data, result.data + result.size);
    EXPECT_TRUE(std::memcmp(result.data, again.data, result.size * sizeof(T)) == 0) << "order of chunks: " << one.text;
    if (one.epilogue)
      return values;
    // The bound of recursive summation in any order (Higham, Accuracy and Stability, 4.2): n u sum |x y|.
    ReferenceSums reference = referenceContraction(op, left, right);
    double terms = 2 + double(left.size()) * right.size() / std::max<size_t>(result.size, 1);
    terms = std::min(terms, 1e5);
    double unit = std::is_integral_v<T> ? 0 : std::numeric_limits<T>::epsilon() / 2;
    for (size_t i = 0; i < result.size; ++i) {
      double error = std::abs(values[i] - reference.sums[i]);
      if (!(error <= terms * unit * reference.magnitudes[i])) {
        ADD_FAILURE() << one.text << "\n at " << i << ": " << values[i] << " instead of " << reference.sums[i];
        break;
      }
    }
    return values;
  }

  MLIRContext context;
  TargetDescription target;
};

// Matrix products of every tail: fewer rows, columns and steps than a tile, one more, and several blocks.
TEST_P(ContractionTest, MultipliesMatrices) {
  for (auto [m, n, k] : std::vector<std::array<int64_t, 3>>{{1, 1, 1},
                                                            {7, 5, 3},
                                                            {64, 10, 500},
                                                            {128, 50, 80},
                                                            {13, 100, 37},
                                                            {33, 130, 65},
                                                            {100, 1, 77},
                                                            {1, 70, 90},
                                                            {3, 17, 1000},
                                                            {200, 96, 1}})
    check<float>({matmulText(m, n, k)});
}

// Last columns that fill at most half of a vector: rows share one for them. Few and many rows, also not a multiple of
// those that share; columns that are no power of two; in place, packed, in several blocks, in splits, with wider
// elements.
TEST_P(ContractionTest, SharesTails) {
  for (int64_t columns : {1, 2, 3, 4, 7, 8, 17, 18, 19, 20, 23, 50})
    for (int64_t rows : {2, 3, 13})
      check<float>({matmulText(rows, columns, 21)});
  check<float>({matmulText(100, 515, 40)});
  check<float>({matmulText(20, 20, 300), {}, "{reduction_blocks = array<i64: 100>}"});
  check<float>({matmulText(20, 20, 300), {}, "{splits = 3}"});
  check<double>({matmulText(13, 18, 21, "f64", "f64")});
  check<int32_t>({matmulText(13, 18, 21, "i32", "i32")});
}

// Where each tap has rows of its own, some of those that share a vector have no part in it.
TEST_P(ContractionTest, SharesTailsOfTaps) {
  for (int direction : {0, 1, 2}) {
    check<float>({square(2, 8, 20, 18, 3, 1, 1).text(direction)});
    check<float>({square(2, 7, 3, 20, 5, 1, 2).text(direction)});
    check<float>({square(2, 12, 4, 50, 5, 1, 0).text(direction)});
    check<float>({square(2, 11, 33, 17, 3, 2, 1).text(direction)});
  }
}

// Few sums have several sets; the last steps of a loop, which need not be cut evenly, go to the first one. Loops of
// images are shorter for the taps that lie partly outside.
TEST_P(ContractionTest, CarriesSeveralSets) {
  for (int64_t steps : {8, 9, 10, 11, 35})
    for (int64_t rows : {1, 2, 3, 5})
      check<float>({matmulText(rows, 16, steps)});
  check<float>({matmulText(3, 20, 210), {}, "{reduction_blocks = array<i64: 30>}"});
  check<float>({matmulText(3, 20, 210), {}, "{splits = 4}"});
  check<float>({square(2, 19, 3, 16, 3, 1, 1).text(2)});
  check<float>({square(2, 21, 1, 20, 5, 2, 2).text(2)});
}

// A rhs whose rows are far apart is packed in panels, with zeros in the last one.
TEST_P(ContractionTest, PacksWideMatrices) {
  check<float>({matmulText(100, 600, 40)});
  check<float>({matmulText(130, 512, 210)});
}

// Both operands of a product may be transposed: columns are found, transposed, or summed along.
TEST_P(ContractionTest, MultipliesTransposedMatrices) {
  using Axes = std::array<SmallVector<int64_t>, 4>;
  check<float>({contractText({40, 70}, {90, 70}, {40, 90}, Axes{SmallVector<int64_t>{}, {}, {1}, {1}})});
  check<float>({contractText({4, 70}, {9, 70}, {4, 9}, Axes{SmallVector<int64_t>{}, {}, {1}, {1}})});
  check<float>({contractText({70, 40}, {70, 90}, {40, 90}, Axes{SmallVector<int64_t>{}, {}, {0}, {0}})});
  check<float>({contractText({70, 40}, {90, 70}, {40, 90}, Axes{SmallVector<int64_t>{}, {}, {0}, {1}})});
  check<float>({contractText({70, 40}, {70}, {40}, Axes{SmallVector<int64_t>{}, {}, {0}, {0}})});
  check<float>({contractText({40, 70}, {70}, {40}, Axes{SmallVector<int64_t>{}, {}, {1}, {0}})});
  check<float>({contractText({70}, {70}, {}, Axes{SmallVector<int64_t>{}, {}, {0}, {0}})});
  check<float>({contractText({6}, {40}, {6, 40}, Axes{SmallVector<int64_t>{}, {}, {}, {}})});
}

// Batch axes at any place, several free axes, several contracted axes.
TEST_P(ContractionTest, ContractsManyAxes) {
  using Axes = std::array<SmallVector<int64_t>, 4>;
  check<float>({contractText({3, 20, 30}, {3, 30, 40}, {3, 20, 40}, Axes{SmallVector<int64_t>{0}, {0}, {2}, {1}})});
  check<float>({contractText({20, 3, 30}, {40, 3, 30}, {3, 20, 40}, Axes{SmallVector<int64_t>{1}, {1}, {2}, {2}})});
  check<float>(
      {contractText({4, 5, 6, 7}, {6, 7, 8, 9}, {4, 5, 8, 9}, Axes{SmallVector<int64_t>{}, {}, {2, 3}, {0, 1}})});
  check<float>(
      {contractText({4, 5, 6, 7}, {8, 7, 9, 6}, {4, 5, 8, 9}, Axes{SmallVector<int64_t>{}, {}, {2, 3}, {3, 1}})});
  check<float>({contractText({50, 33}, {50, 33}, {50}, Axes{SmallVector<int64_t>{0}, {0}, {1}, {1}})});
  check<float>({contractText({33, 50}, {33, 50}, {50}, Axes{SmallVector<int64_t>{1}, {1}, {0}, {0}})});
  check<float>({contractText({50, 3}, {50, 3}, {50, 3}, Axes{SmallVector<int64_t>{0, 1}, {0, 1}, {}, {}})});
}

// Sums of other types.
TEST_P(ContractionTest, SumsDoublesAndIntegers) {
  check<double>({matmulText(40, 50, 60, "f64", "f64")});
  check<int32_t>({matmulText(40, 50, 60, "i32", "i32")});
}

// All three directions of the convolutions of the benchmarks, small.
TEST_P(ContractionTest, ConvolvesPlainly) {
  for (int direction : {0, 1, 2}) {
    check<float>({square(3, 12, 1, 20, 5, 1, 0).text(direction)});
    check<float>({square(2, 12, 20, 50, 5, 1, 0).text(direction)});
    check<float>({square(2, 8, 16, 16, 3, 1, 1).text(direction)});
    check<float>({square(2, 7, 64, 32, 3, 1, 1).text(direction)});
    check<float>({square(2, 9, 8, 12, 1, 1, 0).text(direction)});
    check<float>({square(1, 15, 3, 16, 7, 2, 3).text(direction)});
    check<float>({square(2, 17, 5, 16, 3, 1, 1).text(direction)});
    check<float>({square(2, 18, 16, 8, 5, 1, 2).text(direction)});
  }
}

// Strides, dilations and uneven paddings, alone and together; strides that leave inputs without a tap.
TEST_P(ContractionTest, ConvolvesWithStridesAndDilations) {
  for (int direction : {0, 1, 2}) {
    check<float>({square(2, 9, 5, 7, 3, 2, 1).text(direction)});
    check<float>({square(2, 10, 16, 32, 1, 2, 0).text(direction)});
    check<float>({square(1, 11, 4, 6, 3, 1, 2, 2).text(direction)});
    check<float>({square(1, 13, 3, 5, 3, 2, 2, 2).text(direction)});
    check<float>({square(1, 13, 3, 5, 3, 3, 1, 2).text(direction)});
    check<float>({square(2, 8, 6, 18, 2, 3, 0).text(direction)});
    check<float>({Convolution{{2, 9, 6, 4}, {3, 2}, 8, {2, 1}, {0, 1}, {2, 0}, {1, 2}}.text(direction)});
    check<float>({square(1, 5, 17, 19, 5, 1, 2).text(direction)});
    // Short rows of which some phases have no tap at all.
    check<float>({Convolution{{4, 1, 11, 3}, {5, 5}, 1, {2, 2}, {4, 4}, {4, 4}, {2, 2}}.text(direction)});
  }
}

// Groups of channels, down to one channel a group (depthwise), with one and with several filters each.
TEST_P(ContractionTest, ConvolvesGroups) {
  for (int direction : {0, 1, 2}) {
    check<float>({square(2, 7, 8, 12, 3, 1, 1, 1, 4).text(direction)});
    check<float>({square(2, 9, 40, 40, 3, 1, 1, 1, 40).text(direction)});
    check<float>({square(2, 9, 40, 40, 3, 2, 1, 1, 40).text(direction)});
    check<float>({square(1, 6, 6, 18, 3, 1, 1, 1, 6).text(direction)});
    check<float>({square(1, 6, 64, 96, 3, 2, 1, 1, 2).text(direction)});
  }
}

// One and three spatial axes; one input channel, one filter, one pixel.
TEST_P(ContractionTest, ConvolvesOtherShapes) {
  for (int direction : {0, 1, 2}) {
    check<float>({Convolution{{2, 40, 6}, {5}, 9, {2}, {2}, {1}, {1}}.text(direction)});
    check<float>(
        {Convolution{{1, 5, 6, 7, 4}, {3, 2, 3}, 8, {1, 2, 1}, {1, 0, 1}, {1, 1, 1}, {1, 1, 2}}.text(direction)});
    check<float>({square(2, 9, 16, 1, 3, 1, 1).text(direction)});
    check<float>({square(2, 9, 1, 1, 3, 1, 1).text(direction)});
    // A result that is as long as there are images: these must not become the columns of a padded convolution.
    check<float>({square(7, 1, 3, 1, 3, 1, 1).text(direction)});
    check<float>({square(7, 2, 3, 1, 3, 2, 1).text(direction)});
    check<float>({square(7, 1, 1, 5, 3, 1, 1).text(direction)});
    check<float>({square(2, 5, 20, 30, 5, 1, 0).text(direction)});
    check<double>({square(2, 6, 5, 9, 3, 1, 1).text(direction, "f64")});
  }
}

// Reductions in several blocks: sums wait and go on; the schedule's knobs may ask for any tile.
TEST_P(ContractionTest, FollowsTheSchedule) {
  check<float>({matmulText(50, 70, 90), {}, "{reduction_blocks = array<i64: 20>, rows = 3, vectors = 2, pack = true}"});
  check<float>({matmulText(50, 70, 90), {}, "{reduction_blocks = array<i64: 7>, rows = 5, vectors = 1, pack = false}"});
  check<float>(
      {matmulText(50, 70, 90), {}, "{row_block = 8, column_block = 16, rows = 4, vectors = 1, rows_inner = true}"});
  check<float>({matmulText(50, 70, 90), {}, "{splits = 4, row_block = 12, rows = 4}"});
  check<float>({matmulText(50, 70, 90), {}, "{splits = 4, reduction_blocks = array<i64: 10>, pack = true}"});
  check<float>({square(2, 9, 8, 24, 3, 2, 1).text(1),
                {},
                "{phases = [{rows = 2, pack = true}, {rows = 1}, {vectors = 1}, {pack = true, rows_inner = true}]}"});
}

/// relu(sums + bias[column]), and the column's number added to see that coordinates are right.
Value biasRelu(OpBuilder &b, Location loc, const EpilogueTile &tile) {
  auto type = cast<VectorType>(tile.sums.getType());
  Value row = arith::UIToFPOp::create(b, loc, b.getF32Type(), tile.coordinate(tile.axis == 0 ? 0 : tile.axis - 1));
  Value column = arith::UIToFPOp::create(b, loc, b.getF32Type(), tile.coordinate(tile.axis));
  Value sum = arith::AddFOp::create(b, loc, row, column);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  Value positive = arith::MaximumFOp::create(b, loc, tile.sums, zero);
  return arith::AddFOp::create(b, loc, positive, vector::BroadcastOp::create(b, loc, type, sum));
}

// The epilogue sees every sum once, with the coordinates of lane 0, in direct, waiting and split sums.
TEST_P(ContractionTest, AppliesTheEpilogue) {
  for (std::string text :
       {matmulText(50, 70, 90), square(2, 9, 8, 24, 3, 2, 1).text(1), square(2, 7, 6, 12, 3, 1, 1, 1, 3).text(0)})
    for (std::string knobs : {"{}", "{splits = 2}", "{reduction_blocks = array<i64: 20>}"}) {
      if (knobs != "{}" && text.find("contract") == std::string::npos)
        continue;
      std::vector<float> plain = check<float>({text});
      std::vector<float> changed = check<float>({text, biasRelu, knobs});
      ASSERT_EQ(plain.size(), changed.size());
      OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
      func::FuncOp around = *source->getOps<func::FuncOp>().begin();
      ArrayRef<int64_t> shape = cast<RankedTensorType>(around.getResultTypes()[0]).getShape();
      for (size_t i = 0; i < plain.size(); ++i) {
        // Lanes share the column of lane 0, a multiple of what a vector may start at; so the sum is a bound, not a
        // value.
        int64_t column = i % shape.back(), row = i / shape.back() % shape[shape.size() - 2];
        float base = std::max(plain[i], 0.0f) + row;
        ASSERT_GE(changed[i], base - 1e-3f) << text << knobs << i;
        ASSERT_LE(changed[i], base + column + 1e-3f) << text << knobs << i;
        ASSERT_GE(changed[i], base + std::max<int64_t>(0, column - 16) - 1e-3f) << text << knobs << i;
      }
    }
}

// Extents that are known at run time only: the same text with some of them dynamic gives the same sums.
TEST_P(ContractionTest, TakesExtentsAtRunTime) {
  std::string type = "xf32, #nn.meaning<symbols = ";
  auto dynamic = [&](std::string shape, std::string symbols) { return "tensor<" + shape + type + symbols + ">>"; };
  struct Shapes {
    std::string lhs, rhs, result, attributes, plain;
    std::vector<int64_t> extents;
  };
  using Axes = std::array<SmallVector<int64_t>, 4>;
  std::vector<Shapes> all = {// Gram matrix of a split, its covariance, and a product with a matrix.
                             {dynamic("?x21", "[\"s\", \"\"]"),
                              dynamic("?x21", "[\"t\", \"\"]"),
                              dynamic("?x?", "[\"s\", \"t\"]"),
                              "lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [1] accumulate f32",
                              contractText({37, 21}, {18, 21}, {37, 18}, Axes{SmallVector<int64_t>{}, {}, {1}, {1}}),
                              {37, 18}},
                             {dynamic("?x20", "[\"s\", \"\"]"),
                              dynamic("?x20", "[\"s\", \"\"]"),
                              "tensor<20x20xf32>",
                              "lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32",
                              contractText({45, 20}, {45, 20}, {20, 20}, Axes{SmallVector<int64_t>{}, {}, {0}, {0}}),
                              {45}},
                             {dynamic("?x30", "[\"s\", \"\"]"),
                              "tensor<30x19xf32>",
                              dynamic("?x19", "[\"s\", \"\"]"),
                              "lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32",
                              contractText({33, 30}, {30, 19}, {33, 19}, Axes{SmallVector<int64_t>{}, {}, {1}, {0}}),
                              {33}},
                             {dynamic("?", "[\"s\"]"),
                              dynamic("?", "[\"s\"]"),
                              "tensor<f32>",
                              "lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32",
                              contractText({50}, {50}, {}, Axes{SmallVector<int64_t>{}, {}, {0}, {0}}),
                              {50}}};
  for (const Shapes &one : all)
    check<float>({one.plain, {}, {}, wrap("contract", one.lhs, one.rhs, one.result, one.attributes), one.extents});
}

// A dynamic extent without a name cannot be asked for at run time.
TEST_P(ContractionTest, RefusesExtentsWithoutAName) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  std::string text = wrap("contract", "tensor<?x4xf32>", "tensor<4x5xf32>", "tensor<?x5xf32>",
                          "lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32");
  OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
  Operation *op = &(*source->getOps<func::FuncOp>().begin()).front().front();
  OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  EXPECT_TRUE(failed(emitContraction(builder, op, "kernel", {}, {}, {}, target)));
  EXPECT_NE(message.find("a dynamic extent without a name"), std::string::npos) << message;
}

// Wrong knobs are told apart.
TEST_P(ContractionTest, RefusesWrongKnobs) {
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(matmulText(5, 6, 7), &context);
  Operation *op = &(*source->getOps<func::FuncOp>().begin()).front().front();
  for (auto [knobs, expected] :
       {std::pair("{rows = 0}", "'rows' is not a positive number"),
        std::pair("{reduction_blocks = array<i64: 1, 2>}", "'reduction_blocks' is not a list of 1"),
        std::pair("{splits = 9}", "'splits' is more than")}) {
    OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    EXPECT_TRUE(failed(
        emitContraction(builder, op, "kernel", {}, {}, cast<DictionaryAttr>(parseAttribute(knobs, &context)), target)));
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, ContractionTest, ::testing::Values("native", "x86-64", "x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

/// Whether a vector goes onto the stack in a block of multiply-adds that jumps back to its own start.
bool spillsInLoop(StringRef listing) {
  StringRef label;
  bool spills = false, multiplies = false;
  SmallVector<StringRef> lines;
  listing.split(lines, '\n');
  for (StringRef line : lines) {
    if (line.starts_with(".LBB")) {
      label = line.take_until([](char c) { return c == ':'; });
      spills = multiplies = false;
    }
    spills |= line.contains("32-byte Spill") || line.contains("64-byte Spill");
    multiplies |= line.contains("vfmadd");
    bool jumpsBack = line.trim().starts_with("j") && !label.empty() && line.trim().ends_with(label);
    if (jumpsBack && spills && multiplies)
      return true;
  }
  return false;
}

// The sums of the kernels that matter stay in registers: LLVM names every vector that it has to put onto the stack.
TEST(ContractionObject, KeepsSumsInRegisters) {
  MLIRContext context;
  context.loadDialect<nn::NNDialect, func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect,
                      LLVM::LLVMDialect>();
  SmallVector<std::string> texts{matmulText(512, 512, 512), square(128, 28, 1, 20, 5, 1, 0).text(0)};
  for (int direction : {0, 1, 2}) {
    texts.push_back(square(16, 56, 64, 64, 3, 1, 1).text(direction));
    texts.push_back(square(16, 7, 512, 512, 3, 1, 1).text(direction));
    texts.push_back(square(128, 12, 20, 50, 5, 1, 0).text(direction));
    texts.push_back(square(64, 32, 16, 16, 3, 1, 1).text(direction));
  }
  for (const char *name : {"x86-64-v3", "x86-64-v4"})
    for (const std::string &text : texts) {
      TargetDescription target = llvm::cantFail(TargetDescription::get(name));
      OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
      Operation *op = &(*source->getOps<func::FuncOp>().begin()).front().front();
      OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
      OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
      ASSERT_TRUE(succeeded(emitContraction(builder, op, "kernel", {}, {}, {}, target)));
      llvm::SmallVector<char, 0> assembly = llvm::cantFail(compileKernels(*module, target, MachineCode::Assembly));
      StringRef listing(assembly.data(), assembly.size());
      EXPECT_NE(listing.find("vfmadd"), StringRef::npos);
      EXPECT_FALSE(spillsInLoop(listing)) << name << "\n" << text;
    }
}

// An object for aarch64 comes from the same emitter.
TEST(ContractionObject, IsMadeForAArch64) {
  MLIRContext context;
  context.loadDialect<nn::NNDialect, func::FuncDialect, arith::ArithDialect, scf::SCFDialect, vector::VectorDialect,
                      LLVM::LLVMDialect>();
  TargetDescription target = llvm::cantFail(TargetDescription::get("aarch64"));
  for (std::string text : {matmulText(100, 200, 300), square(2, 9, 8, 24, 3, 2, 1).text(0),
                           square(2, 9, 8, 24, 3, 2, 1).text(1), square(2, 9, 8, 24, 3, 2, 1).text(2)}) {
    OwningOpRef<ModuleOp> source = parseSourceString<ModuleOp>(text, &context);
    Operation *op = &(*source->getOps<func::FuncOp>().begin()).front().front();
    OwningOpRef<ModuleOp> module = ModuleOp::create(op->getLoc());
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    ASSERT_TRUE(succeeded(emitContraction(builder, op, "kernel", {}, {}, {}, target)));
    OwningOpRef<ModuleOp> copy = module->clone();
    llvm::SmallVector<char, 0> assembly = llvm::cantFail(compileKernels(*copy, target, MachineCode::Assembly));
    EXPECT_NE(llvm::StringRef(assembly.data(), assembly.size()).find("fmla"), llvm::StringRef::npos);
    EXPECT_GT(llvm::cantFail(compileKernels(*module, target, MachineCode::Object)).size(), 500u);
  }
}

} // namespace
