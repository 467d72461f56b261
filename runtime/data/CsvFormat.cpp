// CSV and TSV: one row a sample. Numbers are parsed once, when the file is opened; what they need beyond 64 MiB a field
// goes into a file of the cache. A class may be given by name.
#include "runtime/data/CsvText.h"
#include "runtime/data/NumberText.h"
#include "runtime/data/TextFormat.h"
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace xfer::rt {

namespace {

struct CsvFile {
  std::string path;
  Bytes content;
  char separator;
  bool quotes, header;
  CsvText open() const { return CsvText(content.text(), separator, quotes, path); }
};

// What is known of the columns of one field, and the values read so far.
struct CsvField {
  const Field *field;
  std::vector<size_t> columns;
  std::vector<std::string> names;                      // of classes; empty: the cells are numbers
  std::map<std::string, int64_t, std::less<>> numbers; // by name
  SpillBuffer values;
  std::shared_ptr<TokenColumn> tokens; // of a text; of several fields that one tokenizer fills
  bool fills = false;                  // the first of these
};

} // namespace

static Expected<size_t> findColumn(const std::string &wanted, const std::vector<std::string> &header, size_t width,
                                   const std::string &path) {
  auto found = std::find(header.begin(), header.end(), wanted);
  if (found != header.end())
    return static_cast<size_t>(found - header.begin());
  size_t number = 0;
  if (parseNumber(wanted, number)) {
    if (number < width)
      return number;
    return failure("'{}' has no column {}; it has {} columns, counted from 0", path, number, width);
  }
  if (header.empty())
    return failure("'{}' has no header, so '{}' must be the number of a column, from 0 to {}", path, wanted, width - 1);
  return failure("there is no column '{}' in '{}'; it has {}", wanted, path, joined(header));
}

// "x", "x, y, z" or "first..last".
static Expected<std::vector<size_t>> findColumns(const std::string &text, const std::vector<std::string> &header,
                                                 size_t width, const std::string &path) {
  std::vector<size_t> columns;
  bool whole = std::find(header.begin(), header.end(), text) != header.end(); // a name with a comma in it
  for (const std::string &item : whole ? std::vector<std::string>{text} : splitList(text)) {
    size_t dots = whole ? std::string::npos : item.find("..");
    Expected<size_t> first = findColumn(item.substr(0, dots), header, width, path);
    Expected<size_t> last = dots == std::string::npos ? first : findColumn(item.substr(dots + 2), header, width, path);
    if (!first || !last)
      return first ? last.status() : first.status();
    if (*last < *first)
      return failure("the columns '{}' of '{}' are in the wrong order", item, path);
    for (size_t column = *first; column <= *last; ++column)
      columns.push_back(column);
  }
  return columns;
}

// Classes of which nothing is said: numbers if all cells are, else the names that occur, in alphabetical order.
static Status collectNames(const CsvFile &file, std::vector<CsvField *> &open) {
  std::vector<std::set<std::string, std::less<>>> found(open.size());
  std::vector<bool> numbers(open.size(), true);
  CsvText text = file.open();
  Expected<bool> more = file.header ? text.next() : Expected<bool>(true);
  while ((more = text.next()) && *more)
    for (size_t i = 0; i < open.size(); ++i)
      for (size_t column : open[i]->columns) {
        std::string_view cell = trimmed(text.cells()[column]);
        int64_t value;
        numbers[i] = numbers[i] && parseNumber(cell, value);
        if (static_cast<int64_t>(found[i].size()) <= open[i]->field->classes && found[i].find(cell) == found[i].end())
          found[i].emplace(cell);
      }
  if (!more)
    return more.status();
  for (size_t i = 0; i < open.size(); ++i) {
    if (numbers[i])
      continue;
    const Field &field = *open[i]->field;
    std::vector<std::string> names(found[i].begin(), found[i].end());
    if (static_cast<int64_t>(names.size()) != field.classes)
      return failure("field '{}' is class({}), but '{}' has {} names for it: {}; correct the declaration, or give the "
                     "names in their order: {}_names: \"...\"",
                     field.name, field.classes, file.path,
                     static_cast<int64_t>(names.size()) > field.classes ? format("more than {}", field.classes)
                                                                        : format("{}", names.size()),
                     joined(names), field.name);
    open[i]->names = std::move(names);
  }
  return Status::success();
}

static Status badCell(const CsvFile &file, const CsvText &text, const CsvField &item, std::string_view cell,
                      std::string_view wanted) {
  return failure("'{}' line {}: field '{}' has {}, expected is {}", file.path, text.line(), item.field->name,
                 trimmed(cell).empty() ? std::string("no value") : format("'{}'", cell.substr(0, 40)), wanted);
}

static Status appendCell(const CsvFile &file, const CsvText &text, CsvField &item, std::string_view cell) {
  if (!item.names.empty()) {
    auto found = item.numbers.find(trimmed(cell));
    if (found == item.numbers.end())
      return badCell(file, text, item, cell, format("one of {}", joined(item.names)));
    return item.values.append(&found->second, sizeof(found->second));
  }
  if (item.field->type == ElementType::F64) {
    double value;
    if (!parseNumber(cell, value) || std::isnan(value))
      return badCell(file, text, item, cell, "a number");
    return item.values.append(&value, sizeof(value));
  }
  if (item.field->type == ElementType::F32) {
    float value;
    FloatText found = parseFloat(cell, value);
    if (found != FloatText::Ok)
      return badCell(file, text, item, cell, found == FloatText::TooLarge ? "a number that fits f32" : "a number");
    return item.values.append(&value, sizeof(value));
  }
  int64_t number;
  if (!parseWhole(cell, number))
    return badCell(file, text, item, cell, "a whole number");
  return item.values.append(&number, sizeof(number));
}

static Expected<int64_t> readRows(const CsvFile &file, std::vector<CsvField> &items) {
  CsvText text = file.open();
  Expected<bool> more = file.header ? text.next() : Expected<bool>(true);
  int64_t rows = 0;
  for (; (more = text.next()) && *more; ++rows)
    for (CsvField &item : items) {
      if (item.tokens && item.fills)
        if (Status status = item.tokens->append(text.cells()[item.columns.front()]); status.failed())
          return status.within(format("'{}' line {}", file.path, text.line()));
      if (item.tokens)
        continue;
      for (size_t column : item.columns)
        if (Status status = appendCell(file, text, item, text.cells()[column]); status.failed())
          return status;
    }
  if (!more)
    return more.status();
  return rows;
}

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

static Expected<CsvFile> openCsv(FormatRequest &request, FormatResult &result) {
  Expected<std::string> path = request.file();
  bool tabs = request.reader() == "tsv" || (path && (endsWith(*path, ".tsv") || endsWith(*path, ".tsv.gz")));
  Expected<bool> header = request.flag("header", true), quotes = request.flag("quotes", !tabs);
  Expected<std::string> separator = request.text("separator", tabs ? "\t" : ",");
  for (const Status &status : {path.status(), header.status(), quotes.status(), separator.status()})
    if (status.failed())
      return status;
  if (separator->size() != 1 || *separator == "\"" || *separator == "\n")
    return failure("the separator of '{}' must be one character", *path);
  Expected<Bytes> content = openText(*path, result);
  if (!content)
    return content.status();
  return CsvFile{*path, *content, (*separator)[0], *quotes, *header};
}

static Status describeFields(FormatRequest &request, const CsvFile &file, std::vector<CsvField> &items) {
  CsvText text = file.open();
  Expected<bool> first = text.next();
  if (!first || !*first)
    return first ? failure("'{}' is empty", file.path) : first.status();
  std::vector<std::string> header;
  for (std::string_view cell : text.cells())
    if (file.header)
      header.emplace_back(trimmed(cell));
  std::vector<CsvField *> unnamed;
  items.reserve(request.fields().size());
  for (const Field &field : request.fields()) {
    Expected<std::string> place = request.text(field.source(), field.source());
    Expected<std::string> names = request.text(field.name + "_names", "");
    if (!place || !names)
      return place ? names.status() : place.status();
    Expected<std::vector<size_t>> columns = findColumns(*place, header, text.cells().size(), file.path);
    if (!columns)
      return columns.status();
    CsvField item{&field, *columns, {}, {}, SpillBuffer(), nullptr};
    if (field.tokenizer) {
      if (columns->size() != 1)
        return failure("field '{}' is a text, and '{}' names {} columns of '{}'", field.text, *place, columns->size(),
                       file.path);
      for (CsvField &other : items)
        if (other.tokens && other.tokens->isOf(field) && other.field->text == field.text)
          item.tokens = other.tokens;
      item.fills = !item.tokens;
      if (item.fills)
        item.tokens = std::make_shared<TokenColumn>(field.tokenizer);
      items.push_back(std::move(item));
      continue;
    }
    if (!names->empty())
      item.names = splitList(*names);
    if (!item.names.empty() && static_cast<int64_t>(item.names.size()) != field.classes)
      return failure("'{}_names' has {} names, but the field is class({})", field.name, item.names.size(),
                     field.classes);
    items.push_back(std::move(item));
    if (field.classes > 0 && names->empty())
      unnamed.push_back(&items.back());
  }
  if (!unnamed.empty())
    if (Status status = collectNames(file, unnamed); status.failed())
      return status;
  for (CsvField &item : items)
    for (size_t i = 0; i < item.names.size(); ++i)
      item.numbers.emplace(item.names[i], static_cast<int64_t>(i));
  return Status::success();
}

Expected<FormatResult> readCsv(FormatRequest &request) {
  FormatResult result;
  Expected<CsvFile> file = openCsv(request, result);
  if (!file)
    return file.status();
  std::vector<CsvField> items;
  if (Status status = describeFields(request, *file, items); status.failed())
    return status;
  Expected<int64_t> rows = readRows(*file, items);
  if (!rows)
    return rows.status();
  for (CsvField &item : items)
    if (item.fills)
      if (Status status = item.tokens->finish(file->path, item.field->text, result.notes); status.failed())
        return status;
  for (CsvField &item : items) {
    if (item.tokens) {
      result.arrays.push_back(item.tokens->arrayOf(*item.field));
      result.names.emplace_back();
      continue;
    }
    Expected<Bytes> bytes = item.values.finish();
    if (!bytes)
      return bytes.status();
    StoredType type = !item.names.empty()                    ? StoredType::I64
                      : item.field->type == ElementType::F32 ? StoredType::F32
                      : item.field->type == ElementType::F64 ? StoredType::F64
                                                             : StoredType::I64;
    result.arrays.push_back({file->path, *bytes, type, false, {*rows, static_cast<int64_t>(item.columns.size())}});
    result.names.push_back(std::move(item.names));
  }
  return result;
}

} // namespace xfer::rt
