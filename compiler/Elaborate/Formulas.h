//===- Formulas.h - what a stage minimises, in words --------------------------------------------------------------===//

#ifndef XFER_COMPILER_ELABORATE_FORMULAS_H
#define XFER_COMPILER_ELABORATE_FORMULAS_H

#include "compiler/Elaborate/Program.h"
#include <functional>

namespace xfer {

/// Text without comments, on one line, with single spaces.
std::string oneLine(llvm::StringRef text);

/// The losses and acts of a stage as its text has them, with their coefficients; below them, for each loss of the
/// library and each function of the program that they call, the first sentence of its comment and its file.
std::vector<std::string> formulasOf(const StageInfo &stage, const dsl::SourceManager &sources,
                                    const std::function<std::optional<Value>(llvm::StringRef)> &function);

} // namespace xfer

#endif // XFER_COMPILER_ELABORATE_FORMULAS_H
