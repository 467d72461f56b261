// Text in columns: cells of a column are as wide as the widest of them, the first column stands left, others right.
#ifndef XFER_RUNTIME_METRICS_TABLE_H
#define XFER_RUNTIME_METRICS_TABLE_H

#include <string>
#include <vector>

namespace xfer::rt {

class Table {
public:
  void row(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }
  // Two spaces between columns; every line ends with a newline.
  std::string text(const std::string &indent = "") const;

private:
  std::vector<std::vector<std::string>> rows;
};

} // namespace xfer::rt

#endif
