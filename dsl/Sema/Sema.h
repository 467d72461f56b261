//===- Sema.h - what text alone can tell --------------------------------------------------------------------------===//
//
// Checks a parsed file: which item stands where, names that are declared twice, clauses that refer to domains, splits,
// fields, stages, models and states, clauses that are missing or doubled, launch-time options where a compile-time
// value is needed, and constructs that the compiler does not build yet. What needs shapes, parameter paths or
// compile-time `if` and `for` is found in Elaborate.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_SEMA_SEMA_H
#define XFER_DSL_SEMA_SEMA_H

#include "dsl/AST/Item.h"
#include "dsl/Source/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"

namespace xfer::dsl {

/// Checks `file`; `imported` are the files whose names it sees (its imports and theirs; library files add nothing that
/// this looks at). True if nothing was found.
bool checkFile(const File &file, llvm::ArrayRef<const File *> imported, Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_SEMA_SEMA_H
