//===- Program.cpp - a program compiled into this process -------------------------------------------------------===//

#include "Program.h"
#include "compiler/Elaborate/Elaborate.h"
#include "compiler/Tools/ProgramSources.h"
#include "dsl/Sema/Sema.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace xfer::generated {

OwningOpRef<ModuleOp> readProgram(MLIRContext &context, llvm::StringRef path) {
  dsl::SourceManager sources;
  dsl::Diagnostics diagnostics;
  LibrarySources library(sources);
  ProgramSources files(sources, library, diagnostics);
  OwningOpRef<ModuleOp> module;
  if (const dsl::File *program = files.open(path); program && !diagnostics.hasErrors()) {
    dsl::checkFile(*program, {}, diagnostics);
    diagnostics.settle();
    module = elaborate(context, sources, *program, files, {llvm::sys::path::stem(path).str(), {}}, diagnostics);
  }
  diagnostics.finish();
  if (!diagnostics.hasErrors())
    return module;
  dsl::printText(llvm::errs(), sources, diagnostics);
  return nullptr;
}

llvm::Expected<LoadedProgram> LoadedProgram::compile(ModuleOp module, const CompileOptions &options) {
  std::string hash = hashProgram(module, options);
  if (failed(transformProgram(module, options, Stage::Schedule)))
    return llvm::createStringError("the passes failed");
  Backend backend(module, getBackendOptions(options, hash));
  if (failed(backend.plan()))
    return llvm::createStringError("the back end failed");
  backend.lowerFunctions();
  auto objects = backend.compile(Backend::Output::Object);
  if (!objects)
    return objects.takeError();

  LoadedProgram loaded;
  auto loader = llvm::orc::LLJITBuilder().create();
  if (!loader)
    return loader.takeError();
  loaded.loader = std::move(*loader);
  llvm::orc::SymbolMap entries;
#define XFER_ENTRY(result, name, parameters)                                                                           \
  entries[loaded.loader->mangleAndIntern(#name)] = {llvm::orc::ExecutorAddr::fromPtr(&name),                           \
                                                    llvm::JITSymbolFlags::Exported};
#include "xfer/rt/entries.def"
  if (llvm::Error error = loaded.loader->getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(entries))))
    return error;
  for (auto [index, object] : llvm::enumerate(*objects)) {
    std::string name = "program" + std::to_string(index) + ".o"; // what a sanitizer adds is named after it
    auto bytes = llvm::MemoryBuffer::getMemBufferCopy({object.data(), object.size()}, name);
    if (llvm::Error error = loaded.loader->addObjectFile(std::move(bytes)))
      return error;
  }
  auto address = loaded.loader->lookup("xfer_program");
  if (!address)
    return address.takeError();
  loaded.program = address->toPtr<const xfer_program_t *>();
  return loaded;
}

} // namespace xfer::generated
