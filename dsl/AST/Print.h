//===- Print.h - `--emit=ast` -------------------------------------------------------------------------------------===//
//
// The AST as text: one line an item, two blanks a level, expressions in the notation of the language with a bracket
// around every operation, so that the text shows what the parser understood: `minimize (task - (0.1 * gap))`.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_AST_PRINT_H
#define XFER_DSL_AST_PRINT_H

#include "dsl/AST/AST.h"

namespace llvm {
class raw_ostream;
}

namespace xfer::dsl {

void print(llvm::raw_ostream &os, const File &file);

/// `text` in double quotes, escaped as the language does.
std::string quote(llvm::StringRef text);

} // namespace xfer::dsl

#endif // XFER_DSL_AST_PRINT_H
