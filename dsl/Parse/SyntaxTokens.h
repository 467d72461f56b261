//===- SyntaxTokens.h - the tokens of a file with what each of them is there --------------------------------------===//
//
// A formatter needs what the AST leaves out: comments, and the exact tokens. What a token is depends on where it
// stands: `epochs` opens a clause or is a name, `*` multiplies or selects, `{` opens a block or a set. The parse tree
// knows; this is the list of its leaves, without its newlines, with the comments between them.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_SYNTAXTOKENS_H
#define XFER_DSL_PARSE_SYNTAXTOKENS_H

#include "dsl/Source/Diagnostics.h"
#include <optional>
#include <vector>

namespace xfer::dsl {

enum class TokenRole {
  Keyword,    // a word of the grammar, where it is one
  Name,       // also the `fn` of a lambda and the `module` of a type, which a bracket follows as it follows a name
  Literal,    // number, string, true, false, none
  Open,       // ( [
  Close,      // ) ]
  InputsOpen, // the second bracket of a module
  BlockOpen,
  BlockClose,
  BraceOpen, // of rewritings and maps of keys
  BraceClose,
  SetOpen, // of a selector
  SetClose,
  Comma,
  Colon,
  Dot,
  Dots,
  Optional, // the `?` behind a type
  Star,     // `*` or `**` of a selector
  Operator,
  Unary,
  Assign,
  Arrow,
  Comment,
};

struct SyntaxToken {
  TokenRole role = TokenRole::Name;
  SourceRange range;
  bool startsItem = false;
};

/// Parses `file`, which `sources` holds already; nothing after an error, which was reported.
std::optional<std::vector<SyntaxToken>> readSyntaxTokens(const SourceManager &sources, FileId file,
                                                         Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_SYNTAXTOKENS_H
