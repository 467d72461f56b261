#include "runtime/data/Reader.h"
#include "runtime/cpu/ThreadTeam.h"
#include "runtime/data/Format.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace xfer::rt {

namespace {

using FieldRows = std::variant<Column, SparseRows>;

class FileReader : public Reader {
public:
  static Expected<std::unique_ptr<Reader>> make(FormatResult result, const std::vector<Field> &fields) {
    std::vector<FieldRows> data;
    for (size_t i = 0; i < fields.size(); ++i) {
      auto sparse = result.sparse.find(i);
      if (sparse != result.sparse.end()) {
        data.emplace_back(std::move(sparse->second));
      } else {
        Expected<Column> column = Column::make(std::move(result.arrays[i]), fields[i]);
        if (!column)
          return column.status();
        data.emplace_back(std::move(*column));
      }
      if (countOf(data[i]) != countOf(data[0]))
        return failure("'{}' holds {} samples, but '{}' holds {}; the fields of a sample must come from files that "
                       "belong together",
                       nameOf(data[0]), countOf(data[0]), nameOf(data[i]), countOf(data[i]));
    }
    auto reader = std::unique_ptr<FileReader>(new FileReader(fields, std::move(data)));
    reader->sources = std::move(result.files);
    reader->remarks = std::move(result.notes);
    reader->leftOut = result.skipped;
    reader->sampleFiles = std::move(result.sampleFiles);
    if (!result.names.empty())
      reader->names = std::move(result.names);
    return std::unique_ptr<Reader>(std::move(reader));
  }
  Status read(size_t field, const int32_t *indices, size_t count, void *destination) const override {
    return std::visit([&](const auto &rows) { return rows.read(indices, count, destination); }, data[field]);
  }
  void expect(size_t field, const int32_t *indices, size_t count) const override {
    if (const Column *column = std::get_if<Column>(&data[field]))
      column->expect(indices, count);
  }
  bool readsAhead() const override {
    return std::any_of(data.begin(), data.end(), [](const FieldRows &rows) {
      const Column *column = std::get_if<Column>(&rows);
      return column && column->readsAhead();
    });
  }

private:
  static int64_t countOf(const FieldRows &rows) {
    return std::visit([](const auto &one) { return one.count(); }, rows);
  }
  static const std::string &nameOf(const FieldRows &rows) {
    return std::visit([](const auto &one) -> const std::string & { return one.name(); }, rows);
  }
  FileReader(const std::vector<Field> &fields, std::vector<FieldRows> data)
      : Reader(fields, countOf(data[0])), data(std::move(data)) {}
  std::vector<FieldRows> data;
};

struct Format {
  std::string_view name;
  Expected<FormatResult> (*read)(FormatRequest &);
  bool readsText;
};
constexpr Format formats[] = {
#define XFER_READER(NAME, FUNCTION, READS_TEXT) {#NAME, FUNCTION, READS_TEXT},
#include "xfer/rt/readers.def"
};

std::string namesOf(bool (*wanted)(const Format &)) {
  std::string names;
  for (const Format &format : formats)
    if (wanted(format))
      names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

} // namespace

Expected<std::unique_ptr<Reader>> makeReader(std::string_view name, const std::vector<ReaderOption> &options,
                                             const std::vector<Field> &fields, const std::string &folder,
                                             unsigned threads) {
  auto *format = std::find_if(std::begin(formats), std::end(formats), [&](const Format &f) { return f.name == name; });
  if (format == std::end(formats))
    return failure("there is no reader '{}'; this runtime has {}", name, namesOf([](const Format &) { return true; }));
  if (fields.empty())
    return failure("reader '{}' has no fields to read", name);
  for (const Field &field : fields)
    if (field.tokenizer && !format->readsText)
      return failure("reader '{}' has no text for field '{}'; readers of text are {}", name, field.text,
                     namesOf([](const Format &other) { return other.readsText; }));
  FormatRequest request(std::string(name), options, fields, folder, threads ? threads : ThreadTeam::availableThreads());
  Expected<FormatResult> result = format->read(request);
  if (!result)
    return result.status();
  if (Status status = request.finish(); status.failed())
    return status;
  return FileReader::make(std::move(*result), fields);
}

MemoryReader::MemoryReader(std::vector<Field> fields, int64_t count) : Reader(std::move(fields), count) {}

Expected<std::unique_ptr<MemoryReader>> MemoryReader::make(std::vector<Field> fields, int64_t count) {
  if (count < 1 || count > std::numeric_limits<int32_t>::max())
    return failure("{} samples cannot be generated; the count must lie between 1 and {}", count,
                   std::numeric_limits<int32_t>::max());
  std::unique_ptr<MemoryReader> reader(new MemoryReader(std::move(fields), count));
  for (const Field &field : reader->columns) {
    std::vector<int64_t> shape = field.shape;
    shape.insert(shape.begin(), count);
    std::optional<uint64_t> bytes = bytesOf(storedTypeOf(field.type), shape);
    void *memory = bytes ? std::aligned_alloc(64, std::max<uint64_t>((*bytes + 63) / 64 * 64, 64)) : nullptr;
    if (!memory)
      return failure("there is not enough memory for {} samples of field '{}', which have the shape {}", count,
                     field.name, shapeText(field.shape));
    reader->values.emplace_back(static_cast<uint8_t *>(memory), std::free);
  }
  return reader;
}

template <typename T> static int64_t firstBad(const uint8_t *data, int64_t count, int64_t classes) {
  auto *at = reinterpret_cast<const T *>(data);
  return std::find_if(at, at + count,
                      [=](T x) {
                        if constexpr (std::is_floating_point_v<T>)
                          return std::isnan(x);
                        else
                          return classes > 0 && !(x >= 0 && int64_t(x) < classes);
                      }) -
         at;
}

Status MemoryReader::check(const std::string &name) const {
  for (size_t i = 0; i < columns.size(); ++i) {
    const Field &field = columns[i];
    int64_t total = field.elements() * samples, bad = total;
    if (field.type == ElementType::F32)
      bad = firstBad<float>(values[i].get(), total, 0);
    else if (field.type == ElementType::I32)
      bad = firstBad<int32_t>(values[i].get(), total, field.classes);
    if (bad != total)
      return failure("{}: sample {} has {} in field '{}'", name, bad / field.elements(),
                     field.classes ? format("a label outside of 0 to {}", field.classes - 1) : std::string("a NaN"),
                     field.name);
  }
  return Status::success();
}

Status MemoryReader::read(size_t field, const int32_t *indices, size_t count, void *destination) const {
  uint64_t step = columns[field].bytes();
  for (size_t i = 0; i < count; ++i)
    std::memcpy(static_cast<uint8_t *>(destination) + i * step, values[field].get() + indices[i] * step, step);
  return Status::success();
}

ConcatReader::ConcatReader(std::vector<std::unique_ptr<Reader>> list, int64_t count)
    : Reader(list[0]->fields(), count), parts(std::move(list)) {
  starts.push_back(0);
  for (auto &part : parts) {
    starts.push_back(starts.back() + part->count());
    leftOut += part->skipped();
    for (const DataFile &file : part->files())
      sources.push_back(file);
    for (const std::string &note : part->notes())
      remarks.push_back(note);
    sampleFiles.insert(sampleFiles.end(), part->sampleNames().begin(), part->sampleNames().end());
  }
  for (size_t field = 0; field < columns.size(); ++field)
    names[field] = parts[0]->classNames(field);
}

Expected<std::unique_ptr<Reader>> ConcatReader::make(std::vector<std::unique_ptr<Reader>> parts) {
  assert(!parts.empty() && "nothing to concatenate");
  if (parts.size() == 1)
    return std::move(parts[0]);
  int64_t count = 0;
  for (auto &part : parts) {
    count += part->count();
    for (size_t field = 0; field < part->fields().size(); ++field)
      if (part->classNames(field) != parts[0]->classNames(field))
        return failure("the files of a domain name the classes of field '{}' differently; give '{}_names' to fix their "
                       "order",
                       part->fields()[field].name, part->fields()[field].name);
  }
  if (count > std::numeric_limits<int32_t>::max())
    return failure("a domain of {} samples is too large; at most {} are supported", count,
                   std::numeric_limits<int32_t>::max());
  return std::unique_ptr<Reader>(new ConcatReader(std::move(parts), count));
}

Status ConcatReader::read(size_t field, const int32_t *indices, size_t count, void *destination) const {
  uint64_t step = columns[field].bytes();
  auto *to = static_cast<uint8_t *>(destination);
  for (size_t i = 0; i < count; ++i, to += step) {
    size_t part = std::upper_bound(starts.begin(), starts.end(), indices[i]) - starts.begin() - 1;
    int32_t index = static_cast<int32_t>(indices[i] - starts[part]);
    if (Status status = parts[part]->read(field, &index, 1, to); status.failed())
      return status;
  }
  return Status::success();
}

bool ConcatReader::readsAhead() const {
  return std::any_of(parts.begin(), parts.end(), [](auto &part) { return part->readsAhead(); });
}

void ConcatReader::expect(size_t field, const int32_t *indices, size_t count) const {
  std::vector<std::vector<int32_t>> byPart(parts.size());
  for (size_t i = 0; i < count; ++i) {
    size_t part = std::upper_bound(starts.begin(), starts.end(), indices[i]) - starts.begin() - 1;
    byPart[part].push_back(static_cast<int32_t>(indices[i] - starts[part]));
  }
  for (size_t part = 0; part < parts.size(); ++part)
    parts[part]->expect(field, byPart[part].data(), byPart[part].size());
}

} // namespace xfer::rt
