#include "dsl/Parse/TreeReader.h"
#include "XferLexer.h"
#include "dsl/Parse/NewlineFilter.h"
#include "dsl/Parse/SyntaxErrors.h"

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

} // namespace

/// One parser over one stream; the tree lives as long as the parser.
class xfer::dsl::TreeAttempt {
public:
  TreeAttempt(antlr4::CommonTokenStream &tokens, antlr4::atn::PredictionMode mode,
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

static antlr4::misc::IntervalSet readItemStarts() {
  // The automaton hangs on a parser, and a parser wants something to read.
  ByteStream nothing("", "");
  grammar::XferLexer lexer(&nothing);
  antlr4::CommonTokenStream stream(&lexer);
  XferParser parser(&stream);
  const antlr4::atn::ATN &atn = parser.getATN();
  return atn.nextTokens(atn.ruleToStartState[XferParser::RuleItem]);
}

const antlr4::misc::IntervalSet &xfer::dsl::getItemStarts() {
  static const antlr4::misc::IntervalSet itemStarts = readItemStarts();
  return itemStarts;
}

TreeReader::TreeReader(const SourceManager &sources, FileId file, Diagnostics &diagnostics)
    : sources(sources), file(file), diagnostics(diagnostics), lexed(lex(sources, file, diagnostics)) {
  source = std::make_unique<antlr4::ListTokenSource>(filterNewlines(std::move(lexed.tokens), getItemStarts()));
  tokens = std::make_unique<antlr4::CommonTokenStream>(source.get());
  tokens->fill();
}

TreeReader::~TreeReader() = default;

XferParser::FileContext *TreeReader::read() {
  // The quick way decides without the context of a rule. It is right for a program without errors, or gives up; then
  // the exact way finds out what is wrong.
  attempt = std::make_unique<TreeAttempt>(*tokens, antlr4::atn::PredictionMode::SLL,
                                          std::make_shared<antlr4::BailErrorStrategy>());
  if (XferParser::FileContext *tree = attempt->run())
    return tree;

  tokens->seek(0);
  attempt =
      std::make_unique<TreeAttempt>(*tokens, antlr4::atn::PredictionMode::LL,
                                    std::make_shared<ItemErrorStrategy>(sources, file, getItemStarts(), diagnostics));
  if (XferParser::FileContext *tree = attempt->run())
    return tree;
  if (antlr4::Token *token = attempt->getTooDeep())
    diagnostics.error("nesting-too-deep", rangeOf(file, *token), "this is nested too deeply");
  return nullptr;
}
