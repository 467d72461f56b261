// Counts of words, as the Amazon reviews (Blitzer et al. 2007) come: a row a text, `word:count word:count ..
// #label#:positive`. A word may hold a colon; the last one counts. Which words there are, and their order, says a file
// with a word a line; counts of others are left out, and how many is said once.
#include "runtime/data/NumberText.h"
#include "runtime/data/SparseText.h"
#include "runtime/data/TextFormat.h"
#include <limits>
#include <map>
#include <unordered_map>

namespace xfer::rt {

namespace {

struct WordCounts {
  std::string path, wordsPath;
  std::unordered_map<std::string_view, uint32_t> places;
  int64_t counted = 0, unknown = 0;
  std::string_view label; // of the row
  std::map<uint32_t, double> counts;
  Status at(int64_t line, std::string_view what) const { return failure("'{}' line {}: {}", path, line, what); }
};

} // namespace

static constexpr std::string_view labelMark = "#label#:";

static Status readWords(WordCounts &file, std::string_view text) {
  for (TextLines lines(text); lines.next();) {
    std::string_view rest = lines.text(), word = nextWord(rest);
    if (word.empty() || !nextWord(rest).empty())
      return failure("'{}' line {}: a line holds one word, found '{}'", file.wordsPath, lines.number(),
                     lines.text().substr(0, 40));
    auto [known, isNew] = file.places.emplace(word, static_cast<uint32_t>(file.places.size()));
    if (!isNew)
      return failure("'{}' line {}: the word '{}' stands in line {}, too", file.wordsPath, lines.number(), word,
                     known->second + 1);
    if (file.places.size() > static_cast<size_t>(std::numeric_limits<int32_t>::max()))
      return failure("'{}' has too many words", file.wordsPath);
  }
  return Status::success();
}

// A word that stands twice in a row has both counts.
static Status readRow(WordCounts &file, std::string_view text, int64_t line) {
  file.counts.clear();
  file.label = {};
  for (std::string_view word = nextWord(text); !word.empty(); word = nextWord(text)) {
    if (word.substr(0, labelMark.size()) == labelMark) {
      if (!file.label.empty())
        return file.at(line, "a row has one '#label#:'");
      file.label = word.substr(labelMark.size());
      continue;
    }
    size_t colon = word.rfind(':');
    double count;
    if (colon == 0 || colon == std::string_view::npos || !parseNumber(word.substr(colon + 1), count) || !(count >= 0) ||
        count > 1e15)
      return file.at(line, format("found '{}', expected is word:count or #label#:", word.substr(0, 40)));
    ++file.counted;
    auto place = file.places.find(word.substr(0, colon));
    if (place == file.places.end())
      ++file.unknown;
    else
      file.counts[place->second] += count;
  }
  return Status::success();
}

static Status appendCounts(const WordCounts &file, SparseRows &rows, int64_t line) {
  for (const auto &[place, count] : file.counts) {
    uint8_t value[8];
    if (Status status = parseElement(format("{}", count), rows.field().type, value); status.failed())
      return file.at(line, format("a word of field '{}' has the count {}, expected is {}", rows.field().name, count,
                                  status.message()));
    if (Status status = rows.append(place, value); status.failed())
      return status;
  }
  return rows.endRow();
}

Expected<FormatResult> readWordCounts(FormatRequest &request) {
  FormatResult result;
  WordCounts file;
  Expected<std::string> path = request.file(), wordsPath = request.fileNamed("words");
  for (const Status &status : {path.status(), wordsPath.status()})
    if (status.failed())
      return status;
  Expected<RowColumns> columns = RowColumns::make(request, *path, /*hasQueries=*/false);
  if (!columns)
    return columns.status();
  file.path = *path;
  file.wordsPath = *wordsPath;
  Expected<Bytes> content = openText(*path, result);
  Expected<Bytes> words = content ? openText(*wordsPath, result) : content;
  if (!words)
    return words.status();
  if (Status status = readWords(file, words->text()); status.failed())
    return status;
  for (size_t i = 0; i < columns->size(); ++i)
    if (const Field &field = request.fields()[i];
        columns->part(i) == RowPart::Features && field.elements() != static_cast<int64_t>(file.places.size()))
      return failure("'{}' has {} words, but field '{}' has the shape {}; correct the declaration or the file",
                     *wordsPath, file.places.size(), field.name, shapeText(field.shape));
  int64_t rows = 0;
  for (TextLines lines(content->text()); lines.next();) {
    if (lines.text().find_first_not_of(" \t") == std::string_view::npos)
      continue;
    Status status = readRow(file, lines.text(), lines.number());
    for (size_t i = 0; i < columns->size() && status.ok(); ++i)
      if (columns->part(i) == RowPart::Features)
        status = appendCounts(file, columns->features(i), lines.number());
      else
        status = file.label.empty() ? file.at(lines.number(), "there is no '#label#:'")
                                    : columns->labels(i).append(file.label, lines.number());
    if (status.failed())
      return status;
    ++rows;
  }
  if (Status status = columns->finish(*path, rows, result); status.failed())
    return status;
  if (file.unknown > 0)
    result.notes.push_back(format("'{}': {} of {} counts are of words that '{}' does not have and were left out", *path,
                                  file.unknown, file.counted, *wordsPath));
  return result;
}

} // namespace xfer::rt
