// Many small files under one root: a folder, or a zip archive, whose members are read in place. Each is known by its
// path below the root, with slashes, whatever the root is.
#ifndef XFER_RUNTIME_DATA_FILETREE_H
#define XFER_RUNTIME_DATA_FILETREE_H

#include "runtime/core/ZipFile.h"
#include <memory>
#include <unordered_map>

namespace xfer::rt {

class FileTree {
public:
  // A folder, or an archive whose name ends in .zip. An archive with a member that would lie outside of it is refused.
  static Expected<FileTree> open(const std::string &root);
  // A folder in which nothing is looked for.
  static FileTree folder(const std::string &root);

  // Sorted; without what is hidden (names that begin with a point, __MACOSX).
  const std::vector<std::string> &names() const { return list; }
  bool isArchive() const { return archive != nullptr; }
  const std::string &path() const { return root; }
  // For messages.
  std::string nameOf(const std::string &file) const { return nameBelow(root, file); }
  // The same with another name for the root.
  std::string nameBelow(const std::string &top, const std::string &file) const;

  bool has(const std::string &file) const;
  // The whole file, of at most `limit` bytes. May be called from several threads at once.
  Expected<Bytes> read(const std::string &file, uint64_t limit) const;

private:
  std::string root;
  std::vector<std::string> list;
  std::shared_ptr<const ZipFile> archive;
  std::unordered_map<std::string, const ZipMember *> members;
};

// The names of the folders in a folder, sorted, without what is hidden.
Expected<std::vector<std::string>> foldersIn(const std::string &root);

// "a/../b" is "b"; what leads above the beginning keeps its "..".
std::string simplePath(const std::string &path);

} // namespace xfer::rt

#endif
