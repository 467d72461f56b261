//===- Evaluate.cpp - tensors, functions and regions ------------------------------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/APFloat.h"
#include <random>

using namespace mlir;
using namespace xfer;
using namespace xfer::reference;

static int64_t product(ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t extent : shape)
    size *= extent;
  return size;
}

HostTensor::HostTensor(Type element, ArrayRef<int64_t> shape, double fill)
    : element(element), shape(shape.begin(), shape.end()), values(product(shape), fill) {}

static int64_t offsetOf(ArrayRef<int64_t> index, ArrayRef<int64_t> shape) {
  assert(index.size() == shape.size() && "an index has one number for each axis");
  int64_t offset = 0;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    assert(index[axis] >= 0 && index[axis] < shape[axis] && "index out of range");
    offset = offset * shape[axis] + index[axis];
  }
  return offset;
}

double &HostTensor::at(ArrayRef<int64_t> index) { return values[offsetOf(index, shape)]; }
double HostTensor::at(ArrayRef<int64_t> index) const { return values[offsetOf(index, shape)]; }

void xfer::reference::forEachIndex(ArrayRef<int64_t> shape, function_ref<void(ArrayRef<int64_t>)> visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t count = product(shape); count > 0; --count) {
    visit(index);
    for (int64_t axis = int64_t(shape.size()) - 1; axis >= 0 && ++index[axis] == shape[axis]; --axis)
      index[axis] = 0;
  }
}

HostTensor xfer::reference::randomTensor(Type type, uint64_t seed, double low, double high) {
  auto tensorType = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensorType.getShape());
  for (int64_t &extent : shape)
    extent = ShapedType::isDynamic(extent) ? 3 : extent;
  HostTensor tensor(tensorType.getElementType(), shape);
  std::mt19937_64 bits(seed);
  for (double &value : tensor.values) {
    double unit = double(bits() >> 11) * 0x1p-53;
    if (isa<FloatType>(tensor.element))
      value = low + unit * (high - low);
    else
      value = std::floor(unit * (tensor.element.isInteger(1) ? 2 : tensor.element.isUnsignedInteger() ? 256 : 8));
    if (tensor.element.isF32())
      value = float(value);
  }
  return tensor;
}

static double roundTo(double value, Type element, bool doublePrecision) {
  if (auto type = dyn_cast<FloatType>(element)) {
    if (doublePrecision || type.isF64())
      return value;
    if (type.isF32())
      return float(value);
    bool inexact;
    APFloat narrow(value);
    narrow.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
    narrow.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &inexact);
    return narrow.convertToDouble();
  }
  if (element.isInteger(1))
    return value != 0;
  if (element.isUnsignedInteger(8))
    return uint8_t(int64_t(value));
  return element.isInteger(32) ? double(int32_t(int64_t(value))) : value;
}

void Evaluator::roundAll(HostTensor &tensor) const {
  for (double &value : tensor.values)
    value = roundTo(value, tensor.element, options.doublePrecision);
}

std::vector<int64_t> Evaluator::resolve(Type type) const {
  std::vector<int64_t> shape;
  for (const nn::Extent &extent : nn::extentsOf(type)) {
    auto found = symbols.find(extent.symbol);
    shape.push_back(!extent.isDynamic() ? extent.size : found == symbols.end() ? -1 : found->second);
  }
  return shape;
}

LogicalResult Evaluator::bindSymbols(Type type, const HostTensor &tensor, Location location) {
  nn::Extents extents = nn::extentsOf(type);
  if (tensor.element != cast<RankedTensorType>(type).getElementType() || extents.size() != tensor.shape.size())
    return emitError(location, "input does not fit ") << type;
  for (auto [extent, size] : llvm::zip(extents, tensor.shape)) {
    bool named = extent.isDynamic() && !extent.symbol.empty();
    if (named ? symbols.insert({extent.symbol, size}).first->second != size
              : !extent.isDynamic() && extent.size != size)
      return emitError(location, "an input extent is ") << size << ", expected " << type;
  }
  return success();
}

FailureOr<Tensors> Evaluator::run(Block &block, ArrayRef<HostTensor> arguments) {
  if (arguments.size() != block.getNumArguments())
    return emitError(block.getParentOp()->getLoc(), "expected ") << block.getNumArguments() << " inputs";
  DenseMap<Value, HostTensor> values;
  for (auto [argument, tensor] : llvm::zip(block.getArguments(), arguments)) {
    if (failed(bindSymbols(argument.getType(), tensor, argument.getLoc())))
      return failure();
    values[argument] = tensor;
  }
  for (Operation &op : block) {
    Tensors in;
    for (Value operand : op.getOperands())
      in.push_back(values.at(operand));
    if (op.hasTrait<OpTrait::IsTerminator>())
      return in;
    auto out = evaluateOp(&op, in);
    if (failed(out))
      return failure();
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), *out)) {
      roundAll(tensor);
      if (failed(bindSymbols(result.getType(), tensor, op.getLoc())))
        return failure();
      values[result] = tensor;
    }
  }
  return Tensors();
}

FailureOr<Tensors> Evaluator::evaluateOp(Operation *op, ArrayRef<HostTensor> in) {
  if (auto loop = dyn_cast<nn::LoopOp>(op))
    return runLoop(loop, in);
  if (auto each = dyn_cast<nn::EachOp>(op))
    return runEach(each, in);
  if (isa<nn::KernelOp, nn::CustomOp>(op))
    return run(op->getRegion(0).front(), in);
  std::vector<int64_t> shape = resolve(op->getResult(0).getType());
  for (auto &found : {elementwise(op, in), structural(op, in, shape), reduction(op, in), contraction(op, in, shape),
                      linearAlgebra(op, in)})
    if (found)
      return *found;
  return op->emitError("the reference cannot evaluate '") << op->getName() << "'";
}

/// Element `index` along the first axis.
static HostTensor element(const HostTensor &tensor, int64_t index) {
  HostTensor result(tensor.element, ArrayRef(tensor.shape).drop_front());
  std::copy_n(tensor.values.begin() + index * result.size(), result.size(), result.values.begin());
  return result;
}

static void setElement(HostTensor &tensor, int64_t index, const HostTensor &value) {
  std::copy(value.values.begin(), value.values.end(), tensor.values.begin() + index * value.size());
}

FailureOr<Tensors> Evaluator::runLoop(nn::LoopOp op, ArrayRef<HostTensor> in) {
  size_t carries = op.getCarryCount(), scanned = op.getScanned().size();
  Tensors results(in.begin(), in.begin() + carries);
  for (unsigned i = carries; i < op.getNumResults(); ++i) {
    Type type = op.getResult(i).getType();
    results.push_back(HostTensor(cast<RankedTensorType>(type).getElementType(), resolve(type)));
  }
  for (int64_t step = 0; step < int64_t(op.getCount()); ++step) {
    Tensors arguments = {HostTensor(IntegerType::get(op.getContext(), 32), {}, double(step))};
    arguments.insert(arguments.end(), results.begin(), results.begin() + carries);
    for (size_t i = 0; i < scanned; ++i)
      arguments.push_back(element(in[carries + i], step));
    arguments.insert(arguments.end(), in.begin() + carries + scanned, in.end());
    auto values = run(op.getBody().front(), arguments);
    if (failed(values))
      return failure();
    if (op.getConditional() && values->back().values[0] == 0)
      break;
    for (size_t i = 0; i < results.size(); ++i)
      i < carries ? (void)(results[i] = (*values)[i]) : setElement(results[i], step, (*values)[i]);
  }
  return results;
}

FailureOr<Tensors> Evaluator::runEach(nn::EachOp op, ArrayRef<HostTensor> in) {
  size_t mapped = op.getMapped().size();
  int64_t count = in[0].shape[0];
  Tensors results;
  for (int64_t sample = 0; sample < count; ++sample) {
    Tensors arguments;
    for (size_t i = 0; i < in.size(); ++i)
      arguments.push_back(i < mapped ? element(in[i], sample) : in[i]);
    auto values = run(op.getBody().front(), arguments);
    if (failed(values))
      return failure();
    for (size_t i = 0; i < values->size(); ++i) {
      if (sample == 0) {
        std::vector<int64_t> shape = {count};
        shape.insert(shape.end(), (*values)[i].shape.begin(), (*values)[i].shape.end());
        results.push_back(HostTensor((*values)[i].element, shape));
      }
      setElement(results[i], sample, (*values)[i]);
    }
  }
  if (count == 0)
    for (Type type : op.getResultTypes())
      results.push_back(HostTensor(cast<RankedTensorType>(type).getElementType(), resolve(type)));
  return results;
}

FailureOr<std::vector<HostTensor>> xfer::reference::evaluate(func::FuncOp function, ArrayRef<HostTensor> inputs,
                                                             Options options) {
  return Evaluator(options).run(function.getBody().front(), inputs);
}
