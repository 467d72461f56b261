//===- Dialect.cpp - registration of the nn dialect -------------------------------------------------------------===//

#include "compiler/Dialect/NN/IR/NN.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace xfer::nn;

#include "compiler/Dialect/NN/IR/NNDialect.cpp.inc"
#include "compiler/Dialect/NN/IR/NNEnums.cpp.inc"
#include "compiler/Dialect/NN/IR/NNInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "compiler/Dialect/NN/IR/NNAttributes.cpp.inc"

void NNDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "compiler/Dialect/NN/IR/NNAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "compiler/Dialect/NN/IR/NNOps.cpp.inc"
      >();
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location location) {
  auto elements = dyn_cast<ElementsAttr>(value);
  return elements ? ConstantOp::create(builder, location, type, elements) : nullptr;
}

/// One type when all are equal, else a function type: `tensor<4xf32>` or `(tensor<..>, tensor<..>) -> tensor<..>`.
static ParseResult parseSame(OpAsmParser &parser, ArrayRef<Type *> operands, Type &result) {
  Type type;
  SMLoc location = parser.getCurrentLocation();
  if (failed(parser.parseType(type)))
    return failure();
  auto function = dyn_cast<FunctionType>(type);
  if (!function) {
    result = type;
    for (Type *operand : operands)
      *operand = type;
    return success();
  }
  if (function.getNumInputs() != operands.size() || function.getNumResults() != 1)
    return parser.emitError(location, "expected ") << operands.size() << " operand types and one result type";
  for (auto [operand, input] : llvm::zip(operands, function.getInputs()))
    *operand = input;
  result = function.getResult(0);
  return success();
}

static void printSame(OpAsmPrinter &printer, ArrayRef<Type> operands, Type result) {
  if (llvm::all_of(operands, [&](Type type) { return type == result; }))
    printer << result;
  else
    printer.printFunctionalType(operands, TypeRange(result));
}

static ParseResult parseSameTypes(OpAsmParser &parser, Type &x, Type &result) {
  return parseSame(parser, {&x}, result);
}
static void printSameTypes(OpAsmPrinter &printer, Operation *, Type x, Type result) { printSame(printer, {x}, result); }
static ParseResult parseSameTypes(OpAsmParser &parser, Type &a, Type &b, Type &result) {
  return parseSame(parser, {&a, &b}, result);
}
static void printSameTypes(OpAsmPrinter &printer, Operation *, Type a, Type b, Type result) {
  printSame(printer, {a, b}, result);
}

#define GET_OP_CLASSES
#include "compiler/Dialect/NN/IR/NNOps.cpp.inc"
