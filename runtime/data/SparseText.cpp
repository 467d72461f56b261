#include "runtime/data/SparseText.h"
#include "runtime/data/NumberText.h"
#include <algorithm>
#include <limits>

namespace xfer::rt {

bool TextLines::next() {
  if (rest.empty())
    return false;
  size_t end = rest.find('\n');
  line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  ++at;
  return true;
}

std::string_view nextWord(std::string_view &line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

static Expected<std::vector<RowPart>> rowPartsOf(FormatRequest &request, bool hasQueries) {
  std::vector<RowPart> parts;
  for (const Field &field : request.fields()) {
    const char *usual = field.elements() > 1 || !field.shape.empty() ? "features"
                        : hasQueries && field.name == "query"        ? "query"
                                                                     : "label";
    Expected<std::string> part = request.text(field.name, usual);
    if (!part)
      return part.status();
    bool isFeatures = *part == "features", isQuery = hasQueries && *part == "query";
    if (!isFeatures && !isQuery && *part != "label")
      return failure("reader '{}' has nothing called '{}' for field '{}'; a row has {}", request.reader(), *part,
                     field.name, hasQueries ? "'label', 'features' and 'query'" : "'label' and 'features'");
    if (isFeatures && field.classes > 0)
      return failure("field '{}' is of classes, and the features of reader '{}' are numbers", field.name,
                     request.reader());
    if (!isFeatures && field.elements() != 1)
      return failure("field '{}' has the shape {}, but a row of reader '{}' has one {}", field.name,
                     shapeText(field.shape), request.reader(), *part);
    if (field.type == ElementType::BF16)
      return failure("field '{}' has type {}, which cannot be read from files; declare it f32", field.name,
                     nameOf(field.type));
    if (isFeatures && field.elements() > std::numeric_limits<int32_t>::max())
      return failure("field '{}' has {} features; at most {} are supported", field.name, field.elements(),
                     std::numeric_limits<int32_t>::max());
    parts.push_back(isFeatures ? RowPart::Features : isQuery ? RowPart::Query : RowPart::Label);
  }
  return parts;
}

Expected<LabelColumn> LabelColumn::make(FormatRequest &request, const Field &field, std::string path) {
  LabelColumn column(field, std::move(path));
  Expected<std::string> text = request.text(field.name + "_names", "");
  if (!text)
    return text.status();
  if (text->empty())
    return column;
  if (field.classes == 0)
    return failure("field '{}' is no class; '{}_names' has no meaning for it", field.name, field.name);
  column.names = splitList(*text);
  if (static_cast<int64_t>(column.names.size()) != field.classes)
    return failure("'{}_names' has {} names, but the field is class({})", field.name, column.names.size(),
                   field.classes);
  for (const std::string &name : column.names) {
    double number;
    column.numbers.push_back(parseNumber(name, number) ? number : std::numeric_limits<double>::quiet_NaN());
  }
  return column;
}

Status LabelColumn::refuse(std::string_view text, int64_t line, std::string_view wanted) const {
  return failure("'{}' line {}: the label of field '{}' is '{}', expected is {}", path, line, field->name,
                 text.substr(0, 40), wanted);
}

// -1 and 1 are the classes 0 and 1 of two; a file that has 0 as well would say two things by it.
Expected<int64_t> LabelColumn::classOf(std::string_view text, int64_t line) {
  if (!names.empty()) {
    double number;
    bool isNumber = parseNumber(text, number);
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i] == text || (isNumber && numbers[i] == number))
        return static_cast<int64_t>(i);
    return refuse(text, line, format("one of {}", joined(names)));
  }
  int64_t label;
  bool isWhole = parseWhole(text, label);
  if (isWhole && field->classes == 2 && label == -1) {
    minusLine = minusLine ? minusLine : line;
    label = 0;
  } else if (isWhole && label == 0) {
    zeroLine = zeroLine ? zeroLine : line;
  }
  if (minusLine && zeroLine)
    return failure(
        "'{}' has the label {} in line {} and {} in line {}; classes are 0 and 1, or -1 and 1; for others give "
        "their values in order: {}_names: \"-1, 0\"",
        path, minusLine < zeroLine ? -1 : 0, std::min(minusLine, zeroLine), minusLine < zeroLine ? 0 : -1,
        std::max(minusLine, zeroLine), field->name);
  if (!isWhole || label < 0 || label >= field->classes)
    return refuse(text, line,
                  format("{}a whole number from 0 to {}; for others give the labels in order: {}_names: \"..., ...\"",
                         field->classes == 2 ? "-1, 1 or " : "", field->classes - 1, field->name));
  return label;
}

Status LabelColumn::append(std::string_view text, int64_t line) {
  ++count;
  if (field->classes > 0) {
    Expected<int64_t> label = classOf(text, line);
    return label ? values.append(&*label, sizeof(*label)) : label.status();
  }
  uint8_t value[8];
  if (Status status = parseElement(text, field->type, value); status.failed())
    return refuse(text, line, status.message());
  return values.append(value, sizeOf(field->type));
}

Expected<Array> LabelColumn::finish() {
  Expected<Bytes> bytes = values.finish();
  if (!bytes)
    return bytes.status();
  return Array{path, *bytes, field->classes > 0 ? StoredType::I64 : storedTypeOf(field->type), false, {count}};
}

Expected<RowColumns> RowColumns::make(FormatRequest &request, const std::string &path, bool hasQueries) {
  RowColumns columns;
  Expected<std::vector<RowPart>> parts = rowPartsOf(request, hasQueries);
  if (!parts)
    return parts.status();
  columns.parts = std::move(*parts);
  for (size_t i = 0; i < columns.size(); ++i) {
    const Field &field = request.fields()[i];
    columns.labelColumns.emplace_back();
    columns.featureColumns.emplace_back();
    if (columns.parts[i] == RowPart::Features) {
      columns.featureColumns.back().emplace(path, field);
      continue;
    }
    Expected<LabelColumn> labels = LabelColumn::make(request, field, path);
    if (!labels)
      return labels.status();
    columns.labelColumns.back().emplace(std::move(*labels));
  }
  return columns;
}

Status RowColumns::finish(const std::string &path, int64_t rows, FormatResult &result) {
  if (rows == 0)
    return failure("'{}' holds no samples", path);
  if (rows > std::numeric_limits<int32_t>::max())
    return failure("'{}' holds {} samples; at most {} are supported", path, rows, std::numeric_limits<int32_t>::max());
  result.arrays.resize(size());
  result.names.resize(size());
  for (size_t i = 0; i < size(); ++i) {
    if (parts[i] != RowPart::Features) {
      result.names[i] = labels(i).classNames();
      Expected<Array> column = labels(i).finish();
      if (!column)
        return column.status();
      result.arrays[i] = std::move(*column);
      continue;
    }
    if (Status status = features(i).finish(); status.failed())
      return status;
    if (!features(i).isDense()) {
      result.sparse.emplace(i, std::move(features(i)));
      continue;
    }
    Expected<Array> dense = features(i).toDense();
    if (!dense)
      return dense.status();
    result.arrays[i] = std::move(*dense);
  }
  return Status::success();
}

} // namespace xfer::rt
