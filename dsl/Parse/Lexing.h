//===- Lexing.h - text to tokens ----------------------------------------------------------------------------------===//
//
// The tokens of a file as the parser sees them. What cannot be a token is reported here; where it is clear what was
// meant (`'text'`, `True`, `&&`), the token becomes that, so that the parser does not report it again.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_LEXING_H
#define XFER_DSL_PARSE_LEXING_H

#include "dsl/Parse/ByteStream.h"
#include "dsl/Source/Diagnostics.h"

namespace xfer::dsl {

using TokenList = std::vector<std::unique_ptr<antlr4::Token>>;

/// Tokens keep pointers into what read them, so the three live together.
struct LexedFile {
  std::unique_ptr<ByteStream> stream;
  std::unique_ptr<antlr4::Lexer> lexer;
  TokenList tokens; // comments left out; the end of the file is the last
  std::vector<SourceRange> comments;
};

/// False, with a diagnostic, for a text that is refused as a whole: too large, no UTF-8, NUL bytes.
bool checkText(const SourceManager &sources, FileId file, Diagnostics &diagnostics);

/// Lexes a checked file. Newlines are all still there.
LexedFile lex(const SourceManager &sources, FileId file, Diagnostics &diagnostics);

/// Bytes of a token; the end of the file is empty.
SourceRange rangeOf(FileId file, const antlr4::Token &token);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_LEXING_H
