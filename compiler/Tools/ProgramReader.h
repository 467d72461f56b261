//===- ProgramReader.h - a program from its text to the stage `xfer` ----------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_PROGRAMREADER_H
#define XFER_COMPILER_TOOLS_PROGRAMREADER_H

#include "compiler/Tools/CompilerSession.h"
#include "compiler/Tools/Driver.h"
#include "compiler/Tools/ProgramSources.h"
#include "compiler/Weights/LoadFiles.h"
#include "mlir/IR/Diagnostics.h"

namespace xfer {

/// Text, library, elaboration and weight files, and whatever there is to say of them: all of `xferc check`, and how the
/// other commands begin.
class ProgramReader {
public:
  ProgramReader(const DriverOptions &options, CompilerSession &session);

  /// Reads the program up to the stage `xfer`; false after mistakes, which are printed. `takeFiles`: the weight files
  /// that are there become a part of it, and those that are missing are warned of.
  bool load(bool takeFiles);
  std::vector<std::string> filesRead() const;

protected:
  bool isIR() const { return llvm::StringRef(options.input).ends_with(".mlir"); }
  bool parse();
  bool finishDiagnostics();

  const DriverOptions &options;
  mlir::MLIRContext &context;
  dsl::SourceManager &sources;
  dsl::Diagnostics diagnostics;
  ProgramSources files;
  LoadFiles loads;
  const dsl::File *program = nullptr;
  bool anyBatch = false; // each export is wanted for any number of samples, too
  mlir::OwningOpRef<mlir::ModuleOp> module;

private:
  dsl::SourceRange rangeOf(mlir::Location location) const;
  bool lookAtLoads(bool take);
  void collectImports(const dsl::File &file, std::vector<const dsl::File *> &imported);
  void printCompilerMessage(mlir::Diagnostic &diagnostic);

  mlir::ScopedDiagnosticHandler printer;
};

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_PROGRAMREADER_H
