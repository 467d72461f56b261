#include "bench/kernels/KernelCases.h"
#include "llvm/Support/FormatVariadic.h"

using namespace xfer::bench;
using llvm::formatv;

static std::string wrap(const std::string &op, const std::string &lhs, const std::string &rhs,
                        const std::string &result, const std::string &attributes) {
  return formatv("func.func @f(%a: {0}, %b: {1}) -> {2} {{\n  %r = {3} %a, %b {4} : ({0}, {1}) -> {2}\n  return %r : "
                 "{2}\n}",
                 lhs, rhs, result, op, attributes);
}

/// `layout`: nn for a[m,k] b[k,n], nt for a[m,k] b[n,k], tn for a[k,m] b[k,n].
static KernelCase matmul(int64_t m, int64_t n, int64_t k, llvm::StringRef layout, bool headline = false) {
  bool ta = layout[0] == 't', tb = layout[1] == 't';
  auto matrix = [](int64_t rows, int64_t columns) { return formatv("tensor<{0}x{1}xf32>", rows, columns).str(); };
  std::string attributes =
      formatv("lhs_batch [] rhs_batch [] lhs_contract [{0}] rhs_contract [{1}] accumulate f32", ta ? 0 : 1, tb ? 1 : 0);
  return {
      formatv("matmul {0}x{1}x{2} {3}", m, n, k, layout),
      wrap("nn.contract", ta ? matrix(k, m) : matrix(m, k), tb ? matrix(n, k) : matrix(k, n), matrix(m, n), attributes),
      2.0 * m * n * k, headline};
}

/// The three directions of a convolution of square images.
static void convolution(std::vector<KernelCase> &cases, int64_t n, int64_t size, int64_t c, int64_t f, int64_t kernel,
                        int64_t stride, int64_t padding, bool headline = false, bool inputGradient = true) {
  int64_t out = (size + 2 * padding - kernel) / stride + 1;
  std::string x = formatv("tensor<{0}x{1}x{1}x{2}xf32>", n, size, c),
              y = formatv("tensor<{0}x{1}x{1}x{2}xf32>", n, out, f);
  std::string w = formatv("tensor<{0}x{0}x{1}x{2}xf32>", kernel, c, f);
  std::string attributes =
      formatv("strides [{0}, {0}] padding [{1}, {1}] [{1}, {1}] dilations [1, 1] groups 1", stride, padding);
  std::string shape = formatv("{0}x{1}x{1}x{2} -> {3}, {4}x{4}/{5}", n, size, c, f, kernel, stride);
  double operations = 2.0 * n * out * out * f * c * kernel * kernel;
  cases.push_back({"forward " + shape, wrap("nn.conv", x, w, y, attributes), operations, headline});
  if (inputGradient)
    cases.push_back({"input   " + shape, wrap("nn.conv_input_gradient", y, w, x, attributes), operations, headline});
  cases.push_back({"filter  " + shape, wrap("nn.conv_filter_gradient", x, y, w, attributes), operations, headline});
}

std::vector<KernelCase> xfer::bench::kernelCases() {
  std::vector<KernelCase> cases;
  for (int64_t size : {512, 1024, 2048})
    cases.push_back(matmul(size, size, size, "nn", /*headline=*/true));
  convolution(cases, 16, 56, 64, 64, 3, 1, 1, /*headline=*/true);
  convolution(cases, 16, 28, 128, 128, 3, 1, 1, /*headline=*/true);
  convolution(cases, 16, 14, 256, 256, 3, 1, 1, /*headline=*/true);
  convolution(cases, 16, 7, 512, 512, 3, 1, 1, /*headline=*/true);
  // LeNet at 64 + 64 samples.
  convolution(cases, 128, 28, 1, 20, 5, 1, 0, false, /*inputGradient=*/false);
  convolution(cases, 128, 12, 20, 50, 5, 1, 0);
  for (auto [in, out] : {std::pair<int64_t, int64_t>{800, 500}, {500, 10}, {500, 500}, {500, 1}}) {
    cases.push_back(matmul(128, out, in, "nn"));
    cases.push_back(matmul(128, in, out, "nt"));
    cases.push_back(matmul(in, out, 128, "tn"));
  }
  // ResNet-20 at 64 samples.
  convolution(cases, 64, 32, 3, 16, 3, 1, 1, false, /*inputGradient=*/false);
  convolution(cases, 64, 32, 16, 16, 3, 1, 1);
  convolution(cases, 64, 32, 16, 32, 3, 2, 1);
  convolution(cases, 64, 16, 32, 32, 3, 1, 1);
  convolution(cases, 64, 16, 32, 64, 3, 2, 1);
  convolution(cases, 64, 8, 64, 64, 3, 1, 1);
  convolution(cases, 64, 32, 16, 32, 1, 2, 0);
  // The rest of ResNet-18 at batch 16.
  convolution(cases, 16, 224, 3, 64, 7, 2, 3, false, /*inputGradient=*/false);
  convolution(cases, 16, 56, 64, 128, 3, 2, 1);
  convolution(cases, 16, 56, 64, 128, 1, 2, 0);
  return cases;
}
