#include "dsl/Parse/Parser.h"
#include "XferLexer.h"
#include "XferParser.h"
#include "dsl/Parse/AstBuilder.h"
#include "dsl/Parse/NewlineFilter.h"
#include "dsl/Parse/SyntaxErrors.h"
#include "dsl/Parse/Tokens.h"
#include "llvm/Support/raw_ostream.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferParser;

namespace {

/// Deepest nesting of grammar rules. Nine lie between a bracket and the one inside it; ANTLR recurses at each.
constexpr unsigned maxRules = 2000;

/// Ends the parse before ANTLR's recursion could end the stack.
class DepthGuard final : public antlr4::tree::ParseTreeListener {
public:
  void visitTerminal(antlr4::tree::TerminalNode *) override {}
  void visitErrorNode(antlr4::tree::ErrorNode *) override {}
  void enterEveryRule(antlr4::ParserRuleContext *context) override {
    if (++depth <= maxRules)
      return;
    tooDeepAt = context->getStart();
    throw antlr4::ParseCancellationException();
  }
  void exitEveryRule(antlr4::ParserRuleContext *) override { --depth; }

  antlr4::Token *tooDeepAt = nullptr;

private:
  unsigned depth = 0;
};

antlr4::misc::IntervalSet getItemStarts() {
  // The automaton hangs on a parser, and a parser wants something to read.
  ByteStream nothing("", "");
  grammar::XferLexer lexer(&nothing);
  antlr4::CommonTokenStream stream(&lexer);
  XferParser parser(&stream);
  const antlr4::atn::ATN &atn = parser.getATN();
  return atn.nextTokens(atn.ruleToStartState[XferParser::RuleItem]);
}

/// One parser over one stream; the tree lives as long as the parser.
class Attempt {
public:
  Attempt(antlr4::CommonTokenStream &tokens, antlr4::atn::PredictionMode mode,
          std::shared_ptr<antlr4::ANTLRErrorStrategy> strategy)
      : parser(&tokens) {
    parser.removeErrorListeners();
    parser.getInterpreter<antlr4::atn::ParserATNSimulator>()->setPredictionMode(mode);
    parser.setErrorHandler(std::move(strategy));
    parser.addParseListener(&guard);
  }

  /// Null if the parse was given up.
  XferParser::FileContext *run() {
    try {
      return parser.file();
    } catch (const antlr4::ParseCancellationException &) {
      return nullptr;
    }
  }

  antlr4::Token *getTooDeep() const { return guard.tooDeepAt; }

private:
  XferParser parser;
  DepthGuard guard;
};

} // namespace

std::unique_ptr<File> xfer::dsl::parseFile(const SourceManager &sources, FileId file, Diagnostics &diagnostics) {
  if (!checkText(sources, file, diagnostics))
    return nullptr;
  static const antlr4::misc::IntervalSet itemStarts = getItemStarts();
  LexedFile lexed = lex(sources, file, diagnostics);
  antlr4::ListTokenSource source(filterNewlines(std::move(lexed.tokens), itemStarts));
  antlr4::CommonTokenStream tokens(&source);
  tokens.fill();

  // The quick way decides without the context of a rule. It is right for a program without errors, or gives up; then
  // the exact way finds out what is wrong.
  Attempt quick(tokens, antlr4::atn::PredictionMode::SLL, std::make_shared<antlr4::BailErrorStrategy>());
  if (XferParser::FileContext *tree = quick.run())
    return AstBuilder(sources, file, diagnostics).build(tree);

  tokens.seek(0);
  Attempt exact(tokens, antlr4::atn::PredictionMode::LL,
                std::make_shared<ItemErrorStrategy>(sources, file, itemStarts, diagnostics));
  if (XferParser::FileContext *tree = exact.run())
    return AstBuilder(sources, file, diagnostics).build(tree);
  if (antlr4::Token *token = exact.getTooDeep())
    diagnostics.error("nesting-too-deep", rangeOf(file, *token), "this is nested too deeply");
  return nullptr;
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
