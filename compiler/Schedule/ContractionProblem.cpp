#include "compiler/Schedule/ContractionProblem.h"
#include "llvm/ADT/STLExtras.h"
#include <numeric>

using namespace llvm;
using namespace xfer;

/// The lowest place that the window of one outer index reaches.
int64_t ContractionWindow::first(int64_t outerIndex, int64_t taps) const {
  return outerIndex * outerStep - low + std::min<int64_t>(0, (taps - 1) * tapStep);
}

SmallVector<int64_t, 5> xfer::rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t, 5> strides(shape.size(), 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 2; i >= 0; --i)
    strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

static int64_t elements(ArrayRef<int64_t> shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<int64_t>());
}

/// Adds a parallel axis that is the next axis of the result.
static void addResultAxis(ContractionProblem &problem, ContractionAxis axis) {
  problem.coordinates.push_back({{{static_cast<unsigned>(problem.axes.size())}}, 0});
  problem.axes.push_back(axis);
}

ContractionProblem xfer::contractProblem(ArrayRef<int64_t> lhs, ArrayRef<int64_t> rhs, ArrayRef<int64_t> lhsBatch,
                                         ArrayRef<int64_t> rhsBatch, ArrayRef<int64_t> lhsContract,
                                         ArrayRef<int64_t> rhsContract) {
  ContractionProblem problem;
  SmallVector<int64_t, 5> lhsStrides = rowMajorStrides(lhs), rhsStrides = rowMajorStrides(rhs);
  for (auto [left, right] : zip_equal(lhsBatch, rhsBatch))
    addResultAxis(problem, {lhs[left], false, lhsStrides[left], rhsStrides[right]});
  for (int64_t i = 0, rank = lhs.size(); i < rank; ++i)
    if (!is_contained(lhsBatch, i) && !is_contained(lhsContract, i))
      addResultAxis(problem, {lhs[i], false, lhsStrides[i], 0});
  for (int64_t i = 0, rank = rhs.size(); i < rank; ++i)
    if (!is_contained(rhsBatch, i) && !is_contained(rhsContract, i))
      addResultAxis(problem, {rhs[i], false, 0, rhsStrides[i]});
  int64_t stride = 1;
  for (ContractionAxis &axis : reverse(problem.axes)) {
    axis.result = stride;
    stride *= axis.extent;
  }
  problem.resultElements = stride;
  for (auto [left, right] : zip_equal(lhsContract, rhsContract))
    problem.axes.push_back({lhs[left], true, lhsStrides[left], rhsStrides[right]});
  return problem;
}

namespace {
/// Numbers that the three directions of a convolution share.
struct ConvolutionNumbers {
  unsigned rank; // spatial
  int64_t images, channels, filters, groupChannels, groupFilters;
  SmallVector<int64_t, 5> x, w, y; // strides

  explicit ConvolutionNumbers(const ConvolutionShape &shape)
      : rank(shape.x.size() - 2), images(shape.x[0]), channels(shape.x.back()), filters(shape.w.back()),
        groupChannels(channels / shape.groups), groupFilters(filters / shape.groups), x(rowMajorStrides(shape.x)),
        w(rowMajorStrides(shape.w)), y(rowMajorStrides(shape.y)) {}
};
} // namespace

/// Adds the window of spatial axis `i`, whose outer axis and tap are already there.
static void addWindow(ContractionProblem &problem, const ConvolutionShape &shape, unsigned i, unsigned outer,
                      unsigned tap, int64_t stride) {
  problem.windows.push_back({outer, tap, shape.strides[i], shape.dilations[i], shape.low[i], shape.x[i + 1], stride});
  problem.lhsOffset -= shape.low[i] * stride;
}

ContractionProblem xfer::convProblem(const ConvolutionShape &shape) {
  ConvolutionNumbers n(shape);
  ContractionProblem problem;
  problem.resultElements = elements(shape.y);
  // Axes: n, g, out.., f within the group; taps, c within the group.
  problem.axes.push_back({n.images, false, n.x[0], 0, n.y[0]});
  problem.axes.push_back({shape.groups, false, n.groupChannels, n.groupFilters, n.groupFilters});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({shape.y[i + 1], false, n.x[i + 1] * shape.strides[i], 0, n.y[i + 1]});
  problem.axes.push_back({n.groupFilters, false, 0, 1, 1});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({shape.w[i], true, n.x[i + 1] * shape.dilations[i], n.w[i]});
  problem.axes.push_back({n.groupChannels, true, 1, n.filters});
  for (unsigned i = 0; i < n.rank; ++i)
    addWindow(problem, shape, i, 2 + i, 3 + n.rank + i, n.x[i + 1]);
  problem.coordinates.push_back({{{0}}, 0});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.coordinates.push_back({{{2 + i}}, 0});
  problem.coordinates.push_back({{{1, 1, 0, n.groupFilters}, {2 + n.rank}}, 0});
  return problem;
}

ContractionProblem xfer::convFilterGradientProblem(const ConvolutionShape &shape) {
  ConvolutionNumbers n(shape);
  ContractionProblem problem;
  problem.resultElements = elements(shape.w);
  // Axes: g, taps, c within the group, f within the group; n, out...
  problem.axes.push_back({shape.groups, false, n.groupChannels, n.groupFilters, n.groupFilters});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({shape.w[i], false, n.x[i + 1] * shape.dilations[i], 0, n.w[i]});
  problem.axes.push_back({n.groupChannels, false, 1, 0, n.filters});
  problem.axes.push_back({n.groupFilters, false, 0, 1, 1});
  problem.axes.push_back({n.images, true, n.x[0], n.y[0]});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({shape.y[i + 1], true, n.x[i + 1] * shape.strides[i], n.y[i + 1]});
  for (unsigned i = 0; i < n.rank; ++i)
    addWindow(problem, shape, i, n.rank + 4 + i, 1 + i, n.x[i + 1]);
  for (unsigned i = 0; i <= n.rank; ++i)
    problem.coordinates.push_back({{{1 + i}}, 0});
  problem.coordinates.push_back({{{0, 1, 0, n.groupFilters}, {n.rank + 2}}, 0});
  return problem;
}

namespace {
/// One residue of the input's index modulo the stride: input = residue + stride * t, t below `count`, is met by the
/// taps `tap0 + j * tapStep`, j below `taps`, which read dy at `t + place0 - j * placeStep`.
struct Phase {
  int64_t residue, count, tap0 = 0, tapStep = 1, taps = 0, place0 = 0, placeStep = 0;
};
} // namespace

static SmallVector<Phase> phases(int64_t inputs, int64_t stride, int64_t low, int64_t dilation, int64_t kernel) {
  SmallVector<Phase> list;
  int64_t common = std::gcd(stride, dilation);
  for (int64_t residue = 0; residue < std::min(stride, inputs); ++residue) {
    Phase phase{residue, (inputs - residue + stride - 1) / stride};
    phase.tapStep = stride / common;
    phase.placeStep = dilation / common;
    for (int64_t tap = 0; tap < kernel; ++tap) {
      if ((residue + low - tap * dilation) % stride != 0)
        continue;
      if (phase.taps++ == 0) {
        phase.tap0 = tap;
        phase.place0 = (residue + low - tap * dilation) / stride;
      }
    }
    list.push_back(phase);
  }
  return list;
}

/// The problem of one phase along each spatial axis. Axes: n, g, t.., c within the group; taps, f within the group.
/// Taps run backwards, so that the places that they read run forwards.
static ContractionProblem phaseProblem(const ConvolutionShape &shape, const ConvolutionNumbers &n,
                                       ArrayRef<Phase> phase) {
  ContractionProblem problem;
  problem.resultElements = elements(shape.x);
  problem.axes.push_back({n.images, false, n.y[0], 0, n.x[0]});
  problem.axes.push_back({shape.groups, false, n.groupFilters, n.groupFilters, n.groupChannels});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({phase[i].count, false, n.y[i + 1], 0, n.x[i + 1] * shape.strides[i]});
  problem.axes.push_back({n.groupChannels, false, 0, n.filters, 1});
  for (unsigned i = 0; i < n.rank; ++i)
    problem.axes.push_back({phase[i].taps, true, n.y[i + 1] * phase[i].placeStep, -n.w[i] * phase[i].tapStep});
  problem.axes.push_back({n.groupFilters, true, 1, 1});
  problem.coordinates.push_back({{{0}}, 0});
  for (unsigned i = 0; i < n.rank; ++i) {
    int64_t last = std::max<int64_t>(phase[i].taps - 1, 0);
    int64_t low = last * phase[i].placeStep - phase[i].place0;
    problem.windows.push_back({2 + i, 3 + n.rank + i, 1, phase[i].placeStep, low, shape.y[i + 1], n.y[i + 1]});
    problem.lhsOffset -= low * n.y[i + 1];
    problem.rhsOffset += (phase[i].tap0 + last * phase[i].tapStep) * n.w[i];
    problem.resultOffset += phase[i].residue * n.x[i + 1];
    problem.coordinates.push_back({{{2 + i, 1, 0, shape.strides[i]}}, phase[i].residue});
  }
  problem.coordinates.push_back({{{1, 1, 0, n.groupChannels}, {2 + n.rank}}, 0});
  return problem;
}

SmallVector<ContractionProblem, 4> xfer::convInputGradientProblems(const ConvolutionShape &shape) {
  ConvolutionNumbers n(shape);
  SmallVector<SmallVector<Phase>, 3> perAxis;
  int64_t count = 1;
  for (unsigned i = 0; i < n.rank; ++i) {
    perAxis.push_back(phases(shape.x[i + 1], shape.strides[i], shape.low[i], shape.dilations[i], shape.w[i]));
    count *= perAxis.back().size();
  }
  SmallVector<ContractionProblem, 4> problems;
  for (int64_t number = 0; number < count; ++number) {
    SmallVector<Phase> chosen;
    int64_t rest = number;
    for (const SmallVector<Phase> &list : perAxis) {
      chosen.push_back(list[rest % list.size()]);
      rest /= list.size();
    }
    problems.push_back(phaseProblem(shape, n, chosen));
  }
  return problems;
}
