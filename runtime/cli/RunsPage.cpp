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

// Means over the runs.
static std::string meansTable(const std::vector<RunResults> &runs, size_t e) {
  return figuresTable(runs.back().evaluations[e], [&](size_t f, int b) {
    auto pick = [&](const RunResults &run) {
      const Figure &figure = run.evaluations[e].figures[f];
      return b == none ? &figure.value : &figure.baselines[static_cast<size_t>(b)].second;
    };
    return meanText(overRuns(runs, pick), runs.back().evaluations[e].figures[f].kind == ReportSpec::Gain);
  });
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
