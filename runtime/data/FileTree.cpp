#include "runtime/data/FileTree.h"
#include "runtime/core/File.h"
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xfer::rt {

std::string simplePath(const std::string &path) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    std::string part = path.substr(at, end - at);
    at = end + 1;
    if (part == ".." && !parts.empty() && parts.back() != "..")
      parts.pop_back();
    else if (!part.empty() && part != ".")
      parts.push_back(std::move(part));
  }
  std::string result = !path.empty() && path[0] == '/' ? "/" : "";
  for (size_t i = 0; i < parts.size(); ++i)
    result += (i ? "/" : "") + parts[i];
  return result;
}

static bool isHidden(std::string_view name) { return name.empty() || name[0] == '.' || name == "__MACOSX"; }

static bool isHiddenPath(const std::string &path) {
  for (size_t at = 0; at < path.size();) {
    size_t end = std::min(path.find('/', at), path.size());
    if (isHidden(std::string_view(path).substr(at, end - at)))
      return true;
    at = end + 1;
  }
  return false;
}

static Status listFolder(const std::string &root, const std::string &below, int depth,
                         std::vector<std::string> &names) {
  const std::string path = below.empty() ? root : root + "/" + below;
  if (depth == 0)
    return failure("'{}' lies too deep below '{}'; is there a link to a folder above it?", path, root);
  DIR *listing = ::opendir(path.c_str());
  if (!listing)
    return failure("cannot read the folder '{}': {}", path, systemReason(errno));
  std::shared_ptr<DIR> closer(listing, ::closedir);
  while (dirent *entry = ::readdir(listing)) {
    if (isHidden(entry->d_name))
      continue;
    std::string name = below.empty() ? entry->d_name : below + "/" + entry->d_name;
    struct stat facts;
    if (::fstatat(::dirfd(listing), entry->d_name, &facts, 0) != 0)
      return failure("cannot read '{}/{}': {}", path, entry->d_name, systemReason(errno));
    if (S_ISDIR(facts.st_mode)) {
      if (Status status = listFolder(root, name, depth - 1, names); status.failed())
        return status;
    } else if (S_ISREG(facts.st_mode)) {
      names.push_back(std::move(name));
    }
  }
  return Status::success();
}

Expected<std::vector<std::string>> foldersIn(const std::string &root) {
  std::vector<std::string> names;
  DIR *listing = ::opendir(root.c_str());
  if (!listing)
    return failure("cannot read the folder '{}': {}", root, systemReason(errno));
  while (dirent *entry = ::readdir(listing)) {
    struct stat facts;
    if (!isHidden(entry->d_name) && ::fstatat(::dirfd(listing), entry->d_name, &facts, 0) == 0 &&
        S_ISDIR(facts.st_mode))
      names.push_back(entry->d_name);
  }
  ::closedir(listing);
  std::sort(names.begin(), names.end());
  return names;
}

static bool endsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

FileTree FileTree::folder(const std::string &root) {
  FileTree tree;
  tree.root = root;
  return tree;
}

Expected<FileTree> FileTree::open(const std::string &root) {
  FileTree tree = folder(root);
  if (!endsWith(root, ".zip")) {
    if (Status status = listFolder(root, "", 32, tree.list); status.failed())
      return status;
    std::sort(tree.list.begin(), tree.list.end());
    return tree;
  }
  Expected<Bytes> file = mapFile(root);
  if (!file)
    return file.status();
  Expected<ZipFile> zip = ZipFile::open(*file, root);
  if (!zip)
    return zip.status();
  tree.archive = std::make_shared<const ZipFile>(std::move(*zip));
  for (const ZipMember &member : tree.archive->members()) {
    const std::string simple = simplePath(member.name);
    if (member.name.find('\\') != std::string::npos || member.name.find('\0') != std::string::npos ||
        simple.substr(0, 1) == "/" || simple.substr(0, 2) == "..")
      return failure("'{}' has a member '{}', which would lie outside of it; do not trust this archive", root,
                     member.name.substr(0, 200));
    if (member.name.empty() || member.name.back() == '/' || isHiddenPath(simple))
      continue;
    if (!tree.members.emplace(simple, &member).second)
      return failure("'{}' has two members '{}'; copy the file again", root, simple);
    tree.list.push_back(simple);
  }
  std::sort(tree.list.begin(), tree.list.end());
  return tree;
}

std::string FileTree::nameBelow(const std::string &top, const std::string &file) const {
  return archive ? top + ":" + file : simplePath(joinPath(top, file));
}

bool FileTree::has(const std::string &file) const {
  return archive ? members.count(simplePath(file)) != 0 : fileExists(joinPath(root, file));
}

// Read, not mapped: there may be more files than a process may map, and one that is cut while it is read is no harm.
static Expected<Bytes> readWhole(const std::string &path, uint64_t limit) {
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  auto fail = [&] { return failure("cannot read '{}': {}", path, systemReason(errno)); };
  if (file < 0)
    return fail();
  std::shared_ptr<int> closer(&file, [](int *open) { ::close(*open); });
  struct stat facts;
  if (::fstat(file, &facts) != 0)
    return fail();
  if (!S_ISREG(facts.st_mode))
    return failure("'{}' is no file", path);
  if (static_cast<uint64_t>(facts.st_size) > limit)
    return failure("'{}' has {} bytes; at most {} are read", path, facts.st_size, limit);
  auto memory = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(facts.st_size));
  size_t at = 0;
  while (at < memory->size()) {
    ssize_t got = ::read(file, memory->data() + at, memory->size() - at);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail();
    if (got == 0)
      break;
    at += static_cast<size_t>(got);
  }
  return Bytes{memory->data(), at, memory};
}

Expected<Bytes> FileTree::read(const std::string &file, uint64_t limit) const {
  if (!archive)
    return readWhole(joinPath(root, file), limit);
  auto found = members.find(simplePath(file));
  if (found == members.end())
    return failure("'{}' has no member '{}'", root, file);
  if (found->second->size > limit)
    return failure("'{}' has {} bytes; at most {} are read", nameOf(file), found->second->size, limit);
  return archive->inMemory(*found->second);
}

} // namespace xfer::rt
