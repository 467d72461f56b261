//===- ProgramObject.h - the symbol that the runtime reads --------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_PROGRAMOBJECT_H
#define XFER_COMPILER_TARGET_PROGRAMOBJECT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"
#include <string>

namespace xfer {

/// Adds `xfer_program` (abi.h) to the module that defines the functions: the table of `functions`, the manifest, and
/// the constants, which its functions refer to as `xfer_constants`. `beside`: room for the constants instead, which the
/// runtime fills from a file.
void addProgram(llvm::Module &module, llvm::ArrayRef<std::string> functions, llvm::StringRef manifest,
                llvm::StringRef constants, bool beside);

/// Writes the file beside a program (xfer/rt/weights.h): the constants of the program of this hash, and the weight
/// files that it takes along.
llvm::Error writeWeights(llvm::StringRef path, llvm::StringRef program, llvm::StringRef constants,
                         llvm::ArrayRef<llvm::StringRef> files);

/// Writes the weight files that a program takes along behind its executable of `size` bytes.
void appendFiles(llvm::raw_ostream &executable, uint64_t size, llvm::ArrayRef<llvm::StringRef> files);

} // namespace xfer

#endif // XFER_COMPILER_TARGET_PROGRAMOBJECT_H
