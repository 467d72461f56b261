//===- BuiltinsWindow.cpp - convolutions, windows and matrices ----------------------------------------------------===//

#include "compiler/Elaborate/Builtins.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

namespace {
/// How a window moves: one number for each spatial axis.
struct Geometry {
  SmallVector<int64_t> strides, low, high, dilations;
};
} // namespace

/// One number for all spatial axes, or a list with one for each.
static std::optional<SmallVector<int64_t>> perAxis(Evaluator &evaluator, const Value &value, int64_t otherwise,
                                                   size_t count, llvm::StringRef what, int64_t least,
                                                   dsl::SourceRange range) {
  SmallVector<int64_t> result;
  if (value.isNone()) {
    result.assign(count, otherwise);
  } else if (auto number = value.asInteger()) {
    result.assign(count, *number);
  } else if (const List *list = value.list()) {
    for (const Value &one : list->elements)
      if (auto number = one.asInteger())
        result.push_back(*number);
  }
  if (result.size() == count && llvm::all_of(result, [&](int64_t n) { return n >= least; }))
    return result;
  if (!value.isPoison())
    evaluator.error(range, "wrong-type",
                    "'" + what + "' is an int of at least " + Twine(least) + ", or a list of " + Twine(count) +
                        " of them, found " + value.describe());
  return std::nullopt;
}

static std::optional<Geometry> geometry(Evaluator &evaluator, llvm::ArrayRef<int64_t> window, const Value &stride,
                                        int64_t defaultStride, const Value &padding, const Value &dilation,
                                        dsl::SourceRange range) {
  size_t count = window.size();
  Geometry result;
  if (llvm::is_contained(window, 0)) {
    evaluator.error(range, "bad-extent", "a filter has an extent of at least 1, not 0");
    return std::nullopt;
  }
  auto strides = perAxis(evaluator, stride, defaultStride, count, "stride", 1, range);
  auto dilations = perAxis(evaluator, dilation, 1, count, "dilation", 1, range);
  if (!strides || !dilations)
    return std::nullopt;
  result.strides = *strides;
  result.dilations = *dilations;
  if (const std::string *word = padding.text()) {
    if (*word != "same" && *word != "valid") {
      evaluator.error(range, "wrong-type", "'padding' is \"same\", \"valid\", or a number of zeros");
      return std::nullopt;
    }
    for (size_t i = 0; i < count; ++i) {
      // "same": as much on both sides as keeps the extent at stride 1; an even window has the odd zero behind.
      int64_t total = *word == "same" ? result.dilations[i] * (window[i] - 1) : 0;
      result.low.push_back(total / 2);
      result.high.push_back(total - total / 2);
    }
    return result;
  }
  auto widths = perAxis(evaluator, padding, 0, count, "padding", 0, range);
  if (!widths)
    return std::nullopt;
  result.low = *widths;
  result.high = *widths;
  return result;
}

static SmallVector<int64_t> kernelOf(const Tensor &filter) {
  auto shape = filter.type().getShape();
  return SmallVector<int64_t>(shape.begin(), shape.end() - 2);
}

/// Axes of [n, spatial.., c] after a window moved over it: the spatial ones are new.
static llvm::SmallVector<AxisId> windowAxes(const Tensor &x, AxisId channels) {
  llvm::SmallVector<AxisId> axes(x.axes.size(), 0);
  axes.front() = x.axes.front();
  axes.back() = channels;
  return axes;
}

/// How many windows fit into `size` entries, padding included.
static Value countWindows(Evaluator &evaluator, const Value &size, int64_t window, int64_t stride, int64_t padding,
                          dsl::SourceRange range) {
  using dsl::BinaryOp;
  // (size + padding - window) // stride + 1, and none where that is below 1; the division must not see negatives.
  Value steps = evaluator.binary(BinaryOp::Add, size, Value(padding - window + stride), range);
  Value held = runBuiltin(evaluator, "max", {steps, Value(int64_t(0))}, range);
  return evaluator.binary(BinaryOp::FloorDivide, held, Value(stride), range);
}

/// Windows over a bounded dimension see real entries only, `fill` elsewhere; there are as many as each sample has room
/// for. Changes x, and names the axes of the result; false after an error.
static bool boundWindows(Evaluator &evaluator, Tensor &x, llvm::ArrayRef<int64_t> window, const Geometry &moves,
                         double fill, llvm::SmallVector<AxisId> &axes, dsl::SourceRange range) {
  SmallVector<int64_t> spatial = llvm::to_vector(llvm::seq<int64_t>(1, x.rank() - 1));
  for (int64_t axis : {int64_t(0), x.rank() - 1})
    if (evaluator.isRagged(x, axis))
      return evaluator.wantsDense(x, axis, "a window", range);
  llvm::erase_if(spatial, [&](int64_t axis) { return !evaluator.isRagged(x, axis); });
  for (int64_t axis : spatial) {
    size_t i = axis - 1;
    int64_t covered = moves.dilations[i] * (window[i] - 1) + 1, padding = moves.low[i] + moves.high[i];
    if (moves.strides[i] == 1 && padding == covered - 1) {
      axes[axis] = x.axes[axis];
      continue;
    }
    std::string how =
        "windows " + std::to_string(covered) + " " + std::to_string(moves.strides[i]) + " " + std::to_string(padding);
    axes[axis] = evaluator.derivedAxis(x.axes[axis], how, [&](const Tensor &length) {
      return countWindows(evaluator, Value(length), covered, moves.strides[i], padding, range);
    });
  }
  x = evaluator.masked(x, spatial, evaluator.builder().getFloatAttr(x.type().getElementType(), fill), range);
  return true;
}

static bool isImage(Evaluator &evaluator, const Tensor &x, dsl::SourceRange range) {
  if (x.rank() >= 3 && x.rank() <= 5)
    return true;
  evaluator.error(range, "shapes-differ", "expected [n, spatial.., channels], found " + Value(x).describe());
  return false;
}

static Value convolution(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  Type f32 = evaluator.builder().getF32Type();
  std::optional<Tensor> x = evaluator.toTensor(given[0], range, f32), w = evaluator.toTensor(given[1], range, f32);
  if (!x || !w || !isImage(evaluator, *x, range))
    return Value();
  if (w->rank() != x->rank())
    return evaluator.error(range, "shapes-differ",
                           "a filter of " + given[0].describe() + " is [kernel.., in, out], found " +
                               given[1].describe());
  std::optional<int64_t> groups = intArgument(evaluator, given[5], 1, "groups", range);
  std::optional<Geometry> moves = geometry(evaluator, kernelOf(*w), given[2], 1, given[3], given[4], range);
  if (!groups || !moves)
    return Value();
  auto in = x->type().getShape(), filter = w->type().getShape();
  if (*groups < 1 || in.back() != filter[filter.size() - 2] * *groups || filter.back() % *groups != 0)
    return evaluator.error(range, "shapes-differ",
                           "a filter of " + Twine(filter[filter.size() - 2]) + " input channels in " + Twine(*groups) +
                               " groups does not fit " + given[0].describe());
  for (size_t i = 0; i < moves->strides.size(); ++i)
    if (in[i + 1] + moves->low[i] + moves->high[i] < moves->dilations[i] * (filter[i] - 1) + 1)
      return evaluator.error(range, "window-too-large",
                             "the filter is larger than what it moves over, even padded: " + given[0].describe());
  llvm::SmallVector<AxisId> axes = windowAxes(*x, w->axes.back());
  if (!boundWindows(evaluator, *x, kernelOf(*w), *moves, 0, axes, range))
    return Value();
  mlir::Value y = nn::ConvOp::create(evaluator.builder(), evaluator.location(range), x->value, w->value, moves->strides,
                                     moves->low, moves->high, moves->dilations, *groups);
  return Tensor{y, axes};
}

/// Geometry of the convolution whose adjoint a transposed one is. "same" multiplies the extents by the stride.
static std::optional<Geometry> transposedGeometry(Evaluator &evaluator, llvm::ArrayRef<int64_t> window,
                                                  const Value &stride, const Value &padding, const Value &dilation,
                                                  dsl::SourceRange range) {
  std::optional<Geometry> moves = geometry(evaluator, window, stride, 1, padding, dilation, range);
  if (!moves || !padding.text() || *padding.text() != "same")
    return moves;
  for (size_t i = 0; i < window.size(); ++i) {
    int64_t total = moves->dilations[i] * (window[i] - 1) + 1 - moves->strides[i];
    if (total < 0) {
      evaluator.error(range, "wrong-type",
                      "padding \"same\" wants a filter at least as wide as the stride: with a filter of " +
                          Twine(window[i]) + " and a stride of " + Twine(moves->strides[i]) +
                          " some places of the result would be met by nothing");
      return std::nullopt;
    }
    moves->low[i] = total / 2;
    moves->high[i] = total - total / 2;
  }
  return moves;
}

/// The adjoint of a convolution in its input. The filter is [kernel.., out / groups, in], the result
/// (in - 1) stride - low - high + dilation (kernel - 1) + output_padding + 1, as PyTorch's.
static Value convolutionTranspose(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  Type f32 = evaluator.builder().getF32Type();
  std::optional<Tensor> x = evaluator.toTensor(given[0], range, f32), w = evaluator.toTensor(given[1], range, f32);
  if (!x || !w || !isImage(evaluator, *x, range))
    return Value();
  auto in = x->type().getShape(), filter = w->type().getShape();
  if (w->rank() != x->rank() || filter.back() != in.back())
    return evaluator.error(range, "shapes-differ",
                           "a transposed filter of " + given[0].describe() +
                               " is [kernel.., out / groups, in], found " + given[1].describe());
  std::optional<Geometry> moves = transposedGeometry(evaluator, kernelOf(*w), given[2], given[3], given[5], range);
  std::optional<int64_t> groups = intArgument(evaluator, given[6], 1, "groups", range);
  if (!moves || !groups)
    return Value();
  if (*groups < 1 || in.back() % *groups != 0)
    return evaluator.error(range, "shapes-differ",
                           Twine(*groups) + " groups do not divide the channels of " + given[0].describe());
  size_t count = moves->strides.size();
  auto extra = perAxis(evaluator, given[4], 0, count, "output_padding", 0, range);
  if (!extra)
    return Value();
  for (int64_t i = 1; i < x->rank(); ++i)
    if (!evaluator.wantsDense(*x, i, "convolution_transpose", range))
      return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*x);
  for (size_t i = 0; i < count; ++i) {
    if ((*extra)[i] >= moves->strides[i])
      return evaluator.error(range, "wrong-type",
                             "'output_padding' is below the stride, found " + Twine((*extra)[i]) + " for a stride of " +
                                 Twine(moves->strides[i]));
    int64_t extent = (in[i + 1] - 1) * moves->strides[i] + moves->dilations[i] * (filter[i] - 1) + 1 + (*extra)[i] -
                     moves->low[i] - moves->high[i];
    if (extent < 1)
      return evaluator.error(range, "window-too-large",
                             "the padding takes away the whole result of " + given[0].describe());
    shape[i + 1] = Dim{Extent(extent), 0};
  }
  shape.back() = Dim{Extent(filter[filter.size() - 2] * *groups), 0};
  RankedTensorType type = nn::withExtents(nn::withoutMeaning(x->value.getType()), nnExtents(shape));
  OpBuilder &builder = evaluator.builder();
  mlir::Value y = nn::ConvInputGradientOp::create(
      builder, evaluator.location(range), type, x->value, w->value, builder.getDenseI64ArrayAttr(moves->strides),
      builder.getDenseI64ArrayAttr(moves->low), builder.getDenseI64ArrayAttr(moves->high),
      builder.getDenseI64ArrayAttr(moves->dilations), builder.getI64IntegerAttr(*groups));
  return Tensor{y, axesOf(shape)};
}

template <typename Op> static Value windows(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> x = evaluator.toTensor(given[0], range, evaluator.builder().getF32Type());
  if (!x || !isImage(evaluator, *x, range))
    return Value();
  size_t count = x->rank() - 2;
  auto window = perAxis(evaluator, given[1], 1, count, "size", 1, range);
  std::optional<Geometry> moves =
      window ? geometry(evaluator, *window, given[2], window->front(), given[3], Value::none(), range) : std::nullopt;
  if (!moves)
    return Value();
  auto in = x->type().getShape();
  for (size_t i = 0; i < count; ++i) {
    if (in[i + 1] + moves->low[i] + moves->high[i] < (*window)[i])
      return evaluator.error(range, "window-too-large",
                             "the window is larger than what it moves over, even padded: " + given[0].describe());
    if (moves->low[i] >= (*window)[i] || moves->high[i] >= (*window)[i])
      return evaluator.error(range, "window-too-large",
                             "the padding is as large as the window: some windows would be empty");
  }
  llvm::SmallVector<AxisId> axes = windowAxes(*x, x->axes.back());
  double fill = std::is_same_v<Op, nn::WindowMaxOp> ? -std::numeric_limits<double>::infinity() : 0;
  if (!boundWindows(evaluator, *x, *window, *moves, fill, axes, range))
    return Value();
  Operation *op = Op::create(evaluator.builder(), evaluator.location(range), x->value, *window, moves->strides,
                             moves->low, moves->high, moves->dilations);
  return Tensor{op->getResult(0), axes};
}

static Value cholesky(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  std::optional<Tensor> a = evaluator.toTensor(given[0], range, evaluator.builder().getF32Type());
  if (!a)
    return Value();
  std::vector<Dim> shape = evaluator.shapeOf(*a);
  if (shape.size() < 2 || shape[shape.size() - 1].extent != shape[shape.size() - 2].extent)
    return evaluator.error(range, "shapes-differ", "'cholesky' wants square matrices, found " + given[0].describe());
  for (int64_t i = 0; i < a->rank(); ++i)
    if (!evaluator.wantsDense(*a, i, "cholesky", range))
      return Value();
  return Tensor{nn::CholeskyOp::create(evaluator.builder(), evaluator.location(range), a->value), a->axes};
}

static Value triangularSolve(Evaluator &evaluator, std::vector<Value> &given, dsl::SourceRange range) {
  Type f32 = evaluator.builder().getF32Type();
  std::optional<Tensor> l = evaluator.toTensor(given[0], range, f32), b = evaluator.toTensor(given[1], range, f32);
  std::optional<int64_t> transposed = intArgument(evaluator, given[2], 0, "transposed", range);
  if (!l || !b || !transposed)
    return Value();
  std::vector<Dim> left = evaluator.shapeOf(*l), right = evaluator.shapeOf(*b);
  size_t rank = left.size();
  bool fits = rank >= 2 && right.size() == rank && left[rank - 1].extent == left[rank - 2].extent &&
              left[rank - 1].extent == right[rank - 2].extent;
  for (size_t i = 0; fits && i + 2 < rank; ++i)
    fits = left[i].extent == right[i].extent;
  if (!fits)
    return evaluator.error(range, "shapes-differ",
                           "'triangular_solve' wants [.., n, n] and [.., n, m], found " + describeDims(left) + " and " +
                               describeDims(right));
  for (const Tensor *one : {&*l, &*b})
    for (int64_t i = 0; i < one->rank(); ++i)
      if (!evaluator.wantsDense(*one, i, "triangular_solve", range))
        return Value();
  return Tensor{nn::TriangularSolveOp::create(evaluator.builder(), evaluator.location(range), l->value, b->value,
                                              *transposed != 0),
                b->axes};
}

const Builtins &windowBuiltins() {
  static const Builtins all = {
      {"convolution", {"x", "w", "stride?", "padding?", "dilation?", "groups?"}, convolution},
      {"convolution_transpose",
       {"x", "w", "stride?", "padding?", "output_padding?", "dilation?", "groups?"},
       convolutionTranspose},
      {"max_window", {"x", "size", "stride?", "padding?"}, windows<nn::WindowMaxOp>},
      {"sum_window", {"x", "size", "stride?", "padding?"}, windows<nn::WindowSumOp>},
      {"cholesky", {"a"}, cholesky},
      {"triangular_solve", {"l", "b", "transposed?"}, triangularSolve},
  };
  return all;
}

} // namespace xfer
