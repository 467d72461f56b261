//===- Evaluate.cpp - tensors, functions and regions ------------------------------------------------------------===//

#include "Evaluator.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/bit.h"
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
  SmallVector<int64_t> shape;
  for (const nn::Extent &extent : nn::extentsOf(type)) {
    shape.push_back(extent.isDynamic() ? 0 : extent.size);
    int64_t number;
    for (StringRef term : extent.isDynamic() ? extent.terms() : llvm::SmallVector<StringRef, 2>())
      shape.back() += term.getAsInteger(10, number) ? 3 : number;
  }
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
    if (!extent.isDynamic()) {
      shape.push_back(extent.size);
      continue;
    }
    int64_t size = 0;
    for (StringRef term : extent.terms()) {
      auto found = symbols.find(term.str());
      int64_t number;
      if (term.getAsInteger(10, number))
        number = found == symbols.end() ? -1 : found->second;
      size = size < 0 || number < 0 ? -1 : size + number;
    }
    shape.push_back(size);
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

/// Operations that add up: the error of a sum is in proportion to its terms, not to their sum.
static bool isSum(Operation *op) {
  auto reduce = dyn_cast<nn::ReduceOp>(op);
  return (reduce && reduce.getKind() == nn::ReduceKind::Sum) ||
         isa<nn::CumsumOp, nn::ContractOp, nn::ConvOp, nn::ConvInputGradientOp, nn::ConvFilterGradientOp,
             nn::WindowSumOp, nn::WindowSpreadOp, nn::CholeskyOp, nn::TriangularSolveOp>(op);
}

/// How many terms one element of a sum has. Partial sums are rounded too: the error of a sum in one go grows faster
/// than independent errors of its terms by this factor, but for a constant.
static double termsOf(Operation *op, ArrayRef<HostTensor> in) {
  auto ratio = [](int64_t all, int64_t some) { return double(all) / double(std::max<int64_t>(some, 1)); };
  if (auto contract = dyn_cast<nn::ContractOp>(op)) {
    int64_t terms = 1;
    for (int64_t axis : contract.getLhsContract())
      terms *= in[0].shape[axis];
    return double(terms);
  }
  if (isa<nn::ConvOp, nn::ConvInputGradientOp, nn::ConvFilterGradientOp>(op))
    return ratio(in[1].size(), in[1].shape.back());
  if (auto cumsum = dyn_cast<nn::CumsumOp>(op))
    return double(in[0].shape[cumsum.getAxis()]);
  if (auto reduce = dyn_cast<nn::ReduceOp>(op)) {
    int64_t terms = 1;
    for (int64_t axis : reduce.getAxes())
      terms *= in[0].shape[axis];
    return double(terms);
  }
  return 1;
}

/// Element-wise operations that round. What compares, chooses and moves is exact.
static bool isArithmetic(Operation *op) {
  auto reduce = dyn_cast<nn::ReduceOp>(op);
  return (reduce && reduce.getKind() == nn::ReduceKind::Prod) ||
         isa<nn::AddOp, nn::SubOp, nn::MulOp, nn::DivOp, nn::RemOp, nn::PowOp, nn::ExpOp, nn::LogOp, nn::SqrtOp,
             nn::TanhOp, nn::ErfOp, nn::SinOp, nn::CosOp>(op);
}

void xfer::reference::disturb(HostTensor &tensor, const Options &options, double factor, bool onlyRounded) {
  if (!isa<FloatType>(tensor.element))
    return;
  for (double &value : tensor.values) {
    if (onlyRounded && value == double(float(value)))
      continue;
    uint64_t bits = llvm::bit_cast<uint64_t>(value) ^ (options.noiseSeed * 0x9E3779B97F4A7C15);
    for (unsigned shift : {30, 27}) // Stafford's mix of 64 bits
      bits = (bits ^ (bits >> shift)) * (shift == 30 ? 0xBF58476D1CE4E5B9 : 0x94D049BB133111EB);
    value *= 1 + factor * options.noise * (double((bits ^ (bits >> 31)) >> 11) * 0x1p-52 - 1);
  }
}

/// `x` where derivatives are recorded; nearby, what was recorded and `scale` times the way from there.
HostTensor Evaluator::anchored(Operation *op, const HostTensor &x, double scale) {
  std::vector<HostTensor> &given = options.anchor->given[op];
  if (options.anchor->recording) {
    given.push_back(x);
    return x;
  }
  HostTensor result = given[options.anchor->next[op]++];
  for (auto [value, now] : llvm::zip(result.values, x.values))
    value += scale * (now - value);
  return result;
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
  auto replace = [&](Value value) {
    if (!options.replaced)
      return;
    auto found = options.replaced->find(keyOf(value));
    if (found != options.replaced->end())
      values[value] = found->second;
  };
  llvm::for_each(block.getArguments(), replace);
  for (Operation &op : block) {
    Tensors in;
    for (Value operand : op.getOperands())
      in.push_back(values.at(operand));
    if (op.hasTrait<OpTrait::IsTerminator>())
      return in;
    bool noisy = options.noise != 0, sums = noisy && isSum(&op);
    if (sums)
      disturb(in.front(), options, std::max(1.0, termsOf(&op, in) / 8));
    auto out = evaluateOp(&op, in);
    if (failed(out))
      return failure();
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), *out)) {
      if (noisy && !isSum(&op) && isArithmetic(&op))
        disturb(tensor, options, /*factor=*/1, /*onlyRounded=*/true);
      roundAll(tensor);
      if (failed(bindSymbols(result.getType(), tensor, op.getLoc())))
        return failure();
      values[result] = std::move(tensor);
      replace(result);
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
  if (isa<nn::AllReduceOp>(op))
    return Tensors(in.begin(), in.end()); // the reference is the only replica
  if (options.anchor && isa<nn::StopGradientOp, nn::ScaleGradientOp>(op))
    return Tensors{anchored(op, in[0], isa<nn::ScaleGradientOp>(op) ? in[1].values[0] : 0)};
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
