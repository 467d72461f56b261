#include "compiler/Target/ObjectFile.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "gtest/gtest.h"

using namespace xfer;

// A product and a sum become one operation where the emitter says so, and nowhere else.
TEST(ObjectFile, FusesNothingByItself) {
  initializeTargets();
  mlir::DialectRegistry registry;
  registerLowering(registry);
  mlir::MLIRContext context(registry);
  loadLowering(context);
  auto assemblyOf = [&](const char *text) {
    mlir::OwningOpRef<mlir::ModuleOp> module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    TargetDescription target = llvm::cantFail(TargetDescription::get("x86-64-v3"));
    llvm::LLVMContext llvmContext;
    auto code = llvm::cantFail(translateToLLVMIR(*module, llvmContext, target));
    llvm::cantFail(optimize(*code, target));
    auto assembly = llvm::cantFail(emitMachineCode(*code, target, MachineCode::Assembly));
    return std::string(assembly.begin(), assembly.end());
  };
  std::string apart =
      assemblyOf("llvm.func @f(%a: f32, %b: f32, %c: f32) -> f32 {\n"
                 "  %p = llvm.fmul %a, %b : f32\n  %s = llvm.fadd %p, %c : f32\n  llvm.return %s : f32\n}");
  EXPECT_NE(apart.find("vmulss"), std::string::npos);
  EXPECT_EQ(apart.find("vfmadd"), std::string::npos);
  std::string formed =
      assemblyOf("llvm.func @f(%a: f32, %b: f32, %c: f32) -> f32 {\n"
                 "  %s = llvm.intr.fma(%a, %b, %c) : (f32, f32, f32) -> f32\n  llvm.return %s : f32\n}");
  EXPECT_NE(formed.find("vfmadd"), std::string::npos);
}
