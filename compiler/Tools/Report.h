//===- Report.h - how a command of xferc says that it failed ------------------------------------------------------===//

#ifndef XFER_COMPILER_TOOLS_REPORT_H
#define XFER_COMPILER_TOOLS_REPORT_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

namespace xfer {

/// Prints `xferc: error: ..`. The exit status that goes with it: 1.
int fail(const llvm::Twine &message);
int fail(llvm::Error error);

/// The exit status, once what was printed has arrived: a standard output that cannot be written is a mistake like
/// others.
int finish(int status);

} // namespace xfer

#endif // XFER_COMPILER_TOOLS_REPORT_H
