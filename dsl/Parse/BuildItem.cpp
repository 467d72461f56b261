#include "dsl/Parse/AstBuilder.h"

using namespace xfer::dsl;

std::unique_ptr<File> AstBuilder::build(P::FileContext *context) {
  auto result = std::make_unique<File>();
  result->id = file;
  result->items = items(context->item());
  return result;
}

AstBuilder::Any AstBuilder::give(ItemPtr made) {
  madeItem = std::move(made);
  return {};
}

ItemPtr AstBuilder::item(P::ItemContext *context) {
  // What had a syntax error was reported; half an item would only cause more.
  Depth level(*this);
  if (context->exception || tooDeep(range(context)))
    return nullptr;
  context->accept(this);
  ItemPtr result = std::move(madeItem);
  result->range = range(context);
  result->keyword = range(context->getStart());
  return result;
}

std::vector<ItemPtr> AstBuilder::items(const std::vector<P::ItemContext *> &contexts) {
  std::vector<ItemPtr> result;
  for (P::ItemContext *context : contexts)
    if (ItemPtr made = item(context))
      result.push_back(std::move(made));
  return result;
}

BlockPtr AstBuilder::block(P::BlockContext *context) {
  if (!context)
    return nullptr;
  auto result = std::make_unique<Block>();
  result->range = range(context);
  result->items = items(context->item());
  return result;
}

AstBuilder::Any AstBuilder::visitImportItem(P::ImportItemContext *context) {
  auto result = std::make_unique<ImportItem>();
  if (context->file_name)
    result->file = string(context->file_name);
  result->path = names(context->path);
  result->alias = optionalName(context->alias);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitConstItem(P::ConstItemContext *context) {
  auto result = std::make_unique<ConstItem>();
  result->doc = docAbove(context);
  result->name = name(context->name());
  result->type = type(context->type());
  result->value = expr(context->expr());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitParamItem(P::ParamItemContext *context) {
  auto result = std::make_unique<ParamItem>();
  result->doc = docAbove(context);
  result->slot = slot(context->slot());
  result->type = type(context->type());
  result->initial = expr(context->initial);
  result->when = expr(context->condition);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitStateItem(P::StateItemContext *context) {
  auto result = std::make_unique<StateItem>();
  result->slot = slot(context->slot());
  result->type = type(context->type());
  result->per = optionalName(context->per);
  result->initial = expr(context->initial);
  result->merge = optionalName(context->how);
  result->when = expr(context->condition);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitUpdateItem(P::UpdateItemContext *context) {
  auto result = std::make_unique<UpdateItem>();
  result->slot = slot(context->slot());
  result->value = expr(context->expr());
  if (context->timing())
    result->timing = timing(context->timing());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitLetItem(P::LetItemContext *context) {
  auto result = std::make_unique<LetItem>();
  result->pattern = pattern(context->pattern());
  result->value = expr(context->expr());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitForItem(P::ForItemContext *context) {
  auto result = std::make_unique<ForItem>();
  result->pattern = pattern(context->pattern());
  result->iterable = expr(context->expr());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitIfItem(P::IfItemContext *context) {
  auto result = std::make_unique<IfItem>();
  result->condition = expr(context->expr());
  result->then = block(context->block(0));
  if (P::ItemContext *alone = context->item()) {
    auto otherwise = std::make_unique<Block>();
    otherwise->range = range(alone);
    if (ItemPtr made = item(alone))
      otherwise->items.push_back(std::move(made));
    result->otherwise = std::move(otherwise);
  } else if (context->block().size() > 1) {
    result->otherwise = block(context->block(1));
  }
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitPartItem(P::PartItemContext *context) {
  auto result = std::make_unique<PartItem>();
  result->name = name(context->name());
  result->value = expr(context->expr());
  return give(std::move(result));
}

/// A function or an export, which differ by their first word alone.
template <typename Item, typename ItemContext> AstBuilder::Any AstBuilder::callable(ItemContext *context) {
  auto result = std::make_unique<Item>();
  result->doc = docAbove(context);
  result->name = name(context->name());
  result->formals = formals(context->formals());
  result->result = type(context->type());
  result->body.value = expr(context->expr());
  result->body.block = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitFnItem(P::FnItemContext *context) { return callable<FnItem>(context); }

AstBuilder::Any AstBuilder::visitModuleItem(P::ModuleItemContext *context) {
  auto result = std::make_unique<ModuleItem>();
  result->doc = docAbove(context);
  result->name = name(context->name());
  result->arguments = formals(context->arguments);
  result->inputs = formals(context->inputs);
  result->result = type(context->type());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitReturnItem(P::ReturnItemContext *context) {
  auto result = std::make_unique<ReturnItem>();
  result->value = expr(context->expr());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitYieldItem(P::YieldItemContext *context) {
  auto result = std::make_unique<YieldItem>();
  result->value = expr(context->expr());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitNextItem(P::NextItemContext *context) {
  auto result = std::make_unique<NextItem>();
  result->carries = carries(context->carry());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitDomainItem(P::DomainItemContext *context) {
  auto result = std::make_unique<DomainItem>();
  result->slot = slot(context->slot());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitModelItem(P::ModelItemContext *context) {
  auto result = std::make_unique<ModelItem>();
  result->slot = slot(context->slot());
  result->constructor = expr(context->expr());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitStageItem(P::StageItemContext *context) {
  auto result = std::make_unique<StageItem>();
  result->slot = slot(context->slot(0));
  if (context->slot().size() > 1)
    result->from = slot(context->slot(1));
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitBaselineItem(P::BaselineItemContext *context) {
  auto result = std::make_unique<BaselineItem>();
  result->name = name(context->name());
  result->stage = slot(context->slot());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitEvaluateItem(P::EvaluateItemContext *context) {
  auto result = std::make_unique<EvaluateItem>();
  result->sources = sourceUses(context->source());
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitExportItem(P::ExportItemContext *context) { return callable<ExportItem>(context); }

AstBuilder::Any AstBuilder::visitSweepItem(P::SweepItemContext *context) {
  auto result = std::make_unique<SweepItem>();
  for (P::AxisContext *axis : context->axis())
    result->axes.push_back({name(axis->name()), expr(axis->expr())});
  result->body = block(context->block());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitRepeatItem(P::RepeatItemContext *context) {
  auto result = std::make_unique<RepeatItem>();
  result->count = expr(context->expr());
  result->fresh = context->fresh;
  result->body = block(context->block());
  return give(std::move(result));
}
