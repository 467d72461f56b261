//===- NN.h - the nn dialect ------------------------------------------------------------------------------------===//
//
// Everything that other rooms need of the dialect: its operations, the meaning of tensors (Meaning.h), and checked
// creation. `Op::create(builder, location, ...)` infers the result types and ends the program where a constraint does
// not hold; `createChecked` reports it at the location instead.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_DIALECT_NN_IR_NN_H
#define XFER_COMPILER_DIALECT_NN_IR_NN_H

#include "compiler/Dialect/NN/IR/Inference.h"
#include "compiler/Dialect/NN/IR/Meaning.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace xfer::nn {
class YieldOp;

/// The arguments of a loop's body, by what they are.
struct LoopArguments {
  mlir::Value index;
  mlir::ValueRange carries, scanned, invariants;
};

/// Each element of a result depends on the elements of the operands at its own place only.
template <typename Op> class PerElement : public mlir::OpTrait::TraitBase<Op, PerElement> {};
} // namespace xfer::nn

#include "compiler/Dialect/NN/IR/NNDialect.h.inc"
#include "compiler/Dialect/NN/IR/NNInterfaces.h.inc"

#define GET_OP_CLASSES
#include "compiler/Dialect/NN/IR/NNOps.h.inc"

namespace xfer::nn {

/// Creates an operation whose types are inferred; an error at `location` and failure where a constraint does not hold.
template <typename OpTy>
llvm::FailureOr<OpTy> createChecked(mlir::OpBuilder &builder, mlir::Location location, mlir::ValueRange operands,
                                    llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
  mlir::OperationState state(location, OpTy::getOperationName(), operands, mlir::TypeRange(), attributes);
  typename OpTy::Properties properties;
  mlir::OpaqueProperties opaque = nullptr;
  if constexpr (!std::is_same_v<typename OpTy::Properties, mlir::EmptyProperties>) {
    auto error = [&] { return mlir::emitError(location); };
    if (failed(OpTy::setPropertiesFromAttr(properties, builder.getDictionaryAttr(attributes), error)))
      return llvm::failure();
    opaque = &properties;
  }
  if (failed(OpTy::inferReturnTypes(builder.getContext(), location, operands, builder.getDictionaryAttr(attributes),
                                    opaque, mlir::RegionRange(), state.types)))
    return llvm::failure();
  return llvm::cast<OpTy>(builder.create(state));
}

/// `value` as an attribute of an element type; integers are truncated to their width.
mlir::TypedAttr numberAttr(mlir::Type element, double value);
/// The number that an attribute of an element type stands for.
double numberOf(mlir::Attribute attribute);
/// A constant scalar, or a tensor of `extents` filled with it (a broadcast of the scalar when an extent is dynamic).
mlir::Value createFilled(mlir::OpBuilder &builder, mlir::Location location, double value, mlir::Type element,
                         llvm::ArrayRef<Extent> extents = {});
/// The same for the extents and the element type of a tensor type.
mlir::Value createFilledLike(mlir::OpBuilder &builder, mlir::Location location, double value, mlir::Type like);
/// The number that every element of `value` is known to be, also through broadcasts.
std::optional<double> filledNumber(mlir::Value value);
/// Is every element of `value` the constant `number`?
bool isFilledWith(mlir::Value value, double number);

} // namespace xfer::nn

#endif // XFER_COMPILER_DIALECT_NN_IR_NN_H
