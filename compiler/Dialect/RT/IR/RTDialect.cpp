//===- RTDialect.cpp - the dialect of runtime calls ---------------------------------------------------------------===//

#include "compiler/Dialect/RT/IR/RT.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;
using namespace xfer::rtir;

#include "compiler/Dialect/RT/IR/RTDialect.cpp.inc"

#define GET_OP_CLASSES
#include "compiler/Dialect/RT/IR/RTOps.cpp.inc"

void RTDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/Dialect/RT/IR/RTOps.cpp.inc"
      >();
}

FunctionType xfer::rtir::getProgramFunctionType(MLIRContext *context) {
  Type address = LLVM::LLVMPointerType::get(context);
  return FunctionType::get(context, {address, IntegerType::get(context, 16), address, address, address},
                           {IntegerType::get(context, 32)});
}

FunctionType xfer::rtir::getKernelFunctionType(MLIRContext *context) {
  Type address = LLVM::LLVMPointerType::get(context);
  return FunctionType::get(context, {address, IntegerType::get(context, 64), address}, {});
}
