// What can be said only when the whole manifest has been read: which binding may stand in which function, and that
// shapes agree with the batches, fields and splits they are bound to.
#include "runtime/program/ManifestReader.h"
#include <algorithm>
#include <initializer_list>
#include <set>

namespace xfer::rt {

// The kinds that any function may read.
static constexpr std::initializer_list<BindKind> common = {BindKind::Param,  BindKind::State,   BindKind::StepKey,
                                                           BindKind::Option, BindKind::Counter, BindKind::Extent,
                                                           BindKind::Hoisted};

static bool isOneOf(BindKind kind, std::initializer_list<BindKind> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

static bool isBatchOf(const Shape &shape, int64_t batch, const std::vector<int64_t> &row) {
  if (shape.size() != row.size() + 1 || !shape[0].symbol.empty() || shape[0].size != batch)
    return false;
  for (size_t i = 0; i < row.size(); ++i)
    if (!shape[i + 1].symbol.empty() || shape[i + 1].size != row[i])
      return false;
  return true;
}

static const FieldSpec *findField(const DomainSpec &domain, const std::string &name) {
  for (const FieldSpec &field : domain.fields)
    if (field.name == name)
      return &field;
  return nullptr;
}

static std::string nameIn(const Binding &binding) {
  std::string name = binding.part.empty() ? binding.name : binding.name + "." + binding.part;
  return binding.field.empty() ? name : name + "." + binding.field;
}

void ManifestReader::check() {
  for (const Variable &variable : manifest.variables)
    if (!variable.rows.empty())
      checkSymbol(variable.rows, "/states: '" + variable.path + "'");
  for (StageSpec &stage : manifest.stages) {
    for (const PhaseSpec &phase : stage.phases)
      checkStageFunction(stage, phase.function);
    std::string place = "/stages/" + stage.name;
    for (const SourceSpec &source : stage.sources)
      checkSampler(source, place);
    for (const PassOutput &output : stage.watchOver)
      checkOutput(output, place);
    if (stage.keep.value.pass != none)
      checkOutput(stage.keep.value, place);
    if (stage.stop.pass != none)
      checkOutput(stage.stop, place);
  }
  for (const SweepSpec &sweep : manifest.sweeps)
    checkOutput(sweep.keep.value, "/order: sweep");
  for (size_t i = 0; i < manifest.passes.size(); ++i)
    checkPass(manifest.passes[i], i);
  for (const DomainSpec &domain : manifest.domains)
    for (const ReadSpec &read : domain.reads)
      if (read.function != none)
        checkGenerate(domain, read);
  for (const ExportSpec &item : manifest.exports)
    checkExport(item);
  for (const EvaluationSpec &evaluation : manifest.evaluations) {
    for (const ReportSpec &report : evaluation.reports)
      checkReport(evaluation, report);
    for (const PassOutput &feature : evaluation.features)
      if (const PassSpec &pass = manifest.passes[feature.pass];
          pass.sources.size() != 1 || !sourceOfRows(manifest, pass, feature.output))
        problem.report("/evaluations/" + evaluation.name + "/features",
                       "no pass of one source has the rows '" + feature.output + "'");
  }
  checkInitialised();
}

const SourceSpec *sourceOfRows(const Manifest &manifest, const PassSpec &pass, const std::string &rows) {
  for (const SourceSpec &source : pass.sources)
    if (source.function != none)
      for (const Binding &result : manifest.functions[source.function].results)
        if (result.kind == BindKind::Whole && result.name == rows)
          return &source;
  return nullptr;
}

void ManifestReader::checkReport(const EvaluationSpec &evaluation, const ReportSpec &report) {
  const PassSpec &pass = manifest.passes[evaluation.pass];
  bool found = false;
  if (report.kind == ReportSpec::Rows) {
    const SourceSpec *source = sourceOfRows(manifest, pass, report.output);
    found = source && (report.truth.empty() || sourceOfRows(manifest, pass, report.truth) == source);
  } else if (pass.function != none) {
    for (const Binding &result : manifest.functions[pass.function].results)
      found |= result.kind == BindKind::Output && result.name == report.output &&
               result.shape.size() <= (report.kind == ReportSpec::Gain ? 0u : 2u);
  }
  if (!found)
    problem.report("/evaluations/" + evaluation.name + "/" + report.name,
                   "the pass has no result '" + report.output + "' of a fitting shape");
}

// The extents behind that of the batch, before those of a sample's own field.
static std::vector<int64_t> rowOf(const SamplerPart &part, const std::vector<int64_t> &field) {
  std::vector<int64_t> row = field;
  if (part.nested)
    row.insert(row.begin(), part.samples);
  return row;
}

// The number of rows of a source of a pass.
static Extent rowsOf(const SourceSpec &source) {
  return Extent{0, source.rows.empty() ? source.domain + "." + source.split : source.rows};
}

void ManifestReader::checkBatch(const Binding &binding, const std::vector<SourceSpec> &sources,
                                const std::string &place, bool wholeField) {
  auto source = std::find_if(sources.begin(), sources.end(),
                             [&](const SourceSpec &source) { return source.name == binding.name; });
  if (source == sources.end())
    return problem.report(place, "there is no source '" + binding.name + "'");
  std::vector<SamplerPart> parts = partsOf(source->sampler);
  auto part =
      std::find_if(parts.begin(), parts.end(), [&](const SamplerPart &part) { return part.name == binding.part; });
  bool isPairing = source->sampler.kind == SamplerSpec::Pairs && binding.part.empty() && binding.field == "same";
  FieldSpec same{"same", ElementType::Bool, {}, 0, 1};
  if (part == parts.end() && !isPairing)
    return problem.report(place, "source '" + binding.name + "' has no part '" + binding.part + "'");
  Shape shape = binding.shape;
  if (wholeField) {
    if (shape.empty() || !(shape[0] == rowsOf(*source)))
      return problem.report(place, "the leading extent of '" + nameIn(binding) + "' is not the rows of its source");
    shape[0] = Extent{source->batch, ""};
  }
  if (binding.kind == BindKind::Key || binding.kind == BindKind::Index) {
    std::vector<int64_t> own = binding.kind == BindKind::Key ? std::vector<int64_t>{4} : std::vector<int64_t>();
    if (!isBatchOf(shape, source->batch, rowOf(*part, own)))
      problem.report(place, "the leading extent is not the batch of source '" + binding.name + "'");
    return;
  }
  const FieldSpec *field = isPairing ? &same : findField(manifest.domains[source->domainIndex], binding.field);
  if (!field)
    return problem.report(place, "domain '" + source->domain + "' has no field '" + binding.field + "'");
  if (binding.type != field->type ||
      !isBatchOf(shape, source->batch, isPairing ? field->shape : rowOf(*part, field->shape)))
    problem.report(place, "type or shape differ from field '" + nameIn(binding) + "'");
}

// Rows of a state: those of the samples of a source, which must all be among those that it has rows of.
void ManifestReader::checkRows(const Binding &binding, const std::vector<SourceSpec> &sources,
                               const std::string &place) {
  auto source = std::find_if(sources.begin(), sources.end(),
                             [&](const SourceSpec &source) { return source.name == binding.source; });
  if (source == sources.end())
    return problem.report(place, "there is no source '" + binding.source + "'");
  if (binding.target == none)
    return; // which was reported
  std::vector<SamplerPart> parts = partsOf(source->sampler);
  if (parts.size() != 1 || parts.front().nested || binding.shape.empty() ||
      !(binding.shape.front() == Extent{source->batch, ""}))
    problem.report(place, "the leading extent is not the batch of source '" + binding.source + "'");
  const DomainSpec &domain = manifest.domains[source->domainIndex];
  const std::string &rows = manifest.variables[binding.target].rows;
  std::string split = source->split;
  for (auto known = domain.splits.rbegin(); known != domain.splits.rend(); ++known)
    if (known->name == split && domain.name + "." + split != rows)
      split = known->of;
  if (domain.name + "." + split != rows && domain.name + ".all" != rows)
    problem.report(place, "'" + binding.name + "' has no rows of the samples of source '" + binding.source + "'");
}

void ManifestReader::checkStageFunction(StageSpec &stage, int index) {
  const FunctionSpec &function = manifest.functions[index];
  std::string place = "/stages/" + stage.name + ": function '" + function.name + "'";
  for (const Binding &argument : function.arguments) {
    if (isOneOf(argument.kind, {BindKind::Batch, BindKind::Key, BindKind::Index})) {
      checkBatch(argument, stage.sources, place, false);
      for (SourceSpec &source : stage.sources)
        if (source.name == argument.name)
          source.draws = std::max(source.draws, argument.draw + 1);
    } else if (argument.kind == BindKind::Rows) {
      checkRows(argument, stage.sources, place);
      for (SourceSpec &source : stage.sources)
        if (source.name == argument.source)
          source.draws = std::max(source.draws, argument.draw + 1);
    } else if (!isOneOf(argument.kind, common)) {
      problem.report(place, "argument '" + nameIn(argument) + "' has no value in a training step");
    }
  }
  for (const Binding &result : function.results)
    if (result.kind == BindKind::Rows)
      checkRows(result, stage.sources, place);
    else if (!isOneOf(result.kind, {BindKind::Param, BindKind::State, BindKind::Watch, BindKind::Check}))
      problem.report(place, "result '" + result.name + "' has no place in a training step");
  for (const std::string &name : stage.watch)
    if (std::none_of(function.results.begin(), function.results.end(),
                     [&](const Binding &result) { return result.kind == BindKind::Watch && result.name == name; }))
      problem.report(place, "there is no watch result '" + name + "'");
}

void ManifestReader::checkPass(const PassSpec &pass, size_t index) {
  std::string place = "/passes/" + std::to_string(index);
  for (const SourceSpec &source : pass.sources) {
    checkSampler(source, place);
    if (source.sampler.kind != SamplerSpec::Plain && source.rows.empty())
      problem.report(place, "the sampler of source '" + source.name + "' does not name its 'rows'");
  }
  std::map<std::string, std::pair<const SourceSpec *, const Binding *>> wholes;
  for (const SourceSpec &source : pass.sources) {
    if (source.function == none)
      continue;
    const FunctionSpec &function = manifest.functions[source.function];
    std::string where = place + ": function '" + function.name + "'";
    for (const Binding &argument : function.arguments) {
      if (isOneOf(argument.kind, {BindKind::Batch, BindKind::Key, BindKind::Index}))
        checkBatch(argument, {source}, where, false);
      else if (argument.kind == BindKind::Rows)
        checkRows(argument, {source}, where);
      else if (!isOneOf(argument.kind, common))
        problem.report(where, "argument '" + nameIn(argument) + "' has no value in a batch of a pass");
      if (argument.draw != 0)
        problem.report(where, "a pass reads one batch at a time");
    }
    for (const Binding &result : function.results) {
      if (!isOneOf(result.kind, {BindKind::Whole, BindKind::Sum}) || result.shape.empty() ||
          !result.shape[0].symbol.empty() || result.shape[0].size != source.batch || result.inPlace != none)
        problem.report(where, "result '" + result.name + "' is not one row a sample");
      for (size_t i = 1; i < result.shape.size(); ++i)
        if (!result.shape[i].symbol.empty())
          problem.report(where, "the rows of '" + result.name + "' have no fixed shape");
      if (!wholes.emplace(result.name, std::make_pair(&source, &result)).second)
        problem.report(where, "'" + result.name + "' is computed twice");
    }
  }
  if (pass.function == none)
    return;
  const FunctionSpec &function = manifest.functions[pass.function];
  std::string where = place + ": function '" + function.name + "'";
  for (const Binding &argument : function.arguments) {
    if (argument.kind == BindKind::Column) {
      checkBatch(argument, pass.sources, where, true);
    } else if (isOneOf(argument.kind, {BindKind::Whole, BindKind::Sum})) {
      auto found = wholes.find(argument.name);
      if (found == wholes.end() || found->second.second->kind != argument.kind) {
        problem.report(where, "'" + argument.name + "' is not computed by this pass");
        continue;
      }
      auto [source, result] = found->second;
      Shape expected = result->shape;
      if (argument.kind == BindKind::Sum)
        expected.erase(expected.begin());
      else
        expected[0] = rowsOf(*source);
      if (!(argument.shape == expected) || argument.type != result->type)
        problem.report(where, "type or shape differ from the rows of '" + argument.name + "'");
    } else if (!isOneOf(argument.kind, common)) {
      problem.report(where, "argument '" + nameIn(argument) + "' has no value outside a batch");
    }
  }
  for (const Binding &result : function.results)
    if (!isOneOf(result.kind, {BindKind::Param, BindKind::State, BindKind::Hoisted, BindKind::Output, BindKind::Check}))
      problem.report(where, "result '" + result.name + "' has no place in a pass");
}

void ManifestReader::checkGenerate(const DomainSpec &domain, const ReadSpec &read) {
  const FunctionSpec &function = manifest.functions[read.function];
  std::string place = "/domains/" + domain.name + ": function '" + function.name + "'";
  for (const Binding &argument : function.arguments) {
    bool perSample = isOneOf(argument.kind, {BindKind::Index, BindKind::Key});
    if (!perSample && argument.kind != BindKind::Option && argument.kind != BindKind::Hoisted)
      problem.report(place, "argument '" + nameIn(argument) + "' has no value while samples are generated");
    size_t rank = argument.kind == BindKind::Key ? 2 : 1;
    if (perSample && (argument.shape.size() != rank || argument.shape[0].size != read.batch || argument.draw != 0))
      problem.report(place, "the leading extent of '" + nameIn(argument) + "' is not 'batch'");
  }
  std::set<std::string> given;
  for (const Binding &result : function.results) {
    const FieldSpec *field = result.kind == BindKind::Field ? findField(domain, result.name) : nullptr;
    if (!field || result.type != field->type || !isBatchOf(result.shape, read.batch, field->shape))
      problem.report(place, "result '" + result.name + "' is not a batch of a field");
    given.insert(result.name);
  }
  if (given.size() != domain.fields.size())
    problem.report(place, "not every field has a result");
}

void ManifestReader::checkExport(const ExportSpec &item) {
  const FunctionSpec &function = manifest.functions[item.function];
  std::string place = "/exports/" + item.name;
  auto fits = [&](const Binding &binding, const std::vector<PortSpec> &ports) {
    return std::any_of(ports.begin(), ports.end(), [&](const PortSpec &port) {
      return port.name == binding.name && port.type == binding.type && isBatchOf(binding.shape, item.batch, port.shape);
    });
  };
  for (const Binding &argument : function.arguments)
    if (argument.kind == BindKind::Input ? !fits(argument, item.inputs)
                                         : argument.kind == BindKind::Counter || !isOneOf(argument.kind, common))
      problem.report(place, "argument '" + nameIn(argument) + "' is neither an input nor known to an export");
  std::set<std::string> given;
  for (const Binding &result : function.results) {
    if (result.kind != BindKind::Output || !fits(result, item.outputs))
      problem.report(place, "result '" + result.name + "' is not an output");
    given.insert(result.name);
  }
  if (given.size() != item.outputs.size())
    problem.report(place, "not every output has a result");
}

void ManifestReader::checkOutput(const PassOutput &output, const std::string &place) {
  int function = manifest.passes[output.pass].function;
  if (function != none)
    for (const Binding &result : manifest.functions[function].results)
      if (result.kind == BindKind::Output && result.name == output.output && result.shape.empty())
        return;
  problem.report(place, "the pass has no scalar output '" + output.output + "'");
}

void ManifestReader::checkInitialised() {
  std::set<int> set;
  auto collect = [&](const std::vector<int> &list) {
    for (int pass : list)
      if (manifest.passes[pass].function != none)
        for (const Binding &result : manifest.functions[manifest.passes[pass].function].results)
          if (result.kind == BindKind::Param || result.kind == BindKind::State)
            set.insert(result.target);
  };
  collect(manifest.init);
  for (const StageSpec &stage : manifest.stages) {
    collect(stage.init);
    collect(stage.before);
    for (const EverySpec &every : stage.every)
      collect({every.pass});
  }
  for (size_t i = 0; i < manifest.variables.size(); ++i) {
    const Variable &variable = manifest.variables[i];
    if (variable.owner == Variable::StageState && !stageByName.count(variable.stage))
      problem.report("/states", "'" + variable.path + "' belongs to no stage");
    if (variable.constant == none && !set.count(static_cast<int>(i)))
      problem.report("/init", "nothing gives '" + variable.path + "' its first value");
  }
}

Expected<Manifest> readManifest(std::string_view text, uint64_t functionCount, uint64_t constantsSize) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded())
    return failure("manifest: the text is not JSON; the program is damaged, build it again");
  ManifestReader reader(functionCount, constantsSize);
  reader.read(json);
  if (reader.problem.found())
    return failure("manifest: {}", reader.problem.text());
  return std::move(reader.manifest);
}

} // namespace xfer::rt
