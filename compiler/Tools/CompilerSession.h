//===- CompilerSession.h - what programs share that are compiled one after another --------------------------------===//

#ifndef XFER_COMPILER_TOOLS_COMPILERSESSION_H
#define XFER_COMPILER_TOOLS_COMPILERSESSION_H

#include "compiler/Tools/LibrarySources.h"
#include "mlir/IR/MLIRContext.h"

namespace xfer {

/// To begin one takes longer than to check a small program, and so does reading the library. It grows with every
/// program: types, constants and texts stay.
struct CompilerSession {
  CompilerSession();

  mlir::MLIRContext context;
  dsl::SourceManager sources;
  LibrarySources library;
};

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_COMPILERSESSION_H
