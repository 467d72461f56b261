#include "dsl/Parse/SyntaxErrors.h"
#include "XferParser.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferParser;

bool ItemErrorStrategy::begin(antlr4::Parser *parser, const antlr4::Token &token) {
  if (inErrorRecoveryMode(parser) || token.getTokenIndex() == lastReported)
    return false;
  lastReported = token.getTokenIndex();
  beginErrorCondition(parser);
  if (++numErrors > maxSyntaxErrors) {
    diagnostics.error("too-many-errors", rangeOf(file, token), "too many syntax errors; the rest was not read");
    throw antlr4::ParseCancellationException();
  }
  return true;
}

void ItemErrorStrategy::reportError(antlr4::Parser *parser, const antlr4::RecognitionException &exception) {
  antlr4::Token *token = exception.getOffendingToken();
  if (!begin(parser, *token))
    return;
  antlr4::misc::IntervalSet expected;
  // After a longer look ahead the parser's state is that of the decision; where it failed, all alternatives that were
  // still possible say what they waited for.
  auto *decision = dynamic_cast<const antlr4::NoViableAltException *>(&exception);
  if (decision && decision->getStartToken()->getTokenIndex() != token->getTokenIndex()) {
    for (const auto &config : decision->getDeadEndConfigs()->configs)
      expected.addAll(parser->getATN().nextTokens(config->state));
    expected.remove(antlr4::Token::EPSILON);
  } else {
    expected = parser->getExpectedTokens();
  }
  SyntaxError error{*parser->getTokenStream(), token->getTokenIndex(), expected, parser->getVocabulary()};
  describe(sources, file, error, diagnostics);
}

antlr4::Token *ItemErrorStrategy::recoverInline(antlr4::Parser *parser) {
  throw antlr4::InputMismatchException(parser);
}

void ItemErrorStrategy::recover(antlr4::Parser *parser, std::exception_ptr exception) {
  antlr4::ParserRuleContext *context = parser->getContext();
  size_t rule = context->getRuleIndex();
  if (rule != XferParser::RuleItem && rule != XferParser::RuleFile)
    std::rethrow_exception(exception);
  // Braces that this item has opened (a rewriting, a map of keys) belong to it.
  antlr4::TokenStream &tokens = *parser->getTokenStream();
  unsigned openBraces = 0;
  for (size_t i = context->getStart()->getTokenIndex(), e = tokens.index(); i < e; ++i) {
    size_t type = tokens.get(i)->getType();
    if (type == XferParser::LeftBrace)
      ++openBraces;
    else if (type == XferParser::RightBrace && openBraces)
      --openBraces;
  }
  skipToNextItem(parser, openBraces);
}

void ItemErrorStrategy::skipToNextItem(antlr4::Parser *parser, unsigned openBraces) {
  for (;; parser->consume()) {
    switch (parser->getTokenStream()->LA(1)) {
    case antlr4::Token::EOF:
      return endErrorCondition(parser);
    case XferParser::LeftBrace:
      ++openBraces;
      break;
    case XferParser::RightBrace:
      if (openBraces == 0)
        return endErrorCondition(parser);
      --openBraces;
      break;
    case XferParser::Newline:
      if (openBraces == 0)
        return endErrorCondition(parser);
      break;
    default:
      break;
    }
  }
}

void ItemErrorStrategy::sync(antlr4::Parser *parser) {
  antlr4::ParserRuleContext *context = parser->getContext();
  size_t rule = context->getRuleIndex();
  antlr4::TokenStream &tokens = *parser->getTokenStream();
  if (rule != XferParser::RuleFile && rule != XferParser::RuleBlock) {
    // Failing here, in front of an optional part, and not behind it, still knows all that could have come.
    const antlr4::atn::ATN &atn = parser->getATN();
    const antlr4::misc::IntervalSet &next = atn.nextTokens(atn.states[parser->getState()]);
    if (!inErrorRecoveryMode(parser) && !next.contains(antlr4::Token::EPSILON) && !next.contains(tokens.LA(1)))
      throw antlr4::InputMismatchException(parser);
    return;
  }
  while (true) {
    size_t type = tokens.LA(1);
    antlr4::Token *previous = tokens.index() ? tokens.LT(-1) : nullptr;
    bool behindItem = previous && previous->getType() != XferParser::Newline &&
                      previous->getTokenIndex() != context->getStart()->getTokenIndex();
    if (rule == XferParser::RuleFile && (!previous || context->getStart()->getTokenIndex() == tokens.index()))
      behindItem = false;
    bool fits = type == XferParser::Newline || type == antlr4::Token::EOF ||
                (type == XferParser::RightBrace && rule == XferParser::RuleBlock) ||
                (!behindItem && itemStarts.contains(type));
    if (fits)
      return;
    antlr4::Token *token = tokens.LT(1);
    if (begin(parser, *token))
      describeStray(sources, file, {tokens, token->getTokenIndex(), {}, parser->getVocabulary()}, behindItem,
                    diagnostics);
    if (type == XferParser::RightBrace)
      parser->consume();
    skipToNextItem(parser, 0);
  }
}
