#include "dsl/Parse/NewlineFilter.h"
#include "XferLexer.h"
#include "llvm/ADT/SmallVector.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferLexer;

/// No item ends with one of these.
static bool cannotEndItem(size_t type) {
  switch (type) {
  case XferLexer::LeftBrace:
  case XferLexer::Comma:
  case XferLexer::Assign:
  case XferLexer::Arrow:
  case XferLexer::FatArrow:
  case XferLexer::Colon:
  case XferLexer::Dot:
  case XferLexer::Less:
  case XferLexer::LessEqual:
  case XferLexer::Greater:
  case XferLexer::GreaterEqual:
  case XferLexer::Equal:
  case XferLexer::NotEqual:
  case XferLexer::Plus:
  case XferLexer::Minus:
  case XferLexer::Slash:
  case XferLexer::SlashSlash:
  case XferLexer::Percent:
  case XferLexer::AtSign:
  case XferLexer::And:
  case XferLexer::Or:
  case XferLexer::Not:
    return true;
  default:
    return false;
  }
}

/// These go on with the item before them, unless `=` makes them the name of a part. They are names elsewhere, so they
/// are in FIRST(item).
static bool isSuffixWord(size_t type) {
  switch (type) {
  case XferLexer::As:
  case XferLexer::By:
  case XferLexer::Batch:
  case XferLexer::Micro:
  case XferLexer::Count:
  case XferLexer::Rate:
  case XferLexer::Views:
  case XferLexer::Expect:
  case XferLexer::Of:
  case XferLexer::Merge:
    return true;
  default:
    return false;
  }
}

/// Reserved words that start an item and stand nowhere else.
static bool onlyStartsItem(size_t type) {
  switch (type) {
  case XferLexer::Import:
  case XferLexer::Const:
  case XferLexer::Param:
  case XferLexer::State:
  case XferLexer::Update:
  case XferLexer::Let:
  case XferLexer::Return:
  case XferLexer::Yield:
  case XferLexer::Next:
  case XferLexer::Domain:
  case XferLexer::Model:
  case XferLexer::Evaluate:
  case XferLexer::Export:
    return true;
  default:
    return false;
  }
}

namespace {

/// The open brackets around the current token.
class Nesting {
public:
  bool insideBrackets() const { return !open.empty() && open.back() != XferLexer::LeftBrace; }

  void step(size_t type) {
    switch (type) {
    case XferLexer::LeftParen:
    case XferLexer::LeftBracket:
    case XferLexer::LeftBrace:
      open.push_back(type);
      break;
    case XferLexer::RightParen:
    case XferLexer::RightBracket:
      if (insideBrackets())
        open.pop_back();
      break;
    case XferLexer::RightBrace:
      leaveBrackets();
      if (!open.empty())
        open.pop_back();
      break;
    default:
      break;
    }
  }

  /// Gives up brackets that were never closed, back to the block around them.
  void leaveBrackets() {
    while (insideBrackets())
      open.pop_back();
  }

private:
  llvm::SmallVector<size_t> open;
};

} // namespace

TokenList xfer::dsl::filterNewlines(TokenList tokens, const antlr4::misc::IntervalSet &itemStarts) {
  TokenList kept;
  kept.reserve(tokens.size());
  Nesting nesting;
  for (size_t i = 0, e = tokens.size(); i < e; ++i) {
    size_t type = tokens[i]->getType();
    if (type == XferLexer::Newline) {
      // Of several newlines the first stands for all. The end of the file is the last token, so there is a next one.
      size_t ahead = i + 1;
      while (tokens[ahead]->getType() == XferLexer::Newline)
        ++ahead;
      size_t next = tokens[ahead]->getType();
      bool afterName = ahead + 1 < e && tokens[ahead + 1]->getType() == XferLexer::Assign;
      std::swap(tokens[i], tokens[ahead - 1]);
      i = ahead - 1;
      if (nesting.insideBrackets()) {
        if (!onlyStartsItem(next))
          continue;
        nesting.leaveBrackets();
      }
      if (kept.empty() || cannotEndItem(kept.back()->getType()) || !itemStarts.contains(next) ||
          (isSuffixWord(next) && !afterName))
        continue;
    } else {
      nesting.step(type);
    }
    kept.push_back(std::move(tokens[i]));
  }
  return kept;
}
