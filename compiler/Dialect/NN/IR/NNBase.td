//===- NNBase.td - base classes and type constraints of the nn operations ---------------------------------------===//
#ifndef XFER_NN_BASE_TD
#define XFER_NN_BASE_TD

include "compiler/Dialect/NN/IR/NNDialect.td"
include "compiler/Dialect/NN/IR/NNInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

defvar NN_Floats = [F32, BF16, F64];
defvar NN_Integers = [I32, I64];
def NN_Float : RankedTensorOf<NN_Floats>;
def NN_Integer : RankedTensorOf<NN_Integers>;
def NN_Number : RankedTensorOf<!listconcat(NN_Floats, NN_Integers)>;
def NN_Bool : RankedTensorOf<[I1]>;
def NN_Tensor : RankedTensorOf<!listconcat(NN_Floats, NN_Integers, [I1, UI8])>;

// An operation of the dialect. `derivative` is the answer for every operand of a floating-point type; an operation
// whose operands differ sets it to "" and defines getDerivativeKind itself.
class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat([Pure, NNOpInterface], traits)> {
  string derivative = "Some";
  string inference = "";  // C++ declarations of the shape and meaning rules
  string own = "";        // C++ declarations of the operation itself
  let extraClassDeclaration = inference # !if(!empty(derivative),
    "::xfer::nn::DerivativeKind getDerivativeKind(unsigned index);",
    "::xfer::nn::DerivativeKind getDerivativeKind(unsigned index) { return ::xfer::nn::detail::floatDerivative("
    # "getOperation(), index, ::xfer::nn::DerivativeKind::" # derivative # "); }\n") # own;
}

// An operation whose result types follow from operands and attributes. `shapeRule` and `meaningRule` name functions
// of the namespaces `shape` and `meaning` (Inference.h); an empty name means a rule of the operation's own:
//   static LogicalResult inferShape(Adaptor, std::optional<Location>, SmallVectorImpl<TensorInfo> &results);
//   static void inferMeaning(Adaptor, MutableArrayRef<TensorInfo> results);
class NN_InferredOp<string mnemonic, list<Trait> traits = []>
    : NN_Op<mnemonic, !listconcat([InferTypeOpInterface], traits)> {
  string shapeRule = "";
  string meaningRule = "dropTag";
  let inference = [{
    static ::llvm::LogicalResult inferShape(Adaptor op, ::std::optional<::mlir::Location> location,
                                            ::llvm::SmallVectorImpl<::xfer::nn::TensorInfo> &results)
  }] # !if(!empty(shapeRule), ";",
    "{ return ::xfer::nn::shape::" # shapeRule # "(op.getOperands(), location, results); }") # [{
    static void inferMeaning(Adaptor op, ::llvm::MutableArrayRef<::xfer::nn::TensorInfo> results)
  }] # !if(!empty(meaningRule), ";",
    "{ ::xfer::nn::meaning::" # meaningRule # "(op.getOperands(), results); }") # [{
    static ::llvm::LogicalResult inferReturnTypes(
        ::mlir::MLIRContext *context, ::std::optional<::mlir::Location> location, ::mlir::ValueRange operands,
        ::mlir::DictionaryAttr attributes, ::mlir::OpaqueProperties properties, ::mlir::RegionRange regions,
        ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::xfer::nn::detail::inferTypes<Adaptor>(Adaptor(operands, attributes, properties, regions), context,
                                                     location, inferShape, inferMeaning, types);
    }
    static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
      return ::xfer::nn::compatible(inferred, actual);
    }
  }];
}

#endif // XFER_NN_BASE_TD
