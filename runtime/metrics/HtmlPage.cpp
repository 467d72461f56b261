#include "runtime/metrics/HtmlPage.h"
#include "runtime/metrics/Png.h"
#include "xfer/rt/Status.h"
#include <algorithm>
#include <cmath>

namespace xfer::rt {

static constexpr std::string_view style = R"(
:root{--ink:#1c2430;--soft:#667085;--line:#d9dee7;--paper:#fff;--card:#f7f8fa;--blue:37,99,235;--good:#2e9e5b;--bad:#d9483b}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--soft:#98a2b3;--line:#343b48;--paper:#14171d;--card:#1c2028;--blue:96,148,255}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:32px 24px 64px;font:15px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:26px;margin:0 0 4px}
h2{font-size:19px;margin:36px 0 12px;padding-bottom:6px;border-bottom:1px solid var(--line)}
h3{font-size:15px;margin:20px 0 8px}
p{margin:6px 0;color:var(--soft)}
p.warning{color:var(--bad)}
a{color:rgb(var(--blue))}
.flow{display:flex;flex-wrap:wrap;gap:14px;align-items:flex-start}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:8px 0}
th,td{padding:4px 12px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;color:var(--soft)}
th:first-child,td:first-child{text-align:left;padding-left:0;white-space:normal;overflow-wrap:anywhere;min-width:140px}
table.heat td,table.heat th{padding:3px 6px;text-align:center;border:0;min-width:30px}
table.heat th{max-width:90px;white-space:normal;overflow-wrap:anywhere;line-height:1.2;vertical-align:bottom}
table.heat th:first-child{min-width:30px;max-width:160px;text-align:right;padding-right:8px;vertical-align:middle}
table.heat.many td,table.heat.many td:first-child{min-width:8px;width:8px;height:8px;padding:0}
figure{margin:0;width:fit-content;max-width:100%;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px}
figcaption{font-size:13px;margin-bottom:4px}
svg{display:block;max-width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:var(--soft)}
.pictures figure{padding:6px;width:124px;text-align:center}
.pictures img{width:110px;height:110px;object-fit:contain;image-rendering:pixelated;display:block}
.pictures figcaption{margin:4px 0 0;font-size:12px;line-height:1.3;overflow-wrap:anywhere}
figure.good{border-color:var(--good)}figure.bad{border-color:var(--bad)}
@media(max-width:600px){body{padding:20px 14px 40px}table{font-size:14px}th,td{padding:4px 5px;white-space:normal}th:first-child,td:first-child{min-width:72px}table.heat th:first-child,table.heat td{min-width:26px}.pictures figure{width:104px}.pictures img{width:90px;height:90px}}
.dot{display:inline-block;width:10px;height:10px;border-radius:5px;margin:0 6px 0 14px}
)";

static constexpr std::string_view colours[] = {"#2563eb", "#ea7b1b", "#2e9e5b", "#b6409e", "#7a5af8", "#0e9aa7"};

static std::string_view colourOf(size_t group) { return colours[group % std::size(colours)]; }

std::string htmlText(std::string_view text) {
  std::string escaped;
  for (char c : text)
    switch (c) {
    case '&':
      escaped += "&amp;";
      break;
    case '<':
      escaped += "&lt;";
      break;
    case '>':
      escaped += "&gt;";
      break;
    case '"':
      escaped += "&quot;";
      break;
    default:
      escaped += c;
    }
  return escaped;
}

std::string htmlPage(std::string_view title, std::string_view body) {
  return format("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n"
                "</head>\n<body>\n{}</body>\n</html>\n",
                htmlText(title), style, body);
}

std::string htmlSection(std::string_view title, std::string_view content) {
  return content.empty() ? "" : format("<h2>{}</h2>\n{}\n", htmlText(title), content);
}

std::string htmlTable(const std::vector<std::vector<std::string>> &rows) {
  std::string text = "<div class=\"scroll\"><table>\n";
  for (size_t i = 0; i < rows.size(); ++i) {
    text += "<tr>";
    for (const std::string &cell : rows[i])
      text += format(i == 0 ? "<th>{}</th>" : "<td>{}</td>", htmlText(cell));
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

// Three digits, without zeros that say nothing.
static std::string shortNumber(double number) { return format("{:.3g}", number); }

namespace {
// From the least to the largest value, on so many points of the drawing.
struct Axis {
  double low, high, start, end;
  double at(double value) const {
    return high > low ? start + (value - low) / (high - low) * (end - start) : (start + end) / 2;
  }
};
} // namespace

std::string htmlCurve(const Curve &curve, std::string_view xName) {
  std::vector<std::pair<double, double>> points;
  for (const auto &point : curve.points)
    if (std::isfinite(point.first) && std::isfinite(point.second))
      points.push_back(point);
  if (points.size() < 2)
    return "";
  auto [least, most] =
      std::minmax_element(points.begin(), points.end(), [](auto &a, auto &b) { return a.second < b.second; });
  constexpr double width = 320, height = 170, left = 62, right = 12, top = 10, bottom = 24;
  Axis x{points.front().first, points.back().first, left, width - right};
  Axis y{least->second, most->second, height - bottom, top};
  std::string path;
  size_t stride = (points.size() + 399) / 400; // more than a pixel can show
  for (size_t i = 0; i < points.size(); i += stride)
    path += format("{:.1f},{:.1f} ", x.at(points[i].first), y.at(points[i].second));
  path += format("{:.1f},{:.1f}", x.at(points.back().first), y.at(points.back().second));
  std::string text =
      format("<figure><figcaption>{0}</figcaption><svg width=\"{1}\" height=\"{2}\" viewBox=\"0 0 {1} {2}\">\n",
             htmlText(curve.name), width, height);
  text += format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"var(--line)\"/>\n", left, top, height - bottom,
                 width - right);
  text += format("<polyline points=\"{}\" fill=\"none\" stroke=\"rgb(var(--blue))\" stroke-width=\"1.8\" "
                 "stroke-linejoin=\"round\"/>\n",
                 path);
  auto label = [&](double at, double down, std::string_view anchor, std::string_view words) {
    text += format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", at, down, anchor, htmlText(words));
  };
  label(left - 6, top + 8, "end", shortNumber(most->second));
  if (most->second > least->second)
    label(left - 6, height - bottom, "end", shortNumber(least->second));
  label(left, height - 8, "start", shortNumber(points.front().first));
  label((left + width - right) / 2, height - 8, "middle", xName);
  label(width - right, height - 8, "end", shortNumber(points.back().first));
  return text + "</svg></figure>\n";
}

std::string htmlConfusion(const std::vector<double> &counts, const std::vector<std::string> &names) {
  size_t classes = names.size();
  bool many = classes > 30; // no room for numbers
  std::string text = format("<p>Rows are labels, columns predictions; shaded by the share of the row.</p>"
                            "<div class=\"scroll\"><table class=\"heat{}\">\n",
                            many ? " many" : "");
  if (!many) {
    text += "<tr><th></th>";
    for (const std::string &name : names)
      text += format("<th>{}</th>", htmlText(name));
    text += "</tr>\n";
  }
  for (size_t i = 0; i < classes; ++i) {
    double whole = 0;
    for (size_t k = 0; k < classes; ++k)
      whole += counts[i * classes + k];
    text += many ? "<tr>" : format("<tr><th>{}</th>", htmlText(names[i]));
    for (size_t k = 0; k < classes; ++k) {
      double count = counts[i * classes + k], share = whole > 0 ? count / whole : 0;
      std::string inside = many || count == 0 ? "" : format("{:.0f}", count);
      text +=
          format("<td title=\"{} as {}: {:.0f}\" style=\"background:rgba(var(--blue),{:.2f}){}\">{}</td>",
                 htmlText(names[i]), htmlText(names[k]), count, 0.9 * share, share > 0.55 ? ";color:#fff" : "", inside);
    }
    text += "</tr>\n";
  }
  return text + "</table></div>\n";
}

std::string htmlPerClass(const std::vector<double> &counts, const std::vector<std::string> &names) {
  size_t classes = names.size();
  std::vector<std::vector<std::string>> rows{{"class", "samples", "precision", "recall", "F1"}};
  for (size_t c = 0; c < classes; ++c) {
    double labelled = 0, predicted = 0, hits = counts[c * classes + c];
    for (size_t k = 0; k < classes; ++k) {
      labelled += counts[c * classes + k];
      predicted += counts[k * classes + c];
    }
    auto share = [](double part, double whole) { return whole > 0 ? format("{:.3f}", part / whole) : "-"; };
    rows.push_back({names[c], format("{:.0f}", labelled), share(hits, predicted), share(hits, labelled),
                    share(2 * hits, labelled + predicted)});
  }
  return htmlTable(rows);
}

std::string htmlCalibration(const std::vector<CalibrationBin> &bins) {
  constexpr double side = 220, left = 40, top = 10, bottom = 30, right = 12;
  double whole = 0, error = 0;
  for (const CalibrationBin &bin : bins) {
    whole += bin.count;
    error += std::abs(bin.sure - bin.right);
  }
  if (whole == 0)
    return "";
  double width = left + side + right, height = top + side + bottom;
  std::string text =
      format("<p>Of the predictions that are so sure, the share that is right; darker where there are more.</p>\n"
             "<figure><figcaption>right against sure (expected calibration error {0:.3f})</figcaption>"
             "<svg width=\"{1}\" height=\"{2}\" viewBox=\"0 0 {1} {2}\">\n",
             error / whole, width, height);
  text += format("<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"var(--line)\"/>\n", left, top, top + side,
                 left + side);
  for (size_t i = 0; i < bins.size(); ++i) {
    const CalibrationBin &bin = bins[i];
    if (bin.count == 0)
      continue;
    double step = side / static_cast<double>(bins.size()), up = side * bin.right / bin.count;
    text += format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"rgb(var(--blue))\" "
                   "fill-opacity=\"{:.2f}\"><title>{:.0f} samples, {:.0f} % sure, {:.0f} % right</title></rect>\n",
                   left + step * static_cast<double>(i) + 1, top + side - up, step - 2, up,
                   0.25 + 0.75 * bin.count / whole, bin.count, 100 * bin.sure / bin.count, 100 * bin.right / bin.count);
  }
  text += format("<path d=\"M{} {}L{} {}\" fill=\"none\" stroke=\"var(--soft)\" stroke-dasharray=\"4 4\"/>\n", left,
                 top + side, left + side, top);
  auto label = [&](double at, double down, std::string_view anchor, std::string_view words) {
    text += format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>", at, down, anchor, words);
  };
  label(left - 6, top + 8, "end", "100 %");
  label(left - 6, top + side, "end", "0");
  label(left, height - 8, "start", "0");
  label(left + side / 2, height - 8, "middle", "sure");
  label(left + side, height - 8, "end", "100 %");
  return text + "</svg></figure>\n";
}

std::string htmlScatter(std::string_view title, const PlanePoints &plane, const std::vector<size_t> &group) {
  constexpr double side = 480, margin = 12;
  if (plane.points.empty())
    return "";
  double low[2], high[2];
  for (size_t d = 0; d < 2; ++d) {
    auto [least, most] =
        std::minmax_element(plane.points.begin(), plane.points.end(), [d](auto &a, auto &b) { return a[d] < b[d]; });
    low[d] = (*least)[d];
    high[d] = (*most)[d];
  }
  // One scale for both directions: distances are what is to be seen.
  double half = std::max(high[0] - low[0], high[1] - low[1]) / 2;
  Axis axes[2];
  for (size_t d = 0; d < 2; ++d) {
    double middle = (low[d] + high[d]) / 2;
    axes[d] = {middle - half, middle + half, d ? side - margin : margin, d ? margin : side - margin};
  }
  std::string text = format("<figure><figcaption>{0} ({3:.0f} % and {4:.0f} % of the variance)</figcaption>"
                            "<svg width=\"{1}\" height=\"{2}\" viewBox=\"0 0 {1} {2}\">\n",
                            htmlText(title), side, side, 100 * plane.share[0], 100 * plane.share[1]);
  for (size_t i = 0; i < plane.points.size(); ++i)
    text += format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\" fill=\"{}\" fill-opacity=\".55\"/>\n",
                   axes[0].at(plane.points[i][0]), axes[1].at(plane.points[i][1]), colourOf(group[i]));
  return text + "</svg></figure>\n";
}

std::string htmlLegend(const std::vector<std::string> &groups) {
  std::string text = "<p>";
  for (size_t i = 0; i < groups.size(); ++i)
    text += format("<span class=\"dot\" style=\"background:{}\"></span>{}", colourOf(i), htmlText(groups[i]));
  return text + "</p>\n";
}

std::string htmlPicture(std::string_view png, std::string_view text, bool good) {
  return format("<figure class=\"{}\"><img alt=\"\" src=\"data:image/png;base64,{}\"><figcaption>{}</figcaption>"
                "</figure>\n",
                good ? "good" : "bad", base64(png), htmlText(text));
}

} // namespace xfer::rt
