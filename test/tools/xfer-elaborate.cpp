//===- xfer-elaborate.cpp - prints what a program elaborates to, for tests ---------------------------------------------===//
//
// xfer-elaborate FILE [--quiet] [NAME=VALUE ..]: parses, checks, elaborates and verifies; the module goes to stdout, what is
// found to stderr. NAME=VALUE sets a `const`. Exit status 1 after errors, 3 where the verifier finds a fault of ours.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Tools/ProgramSources.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  if (argc < 2) {
    llvm::errs() << "usage: xfer-elaborate FILE [--quiet] [NAME=VALUE ..]\n";
    return 2;
  }
  xfer::ElaborateOptions options;
  options.programName = "test";
  bool quiet = false;
  for (int i = 2; i < argc; ++i) {
    auto [name, value] = llvm::StringRef(argv[i]).split('=');
    if (name == "--quiet")
      quiet = true;
    else
      options.constants[name.str()] = value.str();
  }
  xfer::dsl::SourceManager sources;
  xfer::dsl::Diagnostics diagnostics;
  xfer::ProgramSources loader(sources, diagnostics);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  int status = 0;
  const xfer::dsl::File *file = loader.open(argv[1]);
  if (file && !diagnostics.hasErrors()) {
    mlir::OwningOpRef<mlir::ModuleOp> module =
        xfer::elaborate(context, sources, *file, loader, options, diagnostics);
    if (module && failed(mlir::verify(*module)))
      status = 3;
    if (module && !quiet)
      module->print(llvm::outs());
  }
  diagnostics.finish();
  xfer::dsl::printText(llvm::errs(), sources, diagnostics);
  return diagnostics.hasErrors() ? 1 : status;
}
