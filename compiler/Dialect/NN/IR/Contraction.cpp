//===- Contraction.cpp - shape rules of contractions, convolutions, windows, linear algebra ---------------------===//

#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer::nn;

//===----------------------------------------------------------------------===//
// contract
//===----------------------------------------------------------------------===//

static Type widest(Type element) {
  if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
    return Float32Type::get(element.getContext());
  return element;
}

void ContractOp::build(OpBuilder &builder, OperationState &state, Value a, Value b, ArrayRef<int64_t> lhsBatch,
                       ArrayRef<int64_t> rhsBatch, ArrayRef<int64_t> lhsContract, ArrayRef<int64_t> rhsContract) {
  build(builder, state, a, b, lhsBatch, rhsBatch, lhsContract, rhsContract,
        widest(cast<RankedTensorType>(a.getType()).getElementType()));
}

static SmallVector<int64_t> freeAxes(size_t rank, ArrayRef<int64_t> batch, ArrayRef<int64_t> contract) {
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < int64_t(rank); ++axis)
    if (!llvm::is_contained(batch, axis) && !llvm::is_contained(contract, axis))
      axes.push_back(axis);
  return axes;
}

SmallVector<int64_t> ContractOp::getLhsFree() {
  return freeAxes(getA().getType().getRank(), getLhsBatch(), getLhsContract());
}

SmallVector<int64_t> ContractOp::getRhsFree() {
  return freeAxes(getB().getType().getRank(), getRhsBatch(), getRhsContract());
}

static bool differentAxes(ArrayRef<int64_t> batch, ArrayRef<int64_t> contract, size_t rank) {
  SmallVector<bool> seen(rank, false);
  for (int64_t axis : llvm::concat<const int64_t>(batch, contract)) {
    if (axis < 0 || axis >= int64_t(rank) || seen[axis])
      return false;
    seen[axis] = true;
  }
  return true;
}

LogicalResult ContractOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo a = TensorInfo::of(op.getA().getType()), b = TensorInfo::of(op.getB().getType());
  if (!differentAxes(op.getLhsBatch(), op.getLhsContract(), a.rank()) ||
      !differentAxes(op.getRhsBatch(), op.getRhsContract(), b.rank()))
    return emitOptionalError(location, "(C1) the axes named are not different axes of ", toString(a.extents), " and ",
                             toString(b.extents));
  auto agree = [&](ArrayRef<int64_t> left, ArrayRef<int64_t> right) {
    return left.size() == right.size() && llvm::all_of(llvm::zip(left, right), [&](auto pair) {
             return a.extents[std::get<0>(pair)].agrees(b.extents[std::get<1>(pair)]);
           });
  };
  if (!agree(op.getLhsBatch(), op.getRhsBatch()) || !agree(op.getLhsContract(), op.getRhsContract()))
    return emitOptionalError(location, "(C2) batch or contracted extents differ: ", toString(a.extents), " and ",
                             toString(b.extents));
  if (a.element != b.element)
    return emitOptionalError(location, "(C3) element types differ: ", a.element, " and ", b.element);
  Type accumulator = op.getAccumulator();
  if (isa<FloatType>(a.element) != isa<FloatType>(accumulator) || !accumulator.isIntOrFloat() ||
      accumulator.getIntOrFloatBitWidth() < a.element.getIntOrFloatBitWidth())
    return emitOptionalError(location, "(C4) accumulation of ", a.element, " in ", accumulator);
  TensorInfo result{a.element, {}, {}};
  for (int64_t axis : op.getLhsBatch())
    result.extents.push_back(a.extents[axis]);
  for (int64_t axis : freeAxes(a.rank(), op.getLhsBatch(), op.getLhsContract()))
    result.extents.push_back(a.extents[axis]);
  for (int64_t axis : freeAxes(b.rank(), op.getRhsBatch(), op.getRhsContract()))
    result.extents.push_back(b.extents[axis]);
  results.push_back(result);
  return success();
}

//===----------------------------------------------------------------------===//
// conv and its adjoints
//===----------------------------------------------------------------------===//

namespace {
/// How windows move over the spatial axes; a convolution's kernel is such a window.
struct Geometry {
  ArrayRef<int64_t> strides, low, high, dilations;

  bool isValid(size_t spatial) const {
    auto all = [&](ArrayRef<int64_t> numbers, int64_t least) {
      return numbers.size() == spatial && llvm::all_of(numbers, [&](int64_t n) { return n >= least; });
    };
    return all(strides, 1) && all(dilations, 1) && all(low, 0) && all(high, 0);
  }
  /// The number of places along spatial axis `i`; not positive if the window does not fit.
  int64_t places(size_t i, int64_t extent, int64_t window) const {
    int64_t room = extent + low[i] + high[i] - dilations[i] * (window - 1) - 1;
    return room < 0 ? 0 : room / strides[i] + 1;
  }
};
} // namespace

template <typename Op> static Geometry geometryOf(Op op) {
  return {op.getStrides(), op.getPaddingLow(), op.getPaddingHigh(), op.getDilations()};
}

static FailureOr<TensorInfo> convolved(const TensorInfo &x, const TensorInfo &w, const Geometry &geometry,
                                       int64_t groups, std::optional<Location> location) {
  if (x.rank() != w.rank() || x.rank() < 3 || x.rank() > 5)
    return emitOptionalError(location, "(C1) image ", toString(x.extents), " and filter ", toString(w.extents),
                             " do not have equal ranks from 3 to 5");
  size_t spatial = x.rank() - 2;
  if (!geometry.isValid(spatial))
    return emitOptionalError(location, "(C2) expected ", spatial,
                             " positive strides and dilations, and paddings that are not negative");
  for (size_t i = 0; i < x.rank(); ++i)
    if ((i > 0 && x.extents[i].isDynamic()) || w.extents[i].isDynamic())
      return emitOptionalError(location, "(C6) dynamic extent in ", toString(x.extents), " or ", toString(w.extents));
  int64_t channels = x.extents.back().size, features = w.extents.back().size;
  if (groups <= 0 || channels % groups || features % groups || w.extents[spatial].size * groups != channels)
    return emitOptionalError(location, "(C3) ", groups, " groups of ", channels, " channels for filter ",
                             toString(w.extents));
  TensorInfo result{x.element, {x.extents.front()}, {}};
  for (size_t i = 0; i < spatial; ++i) {
    result.extents.push_back(geometry.places(i, x.extents[i + 1].size, w.extents[i].size));
    if (result.extents.back().size <= 0)
      return emitOptionalError(location, "(C4) filter ", toString(w.extents), " does not fit into ",
                               toString(x.extents));
  }
  result.extents.push_back(features);
  if (x.element != w.element)
    return emitOptionalError(location, "(C5) element types differ: ", x.element, " and ", w.element);
  return result;
}

LogicalResult ConvOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  auto result = convolved(TensorInfo::of(op.getX().getType()), TensorInfo::of(op.getW().getType()), geometryOf(op),
                          op.getGroups(), location);
  if (succeeded(result))
    results.push_back(*result);
  return result;
}

/// Does conv(x, w) with the attributes of `op` have the type of `dy`?
template <typename Op> static LogicalResult verifyAdjoint(Op op, Type x, Type w, Type dy) {
  auto expected = convolved(TensorInfo::of(x), TensorInfo::of(w), geometryOf(op), op.getGroups(), op.getLoc());
  if (failed(expected))
    return failure();
  if (!compatible(expected->type(), dy))
    return op.emitOpError("(C1) the convolution has type ") << expected->type() << ", its cotangent " << dy;
  return success();
}

LogicalResult ConvInputGradientOp::verify() {
  return verifyAdjoint(*this, getType(), getW().getType(), getDy().getType());
}

LogicalResult ConvFilterGradientOp::verify() {
  return verifyAdjoint(*this, getX().getType(), getType(), getDy().getType());
}

//===----------------------------------------------------------------------===//
// windows
//===----------------------------------------------------------------------===//

/// The grid of windows over `x`: [n, places.., c].
static FailureOr<TensorInfo> grid(const TensorInfo &x, ArrayRef<int64_t> window, const Geometry &geometry,
                                  std::optional<Location> location) {
  size_t spatial = window.size();
  if (x.rank() < 3 || x.rank() > 5 || spatial != x.rank() - 2 || !geometry.isValid(spatial) ||
      llvm::any_of(window, [](int64_t size) { return size <= 0; }))
    return emitOptionalError(location, "(C1) window, strides, paddings or dilations do not fit ", toString(x.extents));
  TensorInfo result{x.element, x.extents, {}};
  for (size_t i = 0; i < spatial; ++i) {
    if (x.extents[i + 1].isDynamic())
      return emitOptionalError(location, "(C3) dynamic spatial extent in ", toString(x.extents));
    result.extents[i + 1] = geometry.places(i, x.extents[i + 1].size, window[i]);
    if (result.extents[i + 1].size <= 0)
      return emitOptionalError(location, "(C2) the window does not fit into ", toString(x.extents));
  }
  return result;
}

LogicalResult WindowMaxOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  auto result = grid(TensorInfo::of(op.getX().getType()), op.getWindow(), geometryOf(op), location);
  if (failed(result))
    return failure();
  for (auto [size, low, high, dilation] :
       llvm::zip(op.getWindow(), op.getPaddingLow(), op.getPaddingHigh(), op.getDilations()))
    if (std::max(low, high) >= dilation * (size - 1) + 1)
      return emitOptionalError(location, "(C4) a window lies in the padding alone");
  results.push_back(*result);
  result->element = IntegerType::get(op.getX().getContext(), 32);
  results.push_back(*result);
  return success();
}

LogicalResult WindowGatherOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  auto result = grid(TensorInfo::of(op.getX().getType()), op.getWindow(), geometryOf(op), location);
  if (failed(result))
    return failure();
  Type index = op.getIndex().getType();
  if (!compatible(withElement(index, result->element), result->type()))
    return emitOptionalError(location, "(C4) the windows' grid is ", toString(result->extents), ", the index has ",
                             toString(extentsOf(index)));
  results.push_back(*result);
  return success();
}

LogicalResult WindowSumOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  auto result = grid(TensorInfo::of(op.getX().getType()), op.getWindow(), geometryOf(op), location);
  if (succeeded(result))
    results.push_back(*result);
  return result;
}

/// Is the grid of windows over `op`'s result that of `g`?
template <typename Op> static LogicalResult verifySpread(Op op, Type g) {
  auto expected = grid(TensorInfo::of(op.getType()), op.getWindow(), geometryOf(op), op.getLoc());
  if (failed(expected))
    return failure();
  if (!compatible(expected->type(), g))
    return op.emitOpError("(C1) the windows' grid has type ") << expected->type() << ", found " << g;
  return success();
}

LogicalResult WindowScatterOp::verify() {
  if (!compatible(withElement(getIndex().getType(), getG().getType().getElementType()), getG().getType()))
    return emitOpError("(C1) index and cotangent have different extents");
  return verifySpread(*this, getG().getType());
}

LogicalResult WindowSpreadOp::verify() { return verifySpread(*this, getG().getType()); }

//===----------------------------------------------------------------------===//
// linear algebra
//===----------------------------------------------------------------------===//

static bool isSquare(const TensorInfo &info) {
  return info.rank() >= 2 && info.extents.back().agrees(info.extents[info.rank() - 2]);
}

LogicalResult CholeskyOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo a = TensorInfo::of(op.getA().getType());
  if (!isSquare(a))
    return emitOptionalError(location, "(C1) ", toString(a.extents), " are not square matrices");
  results.push_back({a.element, a.extents, {}});
  return success();
}

StringRef CholeskyOp::getRoutineName() { return "cholesky"; }
unsigned CholeskyOp::getRoutineRank() { return 2; }

LogicalResult TriangularSolveOp::inferShape(Adaptor op, std::optional<Location> location, shape::Results &results) {
  TensorInfo l = TensorInfo::of(op.getL().getType()), b = TensorInfo::of(op.getB().getType());
  if (l.rank() != b.rank() || l.rank() < 2)
    return emitOptionalError(location, "(C1) ranks ", l.rank(), " and ", b.rank());
  for (size_t i = 0; i + 2 < l.rank(); ++i)
    if (!l.extents[i].agrees(b.extents[i]))
      return emitOptionalError(location, "(C2) batch extents differ: ", toString(l.extents), " and ",
                               toString(b.extents));
  if (!isSquare(l) || !l.extents.back().agrees(b.extents[b.rank() - 2]))
    return emitOptionalError(location, "(C3) ", toString(l.extents), " is not square or does not fit ",
                             toString(b.extents));
  if (l.element != b.element)
    return emitOptionalError(location, "(C4) element types differ: ", l.element, " and ", b.element);
  results.push_back({b.element, b.extents, {}});
  return success();
}

StringRef TriangularSolveOp::getRoutineName() {
  return getTransposed() ? "triangular_solve_transposed" : "triangular_solve";
}
unsigned TriangularSolveOp::getRoutineRank() { return 2; }
