#include "runtime/cli/ReportPage.h"
#include "runtime/cli/DataFacts.h"
#include "runtime/core/File.h"
#include "runtime/metrics/HtmlPage.h"
#include "runtime/metrics/Png.h"
#include "runtime/program/JsonReader.h"
#include "runtime/program/PassCache.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

namespace xfer::rt {

namespace {
// What a `rows` report of an evaluation gave, and where its samples are.
struct SampleRows {
  const EvaluationSpec *evaluation;
  NamedRows named;
  size_t count() const { return named.rows.shape.empty() ? 0 : static_cast<size_t>(named.rows.shape[0]); }
  size_t width() const { return count() ? named.rows.values.size() / count() : 0; }
  const double *row(size_t i) const { return named.rows.values.data() + i * width(); }
};
} // namespace

static std::string figureNumber(double number, bool isGain) {
  if (std::isnan(number))
    return "-";
  return isGain ? format("{:+.4f}", number) : format("{:.4f}", number);
}

std::vector<std::string> figureColumns(const EvaluationResult &evaluation) {
  std::vector<std::string> columns{""};
  for (const Figure &figure : evaluation.figures)
    if (figure.kind == ReportSpec::Value && columns.size() == 1)
      for (const auto &[name, value] : figure.baselines)
        columns.push_back(name);
  columns.push_back("model");
  return columns;
}

// The figures that are numbers: a row each, baselines beside the model, gains with their intervals below.
static std::string figuresTable(const EvaluationResult &evaluation) {
  const std::vector<std::string> head = figureColumns(evaluation);
  std::vector<std::vector<std::string>> rows{head};
  for (const Figure &figure : evaluation.figures) {
    if (figure.kind == ReportSpec::Rows || figure.value.values.size() != 1 || !figure.value.shape.empty())
      continue;
    std::vector<std::string> row{figure.name};
    if (figure.kind == ReportSpec::Value) {
      for (const auto &[name, value] : figure.baselines)
        row.push_back(figureNumber(value.values[0], false));
      row.resize(head.size() - 1);
      row.push_back(figureNumber(figure.value.values[0], false));
      rows.push_back(row);
      continue;
    }
    for (size_t b = 0; b < figure.baselines.size(); ++b) {
      std::string range;
      if (b < figure.intervals.size() && !std::isnan(figure.intervals[b].low))
        range = format(" [{:+.4f}, {:+.4f}]", figure.intervals[b].low, figure.intervals[b].high);
      row.assign(head.size(), "");
      row.front() = figure.name + " over " + figure.baselines[b].first;
      row.back() = figureNumber(figure.baselines[b].second.values[0], true) + range;
      rows.push_back(row);
    }
  }
  return rows.size() > 1 ? htmlTable(rows) : "";
}

// The domain of an evaluation's first source; null where it has none.
static const OpenedDomain *domainOf(const Session &session, const OpenedData &data, const EvaluationSpec &spec,
                                    const SourceSpec *&source) {
  const PassSpec &pass = session.manifest.passes[spec.pass];
  if (pass.sources.empty())
    return nullptr;
  source = &pass.sources.front();
  return &data.domains[source->domainIndex];
}

// The first field of so many classes, or none.
static int labelField(const Reader &reader, size_t classes) {
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const Field &field = reader.fields()[i];
    if (field.classes == static_cast<int64_t>(classes) && !field.isLength && !field.tokenizer && field.elements() == 1)
      return static_cast<int>(i);
  }
  return none;
}

// "0", "1", .. where nobody named them.
static std::vector<std::string> namesOfClasses(const Reader *reader, size_t classes) {
  int field = reader ? labelField(*reader, classes) : none;
  if (field != none && reader->classNames(field).size() == classes)
    return reader->classNames(field);
  std::vector<std::string> names;
  for (size_t c = 0; c < classes; ++c)
    names.push_back(std::to_string(c));
  return names;
}

// A square matrix of counts is a confusion matrix; other vectors and matrices are tables.
static std::string largeFigures(const EvaluationResult &evaluation, const Reader *reader) {
  std::string text;
  for (const Figure &figure : evaluation.figures) {
    const Tensor &value = figure.value;
    if (figure.kind == ReportSpec::Rows || value.shape.empty() || value.values.empty())
      continue;
    bool counts = std::all_of(value.values.begin(), value.values.end(),
                              [](double number) { return number >= 0 && number == std::floor(number); });
    size_t rows = value.shape.size() == 2 ? static_cast<size_t>(value.shape[0]) : 1,
           columns = value.values.size() / rows;
    text += format("<h3>{}</h3>\n", htmlText(figure.name));
    std::vector<std::string> names = namesOfClasses(reader, columns);
    if (value.shape.size() == 2 && rows == columns && counts) {
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
      curve->points.push_back({line["epoch"].get<double>(), entry.value().get<double>()});
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

// Rows of shares of one, as many as some field of the domain has classes, are predictions.
static bool arePredictions(const SampleRows &rows, const Reader *reader) {
  if (!reader || rows.width() < 2 || labelField(*reader, rows.width()) == none)
    return false;
  for (size_t i = 0; i < rows.count(); ++i) {
    double sum = 0;
    for (size_t k = 0; k < rows.width(); ++k) {
      if (!(rows.row(i)[k] >= 0))
        return false;
      sum += rows.row(i)[k];
    }
    if (std::abs(sum - 1) > 1e-3)
      return false;
  }
  return true;
}

// What is no point of a plane: a number, a map of pixels, a diverged value.
static bool areFeatures(const SampleRows &rows) {
  constexpr size_t widest = 1 << 13;
  const std::vector<double> &values = rows.named.rows.values;
  return rows.width() >= 2 && rows.width() <= widest &&
         std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

// A field that can be seen: height x width, or with 1 or 3 channels.
static int pictureField(const Reader &reader) {
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const Field &field = reader.fields()[i];
    bool hasChannels = field.shape.size() == 3 && (field.shape[2] == 1 || field.shape[2] == 3);
    if ((hasChannels || field.shape.size() == 2) && field.shape[0] >= 4 && field.shape[1] >= 4 && field.classes == 0 &&
        (field.type == ElementType::U8 || field.type == ElementType::F32))
      return static_cast<int>(i);
  }
  return none;
}

// Of a large picture every second, third, .. pixel of each direction, so that none is longer than `longest`.
static std::vector<uint8_t> thinned(const std::vector<uint8_t> &pixels, uint32_t &width, uint32_t &height,
                                    int channels) {
  constexpr uint32_t longest = 224;
  uint32_t step = (std::max(width, height) + longest - 1) / longest;
  std::vector<uint8_t> kept;
  for (uint32_t y = 0; y < height; y += step)
    for (uint32_t x = 0; x < width; x += step)
      kept.insert(kept.end(), &pixels[(size_t(y) * width + x) * channels],
                  &pixels[(size_t(y) * width + x) * channels] + channels);
  width = (width + step - 1) / step;
  height = (height + step - 1) / step;
  return kept;
}

// Numbers that are no bytes go from black (the least of the sample) to white.
static Expected<std::string> pictureOf(const Reader &reader, int field, int32_t sample) {
  const Field &spec = reader.fields()[field];
  std::vector<uint8_t> stored(spec.bytes()), pixels(spec.elements());
  if (Status status = reader.read(field, &sample, 1, stored.data()); status.failed())
    return status;
  if (spec.type == ElementType::U8) {
    pixels = stored;
  } else {
    std::vector<float> values(pixels.size());
    std::memcpy(values.data(), stored.data(), stored.size());
    auto [least, most] = std::minmax_element(values.begin(), values.end());
    float low = *least, scale = *most > low ? 255 / (*most - low) : 0;
    for (size_t i = 0; i < pixels.size(); ++i)
      pixels[i] = static_cast<uint8_t>((values[i] - low) * scale);
  }
  auto height = static_cast<uint32_t>(spec.shape[0]), width = static_cast<uint32_t>(spec.shape[1]);
  int channels = spec.shape.size() == 3 ? static_cast<int>(spec.shape[2]) : 1;
  pixels = thinned(pixels, width, height, channels);
  return pngFile(pixels, width, height, channels);
}

// The dozen of mistakes that the model is surest of, and a dozen of samples at equal distances.
static Expected<std::string> samplePictures(const SampleRows &rows, const Reader &reader,
                                            const std::vector<int32_t> &split) {
  constexpr size_t some = 12;
  int labels = labelField(reader, rows.width()), picture = pictureField(reader);
  if (picture == none || split.size() != rows.count())
    return std::string();
  std::vector<std::string> names = namesOfClasses(&reader, rows.width());
  struct Seen {
    size_t row, label, guess;
  };
  std::vector<Seen> all;
  for (size_t i = 0; i < rows.count(); ++i) {
    uint8_t stored[8] = {};
    if (Status status = reader.read(labels, &split[i], 1, stored); status.failed())
      return status;
    double label = loadNumber(reinterpret_cast<const char *>(stored), reader.fields()[labels].type);
    size_t guess = std::max_element(rows.row(i), rows.row(i) + rows.width()) - rows.row(i);
    all.push_back({i, static_cast<size_t>(label), guess});
  }
  std::vector<Seen> wrong, spread;
  std::copy_if(all.begin(), all.end(), std::back_inserter(wrong), [](const Seen &s) { return s.label != s.guess; });
  std::sort(wrong.begin(), wrong.end(), [&](const Seen &a, const Seen &b) {
    double sureA = rows.row(a.row)[a.guess], sureB = rows.row(b.row)[b.guess];
    return sureA != sureB ? sureA > sureB : a.row < b.row;
  });
  if (wrong.size() > some)
    wrong.resize(some);
  for (size_t i = 0; i < std::min(some, all.size()); ++i)
    spread.push_back(all[i * all.size() / std::min(some, all.size())]);
  std::string text;
  for (const auto &[title, chosen] : {std::pair("samples", &spread), std::pair("surest mistakes", &wrong)}) {
    if (chosen->empty())
      continue;
    text += format("<h3>{}</h3>\n<div class=\"flow pictures\">\n", title);
    for (const Seen &seen : *chosen) {
      Expected<std::string> png = pictureOf(reader, picture, split[seen.row]);
      if (!png)
        return png.status();
      double sure = 100 * rows.row(seen.row)[seen.guess];
      text += htmlPicture(*png,
                          seen.label == seen.guess
                              ? format("{} ({:.0f}\u00a0%)", names[seen.guess], sure)
                              : format("{}, read as {} ({:.0f}\u00a0%)", names[seen.label], names[seen.guess], sure),
                          seen.label == seen.guess);
    }
    text += "</div>\n";
  }
  return text;
}

// Rows of one width together, those under the baseline beside those of the model; at most so many points of each.
static std::string scatters(const std::vector<SampleRows> &features) {
  constexpr size_t most = 500;
  std::map<size_t, std::vector<const SampleRows *>> byWidth;
  for (const SampleRows &rows : features)
    byWidth[rows.width()].push_back(&rows);
  std::string text;
  for (const auto &[width, list] : byWidth) {
    std::vector<std::string> groups; // splits
    auto groupOf = [&](const SampleRows &rows) {
      auto found = std::find(groups.begin(), groups.end(), splitName(*rows.evaluation));
      if (found == groups.end())
        found = groups.insert(groups.end(), splitName(*rows.evaluation));
      return static_cast<size_t>(found - groups.begin());
    };
    std::string drawings;
    for (bool after : {false, true}) {
      std::vector<double> values;
      std::vector<size_t> group;
      std::string title = "after: the model";
      for (const SampleRows *rows : list) {
        if (rows->named.baseline.empty() != after)
          continue;
        if (!after)
          title = "before: " + rows->named.baseline;
        size_t shown = std::min(most, rows->count()), number = groupOf(*rows);
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

Status writeReportPage(Session &session, const OpenedData &data, const std::vector<Snapshot> &baselines,
                       const RunResults &results, const RunFolder &folder) {
  const Manifest &manifest = session.manifest;
  PassCache passes(session, data);
  std::vector<SampleRows> features;
  std::string figures, pictures;
  for (const EvaluationResult &result : results.evaluations) {
    auto spec = std::find_if(manifest.evaluations.begin(), manifest.evaluations.end(),
                             [&](const EvaluationSpec &one) { return one.name == result.name; });
    const SourceSpec *source = nullptr;
    const OpenedDomain *domain = spec == manifest.evaluations.end() ? nullptr : domainOf(session, data, *spec, source);
    std::string content = figuresTable(result) + largeFigures(result, domain ? domain->reader.get() : nullptr);
    if (!content.empty())
      figures += htmlSection(result.name, content);
  }
  for (const EvaluationSpec &spec : manifest.evaluations) {
    const SourceSpec *source = nullptr;
    const OpenedDomain *domain = domainOf(session, data, spec, source);
    Expected<std::vector<NamedRows>> found = evaluateRows(session, passes, spec, baselines);
    if (!found)
      return found.status().within("evaluation '" + spec.name + "'");
    for (NamedRows &named : *found) {
      SampleRows rows{&spec, std::move(named)};
      bool plain = domain && source->sampler.kind == SamplerSpec::Plain;
      if (!plain || !arePredictions(rows, domain->reader.get())) {
        if (areFeatures(rows))
          features.push_back(std::move(rows));
      } else if (rows.named.baseline.empty()) {
        Expected<std::string> seen = samplePictures(rows, *domain->reader, *domain->splits.find(source->split));
        if (!seen)
          return seen.status();
        pictures += htmlSection("Predictions of " + splitName(spec), *seen);
      }
    }
    passes.clear();
  }
  std::string time = results.seconds > 0 ? format(", {:.1f} seconds", results.seconds) : ""; // of the training
  std::string body = format("<h1>{}</h1>\n<p>seed {}{}, program {}, compiled by {}</p>\n", htmlText(manifest.program),
                            results.seed, time, htmlText(manifest.hash.substr(0, 12)), htmlText(manifest.compiler));
  for (const std::string &warning : resultWarnings(manifest, {results}))
    body += format("<p class=\"warning\">{}</p>\n", htmlText(warning));
  if (std::string skipped = skippedText(manifest, data); !skipped.empty())
    body += format("<p class=\"warning\">{}</p>\n", htmlText(skipped));
  body += figures + htmlSection("Curves", curves(folder.metrics())) + pictures +
          htmlSection("Features, in the plane in which they vary most", scatters(features));
  return replaceFile(folder.page(), htmlPage(manifest.program, body));
}

} // namespace xfer::rt
