//===- Passes.cpp - what is computed outside a training step: figures, updates, first values ----------------------===//
//
// A pass is one function over whole splits, in evaluation mode. Its batches have a symbolic leading extent; a later
// pass cuts it into what is computed row by row and what couples the samples.
//
//===------------------------------------------------------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

ArrayAttr Pipeline::sourceAttributes(llvm::ArrayRef<SourceInfo> all) {
  SmallVector<Attribute> attributes;
  for (const SourceInfo &source : all)
    attributes.push_back(pipeline::SourceAttr::get(&context, source.name, source.domain, source.split, source.batch,
                                                   FlatSymbolRefAttr(), samplerAttribute(source)));
  return builder.getArrayAttr(attributes);
}

/// Its samples, or their number where a sampler decides it.
static bool readsSource(func::FuncOp function, const SourceInfo &source) {
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto bind = pipeline::getArgumentBind(function, i);
    bool perSample = bind.getKind() == pipeline::BindKind::Batch || bind.getKind() == pipeline::BindKind::Key ||
                     bind.getKind() == pipeline::BindKind::Index || bind.getKind() == pipeline::BindKind::Rows;
    bool counts = source.sampler && bind.getKind() == pipeline::BindKind::Extent && bind.getName() == source.rows();
    if (counts || (perSample && pipeline::getSourceName(bind) == source.name))
      return true;
  }
  return false;
}

bool Pipeline::buildPass(const PassRequest &request, llvm::function_ref<bool(BuildContext &)> body) {
  BuildContext build;
  build.whole = true;
  build.stage = request.stage;
  build.sources = request.sources;
  build.frozen = request.frozen;
  build.frozen.insert(modelFrozen.begin(), modelFrozen.end());
  build.counters = request.counters;
  build.broken = request.broken || (request.stage && request.stage->broken);
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, request.name, location(request.range));
  evaluator.functions.push_back(&function);
  std::vector<Evaluator::Frame> outside;
  std::swap(outside, evaluator.frames);
  Evaluator::Frame frame;
  frame.name = request.name;
  evaluator.frames.push_back(std::move(frame));
  bool ok = body(build);
  std::swap(outside, evaluator.frames);
  evaluator.functions.pop_back();
  if (!ok) {
    function.erase();
    return false;
  }
  func::FuncOp built = function.finish();
  if (!built)
    return false;
  // What evaluation mode does not read needs no source; what it reads needs one.
  std::vector<SourceInfo> used;
  for (const SourceInfo &source : build.sources) {
    if (!readsSource(built, source))
      continue;
    if (source.available) {
      used.push_back(source);
      continue;
    }
    error(request.range, "source-not-read",
          "this reads '" + source.name + "', of which 'over' names no split; add one, such as 'over " + source.domain +
              "." + source.split + "'");
    ok = false;
  }
  if (discovering || !ok) {
    built.erase();
    return ok;
  }
  pipeline::PassOp::create(builder, built.getLoc(), text(request.name),
                           request.at.empty() ? StringAttr() : text(request.at), sourceAttributes(used),
                           FlatSymbolRefAttr::get(built));
  return true;
}

//===--- first values -------------------------------------------------------------------------------------------===//

bool Pipeline::buildInit(llvm::StringRef name, llvm::StringRef owner, const StageInfo *stage) {
  PassRequest request;
  request.name = name.str();
  request.at = stage ? "" : "init";
  request.stage = stage;
  request.range = {programFile, 0, 0};
  if (stage) {
    request.sources = stage->sources;
    request.range = stage->item->slot.range;
  }
  evaluator.firstValues.clear();
  return buildPass(request, [&](BuildContext &) {
    for (Leaf *leaf : evaluator.leafOrder)
      if (leaf->owner == owner)
        if (std::optional<Tensor> value = evaluator.initialValue(*leaf))
          evaluator.function().initialise(*leaf, value->value);
    return true;
  });
}

//===--- figures of a stage -------------------------------------------------------------------------------------===//

std::optional<Place> Pipeline::splitOf(const dsl::Expr &over, const ScopePtr &scope, const StageInfo *stage) {
  // Whatever stands there is evaluated in a function of its own, as it may be anything.
  BuildContext build;
  build.whole = true;
  build.stage = stage;
  if (stage) {
    build.sources = stage->sources;
    build.broken = stage->broken;
  }
  ContextGuard guard(current, &build);
  FunctionBuilder function(*module, "over", location(over.range));
  evaluator.functions.push_back(&function);
  Value value = evaluator.evaluate(over, scope);
  evaluator.functions.pop_back();
  const Place *place = value.place();
  std::optional<Place> split = place && place->kind == Place::Split ? std::optional(*place) : std::nullopt;
  if (!split && !value.isPoison())
    error(over.range, "not-a-split", "'over' names a split such as 'usps.valid', found " + value.describe());
  function.erase();
  return split;
}

/// The splits that `over` names; else `valid` of the sources' domains, else the stage's own splits.
std::optional<std::vector<SourceInfo>>
Pipeline::figureSources(const StageInfo &stage, const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope) {
  std::vector<SourceInfo> result = stage.sources;
  std::map<std::string, std::string> named;
  for (const dsl::ExprPtr &one : over) {
    std::optional<Place> split = splitOf(*one, scope, &stage);
    if (!split)
      return std::nullopt;
    named[split->name] = split->split;
  }
  for (SourceInfo &source : result) {
    source.sampler = source.forFigures();
    auto found = named.find(source.domain);
    if (found != named.end())
      source.split = found->second;
    else if (!over.empty())
      source.available = false;
    else if (domains[source.domain].hasSplit("valid"))
      source.split = "valid";
    if (!source.sampler)
      source.batch = std::max<int64_t>(source.batch, 64);
    else if (source.available && !checkSampler(source))
      return std::nullopt;
  }
  for (const SourceInfo &source : result)
    named.erase(source.domain);
  for (auto &[domain, split] : named) {
    SourceInfo further;
    further.name = further.domain = domain;
    further.split = split;
    result.push_back(further);
  }
  return result;
}

/// Does a figure judge by labels of samples that the stage trains on?
void Pipeline::warnOfOverlap(const StageInfo &stage, const SourceInfo &source, func::FuncOp function,
                             dsl::SourceRange range) {
  const DomainInfo &domain = domains[source.domain];
  llvm::DenseSet<mlir::Value> reached = valuesBehind(function.front().getTerminator()->getOperands());
  bool readsLabel = false;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto bind = pipeline::getArgumentBind(function, i);
    llvm::StringRef field = bind.getName().rsplit('.').second;
    if (bind.getKind() == pipeline::BindKind::Batch && pipeline::getSourceName(bind) == source.name &&
        reached.contains(function.getArgument(i)))
      if (const DomainInfo::Field *known = domain.find(field))
        readsLabel |= known->meaning.tag == nn::Tag::Class;
  }
  if (!readsLabel)
    return;
  choices.push_back({source, stage.name, range});
  for (const SourceInfo &trained : stage.sources)
    if (trained.domain == source.domain && domain.overlap(trained.split, source.split)) {
      diagnostics.warning("splits-overlap", range,
                          "this judges by labels of '" + source.domain + "." + source.split + "', whose samples '" +
                              stage.name + "' trains on ('" + trained.domain + "." + trained.split +
                              "'); split off a part that it does not train on");
      return;
    }
}

/// Is a result judged by the samples by which it was chosen? The best of many is best on these by chance, too.
void Pipeline::warnOfChoice(const SourceInfo &source, dsl::SourceRange range) {
  const DomainInfo &domain = domains[source.domain];
  for (const Choice &choice : choices)
    if (choice.source.domain == source.domain && domain.overlap(choice.source.split, source.split)) {
      diagnostics
          .warning("chosen-on-test", range,
                   "this judges '" + choice.stage + "' by samples of '" + source.domain + "." + source.split +
                       "', by whose labels it was chosen; choose over another split, or without labels")
          .note(choice.range, "chosen here, over '" + choice.source.domain + "." + choice.source.split + "'");
      return;
    }
}

bool Pipeline::figureValue(const dsl::Expr &value, const ScopePtr &scope, FigureUse use) {
  std::optional<Tensor> figure = evaluator.toTensor(evaluator.evaluate(value, scope), value.range);
  if (!figure)
    return false;
  if (figure->rank() != 0) {
    error(value.range, "loss-not-scalar",
          "a figure of a stage is a scalar, found " + Value(*figure).describe() + "; take its 'mean'?");
    return false;
  }
  if (meaningOf(figure->value).hidden && use != FigureUse::Watch && use != FigureUse::KeepOracle) {
    std::string hidden = evaluator.function().describeHidden(figure->value);
    error(value.range, "hidden-value",
          use == FigureUse::Stop ? "'stop' reads " + hidden + "; training may not depend on it"
          : use == FigureUse::Sweep
              ? "the choice of a sweep reads " + hidden +
                    ", and what the program reports would be chosen by it; judge by what needs no such label, such as "
                    "'snd'"
              : "this choice reads " + hidden + "; 'oracle' after 'best' or 'least' says that this is meant");
    return false;
  }
  Tensor number = evaluator.convert(*figure, builder.getF32Type(), value.range);
  evaluator.function().result(pipeline::BindKind::Output, "value", number.value);
  return true;
}

std::optional<std::string> Pipeline::buildFigure(StageInfo &stage, const dsl::Expr &value,
                                                 const std::vector<dsl::ExprPtr> &over, const ScopePtr &scope,
                                                 llvm::StringRef name, FigureUse use) {
  std::optional<std::vector<SourceInfo>> sources = figureSources(stage, over, scope);
  if (!sources)
    return std::nullopt;
  PassRequest request;
  request.name = name.str();
  request.range = value.range;
  request.stage = &stage;
  request.sources = *sources;
  request.frozen = discovering ? std::set<std::string>() : finallyFrozen(stage);
  request.counters = true;
  bool built = buildPass(request, [&](BuildContext &) { return figureValue(value, scope, use); });
  if (!built || discovering)
    return std::nullopt;
  if (use == FigureUse::Keep || use == FigureUse::Stop)
    for (const SourceInfo &source : *sources)
      warnOfOverlap(stage, source, module->lookupSymbol<func::FuncOp>(name), value.range);
  return name.str();
}

} // namespace xfer
