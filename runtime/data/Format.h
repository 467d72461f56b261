// What a file format gives to makeReader: one array a field.
#ifndef XFER_RUNTIME_DATA_FORMAT_H
#define XFER_RUNTIME_DATA_FORMAT_H

#include "runtime/data/Reader.h"
#include "runtime/data/SparseRows.h"
#include <map>

namespace xfer::rt {

struct FormatResult {
  std::vector<Array> arrays;           // in the order of the fields
  std::map<size_t, SparseRows> sparse; // by field: what stands for its array, which holds nothing
  std::vector<DataFile> files;
  std::vector<std::vector<std::string>> names; // class names, one list a field
  std::vector<std::string> notes;              // what the user should know
  std::vector<std::string> sampleFiles;        // of samples that are files: the file of each
  int64_t skipped = 0;                         // samples that could not be read and were left out
};

// The arguments of a reader. Who takes one marks it as known; what is left is refused.
class FormatRequest {
public:
  FormatRequest(std::string reader, const std::vector<ReaderOption> &options, const std::vector<Field> &fields,
                std::string folder, unsigned threads);

  const std::string &reader() const { return name; }
  const std::vector<Field> &fields() const { return wanted; }
  // How many may work on it.
  unsigned threads() const { return threadCount; }

  // The positional argument: the file that holds every field.
  Expected<std::string> file();
  // All positional arguments, where there may be several.
  Expected<std::vector<std::string>> allFiles();
  // A file of its own for the field.
  Expected<std::string> fileOf(const Field &field);
  // A file that is named by an option.
  Expected<std::string> fileNamed(const std::string &option);
  // The name by which the program calls a file or folder: without the folder in which they are looked up.
  std::string asGiven(const std::string &path) const;
  // What the field is called in the file; `otherwise` if nothing is said.
  Expected<std::string> text(const std::string &option, const std::string &otherwise);
  Expected<double> number(const std::string &option, double otherwise);
  Expected<bool> flag(const std::string &option, bool otherwise);
  // A text, or `true` and `false` as the texts of these names.
  Expected<std::string> choice(const std::string &option, const std::string &otherwise);
  // Fails if an argument is left that nobody asked for.
  Status finish() const;

private:
  const ReaderOption *take(const std::string &option);
  std::string name;
  std::vector<std::pair<const ReaderOption *, bool>> options; // and whether it was taken
  const std::vector<Field> &wanted;
  std::string folder;
  unsigned threadCount;
};

Expected<FormatResult> readIdx(FormatRequest &request);
Expected<FormatResult> readNpy(FormatRequest &request);
Expected<FormatResult> readNpz(FormatRequest &request);
Expected<FormatResult> readSafetensors(FormatRequest &request);
Expected<FormatResult> readCsv(FormatRequest &request);
Expected<FormatResult> readSvmlight(FormatRequest &request);
Expected<FormatResult> readWordCounts(FormatRequest &request);
Expected<FormatResult> readLines(FormatRequest &request);
Expected<FormatResult> readImages(FormatRequest &request);
Expected<FormatResult> readCoco(FormatRequest &request);
Expected<FormatResult> readWindows(FormatRequest &request);

} // namespace xfer::rt

#endif
