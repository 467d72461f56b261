//===- ObjectFile.cpp - LLVM dialect to machine code --------------------------------------------------------------===//

#include "compiler/Target/ObjectFile.h"
#include "compiler/Target/Instrument.h"
#include "compiler/Target/RunPasses.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

using namespace llvm;

namespace xfer {

// What this compiler is built for.
#ifdef XFER_SANITIZER
constexpr Sanitizer sanitizer = Sanitizer::XFER_SANITIZER;
#else
constexpr Sanitizer sanitizer = Sanitizer::None;
#endif

void initializeTargets() {
  InitializeAllTargetInfos();
  InitializeAllTargets();
  InitializeAllTargetMCs();
  InitializeAllAsmPrinters();
}

static Expected<std::unique_ptr<TargetMachine>> createMachine(const TargetDescription &target) {
  std::string message;
  Triple triple(target.triple);
  const Target *backend = TargetRegistry::lookupTarget(triple, message);
  if (!backend)
    return createStringError(inconvertibleErrorCode(), message);
  TargetOptions options;
  // Multiply-adds are formed by the emitters, so that an element's value does not depend on the code around it.
  options.AllowFPOpFusion = FPOpFusion::Standard;
  options.MCOptions.AsmVerbose = true; // assembly names spills
  options.FunctionSections = true;
  options.DataSections = true;
  std::unique_ptr<TargetMachine> machine(backend->createTargetMachine(
      triple, target.cpu, target.features, options, Reloc::PIC_, CodeModel::Small, CodeGenOptLevel::Default));
  if (!machine)
    return createStringError(inconvertibleErrorCode(), "LLVM has no back end for '%s'", target.triple.c_str());
  return machine;
}

Expected<std::unique_ptr<Module>> translateToLLVMIR(mlir::ModuleOp module, LLVMContext &context,
                                                    const TargetDescription &target) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  std::unique_ptr<Module> result = mlir::translateModuleToLLVMIR(module, context, "xfer");
  if (!result)
    return createStringError(inconvertibleErrorCode(), "the code could not be translated to LLVM IR");
  result->setTargetTriple(Triple(target.triple));
  result->setDataLayout((*machine)->createDataLayout());
  for (Function &function : *result) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.cpu);
    if (!target.features.empty())
      function.addFnAttr("target-features", target.features);
    if (target.vectorBits >= 512)
      function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(Attribute::NoUnwind);
  }
  return result;
}

Error optimize(Module &module, const TargetDescription &target) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopUnrolling = false;
  tuning.LoopInterleaving = false;
  PassBuilder builder(machine->get(), tuning);
  runPasses(builder, builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2), module);
  return Error::success();
}

Expected<SmallVector<char, 0>> emitMachineCode(Module &module, const TargetDescription &target, MachineCode kind) {
  Expected<std::unique_ptr<TargetMachine>> machine = createMachine(target);
  if (!machine)
    return machine.takeError();
  if (kind == MachineCode::Object)
    instrument(module, sanitizer);
  SmallVector<char, 0> bytes;
  raw_svector_ostream stream(bytes);
  legacy::PassManager passes;
  CodeGenFileType type = kind == MachineCode::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if ((*machine)->addPassesToEmitFile(passes, stream, nullptr, type))
    return createStringError(inconvertibleErrorCode(), "LLVM cannot write objects for '%s'", target.triple.c_str());
  passes.run(module);
  return bytes;
}

Error forEachInParallel(size_t count, function_ref<Error(size_t)> work) {
  std::vector<std::string> messages(count);
  auto run = [&](size_t index) {
    if (Error error = work(index))
      messages[index] = toString(std::move(error));
  };
  if (count == 1) {
    run(0);
  } else {
    DefaultThreadPool pool(hardware_concurrency());
    for (size_t index = 0; index != count; ++index)
      pool.async([&run, index] { run(index); });
    pool.wait();
  }
  for (const std::string &message : messages)
    if (!message.empty())
      return createStringError(inconvertibleErrorCode(), message);
  return Error::success();
}

} // namespace xfer
