// The text of syntax errors: first what habits of other languages explain, then brackets, then what the grammar
// expected.
#include "XferParser.h"
#include "dsl/Parse/SyntaxErrors.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferParser;

namespace {

class Describer {
public:
  Describer(const SourceManager &sources, FileId file, const SyntaxError &error, Diagnostics &diagnostics)
      : sources(sources), file(file), tokens(error.tokens), index(error.index), expected(error.expected),
        vocabulary(error.vocabulary), diagnostics(diagnostics) {
    opener = findOpener();
  }

  void describe() {
    if (argumentWithEquals() || colonInIndex() || foreignWord() || slashComment() || colonBeforeBlock() ||
        augmented() || brackets() || trailingComma() || itemInBrackets() || reservedWord() || unknownItem())
      return;
    std::string wanted = describeExpected();
    if (wanted.empty())
      diagnostics.error("unexpected-token", place(), "unexpected " + found());
    else
      diagnostics.error("unexpected-token", place(), "expected " + wanted + ", found " + found());
  }

  void describeStray(bool behindItem) {
    if (foreignWord() || slashComment() || colonBeforeBlock() || brackets() || trailingComma() || wordBehindOperator())
      return;
    if (behindItem && sameLine(index - 1, index))
      diagnostics.error("expected-newline", range(index), "expected the end of the line or ';', found " + found());
    else
      diagnostics.error("expected-item", range(index),
                        "nothing starts with " + found() +
                            "; a line goes on behind an operator or a comma, and a value is named with 'let'");
  }

private:
  size_t type(size_t i) const { return tokens.get(i)->getType(); }
  SourceRange range(size_t i) const { return rangeOf(file, *tokens.get(i)); }
  llvm::StringRef text(size_t i) const { return sources.getText(range(i)); }
  bool hasPrevious(size_t count = 1) const { return index >= count; }

  /// Where the token is, or, of the end of a line, where something is missing.
  SourceRange place() const {
    size_t here = type(index);
    bool ends = here == antlr4::Token::EOF || here == XferParser::Newline;
    return ends && hasPrevious() ? range(index - 1).after() : range(index);
  }

  bool sameLine(size_t a, size_t b) const {
    return !sources.getText(SourceRange{file, range(a).end, range(b).begin}).contains('\n');
  }

  std::string found() const {
    switch (type(index)) {
    case antlr4::Token::EOF:
      return "the end of the file";
    case XferParser::Newline:
      return text(index) == ";" ? "';'" : "the end of the line";
    case XferParser::String:
      return "a string";
    default:
      return ("'" + text(index) + "'").str();
    }
  }

  /// The innermost bracket that is open at the token, or nothing. Brackets that an earlier item left open, and that the
  /// newline behind it gave up, do not count.
  std::optional<size_t> findOpener() const {
    llvm::SmallVector<size_t> closed;
    bool newLine = false;
    for (size_t i = index; i-- > 0;) {
      size_t here = type(i);
      if (isCloser(here)) {
        closed.push_back(here);
      } else if (here == XferParser::LeftBrace) {
        while (!closed.empty() && closed.back() != XferParser::RightBrace)
          closed.pop_back();
        if (closed.empty())
          return i;
        closed.pop_back();
      } else if (isOpener(here)) {
        if (closed.empty() && !newLine)
          return i;
        if (!closed.empty() && closed.back() != XferParser::RightBrace)
          closed.pop_back();
      } else if (here == XferParser::Newline) {
        newLine |= closed.empty();
      }
    }
    return std::nullopt;
  }

  bool isName(size_t type) const {
    return type == XferParser::Identifier || (type >= XferParser::In && type <= XferParser::Stage);
  }

  /// `sgd(momentum=0.9)`
  bool argumentWithEquals() {
    if (type(index) != XferParser::Assign || !opener || type(*opener) != XferParser::LeftParen || !hasPrevious(2) ||
        !isName(type(index - 1)) || (type(index - 2) != XferParser::Comma && index - 2 != *opener))
      return false;
    SourceRange between{file, range(index - 1).end, range(index + 1).begin};
    diagnostics
        .error("argument-with-equals", range(index),
               "an argument is named with ':', not with '=': '" + text(index - 1) + ": ...'")
        .fixIt(between, ": ");
    return true;
  }

  /// `x[:, 0]`, `x[1:3]`
  bool colonInIndex() {
    if (type(index) != XferParser::Colon || !opener || type(*opener) != XferParser::LeftBracket)
      return false;
    diagnostics.error("colon-in-index", range(index), "a range of indices is written '..', not ':'")
        .fixIt(range(index), "..");
    return true;
  }

  /// Words of other languages; the token that does not fit is the one behind them.
  bool foreignWord() { return foreignWord(index) || (hasPrevious() && foreignWord(index - 1)); }

  bool foreignWord(size_t at) {
    if (type(at) != XferParser::Identifier)
      return false;
    llvm::StringRef word = text(at);
    llvm::StringRef meant = llvm::StringSwitch<llvm::StringRef>(word)
                                .Cases({"def", "func", "function"}, "fn")
                                .Case("elif", "else if")
                                .Case("class", "module")
                                .Cases({"var", "val"}, "let")
                                .Default("");
    if (!meant.empty()) {
      diagnostics.error("foreign-word", range(at), "'" + word + "' is written '" + meant + "'").fixIt(range(at), meant);
      return true;
    }
    if (word == "lambda") {
      diagnostics.error("foreign-word", range(at), "a function value is written 'fn(x) => ...'");
      return true;
    }
    return false;
  }

  /// `// text`, which is a floor division
  bool slashComment() {
    size_t first = index;
    while (first > 0 && type(first - 1) != XferParser::Newline && sameLine(first - 1, index))
      --first;
    if (type(first) != XferParser::SlashSlash)
      return false;
    diagnostics.error("slash-comment", range(first), "a comment starts with '#'").fixIt(range(first), "#");
    return true;
  }

  /// `if x:`, `for a in b:`
  bool colonBeforeBlock() {
    if (type(index) != XferParser::Colon || (opener && type(*opener) != XferParser::LeftBrace))
      return false;
    if (index + 1 < tokens.size() && sameLine(index, index + 1))
      return false;
    diagnostics.error("colon-before-block", range(index), "a block stands in '{' and '}'").fixIt(range(index), " {");
    return true;
  }

  /// `x += 1`
  bool augmented() {
    if (type(index) < XferParser::Plus || type(index) > XferParser::AtSign || index + 1 >= tokens.size() ||
        type(index + 1) != XferParser::Assign)
      return false;
    diagnostics.error("augmented-assignment", range(index).to(range(index + 1)),
                      "'" + text(index) +
                          "=' does not exist; a value gets a new meaning by 'let', a state by 'update'");
    return true;
  }

  static bool isOpener(size_t type) {
    return type == XferParser::LeftParen || type == XferParser::LeftBracket || type == XferParser::LeftBrace;
  }
  static bool isCloser(size_t type) {
    return type == XferParser::RightParen || type == XferParser::RightBracket || type == XferParser::RightBrace;
  }
  static llvm::StringRef closerOf(size_t opener) {
    return opener == XferParser::LeftParen ? ")" : opener == XferParser::LeftBracket ? "]" : "}";
  }

  bool brackets() {
    size_t here = type(index);
    bool ends = here == antlr4::Token::EOF || here == XferParser::Newline;
    if (ends && opener && (here == antlr4::Token::EOF || type(*opener) != XferParser::LeftBrace)) {
      diagnostics.error("unclosed-bracket", place(), "expected '" + closerOf(type(*opener)) + "' before " + found())
          .note(range(*opener), "'" + text(*opener) + "' was opened here");
      return true;
    }
    if (!isCloser(here))
      return false;
    if (!opener || (type(*opener) == XferParser::LeftBrace && here != XferParser::RightBrace)) {
      diagnostics.error("unmatched-bracket", range(index), found() + " closes nothing; leave it out, or open it");
      return true;
    }
    if (text(index) == closerOf(type(*opener)))
      return false;
    diagnostics.error("unmatched-bracket", range(index), "expected '" + closerOf(type(*opener)) + "', found " + found())
        .note(range(*opener), "'" + text(*opener) + "' was opened here");
    return true;
  }

  bool trailingComma() {
    if (!hasPrevious() || type(index - 1) != XferParser::Comma || !isCloser(type(index)))
      return false;
    diagnostics.error("trailing-comma", range(index - 1), "a list does not end with a comma")
        .fixIt(range(index - 1), "");
    return true;
  }

  static bool isOperator(size_t type) { return type >= XferParser::Less && type <= XferParser::AtSign; }

  /// A line that opens with the word of an item while a bracket of the line above is open.
  bool itemInBrackets() {
    if (!opener || type(*opener) == XferParser::LeftBrace || !hasPrevious() || sameLine(index - 1, index) ||
        type(index - 1) == XferParser::Comma || isOperator(type(index - 1)))
      return false;
    bool opensItem = llvm::StringSwitch<bool>(text(index))
                         .Cases({"let", "loss", "hold", "minimize", "apply", "run"}, true)
                         .Cases({"optimizer", "schedule", "epochs", "steps", "watch", "keep"}, true)
                         .Cases({"stop", "freeze", "augment", "on", "predict", "report"}, true)
                         .Cases({"domain", "model", "stage", "evaluate", "export", "baseline"}, true)
                         .Cases({"fn", "module", "const", "param", "state", "update", "return"}, true)
                         .Cases({"read", "fields", "map", "split", "hide", "load"}, true)
                         .Default(false);
    if (!opensItem)
      return false;
    diagnostics
        .error("unclosed-bracket", range(index - 1).after(),
               "expected '" + closerOf(type(*opener)) + "' before the line that begins with " + found())
        .note(range(*opener), "'" + text(*opener) + "' was opened here");
    return true;
  }

  /// `minimize task +` with `optimizer sgd(..)` below it, `on a, b, batch 64`: the word was read as a name.
  bool wordBehindOperator() {
    if (!hasPrevious(2) || !sameLine(index - 1, index) || type(index - 1) == XferParser::Identifier ||
        !isName(type(index - 1)) || (type(index - 2) != XferParser::Comma && !isOperator(type(index - 2))))
      return false;
    diagnostics.error("unexpected-token", range(index - 2),
                      "something is missing behind '" + text(index - 2) + "'; what follows is '" + text(index - 1) +
                          "', which opens a clause");
    return true;
  }

  bool reservedWord() {
    size_t here = type(index);
    if (here > XferParser::None || !expected.contains(size_t(XferParser::Identifier)) ||
        expected.contains(size_t(XferParser::Int)))
      return false;
    diagnostics.error("reserved-word", range(index), found() + " is a reserved word and cannot be a name");
    return true;
  }

  /// `minimise task`: the grammar took the word for the name of a part.
  bool unknownItem() {
    if (!hasPrevious() || type(index - 1) != XferParser::Identifier || expected.size() != 1 ||
        !expected.contains(size_t(XferParser::Assign)))
      return false;
    if (hasPrevious(2) && type(index - 2) != XferParser::Newline && type(index - 2) != XferParser::LeftBrace)
      return false;
    std::vector<llvm::StringRef> words;
    std::vector<std::string> storage;
    for (size_t word = XferParser::Import; word <= XferParser::Stage; ++word)
      storage.push_back(vocabulary.getLiteralName(word));
    for (const std::string &quoted : storage)
      words.push_back(llvm::StringRef(quoted).trim('\''));
    llvm::StringRef word = text(index - 1), nearest = findNearest(word, words);
    // Behind a clause word stands no bracket, no point and no operator but a sign: this is an expression.
    bool isExpression = isOpener(type(index)) || type(index) == XferParser::Dot ||
                        (isOperator(type(index)) && type(index) != XferParser::Minus);
    if (isExpression && !isOpener(type(index))) {
      diagnostics.error(
          "unknown-item", range(index - 1),
          "an expression stands behind the word of a clause, such as 'minimize', or gets a name by 'let'");
      return true;
    }
    if (nearest.empty() || isExpression) {
      diagnostics.error("unknown-item", range(index - 1),
                        "nothing starts with '" + word + "'; to name a value write 'let', to name a part '" + word +
                            " = ...'");
      return true;
    }
    diagnostics.unknownName("unknown-item", range(index - 1), word, "nothing starts with '" + word + "'", words);
    return true;
  }

  /// What could have stood there, in words.
  std::string describeExpected() const {
    auto has = [&](size_t type) { return expected.contains(type); };
    if (has(XferParser::Not) && has(XferParser::Int))
      return has(XferParser::Question) ? "an extent" : "an expression";
    if (has(XferParser::Identifier)) {
      if (has(XferParser::Like))
        return "a type";
      if (has(XferParser::StarStar))
        return "a selector";
      return "a name";
    }
    // Inside brackets, behind something complete, a list could have gone on.
    if (opener && type(*opener) != XferParser::LeftBrace && expected.contains(type(*opener) + 1))
      return ("an operator, ',' or '" + closerOf(type(*opener)) + "'").str();
    std::vector<std::string> wanted;
    bool operators = false;
    for (const antlr4::misc::Interval &interval : expected.getIntervals())
      for (ssize_t type = interval.a; type <= interval.b; ++type) {
        bool isOperator = (type >= XferParser::Less && type <= XferParser::AtSign) || type == XferParser::Dot ||
                          type == XferParser::And || type == XferParser::Or || isOpener(type) ||
                          type == XferParser::With || type == XferParser::At || type == XferParser::If;
        operators |= isOperator;
        if (!isOperator || expected.size() <= 2)
          wanted.push_back(type == XferParser::Newline || type == -1 ? std::string("the end of the line")
                           : type == XferParser::String              ? std::string("a string in double quotes")
                                                                     : vocabulary.getDisplayName(type));
      }
    // The end of the line and that of the file, which read alike.
    wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
    if (wanted.empty() || wanted.size() > 4)
      return "";
    if (operators && expected.size() > 2)
      wanted.insert(wanted.begin(), "an operator");
    std::string last = wanted.back();
    wanted.pop_back();
    return wanted.empty() ? last : llvm::join(wanted, ", ") + " or " + last;
  }

  const SourceManager &sources;
  FileId file;
  antlr4::TokenStream &tokens;
  size_t index;
  const antlr4::misc::IntervalSet &expected;
  const antlr4::dfa::Vocabulary &vocabulary;
  Diagnostics &diagnostics;
  std::optional<size_t> opener;
};

} // namespace

void xfer::dsl::describe(const SourceManager &sources, FileId file, const SyntaxError &error,
                         Diagnostics &diagnostics) {
  Describer(sources, file, error, diagnostics).describe();
}

void xfer::dsl::describeStray(const SourceManager &sources, FileId file, const SyntaxError &error, bool behindItem,
                              Diagnostics &diagnostics) {
  Describer(sources, file, error, diagnostics).describeStray(behindItem);
}
