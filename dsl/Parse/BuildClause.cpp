#include "dsl/Parse/AstBuilder.h"

using namespace xfer::dsl;

/// A setting clause of the kind that its word names.
static std::unique_ptr<SettingItem> makeSetting(size_t word) {
  using P = grammar::XferParser;
  switch (word) {
  case P::Schedule:
    return std::make_unique<ScheduleItem>();
  case P::Epochs:
    return std::make_unique<EpochsItem>();
  case P::Steps:
    return std::make_unique<StepsItem>();
  case P::Memory:
    return std::make_unique<MemoryItem>();
  default:
    return std::make_unique<PrecisionItem>();
  }
}

AstBuilder::Any AstBuilder::visitOriginItem(P::OriginItemContext *context) {
  std::unique_ptr<OriginItem> result;
  if (context->word->getType() == P::Read)
    result = std::make_unique<ReadItem>();
  else if (context->word->getType() == P::Generate)
    result = std::make_unique<GenerateItem>();
  else
    result = std::make_unique<LiveItem>();
  result->split = optionalName(context->name());
  result->value = expr(context->expr());
  return give(ItemPtr(std::move(result)));
}

AstBuilder::Any AstBuilder::visitFieldsItem(P::FieldsItemContext *context) {
  auto result = std::make_unique<FieldsItem>();
  result->fields = fieldTypes(context->field_type());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitSplitItem(P::SplitItemContext *context) {
  auto result = std::make_unique<SplitItem>();
  for (P::FieldContext *part : context->field())
    result->parts.push_back({name(part->name()), expr(part->expr())});
  result->parent = optionalName(context->parent);
  result->by = optionalName(context->by);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitMappingItem(P::MappingItemContext *context) {
  std::unique_ptr<MappingItem> result;
  if (context->word->getType() == P::Map)
    result = std::make_unique<MapItem>();
  else
    result = std::make_unique<AugmentItem>();
  for (P::SlotContext *target : context->slot())
    result->targets.push_back(slot(target));
  result->value = expr(context->value);
  result->views = expr(context->views);
  return give(ItemPtr(std::move(result)));
}

AstBuilder::Any AstBuilder::visitHideItem(P::HideItemContext *context) {
  auto result = std::make_unique<HideItem>();
  result->fields = names(context->fields);
  result->split = optionalName(context->split);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitLoadItem(P::LoadItemContext *context) {
  auto result = std::make_unique<LoadItem>();
  result->file = expr(context->expr());
  result->into = slot(context->slot());
  for (P::KeyContext *key : context->key()) {
    LoadItem::Rule &rule = result->rules.emplace_back();
    rule.key = string(key->from);
    rule.form = optionalName(key->form);
    if (key->to)
      rule.target = string(key->to);
  }
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitOnItem(P::OnItemContext *context) {
  auto result = std::make_unique<OnItem>();
  result->sources = sourceUses(context->source());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitEpochByItem(P::EpochByItemContext *context) {
  auto result = std::make_unique<EpochByItem>();
  result->source = name(context->name());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitDefinitionItem(P::DefinitionItemContext *context) {
  auto fill = [&](auto result) {
    result->name = name(context->name());
    result->value = expr(context->expr());
    return give(std::move(result));
  };
  if (context->word->getType() == P::Loss)
    return fill(std::make_unique<LossItem>());
  return fill(std::make_unique<HoldItem>());
}

AstBuilder::Any AstBuilder::visitWatchItem(P::WatchItemContext *context) {
  auto result = std::make_unique<WatchItem>();
  result->name = name(context->name());
  result->value = expr(context->expr());
  result->over = over(context->over());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitMinimizeItem(P::MinimizeItemContext *context) {
  auto result = std::make_unique<MinimizeItem>();
  result->value = expr(context->expr());
  result->over = optionalSelectors(context->selectors());
  result->updater = updater(context->updater());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitApplyItem(P::ApplyItemContext *context) {
  auto result = std::make_unique<ApplyItem>();
  result->value = expr(context->expr());
  result->to = selectors(context->selectors());
  result->updater = updater(context->updater());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitRunItem(P::RunItemContext *context) {
  auto result = std::make_unique<RunItem>();
  result->value = expr(context->expr());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitFreezeItem(P::FreezeItemContext *context) {
  auto result = std::make_unique<FreezeItem>();
  result->selectors = selectors(context->selectors());
  result->until = expr(context->expr());
  if (context->unit && context->unit->getType() == P::Step)
    result->unit = FreezeItem::Unit::Step;
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitSetItem(P::SetItemContext *context) {
  auto result = std::make_unique<SetItem>();
  result->slot = slot(context->slot());
  result->rewrites = rewrites(context->rewrites());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitOptimizerItem(P::OptimizerItemContext *context) {
  auto result = std::make_unique<OptimizerItem>();
  result->value = expr(context->expr());
  result->selectors = optionalSelectors(context->selectors());
  result->rates = rates(context->rates());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitSettingItem(P::SettingItemContext *context) {
  std::unique_ptr<SettingItem> result = makeSetting(context->word->getType());
  result->value = expr(context->expr());
  return give(ItemPtr(std::move(result)));
}

AstBuilder::Any AstBuilder::visitKeepItem(P::KeepItemContext *context) {
  auto result = std::make_unique<KeepItem>();
  if (context->which) {
    result->mode = context->which->getType() == P::Best ? KeepItem::Mode::Best : KeepItem::Mode::Least;
    if (context->oracle)
      result->oracle = range(context->oracle);
    result->value = expr(context->expr());
    result->over = over(context->over());
  }
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitStopItem(P::StopItemContext *context) {
  auto result = std::make_unique<StopItem>();
  result->condition = expr(context->expr());
  result->over = over(context->over());
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitPredictItem(P::PredictItemContext *context) {
  auto result = std::make_unique<PredictItem>();
  result->value = expr(context->value);
  result->against = expr(context->truth);
  return give(std::move(result));
}

AstBuilder::Any AstBuilder::visitReportItem(P::ReportItemContext *context) {
  auto result = std::make_unique<ReportItem>();
  for (P::FigureContext *figure : context->figure())
    result->figures.push_back({optionalName(figure->name()), expr(figure->expr())});
  return give(std::move(result));
}
