//===- Inference.cpp - rules for shapes that operations share ---------------------------------------------------===//

#include "compiler/Dialect/NN/IR/Inference.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace xfer::nn;

LogicalResult shape::sameAsFirst(ValueRange operands, std::optional<Location>, Results &results) {
  TensorInfo info = TensorInfo::of(operands.front().getType());
  results.push_back({info.element, info.extents, {}});
  return success();
}

LogicalResult shape::allEqual(ValueRange operands, std::optional<Location> location, Results &results) {
  TensorInfo first = TensorInfo::of(operands.front().getType());
  for (Value operand : operands.drop_front()) {
    TensorInfo other = TensorInfo::of(operand.getType());
    if (first.rank() != other.rank() || !compatible(withElement(first.type(), other.element), other.type()))
      return emitOptionalError(location, "(C1) extents differ: ", toString(first.extents), " and ",
                               toString(other.extents));
    if (first.element != other.element)
      return emitOptionalError(location, "(C2) element types differ: ", first.element, " and ", other.element);
    for (auto [mine, its] : llvm::zip(first.extents, other.extents))
      if (mine.symbol.empty())
        mine.symbol = its.symbol;
  }
  results.push_back({first.element, first.extents, {}});
  return success();
}

DerivativeKind xfer::nn::detail::floatDerivative(Operation *op, unsigned index, DerivativeKind kind) {
  if (!isFloat(op->getOperand(index).getType()) || llvm::none_of(op->getResultTypes(), isFloat))
    return DerivativeKind::None;
  return kind;
}
