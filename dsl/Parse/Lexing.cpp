#include "dsl/Parse/Lexing.h"
#include "XferLexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferLexer;

SourceRange xfer::dsl::rangeOf(FileId file, const antlr4::Token &token) {
  uint32_t begin = token.getStartIndex();
  if (token.getType() == antlr4::Token::EOF)
    return {file, begin, begin};
  return {file, begin, static_cast<uint32_t>(token.getStopIndex() + 1)};
}

bool xfer::dsl::checkText(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  llvm::StringRef text = sources.getText(file);
  SourceRange start{file, 0, 0};
  if (text.size() > maxFileSize) {
    diagnostics.error("file-too-large", start,
                      "this file has more bytes than a program file may have, which is at most " +
                          llvm::Twine(maxFileSize));
    return false;
  }
  size_t bad = 0;
  if (!llvm::json::isUTF8(text, &bad)) {
    uint32_t at = bad;
    diagnostics.error("invalid-utf8", {file, at, at + 1}, "this byte is not valid UTF-8; save the file as UTF-8 text");
    return false;
  }
  if (size_t nul = text.find('\0'); nul != llvm::StringRef::npos) {
    uint32_t at = nul;
    diagnostics.error("nul-byte", {file, at, at + 1}, "a program is text and has no NUL bytes");
    return false;
  }
  return true;
}

namespace {

/// Reports what is no token, or turns it into the one that was meant.
class TokenChecker {
public:
  TokenChecker(const SourceManager &sources, FileId file, Diagnostics &diagnostics)
      : sources(sources), file(file), diagnostics(diagnostics) {}

  TokenList check(TokenList tokens) {
    TokenList kept;
    for (size_t i = 0, e = tokens.size(); i < e; ++i) {
      auto &token = static_cast<antlr4::CommonToken &>(*tokens[i]);
      const antlr4::Token *previous = kept.empty() ? nullptr : kept.back().get();
      switch (token.getType()) {
      case XferLexer::Comment:
        comments.push_back(range(token));
        continue;
      case XferLexer::SingleQuoted:
        singleQuotes(token);
        break;
      case XferLexer::OpenString:
        diagnostics.error("unterminated-string", range(token), "this string does not end on its line")
            .fixIt(range(token).after(), "\"");
        token.setType(XferLexer::String);
        break;
      case XferLexer::Identifier:
        if (previous && isNumber(*previous) && previous->getStopIndex() + 1 == token.getStartIndex()) {
          diagnostics.error("bad-number", range(*previous).to(range(token)),
                            "'" + text(*previous) + text(token) + "' is neither a number nor a name");
          continue;
        }
        if (!llvm::all_of(text(token), [](char c) { return llvm::isASCII(c); }))
          diagnostics.error("unknown-character", range(token),
                            "names have letters from a to z, digits and '_'; found '" + text(token) + "'");
        pythonWord(token);
        break;
      case XferLexer::Unknown:
        if (!unknown(token, i + 1 < e ? tokens[i + 1].get() : nullptr))
          continue;
        if (token.getStopIndex() > token.getStartIndex()) {
          // Two characters became one operator.
          tokens[i + 1] = std::move(tokens[i]);
          ++i;
        }
        break;
      default:
        break;
      }
      kept.push_back(std::move(tokens[i]));
    }
    return kept;
  }

  std::vector<SourceRange> comments;

private:
  SourceRange range(const antlr4::Token &token) const { return rangeOf(file, token); }
  llvm::StringRef text(const antlr4::Token &token) const { return sources.getText(range(token)); }

  static bool isNumber(const antlr4::Token &token) {
    return token.getType() == XferLexer::Int || token.getType() == XferLexer::Float ||
           token.getType() == XferLexer::Size;
  }

  void singleQuotes(antlr4::CommonToken &token) {
    llvm::StringRef inside = text(token).drop_front().drop_back();
    Diagnostic &error = diagnostics.error("single-quotes", range(token), "strings stand in double quotes");
    if (!inside.contains('"'))
      error.fixIt(range(token), "\"" + inside + "\"");
    token.setType(XferLexer::String);
  }

  void pythonWord(antlr4::CommonToken &token) {
    size_t meant = llvm::StringSwitch<size_t>(text(token))
                       .Case("True", XferLexer::True)
                       .Case("False", XferLexer::False)
                       .Case("None", XferLexer::None)
                       .Default(0);
    if (!meant)
      return;
    std::string lower = text(token).lower();
    diagnostics.error("python-word", range(token), "'" + text(token) + "' is written '" + lower + "'")
        .fixIt(range(token), lower);
    token.setType(meant);
  }

  /// True if the token has become one that the parser knows.
  bool unknown(antlr4::CommonToken &token, const antlr4::Token *next) {
    llvm::StringRef character = text(token);
    bool twice = next && next->getType() == XferLexer::Unknown && next->getStartIndex() == token.getStopIndex() + 1 &&
                 text(*next) == character && (character == "&" || character == "|");
    if (twice)
      token.setStopIndex(next->getStopIndex());
    llvm::StringRef meant = llvm::StringSwitch<llvm::StringRef>(character)
                                .Case("&", "and")
                                .Case("|", "or")
                                .Case("!", "not ")
                                .Case("^", "**")
                                .Default("");
    size_t type = llvm::StringSwitch<size_t>(meant)
                      .Case("and", XferLexer::And)
                      .Case("or", XferLexer::Or)
                      .Case("not ", XferLexer::Not)
                      .Case("**", XferLexer::StarStar)
                      .Default(0);
    if (type) {
      diagnostics.error("unknown-operator", range(token), "'" + text(token) + "' is written '" + meant.trim() + "'")
          .fixIt(range(token), meant);
      token.setType(type);
      return true;
    }
    if (character == "\\")
      diagnostics
          .error("unknown-character", range(token),
                 "a line goes on by itself inside brackets and behind an "
                 "operator; '\\' is not needed")
          .fixIt(range(token), "");
    else if (static_cast<unsigned char>(character[0]) < 0x20)
      diagnostics.error("unknown-character", range(token),
                        "control character " + llvm::Twine(unsigned(character[0])) + " in the program");
    else
      diagnostics.error("unknown-character", range(token), "'" + character + "' has no meaning here");
    return false;
  }

  const SourceManager &sources;
  FileId file;
  Diagnostics &diagnostics;
};

} // namespace

LexedFile xfer::dsl::lex(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  LexedFile result;
  result.stream = std::make_unique<ByteStream>(sources.getText(file), sources.getName(file));
  // Editors of another world put a byte order mark in front.
  if (sources.getText(file).starts_with("\xEF\xBB\xBF"))
    result.stream->seek(3);
  result.lexer = std::make_unique<XferLexer>(result.stream.get());
  result.lexer->removeErrorListeners();
  TokenList tokens;
  do
    tokens.push_back(result.lexer->nextToken());
  while (tokens.back()->getType() != antlr4::Token::EOF);
  TokenChecker checker(sources, file, diagnostics);
  result.tokens = checker.check(std::move(tokens));
  result.comments = std::move(checker.comments);
  return result;
}
