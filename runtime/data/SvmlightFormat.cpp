// svmlight, which libsvm reads, too: a row a sample, `label index:value index:value .. # comment`, indices rising,
// entries that are not named 0. Behind the label may stand `qid:7`, the query of a ranking. A row may have a label
// alone.
//
//   +1 2:0.5 7:3 # good      with from: 0 and x: f32[8], label: class(2)  ->  x = 0 0 .5 0 0 0 0 3, label = 1
#include "runtime/data/NumberText.h"
#include "runtime/data/SparseText.h"
#include "runtime/data/TextFormat.h"
#include <optional>

namespace xfer::rt {

namespace {

struct SvmlightFile {
  std::string path;
  int64_t base = 0; // the number of the first feature
  Status at(int64_t line, std::string_view what) const { return failure("'{}' line {}: {}", path, line, what); }
};

// What a row is taken apart into.
struct SvmlightRow {
  std::string_view label, features;
  std::optional<std::string_view> query;
};

} // namespace

static Expected<SvmlightRow> splitRow(const SvmlightFile &file, std::string_view text, int64_t line) {
  SvmlightRow row;
  row.label = nextWord(text);
  if (row.label.find(':') != std::string_view::npos)
    return file.at(line, format("a row begins with its label, found '{}'", row.label.substr(0, 40)));
  if (row.label.find(',') != std::string_view::npos)
    return file.at(line, format("found the labels '{}'; a sample has one", row.label.substr(0, 40)));
  row.features = text;
  std::string_view word = nextWord(text);
  if (word.substr(0, 4) == "qid:") {
    row.query = word.substr(4);
    row.features = text;
  }
  return row;
}

// Where the feature stands in the field, counted from 0.
static Expected<uint32_t> placeOf(const SvmlightFile &file, std::string_view index, const Field &field, int64_t line) {
  int64_t number, extent = field.elements();
  if (!parseNumber(index, number))
    return file.at(line,
                   format("found '{}' as the index of a feature, expected is a whole number", index.substr(0, 40)));
  if (number >= file.base && number - file.base < extent)
    return static_cast<uint32_t>(number - file.base);
  std::string_view remedy = "";
  if (file.base == 1 && number == 0)
    remedy = "; if the file counts from 0, give from: 0";
  else if (file.base == 0 && number == extent)
    remedy = "; if the file counts from 1, give from: 1";
  else if (number > 0)
    remedy = "; correct the declaration or the file";
  return file.at(line, format("feature {} does not fit field '{}', whose {} are numbered from {} to {}{}", number,
                              field.name, extent, file.base, extent - 1 + file.base, remedy));
}

static Status readFeatures(const SvmlightFile &file, std::string_view text, SparseRows &rows, int64_t line) {
  const Field &field = rows.field();
  int64_t before = -1;
  for (std::string_view word = nextWord(text); !word.empty(); word = nextWord(text)) {
    size_t colon = word.find(':');
    if (colon == std::string_view::npos)
      return file.at(line, format("found '{}', expected is a feature as index:value", word.substr(0, 40)));
    Expected<uint32_t> place = placeOf(file, word.substr(0, colon), field, line);
    if (!place)
      return place.status();
    if (*place <= before)
      return file.at(line, format("feature {} stands behind feature {}; the indices of a row must rise",
                                  *place + file.base, before + file.base));
    before = *place;
    uint8_t value[8];
    if (Status status = parseElement(word.substr(colon + 1), field.type, value); status.failed())
      return file.at(line, format("feature {} of field '{}' has the value '{}', expected is {}", *place + file.base,
                                  field.name, word.substr(colon + 1, 40), status.message()));
    if (Status status = rows.append(*place, value); status.failed())
      return status;
  }
  return rows.endRow();
}

static Status readRow(const SvmlightFile &file, std::string_view text, RowColumns &columns, int64_t line) {
  Expected<SvmlightRow> row = splitRow(file, text, line);
  if (!row)
    return row.status();
  for (size_t i = 0; i < columns.size(); ++i) {
    Status status;
    if (columns.part(i) == RowPart::Features)
      status = readFeatures(file, row->features, columns.features(i), line);
    else if (columns.part(i) == RowPart::Label)
      status = columns.labels(i).append(row->label, line);
    else if (row->query)
      status = columns.labels(i).append(*row->query, line);
    else
      status = file.at(line, "there is no 'qid:' behind the label");
    if (status.failed())
      return status;
  }
  return Status::success();
}

Expected<FormatResult> readSvmlight(FormatRequest &request) {
  FormatResult result;
  Expected<std::string> path = request.file();
  Expected<double> base = request.number("from", -1);
  for (const Status &status : {path.status(), base.status()})
    if (status.failed())
      return status;
  if (*base != 0 && *base != 1)
    return failure("reader 'svmlight' must be told with which number features begin: from: 0 or from: 1");
  Expected<RowColumns> columns = RowColumns::make(request, *path, /*hasQueries=*/true);
  if (!columns)
    return columns.status();
  Expected<Bytes> content = openText(*path, result);
  if (!content)
    return content.status();
  SvmlightFile file{*path, static_cast<int64_t>(*base)};
  int64_t rows = 0;
  for (TextLines lines(content->text()); lines.next();) {
    std::string_view text = lines.text().substr(0, lines.text().find('#'));
    if (text.find_first_not_of(" \t") == std::string_view::npos)
      continue; // a comment alone is no sample
    if (Status status = readRow(file, text, *columns, lines.number()); status.failed())
      return status;
    ++rows;
  }
  if (Status status = columns->finish(*path, rows, result); status.failed())
    return status;
  return result;
}

} // namespace xfer::rt
