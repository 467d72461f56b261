// Parts of a page that stands alone: no script, no file beside it, readable in light and dark. Everything that goes in
// as text is escaped.
#ifndef XFER_RUNTIME_METRICS_HTMLPAGE_H
#define XFER_RUNTIME_METRICS_HTMLPAGE_H

#include "runtime/metrics/PrincipalComponents.h"
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xfer::rt {

std::string htmlText(std::string_view text);

// The whole page around its sections.
std::string htmlPage(std::string_view title, std::string_view body);
// A heading and what stands below it; nothing if there is nothing.
std::string htmlSection(std::string_view title, std::string_view content);

// The first row is the head; the first column names the rows. Cells are text.
std::string htmlTable(const std::vector<std::vector<std::string>> &rows);

struct Curve {
  std::string name;
  std::vector<std::pair<double, double>> points; // x rises; what is not finite is left out
};
// A small drawing with the least and the largest value beside its axes; nothing without two points.
std::string htmlCurve(const Curve &curve, std::string_view xName);

// Counts, rows labels, columns predictions, each row shaded by its shares. `names`: of the classes.
std::string htmlConfusion(const std::vector<double> &counts, const std::vector<std::string> &names);
// Of the same counts, for each class: samples, precision, recall, F1.
std::string htmlPerClass(const std::vector<double> &counts, const std::vector<std::string> &names);

// Of the samples about whose class a model is so sure: how many, the sums of how sure it is and of how often it is
// right.
struct CalibrationBin {
  double count = 0, sure = 0, right = 0;
};
// How often it is right against how sure it is, with the expected calibration error.
std::string htmlCalibration(const std::vector<CalibrationBin> &bins);

// Points of several groups; `group` has the number of each point's.
std::string htmlScatter(std::string_view title, const PlanePoints &plane, const std::vector<size_t> &group);
// The colours of the groups.
std::string htmlLegend(const std::vector<std::string> &groups);

// A picture with a line below it; `good` colours the frame.
std::string htmlPicture(std::string_view png, std::string_view text, bool good);

} // namespace xfer::rt

#endif
