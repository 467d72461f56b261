//===- Pieces.h - what the layout is made of ----------------------------------------------------------------------===//
//
// A piece is a token or a comment with its text, its place in the author's lines, and what was decided about it:
// whether it begins a line, and how many blanks stand in front of it if it does not.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_FORMAT_PIECES_H
#define XFER_DSL_FORMAT_PIECES_H

#include "dsl/Parse/SyntaxTokens.h"

namespace xfer::dsl {

enum class LineBreak { None, Line, EmptyLine };

struct Piece {
  TokenRole role = TokenRole::Name;
  llvm::StringRef text;
  bool startsItem = false;
  bool separated = false; // an item ended in front of it
  unsigned column = 0;    // of the author's
  size_t match = 0;       // the other bracket of a pair
  LineBreak before = LineBreak::None;
  unsigned blanks = 0;

  bool is(TokenRole other) const { return role == other; }
  bool opens() const {
    return is(TokenRole::Open) || is(TokenRole::InputsOpen) || is(TokenRole::BlockOpen) || is(TokenRole::BraceOpen) ||
           is(TokenRole::SetOpen);
  }
  bool closes() const {
    return is(TokenRole::Close) || is(TokenRole::BlockClose) || is(TokenRole::BraceClose) || is(TokenRole::SetClose);
  }
  bool breaks() const { return before != LineBreak::None; }
};

using Pieces = std::vector<Piece>;

/// The pieces of a file with the author's line breaks, cleaned: braces stand behind what they belong to, a block is on
/// one line or each line of it on its own, empty lines stand only between items. Blanks are those between tokens.
Pieces makePieces(const SourceManager &sources, FileId file, llvm::ArrayRef<SyntaxToken> tokens);

/// Lines up what lined up in neighbouring lines of the author's: operands behind the words of clauses, `=`.
void alignColumns(Pieces &pieces);

/// Writes the lines, breaking those that are too long.
std::string writeLines(Pieces &pieces);

} // namespace xfer::dsl

#endif // XFER_DSL_FORMAT_PIECES_H
