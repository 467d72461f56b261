#include "compiler/Codegen/CPU/Contraction.h"
#include "compiler/Codegen/CPU/ContractionDynamic.h"
#include "compiler/Codegen/CPU/ContractionKernel.h"
#include "compiler/Dialect/NN/IR/NN.h"

using namespace mlir;
using namespace xfer;
using namespace xfer::cpu;

static ArrayRef<int64_t> shapeOf(Value value) { return cast<RankedTensorType>(value.getType()).getShape(); }

static void append(SmallVectorImpl<int64_t> &to, ArrayRef<int64_t> from) { to.append(from.begin(), from.end()); }

/// The attributes that the three directions share; `x`, `w` and `y` are the image, the filter and the forward result.
template <typename OpTy> static ConvolutionShape convolutionShape(OpTy op, Value x, Value w, Value y) {
  ConvolutionShape shape;
  append(shape.x, shapeOf(x));
  append(shape.w, shapeOf(w));
  append(shape.y, shapeOf(y));
  append(shape.strides, op.getStrides());
  append(shape.low, op.getPaddingLow());
  append(shape.dilations, op.getDilations());
  shape.groups = op.getGroups();
  return shape;
}

FailureOr<ContractionDescription> xfer::cpu::describeContraction(Operation *op) {
  ContractionDescription description;
  for (Type type :
       llvm::concat<const Type>(SmallVector<Type>(op->getOperandTypes()), SmallVector<Type>(op->getResultTypes())))
    if (!cast<RankedTensorType>(type).hasStaticShape())
      return op->emitOpError("has a dynamic extent, which the contraction emitter cannot take");
  description.element = getElementTypeOrSelf(op->getOperand(0).getType());
  description.resultElement = getElementTypeOrSelf(op->getResult(0).getType());
  description.convolution = true;
  description.accumulator = description.element;
  if (isa<FloatType>(description.element) && description.element.getIntOrFloatBitWidth() < 32)
    description.accumulator = Float32Type::get(op->getContext());
  if (auto contract = dyn_cast<nn::ContractOp>(op)) {
    description.convolution = false;
    description.accumulator = contract.getAccumulator();
    description.problems.push_back(contractProblem(shapeOf(contract.getA()), shapeOf(contract.getB()),
                                                   contract.getLhsBatch(), contract.getRhsBatch(),
                                                   contract.getLhsContract(), contract.getRhsContract()));
  } else if (auto conv = dyn_cast<nn::ConvOp>(op)) {
    description.problems.push_back(convProblem(convolutionShape(conv, conv.getX(), conv.getW(), conv.getResult())));
  } else if (auto gradient = dyn_cast<nn::ConvFilterGradientOp>(op)) {
    description.problems.push_back(
        convFilterGradientProblem(convolutionShape(gradient, gradient.getX(), gradient.getResult(), gradient.getDy())));
  } else if (auto gradient = dyn_cast<nn::ConvInputGradientOp>(op)) {
    description.problems =
        convInputGradientProblems(convolutionShape(gradient, gradient.getResult(), gradient.getW(), gradient.getDy()));
  } else {
    return op->emitOpError("is no contraction");
  }
  return description;
}

FailureOr<EmittedKernel> xfer::emitContraction(OpBuilder &builder, Operation *op, StringRef name,
                                               const ContractionBuffers &buffers, const EpilogueFn &epilogue,
                                               DictionaryAttr schedule, const TargetDescription &target) {
  auto isDynamic = [](Type type) { return !cast<RankedTensorType>(type).hasStaticShape(); };
  if (auto contract = dyn_cast<nn::ContractOp>(op);
      contract && (llvm::any_of(op->getOperandTypes(), isDynamic) || isDynamic(contract.getResult().getType())))
    return emitDynamicContract(builder, contract, name, buffers, epilogue, target);
  FailureOr<ContractionDescription> description = describeContraction(op);
  if (failed(description))
    return failure();
  return emitContractionKernel(builder, op->getLoc(), *description, name, buffers, epilogue, schedule, target);
}
