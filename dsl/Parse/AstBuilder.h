//===- AstBuilder.h - parse tree to AST ---------------------------------------------------------------------------===//
//
// Walks ANTLR's tree once. Every labelled alternative of `item`, `expr`, `atom`, ... has one short function that makes
// one struct. Items in which the parser found an error are left out.
//
//===------------------------------------------------------------------------------------------------------------===//

#ifndef XFER_DSL_PARSE_ASTBUILDER_H
#define XFER_DSL_PARSE_ASTBUILDER_H

#include "XferParserBaseVisitor.h"
#include "dsl/AST/AST.h"
#include "dsl/Source/Diagnostics.h"

namespace xfer::dsl {

/// Deepest AST that is built. What walks the AST recursively may rely on it.
constexpr unsigned maxDepth = 500;

class AstBuilder final : private grammar::XferParserBaseVisitor {
public:
  AstBuilder(const SourceManager &sources, FileId file, Diagnostics &diagnostics)
      : sources(sources), file(file), diagnostics(diagnostics) {}

  std::unique_ptr<File> build(grammar::XferParser::FileContext *context);

private:
  using P = grammar::XferParser;
  using Any = antlrcpp::Any;
  using Context = antlr4::ParserRuleContext;

  /// Levels of the AST above what is being built; a chain of operators counts one for each.
  class Depth {
  public:
    Depth(AstBuilder &builder, unsigned levels = 1) : builder(builder), levels(levels) { builder.depth += levels; }
    ~Depth() { builder.depth -= levels; }

  private:
    AstBuilder &builder;
    unsigned levels;
  };

  // Places.
  SourceRange range(const antlr4::Token *token) const;
  SourceRange range(Context *context) const;
  bool tooDeep(SourceRange where);

  // Names and small parts (BuildParts.cpp).
  Name name(P::NameContext *context);
  Name string(const antlr4::Token *token);
  std::optional<Name> optionalName(P::NameContext *context);
  std::vector<Name> names(const std::vector<P::NameContext *> &contexts);
  Pattern pattern(P::PatternContext *context);
  Slot slot(P::SlotContext *context);
  Segment segment(P::SegmentContext *context);
  Selector selector(P::SelectorContext *context);
  Selectors selectors(P::SelectorsContext *context);
  std::optional<Selectors> optionalSelectors(P::SelectorsContext *context);
  Rewrites rewrites(P::RewritesContext *context);
  std::vector<Formal> formals(P::FormalsContext *context);
  std::vector<Argument> arguments(P::ArgsContext *context);
  std::vector<Carry> carries(const std::vector<P::CarryContext *> &contexts);
  std::vector<Rate> rates(P::RatesContext *context);
  std::optional<Updater> updater(P::UpdaterContext *context);
  std::vector<SourceUse> sourceUses(const std::vector<P::SourceContext *> &contexts);
  std::vector<ExprPtr> over(P::OverContext *context);
  Timing timing(P::TimingContext *context);
  std::vector<RecordType::Field> fieldTypes(const std::vector<P::Field_typeContext *> &contexts);
  std::string docAbove(Context *context) const;

  // Types (BuildParts.cpp).
  TypePtr type(P::TypeContext *context);
  std::vector<TypePtr> types(P::TypesContext *context);
  std::vector<Dim> dims(P::DimsContext *context);
  Any visitModuleType(P::ModuleTypeContext *context) override;
  Any visitFnType(P::FnTypeContext *context) override;
  Any visitLikeType(P::LikeTypeContext *context) override;
  Any visitRecordType(P::RecordTypeContext *context) override;
  Any visitDimsType(P::DimsTypeContext *context) override;
  Any visitNamedType(P::NamedTypeContext *context) override;

  // Expressions (BuildExpr.cpp): each rule of the precedence ladder, then the visited alternatives.
  ExprPtr expr(P::ExprContext *context);
  std::vector<ExprPtr> exprs(const std::vector<P::ExprContext *> &contexts);
  ExprPtr either(P::EitherContext *context);
  ExprPtr both(P::BothContext *context);
  ExprPtr negation(P::NegationContext *context);
  ExprPtr sum(P::SumContext *context);
  ExprPtr product(P::ProductContext *context);
  ExprPtr unary(P::UnaryContext *context);
  ExprPtr postfix(P::PostfixContext *context);
  ExprPtr suffix(P::SuffixContext *context, ExprPtr object);
  ExprPtr atom(P::AtomContext *context);
  Body body(P::BodyContext *context);
  ExprPtr binary(BinaryOp op, SourceRange opRange, ExprPtr lhs, ExprPtr rhs);
  ExprPtr prefixed(UnaryOp op, Context *context, ExprPtr operand);
  template <typename OperandContext>
  ExprPtr chain(const std::vector<OperandContext *> &operands, ExprPtr (AstBuilder::*build)(OperandContext *),
                llvm::function_ref<std::pair<BinaryOp, SourceRange>(size_t)> op);
  Any visitChoice(P::ChoiceContext *context) override;
  Any visitLambda(P::LambdaContext *context) override;
  Any visitEachLoop(P::EachLoopContext *context) override;
  Any visitScanLoop(P::ScanLoopContext *context) override;
  Any visitIntAtom(P::IntAtomContext *context) override;
  Any visitFloatAtom(P::FloatAtomContext *context) override;
  Any visitSizeAtom(P::SizeAtomContext *context) override;
  Any visitStringAtom(P::StringAtomContext *context) override;
  Any visitBoolAtom(P::BoolAtomContext *context) override;
  Any visitNoneAtom(P::NoneAtomContext *context) override;
  Any visitNameAtom(P::NameAtomContext *context) override;
  Any visitRecordAtom(P::RecordAtomContext *context) override;
  Any visitTupleAtom(P::TupleAtomContext *context) override;
  Any visitListAtom(P::ListAtomContext *context) override;

  // Items (BuildItem.cpp, BuildClause.cpp).
  ItemPtr item(P::ItemContext *context);
  std::vector<ItemPtr> items(const std::vector<P::ItemContext *> &contexts);
  BlockPtr block(P::BlockContext *context);
  template <typename Item, typename ItemContext> Any callable(ItemContext *context);
  Any visitImportItem(P::ImportItemContext *context) override;
  Any visitConstItem(P::ConstItemContext *context) override;
  Any visitParamItem(P::ParamItemContext *context) override;
  Any visitStateItem(P::StateItemContext *context) override;
  Any visitUpdateItem(P::UpdateItemContext *context) override;
  Any visitLetItem(P::LetItemContext *context) override;
  Any visitForItem(P::ForItemContext *context) override;
  Any visitIfItem(P::IfItemContext *context) override;
  Any visitPartItem(P::PartItemContext *context) override;
  Any visitFnItem(P::FnItemContext *context) override;
  Any visitModuleItem(P::ModuleItemContext *context) override;
  Any visitReturnItem(P::ReturnItemContext *context) override;
  Any visitYieldItem(P::YieldItemContext *context) override;
  Any visitNextItem(P::NextItemContext *context) override;
  Any visitDomainItem(P::DomainItemContext *context) override;
  Any visitModelItem(P::ModelItemContext *context) override;
  Any visitStageItem(P::StageItemContext *context) override;
  Any visitBaselineItem(P::BaselineItemContext *context) override;
  Any visitEvaluateItem(P::EvaluateItemContext *context) override;
  Any visitExportItem(P::ExportItemContext *context) override;
  Any visitSweepItem(P::SweepItemContext *context) override;
  Any visitRepeatItem(P::RepeatItemContext *context) override;
  Any visitOriginItem(P::OriginItemContext *context) override;
  Any visitFieldsItem(P::FieldsItemContext *context) override;
  Any visitSplitItem(P::SplitItemContext *context) override;
  Any visitMappingItem(P::MappingItemContext *context) override;
  Any visitHideItem(P::HideItemContext *context) override;
  Any visitLoadItem(P::LoadItemContext *context) override;
  Any visitOnItem(P::OnItemContext *context) override;
  Any visitEpochByItem(P::EpochByItemContext *context) override;
  Any visitDefinitionItem(P::DefinitionItemContext *context) override;
  Any visitWatchItem(P::WatchItemContext *context) override;
  Any visitMinimizeItem(P::MinimizeItemContext *context) override;
  Any visitApplyItem(P::ApplyItemContext *context) override;
  Any visitRunItem(P::RunItemContext *context) override;
  Any visitFreezeItem(P::FreezeItemContext *context) override;
  Any visitSetItem(P::SetItemContext *context) override;
  Any visitOptimizerItem(P::OptimizerItemContext *context) override;
  Any visitSettingItem(P::SettingItemContext *context) override;
  Any visitKeepItem(P::KeepItemContext *context) override;
  Any visitStopItem(P::StopItemContext *context) override;
  Any visitPredictItem(P::PredictItemContext *context) override;
  Any visitReportItem(P::ReportItemContext *context) override;

  /// What a visited function leaves: ANTLR's Any copies, so it cannot carry a unique_ptr.
  Any give(ItemPtr made);
  Any give(ExprPtr made);
  Any give(TypePtr made);

  const SourceManager &sources;
  FileId file;
  Diagnostics &diagnostics;
  unsigned depth = 0;
  bool refused = false;
  ItemPtr madeItem;
  ExprPtr madeExpr;
  TypePtr madeType;
};

} // namespace xfer::dsl

#endif // XFER_DSL_PARSE_ASTBUILDER_H
