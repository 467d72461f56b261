#include "dsl/Parse/SyntaxTokens.h"
#include "XferParser.h"
#include "dsl/Parse/AstBuilder.h"
#include "dsl/Parse/TreeReader.h"

using namespace xfer::dsl;
using xfer::dsl::grammar::XferParser;
using P = XferParser;

template <typename ContextT> static bool isIn(const antlr4::ParserRuleContext *context) {
  return dynamic_cast<const ContextT *>(context);
}

/// The role of a leaf, by the rule that it belongs to.
static TokenRole roleOf(antlr4::Token &token, antlr4::ParserRuleContext *context) {
  switch (token.getType()) {
  case P::Int:
  case P::Float:
  case P::Size:
  case P::String:
  case P::True:
  case P::False:
  case P::None:
    return TokenRole::Literal;
  case P::LeftParen:
    if (auto *module = dynamic_cast<P::ModuleItemContext *>(context))
      return module->LeftParen(0)->getSymbol() == &token ? TokenRole::Open : TokenRole::InputsOpen;
    return TokenRole::Open;
  case P::LeftBracket:
    return TokenRole::Open;
  case P::RightParen:
  case P::RightBracket:
    return TokenRole::Close;
  case P::LeftBrace:
    return isIn<P::BlockContext>(context)     ? TokenRole::BlockOpen
           : isIn<P::SetStepContext>(context) ? TokenRole::SetOpen
                                              : TokenRole::BraceOpen;
  case P::RightBrace:
    return isIn<P::BlockContext>(context)     ? TokenRole::BlockClose
           : isIn<P::SetStepContext>(context) ? TokenRole::SetClose
                                              : TokenRole::BraceClose;
  case P::Comma:
    return TokenRole::Comma;
  case P::Colon:
    return TokenRole::Colon;
  case P::Dot:
    return TokenRole::Dot;
  case P::Dots:
    return TokenRole::Dots;
  case P::Question:
    return isIn<P::VariesDimContext>(context) ? TokenRole::Name : TokenRole::Optional;
  case P::Assign:
    return TokenRole::Assign;
  case P::Arrow:
  case P::FatArrow:
    return TokenRole::Arrow;
  case P::Star:
  case P::StarStar:
    return isIn<P::AnyStepContext>(context) || isIn<P::DeepStepContext>(context) || isIn<P::Step_indexContext>(context)
               ? TokenRole::Star
               : TokenRole::Operator;
  case P::Minus:
    return isIn<P::MinusContext>(context) ? TokenRole::Unary : TokenRole::Operator;
  case P::Less:
  case P::LessEqual:
  case P::Greater:
  case P::GreaterEqual:
  case P::Equal:
  case P::NotEqual:
  case P::Plus:
  case P::Slash:
  case P::SlashSlash:
  case P::Percent:
  case P::AtSign:
  case P::And:
  case P::Or:
    return TokenRole::Operator;
  default:
    break;
  }
  bool isName = isIn<P::NameContext>(context) || isIn<P::LambdaContext>(context) || isIn<P::FnTypeContext>(context) ||
                isIn<P::ModuleTypeContext>(context);
  return isName ? TokenRole::Name : TokenRole::Keyword;
}

namespace {

/// Lists the leaves of a tree.
class LeafCollector {
public:
  explicit LeafCollector(FileId file) : file(file) {}

  void visit(antlr4::ParserRuleContext *context) {
    bool isItem = isIn<P::ItemContext>(context) && !isIn<P::IfItemContext>(parentOf(context));
    size_t first = leaves.size();
    for (antlr4::tree::ParseTree *child : context->children) {
      if (auto *inner = dynamic_cast<antlr4::ParserRuleContext *>(child)) {
        visit(inner);
        continue;
      }
      antlr4::Token &token = *static_cast<antlr4::tree::TerminalNode *>(child)->getSymbol();
      if (token.getType() != P::Newline && token.getType() != P::EOF)
        leaves.push_back({roleOf(token, context), rangeOf(file, token), false});
    }
    if (isItem && first < leaves.size())
      leaves[first].startsItem = true;
  }

  std::vector<SyntaxToken> leaves;

private:
  static antlr4::ParserRuleContext *parentOf(antlr4::ParserRuleContext *context) {
    return static_cast<antlr4::ParserRuleContext *>(context->parent);
  }

  FileId file;
};

} // namespace

std::optional<std::vector<SyntaxToken>> xfer::dsl::readSyntaxTokens(const SourceManager &sources, FileId file,
                                                                    Diagnostics &diagnostics) {
  unsigned before = diagnostics.getNumErrors();
  if (!checkText(sources, file, diagnostics))
    return std::nullopt;
  TreeReader reader(sources, file, diagnostics);
  XferParser::FileContext *tree = reader.read();
  // Some mistakes are found only when the AST is built.
  if (tree && diagnostics.getNumErrors() == before)
    AstBuilder(sources, file, diagnostics).build(tree);
  if (!tree || diagnostics.getNumErrors() != before)
    return std::nullopt;
  LeafCollector collector(file);
  collector.visit(tree);
  std::vector<SyntaxToken> tokens;
  auto leaf = collector.leaves.begin();
  for (SourceRange comment : reader.getComments()) {
    for (; leaf != collector.leaves.end() && leaf->range.begin < comment.begin; ++leaf)
      tokens.push_back(*leaf);
    tokens.push_back({TokenRole::Comment, comment, false});
  }
  tokens.insert(tokens.end(), leaf, collector.leaves.end());
  return tokens;
}
