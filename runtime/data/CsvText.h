// The rows of a text in columns (RFC 4180): cells between separators, rows between line ends (LF or CR LF), cells in
// quotes may hold both, and a doubled quote stands for one. Lines without a character are skipped. Every row must have
// as many cells as the first.
#ifndef XFER_RUNTIME_DATA_CSVTEXT_H
#define XFER_RUNTIME_DATA_CSVTEXT_H

#include "xfer/rt/Status.h"
#include <deque>
#include <string_view>
#include <vector>

namespace xfer::rt {

class CsvText {
public:
  // `name` is for messages. Without `quotes` a quote is a letter like any other.
  CsvText(std::string_view text, char separator, bool quotes, std::string name);

  // The next row, or false at the end. The cells live until the next call.
  Expected<bool> next();
  const std::vector<std::string_view> &cells() const { return row; }
  int64_t line() const { return rowLine; } // where the row begins, from 1

private:
  Status readCell(bool &last);
  Expected<std::string_view> readQuoted();
  std::string_view text;
  size_t at = 0;
  char separator;
  bool quotes;
  std::string name;
  std::vector<std::string_view> row;
  std::deque<std::string> unescaped;
  int64_t lineNumber = 1, rowLine = 1;
  size_t width = 0; // cells of the first row
};

} // namespace xfer::rt

#endif
