#include "runtime/cli/ReportPage.h"
#include "runtime/cli/DataFacts.h"
#include "runtime/cli/FinalModel.h"
#include "runtime/cli/PredictionPictures.h"
#include "runtime/core/File.h"
#include "runtime/metrics/HtmlPage.h"
#include "runtime/program/JsonReader.h"
#include "runtime/program/PassCache.h"
#include <algorithm>
#include <cmath>
#include <map>

namespace xfer::rt {

namespace {
// Points of a split under the model or a baseline, and what they are called.
struct Points {
  std::string split, baseline; // no baseline: the model
  Tensor rows;
  size_t count() const { return rows.shape.empty() ? 0 : static_cast<size_t>(rows.shape[0]); }
  size_t width() const { return count() ? rows.values.size() / count() : 0; }
  const double *row(size_t i) const { return rows.values.data() + i * width(); }
};
} // namespace

constexpr size_t mostPoints = 500; // of a split

static std::string figureNumber(double number, bool isGain) {
  if (std::isnan(number))
    return "-";
  return isGain ? format("{:+.4f}", number) : format("{:.4f}", number);
}

bool isNumber(const Figure &figure) {
  return figure.kind != ReportSpec::Rows && figure.value.shape.empty() && figure.value.values.size() == 1;
}

std::string figuresTable(const EvaluationResult &evaluation, const FigureCell &cell) {
  std::vector<std::string> head{""};
  for (const Figure &figure : evaluation.figures)
    if (figure.kind == ReportSpec::Value && head.size() == 1)
      for (const auto &[name, value] : figure.baselines)
        head.push_back(name);
  head.push_back("model");
  std::vector<std::vector<std::string>> rows{head};
  for (size_t f = 0; f < evaluation.figures.size(); ++f) {
    const Figure &figure = evaluation.figures[f];
    if (!isNumber(figure))
      continue;
    std::vector<std::string> row{figure.name};
    for (size_t b = 0; b < figure.baselines.size(); ++b) {
      if (figure.kind == ReportSpec::Value) {
        row.push_back(cell(f, static_cast<int>(b)));
        continue;
      }
      rows.emplace_back(head.size());
      rows.back().front() = figure.name + " over " + figure.baselines[b].first;
      rows.back().back() = cell(f, static_cast<int>(b));
    }
    if (figure.kind != ReportSpec::Value)
      continue;
    row.resize(head.size() - 1);
    row.push_back(cell(f, none));
    rows.push_back(row);
  }
  return rows.size() > 1 ? htmlTable(rows) : "";
}

// Of one run: baselines beside the model, gains with their intervals below.
static std::string ownFigures(const EvaluationResult &evaluation) {
  return figuresTable(evaluation, [&](size_t f, int b) {
    const Figure &figure = evaluation.figures[f];
    const Tensor &value = b == none ? figure.value : figure.baselines[static_cast<size_t>(b)].second;
    std::string text = figureNumber(value.values.at(0), figure.kind == ReportSpec::Gain);
    if (b == none || static_cast<size_t>(b) >= figure.intervals.size() ||
        std::isnan(figure.intervals[static_cast<size_t>(b)].low))
      return text;
    const Interval &interval = figure.intervals[static_cast<size_t>(b)];
    return text + format(" [{:+.4f}, {:+.4f}]", interval.low, interval.high);
  });
}

// A square matrix of counts is a confusion matrix.
static bool isConfusion(const Figure &figure) {
  const Tensor &value = figure.value;
  return figure.kind != ReportSpec::Rows && value.shape.size() == 2 && value.shape[0] == value.shape[1] &&
         !value.values.empty() && std::all_of(value.values.begin(), value.values.end(), [](double number) {
           return number >= 0 && number == std::floor(number);
         });
}

// A confusion matrix with its classes; other vectors and matrices are tables.
static std::string largeFigures(const EvaluationResult &evaluation, const Reader *reader) {
  std::string text;
  for (const Figure &figure : evaluation.figures) {
    const Tensor &value = figure.value;
    if (figure.kind == ReportSpec::Rows || value.shape.empty() || value.values.empty())
      continue;
    size_t rows = value.shape.size() == 2 ? static_cast<size_t>(value.shape[0]) : 1,
           columns = value.values.size() / rows;
    text += format("<h3>{}</h3>\n", htmlText(figure.name));
    std::vector<std::string> names = namesOfClasses(reader, columns);
    if (isConfusion(figure)) {
      text += htmlConfusion(value.values, names) + "<h3>by class</h3>\n" + htmlPerClass(value.values, names);
      continue;
    }
    std::vector<std::vector<std::string>> table{{""}};
    table[0].insert(table[0].end(), names.begin(), names.end());
    for (size_t i = 0; i < rows; ++i) {
      table.push_back({rows > 1 ? std::to_string(i) : ""});
      for (size_t k = 0; k < columns; ++k)
        table.back().push_back(format("{:.4g}", value.values[i * columns + k]));
    }
    text += htmlTable(table);
  }
  return text;
}

// "usps.test#2" is of the split usps.test.
static std::string splitName(const EvaluationSpec &spec) { return spec.name.substr(0, spec.name.find('#')); }

// Every number that the log has of a stage, over its epochs.
static std::string curves(const std::string &logPath) {
  Expected<Bytes> log = mapFile(logPath);
  if (!log)
    return "";
  std::vector<std::pair<std::string, std::vector<Curve>>> stages; // in the order in which they ran
  std::string_view rest = log->text();
  while (!rest.empty()) {
    size_t end = rest.find('\n');
    Json line = Json::parse(rest.substr(0, end), nullptr, /*allow_exceptions=*/false);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.is_object() || !line.contains("stage") || !line.contains("epoch") || !line["epoch"].is_number() ||
        !line["stage"].is_string())
      continue;
    std::string name = line["stage"].get<std::string>();
    if (line.contains("at"))
      name += " at " + line["at"].dump();
    else if (line.contains("run") && line["run"] != 0)
      name += " #" + line["run"].dump();
    auto stage = std::find_if(stages.begin(), stages.end(), [&](auto &one) { return one.first == name; });
    if (stage == stages.end())
      stage = stages.insert(stages.end(), {name, {}});
    for (const auto &entry : line.items()) {
      const std::string &key = entry.key();
      if (!entry.value().is_number() || key == "epoch" || key == "run" || key == "step")
        continue;
      auto curve =
          std::find_if(stage->second.begin(), stage->second.end(), [&](Curve &one) { return one.name == key; });
      if (curve == stage->second.end())
        curve = stage->second.insert(stage->second.end(), {key, {}});
      // The log counts from 0, people and the terminal from 1.
      curve->points.push_back({line["epoch"].get<double>() + 1, entry.value().get<double>()});
    }
  }
  std::string text;
  for (const auto &[name, list] : stages) {
    std::string drawings;
    for (const Curve &curve : list)
      drawings += htmlCurve(curve, "epoch");
    if (!drawings.empty())
      text += format("<h3>{}</h3>\n<div class=\"flow\">\n{}</div>\n", htmlText(name), drawings);
  }
  return text;
}

// What is no point of a plane: a number, a map of pixels, a diverged value.
static bool areFeatures(const Points &rows) {
  constexpr size_t widest = 1 << 13;
  const std::vector<double> &values = rows.rows.values;
  return rows.width() >= 2 && rows.width() <= widest &&
         std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

// Rows of one width together, those under the baseline beside those of the model; at most so many points of each.
static std::string scatters(const std::vector<Points> &features) {
  std::map<size_t, std::vector<const Points *>> byWidth;
  for (const Points &rows : features)
    byWidth[rows.width()].push_back(&rows);
  std::string text;
  for (const auto &[width, list] : byWidth) {
    std::vector<std::string> groups; // splits
    auto groupOf = [&](const Points &rows) {
      auto found = std::find(groups.begin(), groups.end(), rows.split);
      if (found == groups.end())
        found = groups.insert(groups.end(), rows.split);
      return static_cast<size_t>(found - groups.begin());
    };
    std::string drawings;
    for (bool after : {false, true}) {
      std::vector<double> values;
      std::vector<size_t> group;
      std::string title = "after: the model";
      for (const Points *rows : list) {
        if (rows->baseline.empty() != after)
          continue;
        if (!after)
          title = "before: " + rows->baseline;
        size_t shown = std::min(mostPoints, rows->count()), number = groupOf(*rows);
        for (size_t i = 0; i < shown; ++i) {
          const double *row = rows->row(i * rows->count() / shown);
          values.insert(values.end(), row, row + width);
          group.push_back(number);
        }
      }
      drawings += htmlScatter(title, principalPlane(std::move(values), width), group);
    }
    text += htmlLegend(groups) + "<div class=\"flow\">\n" + drawings + "</div>\n";
  }
  return text;
}

namespace {
// What the evaluations of a run predict, as the parts of its page.
struct PredictedParts {
  std::string predictions;
  std::vector<Points> features;
};
} // namespace

// Classes of each split once, however many evaluations predict them: by the first that judges the model of the end.
static Expected<PredictedParts> predictedParts(Session &session, const OpenedData &data,
                                               const std::vector<Snapshot> &baselines, const RunResults &results) {
  PassCache passes(session, data);
  PredictedParts parts;
  struct Shown {
    std::string split, html;
    bool trainedOn;
  };
  std::vector<Shown> shown;
  for (const EvaluationSpec &spec : session.manifest.evaluations) {
    bool trainedOn = !judgesFinalModel(session.manifest, &spec - session.manifest.evaluations.data());
    Expected<std::vector<NamedRows>> found = evaluateRows(session, passes, spec, baselines);
    if (!found)
      return found.status().within("evaluation '" + spec.name + "'");
    for (NamedRows &named : *found) {
      const SourceSpec &source =
          *sourceOfRows(session.manifest, session.manifest.passes[spec.pass], named.report->output);
      const Reader &reader = data.reader(source);
      PredictionTable &table = named.table;
      bool plain = source.sampler.kind == SamplerSpec::Plain;
      std::vector<double> shares = plain ? classShares(table, reader) : std::vector<double>();
      if (shares.empty()) {
        Points points{splitName(spec), named.baseline, std::move(table.rows)};
        if (table.truth.values.empty() && areFeatures(points))
          parts.features.push_back(std::move(points));
        continue;
      }
      auto place = std::find_if(shown.begin(), shown.end(), [&](auto &one) { return one.split == splitName(spec); });
      if (!named.baseline.empty() || (place != shown.end() && (trainedOn || !place->trainedOn)))
        continue;
      std::vector<std::string> names = table.classes.empty() ? namesOfClasses(&reader, table.width()) : table.classes;
      bool hasConfusion = std::any_of(results.evaluations.begin(), results.evaluations.end(), [&](auto &result) {
        return result.name == spec.name && std::any_of(result.figures.begin(), result.figures.end(), isConfusion);
      });
      Expected<std::string> samples = htmlSamples(table, shares, reader, data.split(source));
      if (!samples)
        return samples.status();
      std::string content = htmlJudged(table, shares, names, !hasConfusion || trainedOn) + *samples;
      if (trainedOn && !content.empty())
        content = "<p>Predicted by the model at the end of the run.</p>\n" + content;
      if (place == shown.end())
        place = shown.insert(place, Shown());
      *place = {splitName(spec), std::move(content), trainedOn};
    }
    passes.clear();
  }
  for (const Shown &one : shown)
    parts.predictions += htmlSection("Predictions of " + one.split, one.html);
  if (!parts.features.empty())
    return parts;
  for (const EvaluationSpec &spec : session.manifest.evaluations) {
    Expected<std::vector<FeatureRows>> found = evaluateFeatures(session, data, spec, baselines, mostPoints);
    if (!found)
      return found.status().within("features of evaluation '" + spec.name + "'");
    for (FeatureRows &rows : *found) {
      Points points{rows.source->domain + "." + rows.source->split, rows.baseline, std::move(rows.rows)};
      if (areFeatures(points))
        parts.features.push_back(std::move(points));
    }
  }
  return parts;
}

Status writeReportPage(Session &session, const OpenedData &data, const std::vector<Snapshot> &baselines,
                       const RunResults &results, const RunFolder &folder) {
  const Manifest &manifest = session.manifest;
  std::string figures;
  for (const EvaluationResult &result : results.evaluations) {
    std::string content = ownFigures(result) + largeFigures(result, readerOf(manifest, data, result.name));
    if (!content.empty())
      figures += htmlSection(result.name, content);
  }
  Expected<PredictedParts> parts = predictedParts(session, data, baselines, results);
  if (!parts)
    return parts.status();
  std::string time = results.seconds > 0 ? format(", {:.1f} seconds", results.seconds) : ""; // of the training
  std::string body = format("<h1>{}</h1>\n<p>seed {}{}, program {}, compiled by {}</p>\n", htmlText(manifest.program),
                            results.seed, time, htmlText(manifest.hash.substr(0, 12)), htmlText(manifest.compiler));
  for (const std::string &warning : resultWarnings(manifest, {results}))
    body += format("<p class=\"warning\">{}</p>\n", htmlText(warning));
  if (std::string skipped = skippedText(manifest, data); !skipped.empty())
    body += format("<p class=\"warning\">{}</p>\n", htmlText(skipped));
  body += figures + htmlSection("Curves", curves(folder.metrics())) + parts->predictions +
          htmlSection("Features, in the plane in which they vary most", scatters(parts->features));
  return replaceFile(folder.page(), htmlPage(manifest.program, body));
}

} // namespace xfer::rt
