#include "test/compiler/Codegen/CPU/CompiledKernel.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <cstdlib>
#include <ctime>

using namespace xfer;
using namespace xfer::test;

static void initializeTargets() {
  static bool once = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
    return true;
  }();
  (void)once;
}

static std::unique_ptr<llvm::TargetMachine> targetMachine(const TargetDescription &target) {
  initializeTargets();
  std::string error;
  llvm::Triple triple(target.triple);
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!found)
    return nullptr;
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(triple, target.cpu, target.features, llvm::TargetOptions(), llvm::Reloc::PIC_,
                                 std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

std::unique_ptr<llvm::Module> xfer::test::lowerKernels(mlir::ModuleOp module, const TargetDescription &target,
                                                       llvm::LLVMContext &context) {
  mlir::MLIRContext *mlirContext = module.getContext();
  mlir::registerBuiltinDialectTranslation(*mlirContext);
  mlir::registerLLVMDialectTranslation(*mlirContext);
  mlir::PassManager passes(mlirContext);
  passes.addPass(mlir::createSCFToControlFlowPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::arith::createArithExpandOpsPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createConvertFuncToLLVMPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  if (mlir::failed(passes.run(module)))
    return nullptr;
  std::unique_ptr<llvm::Module> translated = mlir::translateModuleToLLVMIR(module, context);
  std::unique_ptr<llvm::TargetMachine> machine = targetMachine(target);
  if (!translated || !machine)
    return nullptr;
  translated->setTargetTriple(machine->getTargetTriple());
  translated->setDataLayout(machine->createDataLayout());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(*translated, modules);
  return translated;
}

llvm::SmallVector<char, 0> xfer::test::emitFile(llvm::Module &module, const TargetDescription &target, bool assembly) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  std::unique_ptr<llvm::TargetMachine> machine = targetMachine(target);
  if (machine)
    machine->Options.MCOptions.AsmVerbose = true; // names spills
  auto type = assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine && !machine->addPassesToEmitFile(passes, stream, nullptr, type))
    passes.run(module);
  return bytes;
}

llvm::Expected<std::unique_ptr<CompiledKernel>>
CompiledKernel::compile(mlir::ModuleOp module, const EmittedKernel &kernel, const TargetDescription &target) {
  clock_t start = clock();
  auto compiled = std::make_unique<CompiledKernel>();
  std::vector<std::pair<std::string, ChunkCount>> names;
  for (const KernelPhase &phase : kernel.phases) {
    mlir::func::FuncOp function = phase.function;
    names.push_back({function.getSymName().str(), phase.chunks});
  }
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> lowered = lowerKernels(module, target, *context);
  if (!lowered)
    return llvm::createStringError(llvm::inconvertibleErrorCode(), "lowering failed");
  llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(target.triple)};
  machine.setCPU(target.cpu);
  if (!target.features.empty())
    machine.addFeatures(llvm::SubtargetFeatures(target.features).getFeatures());
  machine.setCodeGenOptLevel(llvm::CodeGenOptLevel::Aggressive);
  auto jit = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create();
  if (!jit)
    return jit.takeError();
  compiled->jit = std::move(*jit);
  if (llvm::Error error = compiled->jit->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(lowered), llvm::orc::ThreadSafeContext(std::move(context)))))
    return std::move(error);
  for (auto &[name, chunks] : names) {
    auto address = compiled->jit->lookup(name);
    if (!address)
      return address.takeError();
    compiled->phases.push_back({address->toPtr<Function>(), chunks});
  }
  compiled->compileSeconds = double(clock() - start) / CLOCKS_PER_SEC;
  if (kernel.scratchBytes)
    compiled->scratch.reset(std::aligned_alloc(64, (kernel.scratchBytes + 63) / 64 * 64), std::free);
  return compiled;
}

void CompiledKernel::run(std::vector<void *> buffers, bool backwards, const std::vector<int64_t> &extents) {
  if (scratch)
    buffers.push_back(scratch.get());
  for (auto &[function, count] : phases) {
    int64_t chunks = count.fixed;
    if (count.extent)
      chunks *= (extents[*count.extent] + count.block - 1) / count.block;
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      function(buffers.data(), backwards ? chunks - 1 - chunk : chunk, extents.data());
  }
}
