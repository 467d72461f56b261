//===- Tokens.h - `--emit=tokens` ---------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_TOKENS_H
#define XFER_DSL_PARSE_TOKENS_H

#include "dsl/Source/Diagnostics.h"

namespace xfer::dsl {

/// One line a token as the parser sees it, newlines that end nothing left out: `3:5 Identifier net`.
void printTokens(llvm::raw_ostream &os, const SourceManager &sources, FileId file, Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_TOKENS_H
