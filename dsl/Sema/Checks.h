//===- Checks.h - the checks that Sema is made of -----------------------------------------------------------------===//

#ifndef XFER_DSL_SEMA_CHECKS_H
#define XFER_DSL_SEMA_CHECKS_H

#include "dsl/Sema/Declarations.h"
#include "dsl/Source/Diagnostics.h"

namespace xfer::dsl {

/// Every item stands where the table in Placement.def allows it, and once where once is enough.
void checkPlacement(const File &file, Diagnostics &diagnostics);

/// What a domain, stage, evaluation or body cannot do without.
void checkRequired(const File &file, Diagnostics &diagnostics);

/// Refuses what Unsupported.def lists.
void checkSupported(const File &file, Diagnostics &diagnostics);

/// Arguments, record fields, formals and patterns: no name twice, positional arguments first.
void checkCalls(const File &file, Diagnostics &diagnostics);

/// No name is declared twice, and none hides a name of the program.
void checkNames(const File &file, const Declarations &declarations, Diagnostics &diagnostics);

/// What clauses name exists.
void checkReferences(const File &file, const Declarations &declarations, Diagnostics &diagnostics);

/// No option of the program where a compile-time value is needed.
void checkBindingTime(const File &file, const Declarations &declarations, Diagnostics &diagnostics);

/// Warns of what is allowed and hardly ever meant: what goes wrong in transfer learning without an error.
void checkTransfer(const File &file, llvm::ArrayRef<const File *> imported, Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_SEMA_CHECKS_H
