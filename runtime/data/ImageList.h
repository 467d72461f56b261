// Which files make the samples of `images(..)`, and what is known of each beside its pictures.
#ifndef XFER_RUNTIME_DATA_IMAGELIST_H
#define XFER_RUNTIME_DATA_IMAGELIST_H

#include "runtime/data/FileTree.h"
#include "runtime/data/Format.h"

namespace xfer::rt {

// Fields with rows and columns are pictures, the others values that names of files or cells of a table hold.
inline bool isPicture(const Field &field) { return field.shape.size() >= 2; }

struct ImageList {
  FileTree tree;
  int64_t samples = 0;
  // By field: the file of each sample for a picture, the text of each for a value.
  std::vector<std::vector<std::string>> cells;
  std::vector<std::string> notes;
  std::vector<DataFile> files; // beside those of the tree: the table
};

// The positional argument is a folder, a zip archive, or a table of files (.csv, .tsv).
Expected<ImageList> listImages(FormatRequest &request);

// The values of a field that is no picture: a number each, or the place of its name among the sorted names (in the
// order of numbers where all are numbers), or among those of `FIELD_names`.
Expected<Array> valuesOf(FormatRequest &request, const Field &field, const std::vector<std::string> &texts,
                         const std::string &root, std::vector<std::string> &names);

} // namespace xfer::rt

#endif
