// The samples of a domain: a number of them, each with the same fields, read by index in any order with bounded memory.
#ifndef XFER_RUNTIME_DATA_READER_H
#define XFER_RUNTIME_DATA_READER_H

#include "runtime/core/Hash.h"
#include "runtime/data/Array.h"
#include "runtime/data/Field.h"
#include <memory>
#include <optional>
#include <variant>

namespace xfer::rt {

// A file that samples come from, as it lies on the disk.
struct DataFile {
  DataFile(std::string path, Bytes content) : path(std::move(path)), bytes(content.size), content(std::move(content)) {}
  DataFile(std::string path, uint64_t bytes, uint64_t hash) : path(std::move(path)), bytes(bytes), known(hash) {}
  uint64_t hash() const { return known ? *known : hashBytes(content.data, content.size); }

  std::string path;
  uint64_t bytes;

private:
  Bytes content;
  std::optional<uint64_t> known;
};

class Reader {
public:
  virtual ~Reader() = default;

  const std::vector<Field> &fields() const { return columns; }
  int64_t count() const { return samples; }
  const std::vector<DataFile> &files() const { return sources; }
  // Of a class whose values were names in the file: the names in the order of the numbers, else empty.
  const std::vector<std::string> &classNames(size_t field) const { return names[field]; }

  // What the user should know of the data, one sentence each.
  const std::vector<std::string> &notes() const { return remarks; }

  // Samples that could not be read and were left out.
  int64_t skipped() const { return leftOut; }

  // Puts field number `field` of the samples `indices[0 .. count - 1]` one after the other into `destination`. May be
  // called from several threads at once.
  virtual Status read(size_t field, const int32_t *indices, size_t count, void *destination) const = 0;
  // Field number `field` of these samples will be read soon.
  virtual void expect(size_t /*field*/, const int32_t * /*indices*/, size_t /*count*/) const {}
  // Whether that is of use.
  virtual bool readsAhead() const { return false; }
  // Of samples that are files: the file of each, else empty.
  const std::vector<std::string> &sampleNames() const { return sampleFiles; }

protected:
  Reader(std::vector<Field> fields, int64_t samples)
      : columns(std::move(fields)), samples(samples), names(columns.size()) {}

  std::vector<Field> columns;
  int64_t samples;
  std::vector<DataFile> sources;
  std::vector<std::vector<std::string>> names;
  std::vector<std::string> remarks, sampleFiles;
  int64_t leftOut = 0;
};

// What stands in the brackets of `read idx(...)`; the name of a positional argument is empty.
struct ReaderOption {
  std::string name;
  std::variant<std::string, double, bool> value;
};

// The readers, and what their arguments mean; FIELD is the name of a field, relative files are looked up in the folder:
//   idx         FIELD: file
//   npy         FIELD: file
//   npz         (file), FIELD: member (default: the field's name)
//   safetensors (file), FIELD: tensor (default: the field's name)
//   csv, tsv    (file), FIELD: columns by name or number (from 0): "x", "x, y", "first..last" (default: the field's
//               name), FIELD_names: "cat, dog" for classes that are names (default: all names found, in alphabetical
//               order), header: true, separator: "," or tab, quotes: true or false; tabs and no quotes: tsv, and
//               csv of a file named .tsv
//   lines       (file): a text a line; blank lines are skipped
//   windows     (file), length: characters of a text, stride: from one to the next (default: the length)
//   svmlight    (file), from: 0 or 1, FIELD: "label", "features" or "query" (default: by what the field is),
//               FIELD_names: "-1, 1" for classes that are other numbers or words
//   word_counts (file), words: a file with a word a line, FIELD: "label" or "features", FIELD_names
//   images      (root): a folder or zip archive of JPEG and PNG files, or a table of them (csv, tsv). Fields with rows
//               and columns are pictures, the others values. Of a folder each FIELD is a pattern (PathPattern.h): that
//               of the first picture finds the samples (default: "{label}/**" for the first value 'label', "**" without
//               one), those of others are filled with what it found (default of a value: "{FIELD}"). Of a table each is
//               a column (default: the field's name), files are looked up beside it. FIELD_names as for csv; resize:
//               true, "bilinear" or "bicubic" brings pictures to the size of their field as PIL does it (masks: by the
//               nearest pixel), FIELD_resize those of one field;
//               on_error: "fail", or "skip" what cannot be read; cache: MiB of pictures that are kept decoded (default:
//               4096), of what goes beyond it each is decoded when it is used
//               Compiled programs also ask for FIELD_resize: "letterbox" (scaled alike along both sides, in the middle
//               of zeros) and for fields FIELD:frame, int[4]: height and width of the picture in its file, rows and
//               columns that it takes up in the sample
//   coco        (file): instances in the JSON of COCO; FIELD: "images", "bbox" (left, top, right, bottom in pixels) or
//               "category" (default: by what the field is), a bounded dimension is their number; files: the folder or
//               zip archive of the pictures (default: beside the file), FIELD_names: categories in an order of their
//               own (default: by their ids); resize, on_error, cache as for images
// Fields of text (`Field::tokenizer`) come from csv, tsv, lines and windows.
// The first line of a csv holds the names unless `header` is false. Text files and idx files may be gzipped.
// `threads` decode pictures, 0: as many as there are processors; no sample depends on it.
Expected<std::unique_ptr<Reader>> makeReader(std::string_view name, const std::vector<ReaderOption> &options,
                                             const std::vector<Field> &fields, const std::string &folder,
                                             unsigned threads = 0);

// Samples that the program makes itself; whoever makes them fills data(field) from 0 to count - 1, then calls check().
class MemoryReader : public Reader {
public:
  static Expected<std::unique_ptr<MemoryReader>> make(std::vector<Field> fields, int64_t count);
  void *data(size_t field) { return values[field].get(); }
  // Labels in range, no NaN; `name` is for messages.
  Status check(const std::string &name) const;
  Status read(size_t field, const int32_t *indices, size_t count, void *destination) const override;

private:
  MemoryReader(std::vector<Field> fields, int64_t count);
  std::vector<std::shared_ptr<uint8_t>> values;
};

// Several readers with the same fields, one after the other. The class names must agree.
class ConcatReader : public Reader {
public:
  static Expected<std::unique_ptr<Reader>> make(std::vector<std::unique_ptr<Reader>> parts);
  Status read(size_t field, const int32_t *indices, size_t count, void *destination) const override;
  void expect(size_t field, const int32_t *indices, size_t count) const override;
  bool readsAhead() const override;

private:
  ConcatReader(std::vector<std::unique_ptr<Reader>> parts, int64_t count);
  std::vector<std::unique_ptr<Reader>> parts;
  std::vector<int64_t> starts; // of each part, and the end
};

} // namespace xfer::rt

#endif
