// Every operation that a loop kernel knows, alone in its kernel, against a plain formula, for each kind of vectors that
// this machine can execute. Shapes are chosen so that full vectors, narrower ones and single elements all occur.

#include "test/compiler/Codegen/CPU/KernelRunner.h"

#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <cmath>
#include <functional>

using namespace xfer::test;

namespace {

using Point = std::vector<int64_t>;

/// Calls `body` for each index of `shape` in row-major order.
void forPoints(const std::vector<int64_t> &shape, const std::function<void(const Point &)> &body) {
  Point at(shape.size());
  int64_t count = Tensor{shape, {}}.size();
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    for (size_t axis = shape.size(); axis-- > 0; rest /= shape[axis])
      at[axis] = rest % shape[axis];
    body(at);
  }
}

double get(const Tensor &tensor, const Point &at) {
  int64_t offset = 0;
  for (size_t axis = 0; axis < at.size(); ++axis)
    offset = offset * tensor.shape[axis] + at[axis];
  return tensor.values[offset];
}

Tensor make(std::vector<int64_t> shape, const std::function<double(const Point &)> &formula) {
  Tensor tensor{std::move(shape), {}};
  forPoints(tensor.shape, [&](const Point &at) { tensor.values.push_back(formula(at)); });
  return tensor;
}

void expectNear(const Tensor &expected, const Tensor &actual, double tolerance, const std::string &what) {
  ASSERT_EQ(expected.shape, actual.shape) << what;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    double x = expected.values[i], y = actual.values[i];
    if (std::isnan(x) && std::isnan(y))
      continue;
    if (x == y)
      continue;
    ASSERT_LE(std::abs(x - y), tolerance * (1 + std::abs(x))) << what << " element " << i << ": " << x << " " << y;
  }
}

class LoopNest : public testing::TestWithParam<std::string> {
protected:
  /// Runs one operation, given as `%r = OP : TYPES` on %a, %b, ..., and compares its results.
  void check(const std::string &signature, const std::string &body, std::vector<Tensor> arguments,
             std::vector<Tensor> expected, double tolerance = 0, std::map<std::string, int64_t> extents = {}) {
    std::string source = "func.func @f(" + signature + " {\n" + body + "\n}\n";
    RunOptions options;
    options.target = GetParam();
    options.extents = std::move(extents);
    auto actual = run(source, arguments, options);
    ASSERT_EQ(actual.size(), expected.size()) << source;
    for (size_t i = 0; i < actual.size(); ++i)
      expectNear(expected[i], actual[i], tolerance, source);
  }
  void checkUnary(const std::string &name, const std::function<double(double)> &formula, double low, double high,
                  double tolerance) {
    Tensor x = Tensor::random({3, 53}, 1, low, high);
    check("%a: tensor<3x53xf32>) -> tensor<3x53xf32>",
          "%r = nn." + name + " %a : tensor<3x53xf32>\n return %r : tensor<3x53xf32>", {x},
          {make({3, 53}, [&](const Point &p) { return formula(get(x, p)); })}, tolerance);
  }
};

TEST_P(LoopNest, Unary) {
  double ulp = 0x1p-23;
  checkUnary("neg", [](double x) { return -x; }, -2, 2, 0);
  checkUnary("exp", [](double x) { return std::exp(x); }, -80, 80, 2 * ulp);
  checkUnary("log", [](double x) { return std::log(x); }, 1e-6, 40, ulp);
  checkUnary("sqrt", [](double x) { return std::sqrt(x); }, 0, 40, ulp);
  checkUnary("tanh", [](double x) { return std::tanh(x); }, -4, 4, 2 * ulp);
  checkUnary("erf", [](double x) { return std::erf(x); }, -5, 5, 2 * ulp);
  checkUnary("sin", [](double x) { return std::sin(x); }, -50, 50, 2 * ulp);
  checkUnary("cos", [](double x) { return std::cos(x); }, -50, 50, 2 * ulp);
  checkUnary("floor", [](double x) { return std::floor(x); }, -5, 5, 0);
  checkUnary("abs", [](double x) { return std::abs(x); }, -5, 5, 0);
  checkUnary("sign", [](double x) { return (x > 0) - (x < 0); }, -5, 5, 0);
}

TEST_P(LoopNest, Binary) {
  Tensor x = Tensor::random({7, 21}, 1, -3, 3), y = Tensor::random({7, 21}, 2, -3, 3);
  Tensor i = Tensor::random({7, 21}, 3, -9, 9, true), j = Tensor::random({7, 21}, 4, -4, 4, true);
  auto binary = [&](const std::string &name, const std::string &element, const Tensor &a, const Tensor &b,
                    const std::function<double(double, double)> &formula, double tolerance) {
    std::string type = "tensor<7x21x" + element + ">";
    check("%a: " + type + ", %b: " + type + ") -> " + type,
          "%r = nn." + name + " %a, %b : " + type + "\n return %r : " + type, {a, b},
          {make({7, 21}, [&](const Point &p) { return formula(get(a, p), get(b, p)); })}, tolerance);
  };
  auto rounded = [](double v) { return double(float(v)); };
  binary("add", "f32", x, y, [&](double a, double b) { return rounded(a + b); }, 0);
  binary("sub", "f32", x, y, [&](double a, double b) { return rounded(a - b); }, 0);
  binary("mul", "f32", x, y, [&](double a, double b) { return rounded(a * b); }, 0);
  binary("div", "f32", x, y, [&](double a, double b) { return rounded(a / b); }, 0);
  binary("max", "f32", x, y, [&](double a, double b) { return std::max(a, b); }, 0);
  binary("min", "f32", x, y, [&](double a, double b) { return std::min(a, b); }, 0);
  binary("rem", "f32", x, y, [&](double a, double b) { return a - std::floor(a / b) * b; }, 1e-6);
  Tensor positive = make({7, 21}, [&](const Point &p) { return std::abs(get(x, p)); });
  binary("pow", "f32", positive, y, [&](double a, double b) { return std::pow(a, b); }, 0x1p-23);
  binary("pow", "f32", i, j, [&](double a, double b) { return std::pow(a, b); }, 0x1p-23);
  binary("add", "i32", i, j, [](double a, double b) { return a + b; }, 0);
  binary("max", "i32", i, j, [](double a, double b) { return std::max(a, b); }, 0);
  binary("div", "i32", i, j, [](double a, double b) { return b == 0 ? 0 : std::floor(a / b); }, 0);
  binary("rem", "i32", i, j, [](double a, double b) { return b == 0 ? a : a - std::floor(a / b) * b; }, 0);
  binary(
      "pow", "i32", i, j,
      [](double a, double b) {
        return b < 0 ? (a == 1 ? 1 : a == -1 ? (std::fmod(b, 2) ? -1 : 1) : 0) : std::pow(a, b);
      },
      0);
}

TEST_P(LoopNest, NotANumber) {
  double nan = std::nan(""), inf = INFINITY;
  Tensor x = Tensor::of({6}, {nan, 1, nan, inf, -inf, 0}), y = Tensor::of({6}, {1, nan, nan, 1, 1, -3});
  check("%a: tensor<6xf32>, %b: tensor<6xf32>) -> (tensor<6xf32>, tensor<f32>, tensor<i32>)",
        "%m = nn.max %a, %b : tensor<6xf32>\n"
        "%r = nn.reduce max %b axes [0] : (tensor<6xf32>) -> tensor<f32>\n"
        "%i = nn.argmax %b axis 0 : (tensor<6xf32>) -> tensor<i32>\n"
        "return %m, %r, %i : tensor<6xf32>, tensor<f32>, tensor<i32>",
        {x, y}, {Tensor::of({6}, {nan, nan, nan, inf, 1, 0}), Tensor::of({}, {nan}), Tensor::of({}, {1})});
}

TEST_P(LoopNest, CompareSelectConvert) {
  Tensor x = Tensor::random({37}, 1), y = Tensor::random({37}, 2);
  check("%a: tensor<37xf32>, %b: tensor<37xf32>) -> (tensor<37xi1>, tensor<37xf32>)",
        "%c = nn.compare lt %a, %b : (tensor<37xf32>, tensor<37xf32>) -> tensor<37xi1>\n"
        "%r = nn.select %c, %a, %b : (tensor<37xi1>, tensor<37xf32>, tensor<37xf32>) -> tensor<37xf32>\n"
        "return %c, %r : tensor<37xi1>, tensor<37xf32>",
        {x, y}, {make({37}, [&](const Point &p) { return get(x, p) < get(y, p); }), make({37}, [&](const Point &p) {
                   return std::min(get(x, p), get(y, p));
                 })});
  Tensor bytes = Tensor::random({37}, 3, 0, 256, true);
  Tensor wide = Tensor::of({5}, {3e9, -3e9, NAN, -2.7, 300.5});
  check("%a: tensor<37xui8>, %b: tensor<5xf32>) -> (tensor<37xf32>, tensor<5xi32>, tensor<5xui8>, tensor<5xi1>, "
        "tensor<37xbf16>)",
        "%r = nn.convert %a : tensor<37xui8> -> tensor<37xf32>\n"
        "%i = nn.convert %b : tensor<5xf32> -> tensor<5xi32>\n"
        "%u = nn.convert %b : tensor<5xf32> -> tensor<5xui8>\n"
        "%t = nn.convert %b : tensor<5xf32> -> tensor<5xi1>\n"
        "%h = nn.convert %a : tensor<37xui8> -> tensor<37xbf16>\n"
        "return %r, %i, %u, %t, %h : tensor<37xf32>, tensor<5xi32>, tensor<5xui8>, tensor<5xi1>, tensor<37xbf16>",
        {bytes, wide},
        {bytes, Tensor::of({5}, {2147483647, -2147483648.0, 0, -2, 300}), Tensor::of({5}, {255, 0, 0, 0, 255}),
         Tensor::of({5}, {1, 1, 1, 1, 1}), bytes});
}

TEST_P(LoopNest, Movement) {
  Tensor x = Tensor::random({3, 5, 21}, 1);
  check("%a: tensor<3x5x21xf32>) -> tensor<21x3x5xf32>",
        "%r = nn.transpose %a permutation [2, 0, 1] : (tensor<3x5x21xf32>) -> tensor<21x3x5xf32>\n"
        "return %r : tensor<21x3x5xf32>",
        {x}, {make({21, 3, 5}, [&](const Point &p) { return get(x, {p[1], p[2], p[0]}); })});
  check("%a: tensor<3x5x21xf32>) -> tensor<2x5x10xf32>",
        "%r = nn.slice %a offsets [1, 0, 1] sizes [2, 5, 10] strides [1, 1, 2] : (tensor<3x5x21xf32>) -> "
        "tensor<2x5x10xf32>\n"
        "return %r : tensor<2x5x10xf32>",
        {x}, {make({2, 5, 10}, [&](const Point &p) { return get(x, {p[0] + 1, p[1], 2 * p[2] + 1}); })});
  // One element of some axes, all of the others: neighbours become one axis on both sides.
  Tensor whole = Tensor::random({4, 3, 5, 21}, 7);
  check("%a: tensor<4x3x5x21xf32>) -> (tensor<1x1x5x21xf32>, tensor<4x3x1x21xf32>)",
        "%r = nn.slice %a offsets [2, 1, 0, 0] sizes [1, 1, 5, 21] strides [1, 1, 1, 1]"
        " : (tensor<4x3x5x21xf32>) -> tensor<1x1x5x21xf32>\n"
        "%s = nn.slice %a offsets [0, 0, 3, 0] sizes [4, 3, 1, 21] strides [1, 1, 2, 1]"
        " : (tensor<4x3x5x21xf32>) -> tensor<4x3x1x21xf32>\n"
        "return %r, %s : tensor<1x1x5x21xf32>, tensor<4x3x1x21xf32>",
        {whole},
        {make({1, 1, 5, 21}, [&](const Point &p) { return get(whole, {2, 1, p[2], p[3]}); }),
         make({4, 3, 1, 21}, [&](const Point &p) { return get(whole, {p[0], p[1], 3, p[3]}); })});
  check("%a: tensor<3x5x21xf32>) -> tensor<3x5x21xf32>",
        "%r = nn.reverse %a axes [0, 2] : tensor<3x5x21xf32>\n return %r : tensor<3x5x21xf32>", {x},
        {make({3, 5, 21}, [&](const Point &p) { return get(x, {2 - p[0], p[1], 20 - p[2]}); })});
  check("%a: tensor<3x5x21xf32>) -> tensor<4x10x43xf32>",
        "%r = nn.pad %a low [1, 0, 1] high [0, 1, 1] interior [0, 1, 1] : (tensor<3x5x21xf32>) -> tensor<4x10x43xf32>\n"
        "return %r : tensor<4x10x43xf32>",
        {x}, {make({4, 10, 43}, [&](const Point &p) {
          if (p[0] < 1 || p[1] % 2 || p[1] > 8 || p[2] < 1 || p[2] > 41 || p[2] % 2 == 0)
            return 0.0;
          return get(x, {p[0] - 1, p[1] / 2, p[2] / 2});
        })});
  Tensor row = Tensor::random({21}, 2), column = Tensor::random({5, 1}, 3);
  check("%a: tensor<21xf32>, %b: tensor<5x1xf32>) -> (tensor<5x21xf32>, tensor<5x21xf32>)",
        "%r = nn.broadcast %a dimensions [1] : tensor<21xf32> -> tensor<5x21xf32>\n"
        "%s = nn.broadcast %b dimensions [0, 1] : tensor<5x1xf32> -> tensor<5x21xf32>\n"
        "return %r, %s : tensor<5x21xf32>, tensor<5x21xf32>",
        {row, column},
        {make({5, 21}, [&](const Point &p) { return get(row, {p[1]}); }),
         make({5, 21}, [&](const Point &p) { return get(column, {p[0], 0}); })});
  Tensor y = Tensor::random({3, 2, 21}, 4);
  check("%a: tensor<3x5x21xf32>, %b: tensor<3x2x21xf32>) -> tensor<3x7x21xf32>",
        "%r = nn.concat %a, %b axis 1 : (tensor<3x5x21xf32>, tensor<3x2x21xf32>) -> tensor<3x7x21xf32>\n"
        "return %r : tensor<3x7x21xf32>",
        {x, y},
        {make({3, 7, 21}, [&](const Point &p) { return p[1] < 5 ? get(x, p) : get(y, {p[0], p[1] - 5, p[2]}); })});
  Tensor u = Tensor::random({4, 13}, 5), v = Tensor::random({4, 9}, 6);
  check("%a: tensor<4x13xf32>, %b: tensor<4x9xf32>) -> tensor<4x22xf32>",
        "%r = nn.concat %a, %b axis 1 : (tensor<4x13xf32>, tensor<4x9xf32>) -> tensor<4x22xf32>\n"
        "return %r : tensor<4x22xf32>",
        {u, v}, {make({4, 22}, [&](const Point &p) { return p[1] < 13 ? get(u, p) : get(v, {p[0], p[1] - 13}); })});
  check(") -> (tensor<3x9xi32>, tensor<5xf32>)",
        "%r = nn.iota axis 1 : tensor<3x9xi32>\n"
        "%c = nn.constant dense<[1.0, 2.0, 3.0, 5.0, 8.0]> : tensor<5xf32>\n"
        "%d = nn.add %c, %c : tensor<5xf32>\n"
        "return %r, %d : tensor<3x9xi32>, tensor<5xf32>",
        {}, {make({3, 9}, [&](const Point &p) { return p[1]; }), Tensor::of({5}, {2, 4, 6, 10, 16})});
}

TEST_P(LoopNest, Reductions) {
  Tensor x = Tensor::random({6, 7, 37}, 1);
  auto reduced = [&](std::vector<int64_t> axes, double initial, const std::function<double(double, double)> &combine) {
    std::vector<int64_t> shape;
    for (int64_t axis = 0; axis < 3; ++axis)
      if (!std::count(axes.begin(), axes.end(), axis))
        shape.push_back(x.shape[axis]);
    Tensor result{shape, std::vector<double>(Tensor{shape, {}}.size(), initial)};
    forPoints(x.shape, [&](const Point &p) {
      int64_t offset = 0;
      for (int64_t axis = 0; axis < 3; ++axis)
        if (!std::count(axes.begin(), axes.end(), axis))
          offset = offset * x.shape[axis] + p[axis];
      result.values[offset] = combine(result.values[offset], get(x, p));
    });
    return result;
  };
  struct Case {
    std::vector<int64_t> axes;
    std::string list, result;
  } cases[] = {{{0}, "[0]", "tensor<7x37xf32>"},     {{1}, "[1]", "tensor<6x37xf32>"},
               {{2}, "[2]", "tensor<6x7xf32>"},      {{0, 2}, "[0, 2]", "tensor<7xf32>"},
               {{0, 1}, "[0, 1]", "tensor<37xf32>"}, {{0, 1, 2}, "[0, 1, 2]", "tensor<f32>"},
               {{}, "[]", "tensor<6x7x37xf32>"}};
  for (const Case &c : cases)
    for (const std::string kind : {"sum", "max", "min"}) {
      double initial = kind == "sum" ? 0 : kind == "max" ? -INFINITY : INFINITY;
      auto combine = [&](double a, double b) {
        return kind == "sum" ? a + b : kind == "max" ? std::max(a, b) : std::min(a, b);
      };
      check("%a: tensor<6x7x37xf32>) -> " + c.result,
            "%r = nn.reduce " + kind + " %a axes " + c.list + " : (tensor<6x7x37xf32>) -> " + c.result +
                "\n return %r : " + c.result,
            {x}, {reduced(c.axes, initial, combine)}, 3e-6); // 1554 terms, each rounded
    }
  Tensor i = Tensor::random({5, 19}, 2, 1, 4, true), t = Tensor::random({5, 19}, 3, 0, 2, true);
  check("%a: tensor<5x19xi32>, %b: tensor<5x19xi1>) -> (tensor<19xi32>, tensor<5xi1>, tensor<19xi1>)",
        "%r = nn.reduce prod %a axes [0] : (tensor<5x19xi32>) -> tensor<19xi32>\n"
        "%s = nn.reduce any %b axes [1] : (tensor<5x19xi1>) -> tensor<5xi1>\n"
        "%t = nn.reduce all %b axes [0] : (tensor<5x19xi1>) -> tensor<19xi1>\n"
        "return %r, %s, %t : tensor<19xi32>, tensor<5xi1>, tensor<19xi1>",
        {i, t},
        {make({19},
              [&](const Point &p) {
                double v = 1;
                for (int64_t k = 0; k < 5; ++k)
                  v *= get(i, {k, p[0]});
                return v;
              }),
         make({5},
              [&](const Point &p) {
                double v = 0;
                for (int64_t k = 0; k < 19; ++k)
                  v = v || get(t, {p[0], k});
                return v;
              }),
         make({19}, [&](const Point &p) {
           double v = 1;
           for (int64_t k = 0; k < 5; ++k)
             v = v && get(t, {k, p[0]});
           return v;
         })});
}

// Long enough to be cut into chunks whose parts are combined by a second phase.
TEST_P(LoopNest, LongReductions) {
  Tensor x = Tensor::random({1200, 37}, 1), y = Tensor::random({50021}, 2);
  check("%a: tensor<1200x37xf32>) -> tensor<37xf32>",
        "%r = nn.reduce sum %a axes [0] : (tensor<1200x37xf32>) -> tensor<37xf32>\n return %r : tensor<37xf32>", {x},
        {make({37},
              [&](const Point &p) {
                double sum = 0;
                for (int64_t i = 0; i < 1200; ++i)
                  sum += get(x, {i, p[0]});
                return sum;
              })},
        1e-5);
  double sum = 0;
  for (double v : y.values)
    sum += v;
  check("%a: tensor<50021xf32>) -> tensor<f32>",
        "%r = nn.reduce sum %a axes [0] : (tensor<50021xf32>) -> tensor<f32>\n return %r : tensor<f32>", {y},
        {Tensor::of({}, {sum})}, 1e-5);
  check("%a: tensor<1200x37xf32>) -> tensor<1200xf32>",
        "%r = nn.reduce max %a axes [1] : (tensor<1200x37xf32>) -> tensor<1200xf32>\n return %r : tensor<1200xf32>",
        {x}, {make({1200}, [&](const Point &p) {
          double best = -INFINITY;
          for (int64_t i = 0; i < 37; ++i)
            best = std::max(best, get(x, {p[0], i}));
          return best;
        })});
}

TEST_P(LoopNest, ArgmaxAndCumsum) {
  Tensor x = Tensor::random({9, 41}, 1, 0, 6, true);
  auto best = [&](int64_t count, const std::function<double(int64_t)> &at) {
    int64_t index = 0;
    for (int64_t i = 1; i < count; ++i)
      if (at(i) > at(index))
        index = i;
    return double(index);
  };
  check("%a: tensor<9x41xf32>) -> (tensor<9xi32>, tensor<41xi32>)",
        "%r = nn.argmax %a axis 1 : (tensor<9x41xf32>) -> tensor<9xi32>\n"
        "%s = nn.argmax %a axis 0 : (tensor<9x41xf32>) -> tensor<41xi32>\n"
        "return %r, %s : tensor<9xi32>, tensor<41xi32>",
        {x},
        {make({9}, [&](const Point &p) { return best(41, [&](int64_t i) { return get(x, {p[0], i}); }); }),
         make({41}, [&](const Point &p) { return best(9, [&](int64_t i) { return get(x, {i, p[0]}); }); })});
  check("%a: tensor<9x41xf32>) -> (tensor<9x41xf32>, tensor<9x41xf32>)",
        "%r = nn.cumsum %a axis 0 : tensor<9x41xf32>\n"
        "%s = nn.cumsum %a axis 1 : tensor<9x41xf32>\n"
        "return %r, %s : tensor<9x41xf32>, tensor<9x41xf32>",
        {x},
        {make({9, 41},
              [&](const Point &p) {
                double s = 0;
                for (int64_t i = 0; i <= p[0]; ++i)
                  s += get(x, {i, p[1]});
                return s;
              }),
         make({9, 41}, [&](const Point &p) {
           double s = 0;
           for (int64_t i = 0; i <= p[1]; ++i)
             s += get(x, {p[0], i});
           return s;
         })});
}

TEST_P(LoopNest, GatherAndScatter) {
  Tensor x = Tensor::random({3, 9, 21}, 1), i = Tensor::random({3, 4}, 2, -2, 11, true);
  auto clamp = [](double index) { return int64_t(std::min(8.0, std::max(0.0, index))); };
  check("%a: tensor<3x9x21xf32>, %b: tensor<3x4xi32>) -> (tensor<3x4x21xf32>, tensor<3x3x4x21xf32>)",
        "%r = nn.gather %a, %b axis 1 batch 1 : (tensor<3x9x21xf32>, tensor<3x4xi32>) -> tensor<3x4x21xf32>\n"
        "%s = nn.gather %a, %b axis 1 batch 0 : (tensor<3x9x21xf32>, tensor<3x4xi32>) -> tensor<3x3x4x21xf32>\n"
        "return %r, %s : tensor<3x4x21xf32>, tensor<3x3x4x21xf32>",
        {x, i},
        {make({3, 4, 21}, [&](const Point &p) { return get(x, {p[0], clamp(get(i, {p[0], p[1]})), p[2]}); }),
         make({3, 3, 4, 21}, [&](const Point &p) { return get(x, {p[0], clamp(get(i, {p[1], p[2]})), p[3]}); })});
  Tensor table = Tensor::random({3, 50}, 3), j = Tensor::random({3, 19}, 4, 0, 50, true);
  check("%a: tensor<3x50xf32>, %b: tensor<3x19xi32>) -> tensor<3x19xf32>",
        "%r = nn.gather %a, %b axis 1 batch 1 : (tensor<3x50xf32>, tensor<3x19xi32>) -> tensor<3x19xf32>\n"
        "return %r : tensor<3x19xf32>",
        {table, j}, {make({3, 19}, [&](const Point &p) { return get(table, {p[0], int64_t(get(j, p))}); })});
  Tensor u = Tensor::random({3, 4, 21}, 5), added = x, replaced = x;
  forPoints(u.shape, [&](const Point &p) {
    int64_t offset = (p[0] * 9 + clamp(get(i, {p[0], p[1]}))) * 21 + p[2];
    added.values[offset] += get(u, p);
    replaced.values[offset] = get(u, p);
  });
  check("%a: tensor<3x9x21xf32>, %b: tensor<3x4xi32>, %c: tensor<3x4x21xf32>) -> (tensor<3x9x21xf32>, "
        "tensor<3x9x21xf32>)",
        "%r = nn.scatter add %a, %b, %c batch 1 : (tensor<3x9x21xf32>, tensor<3x4xi32>, tensor<3x4x21xf32>) -> "
        "tensor<3x9x21xf32>\n"
        "%s = nn.scatter set %a, %b, %c batch 1 : (tensor<3x9x21xf32>, tensor<3x4xi32>, tensor<3x4x21xf32>) -> "
        "tensor<3x9x21xf32>\n"
        "return %r, %s : tensor<3x9x21xf32>, tensor<3x9x21xf32>",
        {x, i, u}, {added, replaced}, 1e-6);
}

TEST_P(LoopNest, Windows) {
  struct Case {
    int64_t window, stride, low, high, dilation;
  } cases[] = {{2, 2, 0, 0, 1}, {3, 2, 1, 1, 1}, {3, 1, 1, 0, 2}, {4, 3, 0, 1, 1}, {2, 3, 0, 0, 1}};
  for (const Case &c : cases) {
    int64_t extent = 11, channels = 19, batch = 2;
    int64_t grid = (extent + c.low + c.high - c.dilation * (c.window - 1) - 1) / c.stride + 1;
    auto place = [&](int64_t o, int64_t k) { return o * c.stride - c.low + k * c.dilation; };
    auto inside = [&](int64_t at) { return at >= 0 && at < extent; };
    Tensor x = Tensor::random({batch, extent, extent, channels}, 1),
           g = Tensor::random({batch, grid, grid, channels}, 2);
    std::vector<int64_t> small{batch, grid, grid, channels}, large{batch, extent, extent, channels};
    Tensor index = make(small, [&](const Point &p) {
      int64_t best = -1;
      double value = 0;
      for (int64_t k = 0; k < c.window; ++k)
        for (int64_t l = 0; l < c.window; ++l) {
          int64_t h = place(p[1], k), w = place(p[2], l);
          if (inside(h) && inside(w) && (best < 0 || get(x, {p[0], h, w, p[3]}) > value)) {
            best = k * c.window + l;
            value = get(x, {p[0], h, w, p[3]});
          }
        }
      return double(best);
    });
    Tensor sum = make(small, [&](const Point &p) {
      double value = 0;
      for (int64_t k = 0; k < c.window; ++k)
        for (int64_t l = 0; l < c.window; ++l)
          if (inside(place(p[1], k)) && inside(place(p[2], l)))
            value += get(x, {p[0], place(p[1], k), place(p[2], l), p[3]});
      return value;
    });
    Tensor y = make(small, [&](const Point &p) {
      int64_t k = get(index, p);
      return get(x, {p[0], place(p[1], k / c.window), place(p[2], k % c.window), p[3]});
    });
    Tensor scattered = make(large, [](const Point &) { return 0.0; }), spread = scattered;
    forPoints(small, [&](const Point &p) {
      for (int64_t k = 0; k < c.window; ++k)
        for (int64_t l = 0; l < c.window; ++l) {
          int64_t h = place(p[1], k), w = place(p[2], l);
          if (!inside(h) || !inside(w))
            continue;
          int64_t offset = ((p[0] * extent + h) * extent + w) * channels + p[3];
          spread.values[offset] += get(g, p);
          if (get(index, p) == k * c.window + l)
            scattered.values[offset] += get(g, p);
        }
    });
    std::string attributes =
        llvm::formatv("window [{0}, {0}] strides [{1}, {1}] padding [{2}, {2}] [{3}, {3}] dilations [{4}, {4}]",
                      c.window, c.stride, c.low, c.high, c.dilation);
    std::string f = llvm::formatv("tensor<2x{0}x{0}x19xf32>", grid),
                n = llvm::formatv("tensor<2x{0}x{0}x19xi32>", grid);
    std::string big = "tensor<2x11x11x19xf32>";
    check("%a: " + big + ", %b: " + f + ") -> (" + f + ", " + n + ", " + f + ", " + f + ", " + big + ", " + big + ")",
          "%y, %i = nn.window_max %a " + attributes + " : (" + big + ") -> (" + f + ", " + n + ")\n" +
              "%s = nn.window_sum %a " + attributes + " : (" + big + ") -> " + f + "\n" +
              "%g = nn.window_gather %a, %i " + attributes + " : (" + big + ", " + n + ") -> " + f + "\n" +
              "%t = nn.window_scatter %b, %i " + attributes + " : (" + f + ", " + n + ") -> " + big + "\n" +
              "%u = nn.window_spread %b " + attributes + " : (" + f + ") -> " + big + "\n" +
              "return %y, %i, %s, %g, %t, %u : " + f + ", " + n + ", " + f + ", " + f + ", " + big + ", " + big,
          {x, g}, {y, index, sum, y, scattered, spread}, 2e-6); // at most 16 terms
  }
}

// The known answers of Random123 for the key 0 and the counter 0, and for pi's digits.
TEST_P(LoopNest, RandomKnownAnswers) {
  auto unit = [](uint32_t word) { return (word >> 8) * 0x1p-24; };
  Tensor zero = Tensor::of({4}, {0, 0, 0, 0});
  check("%k: tensor<4xi32>) -> tensor<4xf32>",
        "%r = nn.random %k site 0 : tensor<4xi32> -> tensor<4xf32>\n return %r : tensor<4xf32>", {zero},
        {Tensor::of({4}, {unit(0x6627e8d5), unit(0xe169c58d), unit(0xbc57ac4c), unit(0x9b00dbd8)})});
  // Any key and site: what is drawn does not depend on how it is cut into vectors.
  Tensor keys = Tensor::random({3, 4}, 1, -2e9, 2e9, true);
  int64_t columns = 7;
  auto words = [&](const Point &p) {
    uint64_t site = 0x123456789;
    auto word = [&](int64_t i) { return uint32_t(int32_t(get(keys, {p[0], i}))); };
    int64_t e = p[1] * columns + p[2];
    uint32_t k0 = word(0) ^ uint32_t(site), k1 = word(1) ^ uint32_t(site >> 32);
    uint32_t x[4] = {uint32_t(e / 4), 0, word(2), word(3)};
    for (int round = 0; round < 10; ++round, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
      uint64_t a = uint64_t(0xD2511F53u) * x[0], b = uint64_t(0xCD9E8D57u) * x[2];
      uint32_t y[4] = {uint32_t(b >> 32) ^ x[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ x[3] ^ k1, uint32_t(a)};
      std::copy(y, y + 4, x);
    }
    return unit(x[e % 4]);
  };
  // 60 numbers a key: vectors begin with a block and share it. 35 and 115: they do not.
  for (int64_t each : {7, 12, 23}) {
    columns = each;
    std::string type = llvm::formatv("tensor<3x5x{0}xf32>", columns);
    check("%k: tensor<3x4xi32>) -> " + type,
          "%r = nn.random %k site 4886718345 : tensor<3x4xi32> -> " + type + "\n return %r : " + type, {keys},
          {make({3, 5, columns}, words)});
  }
}

TEST_P(LoopNest, DynamicExtents) {
  std::string type = "tensor<?x21xf32, #nn.meaning<symbols = [\"n\", \"\"]>>";
  std::string line = "tensor<?xf32, #nn.meaning<symbols = [\"n\"]>>";
  for (int64_t n : {0, 1, 37, 2000}) {
    Tensor x = Tensor::random({n, 21}, 1);
    std::map<std::string, int64_t> extents{{"n", n}};
    check("%a: " + type + ") -> (" + type + ", " + line + ", tensor<21xf32>)",
          "%r = nn.add %a, %a : " + type + "\n" + "%s = nn.reduce sum %a axes [1] : (" + type + ") -> " + line + "\n" +
              "%t = nn.reduce sum %a axes [0] : (" + type + ") -> tensor<21xf32>\n" + "return %r, %s, %t : " + type +
              ", " + line + ", tensor<21xf32>",
          {x},
          {make({n, 21}, [&](const Point &p) { return 2 * get(x, p); }),
           make({n},
                [&](const Point &p) {
                  double s = 0;
                  for (int64_t i = 0; i < 21; ++i)
                    s += get(x, {p[0], i});
                  return s;
                }),
           make({21},
                [&](const Point &p) {
                  double s = 0;
                  for (int64_t i = 0; i < n; ++i)
                    s += get(x, {i, p[0]});
                  return s;
                })},
          1e-5, extents);
  }
}

// Parts of unknown and known sizes, one after the other along the axis of the lanes and across it; any may be empty.
TEST_P(LoopNest, JoinedDynamicExtents) {
  auto type = [](std::string shape, std::string symbol) {
    return "tensor<" + shape + "xf32, #nn.meaning<symbols = [" + symbol + "]>>";
  };
  std::string a = type("?", "\"a\""), b = type("?", "\"b\""), all = type("?", "\"a + b + 5\"");
  std::string rows = type("?x3", "\"a\", \"\""), others = type("?x3", "\"b\", \"\""),
              both = type("?x3", "\"a + b\", \"\"");
  for (auto sizes : std::vector<std::pair<int64_t, int64_t>>{{0, 0}, {1, 0}, {0, 37}, {19, 40}, {130, 3}}) {
    int64_t m = sizes.first, n = sizes.second;
    std::map<std::string, int64_t> extents{{"a", m}, {"b", n}, {"a + b", m + n}, {"a + b + 5", m + n + 5}};
    Tensor x = Tensor::random({m}, 1), five = Tensor::random({5}, 2), y = Tensor::random({n}, 3);
    Tensor u = Tensor::random({m, 3}, 4), v = Tensor::random({n, 3}, 5);
    check("%a: " + a + ", %five: tensor<5xf32>, %b: " + b + ", %u: " + rows + ", %v: " + others + ") -> (" + all +
              ", " + both + ")",
          "%s = nn.add %b, %b : " + b + "\n%r = nn.concat %a, %five, %s axis 0 : (" + a + ", tensor<5xf32>, " + b +
              ") -> " + all + "\n%j = nn.concat %v, %u axis 0 : (" + others + ", " + rows + ") -> " + both +
              "\nreturn %r, %j : " + all + ", " + both,
          {x, five, y, u, v},
          {make({m + n + 5},
                [&](const Point &p) {
                  return p[0] < m ? get(x, p) : p[0] < m + 5 ? get(five, {p[0] - m}) : 2 * get(y, {p[0] - m - 5});
                }),
           make({m + n, 3}, [&](const Point &p) { return p[0] < n ? get(v, p) : get(u, {p[0] - n, p[1]}); })},
          0, extents);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, LoopNest, testing::ValuesIn(runnableTargets()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
