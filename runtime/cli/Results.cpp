#include "runtime/cli/Results.h"
#include "runtime/cli/PredictionPictures.h"
#include "runtime/metrics/Table.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>

namespace xfer::rt {

// Not getrusage: its peak outlives an exec, so that a program run by the compiler would show the compiler's.
uint64_t peakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, 6, "VmHWM:") == 0)
      return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

std::string sizeText(uint64_t bytes) {
  if (bytes >= uint64_t(1) << 30)
    return format("{:.1f} GiB", static_cast<double>(bytes) / (1 << 30));
  return format("{} MiB", (bytes + (1 << 19)) >> 20);
}

Moments momentsOf(const std::vector<double> &values) {
  Moments moments;
  for (double value : values)
    moments.mean += value / static_cast<double>(values.size());
  for (double value : values)
    moments.deviation += (value - moments.mean) * (value - moments.mean);
  moments.deviation = values.size() > 1 ? std::sqrt(moments.deviation / static_cast<double>(values.size() - 1)) : 0;
  return moments;
}

static std::string numberText(double number, bool isGain) {
  if (std::isnan(number))
    return "-";
  return isGain ? format("{:+.4f}", number) : format("{:.4f}", number);
}

// One figure over all runs: `pick` gives the tensor of a run's figure.
template <typename Pick> static std::string cell(const std::vector<RunResults> &runs, bool isGain, Pick pick) {
  std::vector<double> values;
  for (const RunResults &run : runs)
    if (const Tensor *tensor = pick(run); tensor && tensor->values.size() == 1)
      values.push_back(tensor->values[0]);
  if (values.empty())
    return "";
  if (runs.size() == 1)
    return numberText(values[0], isGain);
  Moments moments = momentsOf(values);
  return numberText(moments.mean, isGain) + format(" ± {:.4f}", moments.deviation);
}

const Reader *readerOf(const Manifest &manifest, const OpenedData &data, const std::string &evaluation) {
  for (const EvaluationSpec &spec : manifest.evaluations)
    if (const std::vector<SourceSpec> &sources = manifest.passes[spec.pass].sources;
        spec.name == evaluation && !sources.empty())
      return data.domains[sources.front().domainIndex].reader.get();
  return nullptr;
}

// Vectors and matrices of the last run, below the table.
static std::string largeFigures(const Manifest &manifest, const OpenedData &data, const RunResults &run) {
  std::string text;
  for (const EvaluationResult &evaluation : run.evaluations)
    for (const Figure &figure : evaluation.figures) {
      const Tensor &value = figure.value;
      if (value.shape.empty() || figure.kind == ReportSpec::Rows)
        continue;
      bool isMatrix = value.shape.size() == 2;
      bool areCounts = std::all_of(value.values.begin(), value.values.end(),
                                   [](double number) { return number == std::floor(number) && number < 1e15; });
      text +=
          format("\n{} of {}{}\n", figure.name, evaluation.name, isMatrix ? " (row: label, column: prediction)" : "");
      Table table;
      size_t rows = isMatrix ? static_cast<size_t>(value.shape[0]) : 1;
      size_t columns = static_cast<size_t>(value.shape.back());
      std::vector<std::string> names = namesOfClasses(readerOf(manifest, data, evaluation.name), columns);
      std::vector<std::string> head = {""};
      head.insert(head.end(), names.begin(), names.end());
      table.row(head);
      for (size_t i = 0; i < rows; ++i) {
        std::vector<std::string> cells = {!isMatrix ? "" : rows == columns ? names[i] : std::to_string(i)};
        for (size_t k = 0; k < columns; ++k)
          cells.push_back(areCounts ? format("{:.0f}", value.values[i * columns + k])
                                    : numberText(value.values[i * columns + k], false));
        table.row(cells);
      }
      text += table.text("  ");
    }
  return text;
}

// The baselines that have run, by a figure that has a value under each; null if there is no such figure.
static const Figure *figureOfAll(const EvaluationResult &evaluation) {
  for (const Figure &figure : evaluation.figures)
    if (figure.kind == ReportSpec::Value)
      return &figure;
  return nullptr;
}

// Before the gain of a single run: between what it would be on most other draws of the samples.
static std::string intervalText(const std::vector<RunResults> &runs, const Figure &figure, size_t baseline) {
  if (runs.size() != 1 || baseline >= figure.intervals.size() || std::isnan(figure.intervals[baseline].low))
    return "";
  return format("[{}, {}]  ", numberText(figure.intervals[baseline].low, true),
                numberText(figure.intervals[baseline].high, true));
}

// The rows of a gain: one over each baseline, which it is named after.
static void gainRows(Table &table, const std::vector<RunResults> &runs, size_t e, size_t f, size_t columns) {
  const Figure &figure = runs.back().evaluations[e].figures[f];
  auto row = [&](const std::string &name, const std::string &value) {
    std::vector<std::string> cells(columns + 1);
    cells.front() = "  " + name;
    cells.back() = value;
    table.row(cells);
  };
  if (figure.baselines.empty())
    row(figure.name, "-");
  for (size_t b = 0; b < figure.baselines.size(); ++b)
    row(figure.name + " over " + figure.baselines[b].first,
        intervalText(runs, figure, b) + cell(runs, true, [&](const RunResults &run) {
          return &run.evaluations[e].figures[f].baselines[b].second;
        }));
}

std::string resultsTable(const Manifest &manifest, const OpenedData &data, const std::vector<RunResults> &runs) {
  const RunResults &last = runs.back();
  std::string text;
  for (size_t e = 0; e < last.evaluations.size(); ++e) {
    const EvaluationResult &evaluation = last.evaluations[e];
    Table table;
    std::vector<std::string> head = {evaluation.name};
    if (const Figure *figure = figureOfAll(evaluation))
      for (const auto &[name, value] : figure->baselines)
        head.push_back(name);
    head.push_back("model");
    table.row(head);
    for (size_t f = 0; f < evaluation.figures.size(); ++f) {
      const Figure &figure = evaluation.figures[f];
      if (!figure.value.shape.empty() || figure.kind == ReportSpec::Rows)
        continue;
      if (figure.kind == ReportSpec::Gain) {
        gainRows(table, runs, e, f, head.size() - 1);
        continue;
      }
      std::vector<std::string> cells = {"  " + figure.name};
      for (size_t b = 0; b < figure.baselines.size(); ++b)
        cells.push_back(cell(runs, false, [&](const RunResults &run) -> const Tensor * {
          return &run.evaluations[e].figures[f].baselines[b].second;
        }));
      cells.push_back(cell(runs, false, [&](const RunResults &run) { return &run.evaluations[e].figures[f].value; }));
      table.row(cells);
    }
    text += table.text();
  }
  return text + (runs.size() == 1 ? largeFigures(manifest, data, last) : "");
}

std::vector<std::string> resultWarnings(const Manifest &manifest, const std::vector<RunResults> &runs) {
  std::vector<std::string> warnings;
  const RunResults &last = runs.back();
  for (size_t e = 0; e < last.evaluations.size(); ++e)
    for (size_t f = 0; f < last.evaluations[e].figures.size(); ++f) {
      const Figure &figure = last.evaluations[e].figures[f];
      if (figure.kind != ReportSpec::Gain || figure.baselines.empty())
        continue;
      std::vector<double> gains;
      for (const RunResults &run : runs)
        gains.push_back(run.evaluations[e].figures[f].value.values.at(0));
      if (double gain = momentsOf(gains).mean; gain < 0)
        warnings.push_back(format("negative transfer: on {} the model is {:.4f} worse than baseline '{}'",
                                  last.evaluations[e].name, -gain, figure.baselines[0].first));
    }
  for (const StageSpec &stage : manifest.stages)
    if (stage.keep.oracle)
      warnings.push_back(format("stage '{}' chose its model by hidden labels (oracle): its figures say what could be "
                                "reached, not what adaptation gives",
                                stage.name));
  return warnings;
}

static void writeFigures(JsonWriter &json, const EvaluationResult &evaluation) {
  json.beginObject().key("name").value(evaluation.name).key("figures").beginObject();
  for (const Figure &figure : evaluation.figures)
    if (figure.kind != ReportSpec::Rows)
      json.key(figure.name).tensor(figure.value.shape, figure.value.values.data());
  json.endObject().key("baselines").beginObject();
  if (const Figure *all = figureOfAll(evaluation))
    for (size_t b = 0; b < all->baselines.size(); ++b) {
      json.key(all->baselines[b].first).beginObject();
      for (const Figure &figure : evaluation.figures)
        if (figure.kind == ReportSpec::Value && b < figure.baselines.size())
          json.key(figure.name).tensor(figure.baselines[b].second.shape, figure.baselines[b].second.values.data());
      json.endObject();
    }
  json.endObject();
  writeGains(json, evaluation);
  json.endObject();
}

std::string resultsJson(const Manifest &manifest, const std::vector<RunResults> &runs, const std::string &folder) {
  JsonWriter json;
  json.beginObject().key("version").value(1).key("program").value(manifest.program).key("hash").value(manifest.hash);
  json.key("folder").value(folder).key("peak_memory").value(peakMemory()).key("runs").beginList();
  for (const RunResults &run : runs) {
    json.beginObject().key("seed").value(run.seed).key("seconds").value(run.seconds).key("evaluations").beginList();
    for (const EvaluationResult &evaluation : run.evaluations)
      writeFigures(json, evaluation);
    json.endList();
    if (!run.sweeps.empty())
      writeSweeps(json, manifest, run.sweeps);
    json.endObject();
  }
  json.endList().key("summary").beginList();
  const RunResults &last = runs.back();
  for (size_t e = 0; e < last.evaluations.size(); ++e) {
    json.beginObject().key("name").value(last.evaluations[e].name);
    for (size_t f = 0; f < last.evaluations[e].figures.size(); ++f) {
      const Figure &figure = last.evaluations[e].figures[f];
      if (!figure.value.shape.empty() || figure.kind == ReportSpec::Rows)
        continue;
      std::vector<double> values;
      for (const RunResults &run : runs)
        values.push_back(run.evaluations[e].figures[f].value.values.at(0));
      Moments moments = momentsOf(values);
      json.key(figure.name).beginObject().key("mean").value(moments.mean).key("deviation").value(moments.deviation);
      if (figure.kind == ReportSpec::Gain && !figure.baselines.empty())
        json.key("over").value(figure.baselines[0].first);
      json.endObject();
    }
    json.endObject();
  }
  json.endList().key("warnings").beginList();
  for (const std::string &warning : resultWarnings(manifest, runs))
    json.value(warning);
  return json.endList().endObject().text();
}

} // namespace xfer::rt
