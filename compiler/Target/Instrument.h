//===- Instrument.h - generated code that a sanitizer watches -----------------------------------------------------===//
//
// A compiler that is built for a sanitizer (XFER_SANITIZE) has the code that it generates watched too, as what Clang
// compiles is: a kernel that reads or writes beyond a buffer, or two chunks of one kernel that touch the same bytes,
// end the program with a report.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_COMPILER_TARGET_INSTRUMENT_H
#define XFER_COMPILER_TARGET_INSTRUMENT_H

#include "llvm/IR/Module.h"

namespace xfer {

enum class Sanitizer { None, Address, Thread };

/// Adds the checks of the sanitizer to every function of the module; none for `None`. To be called after optimisation.
void instrument(llvm::Module &module, Sanitizer sanitizer);

} // namespace xfer

#endif // XFER_COMPILER_TARGET_INSTRUMENT_H
