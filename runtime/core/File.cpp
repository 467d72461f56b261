#include "runtime/core/File.h"
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <tuple>
#include <unistd.h>

namespace xfer::rt {

static constexpr std::string_view partialSuffix = ".partial";

std::string systemReason(int number) {
  switch (number) {
  case ENOENT:
    return "there is no such file or folder";
  case EACCES:
  case EPERM:
    return "permission is denied";
  case ENOSPC:
    return "the disk is full; make room or write elsewhere";
  case EDQUOT:
    return "the disk quota is used up; make room or write elsewhere";
  case EROFS:
    return "the file system is read-only; write elsewhere";
  case EFBIG:
    return "the file would be larger than is allowed; raise the limit (ulimit -f)";
  default:
    char buffer[256];
    std::string text = strerror_r(number, buffer, sizeof(buffer));
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])))
      text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
  }
}

static std::string parentOf(const std::string &path) {
  size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

static Status cannot(const char *what, const std::string &path) {
  return failure("cannot {} '{}': {}", what, path, systemReason(errno));
}

static const char *kindOf(const struct stat &info) {
  return S_ISDIR(info.st_mode) ? "a folder" : S_ISFIFO(info.st_mode) ? "a pipe" : "a device";
}

Expected<Bytes> mapFile(const std::string &path) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return cannot("read", path);
  struct stat info;
  if (fstat(file, &info) < 0) {
    Status status = cannot("read", path);
    close(file);
    return status;
  }
  if (!S_ISREG(info.st_mode)) {
    close(file);
    return failure("cannot read '{}': it is {}", path, kindOf(info));
  }
  uint64_t size = info.st_size;
  if (size == 0) { // an empty range cannot be mapped
    close(file);
    static const uint8_t nothing = 0;
    return Bytes{&nothing, 0, nullptr};
  }
  void *address = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  Status status = address == MAP_FAILED ? cannot("map", path) : Status();
  close(file);
  if (status.failed())
    return status;
  std::shared_ptr<const void> owner(address, [size](void *start) { munmap(start, size); });
  return Bytes{static_cast<const uint8_t *>(address), size, std::move(owner)};
}

bool fileExists(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool FileStamp::operator==(const FileStamp &other) const {
  return std::tie(device, number, size, seconds, nanoseconds) ==
         std::tie(other.device, other.number, other.size, other.seconds, other.nanoseconds);
}

std::optional<FileStamp> stampOf(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) < 0 || !S_ISREG(info.st_mode))
    return std::nullopt;
  return FileStamp{info.st_dev, info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec,
                   info.st_mtim.tv_nsec};
}

Status checkTarget(const std::string &path) {
  struct stat info;
  if (stat(path.c_str(), &info) < 0)
    return Status::success(); // whoever makes it finds out why it cannot be made
  // A file takes the place of what has its name: a device or pipe would be gone.
  if (!S_ISREG(info.st_mode))
    return failure("cannot write '{}': it is {}", path, kindOf(info));
  // The folder would allow to replace it; whoever protected the file would not.
  return access(path.c_str(), W_OK) < 0 ? cannot("write", path) : Status::success();
}

void syncFolder(const std::string &path) {
  int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0)
    return;
  fsync(folder);
  close(folder);
}

Status makeFolder(const std::string &path, std::vector<std::string> *made) {
  for (size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    std::string folder = path.substr(0, end);
    if (mkdir(folder.c_str(), 0777) == 0) {
      syncFolder(parentOf(folder));
      if (made)
        made->push_back(folder);
    } else if (errno != EEXIST && errno != EISDIR)
      return cannot("make folder", folder);
  }
  struct stat info;
  if (stat(path.c_str(), &info) < 0)
    return cannot("make folder", path);
  if (!S_ISDIR(info.st_mode))
    return failure("cannot make folder '{}': a file of that name is in the way", path);
  return Status::success();
}

std::string joinPath(const std::string &folder, const std::string &path) {
  if (folder.empty() || (!path.empty() && path[0] == '/'))
    return path;
  return folder.back() == '/' ? folder + path : folder + "/" + path;
}

// A writer holds a lock on its partial file, so one that can be locked belongs to nobody any more.
static void removeAbandoned(const std::string &path) {
  std::string folder = parentOf(path), start = path.substr(path.find_last_of('/') + 1) + ".";
  DIR *listing = opendir(folder.c_str());
  if (!listing)
    return;
  while (dirent *entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.size() <= start.size() + partialSuffix.size() || name.substr(0, start.size()) != start ||
        name.substr(name.size() - partialSuffix.size()) != partialSuffix)
      continue;
    std::string found = joinPath(folder, std::string(name));
    int file = open(found.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
      continue;
    if (flock(file, LOCK_EX | LOCK_NB) == 0)
      unlink(found.c_str());
    close(file);
  }
  closedir(listing);
}

Expected<AtomicFile> AtomicFile::create(const std::string &path) {
  static std::atomic<unsigned> counter{0};
  if (Status status = checkTarget(path); status.failed())
    return status;
  removeAbandoned(path);
  while (true) {
    std::string partial = format("{}.{}-{}{}", path, getpid(), counter++, partialSuffix);
    int file = open(partial.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0 && errno == EEXIST)
      continue;
    if (file < 0)
      return cannot("write", path);
    // Another writer may have removed the file between its creation and the lock.
    struct stat info;
    flock(file, LOCK_EX | LOCK_NB);
    if (fstat(file, &info) == 0 && info.st_nlink > 0)
      return AtomicFile(path, partial, file);
    close(file);
  }
}

AtomicFile::AtomicFile(AtomicFile &&other) noexcept
    : path(std::move(other.path)), partial(std::move(other.partial)), file(other.file), written(other.written) {
  other.file = -1;
}

AtomicFile::~AtomicFile() {
  if (file < 0)
    return;
  unlink(partial.c_str());
  close(file);
}

Status AtomicFile::write(const void *data, uint64_t size) {
  auto *at = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t done = ::write(file, at, std::min<uint64_t>(size, 1u << 30));
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return cannot("write", path);
    at += done;
    size -= done;
    written += done;
  }
  return Status::success();
}

Status AtomicFile::makeExecutable() { return fchmod(file, 0755) < 0 ? cannot("write", path) : Status::success(); }

Status AtomicFile::commit() {
  if (fsync(file) < 0 || rename(partial.c_str(), path.c_str()) < 0)
    return cannot("write", path);
  close(file);
  file = -1;
  syncFolder(parentOf(path)); // the new name is on the disk only when its folder is
  return Status::success();
}

Status replaceFile(const std::string &path, std::string_view content) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.status();
  if (Status status = file->write(content); status.failed())
    return status;
  return file->commit();
}

Expected<std::string> cacheFolder() {
  std::string folder;
  if (const char *named = getenv("XFER_CACHE"); named && *named)
    folder = named;
  else if (const char *base = getenv("XDG_CACHE_HOME"); base && *base)
    folder = joinPath(base, "xfer");
  else if (const char *home = getenv("HOME"); home && *home)
    folder = joinPath(home, ".cache/xfer");
  else
    return failure("there is no folder for the cache: set XFER_CACHE to a folder that can be written");
  if (Status status = makeFolder(folder); status.failed())
    return failure("{}; set XFER_CACHE to a folder that can be written", status.message());
  return folder;
}

} // namespace xfer::rt
