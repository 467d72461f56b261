//===- xfer-opt.cpp - runs passes on IR, for tests ---------------------------------------------------------------===//

#include "compiler/AutoDiff/Passes.h"
#include "compiler/BindingTime/Passes.h"
#include "compiler/Codegen/CPU/Passes.h"
#include "compiler/Dialect/NN/IR/NN.h"
#include "compiler/Dialect/NN/Transforms/Passes.h"
#include "compiler/Dialect/RT/IR/RT.h"
#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Fusion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<xfer::nn::NNDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect, xfer::pipeline::XferDialect, xfer::rtir::RTDialect>();
  mlir::registerTransformsPasses();
  xfer::registerBindingTimePasses();
  xfer::registerFusionPasses();
  xfer::registerCodegenCPUPasses();
  xfer::registerXferNNPasses();
  xfer::registerXferAutoDiffPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Xfer's optimizer driver\n", registry));
}
