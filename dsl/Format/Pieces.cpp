#include "dsl/Format/Pieces.h"
#include "llvm/ADT/SmallVector.h"

using namespace xfer::dsl;
using Role = TokenRole;

/// Blanks between two tokens of one line.
static unsigned blanksBetween(const Piece &left, const Piece &right) {
  if (right.is(Role::Close))
    return 0;
  if (right.separated || left.is(Role::Comma) || left.is(Role::Colon))
    return 1;
  if (left.is(Role::BlockOpen) && right.is(Role::BlockClose))
    return 0;
  switch (left.role) {
  case Role::Open:
  case Role::InputsOpen:
  case Role::SetOpen:
  case Role::Dot:
  case Role::Dots:
  case Role::Unary:
    return 0;
  default:
    break;
  }
  switch (right.role) {
  case Role::Comma:
  case Role::Colon:
  case Role::SetClose:
  case Role::Dot:
  case Role::Dots:
  case Role::Optional:
    return right.is(Role::Dots) && (left.is(Role::Arrow) || left.is(Role::Assign)) ? 1 : 0;
  case Role::Open:
    // A bracket hangs on what it calls or indexes.
    return left.is(Role::Name) || left.is(Role::Literal) || left.is(Role::Close) || left.is(Role::SetClose) ||
                   left.is(Role::Star)
               ? 0
               : 1;
  case Role::SetOpen:
    return left.is(Role::Dot) ? 0 : 1;
  default:
    return 1;
  }
}

static void matchBrackets(Pieces &pieces) {
  llvm::SmallVector<size_t> open;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].opens())
      open.push_back(i);
    if (!pieces[i].closes() || open.empty())
      continue;
    pieces[i].match = open.back();
    pieces[open.pop_back_val()].match = i;
  }
}

/// Where braces and blocks make or forbid line breaks.
static void cleanBreaks(Pieces &pieces) {
  size_t count = pieces.size();
  std::vector<size_t> breaksUpTo(count + 1); // of the author's, in front of the pieces before this one
  for (size_t i = 0; i < count; ++i)
    breaksUpTo[i + 1] = breaksUpTo[i] + pieces[i].breaks();
  for (size_t i = 0; i < count; ++i) {
    Piece &piece = pieces[i];
    const Piece *left = i ? &pieces[i - 1] : nullptr;
    bool afterComment = left && left->is(Role::Comment);
    if (!left) {
      piece.before = LineBreak::Line;
      continue;
    }
    if (afterComment && !piece.breaks())
      piece.before = LineBreak::Line;
    bool isElse = piece.is(Role::Keyword) && piece.text == "else" && left->is(Role::BlockClose);
    if (!afterComment && (piece.is(Role::BlockOpen) || isElse))
      piece.before = LineBreak::None;
    if (left->is(Role::BlockOpen) && !piece.is(Role::Comment) && breaksUpTo[left->match + 1] != breaksUpTo[i] &&
        !piece.is(Role::BlockClose))
      piece.before = LineBreak::Line;
    if (piece.is(Role::BlockClose))
      piece.before = breaksUpTo[i + 1] != breaksUpTo[piece.match + 1] && !left->is(Role::BlockOpen) ? LineBreak::Line
                                                                                                    : LineBreak::None;
    bool afterLongBlock = left->is(Role::BlockClose) && left->breaks();
    if (afterLongBlock && piece.separated && !piece.breaks())
      piece.before = LineBreak::Line;
    // Empty lines stand between items and above comments, not at the ends of blocks.
    bool mayHaveEmpty = (piece.startsItem || piece.is(Role::Comment)) && !left->opens();
    if (piece.before == LineBreak::EmptyLine && !mayHaveEmpty)
      piece.before = LineBreak::Line;
  }
}

Pieces xfer::dsl::makePieces(const SourceManager &sources, FileId file, llvm::ArrayRef<SyntaxToken> tokens) {
  Pieces pieces;
  llvm::StringRef text = sources.getText(file);
  uint32_t end = 0;
  size_t lineBegin = 0;
  for (const SyntaxToken &token : tokens) {
    llvm::StringRef gap = text.slice(end, token.range.begin);
    Piece piece;
    piece.role = token.role;
    piece.text = text.slice(token.range.begin, token.range.end).rtrim();
    piece.startsItem = token.startsItem;
    size_t newlines = gap.count('\n');
    if (newlines)
      lineBegin = end + gap.rfind('\n') + 1;
    piece.column = token.range.begin - lineBegin;
    piece.before = newlines > 1 ? LineBreak::EmptyLine : newlines == 1 ? LineBreak::Line : LineBreak::None;
    // The separators of items are no tokens here: an item that follows another was separated from it.
    bool isComment = token.role == Role::Comment;
    const Piece *left = pieces.empty() ? nullptr : &pieces.back();
    piece.separated = token.startsItem && left && !left->is(Role::BlockOpen) && !isComment;
    if (left && !isComment)
      piece.blanks = blanksBetween(*left, piece);
    pieces.push_back(piece);
    end = token.range.end;
  }
  matchBrackets(pieces);
  cleanBreaks(pieces);
  return pieces;
}
