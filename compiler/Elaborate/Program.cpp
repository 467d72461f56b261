//===- Program.cpp - a program from its items to its module ----------------------------------------------------------------===//

#include "compiler/Elaborate/Emit.h"
#include "compiler/Elaborate/Pipeline.h"
#include "compiler/Elaborate/Selection.h"

using namespace mlir;
using llvm::Twine;

namespace xfer {

Pipeline::Pipeline(MLIRContext &context, const dsl::SourceManager &sources, FileLoader &loader,
                   const ElaborateOptions &options, dsl::Diagnostics &diagnostics)
    : context(context), sources(sources), loader(loader), options(options), diagnostics(diagnostics),
      evaluator(diagnostics, sources, *this, context), builder(&context), programScope(std::make_shared<Scope>()),
      libraryScope(std::make_shared<Scope>()) {
  programScope->program = true;
}

int64_t Pipeline::siteOf(dsl::SourceRange range, const Twine &text) {
  for (auto [i, site] : llvm::enumerate(sites))
    if (site.first == range)
      return static_cast<int64_t>(i) + 1;
  sites.push_back({range, text.str()});
  return static_cast<int64_t>(sites.size());
}

OwningOpRef<ModuleOp> Pipeline::run(const dsl::File &program) {
  dsl::SourceRange start{program.id, 0, 0};
  module = ModuleOp::create(location(start));
  (*module)->setAttr(pipeline::kProgramAttr, builder.getStringAttr(options.programName));
  builder.setInsertionPointToEnd(module->getBody());
  {
    // Whatever is evaluated outside a function must be known at compile time; tensors that come up all the same are made
    // here and thrown away with the mistake.
    FunctionBuilder scratch(*module, "compile time", location(start));
    evaluator.functions.push_back(&scratch);
    imported.insert(program.id);
    collect(program.items, programScope);
    declareDomains();
    placeModels();
    for (Acting &acting : order)
      if (acting.kind == Acting::Stage)
        gatherStage(stages[acting.name], stages[acting.name].item->body->items);
    for (Acting &acting : order)
      if (acting.kind == Acting::Baseline) {
        baselineNodes.push_back(acting.baseline);
        makeBaseline(acting.baseline);
      }
    if (!diagnostics.hasErrors())
      discover();
    if (!diagnostics.hasErrors())
      build();
    evaluator.functions.pop_back();
    scratch.erase();
  }
  if (diagnostics.hasErrors())
    return nullptr;
  return std::move(module);
}

void Pipeline::discover() {
  discovering = true;
  // Twice: what reads a whole module (a tree of its parameters) may stand before the application that completes it.
  for (bool quiet : {true, false}) {
    evaluator.quiet = quiet;
    for (Acting &acting : order) {
      if (acting.kind == Acting::Evaluate)
        discoverEvaluation(acting.evaluate);
      else if (auto stage = stages.find(acting.name); stage != stages.end())
        discoverStage(stage->second);
    }
    for (const Node<dsl::ExportItem> &node : exports)
      buildExport(node, true);
  }
  discovering = false;
  if (!diagnostics.hasErrors())
    checkModules();
}

void Pipeline::checkModules() {
  // A module whose parts are called by themselves need not be called as a whole.
  for (auto &instance : evaluator.instances)
    if (!instance->applied && instance->parts.empty())
      error(instance->constructor->range, "module-not-applied",
            "'" + instance->path + "' is never applied: its parameters would never exist");
  for (auto &[rule, count] : evaluator.rewriteMatches) {
    if (!*count)
      error(rule->selector.range, "selector-matches-nothing",
            "'" + sources.getText(rule->selector.range) + "' matches no part of the module that is rewritten");
    if (!rule->expect)
      continue;
    Value expected = evaluator.evaluate(*rule->expect, programScope);
    if (auto number = expected.asInteger(); number && *number != *count)
      error(rule->selector.range, "selector-count", "expected " + Twine(*number) + " parts, found " + Twine(*count));
  }
  for (auto &[freeze, scope] : modelFreezes) {
    if (freeze->until)
      error(freeze->until->range, "misplaced-item", "'freeze' in a model holds for ever; 'until' belongs to a stage");
    for (Leaf *leaf : select(evaluator, freeze->selectors, scope).value_or(std::vector<Leaf *>()))
      modelFrozen.insert(leaf->path);
  }
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

void Pipeline::build() {
  for (const Option &option : optionList)
    pipeline::OptionOp::create(builder, location(option.range), builder.getStringAttr(option.name),
                               builder.getStringAttr(option.kind), option.value, StringAttr());
  for (const std::string &name : domainOrder)
    emitDomain(domains[name]);
  // The order of the program: a baseline runs behind its stage, from the model that the stage found.
  std::map<std::string, unsigned> evaluations;
  auto run = [&](StageInfo &stage) {
    buildStage(stage);
    pipeline::RunOp::create(builder, location(stage.item->slot.range), builder.getStringAttr("stage"),
                            builder.getStringAttr(stage.name));
  };
  for (Acting &acting : order) {
    switch (acting.kind) {
    case Acting::Stage:
      run(stages[acting.name]);
      break;
    case Acting::Baseline: {
      auto stage = stages.find(acting.name);
      bool runs = stage != stages.end();
      if (runs)
        run(stage->second);
      std::optional<std::string> of = evaluator.slotName(acting.baseline.item->stage, acting.baseline.scope);
      if (of)
        pipeline::BaselineOp::create(builder, location(acting.baseline.item->name.range),
                                     builder.getStringAttr(acting.name), builder.getStringAttr(*of),
                                     runs ? builder.getUnitAttr() : UnitAttr());
      break;
    }
    case Acting::Evaluate: {
      std::string key = sources.getText(acting.evaluate.item->sources.front().range).str();
      buildEvaluation(acting.evaluate, evaluations[key]++);
      break;
    }
    }
  }
  for (const Node<dsl::ExportItem> &node : exports)
    buildExport(node, false);
  buildInit("init", "module");
  emitLeaves();
  for (auto &[load, scope] : loads)
    emitLoad(*load, scope);
  for (auto [i, site] : llvm::enumerate(sites))
    pipeline::SiteOp::create(builder, location(site.first), builder.getI64IntegerAttr(i + 1),
                             builder.getStringAttr(site.second));
}

OwningOpRef<ModuleOp> elaborate(MLIRContext &context, const dsl::SourceManager &sources, const dsl::File &program,
                                FileLoader &loader, const ElaborateOptions &options, dsl::Diagnostics &diagnostics) {
  context.loadDialect<func::FuncDialect, nn::NNDialect, pipeline::XferDialect>();
  return Pipeline(context, sources, loader, options, diagnostics).run(program);
}

} // namespace xfer
