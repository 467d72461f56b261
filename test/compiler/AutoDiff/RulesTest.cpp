//===- RulesTest.cpp - each derivative rule against finite differences ------------------------------------------===//

#include "FiniteDifferences.h"
#include "gtest/gtest.h"

using namespace xfer;

namespace {
struct Case {
  std::string name, arguments, body, result;
  int order = 2;
  Range range = {};
};

void PrintTo(const Case &c, std::ostream *out) { *out << c.name; }

class Rules : public testing::TestWithParam<Case> {};

Case unary(const std::string &op, Range range = {}, int order = 2) {
  return {op, "%x: tensor<2x3xf32>", "%r = nn." + op + " %x : tensor<2x3xf32>", "tensor<2x3xf32>", order, range};
}
Case binary(const std::string &op, Range range = {}, int order = 2) {
  return {op,
          "%a: tensor<2x3xf32>, %b: tensor<2x3xf32>",
          "%r = nn." + op + " %a, %b : tensor<2x3xf32>",
          "tensor<2x3xf32>",
          order,
          range};
}
} // namespace

// The function is followed by a product with itself, so that its second derivative is not zero.
TEST_P(Rules, MatchFiniteDifferences) {
  const Case &c = GetParam();
  std::string text = "func.func @f(" + c.arguments + ") -> " + c.result + " {\n" + c.body +
                     "\n%q = nn.sin %r : " + c.result + "\nreturn %q : " + c.result + "\n}";
  checkDerivatives(text, c.order, c.range);
}

INSTANTIATE_TEST_SUITE_P(
    Elementwise, Rules,
    testing::Values(
        unary("neg"), unary("exp"), unary("log", {0.5, 2}), unary("sqrt", {0.5, 2}), unary("tanh"), unary("erf"),
        unary("sin"), unary("cos"), unary("abs"), unary("floor"), unary("sign"), binary("add"), binary("sub"),
        binary("mul"), binary("div", {0.5, 2}), binary("rem", {0.3, 2}), binary("pow", {0.5, 2}), binary("max"),
        binary("min"),
        Case{"select", "%a: tensor<2x3xf32>, %b: tensor<2x3xf32>, %c: tensor<2x3xi1>",
             "%r = nn.select %c, %a, %b : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>",
             "tensor<2x3xf32>"},
        Case{"square", "%a: tensor<2x3xf32>",
             "%c = nn.constant dense<2.0> : tensor<2x3xf32>\n%r = nn.pow %a, %c : tensor<2x3xf32>", "tensor<2x3xf32>"},
        Case{"convert", "%a: tensor<3xf32>",
             "%d = nn.convert %a : tensor<3xf32> -> tensor<3xf64>\n%e = nn.exp %d : tensor<3xf64>\n"
             "%r = nn.convert %e : tensor<3xf64> -> tensor<3xf32>",
             "tensor<3xf32>"}),
    [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Structural, Rules,
    testing::Values(
        Case{"broadcast", "%x: tensor<1x3xf32>",
             "%r = nn.broadcast %x dimensions [1, 2] : tensor<1x3xf32> -> tensor<2x4x3xf32>", "tensor<2x4x3xf32>"},
        Case{"reshape", "%x: tensor<2x3xf32>", "%r = nn.reshape %x : tensor<2x3xf32> -> tensor<6xf32>",
             "tensor<6xf32>"},
        Case{"transpose", "%x: tensor<2x3x4xf32>",
             "%r = nn.transpose %x permutation [2, 0, 1] : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>",
             "tensor<4x2x3xf32>"},
        Case{
            "concat", "%x: tensor<2x3xf32>, %y: tensor<2x1xf32>",
            "%r = nn.concat %x, %y, %x axis 1 : (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x7xf32>",
            "tensor<2x7xf32>"},
        // The place of an entry in the join goes into its derivative.
        Case{"concat_of_data",
             "%x: tensor<?x2xf32, #nn.meaning<symbols = [\"a\", \"\"]>>, %y: tensor<4x2xf32>, "
             "%z: tensor<?x2xf32, #nn.meaning<symbols = [\"b\", \"\"]>>",
             "%j = nn.concat %x, %y, %z axis 0 : (tensor<?x2xf32, #nn.meaning<symbols = [\"a\", \"\"]>>, "
             "tensor<4x2xf32>, tensor<?x2xf32, #nn.meaning<symbols = [\"b\", \"\"]>>) -> "
             "tensor<?x2xf32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>>\n"
             "%i = nn.iota axis 0 : tensor<?x2xi32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>>\n"
             "%f = nn.convert %i : tensor<?x2xi32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>> -> "
             "tensor<?x2xf32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>>\n"
             "%m = nn.mul %j, %f : tensor<?x2xf32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>>\n"
             "%r = nn.reduce sum %m axes [0] : (tensor<?x2xf32, #nn.meaning<symbols = [\"a + b + 4\", \"\"]>>) -> "
             "tensor<2xf32>",
             "tensor<2xf32>", 1},
        Case{"slice", "%x: tensor<7x3xf32>",
             "%r = nn.slice %x offsets [1, 2] sizes [3, 1] strides [2, 1] : (tensor<7x3xf32>) -> tensor<3x1xf32>",
             "tensor<3x1xf32>"},
        Case{"pad", "%x: tensor<2x3xf32>",
             "%r = nn.pad %x low [1, 0] high [0, 2] interior [2, 1] : (tensor<2x3xf32>) -> tensor<5x7xf32>",
             "tensor<5x7xf32>"},
        Case{"reverse", "%x: tensor<2x3xf32>", "%r = nn.reverse %x axes [1] : tensor<2x3xf32>", "tensor<2x3xf32>"}),
    [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Reduction, Rules,
    testing::Values(
        Case{"sum", "%x: tensor<2x3x4xf32>", "%r = nn.reduce sum %x axes [0, 2] : (tensor<2x3x4xf32>) -> tensor<3xf32>",
             "tensor<3xf32>"},
        Case{"max", "%x: tensor<2x3xf32>", "%r = nn.reduce max %x axes [1] : (tensor<2x3xf32>) -> tensor<2xf32>",
             "tensor<2xf32>"},
        Case{"min", "%x: tensor<2x3xf32>", "%r = nn.reduce min %x axes [0] : (tensor<2x3xf32>) -> tensor<3xf32>",
             "tensor<3xf32>"},
        Case{"prod", "%x: tensor<2x3xf32>", "%r = nn.reduce prod %x axes [1] : (tensor<2x3xf32>) -> tensor<2xf32>",
             "tensor<2xf32>"},
        Case{"cumsum", "%x: tensor<2x3xf32>", "%r = nn.cumsum %x axis 1 : tensor<2x3xf32>", "tensor<2x3xf32>"},
        Case{"gather", "%x: tensor<5x3xf32>",
             "%i = nn.constant dense<[[4, 0], [0, 1]]> : tensor<2x2xi32>\n"
             "%r = nn.gather %x, %i axis 0 batch 0 : (tensor<5x3xf32>, tensor<2x2xi32>) -> tensor<2x2x3xf32>",
             "tensor<2x2x3xf32>"},
        Case{"pick", "%x: tensor<3x5x2xf32>",
             "%i = nn.constant dense<[4, 9, 1]> : tensor<3xi32>\n"
             "%r = nn.gather %x, %i axis 1 batch 1 : (tensor<3x5x2xf32>, tensor<3xi32>) -> tensor<3x2xf32>",
             "tensor<3x2xf32>"},
        Case{"gather_inner", "%x: tensor<2x3x5x2xf32>",
             "%i = nn.constant dense<[[4, 0, 1], [1, 1, 3]]> : tensor<2x3xi32>\n"
             "%r = nn.gather %x, %i axis 2 batch 1 : (tensor<2x3x5x2xf32>, tensor<2x3xi32>) -> tensor<2x3x3x2xf32>",
             "tensor<2x3x3x2xf32>"},
        Case{"scatter_add", "%x: tensor<4x2xf32>, %u: tensor<3x2xf32>",
             "%i = nn.constant dense<[1, 3, 1]> : tensor<3xi32>\n"
             "%r = nn.scatter add %x, %i, %u batch 0 : (tensor<4x2xf32>, tensor<3xi32>, tensor<3x2xf32>) -> "
             "tensor<4x2xf32>",
             "tensor<4x2xf32>"},
        Case{"scatter_set", "%x: tensor<2x4xf32>, %u: tensor<2x3xf32>",
             "%i = nn.constant dense<[[1, 3, 1], [0, 0, 0]]> : tensor<2x3xi32>\n"
             "%r = nn.scatter set %x, %i, %u batch 1 : (tensor<2x4xf32>, tensor<2x3xi32>, tensor<2x3xf32>) -> "
             "tensor<2x4xf32>",
             "tensor<2x4xf32>"},
        Case{"sort", "%x: tensor<3x4xf32>",
             "%r, %i = nn.sort %x axis 0 : (tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xi32>)",
             "tensor<3x4xf32>"}),
    [](const auto &info) { return info.param.name; });

// Spatial attributes that leave nothing symmetric: stride 2, other padding on both sides, dilation, groups.
static const std::string conv2d = " strides [2, 1] padding [1, 0] [0, 1] dilations [1, 2] groups 2 : ";
static const std::string pool2d = " window [2, 3] strides [1, 2] padding [1, 0] [0, 1] dilations [2, 1] : ";

INSTANTIATE_TEST_SUITE_P(
    Contraction, Rules,
    testing::Values(
        Case{"matmul", "%a: tensor<2x3xf32>, %b: tensor<3x4xf32>",
             "%r = nn.contract %a, %b lhs_batch [] rhs_batch [] lhs_contract [1] rhs_contract [0] accumulate f32 : "
             "(tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>",
             "tensor<2x4xf32>"},
        Case{"contract", "%a: tensor<2x3x4x2xf32>, %b: tensor<4x5x2x3xf32>",
             "%r = nn.contract %a, %b lhs_batch [1] rhs_batch [3] lhs_contract [3, 2] rhs_contract [2, 0] accumulate "
             "f32 : "
             "(tensor<2x3x4x2xf32>, tensor<4x5x2x3xf32>) -> tensor<3x2x5xf32>",
             "tensor<3x2x5xf32>"},
        Case{"conv", "%x: tensor<2x4x5x4xf32>, %w: tensor<2x2x2x2xf32>",
             "%r = nn.conv %x, %w" + conv2d + "(tensor<2x4x5x4xf32>, tensor<2x2x2x2xf32>) -> tensor<2x2x4x2xf32>",
             "tensor<2x2x4x2xf32>"},
        Case{"conv_input_gradient", "%g: tensor<2x2x4x2xf32>, %w: tensor<2x2x2x2xf32>",
             "%r = nn.conv_input_gradient %g, %w" + conv2d +
                 "(tensor<2x2x4x2xf32>, tensor<2x2x2x2xf32>) -> tensor<2x4x5x4xf32>",
             "tensor<2x4x5x4xf32>"},
        Case{"conv_filter_gradient", "%x: tensor<2x4x5x4xf32>, %g: tensor<2x2x4x2xf32>",
             "%r = nn.conv_filter_gradient %x, %g" + conv2d +
                 "(tensor<2x4x5x4xf32>, tensor<2x2x4x2xf32>) -> tensor<2x2x2x2xf32>",
             "tensor<2x2x2x2xf32>"},
        Case{"window_max", "%x: tensor<1x4x5x2xf32>",
             "%r, %i = nn.window_max %x" + pool2d +
                 "(tensor<1x4x5x2xf32>) -> (tensor<1x3x2x2xf32>, tensor<1x3x2x2xi32>)",
             "tensor<1x3x2x2xf32>"},
        Case{"window_gather", "%x: tensor<1x4x5x2xf32>, %i: tensor<1x3x2x2xi32>",
             "%r = nn.window_gather %x, %i" + pool2d +
                 "(tensor<1x4x5x2xf32>, tensor<1x3x2x2xi32>) -> tensor<1x3x2x2xf32>",
             "tensor<1x3x2x2xf32>"},
        Case{"window_scatter", "%g: tensor<1x3x2x2xf32>, %i: tensor<1x3x2x2xi32>",
             "%r = nn.window_scatter %g, %i" + pool2d +
                 "(tensor<1x3x2x2xf32>, tensor<1x3x2x2xi32>) -> tensor<1x4x5x2xf32>",
             "tensor<1x4x5x2xf32>"},
        Case{"window_sum", "%x: tensor<1x4x5x2xf32>",
             "%r = nn.window_sum %x" + pool2d + "(tensor<1x4x5x2xf32>) -> tensor<1x3x2x2xf32>", "tensor<1x3x2x2xf32>"},
        Case{"window_spread", "%g: tensor<1x3x2x2xf32>",
             "%r = nn.window_spread %g" + pool2d + "(tensor<1x3x2x2xf32>) -> tensor<1x4x5x2xf32>",
             "tensor<1x4x5x2xf32>"}),
    [](const auto &info) { return info.param.name; });

// a = m m^T + 1 is positive definite, and symmetric whatever m is.
static const std::string positive =
    "%p = nn.contract %m, %m lhs_batch [0] rhs_batch [0] lhs_contract [2] rhs_contract [2] accumulate f32 : "
    "(tensor<2x3x3xf32>, tensor<2x3x3xf32>) -> tensor<2x3x3xf32>\n"
    "%e = nn.constant dense<[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]> : tensor<3x3xf32>\n"
    "%eye = nn.broadcast %e dimensions [1, 2] : tensor<3x3xf32> -> tensor<2x3x3xf32>\n"
    "%a = nn.add %p, %eye : tensor<2x3x3xf32>\n";

INSTANTIATE_TEST_SUITE_P(
    LinearAlgebra, Rules,
    testing::Values(Case{"cholesky", "%m: tensor<2x3x3xf32>", positive + "%r = nn.cholesky %a : tensor<2x3x3xf32>",
                         "tensor<2x3x3xf32>"},
                    Case{
                        "triangular_solve",
                        "%l: tensor<2x3x3xf32>, %b: tensor<2x3x2xf32>",
                        "%r = nn.triangular_solve %l, %b : (tensor<2x3x3xf32>, tensor<2x3x2xf32>) -> tensor<2x3x2xf32>",
                        "tensor<2x3x2xf32>",
                        2,
                        {0.5, 2}},
                    Case{"triangular_solve_transposed",
                         "%l: tensor<2x3x3xf32>, %b: tensor<2x3x2xf32>",
                         "%r = nn.triangular_solve %l, %b {transposed} : (tensor<2x3x3xf32>, tensor<2x3x2xf32>) -> "
                         "tensor<2x3x2xf32>",
                         "tensor<2x3x2xf32>",
                         2,
                         {0.5, 2}}),
    [](const auto &info) { return info.param.name; });

// A recurrent cell with the step number, a scanned input, an invariant and a stacked result.
static const std::string cell =
    "-> tensor<3xf32>, tensor<4x3xf32> {\n"
    "^body(%i: tensor<i32>, %c: tensor<3xf32>, %p: tensor<3xf32>, %v: tensor<3x3xf32>):\n"
    "%m = nn.contract %c, %v lhs_batch [] rhs_batch [] lhs_contract [0] rhs_contract [0] accumulate f32 : "
    "(tensor<3xf32>, tensor<3x3xf32>) -> tensor<3xf32>\n"
    "%t = nn.convert %i : tensor<i32> -> tensor<f32>\n%s = nn.broadcast %t dimensions [] : tensor<f32> -> "
    "tensor<3xf32>\n"
    "%q = nn.mul %p, %s : tensor<3xf32>\n%n = nn.add %m, %q : tensor<3xf32>\n%h = nn.tanh %n : tensor<3xf32>\n"
    "%y = nn.mul %h, %c : tensor<3xf32>\n";
static const std::string cellUse = "\n%u = nn.broadcast %h0 dimensions [1] : tensor<3xf32> -> tensor<4x3xf32>\n"
                                   "%r = nn.mul %all, %u : tensor<4x3xf32>";

INSTANTIATE_TEST_SUITE_P(
    Regions, Rules,
    testing::Values(
        Case{"loop", "%s0: tensor<3xf32>, %x: tensor<4x3xf32>, %w: tensor<3x3xf32>",
             "%h0, %all = nn.loop count 4 carries(%s0 : tensor<3xf32>) scanned(%x : tensor<4x3xf32>) "
             "invariants(%w : tensor<3x3xf32>) " +
                 cell + "nn.yield %h, %y : tensor<3xf32>, tensor<3xf32>\n}" + cellUse,
             "tensor<4x3xf32>"},
        Case{"conditional_loop", "%s0: tensor<3xf32>, %x: tensor<4x3xf32>, %w: tensor<3x3xf32>",
             "%h0, %all = nn.loop count 4 carries(%s0 : tensor<3xf32>) scanned(%x : tensor<4x3xf32>) "
             "invariants(%w : tensor<3x3xf32>) conditional " +
                 cell +
                 "%two = nn.constant dense<2> : tensor<i32>\n"
                 "%go = nn.compare lt %i, %two : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
                 "nn.yield %h, %y, %go : tensor<3xf32>, tensor<3xf32>, tensor<i1>\n}" +
                 cellUse,
             "tensor<4x3xf32>"},
        Case{"each", "%x: tensor<4x3xf32>, %w: tensor<3xf32>",
             "%r = nn.each mapped(%x : tensor<4x3xf32>) invariants(%w : tensor<3xf32>) -> tensor<4x3xf32> {\n"
             "^body(%p: tensor<3xf32>, %v: tensor<3xf32>):\n%m = nn.mul %p, %v : tensor<3xf32>\n"
             "%t = nn.exp %m : tensor<3xf32>\nnn.yield %t : tensor<3xf32>\n}",
             "tensor<4x3xf32>"},
        Case{"custom", "%x: tensor<3xf32>",
             "%r = nn.custom(%x : tensor<3xf32>) -> tensor<3xf32> forward {\n^f(%a: tensor<3xf32>):\n"
             "%e = nn.exp %a : tensor<3xf32>\nnn.yield %e : tensor<3xf32>\n} vjp {\n"
             "^v(%a: tensor<3xf32>, %g: tensor<3xf32>):\n%e = nn.exp %a : tensor<3xf32>\n"
             "%m = nn.mul %e, %g : tensor<3xf32>\nnn.yield %m : tensor<3xf32>\n}",
             "tensor<3xf32>"}),
    [](const auto &info) { return info.param.name; });
