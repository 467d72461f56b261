#include "compiler/Codegen/CPU/ContractionDynamic.h"
#include "compiler/Codegen/CPU/KernelBuilder.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::cpu;

namespace {
/// An axis of the result or a contracted one: its extent, and its stride in each operand (null where it has none).
struct DynamicAxis {
  nn::Extent extent;
  Value count, lhs, rhs;
  bool lhsLast = false, rhsLast = false; // the stride is one
};

class DynamicContract {
public:
  DynamicContract(OpBuilder &builder, nn::ContractOp op, const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                  const TargetDescription &target)
      : k(builder, op.getLoc()), op(op), buffers(buffers), epilogue(epilogue), target(target),
        element(getElementTypeOrSelf(op.getA().getType())), accumulator(op.getAccumulator()),
        lanes(target.lanes(accumulator)) {}

  FailureOr<EmittedKernel> emit(StringRef name);

private:
  LogicalResult nameExtents();
  Value extentValue(const nn::Extent &extent);
  SmallVector<Value> strides(Value tensor);
  void collectAxes();
  void walk(unsigned axis, Value lower, Value upper);
  void columns(Value lower, Value upper);
  Value products(unsigned number, Value lhs, Value rhs, int64_t count, Value sum);
  Value dot(const DynamicAxis &axis, Value lhs, Value rhs, Value sum);
  Value operand(Value base, bool hasColumn, int64_t count);
  void finish(int64_t count);

  KernelBuilder k;
  nn::ContractOp op;
  const ContractionBuffers &buffers;
  const EpilogueFn &epilogue;
  const TargetDescription &target;
  Type element, accumulator;
  int64_t lanes;
  EmittedKernel kernel;
  KernelFunction function;
  SmallVector<DynamicAxis, 4> axes, contracted;
  SmallVector<Value, 4> index, resultStrides;
};
} // namespace

LogicalResult DynamicContract::nameExtents() {
  for (Value tensor : {Value(op.getResult()), Value(op.getA()), Value(op.getB())})
    for (const nn::Extent &extent : nn::extentsOf(tensor.getType())) {
      if (!extent.isDynamic() || llvm::is_contained(kernel.extents, extent.symbol))
        continue;
      if (extent.symbol.empty())
        return op.emitOpError("has a dynamic extent without a name");
      kernel.extents.push_back(extent.symbol);
    }
  return success();
}

Value DynamicContract::extentValue(const nn::Extent &extent) {
  if (!extent.isDynamic())
    return k.constant(extent.size);
  Type type = k.builder().getI64Type();
  int64_t number = llvm::find(kernel.extents, extent.symbol) - kernel.extents.begin();
  return k.load(type, k.address(type, function.extents, number));
}

SmallVector<Value> DynamicContract::strides(Value tensor) {
  nn::Extents extents = nn::extentsOf(tensor.getType());
  SmallVector<Value> list(extents.size());
  Value stride = k.constant(1);
  for (unsigned i = extents.size(); i-- > 0;) {
    list[i] = stride;
    stride = k.mul(stride, extentValue(extents[i]));
  }
  return list;
}

void DynamicContract::collectAxes() {
  nn::Extents a = nn::extentsOf(op.getA().getType()), b = nn::extentsOf(op.getB().getType());
  SmallVector<Value> lhs = strides(op.getA()), rhs = strides(op.getB());
  auto add = [&](SmallVectorImpl<DynamicAxis> &list, int64_t left, int64_t right) {
    DynamicAxis axis;
    axis.extent = left >= 0 ? a[left] : b[right];
    axis.count = extentValue(axis.extent);
    if (left >= 0) {
      axis.lhs = lhs[left];
      axis.lhsLast = left + 1 == static_cast<int64_t>(a.size());
    }
    if (right >= 0) {
      axis.rhs = rhs[right];
      axis.rhsLast = right + 1 == static_cast<int64_t>(b.size());
    }
    list.push_back(axis);
  };
  for (auto [left, right] : llvm::zip_equal(op.getLhsBatch(), op.getRhsBatch()))
    add(axes, left, right);
  for (int64_t left : op.getLhsFree())
    add(axes, left, -1);
  for (int64_t right : op.getRhsFree())
    add(axes, -1, right);
  for (auto [left, right] : llvm::zip_equal(op.getLhsContract(), op.getRhsContract()))
    add(contracted, left, right);
  resultStrides = strides(op.getResult());
  index.assign(axes.size(), k.constant(0));
}

/// Loops over the axes of the result; bounds are given for the first one, which is cut into chunks.
void DynamicContract::walk(unsigned axis, Value lower, Value upper) {
  if (axis + 1 >= axes.size())
    return columns(lower, upper);
  k.loop(lower, upper, 1, [&](Value i) {
    index[axis] = i;
    walk(axis + 1, k.constant(0), axes[axis + 1].count);
  });
}

void DynamicContract::columns(Value lower, Value upper) {
  if (axes.empty())
    return finish(1);
  const DynamicAxis &column = axes.back();
  bool vectors = (!column.lhs || column.lhsLast) && (!column.rhs || column.rhsLast);
  auto at = [&](int64_t count) {
    return [this, count](Value i) {
      index.back() = i;
      finish(count);
    };
  };
  Value whole = lower;
  if (vectors) {
    Value count = k.sub(upper, lower);
    whole = k.add(lower, k.sub(count, k.rem(count, lanes)));
    k.loop(lower, whole, lanes, at(lanes));
  }
  k.loop(whole, upper, 1, at(1));
}

/// `count` neighbours along the columns, or one element for all lanes.
Value DynamicContract::operand(Value base, bool hasColumn, int64_t count) {
  if (hasColumn)
    return k.convert(k.load(VectorType::get({count}, element), base), accumulator);
  return k.splat(k.convert(k.load(element, base), accumulator), count);
}

Value DynamicContract::dot(const DynamicAxis &axis, Value lhs, Value rhs, Value sum) {
  Value whole = k.sub(axis.count, k.rem(axis.count, lanes));
  auto step = [&](int64_t count) {
    return [this, lhs, rhs, count](Value i, ValueRange carried) {
      Value left = operand(k.address(element, lhs, i), true, count);
      Value right = operand(k.address(element, rhs, i), true, count);
      return SmallVector<Value>{k.multiplyAdd(left, right, carried[0], target.fusedMultiplyAdd)};
    };
  };
  Value zeros = k.zero(VectorType::get({lanes}, accumulator));
  Value parts = k.loop(k.constant(0), whole, lanes, zeros, step(lanes)).front();
  auto fast = isa<FloatType>(accumulator) ? arith::FastMathFlags::reassoc : arith::FastMathFlags::none;
  Value total = vector::ReductionOp::create(k.builder(), k.location(), accumulator, vector::CombiningKind::ADD, parts,
                                            Value(), fast);
  return k.loop(whole, axis.count, 1, k.addElements(sum, k.splat(total, 1)), step(1)).front();
}

Value DynamicContract::products(unsigned number, Value lhs, Value rhs, int64_t count, Value sum) {
  bool lhsColumn = !axes.empty() && axes.back().lhs, rhsColumn = !axes.empty() && axes.back().rhs;
  if (number == contracted.size())
    return k.multiplyAdd(operand(lhs, lhsColumn, count), operand(rhs, rhsColumn, count), sum, target.fusedMultiplyAdd);
  const DynamicAxis &axis = contracted[number];
  if (number + 1 == contracted.size() && axis.lhsLast && axis.rhsLast && count == 1)
    return dot(axis, lhs, rhs, sum);
  return k
      .loop(k.constant(0), axis.count, 1, sum,
            [&](Value i, ValueRange carried) {
              return SmallVector<Value>{products(number + 1, k.address(element, lhs, k.mul(i, axis.lhs)),
                                                 k.address(element, rhs, k.mul(i, axis.rhs)), count, carried[0])};
            })
      .front();
}

/// One vector of sums at the present index, through the epilogue into the result.
void DynamicContract::finish(int64_t count) {
  Value left = k.constant(0), right = left, offset = left;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis.lhs)
      left = k.add(left, k.mul(index[i], axis.lhs));
    if (axis.rhs)
      right = k.add(right, k.mul(index[i], axis.rhs));
    offset = k.add(offset, k.mul(index[i], resultStrides[i]));
  }
  EpilogueTile tile;
  tile.sums = products(0, k.address(element, function.buffers[buffers.lhs], left),
                       k.address(element, function.buffers[buffers.rhs], right), count,
                       k.zero(VectorType::get({count}, accumulator)));
  tile.axis = axes.empty() ? 0 : axes.size() - 1;
  tile.lanes = count;
  tile.buffers = ArrayRef(function.buffers).take_front(buffers.count);
  tile.coordinate = [this](unsigned axis) { return index[axis]; };
  tile.offset = offset;
  Type resultElement = getElementTypeOrSelf(op.getResult().getType());
  Value value = epilogue ? epilogue(k.builder(), k.location(), tile) : k.convert(tile.sums, resultElement);
  if (value)
    k.store(value, k.address(resultElement, function.buffers[buffers.result], offset));
}

FailureOr<EmittedKernel> DynamicContract::emit(StringRef name) {
  constexpr int64_t block = 16; // indices of the first axis that one chunk has
  OpBuilder &b = k.builder();
  kernel.name = name.str();
  if (failed(nameExtents()))
    return failure();
  function = openKernel(b, k.location(), name, buffers.count);
  collectAxes();
  ChunkCount chunks;
  Value lower = k.constant(0), upper = k.constant(1);
  if (!axes.empty()) {
    lower = k.mul(function.chunk, block);
    upper = k.min(k.add(lower, block), axes.front().count);
    chunks.block = block;
    if (axes.front().extent.isDynamic())
      chunks.extent = llvm::find(kernel.extents, axes.front().extent.symbol) - kernel.extents.begin();
    else
      chunks.fixed = (axes.front().extent.size + block - 1) / block;
  }
  walk(0, lower, upper);
  func::ReturnOp::create(b, k.location());
  b.setInsertionPointAfter(function.function);
  kernel.phases.push_back({function.function, chunks});
  return kernel;
}

FailureOr<EmittedKernel> xfer::cpu::emitDynamicContract(OpBuilder &builder, nn::ContractOp op, StringRef name,
                                                        const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                                        const TargetDescription &target) {
  return DynamicContract(builder, op, buffers, epilogue, target).emit(name);
}
