//===- LowerToLLVM.cpp - kernels and step functions in the LLVM dialect -------------------------------------------===//

#include "compiler/Codegen/LowerToLLVM.h"
#include "compiler/Dialect/RT/IR/RT.h"
#include "compiler/Dialect/RT/Transforms/ConvertRTToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/VectorToSCF/VectorToSCF.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace xfer {

static void addPasses(PassManager &passes) {
  // Loops over vectors become branches over registers.
  passes.addPass(createConvertVectorToSCFPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
  passes.addPass(createSCFToControlFlowPass());
  // Mathematics before vectors, because it asks for whole vectors; what LLVM has no instruction for is expanded.
  passes.addNestedPass<func::FuncOp>(arith::createArithExpandOpsPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertIndexToLLVMPass());
  passes.addPass(createUBToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}

LogicalResult lowerToLLVM(ModuleOp module) {
  rtir::convertToLLVM(module);
  PassManager passes(module.getContext());
  addPasses(passes);
  if (failed(passes.run(module)))
    return failure();
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    function.setLinkage(LLVM::Linkage::External);
    if (!function.isExternal())
      function.setVisibility_(LLVM::Visibility::Hidden);
  }
  return success();
}

void registerLowering(DialectRegistry &registry) {
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

void loadLowering(MLIRContext &context) {
  context
      .loadDialect<rtir::RTDialect, func::FuncDialect, scf::SCFDialect, cf::ControlFlowDialect, arith::ArithDialect,
                   math::MathDialect, vector::VectorDialect, index::IndexDialect, ub::UBDialect, LLVM::LLVMDialect>();
  // A pass manager tells the context of the dialects of its passes when it runs, which must not happen in several
  // threads: it is done here.
  PassManager passes(&context);
  addPasses(passes);
  DialectRegistry registry;
  passes.getDependentDialects(registry);
  context.appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    context.getOrLoadDialect(name);
}

} // namespace xfer
