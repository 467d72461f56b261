#include "test/compiler/Codegen/CPU/CompiledKernel.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cstdlib>
#include <ctime>

using namespace xfer;
using namespace xfer::test;

llvm::Expected<llvm::SmallVector<char, 0>>
xfer::test::compileKernels(mlir::ModuleOp module, const TargetDescription &target, MachineCode kind) {
  static bool once = (initializeTargets(), true);
  (void)once;
  mlir::DialectRegistry registry;
  registerLowering(registry);
  module.getContext()->appendDialectRegistry(registry);
  loadLowering(*module.getContext());
  if (mlir::failed(lowerToLLVM(module)))
    return llvm::createStringError("lowering failed");
  llvm::LLVMContext context;
  llvm::Expected<std::unique_ptr<llvm::Module>> code = translateToLLVMIR(module, context, target);
  if (!code)
    return code.takeError();
  // Kernels are called from the test, not from another object of a program.
  for (llvm::Function &function : **code)
    function.setVisibility(llvm::GlobalValue::DefaultVisibility);
  if (llvm::Error error = optimize(**code, target))
    return std::move(error);
  return emitMachineCode(**code, target, kind);
}

llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>> xfer::test::loadKernels(mlir::ModuleOp module,
                                                                          const TargetDescription &target) {
  llvm::Expected<llvm::SmallVector<char, 0>> object = compileKernels(module, target, MachineCode::Object);
  if (!object)
    return object.takeError();
  llvm::orc::JITTargetMachineBuilder machine{llvm::Triple(target.triple)};
  auto jit = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(machine)).create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error =
          (*jit)->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(object->data(), object->size()))))
    return std::move(error);
  return jit;
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
  auto jit = loadKernels(module, target);
  if (!jit)
    return jit.takeError();
  compiled->jit = std::move(*jit);
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
