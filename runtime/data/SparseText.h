// What formats of text with sparse features share: lines, what each field takes of a row, and classes by name.
#ifndef XFER_RUNTIME_DATA_SPARSETEXT_H
#define XFER_RUNTIME_DATA_SPARSETEXT_H

#include "runtime/data/Format.h"
#include <optional>

namespace xfer::rt {

// Lines from 1; "\r\n" ends one as "\n" does.
class TextLines {
public:
  explicit TextLines(std::string_view text) : rest(text) {}
  bool next();
  std::string_view text() const { return line; }
  int64_t number() const { return at; }

private:
  std::string_view rest, line;
  int64_t at = 0;
};

// Cuts the next word, between blanks and tabs, off the line; empty at its end.
std::string_view nextWord(std::string_view &line);

// What a field takes of a row.
enum class RowPart { Label, Features, Query };

// The labels of one field.
class LabelColumn {
public:
  // With the names of the classes if there is an argument FIELD_names.
  static Expected<LabelColumn> make(FormatRequest &request, const Field &field, std::string path);
  Status append(std::string_view text, int64_t line);
  Expected<Array> finish();
  const std::vector<std::string> &classNames() const { return names; }

private:
  LabelColumn(const Field &field, std::string path) : field(&field), path(std::move(path)) {}
  Status refuse(std::string_view text, int64_t line, std::string_view wanted) const;
  Expected<int64_t> classOf(std::string_view text, int64_t line);

  const Field *field;
  std::string path;
  std::vector<std::string> names;
  std::vector<double> numbers; // that the names are, or not numbers
  int64_t count = 0;
  int64_t zeroLine = 0, minusLine = 0; // where the first 0 and the first -1 stand
  SpillBuffer values;
};

// What the rows of a file are read into.
class RowColumns {
public:
  // Of each field: as the reader's argument says ("label", "features", "query"), else a field with extents the
  // features, one called "query" the query (where there are any), any other the label.
  static Expected<RowColumns> make(FormatRequest &request, const std::string &path, bool hasQueries);

  size_t size() const { return parts.size(); }
  RowPart part(size_t field) const { return parts[field]; }
  LabelColumn &labels(size_t field) { return *labelColumns[field]; } // of a label or query
  SparseRows &features(size_t field) { return *featureColumns[field]; }
  // Behind the last row: puts all where the reader looks for it; features that are no larger so become dense.
  Status finish(const std::string &path, int64_t rows, FormatResult &result);

private:
  std::vector<RowPart> parts;
  std::vector<std::optional<LabelColumn>> labelColumns; // in the order of the fields; each has one of the two
  std::vector<std::optional<SparseRows>> featureColumns;
};

} // namespace xfer::rt

#endif
