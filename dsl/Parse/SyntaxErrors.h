//===- SyntaxErrors.h - what is said about a syntax error, and how the parser goes on -----------------------------===//
//
// ANTLR repairs an error by inserting and deleting tokens, which makes one mistake into many. Here an error leaves the
// whole item in which it stands; the parser goes on at the next one. Each mistake is reported once, in terms of the
// language, with the edit where it is certain.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_SYNTAXERRORS_H
#define XFER_DSL_PARSE_SYNTAXERRORS_H

#include "dsl/Parse/Lexing.h"

namespace xfer::dsl {

/// After this many errors the rest of the file is not read.
constexpr unsigned maxSyntaxErrors = 40;

class ItemErrorStrategy final : public antlr4::DefaultErrorStrategy {
public:
  ItemErrorStrategy(const SourceManager &sources, FileId file, const antlr4::misc::IntervalSet &itemStarts,
                    Diagnostics &diagnostics)
      : sources(sources), file(file), itemStarts(itemStarts), diagnostics(diagnostics) {}

  void reportError(antlr4::Parser *parser, const antlr4::RecognitionException &exception) override;
  void recover(antlr4::Parser *parser, std::exception_ptr exception) override;
  antlr4::Token *recoverInline(antlr4::Parser *parser) override;
  void sync(antlr4::Parser *parser) override;

private:
  /// False if something was said about this token already.
  bool begin(antlr4::Parser *parser, const antlr4::Token &token);
  void skipToNextItem(antlr4::Parser *parser, unsigned openBraces);

  const SourceManager &sources;
  FileId file;
  const antlr4::misc::IntervalSet &itemStarts;
  Diagnostics &diagnostics;
  size_t lastReported = SIZE_MAX;
  unsigned numErrors = 0;
};

/// Where a syntax error was found.
struct SyntaxError {
  antlr4::TokenStream &tokens;
  size_t index;                             // of the token that does not fit
  const antlr4::misc::IntervalSet expected; // what would have
  const antlr4::dfa::Vocabulary &vocabulary;
};

/// Says what is wrong.
void describe(const SourceManager &sources, FileId file, const SyntaxError &error, Diagnostics &diagnostics);

/// Says that behind an item, or in place of one, stands something else.
void describeStray(const SourceManager &sources, FileId file, const SyntaxError &error, bool behindItem,
                   Diagnostics &diagnostics);

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_SYNTAXERRORS_H
