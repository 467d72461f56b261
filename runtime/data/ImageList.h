// Which files make the samples of `images(..)`, and what is known of each beside its pictures.
#ifndef XFER_RUNTIME_DATA_IMAGELIST_H
#define XFER_RUNTIME_DATA_IMAGELIST_H

#include "runtime/data/FileTree.h"
#include "runtime/data/Format.h"
#include <map>

namespace xfer::rt {

// Fields with rows and columns are pictures, the others values that names of files or cells of a table hold.
inline bool isPicture(const Field &field) { return field.shape.size() >= 2; }

// The field that says what became of the pictures of another one: int[4], height and width in the file, rows and
// columns that they take up.
inline std::string frameName(const Field &picture) { return picture.name + ":frame"; }
inline bool isFrame(const Field &field) { return field.name.find(":frame") != std::string::npos; }

// Values of a field that the list itself knows: a row for each sample.
struct KnownValues {
  StoredType type;
  uint64_t rowBytes;
  std::vector<uint8_t> rows;
  std::vector<std::string> names = {}; // of classes
};

// What is said of a picture beside its file; 0 is nothing.
struct ImageSize {
  int64_t height = 0, width = 0;
};

struct ImageList {
  FileTree tree;
  int64_t samples = 0;
  // By field: the file of each sample for a picture, the text of each for a value.
  std::vector<std::vector<std::string>> cells;
  std::map<size_t, KnownValues> known; // by field, instead of cells
  std::vector<ImageSize> sizes;        // by sample; empty if nothing is said
  std::string source;                  // who says so
  std::vector<std::string> notes;
  std::vector<DataFile> files; // beside those of the tree: the table

  bool isPicture(const std::vector<Field> &fields, size_t field) const {
    return rt::isPicture(fields[field]) && !known.count(field);
  }
};

// The positional argument is a folder, a zip archive, or a table of files (.csv, .tsv).
Expected<ImageList> listImages(FormatRequest &request);

// The samples of the list: its pictures decoded, by the arguments that all readers of pictures have (`resize`,
// `on_error`, `cache`).
Expected<FormatResult> readPictures(FormatRequest &request, ImageList list);

// A failure that names all files of the pictures that are not there; `where` begins the sentence.
Status checkPresent(const ImageList &list, const std::vector<Field> &fields, const std::string &where);

// "dog, cat" as two names.
std::vector<std::string> splitNames(const std::string &text);
// The first of them, for messages.
std::string shownNames(const std::vector<std::string> &names);

// The values of a field that is no picture: a number each, or the place of its name among the sorted names (in the
// order of numbers where all are numbers), or among those of `FIELD_names`.
Expected<Array> valuesOf(FormatRequest &request, const Field &field, const std::vector<std::string> &texts,
                         const std::string &root, std::vector<std::string> &names);

} // namespace xfer::rt

#endif
