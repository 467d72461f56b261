//===- WriteFile.h - files that are there as a whole or not at all ------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_WRITEFILE_H
#define XFER_COMPILER_TOOLS_WRITEFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace xfer {

/// Gives an existing file another content: beside it first, then in its place. Keeps its mode; a link stays one.
llvm::Error replaceFile(llvm::StringRef path, llvm::StringRef content);

/// Writes a file, whatever was there.
llvm::Error writeFile(llvm::StringRef path, llvm::StringRef content);

/// Writes a new file; an error if something has that name.
llvm::Error createFile(llvm::StringRef path, llvm::StringRef content);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_WRITEFILE_H
