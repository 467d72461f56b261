#include "runtime/data/CsvText.h"

namespace xfer::rt {

CsvText::CsvText(std::string_view text, char separator, bool quotes, std::string name)
    : text(text), separator(separator), quotes(quotes), name(std::move(name)) {}

Expected<bool> CsvText::next() {
  row.clear();
  unescaped.clear();
  while (at < text.size() && (text[at] == '\n' || text[at] == '\r')) {
    lineNumber += text[at] == '\n';
    ++at;
  }
  if (at == text.size())
    return false;
  rowLine = lineNumber;
  for (bool last = false; !last;)
    if (Status status = readCell(last); status.failed())
      return status;
  if (width == 0)
    width = row.size();
  if (row.size() != width)
    return failure("'{}' line {}: found {} columns, the first row has {}", name, rowLine, row.size(), width);
  return true;
}

Status CsvText::readCell(bool &last) {
  if (quotes && at < text.size() && text[at] == '"') {
    Expected<std::string_view> cell = readQuoted();
    if (!cell)
      return cell.status();
    row.push_back(*cell);
  } else {
    size_t start = at;
    while (at < text.size() && text[at] != separator && text[at] != '\n')
      ++at;
    size_t end = at;
    if (at < text.size() && text[at] == '\n' && end > start && text[end - 1] == '\r')
      --end;
    row.push_back(text.substr(start, end - start));
  }
  if (at < text.size() && text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n')
    ++at; // after a closing quote
  last = at == text.size() || text[at] == '\n';
  if (!last && text[at] != separator)
    return failure("'{}' line {}: a closing quote must be followed by '{}' or the end of the line", name, lineNumber,
                   separator == '\t' ? std::string("\\t") : std::string(1, separator));
  if (at < text.size()) {
    lineNumber += text[at] == '\n';
    ++at;
  }
  return Status::success();
}

Expected<std::string_view> CsvText::readQuoted() {
  size_t start = ++at;
  std::string *copy = nullptr; // only if there is a doubled quote
  int64_t opened = lineNumber;
  for (; at < text.size(); ++at) {
    lineNumber += text[at] == '\n';
    if (text[at] != '"')
      continue;
    if (at + 1 == text.size() || text[at + 1] != '"') {
      std::string_view piece = text.substr(start, at - start);
      ++at;
      return copy ? std::string_view(copy->append(piece)) : piece;
    }
    if (!copy)
      copy = &unescaped.emplace_back();
    copy->append(text.substr(start, at + 1 - start));
    start = ++at + 1;
  }
  return failure("'{}' line {}: a quote is opened and never closed; if quotes are plain letters in this file, give "
                 "quotes: false",
                 name, opened);
}

} // namespace xfer::rt
