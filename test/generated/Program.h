//===- Program.h - a program compiled into this process ---------------------------------------------------------===//

#ifndef XFER_TEST_GENERATED_PROGRAM_H
#define XFER_TEST_GENERATED_PROGRAM_H

#include "compiler/Pipeline/Pipeline.h"
#include "mlir/IR/OwningOpRef.h"
#include "xfer/rt/abi.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include <memory>

namespace xfer::generated {

/// The program of the file as elaborated; null after mistakes, which are printed.
mlir::OwningOpRef<mlir::ModuleOp> readProgram(mlir::MLIRContext &context, llvm::StringRef path);

/// Objects of a compiled program, loaded. Everything up to the objects is what `xferc build` does.
class LoadedProgram {
public:
  static llvm::Expected<LoadedProgram> compile(mlir::ModuleOp module, const CompileOptions &options);
  const xfer_program_t &get() const { return *program; }

private:
  std::unique_ptr<llvm::orc::LLJIT> loader;
  const xfer_program_t *program = nullptr;
};

} // namespace xfer::generated

#endif // XFER_TEST_GENERATED_PROGRAM_H
