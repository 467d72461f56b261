//===- Parser.h - text to AST -------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_PARSER_H
#define XFER_DSL_PARSE_PARSER_H

#include "dsl/AST/Item.h"
#include "dsl/Source/Diagnostics.h"

namespace xfer::dsl {

/// Parses `file`, which `sources` holds already. Every syntax error goes to `diagnostics`; the parser recovers at the
/// next item, so that one run reports several, and leaves out of the result what it could not understand. Null only
/// if the text was refused as a whole (too large, no UTF-8). Imports are not followed.
std::unique_ptr<File> parseFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_PARSER_H
