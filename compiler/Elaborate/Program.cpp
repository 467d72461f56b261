//===- Program.cpp - a program from its items to its module -------------------------------------------------------===//

#include "compiler/Elaborate/Pipeline.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Pipeline::Pipeline(MLIRContext &context, const dsl::SourceManager &sources, FileLoader &loader,
                   const ElaborateOptions &options, dsl::Diagnostics &diagnostics)
    : context(context), sources(sources), loader(loader), options(options), diagnostics(diagnostics),
      evaluator(diagnostics, sources, *this, context), builder(&context), inOrder(&context),
      programScope(scopes.outermost()), libraryScope(scopes.outermost()) {
  programScope->program = true;
  definitionScope = Scope::inside(programScope);
  definitionScope->outsideStage = true;
}

int64_t Pipeline::siteOf(dsl::SourceRange range, const Twine &text) {
  return sites.try_emplace({range, text.str()}, static_cast<int64_t>(sites.size()) + 1).first->second;
}

StageInfo *Pipeline::findStage(const dsl::Slot &slot, const ScopePtr &scope) {
  std::optional<std::string> name = evaluator.slotName(slot, scope);
  if (!name)
    return nullptr;
  auto found = stages.find(*name);
  if (found != stages.end())
    return &found->second;
  error(slot.range, "unknown-stage",
        "there is no stage '" + *name + "'" + dsl::suggest(*name, llvm::make_first_range(stages)));
  return nullptr;
}

OwningOpRef<ModuleOp> Pipeline::run(const dsl::File &program) {
  dsl::SourceRange start{program.id, 0, 0};
  module = ModuleOp::create(location(start));
  (*module)->setAttr(pipeline::kProgramAttr, builder.getStringAttr(options.programName));
  builder.setInsertionPointToEnd(module->getBody());
  inOrder.setInsertionPointToEnd(module->getBody());
  {
    // Whatever is evaluated outside a function must be known at compile time; tensors that come up all the same are
    // made here and thrown away with the mistake.
    FunctionBuilder scratch(*module, "compile time", location(start));
    evaluator.functions.push_back(&scratch);
    programFile = program.id;
    imported.insert(program.id);
    evaluator.registerItems(program.items);
    collect(program.items, programScope);
    for (const auto &[name, value] : options.constants)
      if (!constants.count(name))
        diagnostics.error("unknown-const", start,
                          "the program has no 'const " + Twine(name) + "' to set" +
                              (llvm::any_of(optionList, [known = llvm::StringRef(name)](
                                                            const Option &option) { return option.name == known; })
                                   ? "; it is a 'param', an option of the program when it runs"
                                   : ""));
    for (auto &[name, node] : constants)
      constant(node);
    declareDomains();
    placeModels();
    for (auto &[name, stage] : stages)
      gatherStage(stage, stage.item->body->items);
    implyBaseline();
    for (const Node<dsl::BaselineItem> &node : baselines)
      makeBaseline(node);
    discover();
    // With mistakes too: what is built says what selectors, optimizers and phases have to say.
    build();
    evaluator.functions.pop_back();
    scratch.erase();
  }
  if (diagnostics.hasErrors())
    return nullptr;
  warnOfUnread();
  return std::move(module);
}

//===--- discovery ----------------------------------------------------------------------------------------------===//

void Pipeline::discover(std::vector<Acting> &items) {
  for (Acting &acting : items) {
    switch (acting.kind) {
    case Acting::Stage:
    case Acting::Baseline:
      if (auto stage = stages.find(acting.name); stage != stages.end())
        discoverStage(stage->second);
      break;
    case Acting::Evaluate:
      buildEvaluation(llvm::cast<dsl::EvaluateItem>(*acting.item), acting.scope);
      break;
    case Acting::State:
      declareState(llvm::cast<dsl::StateItem>(*acting.item), acting.scope, acting.name, "program");
      break;
    case Acting::Update:
      buildUpdate(llvm::cast<dsl::UpdateItem>(*acting.item), acting.scope);
      break;
    case Acting::Report:
      buildReport(llvm::cast<dsl::ReportItem>(*acting.item), acting.scope);
      break;
    case Acting::Repeat:
      discover(acting.body);
      break;
    case Acting::Sweep:
      discover(acting.body);
      sweepKeep(acting);
      break;
    }
  }
}

/// What is text above may read what only text below applies: `state anchor = snapshot(net)`. So the program is
/// discovered again while a round has read leaves of modules that were not applied yet, and only the last round's
/// mistakes count.
void Pipeline::discover() {
  discovering = true;
  std::vector<dsl::Diagnostic> forgotten;
  auto publish = [&](const dsl::Diagnostic &one) {
    dsl::Diagnostic &copy = one.severity == dsl::Severity::Error
                                ? diagnostics.error(one.code, one.range, one.message)
                                : diagnostics.warning(one.code, one.range, one.message);
    copy.notes = one.notes;
    copy.fixIts = one.fixIts;
  };
  constexpr unsigned maxRounds = 4;
  for (unsigned round = 1;; ++round) {
    dsl::Diagnostics found;
    evaluator.diagnostics = &found;
    evaluator.readUnapplied = false;
    size_t leavesBefore = evaluator.leafOrder.size();
    discover(order);
    for (const Node<dsl::ExportItem> &node : exports)
      buildExport(node);
    evaluator.diagnostics = &diagnostics;
    passNumbers.clear();
    bool again = evaluator.readUnapplied && evaluator.leafOrder.size() > leavesBefore && round < maxRounds;
    if (again) {
      llvm::append_range(forgotten, found.getAll());
      continue;
    }
    llvm::for_each(found.getAll(), publish);
    // What is broken in a module is said once, maybe in a round that was forgotten: then it is why the module has no
    // shapes.
    bool complete = llvm::all_of(evaluator.instances, [](auto &instance) { return instance->applied; });
    if (!found.hasErrors() && !complete)
      for (const dsl::Diagnostic &one : forgotten)
        if (one.severity == dsl::Severity::Error && one.code != "unknown-part")
          publish(one);
    break;
  }
  discovering = false;
  checkModules();
}

void Pipeline::emitLeaves() {
  for (Leaf *leaf : evaluator.leafOrder) {
    Location where = location(leaf->range);
    if (leaf->kind == Leaf::Parameter)
      pipeline::ParameterOp::create(builder, where, builder.getStringAttr(leaf->path), TypeAttr::get(leaf->type),
                                    builder.getStringAttr(leaf->layout), builder.getStringAttr(leaf->describeInitial),
                                    ElementsAttr());
    else
      pipeline::StateOp::create(builder, where, builder.getStringAttr(leaf->path), TypeAttr::get(leaf->type),
                                builder.getStringAttr(leaf->owner), ElementsAttr());
  }
}

void Pipeline::emitRun(llvm::StringRef kind, llvm::StringRef name, dsl::SourceRange range) {
  pipeline::RunOp::create(inOrder, location(range), text(kind), text(name));
}

/// A baseline runs behind its stage, from the model that the stage found.
void Pipeline::buildBaseline(const Acting &acting) {
  auto &item = llvm::cast<dsl::BaselineItem>(*acting.item);
  auto stage = stages.find(acting.name);
  bool runs = stage != stages.end();
  if (runs) {
    buildStage(stage->second);
    emitRun("stage", acting.name, item.name.range);
  }
  if (StageInfo *of = findStage(item.stage, acting.scope))
    pipeline::BaselineOp::create(builder, location(item.name.range), text(acting.name), text(of->name),
                                 runs ? builder.getUnitAttr() : UnitAttr());
}

void Pipeline::build(std::vector<Acting> &items) {
  for (Acting &acting : items) {
    switch (acting.kind) {
    case Acting::Stage:
      buildStage(stages[acting.name]);
      emitRun("stage", acting.name, stages[acting.name].item->slot.range);
      ran.push_back({acting.name, trainedBy(stages[acting.name])});
      break;
    case Acting::Baseline:
      buildBaseline(acting);
      break;
    case Acting::Evaluate:
      buildEvaluation(llvm::cast<dsl::EvaluateItem>(*acting.item), acting.scope);
      break;
    case Acting::State:
      break; // its first value is made before everything else
    case Acting::Update:
      buildUpdate(llvm::cast<dsl::UpdateItem>(*acting.item), acting.scope);
      break;
    case Acting::Report:
      buildReport(llvm::cast<dsl::ReportItem>(*acting.item), acting.scope);
      break;
    case Acting::Sweep:
      buildSweep(acting);
      break;
    case Acting::Repeat: {
      auto repeat = pipeline::RepeatOp::create(inOrder, location(acting.item->keyword), acting.count);
      OpBuilder::InsertionGuard guard(inOrder);
      inOrder.setInsertionPointToEnd(&repeat.getBody().emplaceBlock());
      build(acting.body);
      break;
    }
    }
  }
}

void Pipeline::build() {
  for (const Option &option : optionList)
    pipeline::OptionOp::create(builder, location(option.range), text(option.name), text(option.kind), option.value,
                               StringAttr(), ArrayAttr());
  for (const std::string &name : domainOrder)
    emitDomain(domains[name]);
  emitTokenizers();
  buildInit("init", "module", nullptr);
  // Where weights are loaded, which is behind `init`, what was made from them is made again.
  if (buildInit("init.states", "program", nullptr) && !loads.empty())
    emitRun("pass", "init.states", {programFile, 0, 0});
  build(order);
  for (const Node<dsl::ExportItem> &node : exports)
    buildExport(node);
  for (auto op : module->getOps<pipeline::OptionOp>())
    for (const Option &option : optionList)
      if (option.name == op.getName() && !option.bounds.empty())
        op.setBoundsAttr(builder.getArrayAttr(option.bounds.getArrayRef()));
  checkSweptValues();
  emitLoads();
  emitLeaves();
  for (auto &[site, number] : sites)
    pipeline::SiteOp::create(builder, location(site.first), builder.getI64IntegerAttr(number), text(site.second));
}

OwningOpRef<ModuleOp> elaborate(MLIRContext &context, const dsl::SourceManager &sources, const dsl::File &program,
                                FileLoader &loader, const ElaborateOptions &options, dsl::Diagnostics &diagnostics) {
  context.loadDialect<func::FuncDialect, nn::NNDialect, pipeline::XferDialect>();
  return Pipeline(context, sources, loader, options, diagnostics).run(program);
}

} // namespace xfer
