#include "dsl/Parse/AstBuilder.h"
#include "dsl/Parse/Lexing.h"
#include "llvm/ADT/SmallVector.h"

using namespace xfer::dsl;

SourceRange AstBuilder::range(const antlr4::Token *token) const { return rangeOf(file, *token); }

SourceRange AstBuilder::range(Context *context) const {
  SourceRange start = range(context->getStart());
  // A rule that matched nothing stops before it starts.
  if (!context->getStop() || context->getStop()->getTokenIndex() < context->getStart()->getTokenIndex())
    return {file, start.begin, start.begin};
  return start.to(range(context->getStop()));
}

bool AstBuilder::tooDeep(SourceRange where) {
  if (depth <= maxDepth)
    return false;
  // One report: what is too deep is so at every level below.
  if (!refused)
    diagnostics.error("nesting-too-deep", where,
                      "this is nested more than " + llvm::Twine(maxDepth) +
                          " levels deep, operators of a chain counted");
  refused = true;
  return true;
}

Name AstBuilder::name(P::NameContext *context) {
  SourceRange where = range(context);
  return {sources.getText(where).str(), where};
}

std::optional<Name> AstBuilder::optionalName(P::NameContext *context) {
  if (!context)
    return std::nullopt;
  return name(context);
}

std::vector<Name> AstBuilder::names(const std::vector<P::NameContext *> &contexts) {
  std::vector<Name> result;
  for (P::NameContext *context : contexts)
    result.push_back(name(context));
  return result;
}

Name AstBuilder::string(const antlr4::Token *token) {
  Name result;
  result.range = range(token);
  llvm::StringRef raw = sources.getText(result.range).drop_front();
  // A string whose end is missing was reported when it was read.
  raw.consume_back("\"");
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      result.text += raw[i];
      continue;
    }
    switch (char escaped = raw[++i]) {
    case 'n':
      result.text += '\n';
      break;
    case 't':
      result.text += '\t';
      break;
    case '"':
    case '\\':
      result.text += escaped;
      break;
    default:
      uint32_t at = result.range.begin + i;
      diagnostics.error("unknown-escape", {file, at, at + 2},
                        "unknown escape '\\" + llvm::Twine(escaped) + "'; known are \\n, \\t, \\\" and \\\\");
    }
  }
  return result;
}

Pattern AstBuilder::pattern(P::PatternContext *context) {
  if (!context)
    return {};
  return {names(context->name()), range(context)};
}

Slot AstBuilder::slot(P::SlotContext *context) {
  Slot result;
  result.range = range(context);
  result.base = name(context->name());
  for (P::Slot_stepContext *step : context->slot_step())
    result.steps.push_back({range(step), optionalName(step->name()), exprs(step->expr())});
  return result;
}

Segment AstBuilder::segment(P::SegmentContext *context) {
  Segment result;
  result.range = range(context);
  P::StepContext *step = context->step();
  if (auto *plain = dynamic_cast<P::NameStepContext *>(step)) {
    result.kind = Segment::Kind::Name;
    result.names.push_back(name(plain->name()));
  } else if (auto *text = dynamic_cast<P::StringStepContext *>(step)) {
    result.kind = Segment::Kind::String;
    result.names.push_back(string(text->getStart()));
  } else if (auto *set = dynamic_cast<P::SetStepContext *>(step)) {
    result.kind = Segment::Kind::Set;
    result.names = names(set->name());
  } else {
    result.kind = dynamic_cast<P::DeepStepContext *>(step) ? Segment::Kind::Deep : Segment::Kind::Any;
  }
  for (P::Step_indexContext *index : context->step_index())
    result.indices.push_back({range(index), expr(index->expr())});
  return result;
}

Selector AstBuilder::selector(P::SelectorContext *context) {
  Selector result;
  result.range = range(context);
  for (P::SegmentContext *step : context->segment())
    result.segments.push_back(segment(step));
  result.isKind = optionalName(context->name());
  return result;
}

Selectors AstBuilder::selectors(P::SelectorsContext *context) {
  Selectors result;
  result.range = range(context);
  for (P::SelectorContext *one : context->included)
    result.included.push_back(selector(one));
  for (P::SelectorContext *one : context->excluded)
    result.except.push_back(selector(one));
  result.expect = expr(context->expr());
  return result;
}

std::optional<Selectors> AstBuilder::optionalSelectors(P::SelectorsContext *context) {
  if (!context)
    return std::nullopt;
  return selectors(context);
}

Rewrites AstBuilder::rewrites(P::RewritesContext *context) {
  Rewrites result;
  result.range = range(context);
  for (P::RewriteContext *rule : context->rewrite())
    result.rules.push_back({range(rule), selector(rule->selector()), expr(rule->replacement), expr(rule->number)});
  return result;
}

std::vector<Formal> AstBuilder::formals(P::FormalsContext *context) {
  std::vector<Formal> result;
  if (!context)
    return result;
  for (P::FormalContext *formal : context->formal())
    result.push_back(
        {range(formal), formal->given != nullptr, name(formal->name()), type(formal->type()), expr(formal->expr())});
  return result;
}

std::vector<Argument> AstBuilder::arguments(P::ArgsContext *context) {
  std::vector<Argument> result;
  if (!context)
    return result;
  for (P::ArgContext *argument : context->arg())
    result.push_back({optionalName(argument->name()), expr(argument->expr())});
  return result;
}

std::vector<Carry> AstBuilder::carries(const std::vector<P::CarryContext *> &contexts) {
  std::vector<Carry> result;
  for (P::CarryContext *context : contexts)
    result.push_back({name(context->name()), expr(context->expr())});
  return result;
}

std::vector<Rate> AstBuilder::rates(P::RatesContext *context) {
  std::vector<Rate> result;
  if (!context)
    return result;
  for (P::RateContext *rate : context->rate()) {
    Rate &made = result.emplace_back();
    made.range = range(rate);
    made.selector = selector(rate->selector());
    made.factor = expr(rate->factor);
    if (rate->pattern())
      made.pattern = pattern(rate->pattern());
    made.iterable = expr(rate->iterable);
  }
  return result;
}

std::optional<Updater> AstBuilder::updater(P::UpdaterContext *context) {
  if (!context)
    return std::nullopt;
  return Updater{range(context), expr(context->expr()), rates(context->rates())};
}

std::vector<SourceUse> AstBuilder::sourceUses(const std::vector<P::SourceContext *> &contexts) {
  std::vector<SourceUse> result;
  for (P::SourceContext *source : contexts)
    result.push_back({range(source), expr(source->split), optionalName(source->name()), expr(source->sampler),
                      expr(source->batch), expr(source->micro), expr(source->number)});
  return result;
}

std::vector<ExprPtr> AstBuilder::over(P::OverContext *context) {
  return context ? exprs(context->expr()) : std::vector<ExprPtr>();
}

Timing AstBuilder::timing(P::TimingContext *context) {
  Timing result;
  result.range = range(context);
  if (auto *one = dynamic_cast<P::EveryOneContext *>(context)) {
    result.kind = one->unit->getType() == P::Epoch ? Timing::Kind::EveryEpoch : Timing::Kind::EveryStep;
  } else if (auto *few = dynamic_cast<P::EveryFewContext *>(context)) {
    result.kind = few->unit->getType() == P::Epochs ? Timing::Kind::EveryEpochs : Timing::Kind::EverySteps;
    result.count = expr(few->expr());
  } else {
    bool before = static_cast<P::AroundStageContext *>(context)->side->getType() == P::Before;
    result.kind = before ? Timing::Kind::BeforeStage : Timing::Kind::AfterStage;
  }
  return result;
}

std::vector<RecordType::Field> AstBuilder::fieldTypes(const std::vector<P::Field_typeContext *> &contexts) {
  std::vector<RecordType::Field> result;
  for (P::Field_typeContext *context : contexts)
    result.push_back({name(context->name()), type(context->type())});
  return result;
}

/// The comment lines right above, without their '#': the parser never sees comments, so this reads the text.
std::string AstBuilder::docAbove(Context *context) const {
  llvm::StringRef before = sources.getText(file).take_front(context->getStart()->getStartIndex());
  before = before.rtrim(" \t");
  llvm::SmallVector<llvm::StringRef> lines;
  while (before.consume_back("\n")) {
    before.consume_back("\r");
    llvm::StringRef line = before.take_back(before.size() - (before.rfind('\n') + 1));
    before = before.drop_back(line.size());
    line = line.trim(" \t\r");
    if (!line.consume_front("#"))
      break;
    line.consume_front(" ");
    lines.push_back(line);
  }
  std::string text;
  for (llvm::StringRef line : llvm::reverse(lines))
    text += (text.empty() ? "" : "\n") + line.str();
  return text;
}

AstBuilder::Any AstBuilder::give(TypePtr made) {
  madeType = std::move(made);
  return {};
}

TypePtr AstBuilder::type(P::TypeContext *context) {
  if (!context)
    return nullptr;
  Depth level(*this);
  if (tooDeep(range(context)))
    return std::make_unique<DimsType>();
  context->base_type()->accept(this);
  TypePtr result = std::move(madeType);
  result->range = range(context);
  result->optional = context->optional;
  return result;
}

std::vector<TypePtr> AstBuilder::types(P::TypesContext *context) {
  std::vector<TypePtr> result;
  if (context)
    for (P::TypeContext *one : context->type())
      result.push_back(type(one));
  return result;
}

std::vector<Dim> AstBuilder::dims(P::DimsContext *context) {
  std::vector<Dim> result;
  for (P::DimContext *dim : context->dim()) {
    Dim &made = result.emplace_back();
    made.range = range(dim);
    if (auto *rest = dynamic_cast<P::RestDimContext *>(dim)) {
      made.kind = Dim::Kind::Rest;
      made.name = optionalName(rest->name());
    } else if (auto *extent = dynamic_cast<P::ExtentDimContext *>(dim)) {
      made.kind = Dim::Kind::Extent;
      made.value = expr(extent->expr());
    } else {
      made.kind = Dim::Kind::Varies;
    }
  }
  return result;
}

AstBuilder::Any AstBuilder::visitModuleType(P::ModuleTypeContext *context) {
  auto result = std::make_unique<ModuleType>();
  result->inputs = types(context->types());
  result->result = type(context->type());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitFnType(P::FnTypeContext *context) {
  auto result = std::make_unique<FnType>();
  result->inputs = types(context->types());
  result->result = type(context->type());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitLikeType(P::LikeTypeContext *context) {
  auto result = std::make_unique<LikeType>();
  result->slot = slot(context->slot());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitRecordType(P::RecordTypeContext *context) {
  auto result = std::make_unique<RecordType>();
  result->fields = fieldTypes(context->field_type());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitDimsType(P::DimsTypeContext *context) {
  auto result = std::make_unique<DimsType>();
  result->dims = dims(context->dims());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitNamedType(P::NamedTypeContext *context) {
  auto result = std::make_unique<NamedType>();
  result->name = name(context->name());
  result->arguments = arguments(context->args());
  if (context->dims())
    result->dims = dims(context->dims());
  return give(std::move(result));
}
