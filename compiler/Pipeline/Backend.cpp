//===- Backend.cpp - functions of kernels to machine code ---------------------------------------------------------===//

#include "compiler/Pipeline/Backend.h"
#include "compiler/Codegen/LowerFunction.h"
#include "compiler/Codegen/LowerToLLVM.h"
#include "compiler/Target/ObjectFile.h"
#include "compiler/Target/ProgramObject.h"
#include "llvm/Support/Threading.h"

using namespace mlir;

namespace xfer {

LogicalResult Backend::plan() {
  for (auto function : module.getOps<func::FuncOp>()) {
    FailureOr<FunctionPlan> planned = FunctionPlan::create(function, constants, options.reuse);
    if (failed(planned))
      return failure();
    plans.push_back(std::move(*planned));
    function.walk([&](nn::KernelOp kernel) {
      if (kernel.getKind() != nn::KernelKind::Library)
        kernels.add(kernel);
    });
  }
  unsigned cores = llvm::hardware_concurrency().compute_thread_count();
  auto emitted = kernels.emit(cores, options.target, options.emitter);
  if (failed(emitted))
    return failure();
  modules.push_back(ModuleOp::create(module.getLoc()));
  for (OwningOpRef<ModuleOp> &part : *emitted)
    modules.push_back(std::move(part));
  for (FunctionPlan &plan : plans) {
    scratch.push_back(reserveScratch(plan, kernels));
    plan.layout();
  }
  peaks = findStagePeaks(module, plans);
  if (failed(checkMemoryLimits(peaks)))
    return failure();
  manifest = writeManifest(module, {options.hash, options.build, options.target, options.weightsBeside}, plans, peaks,
                           constants);
  return success();
}

void Backend::printPlans(llvm::raw_ostream &os) const {
  for (const FunctionPlan &plan : plans)
    plan.print(os);
  for (const StagePeak &peak : peaks)
    peak.print(os);
}

void Backend::lowerFunctions() {
  OpBuilder builder = OpBuilder::atBlockEnd(modules.front()->getBody());
  for (auto [plan, buffers] : llvm::zip_equal(plans, scratch))
    lowerFunction(builder, plan, kernels, buffers);
}

void Backend::printModules(llvm::raw_ostream &os) {
  for (OwningOpRef<ModuleOp> &part : modules)
    os << **part << "\n";
}

llvm::Expected<SmallVector<char, 0>> Backend::compileModule(size_t number, Output output) {
  ModuleOp part = *modules[number];
  if (failed(lowerToLLVM(part)))
    return llvm::createStringError("a kernel could not be lowered");
  llvm::LLVMContext context;
  llvm::Expected<std::unique_ptr<llvm::Module>> code = translateToLLVMIR(part, context, options.target);
  if (!code)
    return code.takeError();
  if (number == 0) {
    std::vector<std::string> names;
    for (FunctionPlan &plan : plans)
      names.push_back(getObjectName(plan.getFunction()));
    addProgram(**code, names, manifest, constants.bytes(), options.weightsBeside);
  }
  if (llvm::Error error = optimize(**code, options.target))
    return error;
  if (output != Output::IR)
    return emitMachineCode(**code, options.target,
                           output == Output::Object ? MachineCode::Object : MachineCode::Assembly);
  SmallVector<char, 0> text;
  llvm::raw_svector_ostream(text) << **code;
  return text;
}

llvm::Expected<std::vector<SmallVector<char, 0>>> Backend::compile(Output output) {
  std::vector<SmallVector<char, 0>> results(modules.size());
  MLIRContext *context = module.getContext();
  context->enterMultiThreadedExecution();
  llvm::Error error = forEachInParallel(modules.size(), [&](size_t number) -> llvm::Error {
    llvm::Expected<SmallVector<char, 0>> result = compileModule(number, output);
    if (!result)
      return result.takeError();
    results[number] = std::move(*result);
    return llvm::Error::success();
  });
  context->exitMultiThreadedExecution();
  if (error)
    return error;
  return results;
}

} // namespace xfer
