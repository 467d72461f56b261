#include "dsl/Parse/AstBuilder.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace xfer::dsl;

AstBuilder::Any AstBuilder::give(ExprPtr made) {
  madeExpr = std::move(made);
  return {};
}

ExprPtr AstBuilder::expr(P::ExprContext *context) {
  if (!context)
    return nullptr;
  SourceRange where = range(context);
  Depth level(*this);
  if (tooDeep(where)) {
    auto nothing = std::make_unique<NoneExpr>();
    nothing->range = where;
    return nothing;
  }
  context->accept(this);
  return std::move(madeExpr);
}

std::vector<ExprPtr> AstBuilder::exprs(const std::vector<P::ExprContext *> &contexts) {
  std::vector<ExprPtr> result;
  for (P::ExprContext *context : contexts)
    result.push_back(expr(context));
  return result;
}

Body AstBuilder::body(P::BodyContext *context) {
  Body result;
  if (context->block())
    result.block = block(context->block());
  else
    result.value = expr(context->expr());
  return result;
}

AstBuilder::Any AstBuilder::visitChoice(P::ChoiceContext *context) {
  if (!context->condition)
    return give(either(context->value));
  auto choice = std::make_unique<ConditionalExpr>();
  choice->range = range(context);
  choice->value = either(context->value);
  choice->condition = either(context->condition);
  choice->otherwise = expr(context->otherwise);
  return give(std::move(choice));
}

AstBuilder::Any AstBuilder::visitLambda(P::LambdaContext *context) {
  auto lambda = std::make_unique<LambdaExpr>();
  lambda->range = range(context);
  lambda->formals = pattern(context->pattern());
  lambda->body = expr(context->expr());
  return give(std::move(lambda));
}

AstBuilder::Any AstBuilder::visitEachLoop(P::EachLoopContext *context) {
  auto each = std::make_unique<EachExpr>();
  each->range = range(context);
  each->pattern = pattern(context->pattern());
  each->source = expr(context->from);
  each->along = expr(context->along);
  each->body = body(context->body());
  return give(std::move(each));
}

AstBuilder::Any AstBuilder::visitScanLoop(P::ScanLoopContext *context) {
  auto scan = std::make_unique<ScanExpr>();
  scan->range = range(context);
  scan->pattern = pattern(context->pattern());
  scan->source = expr(context->from);
  scan->along = expr(context->along);
  scan->carries = carries(context->carry());
  scan->whileCondition = expr(context->condition);
  scan->body = body(context->body());
  return give(std::move(scan));
}

ExprPtr AstBuilder::binary(BinaryOp op, SourceRange opRange, ExprPtr lhs, ExprPtr rhs) {
  auto result = std::make_unique<BinaryExpr>();
  result->range = lhs->range.to(rhs->range);
  result->op = op;
  result->opRange = opRange;
  result->lhs = std::move(lhs);
  result->rhs = std::move(rhs);
  return result;
}

ExprPtr AstBuilder::prefixed(UnaryOp op, Context *context, ExprPtr operand) {
  auto result = std::make_unique<UnaryExpr>();
  result->range = range(context);
  result->op = op;
  result->operand = std::move(operand);
  return result;
}

/// `a - b - c`, from the left; `op` tells the operator behind the operand of that number.
template <typename OperandContext>
ExprPtr AstBuilder::chain(const std::vector<OperandContext *> &operands, ExprPtr (AstBuilder::*build)(OperandContext *),
                          llvm::function_ref<std::pair<BinaryOp, SourceRange>(size_t)> op) {
  // The first operand ends up below all operators of the chain.
  Depth levels(*this, operands.size() - 1);
  if (operands.size() > 1 && tooDeep(range(operands.front()).to(range(operands.back()))))
    return std::make_unique<NoneExpr>();
  ExprPtr result = (this->*build)(operands[0]);
  for (size_t i = 1; i < operands.size(); ++i) {
    auto [kind, where] = op(i - 1);
    ExprPtr next = (this->*build)(operands[i]);
    result = binary(kind, where, std::move(result), std::move(next));
  }
  return result;
}

ExprPtr AstBuilder::either(P::EitherContext *context) {
  return chain<P::BothContext>(context->both(), &AstBuilder::both, [&](size_t i) {
    return std::make_pair(BinaryOp::Or, range(context->Or(i)->getSymbol()));
  });
}

ExprPtr AstBuilder::both(P::BothContext *context) {
  return chain<P::NegationContext>(context->negation(), &AstBuilder::negation, [&](size_t i) {
    return std::make_pair(BinaryOp::And, range(context->And(i)->getSymbol()));
  });
}

ExprPtr AstBuilder::negation(P::NegationContext *context) {
  if (auto *notTrue = dynamic_cast<P::NotTrueContext *>(context)) {
    Depth level(*this);
    if (tooDeep(range(context)))
      return std::make_unique<NoneExpr>();
    return prefixed(UnaryOp::Not, context, negation(notTrue->negation()));
  }
  auto *compare = static_cast<P::CompareContext *>(context);
  ExprPtr left = sum(compare->sum(0));
  if (!compare->op)
    return left;
  BinaryOp op = BinaryOp::Less;
  switch (compare->op->getType()) {
  case P::LessEqual:
    op = BinaryOp::LessEqual;
    break;
  case P::Greater:
    op = BinaryOp::Greater;
    break;
  case P::GreaterEqual:
    op = BinaryOp::GreaterEqual;
    break;
  case P::Equal:
    op = BinaryOp::Equal;
    break;
  case P::NotEqual:
    op = BinaryOp::NotEqual;
    break;
  default:
    break;
  }
  return binary(op, range(compare->op), std::move(left), sum(compare->sum(1)));
}

ExprPtr AstBuilder::sum(P::SumContext *context) {
  return chain<P::ProductContext>(context->product(), &AstBuilder::product, [&](size_t i) {
    antlr4::Token *token = context->sum_op(i)->getStart();
    return std::make_pair(token->getType() == P::Plus ? BinaryOp::Add : BinaryOp::Subtract, range(token));
  });
}

ExprPtr AstBuilder::product(P::ProductContext *context) {
  return chain<P::UnaryContext>(context->unary(), &AstBuilder::unary, [&](size_t i) {
    antlr4::Token *token = context->product_op(i)->getStart();
    BinaryOp op = BinaryOp::Multiply;
    switch (token->getType()) {
    case P::Slash:
      op = BinaryOp::Divide;
      break;
    case P::SlashSlash:
      op = BinaryOp::FloorDivide;
      break;
    case P::Percent:
      op = BinaryOp::Modulo;
      break;
    case P::AtSign:
      op = BinaryOp::MatMul;
      break;
    default:
      break;
    }
    return std::make_pair(op, range(token));
  });
}

ExprPtr AstBuilder::unary(P::UnaryContext *context) {
  Depth level(*this);
  if (tooDeep(range(context)))
    return std::make_unique<NoneExpr>();
  if (auto *minus = dynamic_cast<P::MinusContext *>(context))
    return prefixed(UnaryOp::Negate, context, unary(minus->unary()));
  auto *power = static_cast<P::PowerContext *>(context);
  ExprPtr base = postfix(power->postfix());
  if (!power->unary())
    return base;
  return binary(BinaryOp::Power, range(power->StarStar()->getSymbol()), std::move(base), unary(power->unary()));
}

ExprPtr AstBuilder::postfix(P::PostfixContext *context) {
  std::vector<P::SuffixContext *> suffixes = context->suffix();
  Depth levels(*this, suffixes.size());
  if (tooDeep(range(context)))
    return std::make_unique<NoneExpr>();
  ExprPtr result = atom(context->atom());
  for (P::SuffixContext *next : suffixes)
    result = suffix(next, std::move(result));
  if (!context->slot())
    return result;
  auto at = std::make_unique<AtExpr>();
  at->range = range(context);
  at->object = std::move(result);
  at->slot = slot(context->slot());
  return at;
}

ExprPtr AstBuilder::suffix(P::SuffixContext *context, ExprPtr object) {
  SourceRange whole = object->range.to(range(context));
  if (auto *member = dynamic_cast<P::MemberSuffixContext *>(context)) {
    auto result = std::make_unique<MemberExpr>();
    result->range = whole;
    result->object = std::move(object);
    result->member = name(member->name());
    return result;
  }
  if (auto *call = dynamic_cast<P::CallSuffixContext *>(context)) {
    auto result = std::make_unique<CallExpr>();
    result->range = whole;
    result->callee = std::move(object);
    result->arguments = arguments(call->args());
    return result;
  }
  if (auto *with = dynamic_cast<P::WithSuffixContext *>(context)) {
    auto result = std::make_unique<WithExpr>();
    result->range = whole;
    result->object = std::move(object);
    result->rewrites = rewrites(with->rewrites());
    return result;
  }
  auto result = std::make_unique<IndexExpr>();
  result->range = whole;
  result->object = std::move(object);
  for (P::IndexContext *index : static_cast<P::IndexSuffixContext *>(context)->index()) {
    IndexExpr::Item &item = result->items.emplace_back();
    item.range = range(index);
    if (auto *low = dynamic_cast<P::LowIndexContext *>(index)) {
      item.isRange = low->dots;
      item.low = expr(low->low);
      item.high = expr(low->high);
    } else {
      item.isRange = true;
      item.high = expr(static_cast<P::HighIndexContext *>(index)->high);
    }
  }
  return result;
}

ExprPtr AstBuilder::atom(P::AtomContext *context) {
  context->accept(this);
  return std::move(madeExpr);
}

AstBuilder::Any AstBuilder::visitIntAtom(P::IntAtomContext *context) {
  auto number = std::make_unique<IntExpr>();
  number->range = range(context);
  if (sources.getText(number->range).getAsInteger(10, number->value))
    diagnostics.error("number-too-large", number->range,
                      "this number does not fit into 64 bits; write it as a float, such as 1e20");
  return give(std::move(number));
}

AstBuilder::Any AstBuilder::visitFloatAtom(P::FloatAtomContext *context) {
  auto number = std::make_unique<FloatExpr>();
  number->range = range(context);
  // Rounding to nearest is no failure; too large a value becomes infinite.
  if (!llvm::to_float(sources.getText(number->range), number->value) || std::isinf(number->value))
    diagnostics.error("number-too-large", number->range, "this number is larger than any that can be stored");
  return give(std::move(number));
}

AstBuilder::Any AstBuilder::visitSizeAtom(P::SizeAtomContext *context) {
  auto size = std::make_unique<SizeExpr>();
  size->range = range(context);
  llvm::StringRef text = sources.getText(size->range);
  unsigned shift = text.ends_with("KiB") ? 10 : text.ends_with("MiB") ? 20 : 30;
  uint64_t count = 0;
  if (text.drop_back(3).getAsInteger(10, count) || count > (UINT64_MAX >> shift))
    diagnostics.error("number-too-large", size->range, "this size does not fit into 64 bits");
  else
    size->bytes = count << shift;
  return give(std::move(size));
}

AstBuilder::Any AstBuilder::visitStringAtom(P::StringAtomContext *context) {
  auto result = std::make_unique<StringExpr>();
  Name text = string(context->getStart());
  result->range = text.range;
  result->value = std::move(text.text);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitBoolAtom(P::BoolAtomContext *context) {
  auto result = std::make_unique<BoolExpr>();
  result->range = range(context);
  result->value = context->value->getType() == P::True;
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitNoneAtom(P::NoneAtomContext *context) {
  auto result = std::make_unique<NoneExpr>();
  result->range = range(context);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitNameAtom(P::NameAtomContext *context) {
  auto result = std::make_unique<NameExpr>();
  Name read = name(context->name());
  result->range = read.range;
  result->name = std::move(read.text);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitRecordAtom(P::RecordAtomContext *context) {
  auto record = std::make_unique<RecordExpr>();
  record->range = range(context);
  for (P::FieldContext *field : context->field())
    record->fields.push_back({name(field->name()), expr(field->expr())});
  return give(std::move(record));
}

AstBuilder::Any AstBuilder::visitTupleAtom(P::TupleAtomContext *context) {
  std::vector<ExprPtr> elements = exprs(context->expr());
  if (elements.size() == 1 && context->commas.empty()) {
    // Brackets only group, but an error about the whole shows them.
    elements[0]->range = range(context);
    return give(std::move(elements[0]));
  }
  auto tuple = std::make_unique<TupleExpr>();
  tuple->range = range(context);
  tuple->elements = std::move(elements);
  return give(std::move(tuple));
}

AstBuilder::Any AstBuilder::visitListAtom(P::ListAtomContext *context) {
  if (!context->for_word) {
    auto list = std::make_unique<ListExpr>();
    list->range = range(context);
    list->elements = exprs(context->expr());
    return give(std::move(list));
  }
  auto comprehension = std::make_unique<ComprehensionExpr>();
  comprehension->range = range(context);
  comprehension->element = expr(context->expr(0));
  comprehension->pattern = pattern(context->pattern());
  comprehension->iterable = expr(context->iterable);
  return give(std::move(comprehension));
}
