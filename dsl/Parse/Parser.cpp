#include "dsl/Parse/Parser.h"
#include "XferLexer.h"
#include "dsl/Parse/AstBuilder.h"
#include "dsl/Parse/NewlineFilter.h"
#include "dsl/Parse/Tokens.h"
#include "dsl/Parse/TreeReader.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferParser;

std::unique_ptr<File> xfer::dsl::parseFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  if (!checkText(sources, file, diagnostics))
    return nullptr;
  TreeReader reader(sources, file, diagnostics);
  // Behind a string without end nothing on its line is what it looks like: brackets are open that are none.
  bool hasOpenString = llvm::any_of(diagnostics.getAll(), [&](const Diagnostic &one) {
    return one.code == "unterminated-string" && one.range.file == file;
  });
  if (hasOpenString) {
    auto nothing = std::make_unique<File>();
    nothing->id = file;
    return nothing;
  }
  XferParser::FileContext *tree = reader.read();
  return tree ? AstBuilder(sources, file, diagnostics).build(tree) : nullptr;
}

void xfer::dsl::printTokens(llvm::raw_ostream &os, const SourceManager &sources, FileId file,
                            Diagnostics &diagnostics) {
  if (!checkText(sources, file, diagnostics))
    return;
  LexedFile lexed = lex(sources, file, diagnostics);
  for (const auto &token : filterNewlines(std::move(lexed.tokens), getItemStarts())) {
    SourceRange range = rangeOf(file, *token);
    LineColumn at = sources.getLineColumn(range);
    os << at.line << ':' << at.column << ' ' << lexed.lexer->getVocabulary().getSymbolicName(token->getType());
    bool hasText = token->getType() != antlr4::Token::EOF && token->getType() != XferParser::Newline;
    os << (hasText ? " " : "") << (hasText ? sources.getText(range) : "") << '\n';
  }
}
