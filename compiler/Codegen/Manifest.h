//===- Manifest.h - the program as the runtime reads it -----------------------------------------------------------===//
//
// Translates the ops of the xfer dialect into JSON as runtime/include/xfer/rt/MANIFEST.md describes it. Names become
// positions; nothing is decided here.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_CODEGEN_MANIFEST_H
#define XFER_COMPILER_CODEGEN_MANIFEST_H

#include "compiler/Dialect/Xfer/IR/Xfer.h"
#include "compiler/Memory/StagePeak.h"
#include "compiler/Target/TargetDescription.h"
#include <map>

namespace xfer {

/// What is known of a program beside its ops.
struct ProgramFacts {
  std::string hash;                         // of everything that decides what the program computes
  std::map<std::string, std::string> build; // copied into run.json
  TargetDescription target;
  bool weightsBeside = false; // the constants are in a file of their own
};

/// The functions in the order of the table of the program; they are still as they were planned (nn).
std::string writeManifest(mlir::ModuleOp module, const ProgramFacts &facts, llvm::ArrayRef<FunctionPlan> functions,
                          llvm::ArrayRef<StagePeak> peaks, ConstantPool &constants);

} // namespace xfer

#endif // XFER_COMPILER_CODEGEN_MANIFEST_H
