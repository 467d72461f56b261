#include "runtime/metrics/Table.h"
#include <algorithm>

namespace xfer::rt {

// Characters, not bytes: names may be in any language.
static size_t widthOf(const std::string &cell) {
  return static_cast<size_t>(std::count_if(cell.begin(), cell.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string Table::text(const std::string &indent) const {
  std::vector<size_t> widths;
  for (const std::vector<std::string> &cells : rows) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], widthOf(cells[i]));
  }
  std::string result;
  for (const std::vector<std::string> &cells : rows) {
    std::string line = indent;
    for (size_t i = 0; i < cells.size(); ++i) {
      std::string space(widths[i] - widthOf(cells[i]), ' ');
      line += i == 0 ? cells[i] + space : "  " + space + cells[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    result += line + "\n";
  }
  return result;
}

} // namespace xfer::rt
