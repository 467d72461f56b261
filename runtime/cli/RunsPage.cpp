// `--report` of several runs: mean and deviation of their figures, each run's own, and the way to its page.
#include "runtime/cli/ReportPage.h"
#include "runtime/core/File.h"
#include "runtime/metrics/HtmlPage.h"
#include <cmath>

namespace xfer::rt {

// "0.8094 ± 0.0025"; without deviation of one value; of a gain with its sign.
static std::string meanText(const std::vector<double> &values, bool isGain) {
  Moments moments = momentsOf(values);
  if (values.empty() || std::isnan(moments.mean))
    return "-";
  return (isGain ? format("{:+.4f}", moments.mean) : format("{:.4f}", moments.mean)) +
         (values.size() > 1 ? format(" ± {:.4f}", moments.deviation) : "");
}

// One number of each run: `pick` gives the tensor of a run's figure, or null.
template <typename Pick> static std::vector<double> overRuns(const std::vector<RunResults> &runs, Pick pick) {
  std::vector<double> values;
  for (const RunResults &run : runs)
    if (const Tensor *tensor = pick(run); tensor && tensor->values.size() == 1)
      values.push_back(tensor->values[0]);
  return values;
}

static bool isNumber(const Figure &figure) {
  return figure.kind != ReportSpec::Rows && figure.value.shape.empty() && !figure.value.values.empty();
}

// Means: baselines beside the model; a gain over each baseline has a row of its own.
static std::string meansTable(const std::vector<RunResults> &runs, size_t e) {
  const EvaluationResult &evaluation = runs.back().evaluations[e];
  const std::vector<std::string> head = figureColumns(evaluation);
  std::vector<std::vector<std::string>> rows{head};
  for (size_t f = 0; f < evaluation.figures.size(); ++f) {
    const Figure &figure = evaluation.figures[f];
    if (!isNumber(figure))
      continue;
    bool isGain = figure.kind == ReportSpec::Gain;
    std::vector<std::string> row{figure.name};
    for (size_t b = 0; b < figure.baselines.size(); ++b) {
      std::string text = meanText(
          overRuns(runs, [&](const RunResults &run) { return &run.evaluations[e].figures[f].baselines[b].second; }),
          isGain);
      if (!isGain) {
        row.push_back(text);
        continue;
      }
      rows.emplace_back(head.size());
      rows.back().front() = figure.name + " over " + figure.baselines[b].first;
      rows.back().back() = text;
    }
    if (isGain)
      continue;
    row.resize(head.size() - 1);
    row.push_back(
        meanText(overRuns(runs, [&](const RunResults &run) { return &run.evaluations[e].figures[f].value; }), false));
    rows.push_back(row);
  }
  return rows.size() > 1 ? htmlTable(rows) : "";
}

static std::string eachRun(const std::vector<RunResults> &runs, size_t e) {
  std::vector<std::vector<std::string>> rows{{"seed"}};
  for (const Figure &figure : runs.back().evaluations[e].figures)
    if (isNumber(figure))
      rows[0].push_back(figure.name);
  if (rows[0].size() == 1)
    return "";
  for (const RunResults &run : runs) {
    rows.push_back({std::to_string(run.seed)});
    for (const Figure &figure : run.evaluations[e].figures)
      if (isNumber(figure))
        rows.back().push_back(meanText({figure.value.values[0]}, figure.kind == ReportSpec::Gain));
  }
  return "<h3>each run</h3>\n" + htmlTable(rows);
}

Status writeRunsPage(const Manifest &manifest, const std::vector<RunResults> &runs, const RunFolder &root) {
  double seconds = 0;
  std::string body, links;
  for (const RunResults &run : runs) {
    seconds += run.seconds;
    links += format("{0}<a href=\"seed-{1}/report.html\">seed {1}</a>", links.empty() ? "" : " · ", run.seed);
  }
  body = format("<h1>{}</h1>\n<p>{} runs, {:.1f} seconds, program {}, compiled by {}</p>\n<p>{}</p>\n",
                htmlText(manifest.program), runs.size(), seconds, htmlText(manifest.hash.substr(0, 12)),
                htmlText(manifest.compiler), links);
  for (const std::string &warning : resultWarnings(manifest, runs))
    body += format("<p class=\"warning\">{}</p>\n", htmlText(warning));
  for (size_t e = 0; e < runs.back().evaluations.size(); ++e)
    if (std::string means = meansTable(runs, e); !means.empty())
      body += htmlSection(runs.back().evaluations[e].name, means + eachRun(runs, e));
  return replaceFile(root.page(), htmlPage(manifest.program, body));
}

} // namespace xfer::rt
