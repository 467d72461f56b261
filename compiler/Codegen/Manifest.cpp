//===- Manifest.cpp - the program as the runtime reads it ---------------------------------------------------------===//

#include "compiler/Codegen/Manifest.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace xfer::pipeline;
namespace json = llvm::json;

namespace xfer {
namespace {

json::Value textOrNull(std::optional<StringRef> text) { return text && !text->empty() ? json::Value(*text) : nullptr; }

class ManifestWriter {
public:
  ManifestWriter(ModuleOp module, const ProgramFacts &facts, ArrayRef<FunctionPlan> functions,
                 ArrayRef<StagePeak> peaks, ConstantPool &constants)
      : module(module), facts(facts), functions(functions), peaks(peaks), constants(constants) {}

  json::Object write();

private:
  template <typename OpT> json::Array list(llvm::function_ref<json::Value(OpT)> write) {
    json::Array result;
    for (OpT op : module.getOps<OpT>())
      result.push_back(write(op));
    return result;
  }

  json::Value function(FlatSymbolRefAttr name) { return functionNumbers.lookup(name.getValue()); }
  json::Value pass(StringRef name) { return passNumbers.lookup(name); }
  json::Array passes(ArrayAttr names) {
    json::Array result;
    for (StringRef name : names.getAsValueRange<StringAttr>())
      result.push_back(pass(name));
    return result;
  }
  json::Array passesAt(StringRef when);
  json::Value quantity(Attribute value);
  json::Object figure(FigureAttr figure) {
    return json::Object{{"pass", pass(figure.getPass())}, {"output", figure.getOutput()}};
  }

  json::Object target();
  json::Value option(OptionOp op);
  json::Value site(Location location, StringRef text);
  json::Value load(LoadOp op);
  json::Object variable(StringRef name, Type type, std::optional<ElementsAttr> value);
  json::Value domain(DomainOp op);
  json::Value read(ReadAttr read);
  json::Value tokenizer(TokenizerOp op);
  json::Value field(FieldAttr field, bool ofExport);
  json::Array fields(ArrayAttr all, bool ofExport);
  json::Value sampler(SamplerAttr sampler);
  json::Array sources(ArrayAttr all, bool ofPass);
  json::Value functionEntry(unsigned number);
  json::Value arena(const FunctionPlan &plan);
  json::Object binding(BindAttr bind, Type type);
  json::Value passEntry(PassOp op);
  json::Value stage(StageOp op);
  json::Value memory(StageOp op, int64_t limit);
  json::Value phase(PhaseAttr phase);
  json::Value evaluation(EvaluationOp op);
  json::Value exported(ExportOp op);
  json::Array order(Block &block);

  ModuleOp module;
  const ProgramFacts &facts;
  ArrayRef<FunctionPlan> functions;
  ArrayRef<StagePeak> peaks;
  ConstantPool &constants;
  llvm::StringMap<int64_t> functionNumbers, passNumbers, evaluationNumbers, tokenizerNumbers;
  json::Array sites;
};

json::Array ManifestWriter::passesAt(StringRef when) {
  json::Array result;
  for (PassOp op : module.getOps<PassOp>())
    if (op.getAt() == when)
      result.push_back(pass(op.getName()));
  return result;
}

/// A number, a string, a boolean, an option or a figure.
json::Value ManifestWriter::quantity(Attribute value) {
  if (auto flag = dyn_cast<BoolAttr>(value))
    return flag.getValue();
  if (auto number = dyn_cast<IntegerAttr>(value))
    return number.getInt();
  if (auto number = dyn_cast<FloatAttr>(value))
    return number.getValueAsDouble();
  if (auto text = dyn_cast<StringAttr>(value))
    return text.getValue();
  if (auto option = dyn_cast<OptionRefAttr>(value))
    return json::Object{{"option", option.getName()}};
  return figure(cast<FigureAttr>(value));
}

json::Object ManifestWriter::target() {
  json::Array features;
  SmallVector<StringRef> listed;
  StringRef(facts.target.features).split(listed, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : listed)
    if (feature.consume_front("+"))
      features.push_back(feature);
  // A level of x86-64 names its instruction sets by its number only; each level has those of the levels below.
  StringRef cpu = facts.target.cpu;
  if (cpu == "x86-64-v3" || cpu == "x86-64-v4")
    for (StringRef feature : {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.2"})
      features.push_back(feature);
  if (cpu == "x86-64-v4")
    for (StringRef feature : {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
      features.push_back(feature);
  return json::Object{{"triple", facts.target.triple}, {"features", std::move(features)}};
}

json::Value ManifestWriter::option(OptionOp op) {
  json::Array bounds;
  if (ArrayAttr all = op.getBoundsAttr())
    for (auto bound : all.getAsRange<BoundAttr>()) {
      json::Object entry{{"rule", bound.getRule()}};
      for (NamedAttribute limit : bound.getLimits())
        entry[limit.getName().getValue()] = quantity(limit.getValue());
      bounds.push_back(std::move(entry));
    }
  return json::Object{{"name", op.getName()},
                      {"type", op.getKind()},
                      {"default", quantity(op.getDefaultValue())},
                      {"help", op.getHelp().value_or("")},
                      {"bounds", std::move(bounds)}};
}

json::Value ManifestWriter::site(Location location, StringRef text) {
  auto place = location->findInstanceOf<FileLineColLoc>();
  return json::Object{{"file", place ? place.getFilename().getValue() : ""},
                      {"line", place ? place.getLine() : 0},
                      {"column", place ? place.getColumn() : 0},
                      {"text", text}};
}

/// A load has a site of its own, behind those that the program numbers.
json::Value ManifestWriter::load(LoadOp op) {
  sites.push_back(site(op.getLoc(), "load"));
  json::Array rules, added;
  for (auto rule : op.getRules().getAsRange<LoadRuleAttr>()) {
    json::Object object{{"key", rule.getKey()},
                        {"to", rule.getTarget() ? json::Value(rule.getTarget().getValue()) : nullptr}};
    if (rule.getTransposed())
      object["transposed"] = true;
    rules.push_back(std::move(object));
  }
  for (StringRef path : op.getAdded().getAsValueRange<StringAttr>())
    added.push_back(path);
  json::Object result{{"file", quantity(op.getFile())},
                      {"into", op.getInto()},
                      {"rules", std::move(rules)},
                      {"added", std::move(added)},
                      {"site", static_cast<int64_t>(sites.size())}};
  if (!op.getLayout().empty())
    result["layout"] = op.getLayout();
  if (ContentAttr content = op.getContentAttr())
    result["content"] =
        json::Object{{"offset", content.getOffset()}, {"bytes", content.getBytes()}, {"hash", content.getHash()}};
  return result;
}

/// Extents that are known when the data is opened stand there by their symbols.
static json::Array shapeOf(Type type) {
  json::Array shape;
  for (const nn::Extent &extent : nn::extentsOf(type))
    shape.push_back(extent.isDynamic() ? json::Value(extent.symbol) : json::Value(extent.size));
  return shape;
}

json::Object ManifestWriter::variable(StringRef name, Type type, std::optional<ElementsAttr> value) {
  json::Object result{{"path", name},
                      {"type", getElementName(cast<RankedTensorType>(type).getElementType())},
                      {"shape", shapeOf(type)}};
  if (value) {
    FailureOr<int64_t> offset = constants.add(*value);
    if (succeeded(offset))
      result["constant"] = json::Object{{"offset", *offset}};
  }
  return result;
}

json::Value ManifestWriter::tokenizer(TokenizerOp op) {
  json::Array vocabulary;
  for (StringRef token : op.getVocabulary().getAsValueRange<StringAttr>())
    vocabulary.push_back(token);
  json::Object result{{"rule", op.getRule()},
                      {"at_most", static_cast<int64_t>(op.getAtMost())},
                      {"exact", op.getExact()},
                      {"lower", op.getLower()},
                      {"vocabulary", std::move(vocabulary)}};
  if (static_cast<int64_t>(op.getFirst()) >= 0)
    result["first"] = static_cast<int64_t>(op.getFirst());
  if (static_cast<int64_t>(op.getLast()) >= 0)
    result["last"] = static_cast<int64_t>(op.getLast());
  return result;
}

json::Value ManifestWriter::field(FieldAttr field, bool ofExport) {
  json::Object result{
      {"name", field.getName()}, {"type", field.getElement()}, {"shape", json::Array(field.getShape())}};
  if (!ofExport && field.getClasses() != 0)
    result["classes"] = field.getClasses();
  if (field.getBound() != 0)
    result["bound"] = field.getBound();
  if (field.getTokens()) {
    result["text"] = field.getText().getValue();
    result["tokens"] = tokenizerNumbers.lookup(field.getTokens().getValue());
  }
  if (ofExport && field.getTag())
    result["tag"] = field.getTag().getValue();
  return result;
}

json::Array ManifestWriter::fields(ArrayAttr all, bool ofExport) {
  json::Array result;
  for (auto one : all.getAsRange<FieldAttr>())
    result.push_back(field(one, ofExport));
  return result;
}

json::Value ManifestWriter::read(ReadAttr read) {
  json::Object result{{"split", textOrNull(read.getSplit())}};
  if (read.getReader() == "generate") {
    result["generate"] = json::Object{{"count", quantity(read.getArguments().get("count"))},
                                      {"function", function(read.getArguments().getAs<FlatSymbolRefAttr>("function"))},
                                      {"batch", quantity(read.getArguments().get("batch"))}};
    return result;
  }
  json::Object arguments;
  for (NamedAttribute argument : read.getArguments())
    arguments[argument.getName().getValue()] = quantity(argument.getValue());
  result["reader"] = read.getReader();
  result["arguments"] = std::move(arguments);
  return result;
}

json::Value ManifestWriter::domain(DomainOp op) {
  json::Array reads, splits, hidden;
  for (auto one : op.getReads().getAsRange<ReadAttr>())
    reads.push_back(read(one));
  for (auto split : op.getSplits().getAsRange<SplitAttr>())
    splits.push_back(json::Object{{"name", split.getName()},
                                  {"of", split.getOf()},
                                  {"low", split.getLow().getValueAsDouble()},
                                  {"high", split.getHigh().getValueAsDouble()},
                                  {"by", split.getBy() ? json::Value(split.getBy().getValue()) : nullptr},
                                  {"within", split.getWithin() ? json::Value(split.getWithin().getValue()) : nullptr},
                                  {"counts", split.getCounts()}});
  for (auto one : op.getHidden().getAsRange<HiddenAttr>())
    hidden.push_back(json::Object{{"field", one.getField()}, {"split", textOrNull(one.getSplit())}});
  return json::Object{{"name", op.getName()},
                      {"fields", fields(op.getFields(), false)},
                      {"reads", std::move(reads)},
                      {"splits", std::move(splits)},
                      {"hidden", std::move(hidden)}};
}

json::Value ManifestWriter::sampler(SamplerAttr sampler) {
  json::Object result{{"kind", sampler.getKind()}};
  if (!sampler.getField().empty())
    result["field"] = sampler.getField();
  const std::pair<StringRef, int64_t> numbers[] = {{"size", sampler.getSize()},
                                                   {"ways", sampler.getWays()},
                                                   {"shots", sampler.getShots()},
                                                   {"queries", sampler.getQueries()},
                                                   {"count", sampler.getCount()}};
  for (auto [name, number] : numbers)
    if (number != 0)
      result[name] = number;
  if (sampler.getSymbol())
    result["rows"] = sampler.getSymbol().getValue();
  if (FigureAttr weights = sampler.getWeights())
    result["weights"] = json::Object{{"pass", pass(weights.getPass())}, {"rows", weights.getOutput()}};
  return result;
}

json::Array ManifestWriter::sources(ArrayAttr all, bool ofPass) {
  json::Array result;
  for (auto source : all.getAsRange<SourceAttr>()) {
    json::Object entry{{"name", source.getName()},
                       {"domain", source.getDomain()},
                       {"split", source.getSplit()},
                       {"batch", source.getBatch()}};
    if (SamplerAttr by = source.getSampler())
      entry["sampler"] = sampler(by);
    if (ofPass && source.getRows())
      entry["function"] = function(source.getRows());
    result.push_back(std::move(entry));
  }
  return result;
}

json::Object ManifestWriter::binding(BindAttr bind, Type type) {
  json::Object result{{"bind", stringifyBindKind(bind.getKind())},
                      {"name", bind.getName()},
                      {"type", getElementName(cast<RankedTensorType>(type).getElementType())},
                      {"shape", shapeOf(type)}};
  if (bind.getKind() == BindKind::Rows) {
    result["name"] = StringRef(bind.getName()).split(kPer).first;
    result["source"] = getSourceName(bind);
  }
  if (bind.getKind() == BindKind::Check) {
    int64_t site = 0;
    StringRef(bind.getName()).getAsInteger(10, site);
    result["name"] = "";
    result["site"] = site;
  }
  if (bind.getDraw() != 0)
    result["draw"] = bind.getDraw();
  if (bind.getViews() != 0)
    result["views"] = bind.getViews();
  return result;
}

json::Value ManifestWriter::arena(const FunctionPlan &plan) {
  const ArenaPlan &arena = plan.getArena();
  if (arena.slots.empty())
    return arena.fixedBytes;
  json::Array terms;
  for (const ArenaSlot &slot : arena.slots) {
    json::Array factors;
    for (unsigned extent : slot.extents)
      factors.push_back(plan.getExtents()[extent]);
    terms.push_back(json::Object{{"bytes", slot.bytes}, {"extents", std::move(factors)}});
  }
  return json::Object{{"fixed", arena.fixedBytes}, {"terms", std::move(terms)}};
}

json::Value ManifestWriter::functionEntry(unsigned number) {
  const FunctionPlan &plan = functions[number];
  func::FuncOp function = plan.getFunction();
  json::Array arguments, results;
  for (unsigned i = 0, e = function.getNumArguments(); i != e; ++i)
    arguments.push_back(binding(getArgumentBind(function, i), function.getArgumentTypes()[i]));
  for (unsigned i = 0, e = function.getNumResults(); i != e; ++i) {
    json::Object result = binding(getResultBind(function, i), function.getResultTypes()[i]);
    if (std::optional<unsigned> argument = plan.getInPlace()[i])
      result["in_place"] = *argument;
    results.push_back(std::move(result));
  }
  return json::Object{{"name", function.getSymName()}, {"index", number},
                      {"arena", arena(plan)},          {"arguments", std::move(arguments)},
                      {"results", std::move(results)}, {"extents", json::Array(plan.getExtents())}};
}

json::Value ManifestWriter::passEntry(PassOp op) {
  return json::Object{{"sources", sources(op.getSources(), true)},
                      {"function", op.getFunctionAttr() ? function(op.getFunctionAttr()) : json::Value(nullptr)}};
}

json::Value ManifestWriter::phase(PhaseAttr phase) {
  json::Object result{{"function", function(phase.getFunction())}};
  if (phase.getUntilEpoch() >= 0)
    result["until_epoch"] = phase.getUntilEpoch();
  if (phase.getUntilStep() >= 0)
    result["until_step"] = phase.getUntilStep();
  if (phase.getHoist())
    result["hoist"] = passes(phase.getHoist());
  return result;
}

/// What the data may make too large has a site of its own.
json::Value ManifestWriter::memory(StageOp op, int64_t limit) {
  const StagePeak &peak = *llvm::find_if(peaks, [&](const StagePeak &one) { return one.stage == op; });
  json::Array sizes;
  for (const StagePeak::Moment &moment : peak.moments) {
    json::Array terms;
    for (const MemorySize::Term &term : moment.total.terms)
      terms.push_back(json::Object{{"bytes", term.bytes}, {"extents", json::Array(term.extents)}});
    sizes.push_back(json::Object{{"fixed", moment.total.fixed}, {"terms", std::move(terms)}});
  }
  sites.push_back(site(getMemoryLocation(op), "memory"));
  return json::Object{{"limit", limit}, {"site", static_cast<int64_t>(sites.size())}, {"peaks", std::move(sizes)}};
}

json::Value ManifestWriter::stage(StageOp op) {
  json::Array phases, every, watch, watchOver;
  for (auto one : op.getPhases().getAsRange<PhaseAttr>())
    phases.push_back(phase(one));
  for (auto one : op.getPeriodic().getAsRange<PeriodicAttr>())
    every.push_back(json::Object{{one.getUnit(), one.getEvery()}, {"pass", pass(one.getPass())}});
  for (StringRef name : op.getWatch().getAsValueRange<StringAttr>())
    watch.push_back(name);
  for (auto one : op.getWatchOver().getAsRange<WatchAttr>()) {
    json::Object entry = figure(one.getFigure());
    entry["name"] = one.getName();
    watchOver.push_back(std::move(entry));
  }
  json::Object result{{"name", op.getName()},
                      {"key", op.getKey().value_or(op.getName())},
                      {"from", textOrNull(op.getFrom())},
                      {"sources", sources(op.getSources(), false)},
                      {"epoch_by", textOrNull(op.getEpochBy())},
                      {"epochs", op.getEpochs() ? quantity(*op.getEpochs()) : json::Value(nullptr)},
                      {"steps", op.getSteps() ? quantity(*op.getSteps()) : json::Value(nullptr)},
                      {"init", passes(op.getInit())},
                      {"before", passes(op.getBefore())},
                      {"after", passes(op.getAfter())},
                      {"every", std::move(every)},
                      {"phases", std::move(phases)},
                      {"watch", std::move(watch)},
                      {"watch_over", std::move(watchOver)}};
  if (KeepAttr keep = op.getKeepAttr()) {
    json::Object entry = keep.getBy() ? figure(keep.getBy()) : json::Object();
    entry["mode"] = keep.getMode();
    if (keep.getOracle())
      entry["oracle"] = true;
    result["keep"] = std::move(entry);
  }
  if (op.getStopAttr())
    result["stop"] = figure(op.getStopAttr());
  if (std::optional<int64_t> limit = op.getMemoryLimit())
    result["memory"] = memory(op, *limit);
  return result;
}

json::Value ManifestWriter::evaluation(EvaluationOp op) {
  json::Array reports;
  for (auto report : op.getReports().getAsRange<ReportAttr>()) {
    json::Object entry{{"name", report.getName()}, {"kind", report.getKind()}, {"output", report.getOutput()}};
    if (report.getBaseline())
      entry["baseline"] = report.getBaseline().getValue();
    for (auto [key, value] :
         {std::pair("tag", report.getTag()), {"truth", report.getTruth()}, {"labels", report.getLabels()}})
      if (value)
        entry[key] = value.getValue();
    reports.push_back(std::move(entry));
  }
  json::Array features;
  if (ArrayAttr all = op.getFeaturesAttr())
    for (auto feature : all.getAsRange<FigureAttr>())
      features.push_back(figure(feature));
  return json::Object{{"name", op.getName()},
                      {"pass", pass(op.getPass())},
                      {"reports", std::move(reports)},
                      {"features", std::move(features)}};
}

json::Value ManifestWriter::exported(ExportOp op) {
  return json::Object{{"name", op.getName()},
                      {"function", function(op.getFunctionAttr())},
                      {"batch", static_cast<int64_t>(op.getBatch())},
                      {"domain", textOrNull(op.getDomain())},
                      {"inputs", fields(op.getInputs(), true)},
                      {"outputs", fields(op.getOutputs(), true)}};
}

json::Array ManifestWriter::order(Block &block) {
  json::Array result;
  for (Operation &op : block)
    llvm::TypeSwitch<Operation *>(&op)
        .Case<RunOp>([&](RunOp run) {
          result.push_back(run.getKind() == "stage" ? json::Object{{"stage", run.getName()}}
                           : run.getKind() == "pass"
                               ? json::Object{{"run", pass(run.getName())}}
                               : json::Object{{"evaluate", evaluationNumbers.lookup(run.getName())}});
        })
        .Case<SweepOp>([&](SweepOp sweep) {
          json::Object entry = figure(sweep.getKeep().getBy());
          json::Array axes;
          for (auto axis : sweep.getAxes().getAsRange<AxisAttr>()) {
            json::Array values;
            for (Attribute value : axis.getValues())
              values.push_back(quantity(value));
            axes.push_back(json::Object{{"option", axis.getOption()}, {"values", std::move(values)}});
          }
          entry["sweep"] = std::move(axes);
          entry["mode"] = sweep.getKeep().getMode();
          entry["body"] = order(sweep.getBody().front());
          result.push_back(std::move(entry));
        })
        .Case<RepeatOp>([&](RepeatOp repeat) {
          result.push_back(json::Object{{"repeat", static_cast<int64_t>(repeat.getCount())},
                                        {"body", order(repeat.getBody().front())}});
        });
  return result;
}

json::Object ManifestWriter::write() {
  json::Array entries;
  for (auto [number, plan] : llvm::enumerate(functions))
    functionNumbers[plan.getFunction().getSymName()] = number;
  for (TokenizerOp op : module.getOps<TokenizerOp>())
    tokenizerNumbers.try_emplace(op.getName(), tokenizerNumbers.size());
  for (PassOp op : module.getOps<PassOp>())
    passNumbers.try_emplace(op.getName(), passNumbers.size());
  for (EvaluationOp op : module.getOps<EvaluationOp>())
    evaluationNumbers.try_emplace(op.getName(), evaluationNumbers.size());
  for (unsigned number = 0; number != functions.size(); ++number)
    entries.push_back(functionEntry(number));
  sites = list<SiteOp>([&](SiteOp op) { return site(op.getLoc(), op.getText()); });
  json::Array loads = list<LoadOp>([&](LoadOp op) { return load(op); });
  json::Array stages = list<StageOp>([&](StageOp op) { return stage(op); });
  json::Object build;
  for (const auto &[name, value] : facts.build)
    build[name] = value;

  return json::Object{{"version", 1},
                      {"program", module->getAttrOfType<StringAttr>(kProgramAttr).getValue()},
                      {"hash", facts.hash},
                      {"compiler", "xferc " XFER_VERSION},
                      {"build", std::move(build)},
                      {"target", target()},
                      {"weights", facts.weightsBeside ? "beside" : "embed"},
                      {"options", list<OptionOp>([&](OptionOp op) { return option(op); })},
                      {"sites", std::move(sites)},
                      {"parameters", list<ParameterOp>([&](ParameterOp op) -> json::Value {
                         json::Object entry = variable(op.getName(), op.getType(), op.getValue());
                         entry["layout"] = op.getLayout();
                         entry["initial"] = op.getInitial().value_or("");
                         return entry;
                       })},
                      {"states", list<StateOp>([&](StateOp op) -> json::Value {
                         json::Object entry = variable(op.getName(), op.getType(), op.getValue());
                         entry["owner"] = op.getOwner();
                         return entry;
                       })},
                      {"tokenizers", list<TokenizerOp>([&](TokenizerOp op) { return tokenizer(op); })},
                      {"domains", list<DomainOp>([&](DomainOp op) { return domain(op); })},
                      {"functions", std::move(entries)},
                      {"passes", list<PassOp>([&](PassOp op) { return passEntry(op); })},
                      {"launch", passesAt("launch")},
                      {"init", passesAt("init")},
                      {"loads", std::move(loads)},
                      {"load", passesAt("load")},
                      {"order", order(*module.getBody())},
                      {"stages", std::move(stages)},
                      {"baselines", list<BaselineOp>([&](BaselineOp op) -> json::Value {
                         return json::Object{{"name", op.getName()}, {"of", op.getOf()}, {"runs", op.getRuns()}};
                       })},
                      {"evaluations", list<EvaluationOp>([&](EvaluationOp op) { return evaluation(op); })},
                      {"exports", list<ExportOp>([&](ExportOp op) { return exported(op); })}};
}

} // namespace

std::string writeManifest(ModuleOp module, const ProgramFacts &facts, ArrayRef<FunctionPlan> functions,
                          ArrayRef<StagePeak> peaks, ConstantPool &constants) {
  std::string text;
  llvm::raw_string_ostream(text) << json::Value(ManifestWriter(module, facts, functions, peaks, constants).write());
  return text;
}

} // namespace xfer
